"""Compiled dives: trees searched along their most promising nests alone, for good nests to begin with.

Here all dims grow at once before a store is placed, and only such as its tensor does not index: a part of
the mapspace, but a part with good nests. `branch_kernel` searches all of it.
"""

from typing import Any

import numpy as np

from catx.costmodel.jit import inlined, kernel
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.tiles_kernel import (
    MAX_LOOPS,
    MAX_ROWS,
    N_ROLES,
    NONE,
    SEARCH,
    SPATIAL,
    STORE,
    SUM_ENERGY,
    SUM_LATENCY,
    TEMPORAL,
    Bench,
)
from catx.mapper.close_kernel import close_store, has_windows
from catx.mapper.edge_kernel import edge, edges_least
from catx.mapper.factor_kernel import ceil_div
from catx.mapper.front_kernel import beaten, enter_front
from catx.mapper.growth_kernel import outgrown, room_most
from catx.mapper.layer_kernel import rest_least
from catx.mapper.limits_kernel import obeys, sort_nest
from catx.mapper.promise_kernel import hopeless, plant
from catx.mapper.rules_kernel import open_roles, roles_of
from catx.mapper.step_kernel import missing, put_missing, put_row, put_store, ready
from catx.mapper.tree_kernel import DENSE, OPEN, STRIDED, ZERO, Frame, Tree


@kernel
def _leave_zone(w: Bench, s: Tree, fr: Frame) -> bool:
    """Place what the zone still has to store and go on above its fanout; False if a memory overflows."""
    if not put_missing(w, s, fr):
        return False
    link = fr.zone - 1
    for i in range(s.n_spatial):
        axis, d, factor = s.spatial[i, 0], s.spatial[i, 1], s.spatial[i, 2]
        if w.axis_link[axis] == link:
            put_row(s, fr, SPATIAL, d, axis, factor, ZERO)
            fr.x[d] = min(fr.x[d] * factor, s.full[link, d])
    for d in range(w.n_dims):
        s.entered[link, d] = fr.up[d] = fr.x[d]
    fr.zone = s.outer[link]
    return True


@kernel
def _grow(w: Bench, s: Tree, fr: Frame, x: Any) -> None:
    """Dims grow to x: open stores that index one of them close, at best with all others grown.

    Loops over which an open store keeps its tile stand innermost.
    """
    kept = open_roles(w, fr)
    for m in range(w.n_memories - 1, 0, -1):
        for role in range(N_ROLES):
            if fr.placed[m, role] != OPEN:
                continue
            done = False
            for d in range(w.n_dims):
                indexes = w.axis_of[role, d] >= 0
                done = done or (indexes and x[d] > fr.x[d])
                s.at[d] = fr.x[d] if indexes else x[d]
            if done:
                close_store(w, s, fr, m, role)
    for first in range(1, -1, -1):
        for d in range(w.n_dims):
            if x[d] > fr.x[d] and first == (kept & ~roles_of(w, d) != 0):
                put_row(s, fr, TEMPORAL, d, ZERO, x[d], x[d])
                fr.x[d] = fr.up[d] = x[d]


@kernel
def _place(w: Bench, s: Tree, fr: Frame, m: int, role: int, x: Any) -> bool:
    """Dims grow to x, and a store is placed and done there; False if its memory overflows."""
    _grow(w, s, fr, x)
    for d in range(w.n_dims):
        s.at[d] = fr.x[d]
    for i in range(w.n_memories - 1, m, -1):
        if fr.placed[i, role] == OPEN:
            close_store(w, s, fr, i, role)
    if not put_store(w, s, fr, m, role):
        return False
    close_store(w, s, fr, m, role)
    return True


@kernel
def _less(s: Tree, full: int, value: int, least: int) -> int:
    """The next smaller extents with a trip count of their own, at least by the ratio; `least` at last."""
    if value <= least:
        return value
    wanted = min(value - 1, int(value / s.ratio))
    if wanted <= least:
        return least
    return max(least, ceil_div(full, ceil_div(full, wanted)))


@kernel
def _slide_first(w: Bench, s: Tree, n_rows: int) -> None:
    """In each run of temporal rows the longest dim along which the store below slides comes first."""
    for i in range(1, n_rows):
        if s.rows[i, 0] != TEMPORAL or s.rows[i - 1, 0] != STORE:
            continue
        role, best, longest = s.rows[i - 1, 2], i, ZERO
        j = i
        while j < n_rows and s.rows[j, 0] == TEMPORAL:
            d = s.rows[j, 1]
            if s.halo[role, d] and w.extents[d] > longest:
                best, longest = j, w.extents[d]
            j += 1
        for column in range(4):
            s.rows[i, column], s.rows[best, column] = s.rows[best, column], s.rows[i, column]


@kernel
def _realize(w: Bench, s: Tree, n_rows: int, held: int, aligned: int) -> None:
    """Write the rows to the bench, outermost first; the loops on top hold the tile of a role still."""
    zone, n = w.n_links, MAX_ROWS
    for d in range(w.n_dims):
        s.reach[d] = 1
    for i in range(n_rows):
        kind, d, extra = s.rows[i, 0], s.rows[i, 1], s.rows[i, 2]
        if kind == STORE:
            n -= 1
            w.nest[n, 0], w.nest[n, 1], w.nest[n, 2], w.nest[n, 3] = STORE, d, 0, extra
            continue
        tile = s.reach[d]
        if kind == SPATIAL:
            zone = w.axis_link[extra]
            top = min(tile * s.rows[i, 3], s.full[zone, d])
        else:
            top = s.rows[i, 3]
            if aligned:
                top = ceil_div(top, tile) * tile
            top = max(tile, min(top, s.full[zone, d]))
        if top > tile:
            n -= 1
            w.nest[n, 0], w.nest[n, 1], w.nest[n, 2], w.nest[n, 3] = kind, d, tile, extra
            s.reach[d] = top
    below = s.rows[n_rows - 1, 2] if n_rows > 0 and s.rows[n_rows - 1, 0] == STORE else NONE
    slide, longest = NONE, ZERO
    for d in range(w.n_dims):
        if below >= 0 and s.halo[below, d] and s.reach[d] < w.extents[d] and w.extents[d] > longest:
            slide, longest = d, w.extents[d]
    for group in range(-1, 2):
        for d in range(w.n_dims):
            now = d == slide if group < 0 else (w.axis_of[held, d] >= 0) == (group == 1)
            if now and s.reach[d] < w.extents[d]:
                n -= 1
                w.nest[n, 0], w.nest[n, 1], w.nest[n, 2], w.nest[n, 3] = TEMPORAL, d, s.reach[d], 0
                s.reach[d] = w.extents[d]
    for role in range(N_ROLES):
        n -= 1
        w.nest[n, 0], w.nest[n, 1], w.nest[n, 2], w.nest[n, 3] = STORE, 0, 0, role
    w.n_rows = MAX_ROWS - n
    for i in range(w.n_rows):
        for column in range(4):
            w.nest[i, column] = w.nest[i + n, column]


@kernel
def _has_room(w: Bench) -> bool:
    """Whether the bench's nest has no more loops over a dim than the kernel takes."""
    for d in range(w.n_dims):
        loops = 0
        for i in range(w.n_rows):
            loops += w.nest[i, 0] != STORE and w.nest[i, 1] == d
        if loops > MAX_LOOPS:
            return False
    return True


@inlined
def _evaluate(w: Bench, s: Tree, fr: Frame) -> None:
    """Cost what a complete frame stands for."""
    waiting = False
    for m in range(1, w.n_memories):
        for role in range(N_ROLES):
            waiting = waiting or fr.placed[m, role] == OPEN
    _slide_first(w, s, fr.n_rows)
    for held in range(N_ROLES if waiting else 1):
        for aligned in range(1, -1, -1):
            _realize(w, s, fr.n_rows, held, aligned)
            if s.ordered:
                sort_nest(w, s)
            if s.limited and not obeys(w, s):
                continue
            s.evaluated += 1
            if _has_room(w) and evaluate_nest(w, SEARCH):
                time = (w.summary[SUM_LATENCY] + s.launch) * s.second
                enter_front(w, s, w.summary[SUM_ENERGY] + s.static_w * time, time)
                break


@inlined
def _finish(w: Bench, s: Tree, frames: Any, depth: int) -> None:
    """All stores are placed: the rest grows in the outermost zone."""
    frames[depth + 1] = frames[depth]
    fr = frames[depth + 1]
    for m in range(w.n_memories - 1, 0, -1):
        for role in range(N_ROLES):
            if fr.placed[m, role] == OPEN:
                for d in range(w.n_dims):
                    s.at[d] = fr.x[d] if w.axis_of[role, d] >= 0 else w.extents[d]
                close_store(w, s, fr, m, role)
    if not hopeless(w, s, fr, 0.0, 0.0):
        _evaluate(w, s, frames[depth])


@kernel
def _least(w: Bench, s: Tree, fr: Frame, m: int, role: int, d: int) -> int:
    """What a dim has grown to at least where a store is placed: to the tile that it must have."""
    least = s.tile_least[m, role, d] if w.axis_of[role, d] >= 0 else 1
    return int(max(fr.x[d], min(least, s.full[fr.zone, d])))


@kernel
def _most(w: Bench, s: Tree, fr: Frame, d: int) -> int:
    """What a dim can grow to before a store is placed."""
    return int(max(fr.x[d], room_most(w, s, fr, d, s.full[fr.zone, d])))


@kernel
def _start(w: Bench, s: Tree, fr: Frame, m: int, role: int) -> None:
    """The largest growth before a store is placed; other dims grow to the tile that it must have at least.

    Those grow that its tensor does not index, or of a window. Where each change of a tile empties the matrix
    unit's pipeline, larger tiles save time: there all do. Dims over which an open store keeps its tile grow
    to all of their extent, or not at all.
    """
    fr.grows = fr.fills = ZERO
    kept = open_roles(w, fr)
    for d in range(w.n_dims):
        fr.extents[d], fr.vain[d] = _least(w, s, fr, m, role, d), 0
        most = _most(w, s, fr, d)
        if fr.x[d] >= most:
            continue
        if w.axis_of[role, d] < 0 or s.halo[role, d] > 0 or m == s.stopping:
            fr.grows |= 1 << d
        elif s.fills and kept & ~roles_of(w, d):
            fr.fills |= 1 << d
        if (fr.grows | fr.fills) >> d & 1:
            fr.extents[d] = most


@kernel
def _advance(w: Bench, s: Tree, fr: Frame, m: int, role: int, vain: bool) -> bool:
    """The next growth, dims counting down like digits; False: none is left.

    What is hopeless stays so with less growth, but for none at all, which closes no open store.
    """
    for d in range(w.n_dims):
        if vain and (fr.grows >> d) & 1:
            fr.vain[d] = fr.extents[d] > fr.x[d]
            vain = fr.extents[d] == _most(w, s, fr, d)
    for d in range(w.n_dims):
        if not ((fr.grows | fr.fills) >> d) & 1:
            continue
        fills = (fr.fills >> d) & 1 == 1
        least = _least(w, s, fr, m, role, d) if fills else fr.x[d]
        if fr.extents[d] > least:
            none = fills or fr.vain[d] != 0
            fr.extents[d] = least if none else _less(s, s.full[fr.zone, d], fr.extents[d], least)
            return True
        fr.extents[d] = _most(w, s, fr, d)
        fr.vain[d] = 0
    return False


@inlined
def _follow(w: Bench, s: Tree, new: Frame, m: int, role: int, x: Any) -> bool:
    """Place a store at extents x, or leave the zone (m: -1); False if a memory overflows."""
    if m < 0:
        return bool(_leave_zone(w, s, new))
    return bool(_place(w, s, new, m, role, x))


@kernel
def _note(w: Bench, s: Tree, kids: Any, m: int, role: int, x: Any) -> None:
    """Keep a continuation if it is among the most promising; of equal ones the first."""
    n, cost = kids.n, s.promise
    if n == s.width:
        if cost >= kids.cost[n - 1]:
            return
        n -= 1
    else:
        kids.n = n + 1
    while n > 0 and cost < kids.cost[n - 1]:
        kids.cost[n], kids.memory[n], kids.role[n] = kids.cost[n - 1], kids.memory[n - 1], kids.role[n - 1]
        for d in range(w.n_dims):
            kids.extents[n, d] = kids.extents[n - 1, d]
        n -= 1
    kids.cost[n], kids.memory[n], kids.role[n] = cost, m, role
    for d in range(w.n_dims):
        kids.extents[n, d] = x[d]


@kernel
def _lost(w: Bench, s: Tree, fr: Frame) -> bool:
    """Whether nothing that a frame leads to can enter the front, or a nest has no room for it."""
    if fr.n_rows + 2 * w.n_dims + s.n_spatial + 4 * N_ROLES > MAX_ROWS:
        return True
    rest = rest_least(w, s, fr, fr.x)
    if rest == np.inf or outgrown(w, s, fr):
        return True
    return bool(hopeless(w, s, fr, edges_least(w, s, fr, fr.x), rest))


@kernel
def dive(w: Bench, s: Tree, frames: Any, kids: Any, depth: int) -> None:
    """Follow the most promising of what a frame can lead to and that can enter the front."""
    fr = frames[depth]
    s.nodes += 1
    if s.nodes > s.budget:
        return
    if fr.zone == 0 and missing(w, s, fr) == 0:
        _finish(w, s, frames, depth)
        return
    kids[depth].n = 0
    for choice in range(-1, w.n_memories * N_ROLES):
        m, role = (choice // N_ROLES, choice % N_ROLES) if choice >= 0 else (NONE, NONE)
        if m >= 0 and not ready(w, s, fr, m, role):
            continue
        if m < 0 and fr.zone == 0:
            continue
        if m >= 0:
            _start(w, s, fr, m, role)
        going, known, waits, least = True, False, 0.0, 0.0
        while going:
            frames[depth + 1] = frames[depth]
            new = frames[depth + 1]
            fits = _follow(w, s, new, m, role, fr.extents)
            vain = False
            if fits and m >= 0:
                # less growth costs more, but for the store's own first tile, and takes less room only there
                alike = m != s.stopping and not has_windows(w, s, 1 << role, DENSE)
                if not known:
                    waits, known = edges_least(w, s, new, fr.x), True
                    least = rest_least(w, s, new, fr.x) if alike else 0.0
                own = 0.0 if alike or w.overlap_only else edge(w, s, new.x, new.x, m, role)
                vain = hopeless(w, s, new, waits - own, least) and not has_windows(w, s, 1 << role, STRIDED)
            if fits and not vain and not _lost(w, s, new):
                _note(w, s, kids[depth], m, role, fr.extents)
            going = m >= 0 and _advance(w, s, fr, m, role, vain)
    for i in range(kids[depth].n):
        m, role = kids[depth].memory[i], kids[depth].role[i]
        frames[depth + 1] = frames[depth]
        new = frames[depth + 1]
        for d in range(w.n_dims):
            fr.extents[d] = kids[depth].extents[i, d]
        _follow(w, s, new, m, role, fr.extents)
        if not _lost(w, s, new):
            dive(w, s, frames, kids, depth + 1)


@kernel
def dive_trees(
    w: Bench, s: Tree, frames: Any, kids: Any, keeps: Any, roots: Any, order: Any, share: int, end: int
) -> None:
    """Dive into trees where they can still improve the front.

    Args:
        w: the einsum and the accelerator.
        s: the search.
        frames: N_FRAMES of them.
        kids: KIDS records, one per frame of a nest.
        keeps: KEPT records, one per choice of what memories keep.
        roots: ROOT records, bounded.
        order: in which they are searched.
        share: nodes that one tree may take.
        end: nodes at which the search ends.
    """
    for at in order:
        if s.nodes >= end:
            break
        slack = 1.0 + s.slack
        if roots[at].energy < np.inf and not beaten(s, roots[at].energy * slack, roots[at].time * slack):
            plant(w, s, frames, keeps, roots[at])
            s.budget = min(s.nodes + share, end)
            dive(w, s, frames, kids, ZERO)
