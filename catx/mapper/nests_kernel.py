"""Compiled search over loop nests: structured tilings, then free moves on the best (docs/mapper.md)."""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.tiles_kernel import (
    INNERMOST,
    MAX_AXES,
    MAX_DIMS,
    MAX_LOOPS,
    MAX_MEMORIES,
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
    constant,
)
from catx.mapper.front_kernel import FRONT_FIELDS, enter_front

LATENCY, ENERGY, EDP, LINEAR = constant(0), constant(1), constant(2), constant(3)
"""Objectives; LINEAR is weight_energy * energy + weight_time * latency."""

MAX_TILES, MAX_UNROLLED = 192, 2 * MAX_AXES
"""Candidate tiles of a dim, and spatial loops of a structured nest, that a search has room for."""

SEARCH_STATE = np.dtype(
    [
        # what may be chosen
        ("tiles", "i8", (MAX_DIMS, MAX_TILES)),  # candidates, ascending
        ("n_tiles", "i8", MAX_DIMS),
        ("allowed", "i8", (MAX_AXES, MAX_DIMS)),  # dims that an axis may unroll
        ("may", "i8", (MAX_MEMORIES, N_ROLES)),  # roles that a memory may store
        ("must", "i8", (MAX_MEMORIES, N_ROLES)),
        # what is minimized
        ("objective", "i8"),
        ("static_w", "f8"),
        ("second", "f8"),  # [s/cycle]
        # a structured nest
        ("tile", "i8", (MAX_MEMORIES, MAX_DIMS)),  # nominal extents at the stores of each memory
        ("order", "i8", MAX_MEMORIES),  # role that the loops above a memory's stores hold still
        ("keeps", "i8", (MAX_MEMORIES, N_ROLES)),  # roles stored
        ("spatial", "i8", (MAX_UNROLLED, 3)),  # axis, dim, factor, by axis
        ("n_spatial", "i8"),
        ("saved", "i8", MAX_MEMORIES),
        ("saved_too", "i8", MAX_MEMORIES),
        # a nest that is being improved
        ("best", "i8", (MAX_ROWS, 4)),
        ("n_best", "i8"),
        ("evaluated", "i8"),
        *FRONT_FIELDS,
    ]
)
"""One record holds what a search may choose, what it minimizes, and where it stands."""

ZERO, ONE, MINUS_ONE = constant(0), constant(1), constant(-1)

State = Any
"""A SEARCH_STATE record."""

Score = tuple[float, float]
"""Objective and tie-breaker."""


@kernel
def score(w: Bench, s: State) -> Score:
    """Objective and tie-breaker of the bench's nest, which may enter the front; infinite if it overflows."""
    s.evaluated += 1
    if not evaluate_nest(w, SEARCH):
        return np.inf, np.inf
    time = w.summary[SUM_LATENCY] * s.second
    energy = w.summary[SUM_ENERGY] + s.static_w * time
    enter_front(w, s, energy, time)
    if s.objective == LATENCY:
        return time, energy
    if s.objective == ENERGY:
        return energy, time
    return energy * time, time


@kernel
def better(new: Score, old: Score) -> bool:
    """Lexicographic order with room for rounding: ties are decided by the tie-breaker, then by age."""
    slack = 1e-12 * abs(old[0]) if old[0] < np.inf else 0.0
    if new[0] < old[0] - slack:
        return True
    return new[0] <= old[0] + slack and new[1] < old[1] * (1.0 - 1e-12)


@kernel
def _put(w: Bench, kind: int, index: int, tile: int, extra: int) -> None:
    """Append a row to the bench's nest."""
    n = w.n_rows
    w.nest[n, 0], w.nest[n, 1], w.nest[n, 2], w.nest[n, 3] = kind, index, tile, extra
    w.n_rows = n + 1


@kernel
def _put_memory(w: Bench, s: State, memory: int) -> None:
    """The loops above a memory's stores, and the stores: dims of the role held still stand outermost."""
    still = s.order[memory]
    for group in range(2 if memory > 0 else 0):
        for d in range(w.n_dims):
            if (w.axis_of[still, d] >= 0) == (group == 0) and s.tile[memory, d] < w.nominal[d]:
                _put(w, TEMPORAL, d, s.tile[memory, d], ZERO)
                w.nominal[d] = s.tile[memory, d]
    for role in range(N_ROLES):
        if s.keeps[memory, role]:
            _put(w, STORE, memory, ZERO, role)


@kernel
def build(w: Bench, s: State) -> None:
    """Write the structured nest to the bench."""
    w.n_rows = 0
    for d in range(w.n_dims):
        w.nominal[d] = w.extents[d]
    memory, link = ZERO, ZERO
    while memory < w.n_memories or link < w.n_links:
        next_link = w.link_level[link] if link < w.n_links else INNERMOST
        if memory < w.n_memories and w.level[memory] < next_link:
            _put_memory(w, s, memory)
            memory += 1
            continue
        for i in range(s.n_spatial):
            axis, d, factor = s.spatial[i, 0], s.spatial[i, 1], s.spatial[i, 2]
            tile = (w.nominal[d] + factor - 1) // factor
            if w.axis_link[axis] == link and tile < w.nominal[d]:
                _put(w, SPATIAL, d, tile, axis)
                w.nominal[d] = tile
        link += 1
    for d in range(w.n_dims):
        if w.nominal[d] > 1:
            _put(w, TEMPORAL, d, ONE, ZERO)


TILE, ORDER, BYPASS = constant(0), constant(1), constant(2)
"""What a coordinate of a structured nest is."""


@kernel
def _spread(w: Bench, s: State, outer: int, inner: int, d: int) -> int:
    """Instances along dim `d` between two memories."""
    factor = 1
    for i in range(s.n_spatial):
        level = w.link_level[w.axis_link[s.spatial[i, 0]]]
        if s.spatial[i, 1] == d and w.level[outer] < level < w.level[inner]:
            factor *= s.spatial[i, 2]
    return factor


@kernel
def _set_tile(w: Bench, s: State, memory: int, d: int, value: int) -> None:
    """Set a tile and enlarge the tiles further out that it does not fit in."""
    s.tile[memory, d] = value
    for outer in range(memory - 1, 0, -1):
        needed = min(value * _spread(w, s, outer, memory, d), w.extents[d])
        s.tile[outer, d] = max(s.tile[outer, d], needed)


@kernel
def _remember(w: Bench, s: State, memory: int, what: int, index: int) -> int:
    """Save what a change of one coordinate may touch; returns the coordinate's value."""
    value: int = s.order[memory] if what == ORDER else s.keeps[memory, index] if what == BYPASS else ZERO
    if what == TILE:
        value = s.tile[memory, index]
        for m in range(w.n_memories):
            s.saved[m] = s.tile[m, index]
    return value


@kernel
def _undo(w: Bench, s: State, memory: int, what: int, index: int, value: int) -> None:
    """Take a change back, after `_remember`."""
    if what == TILE:
        for m in range(w.n_memories):
            s.tile[m, index] = s.saved[m]
    elif what == ORDER:
        s.order[memory] = value
    else:
        s.keeps[memory, index] = value


@kernel
def _improve(w: Bench, s: State, memory: int, what: int, index: int, best: Score) -> Score:
    """Try every value of one coordinate of the structured nest, and keep the best."""
    n_values = s.n_tiles[index] if what == TILE else N_ROLES if what == ORDER else 2
    for choice in range(n_values):
        value = s.tiles[index, choice] if what == TILE else choice
        before = _remember(w, s, memory, what, index)
        if value == before:
            continue
        if what == TILE:
            _set_tile(w, s, memory, index, value)
        elif what == ORDER:
            s.order[memory] = value
        else:
            s.keeps[memory, index] = value
        build(w, s)
        new = score(w, s)
        if better(new, best):
            best = new
        else:
            _undo(w, s, memory, what, index, before)
    return best


@kernel
def descend(w: Bench, s: State, rounds: int) -> Score:
    """Coordinate descent over tile sizes, orders and bypasses of the structured nest, in place."""
    build(w, s)
    best = score(w, s)
    for _ in range(rounds):
        start = best
        for memory in range(1, w.n_memories):
            for what in range(3):
                for index in range(w.n_dims if what == TILE else 1 if what == ORDER else N_ROLES):
                    if what == BYPASS and (not s.may[memory, index] or s.must[memory, index]):
                        continue
                    best = _improve(w, s, memory, what, index, best)
        if not better(best, start):
            break
    build(w, s)
    return best


@kernel
def descend_pairs(w: Bench, s: State) -> Score:
    """One pass over pairs of tile sizes of the structured nest, in place: dims trade room in a memory."""
    n_dims = w.n_dims
    build(w, s)
    best = score(w, s)
    for one in range(n_dims, w.n_memories * n_dims):
        for two in range(one + 1, w.n_memories * n_dims):
            for i in range(s.n_tiles[one % n_dims]):
                for j in range(s.n_tiles[two % n_dims]):
                    for m in range(w.n_memories):
                        s.saved[m], s.saved_too[m] = s.tile[m, one % n_dims], s.tile[m, two % n_dims]
                    _set_tile(w, s, one // n_dims, one % n_dims, s.tiles[one % n_dims, i])
                    _set_tile(w, s, two // n_dims, two % n_dims, s.tiles[two % n_dims, j])
                    build(w, s)
                    new = score(w, s)
                    if better(new, best):
                        best = new
                        continue
                    for m in range(w.n_memories):
                        s.tile[m, one % n_dims], s.tile[m, two % n_dims] = s.saved[m], s.saved_too[m]
    build(w, s)
    return best


@kernel
def legal(w: Bench, s: State) -> bool:
    """Rules 1 to 6 of docs/cost-model.md, for a nest whose axes and dims exist and that repeats no store."""
    for d in range(w.n_dims):
        w.nominal[d] = w.extents[d]
    stored = [0, 0, 0]  # level of the deepest store so far, by role
    have, deepest_link, deepest_store = 0, 0, 0
    for i in range(w.n_rows):
        kind, index, tile, extra = w.nest[i, 0], w.nest[i, 1], w.nest[i, 2], w.nest[i, 3]
        if kind == STORE:
            level = w.level[index]
            if level < stored[extra] or level < deepest_link or not s.may[index, extra]:
                return False
            stored[extra] = level
            deepest_store = max(deepest_store, level)
            have += s.must[index, extra]
            continue
        if tile < 1 or tile > w.nominal[index]:
            return False
        if kind == SPATIAL:
            level = w.link_level[w.axis_link[extra]]
            if level < deepest_link or level < deepest_store or not s.allowed[extra, index]:
                return False
            deepest_link = level
        w.nominal[index] = tile
    for m in range(w.n_memories):
        for role in range(N_ROLES):
            have -= s.must[m, role]
    for d in range(w.n_dims):
        if w.nominal[d] != 1:
            return False
    return have == 0 and _axes_fit(w)


@kernel
def _axes_fit(w: Bench) -> bool:
    """Whether the loops of each axis use no more instances than it has."""
    for axis in range(w.n_axes):
        for d in range(w.n_dims):
            w.nominal[d] = w.extents[d]
        used = 1
        for i in range(w.n_rows):
            if w.nest[i, 0] == STORE:
                continue
            d, tile = w.nest[i, 1], w.nest[i, 2]
            if w.nest[i, 0] == SPATIAL and w.nest[i, 3] == axis:
                used *= (w.nominal[d] + tile - 1) // tile
            w.nominal[d] = tile
        if used > w.axis_size[axis]:
            return False
    return True


@kernel
def _tidy(w: Bench) -> None:
    """Clamp tiles to the extents above them and drop loops that split nothing."""
    for d in range(w.n_dims):
        w.nominal[d] = w.extents[d]
    kept = 0
    for i in range(w.n_rows):
        if w.nest[i, 0] != STORE:
            d = w.nest[i, 1]
            tile = min(w.nest[i, 2], w.nominal[d])
            if tile == w.nominal[d]:
                continue
            w.nominal[d] = tile
            w.nest[i, 2] = tile
        for column in range(4):
            w.nest[kept, column] = w.nest[i, column]
        kept += 1
    w.n_rows = kept


@kernel
def _recall(w: Bench, s: State, start: int, stop: int, shift: int) -> None:
    """Copy rows of the best nest to the bench's nest, `shift` rows further down."""
    for i in range(start, stop):
        for column in range(4):
            w.nest[i + shift, column] = s.best[i, column]


@kernel
def _insert(w: Bench, s: State, at: int, kind: int, index: int, tile: int, extra: int) -> None:
    """The bench's nest becomes the best one with one more row before row `at`."""
    _recall(w, s, ZERO, at, ZERO)
    w.n_rows = at
    _put(w, kind, index, tile, extra)
    _recall(w, s, at, s.n_best, ONE)
    w.n_rows = s.n_best + 1


RETILE, SHIFT, TOGGLE, SPLIT = constant(0), constant(1), constant(2), constant(3)
"""Moves: another tile size for loop i; row i to place j; store i dropped or added at j; a new loop i at j."""


@kernel
def _choices(w: Bench, s: State, move: int, i: int) -> tuple[int, int, int]:
    """How many i, j and tile sizes a move has, the last for this i."""
    n = s.n_best
    if move == RETILE:
        return n, 1, s.n_tiles[s.best[i, 1]] if i < n and s.best[i, 0] != STORE else 0
    if move == SHIFT:
        return n, n, 1
    if move == TOGGLE:
        return w.n_memories * N_ROLES, n + 1, 1
    split = w.n_dims * (w.n_axes + 1)
    return split, n + 1, s.n_tiles[i // (w.n_axes + 1)] if i < split else 0


@kernel
def _propose(w: Bench, s: State, move: int, i: int, j: int, c: int) -> bool:
    """Write the best nest after a move to the bench; False if the move changes nothing."""
    n = s.n_best
    if move == RETILE:
        if i < N_ROLES or s.best[i, 2] == s.tiles[s.best[i, 1], c]:
            return False
        _recall(w, s, ZERO, n, ZERO)
        w.nest[i, 2] = s.tiles[s.best[i, 1], c]
        w.n_rows = n
        _tidy(w)
        return True
    if j < N_ROLES:
        return False
    if move == SHIFT:
        if i < N_ROLES or i == j:
            return False
        _recall(w, s, ZERO, n, ZERO)
        if i < j:
            _recall(w, s, i + 1, j + 1, MINUS_ONE)
        else:
            _recall(w, s, j, i, ONE)
        _recall(w, s, i, i + 1, j - i)
        w.n_rows = n
        _tidy(w)
        return True
    if n + 2 >= MAX_ROWS:
        return False
    if move == TOGGLE:
        return _toggle(w, s, i // N_ROLES, i % N_ROLES, j)
    d, axis = i // (w.n_axes + 1), i % (w.n_axes + 1) - 1
    loops = 0
    for row in range(n):
        loops += s.best[row, 0] != STORE and s.best[row, 1] == d
    if loops >= MAX_LOOPS - 1 or (axis >= 0 and not s.allowed[axis, d]):
        return False
    _insert(w, s, j, TEMPORAL if axis < 0 else SPATIAL, d, s.tiles[d, c], max(axis, ZERO))
    _tidy(w)
    return True


@kernel
def _toggle(w: Bench, s: State, memory: int, role: int, at: int) -> bool:
    """Drop an optional store from row `at`, or add one that is missing there."""
    if memory == 0 or not s.may[memory, role] or s.must[memory, role]:
        return False
    n, found = s.n_best, NONE
    for row in range(n):
        if s.best[row, 0] == STORE and s.best[row, 1] == memory and s.best[row, 3] == role:
            found = row
    if found < 0:
        _insert(w, s, at, STORE, memory, ZERO, role)
        return True
    if found != at:
        return False
    _recall(w, s, ZERO, at, ZERO)
    _recall(w, s, at + 1, n, MINUS_ONE)
    w.n_rows = n - 1
    return True


@kernel
def climb(w: Bench, s: State, limit: int) -> Score:
    """Improve the bench's nest by single moves until none helps or `limit` more nests were costed.

    Cheap moves go first; new loops are tried only where no other move helps. The result stands in `s.best`.
    """
    _keep(w, s)
    best = score(w, s)
    stop = s.evaluated + limit
    move, improved = RETILE, False
    while s.evaluated < stop:
        i = ZERO
        while i < _choices(w, s, move, ZERO)[0] and s.evaluated < stop:
            j = ZERO
            while j < _choices(w, s, move, i)[1]:
                c = ZERO
                while c < _choices(w, s, move, i)[2]:
                    if _propose(w, s, move, i, j, c) and legal(w, s):
                        new = score(w, s)
                        if better(new, best):
                            best, improved = new, True
                            _keep(w, s)
                    c += 1
                j += 1
            i += 1
        if move == SPLIT and not improved:
            break
        if move == SPLIT or (move == TOGGLE and improved):
            move, improved = RETILE, False
        else:
            move += 1
    return best


@kernel
def _keep(w: Bench, s: State) -> None:
    """The bench's nest becomes the best one."""
    for i in range(w.n_rows):
        for column in range(4):
            s.best[i, column] = w.nest[i, column]
    s.n_best = w.n_rows
