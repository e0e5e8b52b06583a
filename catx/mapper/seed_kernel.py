"""Compiled start of a search from nests that are known already."""

from typing import Any

from catx.costmodel.jit import kernel
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.tiles_kernel import SEARCH, SUM_ENERGY, SUM_LATENCY, Bench
from catx.mapper.front_kernel import enter_front
from catx.mapper.tree_kernel import Tree


@kernel
def seed(w: Bench, s: Tree, nests: Any, n_rows: Any) -> None:
    """Enter nests (n, MAX_ROWS, 4) of (n,) rows, legal but for capacity, into the front."""
    for i in range(len(n_rows)):
        w.n_rows = n_rows[i]
        for row in range(n_rows[i]):
            for column in range(4):
                w.nest[row, column] = nests[i, row, column]
        s.evaluated += 1
        if evaluate_nest(w, SEARCH):
            time = (w.summary[SUM_LATENCY] + s.launch) * s.second
            enter_front(w, s, w.summary[SUM_ENERGY] + s.static_w * time, time)
