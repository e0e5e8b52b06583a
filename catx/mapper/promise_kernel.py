"""Compiled lower bounds: what no completion of a nest beats that keeps its instances busy."""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import BUSIEST, N_ROLES, NONE, OUT, TOTAL, Bench
from catx.mapper.close_kernel import add_parts, cost_store, touched_along
from catx.mapper.edge_kernel import edges_least
from catx.mapper.factor_kernel import ceil_div, clear_factors, spread_dim
from catx.mapper.front_kernel import beaten
from catx.mapper.growth_kernel import held_most, inside_most
from catx.mapper.layer_kernel import choose_layers
from catx.mapper.load_kernel import crowd_least, load_least, port_load
from catx.mapper.tree_kernel import (
    AIM_ENERGY,
    AIM_TIME,
    CLOSED,
    EVERY,
    LEAST_J,
    MISSING,
    N_LAYERINGS,
    NO,
    SHARE,
    WHOLE,
    YES,
    ZERO,
    Frame,
    Tree,
    start_zone,
)


@kernel
def cycles_least(w: Bench, s: Tree, fr: Frame) -> float:
    """Latency at least."""
    changes = 1.0
    if s.stopping >= 0:
        changes = fr.changes
        for role in range(N_ROLES):
            if s.kept[s.stopping, role] and fr.placed[s.stopping, role] != CLOSED:
                changes = 1.0
    stops = 0.0 if w.overlap_only else w.unit_pipeline * changes
    return float(load_least(w, fr) + fr.edges + stops + s.launch)


@kernel
def promise(s: Tree, energy: float, time: float) -> None:
    """Note what a frame promises at best."""
    s.promise_j, s.promise_s = energy, time
    s.promise = time if s.aim == AIM_TIME else energy if s.aim == AIM_ENERGY else (energy + LEAST_J) * time


@kernel
def hopeless(w: Bench, s: Tree, fr: Frame, waits: float, rest: float) -> bool:
    """Whether nothing that a frame leads to can enter the front; writes what it promises to `s.promise`.

    Args:
        w: the einsum and the accelerator.
        s: the tree.
        fr: the frame.
        waits: cycles of first and last tiles of missing stores, at least.
        rest: energy [J] of missing stores beyond `least`, at least.
    """
    if rest == np.inf:
        return True
    time = (cycles_least(w, s, fr) + waits) * s.second
    energy = fr.energy + rest + s.static_w * time
    promise(s, energy, time)
    return bool(beaten(s, energy * (1.0 + s.slack), time * (1.0 + s.slack)))


@kernel
def _least_store(w: Bench, s: Tree, m: int, role: int) -> None:
    """What a store costs at least."""
    zone = s.zone_of[m]
    s.any = YES
    for d in range(w.n_dims):
        s.at[d] = s.cap[zone, d]
    cost_store(w, s, m, role, zone)
    s.least[m, role], s.least_stopped[m, role] = s.part_energy, s.part_stopped
    for i in range(w.n_memories):
        s.least_read[m, role, i], s.least_written[m, role, i] = s.part_read[i], s.part_written[i]
    for f in range(w.n_links):
        s.least_crossed[m, role, f] = s.part_crossed[f]
    s.any = NO


@kernel
def _set_across(w: Bench, s: Tree, m: int, role: int) -> None:
    """How many tiles of a store its parent serves at once, at least; the dims that each role lacks apart.

    With extents as they are outside of fanouts (WHOLE), or as what an instance has, times instances (SHARE).
    """
    zone, outer = s.zone_of[m], s.zone_of[s.parent[m, role]]
    for lacking in range(N_ROLES):
        s.across[m, role, lacking, WHOLE] = s.across[m, role, lacking, SHARE] = 1.0
    for d in range(w.n_dims):
        indexes = w.axis_of[role, d] >= 0
        if s.halo[role, d]:
            continue
        x = float(s.cap[zone, d]) if indexes else 1.0
        apart = x
        for f in range(zone - 1, outer - 1, -1):
            who = EVERY if indexes else role
            apart = apart * s.mul[f, who, d] + s.add[f, who, d]
        lacking, whole = s.group[d] if indexes else role, apart / x
        if indexes:
            whole = s.spread_most[zone, d] / s.spread_most[outer, d]
        if lacking < 0:  # `_tile_slope` has it: all instances together serve at least one element
            continue
        s.across[m, role, lacking, WHOLE] *= whole
        s.across[m, role, lacking, SHARE] *= apart / x


@kernel
def _slope_store(w: Bench, s: Tree, m: int, role: int) -> None:
    """How the least cost of a store falls with the extents of the dims that it does not index."""
    zone, most = s.zone_of[m], 1.0
    s.any = s.real = YES
    for d in range(w.n_dims):
        s.at[d] = held_most(w, s, m, role, d, s.cap[zone, d])
        if s.group[d] == role:
            most *= s.cap[zone, d]
    parent = s.parent[m, role]
    cost_store(w, s, m, role, zone)
    fallen, fallen_load = s.part_energy, port_load(w, parent, role, s.part_read, s.part_written)
    fallen_stops = s.part_stopped
    for d in range(w.n_dims):
        if s.group[d] == role:
            s.at[d] = 1
    cost_store(w, s, m, role, zone)
    load = port_load(w, parent, role, s.part_read, s.part_written)
    part = 1.0 / (1.0 - 1.0 / most) if most > 1.0 else 0.0
    s.slope[m, role] = max((s.part_energy - fallen) * part, 0.0)
    s.offset[m, role] = s.part_energy - s.slope[m, role]
    s.load_slope[m, role] = max((load - fallen_load) * part, 0.0)
    s.load_offset[m, role] = load - s.load_slope[m, role]
    s.stop_slope[m, role] = max((s.part_stopped - fallen_stops) * part, 0.0)
    s.stop_offset[m, role] = s.part_stopped - s.stop_slope[m, role]
    s.idle[m, role] = s.split[m, role] = NO
    for d in range(w.n_dims):
        if s.group[d] == role:  # instances may be idle where a dim is split more than once
            busy = 1.0
            for f in range(zone - 1, -1, -1):
                busy = busy * s.mul[f, EVERY, d] + s.add[f, EVERY, d]
            if busy < s.spread[zone, d]:
                s.idle[m, role] = YES
            part = min(1.0, busy / s.spread[zone, d])
            if s.spread_most[zone, d] > 1.0:
                s.split[m, role] = YES
                if role == OUT:  # the largest tiles need less than one visit, so cost has a bend: no chord
                    part = 0.0
            s.slope[m, role] *= part
            s.load_slope[m, role] *= part
            s.stop_slope[m, role] *= part
    s.real = s.any = NO


@kernel
def _set_extents(w: Bench, s: Tree) -> None:
    """Instances per fanout and dim, and what an instance of each zone sees."""
    clear_factors(w, s)
    for f in range(w.n_links):
        for d in range(w.n_dims):
            for who in range(N_ROLES + 1):
                s.mul[f, who, d], s.add[f, who, d] = 1.0, 0.0
    for i in range(s.n_spatial):
        axis, d, trips = s.spatial[i, 0], s.spatial[i, 1], s.spatial[i, 2]
        spread_dim(w, s, axis, d, trips)
        f = w.axis_link[axis]
        for who in range(N_ROLES + 1):
            shares = who < N_ROLES and w.axis_of[who, d] < 0 and (w.axis_shares[axis] >> who) & 1
            if not shares:
                s.mul[f, who, d] *= trips - 1
                s.add[f, who, d] = s.add[f, who, d] * (trips - 1) + 1.0
    for d in range(w.n_dims):
        together, most, cap, inside, sure = 1, 1, w.extents[d], w.extents[d], 1.0
        for zone in range(w.n_links + 1):
            s.full[zone, d] = ceil_div(w.extents[d], most)
            s.spread[zone, d], s.spread_most[zone, d], s.sure[zone, d] = together, most, sure
            s.cap[zone, d], s.inside[zone, d] = cap, inside
            if zone < w.n_links:
                inside = inside_most(w, s, zone, d, inside)
            for i in range(s.n_spatial - 1, -1, -1):
                if zone < w.n_links and w.axis_link[s.spatial[i, 0]] == zone and s.spatial[i, 1] == d:
                    s.row_cap[i] = inside
                    sure *= s.spatial[i, 2] - 1
                    cap = max(1, (cap - 1) // (s.spatial[i, 2] - 1))  # the largest tile with so many steps
                    inside = max(1, (inside - 1) // (s.spatial[i, 2] - 1))
            if zone < w.n_links:
                together *= int(s.factor[zone, d])
                most *= int(s.factor[zone, d] * s.free[zone, d])
    for role in range(N_ROLES):
        for zone in range(w.n_links + 1):
            s.size[role, zone, BUSIEST] = 1.0
            for axis in range(w.n_tensor_axes[role]):
                s.along[role, axis, zone] = touched_along(w, s, role, axis, zone)
                s.size[role, zone, BUSIEST] *= s.along[role, axis, zone]
            s.plain_size[role, zone] = s.size[role, zone, BUSIEST]
            s.size[role, zone, TOTAL] = s.size[role, ZERO, BUSIEST]


@kernel
def _merge_zones(w: Bench, s: Tree) -> None:
    """Fanouts that the unrolling does not use part nothing: memories on both sides share a zone."""
    s.outer[0] = 0
    for f in range(w.n_links):
        used = False
        for d in range(w.n_dims):
            used = used or s.factor[f, d] * s.free[f, d] > 1.0
        s.outer[f + 1] = f + 1 if used else s.outer[f]
    for m in range(w.n_memories):
        s.zone_of[m] = s.outer[s.fanouts[m]]


@kernel
def _clear_frame(w: Bench, s: Tree, fr: Frame) -> None:
    """The matrix unit's frame: one operation, nothing stored."""
    fr.zone, fr.n_rows, fr.spatial = s.outer[w.n_links], ZERO, NONE
    fr.energy, fr.edges, fr.steps = w.unit_j, 0.0, 1.0
    together = 1.0 / s.free_units
    for d in range(w.n_dims):
        fr.energy *= w.extents[d]
        fr.steps *= s.full[w.n_links, d]
        free = 1.0
        for f in range(w.n_links):
            free *= s.free[f, d]
        if free == np.floor(free):
            together *= ceil_div(w.extents[d], int(s.spread[w.n_links, d]))
        else:  # a range of factors: rounded up after the division by all of them alone
            together *= w.extents[d] / s.spread[w.n_links, d]
        fr.x[d] = fr.up[d] = 1
    fr.steps = max(fr.steps, together)
    fr.changes = np.inf
    for m in range(w.n_memories):
        fr.used[m] = fr.read[m] = fr.written[m] = 0.0
        fr.final[m] = 1
        for role in range(N_ROLES):
            fr.placed[m, role] = MISSING
    for f in range(w.n_links):
        fr.crossed[f] = 0.0
    fr.needs = fr.slides = ZERO
    start_zone(fr)


@kernel
def use_axes(w: Bench, s: Tree) -> None:
    """The unrolling is complete: no axis is free."""
    s.free_units = 1.0
    for f in range(w.n_links):
        for d in range(w.n_dims):
            s.free[f, d] = 1.0
            for role in range(N_ROLES):
                s.free_shared[f, role, d] = 1.0


@kernel
def prepare_least(w: Bench, s: Tree, frames: Any) -> tuple[float, float]:
    """What follows from einsum, accelerator, kept roles and unrolling; frame 0 is the matrix unit's.

    Returns energy [J] and latency [s] at least, if all has room. With axes that are free (`use_axes`), bounds
    are of every unrolling that uses them, too.
    """
    _set_extents(w, s)
    _merge_zones(w, s)
    fr = frames[0]
    _clear_frame(w, s, fr)
    s.real = s.any = s.chained = NO
    s.stopping = NONE
    for m in range(1, w.n_memories):
        if s.kept[m, 0] or s.kept[m, 1] or s.kept[m, 2]:
            s.stopping = m
    if s.stopping >= 0 and (w.double[s.stopping] or w.overlap_only or w.unit_pipeline == 0.0):
        s.stopping = NONE
    for role in range(N_ROLES):
        for d in range(w.n_dims):
            s.at[d] = 1
        cost_store(w, s, NONE, role, w.n_links)
        add_parts(w, s, fr)
        if role == OUT:
            fr.final[s.inner[OUT]] = s.part_final
        for m in range(1, w.n_memories):
            if s.kept[m, role]:
                _least_store(w, s, m, role)
                _add_least(w, s, fr, m, role)
    time = cycles_least(w, s, fr) * s.second
    return fr.energy + s.static_w * time, time


@kernel
def prepare_slopes(w: Bench, s: Tree) -> None:
    """What bounds need where there is little room, after `prepare_least`."""
    for m in range(1, w.n_memories):
        for role in range(N_ROLES):
            if s.kept[m, role]:
                _slope_store(w, s, m, role)
                _set_across(w, s, m, role)


@kernel
def _add_least(w: Bench, s: Tree, fr: Frame, m: int, role: int) -> None:
    """Add what a store costs at least to a frame."""
    fr.energy += s.least[m, role]
    for i in range(w.n_memories):
        fr.read[i] += s.least_read[m, role, i]
        fr.written[i] += s.least_written[m, role, i]
    for f in range(w.n_links):
        fr.crossed[f] += s.least_crossed[m, role, f]
    fr.edges += s.least_stopped[m, role]


@kernel
def bound(w: Bench, s: Tree, frames: Any) -> tuple[float, float]:
    """Energy [J] and latency [s] that no nest of the unrolling can beat, after `prepare_slopes`."""
    fr = frames[0]
    rest = choose_layers(w, s, fr)
    if rest == np.inf:
        return np.inf, np.inf
    crowd = crowd_least(w, s, fr, fr.x, load_least(w, fr))
    time = (cycles_least(w, s, fr) + crowd + edges_least(w, s, fr, fr.x)) * s.second
    return fr.energy + rest + s.static_w * time, time


@kernel
def plant(w: Bench, s: Tree, frames: Any, keeps: Any, root: Any) -> tuple[float, float]:
    """Make the tree that of a root: returns the energy [J] and latency [s] that none of its nests beats."""
    put_kept(w, s, keeps[root.kept])
    s.n_spatial = root.n_spatial
    for i in range(root.n_spatial):
        for column in range(3):
            s.spatial[i, column] = root.spatial[i, column]
    use_axes(w, s)
    prepare_least(w, s, frames)
    prepare_slopes(w, s)
    return bound(w, s, frames)


@kernel
def put_kept(w: Bench, s: Tree, kept: Any) -> None:
    """Make the tree that of a choice of what memories keep."""
    for m in range(w.n_memories):
        for role in range(N_ROLES):
            s.kept[m, role], s.parent[m, role] = kept.kept[m, role], kept.parent[m, role]
            for way in range(N_LAYERINGS):
                s.layer[way, m, role] = kept.layer[way, m, role]
    for role in range(N_ROLES):
        s.inner[role] = kept.inner[role]
    s.n_layers, s.one_layering = kept.n_layers, kept.one_layering


@kernel
def bound_roots(w: Bench, s: Tree, frames: Any, keeps: Any, roots: Any) -> None:
    """Write to roots what no nest of their trees can beat.

    Args:
        w: the einsum and the accelerator.
        s: the search.
        frames: N_FRAMES of them.
        keeps: KEPT records, one per choice of what memories keep.
        roots: ROOT records.
    """
    for i in range(len(roots)):
        roots[i].energy, roots[i].time = plant(w, s, frames, keeps, roots[i])
