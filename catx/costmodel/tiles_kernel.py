"""Compiled sums over the tiles of a nest (`V` of docs/cost-model.md), and the record that kernels share."""

from typing import Any, cast

import numpy as np

from catx.costmodel.jit import kernel


def constant(value: int) -> int:
    """An int for kernels: numba would compile one variant of a function per Python int in a call."""
    return cast(int, np.int64(value))


TEMPORAL, SPATIAL, STORE = constant(0), constant(1), constant(2)
"""Kinds of nest rows: (TEMPORAL, dim, tile, 0), (SPATIAL, dim, tile, axis), (STORE, memory, 0, role)."""

FILL, READ_CHILD, READ_PSUM, UPDATE, DRAIN, PARTIAL_UPDATE, PARTIAL_DRAIN = range(7)
"""Columns of the counts."""

TOTAL, BUSIEST = constant(0), constant(1)
"""Over all instances, or in the busiest one."""

N_ROLES, OUT = 3, constant(2)
"""Roles: 0 input, 1 weight, 2 output."""

FIRST, ALL = constant(0), constant(1)
"""Which tiles of a split count."""

STEPS, DISTINCT, FIRST_TILE = constant(0), constant(1), constant(2)
"""What temporal loops count: every visit, every element once, or the first tile."""

VISITS, ELEMENTS = constant(0), constant(1)
"""What a volume adds up."""

SEARCH, REPORT = constant(0), constant(1)
"""What an evaluation is for: its objective alone, or all of its counts."""

INNERMOST = constant(1 << 30)
"""A level further in than every other: the matrix unit."""

NONE = constant(-1)
"""No loop, no memory, no fanout."""

MAX_DIMS, MAX_MEMORIES, MAX_LINKS, MAX_AXES, MAX_ROWS, MAX_LOOPS = 16, 8, 6, 12, 96, 12
"""What a bench has room for; MAX_LOOPS is per dim."""

_MAX_PIECES = 16 * MAX_LOOPS
"""Distinct (size, size before) pairs of one dim's tiles; a split adds at most one distinct size."""

SUM_ENERGY, SUM_LATENCY, SUM_STEADY, SUM_FILL, SUM_DRAIN, SUM_UNHIDDEN, SUM_PIPELINE, SUM_OPS, SUM_UNITS = (
    range(9)
)
"""Dynamic energy [J]; latency and its parts as in docs/cost-model.md [cycle]; operations; units used."""

BENCH = np.dtype(
    [
        # the einsum
        ("n_dims", "i8"),
        ("extents", "i8", MAX_DIMS),
        ("axis_of", "i8", (N_ROLES, MAX_DIMS)),  # axis of a role that a dim indexes, -1: none
        ("coeff", "i8", (N_ROLES, MAX_DIMS)),
        ("n_tensor_axes", "i8", N_ROLES),
        ("width", "f8", N_ROLES),  # [byte/element]
        ("accumulator", "f8"),  # [byte/element]
        # the accelerator
        ("n_memories", "i8"),
        ("level", "i8", MAX_MEMORIES),  # position among the accelerator's levels
        ("capacity", "f8", MAX_MEMORIES),  # [byte]
        ("shared", "i8", MAX_MEMORIES),  # reads and writes share one port
        ("double", "i8", MAX_MEMORIES),  # double buffered
        ("read_rate", "f8", MAX_MEMORIES),  # [byte/cycle]
        ("write_rate", "f8", MAX_MEMORIES),  # [byte/cycle], of writes alone
        ("read_j", "f8", MAX_MEMORIES),  # [J/byte]
        ("write_j", "f8", MAX_MEMORIES),  # [J/byte]
        ("n_links", "i8"),
        ("link_level", "i8", MAX_LINKS),
        ("link_rate", "f8", MAX_LINKS),  # [byte/cycle]
        ("link_j", "f8", MAX_LINKS),  # [J/byte]
        ("n_axes", "i8"),
        ("axis_link", "i8", MAX_AXES),  # fanout of an axis
        ("axis_size", "i8", MAX_AXES),
        ("axis_shares", "i8", MAX_AXES),  # bit per role: multicast, or reduction
        ("unit_rate", "f8"),  # [MAC/cycle]
        ("unit_j", "f8"),  # [J/MAC]
        ("unit_pipeline", "f8"),  # [cycle]
        ("overlap_only", "i8"),  # leave out what cannot overlap
        # the nest, and its loops with a trip count above 1
        ("nest", "i8", (MAX_ROWS, 4)),
        ("n_rows", "i8"),
        ("loop_dim", "i8", MAX_ROWS),
        ("loop_tile", "i8", MAX_ROWS),
        ("loop_axis", "i8", MAX_ROWS),  # -1: temporal
        ("loop_visits", "i8", MAX_ROWS),  # ALL, or FIRST where dropped
        ("above", "i8", MAX_ROWS + 1),  # loops above a row
        ("spatial_above", "i8", MAX_ROWS + 1),
        # tiles of each dim
        ("nominal", "i8", MAX_DIMS),
        ("lengths", "i8", MAX_DIMS),
        ("at", "i8", MAX_DIMS),
        ("before", "i8", _MAX_PIECES),
        ("sizes", "i8", (MAX_DIMS, _MAX_PIECES)),
        ("pieces", "i8", (MAX_DIMS, _MAX_PIECES)),
        # results
        ("counts", "i8", (MAX_MEMORIES, N_ROLES, 2, 7)),  # [element] by role, TOTAL/BUSIEST, cause
        ("tiles", "i8", (MAX_MEMORIES, N_ROLES)),  # [element], -1: not stored
        ("instances", "i8", (MAX_MEMORIES, N_ROLES)),
        ("memory_bytes", "f8", (MAX_MEMORIES, 2, 2)),  # read/write, TOTAL/BUSIEST
        ("link_bytes", "f8", (MAX_LINKS, 2)),
        ("memory_load", "f8", MAX_MEMORIES),  # [cycle]
        ("link_load", "f8", MAX_LINKS),  # [cycle]
        ("unit_load", "f8"),  # [cycle]
        ("summary", "f8", 9),  # SUM columns
    ]
)
"""One record holds everything that kernels read and write, so that a call passes one pointer."""

Bench = Any
"""A BENCH record."""


@kernel
def _split(w: Bench, d: int, tile: int, mode: int) -> None:
    """Split the tiles of dim `d` (size, count) further, in place."""
    n = w.lengths[d]
    if mode == FIRST:
        for i in range(n):
            w.sizes[d, i] = min(w.sizes[d, i], tile)
        return
    full, kept = 0, 0
    for i in range(n):
        size, count = w.sizes[d, i], w.pieces[d, i]
        whole = size // tile
        rest = size - whole * tile
        full += whole * count
        if rest:
            w.sizes[d, kept], w.pieces[d, kept] = rest, count
            kept += 1
    if full:
        w.sizes[d, kept], w.pieces[d, kept] = tile, full
        kept += 1
    w.lengths[d] = kept


@kernel
def _add_pair(w: Bench, d: int, size: int, held: int, count: int) -> None:
    """Add tiles of one size whose predecessors have one size."""
    n = w.lengths[d]
    for i in range(n):
        if w.sizes[d, i] == size and w.before[i] == held:
            w.pieces[d, i] += count
            return
    w.sizes[d, n], w.before[n], w.pieces[d, n] = size, held, count
    w.lengths[d] = n + 1


@kernel
def _slide(w: Bench, d: int, tile: int) -> None:
    """Split along the sliding loop: `before` gets the size of the step before, 0 for a first step."""
    for i in range(w.lengths[d]):
        w.before[i] = NONE  # whole tiles are no steps yet: none may be added to them
    for i in range(w.lengths[d]):
        size, count = w.sizes[d, i], w.pieces[d, i]
        w.sizes[d, i], w.before[i] = min(size, tile), 0
        if size >= 2 * tile:
            _add_pair(w, d, tile, tile, (size // tile - 1) * count)
        if size > tile and size % tile:
            _add_pair(w, d, size % tile, tile, count)


@kernel
def _split_pairs(w: Bench, d: int, tile: int, mode: int) -> None:
    """Split (size, size of the step before) pairs by a spatial loop below the sliding one."""
    for i in range(w.lengths[d]):
        size, count, held = w.sizes[d, i], w.pieces[d, i], w.before[i]
        full, rest = size // tile, size % tile
        w.sizes[d, i], w.before[i] = min(size, tile), min(held, tile)
        if mode != ALL or full == 0:
            continue
        w.pieces[d, i] = full * count
        if rest:
            _add_pair(w, d, rest, min(tile, held - full * tile) if held else 0, count)


@kernel
def _window(w: Bench, role: int, dim: int, tile: int) -> int:
    """Elements along the axis that slides over `dim`, summed over the combinations of its dims' tiles."""
    axis, c = w.axis_of[role, dim], w.coeff[role, dim]
    total = 0
    for d in range(w.n_dims):
        w.at[d] = 0
    while True:
        reach, weight = 0, 1
        for d in range(w.n_dims):
            if w.axis_of[role, d] == axis and d != dim:
                reach += w.coeff[role, d] * (w.sizes[d, w.at[d]] - 1)
                weight *= w.pieces[d, w.at[d]]
        for i in range(w.lengths[dim]):
            size, held = w.sizes[dim, i], w.before[i]
            new = 1 + c * (size - 1) + reach
            if held:
                new = min(new, c * (tile + size - held))
            total += weight * w.pieces[dim, i] * new
        d = 0
        while d < w.n_dims:  # the next combination
            if w.axis_of[role, d] == axis and d != dim:
                w.at[d] += 1
                if w.at[d] < w.lengths[d]:
                    break
                w.at[d] = 0
            d += 1
        if d == w.n_dims:
            return total


@kernel
def _axis_sum(w: Bench, role: int, first: int) -> int:
    """Elements along the axis whose first dim is `first`, summed over its dims' tiles."""
    axis = w.axis_of[role, first]
    combinations, span = 1, 0  # span: sum over combinations of sum(coeff * (size - 1))
    for d in range(first, w.n_dims):
        if w.axis_of[role, d] == axis:
            tiles, covered = 0, 0
            for i in range(w.lengths[d]):
                tiles += w.pieces[d, i]
                covered += w.pieces[d, i] * (w.sizes[d, i] - 1)
            span = span * tiles + w.coeff[role, d] * covered * combinations
            combinations *= tiles
    return combinations + span


@kernel
def _total(w: Bench, role: int, slide: int, what: int) -> int:
    """Product over axes and unindexed dims of what their tiles add up to."""
    slide_dim = w.loop_dim[slide] if slide >= 0 else NONE
    result = 1
    for d in range(w.n_dims):
        axis = w.axis_of[role, d]
        if what == VISITS or axis < 0:
            tiles = 0
            for i in range(w.lengths[d]):
                tiles += w.pieces[d, i]
            result *= tiles
            continue
        first = True
        for other in range(d):
            first = first and w.axis_of[role, other] != axis
        if first and slide >= 0 and w.axis_of[role, slide_dim] == axis:
            result *= _window(w, role, slide_dim, w.loop_tile[slide])
        elif first:
            result *= _axis_sum(w, role, d)
    return result


@kernel
def measure(
    w: Bench, row: int, role: int, counting: int, pivot: int, outer: int, slide: int, what: int
) -> int:
    """V of docs/cost-model.md: elements of a tensor that a store at `row` visits; with VISITS, how often.

    Temporal loops count as `counting` says. Spatial loops of fanouts further out than level `pivot` are
    `outer` (ALL or FIRST), the others follow the sharing rule. `slide` is the sliding loop or NONE.
    """
    slide_dim = w.loop_dim[slide] if slide >= 0 else NONE
    for d in range(w.n_dims):
        w.sizes[d, 0], w.pieces[d, 0], w.lengths[d] = w.extents[d], 1, 1
    for k in range(w.above[row]):
        d, tile, axis = w.loop_dim[k], w.loop_tile[k], w.loop_axis[k]
        if k == slide:
            _slide(w, d, tile)
            continue
        indexes = w.axis_of[role, d] >= 0
        if axis >= 0:
            if w.link_level[w.axis_link[axis]] < pivot:
                mode = outer
            else:
                mode = FIRST if not indexes and (w.axis_shares[axis] >> role) & 1 else ALL
        elif counting == STEPS:
            mode = w.loop_visits[k]
        elif counting == DISTINCT:
            mode = ALL if indexes else FIRST
        else:
            mode = FIRST
        if d == slide_dim and k > slide:
            _split_pairs(w, d, tile, mode)
        else:
            _split(w, d, tile, mode)
    return _total(w, role, slide, what)
