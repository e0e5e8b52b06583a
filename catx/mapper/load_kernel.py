"""Compiled lower bounds of what ports and units are loaded with."""

from typing import Any

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import N_ROLES, NONE, OUT, Bench
from catx.mapper.layer_kernel import has_layer, layer_least, set_layer, set_reach
from catx.mapper.tree_kernel import MISSING, OUTSIDE, Frame, Tree


@kernel
def load_least(w: Bench, fr: Frame) -> float:
    """Cycles that the busiest port or unit takes at least."""
    load = fr.steps / w.unit_rate
    for m in range(w.n_memories):
        if w.shared[m]:
            load = max(load, (fr.read[m] + fr.written[m]) / w.read_rate[m])
        else:
            load = max(load, fr.read[m] / w.read_rate[m], fr.written[m] / w.write_rate[m])
    for f in range(w.n_links):
        load = max(load, fr.crossed[f] / w.link_rate[f])
    return float(load)


@kernel
def port_load(w: Bench, m: int, role: int, read: Any, written: Any) -> float:
    """Cycles of a memory's port that what a role moves loads most."""
    if w.shared[m]:
        return float((read[m] + written[m]) / w.read_rate[m])
    return float(written[m] / w.write_rate[m] if role == OUT else read[m] / w.read_rate[m])


@kernel
def set_loads(w: Bench, s: Tree, fr: Frame, n: int) -> int:
    """What the missing stores of a layer load their parents with, per product of grown dims.

    Returns:
        Their parent; NONE: they have several.
    """
    common, some = NONE, False
    for role in range(N_ROLES):
        s.load_rise[role] = s.load_floor[role] = s.port[role] = 0.0
        m = s.layer[s.layering, n, role]
        if m < 0 or fr.placed[m, role] != MISSING:
            continue
        parent, zone = s.parent[m, role], s.zone_of[m]
        common = parent if not some or common == parent else NONE
        some = True
        s.load_rise[role] = s.load_slope[m, role]
        for d in range(w.n_dims):
            if s.group[d] == role:
                s.load_rise[role] *= s.sure[zone, d]
        least = port_load(w, parent, role, s.least_read[m, role], s.least_written[m, role])
        s.load_floor[role] = least - s.load_offset[m, role]
        s.port[role] = port_load(w, parent, role, fr.read, fr.written)
    return common


@kernel
def crowd_least(w: Bench, s: Tree, fr: Frame, x: Any, load: float) -> float:
    """Cycles beyond `load` that missing stores load a port with which several of them share, at least.

    Their memory has too little room for all of them to move only what must be moved in any case.
    """
    layering, most = s.layering, load
    s.layering = OUTSIDE  # these share the outermost memory
    set_reach(w, s, fr, x)
    for n in range(s.n_layers):
        if not has_layer(w, s, fr, n):
            continue
        absent = set_layer(w, s, fr, n)
        parent = set_loads(w, s, fr, n)
        if parent < 0:
            continue
        port = 0.0
        for role in range(N_ROLES):
            s.rise[role], s.floor[role] = s.load_rise[role], s.load_floor[role]
            if role == OUT and not w.shared[parent]:  # what is written has a port of its own
                s.rise[role] = s.floor[role] = 0.0
            else:
                port = max(port, s.port[role])
        most = max(most, port + layer_least(s, n, absent))
    s.layering = layering
    return most - load
