"""Compile what a search needs before the first one ever: in two processes, as the compiler uses one core.

`python -m catx.mapper.compile_kernels` is the second process: it leaves kernels of dives in the cache.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from threading import Lock
from typing import Any

import numba
import numpy as np

from catx.costmodel.kernel_cache import kernels_cached
from catx.costmodel.tiles_kernel import BENCH
from catx.mapper import branch_kernel, dive_kernel, open_kernel, promise_kernel, unroll_kernel
from catx.mapper.open_kernel import OPEN
from catx.mapper.roots_kernel import ROOTS
from catx.mapper.tree_kernel import FRAME, KEPT, KIDS, ROOT, TREE

_LOCK = Lock()
_NUMBA: Any = numba

Calls = list[tuple[Callable[..., Any], tuple[Any, ...]]]
"""Kernels, and arguments of the types that they are compiled for."""

BENCH_0, TREE_0, ROOTS_0 = (np.zeros(1, record)[0] for record in (BENCH, TREE, ROOTS))
FRAMES, KEEPS, ROWS, ORDER = (np.zeros(0, record) for record in (FRAME, KEPT, ROOT, np.int64))


def proof_calls() -> Calls:
    """The kernels of proofs that take long to compile."""
    search = BENCH_0, TREE_0, FRAMES
    return [(branch_kernel.search_trees, (*search, KEEPS, ROWS, ORDER, 0))]


def dive_calls() -> Calls:
    """The kernels of dives, and of the list of unrollings."""
    search = BENCH_0, TREE_0, FRAMES
    nodes, slots = np.zeros(0, OPEN), np.zeros((3, 0), np.int64)
    listed = np.zeros(1, unroll_kernel.UNROLL_STATE)[0]
    return [
        (dive_kernel.dive_trees, (*search, np.zeros(0, KIDS), KEEPS, ROWS, ORDER, 0, 0)),
        (promise_kernel.bound_roots, (*search, KEEPS, ROWS)),
        (open_kernel.open_all, (*search, KEEPS, ROOTS_0, nodes, slots, 0)),
        (open_kernel.list_roots, (*search, KEEPS, ROOTS_0, nodes, slots, ROWS, 0.0)),
        (unroll_kernel.list_unrollings, (BENCH_0, listed, ORDER)),
    ]


def compile_all(calls: Calls) -> None:
    """Compile kernels for their arguments, or load them; nothing is called."""
    for kernel, arguments in calls:
        compiled: Any = kernel
        compiled.compile(tuple(_NUMBA.typeof(argument) for argument in arguments))


def compile_kernels() -> None:
    """Compile the kernels of searches on two cores, if none are kept on disk: once per process.

    Where the second process fails, as where nothing can be kept, kernels are compiled when they are called.
    """
    with _LOCK:
        _compile()


@cache
def _compile() -> None:
    if kernels_cached("mapper") or not sys.executable or (os.cpu_count() or 1) < 2:
        return
    paths = os.pathsep.join(path or os.curdir for path in sys.path)
    second = subprocess.Popen(
        [sys.executable, "-m", "catx.mapper.compile_kernels"],
        env=os.environ | {"PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    compile_all(proof_calls())
    second.wait()


if __name__ == "__main__":
    compile_all(dive_calls())
