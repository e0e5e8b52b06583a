"""Compiled steps that dives and proofs share: rows, stores, and what a zone still has to store."""

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import N_ROLES, OUT, STORE, Bench
from catx.mapper.close_kernel import span
from catx.mapper.edge_kernel import edge
from catx.mapper.limits_kernel import tile_fits
from catx.mapper.tree_kernel import MISSING, OPEN, ZERO, Frame, Tree


@kernel
def put_row(s: Tree, fr: Frame, kind: int, index: int, extra: int, to: int, up: int) -> None:
    """Append a row, outwards."""
    n = fr.n_rows
    s.rows[n, 0], s.rows[n, 1], s.rows[n, 2], s.rows[n, 3], s.rows[n, 4] = kind, index, extra, to, up
    fr.n_rows = n + 1


@kernel
def put_store(w: Bench, s: Tree, fr: Frame, m: int, role: int) -> bool:
    """Place a store at the frame's extents, open; False if its memory overflows or may not hold the tile."""
    if s.limited and not tile_fits(w, s, fr, m, role):
        return False
    narrow = fr.final[m] == 1
    width = w.width[role]
    if role == OUT:
        width = min(width, w.accumulator) if narrow else w.accumulator
    fr.used[m] += span(w, role, fr.x) * width * (2.0 if w.double[m] else 1.0)
    if fr.used[m] > w.capacity[m]:
        return False
    if w.overlap_only == 0:
        fr.edges += edge(w, s, fr.x, fr.up, m, role)
    put_row(s, fr, STORE, m, role, ZERO, ZERO)
    fr.placed[m, role] = OPEN
    return True


@kernel
def put_missing(w: Bench, s: Tree, fr: Frame) -> bool:
    """Place what the zone still has to store, open; False if a memory overflows."""
    for m in range(w.n_memories - 1, 0, -1):
        for role in range(N_ROLES):
            here = s.zone_of[m] == fr.zone and s.kept[m, role] and fr.placed[m, role] == MISSING
            if here and not put_store(w, s, fr, m, role):
                return False
    for d in range(w.n_dims):
        s.left[fr.zone, d] = fr.up[d]
    return True


@kernel
def missing(w: Bench, s: Tree, fr: Frame) -> int:
    """Roles that memories of the zone still have to store, as bits."""
    found = 0
    for m in range(1, w.n_memories):
        for role in range(N_ROLES):
            if s.zone_of[m] == fr.zone and s.kept[m, role] and fr.placed[m, role] == MISSING:
                found |= 1 << role
    return found


@kernel
def ready(w: Bench, s: Tree, fr: Frame, m: int, role: int) -> bool:
    """Whether a store may come next."""
    if m == 0 or s.zone_of[m] != fr.zone or not s.kept[m, role] or fr.placed[m, role] != MISSING:
        return False
    for i in range(m + 1, w.n_memories):
        if s.kept[i, role] and fr.placed[i, role] == MISSING:
            return False
    return True
