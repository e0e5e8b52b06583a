"""Compiled sums over the tiles of a loop nest: `V` of docs/cost-model.md, and the arrays it works on."""

from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.jit import kernel

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def constant(value: int) -> int:
    """An int for kernels: numba would compile one variant of a function per Python int in a call."""
    return cast(int, np.int64(value))


TEMPORAL, SPATIAL, STORE = constant(0), constant(1), constant(2)
"""Kinds of nest rows: (TEMPORAL, dim, tile, 0), (SPATIAL, dim, tile, axis), (STORE, memory, 0, role)."""

FILL, READ_CHILD, READ_PSUM, UPDATE, DRAIN, PARTIAL_UPDATE, PARTIAL_DRAIN = range(7)
"""Columns of the counts."""

TOTAL, BUSIEST = 0, 1
"""Over all instances, or in the busiest one."""

N_ROLES, OUT = 3, constant(2)
"""Roles: 0 input, 1 weight, 2 output."""

FIRST, ALL, LAST = constant(0), constant(1), constant(2)
"""Which tiles of a split count."""

STEPS, DISTINCT, FIRST_TILE, LAST_TILE = constant(0), constant(1), constant(2), constant(3)
"""What temporal loops count: every visit, every element once, the first or the last tile."""

VISITS, ELEMENTS = constant(0), constant(1)
"""What a volume adds up."""

INNERMOST = constant(1 << 30)
"""A level further in than every other: the matrix unit."""

SEARCH, REPORT = constant(0), constant(1)
"""What an evaluation is for: its objective alone, or all of its counts."""

NONE = constant(-1)
"""No row, no fanout."""

MEMORY = np.dtype(
    [
        ("level", "i8"),  # position among the accelerator's levels
        ("capacity", "f8"),  # [byte], infinite if unbounded
        ("read_rate", "f8"),  # [byte/cycle]
        ("write_rate", "f8"),  # [byte/cycle]
        ("shared", "i8"),  # reads and writes share read_rate
        ("double", "i8"),  # double buffered
        ("read_j", "f8"),  # [J/byte]
        ("write_j", "f8"),  # [J/byte]
    ]
)
LINK = np.dtype([("level", "i8"), ("rate", "f8"), ("j", "f8")])  # position, [byte/cycle], [J/byte]
AXIS = np.dtype(
    [
        ("link", "i8"),  # index of its fanout
        ("size", "i8"),  # instances
        ("shares", "i8"),  # bit per role: one parent access serves all instances (multicast, or reduction)
    ]
)
UNIT = np.dtype(
    [
        ("rate", "f8"),  # [MAC/cycle] of one unit
        ("j", "f8"),  # [J/MAC]
        ("pipeline", "f8"),  # [cycle]
        ("overlap_only", "i8"),  # leave out what cannot overlap
    ]
)

MAX_LOOPS = 16
"""Loops that one dim may have in a nest."""

_MAX_PIECES = 8 * MAX_LOOPS
"""Distinct (size, size before) pairs of one dim's tiles; a split adds at most one distinct size."""


class Problem(NamedTuple):
    """An einsum of D dims.

    extents (D,); axis_of, coeff (3, D): axis of a role that a dim indexes (-1: none) and its coefficient;
    n_axes (3,); bits (4,): widths of the three roles and of the accumulator [bit].
    """

    extents: Ints
    axis_of: Ints
    coeff: Ints
    n_axes: Ints
    bits: Ints


class Machine(NamedTuple):
    """An accelerator: memories (M,) MEMORY, links (F,) LINK, axes (X,) AXIS, unit (1,) UNIT."""

    memories: NDArray[Any]
    links: NDArray[Any]
    axes: NDArray[Any]
    unit: NDArray[Any]


class Scratch(NamedTuple):
    """Working arrays of `evaluate`, allocated once: tile sizes of each dim, and a mode per nest row."""

    sizes: Ints
    pieces: Ints
    before: Ints
    lengths: Ints
    at: Ints
    nominal: Ints
    busy: Ints
    spatial: Ints
    visits: Ints
    modes: Ints


class Result(NamedTuple):
    """Outputs of `evaluate`.

    counts (M, 3, 2, 7) [element] by role, TOTAL/BUSIEST and cause; tiles (M, 3) [element], -1 where not
    stored; instances (M, 3); memory_bytes (M, 2, 2) read/write by TOTAL/BUSIEST; link_bytes (F, 2); loads
    (1 + M + F,) [cycle] of compute, memories, links; edge (M, 4) [cycle], see EDGE columns; edge_parent
    (M, M) and edge_link (M, F) [byte] that a memory's first tiles need; summary (9,), see SUM columns.
    """

    counts: Ints
    tiles: Ints
    instances: Ints
    memory_bytes: Floats
    link_bytes: Floats
    loads: Floats
    edge: Floats
    edge_parent: Floats
    edge_link: Floats
    summary: Floats


EDGE_WRITE, EDGE_READ, EDGE_DRAIN, EDGE_MOVED = range(4)
"""Own time of the first writes, of the last reads, largest wait of the last drain, own time of all moves."""

SUM_ENERGY, SUM_LATENCY, SUM_STEADY, SUM_FILL, SUM_DRAIN, SUM_UNHIDDEN, SUM_PIPELINE, SUM_OPS, SUM_UNITS = (
    range(9)
)
"""Dynamic energy [J]; latency and its parts as in docs/cost-model.md [cycle]; operations; units used."""


def new_scratch(n_dims: int, n_rows: int) -> Scratch:
    """Working arrays for einsums of up to `n_dims` dims and nests of up to `n_rows` rows."""
    table = (n_dims, _MAX_PIECES)
    rows = n_rows + 1
    return Scratch(
        *(
            np.empty(shape, np.int64)
            for shape in (table, table, _MAX_PIECES, n_dims, n_dims, n_dims, rows, rows, rows, rows)
        )
    )


def new_result(n_memories: int, n_links: int) -> Result:
    """Output arrays for one accelerator."""
    m, f = n_memories, n_links
    return Result(
        counts=np.zeros((m, N_ROLES, 2, 7), np.int64),
        tiles=np.zeros((m, N_ROLES), np.int64),
        instances=np.zeros((m, N_ROLES), np.int64),
        memory_bytes=np.zeros((m, 2, 2)),
        link_bytes=np.zeros((f, 2)),
        loads=np.zeros(1 + m + f),
        edge=np.zeros((m, 4)),
        edge_parent=np.zeros((m, m)),
        edge_link=np.zeros((m, f)),
        summary=np.zeros(9),
    )


@kernel
def _split(sizes: Ints, counts: Ints, n: int, tile: int, mode: int) -> int:
    """Split the first n pieces (size, count) into tiles, in place; returns how many pieces there are."""
    if mode == FIRST:
        for i in range(n):
            sizes[i] = min(sizes[i], tile)
        return n
    if mode == LAST:
        for i in range(n):
            sizes[i] -= (sizes[i] - 1) // tile * tile
        return n
    full = 0
    kept = 0
    for i in range(n):
        size, count = sizes[i], counts[i]
        full += size // tile * count
        rest = size % tile
        if rest:
            sizes[kept], counts[kept] = rest, count
            kept += 1
    if full:
        sizes[kept], counts[kept] = tile, full
        kept += 1
    return kept


@kernel
def _add_pair(sizes: Ints, counts: Ints, before: Ints, n: int, size: int, held: int, count: int) -> int:
    """Add tiles of one size whose predecessors have one size; returns how many distinct pairs there are."""
    for i in range(n):
        if sizes[i] == size and before[i] == held:
            counts[i] += count
            return n
    sizes[n], before[n], counts[n] = size, held, count
    return n + 1


@kernel
def _slide(sizes: Ints, counts: Ints, before: Ints, n: int, tile: int) -> int:
    """Split along the sliding loop: `before` gets the size of the step before, 0 for a first step."""
    total = n
    for i in range(n):
        size, count = sizes[i], counts[i]
        sizes[i], before[i] = min(size, tile), 0
        if size >= 2 * tile:
            total = _add_pair(sizes, counts, before, total, tile, tile, (size // tile - 1) * count)
        if size > tile and size % tile:
            total = _add_pair(sizes, counts, before, total, size % tile, tile, count)
    return total


@kernel
def _split_pairs(sizes: Ints, counts: Ints, before: Ints, n: int, tile: int, mode: int) -> int:
    """Split (size, size of the step before) pairs by a spatial loop below the sliding one."""
    total = n
    for i in range(n):
        size, count, held = sizes[i], counts[i], before[i]
        full, rest = size // tile, size % tile
        sizes[i], before[i] = min(size, tile), min(held, tile)
        if mode != ALL or full == 0:
            continue
        counts[i] = full * count
        if rest:
            ahead = min(tile, held - full * tile) if held else 0
            total = _add_pair(sizes, counts, before, total, rest, ahead, count)
    return total


@kernel
def _window(axis: int, role: int, dim: int, tile: int, problem: Problem, scratch: Scratch) -> int:
    """Elements along the axis that slides over `dim`, summed over the combinations of its dims' tiles."""
    n_dims = problem.extents.shape[0]
    c = problem.coeff[role, dim]
    total = 0
    for d in range(n_dims):
        scratch.at[d] = 0
    while True:
        reach, weight = 0, 1
        for d in range(n_dims):
            if problem.axis_of[role, d] == axis and d != dim:
                reach += problem.coeff[role, d] * (scratch.sizes[d, scratch.at[d]] - 1)
                weight *= scratch.pieces[d, scratch.at[d]]
        for i in range(scratch.lengths[dim]):
            size, held = scratch.sizes[dim, i], scratch.before[i]
            new = 1 + c * (size - 1) + reach
            if held:
                new = min(new, c * (tile + size - held))
            total += weight * scratch.pieces[dim, i] * new
        d = 0
        while d < n_dims:  # the next combination
            if problem.axis_of[role, d] == axis and d != dim:
                scratch.at[d] += 1
                if scratch.at[d] < scratch.lengths[d]:
                    break
                scratch.at[d] = 0
            d += 1
        if d == n_dims:
            return total


@kernel
def _axis_sum(first: int, role: int, problem: Problem, scratch: Scratch) -> int:
    """Elements along the axis whose first dim is `first`, summed over the combinations of its dims' tiles."""
    axis = problem.axis_of[role, first]
    combinations, span = 1, 0  # span: sum over combinations of sum(coeff * (size - 1))
    for d in range(first, problem.extents.shape[0]):
        if problem.axis_of[role, d] == axis:
            tiles, covered = 0, 0
            for i in range(scratch.lengths[d]):
                tiles += scratch.pieces[d, i]
                covered += scratch.pieces[d, i] * (scratch.sizes[d, i] - 1)
            span = span * tiles + problem.coeff[role, d] * covered * combinations
            combinations *= tiles
    return combinations + span


@kernel
def _volume(
    nest: Ints, cut: int, role: int, slide: int, what: int, problem: Problem, scratch: Scratch
) -> int:
    """V of docs/cost-model.md above row `cut`, under `scratch.modes`; or with `what` VISITS their number.

    `slide` is the row of the sliding loop, or -1.
    """
    n_dims = problem.extents.shape[0]
    sizes, pieces, n = scratch.sizes, scratch.pieces, scratch.lengths
    slide_dim = nest[slide, 1] if slide >= 0 else -1
    for d in range(n_dims):
        sizes[d, 0], pieces[d, 0], n[d] = problem.extents[d], 1, 1
    for i in range(cut):
        if nest[i, 0] == STORE:
            continue
        d, tile = nest[i, 1], nest[i, 2]
        if i == slide:
            n[d] = _slide(sizes[d], pieces[d], scratch.before, n[d], tile)
        elif d == slide_dim and i > slide:
            n[d] = _split_pairs(sizes[d], pieces[d], scratch.before, n[d], tile, scratch.modes[i])
        else:
            n[d] = _split(sizes[d], pieces[d], n[d], tile, scratch.modes[i])
    result = 1
    for d in range(n_dims):
        axis = problem.axis_of[role, d]
        if what == VISITS or axis < 0:
            tiles = 0
            for i in range(n[d]):
                tiles += pieces[d, i]
            result *= tiles
            continue
        first = True
        for other in range(d):
            first = first and problem.axis_of[role, other] != axis
        if first and slide >= 0 and problem.axis_of[role, slide_dim] == axis:
            result *= _window(axis, role, slide_dim, nest[slide, 2], problem, scratch)
        elif first:
            result *= _axis_sum(d, role, problem, scratch)
    return result


@kernel
def measure(
    nest: Ints, row: int, role: int, counting: int, pivot: int, outer: int, slide: int, what: int,
    problem: Problem, machine: Machine, scratch: Scratch,
) -> int:  # fmt: skip
    """`_volume` with temporal loops as `counting` says, spatial ones by the place of their fanout.

    Spatial loops of fanouts further out than level `pivot` are `outer`, the others follow the sharing rule.
    """
    for j in range(row):
        kind = nest[j, 0]
        if kind == STORE:
            continue
        indexes = problem.axis_of[role, nest[j, 1]] >= 0
        if kind == TEMPORAL:
            if counting == STEPS:
                scratch.modes[j] = scratch.visits[j]
            elif counting == DISTINCT:
                scratch.modes[j] = ALL if indexes else FIRST
            else:
                scratch.modes[j] = FIRST if counting == FIRST_TILE else LAST
        else:
            axis = machine.axes[nest[j, 3]]
            if machine.links[axis.link].level < pivot:
                scratch.modes[j] = outer
            else:
                scratch.modes[j] = FIRST if not indexes and (axis.shares >> role) & 1 else ALL
    return _volume(nest, row, role, slide, what, problem, scratch)
