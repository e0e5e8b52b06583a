"""catx: map neural networks onto accelerators; exact counts, latency, energy, area and carbon.

Everything here loads on first use, so that `import catx` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from catx.api import (
        compile_model,
        evaluate_mapping,
        find_front,
        find_mapping,
        load_accelerator,
        load_constraints,
        load_model,
        load_models,
        load_scenario,
        sensitivity,
    )
    from catx.costmodel.components import ComponentNumbers, register_component
    from catx.errors import CatxError
    from catx.ir.accelerator import Accelerator
    from catx.ir.counts import Counts
    from catx.ir.dtype import DType
    from catx.ir.einsum import Einsum
    from catx.ir.graph import Graph
    from catx.ir.mapping import Loop, Mapping, Store
    from catx.ir.operand import Operand, plain_axes
    from catx.ir.report import Report
    from catx.ir.scenario import Scenario
    from catx.mapper.sensitivity import Sensitivity

    __version__: str

_HOMES = {
    "compile_model": "catx.api",
    "evaluate_mapping": "catx.api",
    "find_front": "catx.api",
    "find_mapping": "catx.api",
    "load_accelerator": "catx.api",
    "load_constraints": "catx.api",
    "load_model": "catx.api",
    "load_models": "catx.api",
    "load_scenario": "catx.api",
    "sensitivity": "catx.api",
    "ComponentNumbers": "catx.costmodel.components",
    "register_component": "catx.costmodel.components",
    "CatxError": "catx.errors",
    "Accelerator": "catx.ir.accelerator",
    "Counts": "catx.ir.counts",
    "DType": "catx.ir.dtype",
    "Einsum": "catx.ir.einsum",
    "Graph": "catx.ir.graph",
    "Loop": "catx.ir.mapping",
    "Mapping": "catx.ir.mapping",
    "Store": "catx.ir.mapping",
    "Operand": "catx.ir.operand",
    "plain_axes": "catx.ir.operand",
    "Report": "catx.ir.report",
    "Scenario": "catx.ir.scenario",
    "Sensitivity": "catx.mapper.sensitivity",
    "__version__": "catx.version",
}

__all__ = [
    "Accelerator",
    "CatxError",
    "ComponentNumbers",
    "Counts",
    "DType",
    "Einsum",
    "Graph",
    "Loop",
    "Mapping",
    "Operand",
    "Report",
    "Scenario",
    "Sensitivity",
    "Store",
    "__version__",
    "compile_model",
    "evaluate_mapping",
    "find_front",
    "find_mapping",
    "load_accelerator",
    "load_constraints",
    "load_model",
    "load_models",
    "load_scenario",
    "plain_axes",
    "register_component",
    "sensitivity",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'catx' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    return getattr(home, "VERSION" if name == "__version__" else name)


def __dir__() -> list[str]:
    return sorted(__all__)
