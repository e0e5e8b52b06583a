"""The compiler decorator of all kernels: numba, with machine code cached on disk by the kernels' content."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from catx.costmodel.kernel_cache import SHELF

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}
"""Kernels are called from Python and by each other, never from C: wrappers for it would only be compiled."""


def kernel(function: F) -> F:
    """Compile on first use; results are exact (no fast-math), division by zero gives infinity as in numpy."""
    config: Any = numba.config
    shared = config.CACHE_DIR
    config.CACHE_DIR = str(SHELF.folder)  # read when the decorator runs; other users of numba keep theirs
    try:
        compiled: Any = numba.njit(**_OPTIONS)(function)
    finally:
        config.CACHE_DIR = shared
    return cast(F, compiled)
