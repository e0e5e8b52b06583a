"""The compiler decorator of all kernels: numba, with machine code cached on disk by the kernels' content."""

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

from catx.cache_dir import cache_dir

F = TypeVar("F", bound=Callable[..., Any])


@cache
def _kernel_cache() -> str:
    """A folder named after the content of all kernel files: numba alone watches only the caller's file."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parents[1].glob("*/*_kernel.py")):
        digest.update(path.read_bytes())
    return str(cache_dir() / f"kernels-{digest.hexdigest()[:16]}")


def kernel(function: F) -> F:
    """Compile on first use; results are exact (no fast-math), division by zero gives infinity as in numpy."""
    config: Any = numba.config
    shared = config.CACHE_DIR
    config.CACHE_DIR = _kernel_cache()  # read when the decorator runs; other users of numba keep theirs
    try:
        compiled: Any = numba.njit(cache=True, error_model="numpy", nogil=True)(function)
    finally:
        config.CACHE_DIR = shared
    return cast(F, compiled)
