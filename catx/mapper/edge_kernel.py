"""Compiled lower bounds of what cannot overlap: the first and the last tile of each store."""

from typing import Any

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import N_ROLES, NONE, OUT, Bench
from catx.mapper.close_kernel import reduced, span
from catx.mapper.tree_kernel import EVERY, MISSING, Frame, Tree


@kernel
def edge(w: Bench, s: Tree, x: Any, up: Any, m: int, role: int) -> float:
    """Cycles, at least, of a store's first or last full tile that nothing overlaps; extents from x to `up`.

    A single buffer's own time for it is counted with all that it moves.
    """
    parent, zone = s.parent[m, role], s.zone_of[m]
    tile = span(w, role, x)
    across = tile
    for d in range(w.n_dims):
        indexes = w.axis_of[role, d] >= 0
        apart = float(x[d]) if indexes else 1.0
        for f in range(zone - 1, s.zone_of[parent] - 1, -1):
            who = EVERY if indexes else role
            apart = apart * s.mul[f, who, d] + s.add[f, who, d]
        if not s.halo[role, d]:
            across *= min(apart, w.extents[d]) / x[d] if indexes else apart
    width, wide = w.width[role], w.accumulator
    if role == OUT:
        alone = tile * (width if reduced(w, s, zone, NONE) else wide) / w.read_rate[m]
        outer = width if reduced(w, s, s.zone_of[parent], NONE) else wide
        wait = max(alone, across * outer / w.write_rate[parent])
    else:
        alone = tile * width / w.write_rate[m]
        wait = max(alone, across * width / w.read_rate[parent])
    return float(wait if w.double[m] else max(0.0, wait - alone * span(w, role, up) / tile))


@kernel
def spread_least(s: Tree, f: int, d: int, x: int) -> int:
    """Extent outside of a fanout, at least: the last instance may have a single element."""
    return int(x * s.mul[f, EVERY, d] + s.add[f, EVERY, d])


@kernel
def edges_least(w: Bench, s: Tree, fr: Frame, x: Any) -> float:
    """Cycles, at least, of the first and last tiles of stores that are missing, from extents x on."""
    s.waits = 0.0
    if w.overlap_only:
        return 0.0
    for d in range(w.n_dims):
        s.reach[d] = x[d]
    zone = fr.zone
    for m in range(w.n_memories - 1, 0, -1):
        if s.zone_of[m] > fr.zone:
            continue
        while zone > s.zone_of[m]:
            zone -= 1
            for d in range(w.n_dims):
                s.reach[d] = spread_least(s, zone, d, s.reach[d])
        for role in range(N_ROLES):
            if w.double[m] and s.kept[m, role] and fr.placed[m, role] == MISSING:
                s.edge_of[m, role] = edge(w, s, s.reach, s.reach, m, role)
                s.waits += s.edge_of[m, role]
    return float(s.waits)
