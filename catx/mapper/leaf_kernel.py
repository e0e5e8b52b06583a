"""Compiled search of one leaf of a tree: nests with the same loops and stores, whose extents lie in a box.

A box is bounded with all of its loops known, split until it is beaten, or until the smallest extents are
known to be the best, and then costed.
"""

from typing import Any

import numpy as np

from catx.costmodel.jit import inlined, kernel
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.tiles_kernel import (
    BUSIEST,
    MAX_LOOPS,
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
from catx.mapper.close_kernel import add_parts, chain_count, cost_store, has_windows, span
from catx.mapper.edge_kernel import edge
from catx.mapper.factor_kernel import ceil_div
from catx.mapper.front_kernel import enter_front
from catx.mapper.limits_kernel import clip_leaf
from catx.mapper.low_kernel import enter_low
from catx.mapper.promise_kernel import hopeless
from catx.mapper.tree_kernel import CLOSED, DENSE, MAX_SPLITS, NO, YES, ZERO, Frame, Tree


@kernel
def _list_loops(w: Bench, s: Tree, n_rows: int) -> bool:
    """The rows over each dim, from the inside; False if there are more over one dim than nests may have."""
    for d in range(w.n_dims):
        s.n_of[d] = 0
    for i in range(n_rows):
        if s.rows[i, 0] == STORE:
            continue
        d = s.rows[i, 1]
        if s.n_of[d] == MAX_LOOPS:
            return False
        s.links[d, s.n_of[d]] = i
        s.n_of[d] += 1
        s.trips[i] = 1
        for j in range(s.n_spatial):
            if s.rows[i, 0] == SPATIAL and s.spatial[j, 0] == s.rows[i, 2] and s.spatial[j, 1] == d:
                s.trips[i] = s.spatial[j, 2]
    return True


@kernel
def _tighten(w: Bench, s: Tree) -> bool:
    """Leave out extents that no chain of the box has; False if nothing is left."""
    for d in range(w.n_dims):
        least, most = 1, 1
        for k in range(s.n_of[d]):
            row = s.links[d, k]
            trips = s.trips[row]
            if s.rows[row, 0] == SPATIAL:
                least, most = (trips - 1) * least + 1, trips * most
                s.hi[row] = min(s.hi[row], most)
            else:
                least += 1
            s.lo[row] = max(s.lo[row], least)
            least, most = s.lo[row], s.hi[row]
        for k in range(s.n_of[d] - 1, 0, -1):
            row, inner = s.links[d, k], s.links[d, k - 1]
            trips = s.trips[row]
            if s.rows[row, 0] == SPATIAL:
                s.hi[inner] = min(s.hi[inner], (s.hi[row] - 1) // (trips - 1))
                s.lo[inner] = max(s.lo[inner], ceil_div(s.lo[row], trips))
            else:
                s.hi[inner] = min(s.hi[inner], s.hi[row] - 1)
        for k in range(s.n_of[d]):
            if s.lo[s.links[d, k]] > s.hi[s.links[d, k]]:
                return False
    return True


@kernel
def _set_sizes(w: Bench, s: Tree) -> None:
    """What the busiest instance of each zone works on at least, with all loops known."""
    for role in range(N_ROLES):
        if has_windows(w, s, 1 << role, DENSE):
            continue
        for zone in range(w.n_links + 1):
            s.size[role, zone, BUSIEST] = 1.0
            for d in range(w.n_dims):
                if w.axis_of[role, d] >= 0:
                    s.size[role, zone, BUSIEST] *= chain_count(w, s, d, ZERO, ZERO, role, zone, BUSIEST)


@kernel
def _close(w: Bench, s: Tree, fr: Frame, i: int, n_rows: int) -> None:
    """Add what the store of a row costs."""
    m, role = s.rows[i, 1], s.rows[i, 2]
    for d in range(w.n_dims):
        s.closed[d] = s.below[d]
    for j in range(i + 1, n_rows):
        if s.rows[j, 0] == TEMPORAL and w.axis_of[role, s.rows[j, 1]] >= 0:
            break
        if s.rows[j, 0] != STORE:
            s.closed[s.rows[j, 1]] += 1
    cost_store(w, s, m, role, ZERO)
    add_parts(w, s, fr)
    fr.edges += s.part_stopped
    if w.overlap_only == 0:
        fr.edges += edge(w, s, s.reach, s.largest, m, role)
    fr.placed[m, role] = CLOSED
    if m == s.stopping:
        visits = 1.0
        for d in range(w.n_dims):
            visits *= chain_count(w, s, d, s.below[d], s.closed[d], role, w.n_links, BUSIEST)
        fr.changes = min(fr.changes, visits)


@kernel
def _beaten(w: Bench, s: Tree, fr: Frame, n_rows: int) -> bool:
    """Whether nothing in the box can enter the front; `fr` gets the least that it costs."""
    _set_sizes(w, s)
    fr.energy, fr.edges, fr.steps, fr.changes = w.unit_j, 0.0, 1.0, np.inf
    for m in range(w.n_memories):
        fr.used[m] = fr.read[m] = fr.written[m] = 0.0
    for f in range(w.n_links):
        fr.crossed[f] = 0.0
    for d in range(w.n_dims):
        fr.energy *= w.extents[d]
        fr.steps *= chain_count(w, s, d, ZERO, ZERO, ZERO, w.n_links, BUSIEST)
        s.below[d] = s.closed[d] = 0
        s.reach[d] = s.largest[d] = 1
    for role in range(N_ROLES):
        cost_store(w, s, NONE, role, w.n_links)
        add_parts(w, s, fr)
    for i in range(n_rows):
        if s.rows[i, 0] != STORE:
            s.below[s.rows[i, 1]] += 1
            s.reach[s.rows[i, 1]], s.largest[s.rows[i, 1]] = s.lo[i], s.hi[i]
            continue
        m, role = s.rows[i, 1], s.rows[i, 2]
        fr.used[m] += (
            span(w, role, s.reach) * min(w.width[role], w.accumulator) * (2.0 if w.double[m] else 1.0)
        )
        if fr.used[m] > w.capacity[m]:
            return True
        _close(w, s, fr, i, n_rows)
    return bool(hopeless(w, s, fr, 0.0, 0.0))


@kernel
def _steps(w: Bench, s: Tree, d: int, level: int, first: int) -> int:
    """Tiles of least extents of a dim below its loop `level`, at most; one per spatial loop in `first`."""
    full, rest = 0, w.extents[d]  # whole tiles of the loop at hand, and what is left over
    for k in range(s.n_of[d] - 1, level - 1, -1):
        tile = s.lo[s.links[d, k - 1]] if k > 0 else 1
        if (first >> k) & 1:
            rest = min(rest, tile)
        else:
            whole = rest // tile
            full = full * ceil_div(s.lo[s.links[d, k]], tile) + whole
            rest -= whole * tile
    return int(full + (1 if rest > 0 else 0))


@kernel
def _keeps_some(w: Bench, s: Tree, n_rows: int, d: int) -> bool:
    """Whether a store below a spatial loop over a dim keeps its tile over steps of a temporal one above."""
    for i in range(n_rows):
        if s.rows[i, 0] != STORE or w.axis_of[s.rows[i, 2], d] >= 0:
            continue
        spread = False
        for j in range(i + 1, n_rows):
            kind, dim = s.rows[j, 0], s.rows[j, 1]
            if kind == SPATIAL:
                spread = spread or dim == d
            elif kind == TEMPORAL:
                if w.axis_of[s.rows[i, 2], dim] >= 0:
                    break
                if dim == d and spread and s.lo[j] < w.extents[d]:
                    return True
    return False


@kernel
def _settled(w: Bench, s: Tree, n_rows: int, d: int) -> bool:
    """Whether the least extents of a dim's loops make the fewest tiles in every respect."""
    n, below, spatial, single = s.n_of[d], 1, ZERO, True
    for k in range(n):
        row = s.links[d, k]
        single = single and s.lo[row] == s.hi[row]
        if s.rows[row, 0] == SPATIAL:
            if not (s.trips[row] - 1) * below < s.lo[row] <= s.trips[row] * below:
                return False
            spatial |= 1 << k
        below = s.lo[row]
    if single:
        return True
    for role in range(N_ROLES):
        if s.halo[role, d]:
            return False
    for k in range(n):
        row = s.links[d, k]
        if ceil_div(w.extents[d], s.lo[row]) != ceil_div(w.extents[d], s.hi[row]):
            return False
    first = spatial
    while True:
        for level in range(n):
            over, largest = 1, 1
            if level > 0:
                over, largest = s.lo[s.links[d, level - 1]], s.hi[s.links[d, level - 1]]
            least = 1
            for k in range(level, n):
                row = s.links[d, k]
                if (first >> k) & 1:
                    over, largest = over * s.trips[row], largest * s.trips[row]
                least = max(least, ceil_div(s.lo[row], largest))
            if _steps(w, s, d, level, first) != max(least, ceil_div(w.extents[d], over)):
                return False
        if first == 0:
            break
        first = (first - 1) & spatial
    return spatial == 0 or not _keeps_some(w, s, n_rows, d)


@kernel
def _possible(w: Bench, s: Tree) -> bool:
    """Whether the least extents of all loops make a nest."""
    for d in range(w.n_dims):
        below = 1
        for k in range(s.n_of[d]):
            row = s.links[d, k]
            least, most = below + 1, s.lo[row]
            if s.rows[row, 0] == SPATIAL:
                least, most = (s.trips[row] - 1) * below + 1, s.trips[row] * below
            if not least <= s.lo[row] <= most:
                return False
            below = s.lo[row]
    return True


@inlined
def _evaluate(w: Bench, s: Tree, n_rows: int) -> None:
    """Cost the nest of the least extents."""
    for d in range(w.n_dims):
        below = 1
        for k in range(s.n_of[d]):
            row = s.links[d, k]
            s.value[row] = below
            below = s.lo[row]
    w.n_rows = N_ROLES + n_rows
    for role in range(N_ROLES):
        w.nest[role, 0], w.nest[role, 1], w.nest[role, 2], w.nest[role, 3] = STORE, 0, 0, role
    for i in range(n_rows):
        n = N_ROLES + n_rows - 1 - i
        kind = s.rows[i, 0]
        w.nest[n, 0], w.nest[n, 1], w.nest[n, 3] = kind, s.rows[i, 1], s.rows[i, 2]
        w.nest[n, 2] = ZERO if kind == STORE else s.value[i]
    s.evaluated += 1
    if evaluate_nest(w, SEARCH):
        time = (w.summary[SUM_LATENCY] + s.launch) * s.second
        enter_front(w, s, w.summary[SUM_ENERGY] + s.static_w * time, time)


@kernel
def _innermost(w: Bench, s: Tree, n_rows: int) -> int:
    """The innermost row with several extents, of the dims that are not settled; NONE: all are.

    What extents of outer loops are best follows from those of the inner ones.
    """
    innermost = n_rows
    for d in range(w.n_dims):
        if not _settled(w, s, n_rows, d):
            for k in range(s.n_of[d]):
                row = s.links[d, k]
                if s.hi[row] > s.lo[row]:
                    innermost = min(innermost, row)
                    break
    return int(innermost) if innermost < n_rows else NONE


@kernel
def evaluate_leaf(w: Bench, s: Tree, fr: Frame, test: Frame, root: Any) -> None:
    """Cost every nest of a leaf that may enter the front; what the budget leaves is the root's bounds."""
    n_rows = fr.n_rows
    if not _list_loops(w, s, n_rows):
        enter_low(root, fr.least_j, fr.least_s)
        return
    for i in range(n_rows):
        s.box[0, i, 0], s.box[0, i, 1] = s.rows[i, 3], s.rows[i, 4]
    if s.limited and not clip_leaf(w, s, n_rows):
        return
    s.chained = YES
    n = 1
    while n > 0:
        n -= 1
        for i in range(n_rows):
            s.lo[i], s.hi[i] = s.box[n, i, 0], s.box[n, i, 1]
        if not _tighten(w, s) or _beaten(w, s, test, n_rows):
            continue
        s.nodes += 1
        if s.nodes >= s.budget or n + 2 > MAX_SPLITS:
            enter_low(root, s.promise_j, s.promise_s)
            continue
        if _possible(w, s):
            _evaluate(w, s, n_rows)
        row = _innermost(w, s, n_rows)
        if row < 0:
            continue
        middle = (s.lo[row] + s.hi[row]) // 2
        for half in range(2):
            for i in range(n_rows):
                s.box[n + half, i, 0], s.box[n + half, i, 1] = s.lo[i], s.hi[i]
        s.box[n, row, 0] = middle + 1
        s.box[n + 1, row, 1] = middle
        n += 2
    s.chained = NO
    for role in range(N_ROLES):
        for zone in range(w.n_links + 1):
            s.size[role, zone, BUSIEST] = s.plain_size[role, zone]
