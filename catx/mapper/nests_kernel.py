"""Compiled search over loop nests: structured tilings, then free moves on the best (docs/mapper.md)."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.jit import kernel
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.tiles_kernel import (
    MAX_LOOPS,
    N_ROLES,
    SEARCH,
    SPATIAL,
    STORE,
    SUM_ENERGY,
    SUM_LATENCY,
    TEMPORAL,
    Ints,
    Machine,
    Problem,
    Result,
    Scratch,
    constant,
)

LATENCY, ENERGY, EDP, LINEAR = constant(0), constant(1), constant(2), constant(3)
"""Objectives; LINEAR is weight_energy * energy + weight_time * latency."""

Bools = NDArray[np.bool_]


class Space(NamedTuple):
    """What the mapper may choose, for D dims, M memories, X axes.

    tiles (D, C): candidate tile sizes of each dim, ascending, the first n_tiles (D,) of each row used;
    allowed (X, D): dims that an axis may unroll; may, must (M, 3): roles that a memory may and must store.
    """

    tiles: Ints
    n_tiles: Ints
    allowed: Bools
    may: Bools
    must: Bools


class Tiling(NamedTuple):
    """A structured nest: per memory its tiles, the order above it, and what it keeps.

    tiles (M, D): nominal extents at the stores of each memory; order (M,): the role that the loops above a
    memory's stores hold still (its dims stand outermost); keeps (M, 3): roles stored; spatial (S, 3): axis,
    dim, factor of each spatial loop, by axis.
    """

    tiles: Ints
    order: Ints
    keeps: Bools
    spatial: Ints


class Goal(NamedTuple):
    """Objective: kind; static power [W]; seconds per cycle; weights of LINEAR per joule and per second."""

    kind: int
    static_w: float
    second: float
    weight_energy: float
    weight_time: float


class Desk(NamedTuple):
    """Everything a search works with: its arrays are allocated once per einsum."""

    problem: Problem
    machine: Machine
    space: Space
    goal: Goal
    scratch: Scratch
    result: Result
    evaluated: Ints


@kernel
def score(nest: Ints, n: int, desk: Desk) -> tuple[float, float]:
    """Objective and tie-breaker of a nest; infinite if it does not fit."""
    desk.evaluated[0] += 1
    if not evaluate_nest(nest, n, SEARCH, desk.problem, desk.machine, desk.scratch, desk.result):
        return np.inf, np.inf
    goal = desk.goal
    time = desk.result.summary[SUM_LATENCY] * goal.second
    energy = desk.result.summary[SUM_ENERGY] + goal.static_w * time
    if goal.kind == LATENCY:
        return time, energy
    if goal.kind == ENERGY:
        return energy, time
    if goal.kind == EDP:
        return energy * time, time
    return goal.weight_energy * energy + goal.weight_time * time, time


@kernel
def better(new: tuple[float, float], old: tuple[float, float]) -> bool:
    """Lexicographic order with room for rounding: ties are decided by the tie-breaker, then by age."""
    slack = 1e-12 * abs(old[0]) if old[0] < np.inf else 0.0
    if new[0] < old[0] - slack:
        return True
    return new[0] <= old[0] + slack and new[1] < old[1] * (1.0 - 1e-12)


@kernel
def build(nest: Ints, tiling: Tiling, desk: Desk) -> int:
    """The nest of a structured tiling; returns its number of rows."""
    tiles, order, keeps, spatial = tiling.tiles, tiling.order, tiling.keeps, tiling.spatial
    problem, machine = desk.problem, desk.machine
    n_dims, n_memories, n_links = problem.extents.shape[0], machine.memories.shape[0], machine.links.shape[0]
    nominal = desk.scratch.nominal
    nominal[:] = problem.extents
    n, memory, link = 0, 0, 0
    while memory < n_memories or link < n_links:
        at_memory = link == n_links or (
            memory < n_memories and machine.memories[memory].level < machine.links[link].level
        )
        if at_memory:
            if memory > 0:
                still = order[memory]
                for group in range(2):  # dims of the still role first, then those that hold it still
                    for d in range(n_dims):
                        indexes = problem.axis_of[still, d] >= 0
                        if indexes == (group == 0) and tiles[memory, d] < nominal[d]:
                            nest[n, 0], nest[n, 1], nest[n, 2], nest[n, 3] = TEMPORAL, d, tiles[memory, d], 0
                            nominal[d] = tiles[memory, d]
                            n += 1
            for role in range(N_ROLES):
                if keeps[memory, role]:
                    nest[n, 0], nest[n, 1], nest[n, 2], nest[n, 3] = STORE, memory, 0, role
                    n += 1
            memory += 1
            continue
        for s in range(spatial.shape[0]):
            axis, d, factor = spatial[s, 0], spatial[s, 1], spatial[s, 2]
            tile = -(-nominal[d] // factor)
            if machine.axes[axis].link == link and tile < nominal[d]:
                nest[n, 0], nest[n, 1], nest[n, 2], nest[n, 3] = SPATIAL, d, tile, axis
                nominal[d] = tile
                n += 1
        link += 1
    for d in range(n_dims):
        if nominal[d] > 1:
            nest[n, 0], nest[n, 1], nest[n, 2], nest[n, 3] = TEMPORAL, d, 1, 0
            n += 1
    return n


@kernel
def _try(best: tuple[float, float], nest: Ints, tiling: Tiling, desk: Desk) -> tuple[float, float]:
    """Score of a structured tiling if it beats `best`, else `best` itself."""
    n = build(nest, tiling, desk)
    new = score(nest, n, desk)
    return new if better(new, best) else best


@kernel
def descend(nest: Ints, tiling: Tiling, rounds: int, desk: Desk) -> tuple[float, float]:
    """Coordinate descent over tile sizes, orders and bypasses of a structured tiling, in place."""
    tiles, order, keeps = tiling.tiles, tiling.order, tiling.keeps
    space = desk.space
    n_memories, n_dims = tiles.shape
    best = _try((np.inf, np.inf), nest, tiling, desk)
    for _ in range(rounds):
        start = best
        for m in range(1, n_memories):
            for d in range(n_dims):
                for c in range(space.n_tiles[d]):
                    before = tiles[m, d]
                    tiles[m, d] = space.tiles[d, c]
                    new = _try(best, nest, tiling, desk)
                    if new[0] == best[0] and new[1] == best[1]:
                        tiles[m, d] = before
                    best = new
            for role in range(N_ROLES):
                before = order[m]
                order[m] = role
                new = _try(best, nest, tiling, desk)
                if new[0] == best[0] and new[1] == best[1]:
                    order[m] = before
                best = new
                if space.may[m, role] and not space.must[m, role]:
                    keeps[m, role] = not keeps[m, role]
                    new = _try(best, nest, tiling, desk)
                    if new[0] == best[0] and new[1] == best[1]:
                        keeps[m, role] = not keeps[m, role]
                    best = new
        if not better(best, start):
            break
    return best


@kernel
def legal(nest: Ints, n: int, desk: Desk) -> bool:
    """Rules 1 to 6 of docs/cost-model.md, for a nest whose axes and dims exist."""
    problem, machine, space = desk.problem, desk.machine, desk.space
    nominal = desk.scratch.nominal
    nominal[:] = problem.extents
    stored = np.zeros(N_ROLES, np.int64)  # level of the deepest store so far, by role
    used = np.ones(machine.axes.shape[0], np.int64)
    have = 0
    deepest_link = -1
    deepest_store = 0
    for i in range(n):
        if nest[i, 0] == STORE:
            level, role = machine.memories[nest[i, 1]].level, nest[i, 3]
            if level < stored[role] or level < deepest_link or not space.may[nest[i, 1], role]:
                return False
            stored[role] = level
            deepest_store = max(deepest_store, level)
            have += space.must[nest[i, 1], role]
            continue
        d, tile = nest[i, 1], nest[i, 2]
        if tile < 1 or tile > nominal[d]:
            return False
        if nest[i, 0] == SPATIAL:
            axis = nest[i, 3]
            level = machine.links[machine.axes[axis].link].level
            if level < deepest_link or level < deepest_store or not space.allowed[axis, d]:
                return False
            deepest_link = level
            used[axis] *= -(-nominal[d] // tile)
            if used[axis] > machine.axes[axis].size:
                return False
        nominal[d] = tile
    return have == np.sum(space.must) and np.max(nominal) == 1


@kernel
def _tidy(nest: Ints, n: int, desk: Desk) -> int:
    """Clamp tiles to the extents above them, drop loops that split nothing; returns the number of rows."""
    nominal = desk.scratch.nominal
    nominal[:] = desk.problem.extents
    kept = 0
    for i in range(n):
        if nest[i, 0] != STORE:
            d = nest[i, 1]
            tile = min(nest[i, 2], nominal[d])
            if tile == nominal[d]:
                continue
            nominal[d] = tile
            nest[i, 2] = tile
        nest[kept] = nest[i]
        kept += 1
    return kept


@kernel
def _insert(trial: Ints, nest: Ints, n: int, at: int, row: tuple[int, int, int, int]) -> None:
    """`trial` becomes `nest` with one more row before row `at`."""
    trial[:at] = nest[:at]
    trial[at, 0], trial[at, 1], trial[at, 2], trial[at, 3] = row
    trial[at + 1 : n + 1] = nest[at:n]


RETILE, SHIFT, TOGGLE, SPLIT = constant(0), constant(1), constant(2), constant(3)
"""Moves: another tile size for loop i; row i to place j; store i dropped or added at j; a new loop i at j."""


@kernel
def _choices(move: int, nest: Ints, n: int, i: int, space: Space) -> tuple[int, int, int]:
    """How many i, j and tile sizes a move has (those of i only if i is within range)."""
    n_dims, n_axes = space.n_tiles.shape[0], space.allowed.shape[0]
    if move == RETILE:
        return n, 1, space.n_tiles[nest[i, 1]] if i < n and nest[i, 0] != STORE else 0
    if move == SHIFT:
        return n, n, 1
    if move == TOGGLE:
        return space.may.size, n + 1, 1
    return n_dims * (n_axes + 1), n + 1, space.n_tiles[i // (n_axes + 1)] if i < n_dims * (n_axes + 1) else 0


@kernel
def _propose(move: int, nest: Ints, n: int, i: int, j: int, c: int, trial: Ints, desk: Desk) -> int:
    """Write the nest after a move to `trial`; returns its rows, or 0 if the move changes nothing."""
    space = desk.space
    if move == RETILE:
        if i < N_ROLES:
            return 0
        trial[:n] = nest[:n]
        trial[i, 2] = space.tiles[nest[i, 1], c]
        return _tidy(trial, n, desk) if trial[i, 2] != nest[i, 2] else 0
    if move == SHIFT:
        if i < N_ROLES or j < N_ROLES or i == j:
            return 0
        trial[:n] = nest[:n]
        if i < j:
            trial[i:j] = nest[i + 1 : j + 1]
        else:
            trial[j + 1 : i + 1] = nest[j:i]
        trial[j] = nest[i]
        return _tidy(trial, n, desk)
    if j < N_ROLES or n + 2 >= trial.shape[0]:
        return 0
    if move == TOGGLE:
        memory, role = i // N_ROLES, i % N_ROLES
        if memory == 0 or not space.may[memory, role] or space.must[memory, role]:
            return 0
        for row in range(n):
            if nest[row, 0] == STORE and nest[row, 1] == memory and nest[row, 3] == role:
                if j != row:
                    return 0
                trial[:row] = nest[:row]
                trial[row : n - 1] = nest[row + 1 : n]
                return n - 1
        _insert(trial, nest, n, j, (STORE, memory, 0, role))
        return n + 1
    n_axes = space.allowed.shape[0]
    d, axis = i // (n_axes + 1), i % (n_axes + 1) - 1
    loops = 0
    for row in range(n):
        loops += nest[row, 0] != STORE and nest[row, 1] == d
    if loops >= MAX_LOOPS - 1 or (axis >= 0 and not space.allowed[axis, d]):
        return 0
    kind = TEMPORAL if axis < 0 else SPATIAL
    _insert(trial, nest, n, j, (kind, d, space.tiles[d, c], max(axis, 0)))
    return _tidy(trial, n + 1, desk)


@kernel
def climb(nest: Ints, n: int, trial: Ints, limit: int, desk: Desk) -> tuple[int, float, float]:
    """Improve a nest in place by single moves until none helps or `limit` more nests were costed.

    Cheap moves go first; new loops are tried only where no other move helps.
    """
    best = score(nest, n, desk)
    stop = desk.evaluated[0] + limit
    move = RETILE
    improved = False
    while desk.evaluated[0] < stop:
        i = 0
        while i < _choices(move, nest, n, 0, desk.space)[0]:
            j = 0
            while j < _choices(move, nest, n, i, desk.space)[1]:
                c = 0
                while c < _choices(move, nest, n, i, desk.space)[2]:
                    m = _propose(move, nest, n, i, j, c, trial, desk)
                    if m > 0 and legal(trial, m, desk):
                        new = score(trial, m, desk)
                        if better(new, best):
                            best, n, improved = new, m, True
                            nest[:m] = trial[:m]
                    c += 1
                j += 1
            i += 1
        if move == SPLIT and not improved:
            break
        if move == SPLIT or (move == TOGGLE and improved):
            move, improved = RETILE, False
        else:
            move += 1
    return n, best[0], best[1]
