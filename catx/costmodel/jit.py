"""The compiler decorator of all kernels: numba, with machine code cached on disk by the kernels' content."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from catx.costmodel.machine_code import MachineCode

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}
"""Kernels are called from Python and by each other, never from C: wrappers for it would only be compiled."""


def kernel(function: F) -> F:
    """Compile on first use; results are exact (no fast-math), division by zero gives infinity as in numpy."""
    compiled: Any = numba.njit(**_OPTIONS)(function)
    if compiled is not function:  # NUMBA_DISABLE_JIT leaves it as it is
        compiled._cache = MachineCode(function)  # where numba's own `cache=True` puts its cache
    return cast(F, compiled)
