"""Component classes by name: what `class:` in a hardware file can pick."""

from collections.abc import Callable
from inspect import Parameter, signature

from catx.costmodel.components.dram import dram
from catx.costmodel.components.logic import mac, register_file, vector_lane
from catx.costmodel.components.numbers import ComponentNumbers
from catx.costmodel.components.sram import sram
from catx.costmodel.components.wire import wire
from catx.errors import SpecError
from catx.names import unknown_name

COMPONENTS: dict[str, Callable[..., ComponentNumbers]] = {
    "dram": dram,
    "mac": mac,
    "regfile": register_file,
    "register": register_file,
    "sram": sram,
    "vector_lane": vector_lane,
    "wire": wire,
}


def parameters(component_class: str) -> dict[str, bool]:
    """Parameters of a component class besides the node: name, and whether it must be given."""
    if component_class not in COMPONENTS:
        raise unknown_name("component class", component_class, COMPONENTS)
    described = signature(COMPONENTS[component_class]).parameters
    return {
        name: parameter.default is Parameter.empty
        for name, parameter in described.items()
        if name != "node_nm"
    }


def resolve(component_class: str, *, node_nm: float, **params: float | int | str) -> ComponentNumbers:
    """Numbers of a component from the library.

    Args:
        component_class: one of `COMPONENTS`.
        node_nm: technology node of the chip [nm].
        **params: what the class takes, see docs/components.md.

    Example:
        >>> resolve("dram", node_nm=22, type="lpddr4").read_j_per_byte
        6.4e-11
    """
    known = parameters(component_class)
    for name in params:
        if name not in known:
            raise unknown_name(f"parameter of component class {component_class}", name, known)
    if missing := [name for name, required in known.items() if required and name not in params]:
        raise SpecError(f"component class {component_class} needs {', '.join(missing)}")
    return COMPONENTS[component_class](node_nm=node_nm, **params)
