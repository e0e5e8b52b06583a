"""Compiled use of nests that are known already, of the same einsum or one of other sizes."""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.tiles_kernel import (
    BUSIEST,
    MAX_LINKS,
    MAX_MEMORIES,
    SEARCH,
    SPATIAL,
    STORE,
    SUM_ENERGY,
    SUM_LATENCY,
    SUM_OPS,
    TOTAL,
    Bench,
    constant,
)
from catx.mapper.front_kernel import enter_front
from catx.mapper.tree_kernel import Tree

FACTORS = 1
"""A nest of other sizes keeps the tiles of its temporal loops, or the factors of all loops."""

ENERGY, CYCLES, COMPUTE = constant(0), constant(1), constant(2)
OPERATIONS = constant(3)
READ, WRITTEN, LOAD, ALL_READ, ALL_WRITTEN = (constant(4 + at * MAX_MEMORIES) for at in range(5))
LINK, ALL_LINKED = constant(4 + 5 * MAX_MEMORIES), constant(4 + 5 * MAX_MEMORIES + MAX_LINKS)
N_COSTS = 4 + 5 * MAX_MEMORIES + 2 * MAX_LINKS
"""Columns of what nests cost: dynamic energy [J], latency and cycles of the matrix unit [cycle], operations;
then of the busiest instance of each memory the bytes that are read, and written, and its cycles; of all
instances of each memory the bytes that are read, and written; of each fanout the cycles of the busiest link,
and the bytes through all links."""


@kernel
def _ways(w: Bench, extents: Any) -> int:
    """How many ways there are to take over a nest of an einsum of some extents: of the same one only one."""
    for d in range(w.n_dims):
        if extents[d] != w.extents[d]:
            return 2
    return 1


@kernel
def seed(w: Bench, s: Tree, nests: Any, n_rows: Any, extents: Any) -> None:
    """Enter nests into the front that are legal on the accelerator but for capacity.

    Args:
        w: the einsum and the accelerator.
        s: the search.
        nests: (n, rows, 4).
        n_rows: (n,).
        extents: (n, MAX_DIMS) of the einsum that each nest is of; where they are others, it is changed in
            two ways.
    """
    for i in range(len(n_rows)):
        for keep in range(_ways(w, extents[i])):
            if take(w, nests[i], n_rows[i], extents[i], keep):
                _enter(w, s)


@kernel
def cost(w: Bench, nests: Any, n_rows: Any, extents: Any, costs: Any) -> None:
    """What nests cost, each as it is taken over in both ways; `nests`, `n_rows` and `extents` as for `seed`.

    Args:
        w: the einsum and the accelerator.
        nests: (n, rows, 4).
        n_rows: (n,).
        extents: (n, MAX_DIMS).
        costs: (2 n, N_COSTS) are written, both ways of a nest one after the other; the energy is infinite
            where there is no such nest, or it does not fit.
    """
    for i in range(len(n_rows)):
        ways = _ways(w, extents[i])
        for keep in range(2):
            row = costs[2 * i + keep]
            row[ENERGY] = np.inf
            if keep < ways and take(w, nests[i], n_rows[i], extents[i], keep) and evaluate_nest(w, SEARCH):
                row[ENERGY], row[CYCLES] = w.summary[SUM_ENERGY], w.summary[SUM_LATENCY]
                row[COMPUTE], row[OPERATIONS] = w.unit_load, w.summary[SUM_OPS]
                for m in range(w.n_memories):
                    row[READ + m] = w.memory_bytes[m, 0, BUSIEST]
                    row[WRITTEN + m] = w.memory_bytes[m, 1, BUSIEST]
                    row[LOAD + m] = w.memory_load[m]
                    row[ALL_READ + m] = w.memory_bytes[m, 0, TOTAL]
                    row[ALL_WRITTEN + m] = w.memory_bytes[m, 1, TOTAL]
                for f in range(w.n_links):
                    row[LINK + f], row[ALL_LINKED + f] = w.link_load[f], w.link_bytes[f, TOTAL]


@kernel
def take(w: Bench, rows: Any, n_rows: int, extents: Any, keep: int) -> bool:
    """Make a nest that of the bench; False where its loops do not end at tiles of 1.

    No loop gets a larger factor on an axis than it had, so it stays legal.
    """
    n = 0
    for d in range(w.n_dims):
        w.lengths[d], w.nominal[d] = extents[d], w.extents[d]  # scratch: what is left of both einsums
    for row in range(n_rows):
        kind, d, tile = rows[row, 0], rows[row, 1], rows[row, 2]
        w.nest[n, 0], w.nest[n, 1], w.nest[n, 2], w.nest[n, 3] = kind, d, tile, rows[row, 3]
        if kind == STORE:
            n += 1
            continue
        before, here = w.lengths[d], w.nominal[d]
        factor = (before + tile - 1) // tile
        even = (here + factor - 1) // factor
        if keep == FACTORS:
            new = even
        elif kind == SPATIAL:
            new = max(even, min(tile, here))
        else:
            new = min(tile, here)
        w.lengths[d], w.nominal[d] = tile, new
        if new < here:
            w.nest[n, 2] = new
            n += 1
    w.n_rows = n
    whole = True
    for d in range(w.n_dims):
        whole = whole and w.nominal[d] == 1
    return whole


@kernel
def _enter(w: Bench, s: Tree) -> None:
    """Enter the bench's nest into the front, if it fits."""
    s.evaluated += 1
    if evaluate_nest(w, SEARCH):
        time = (w.summary[SUM_LATENCY] + s.launch) * s.second
        enter_front(w, s, w.summary[SUM_ENERGY] + s.static_w * time, time)
