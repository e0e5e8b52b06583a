"""Compiled start of a search from nests that are known already, of the same einsum or one of other sizes."""

from typing import Any

from catx.costmodel.jit import kernel
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.tiles_kernel import SEARCH, SPATIAL, STORE, SUM_ENERGY, SUM_LATENCY, Bench
from catx.mapper.front_kernel import enter_front
from catx.mapper.tree_kernel import Tree

TILES, FACTORS = 0, 1
"""What a nest of other sizes keeps: the tiles of its temporal loops, or the factors of all loops."""


@kernel
def seed(w: Bench, s: Tree, nests: Any, n_rows: Any, extents: Any) -> None:
    """Enter nests into the front that are legal on the accelerator but for capacity.

    Args:
        w: the einsum and the accelerator.
        s: the search.
        nests: (n, MAX_ROWS, 4).
        n_rows: (n,).
        extents: (n, MAX_DIMS) of the einsum that each nest is of; where they are others, it is changed in
            two ways.
    """
    for i in range(len(n_rows)):
        same = True
        for d in range(w.n_dims):
            same = same and extents[i, d] == w.extents[d]
        for keep in range(1 if same else 2):
            if _take(w, nests[i], n_rows[i], extents[i], keep):
                _enter(w, s)


@kernel
def _take(w: Bench, rows: Any, n_rows: int, extents: Any, keep: int) -> bool:
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
