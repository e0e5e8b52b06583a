"""The compiler decorator of all kernels: numba, with machine code cached on disk by the kernels' content."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

from catx.costmodel.machine_code import MachineCode

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}
"""Kernels are called from Python and by each other, never from C: wrappers for it would only be compiled."""

_CONFIG: dict[str, Any] = {"OPT": 1, "LOOP_VECTORIZE": 0}
"""Kernels are scalar code with short loops: a higher level takes a third more time and gains nothing."""


def kernel(function: F) -> F:
    """Compile on first use; results are exact (no fast-math), division by zero gives infinity as in numpy."""
    private = function.__name__.startswith("_")  # called by kernels alone: no wrapper for Python
    options = _OPTIONS | {"no_cpython_wrapper": private}
    compiled: Any = numba.njit(**options)(function)
    if compiled is not function:  # NUMBA_DISABLE_JIT leaves it as it is
        compiled._cache = MachineCode(function)  # where numba's own `cache=True` puts its cache
        compiled._compiler._compile_core = _configured(compiled._compiler._compile_core)
    return cast(F, compiled)


def inlined(function: F) -> F:
    """Make a function part of the kernels that call it: for one that is called once, less is compiled so."""
    compiled: Any = numba.njit(inline="always", **_OPTIONS)(function)
    return cast(F, compiled)


def _configured(compile_core: Callable[..., Any]) -> Callable[..., Any]:
    """Compile with numba's configuration changed; numba holds its lock meanwhile, so nobody else sees it."""

    def configured(*arguments: Any) -> Any:
        config: Any = numba.config
        kept = {name: getattr(config, name) for name in _CONFIG}
        for name, value in _CONFIG.items():
            setattr(config, name, type(kept[name])(value))
        try:
            return compile_core(*arguments)
        finally:
            for name, value in kept.items():
                setattr(config, name, value)

    return configured
