"""Component classes by name: what `class:` in a hardware file can pick, and classes of your own."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from inspect import Parameter, signature
from math import inf
from types import MappingProxyType

from catx.costmodel.components.dram import dram
from catx.costmodel.components.fifo import fifo
from catx.costmodel.components.logic import mac, register_file, vector_lane
from catx.costmodel.components.noc import noc
from catx.costmodel.components.numbers import ComponentNumbers
from catx.costmodel.components.special import special_function
from catx.costmodel.components.sram import sram
from catx.costmodel.components.wire import wire
from catx.errors import CatxError, SpecError
from catx.names import unknown_name

ComponentClass = Callable[..., ComponentNumbers]
"""Takes `node_nm` and parameters of its own by keyword; returns the numbers of one instance."""

COMPONENTS: Mapping[str, ComponentClass] = MappingProxyType(
    {
        "dram": dram,
        "fifo": fifo,
        "mac": mac,
        "noc": noc,
        "regfile": register_file,
        "register": register_file,
        "special_function": special_function,
        "sram": sram,
        "vector_lane": vector_lane,
        "wire": wire,
    }
)
"""Classes of the library."""

PLUGINS = "catx.components"
"""Entry points of this group are classes, too: an installed package brings them."""

_registered: dict[str, ComponentClass] = {}


def register_component(name: str, component: ComponentClass) -> None:
    """Make a class of your own available under a name, in hardware files and in `resolve`.

    Args:
        name: what `class:` will say; not one of the library's. Registered again, the new function counts.
        component: called as `component(node_nm=..., ...)`. In a hardware file a memory hands it
            `capacity_bytes`, a matrix unit `dtype` and `accumulator`, a vector unit `dtype`, each if it takes
            it, and whatever stands in `parameters`.

    Example:
        >>> def mram(*, node_nm: float, capacity_bytes: float) -> ComponentNumbers:
        ...     return ComponentNumbers(read_j_per_byte=1e-12, write_j_per_byte=9e-12, source="our test chip")
        >>> register_component("mram", mram)
        >>> resolve("mram", node_nm=22, capacity_bytes=1024).write_j_per_byte
        9e-12

    Raises:
        SpecError: the library has that name, or the function does not take `node_nm`.
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise SpecError(f"a component class needs a name of letters, digits and _, not {name!r}")
    if name in COMPONENTS:
        raise SpecError(f"{name} is a class of the library", hint="choose another name")
    described = _described(name, component)
    if "node_nm" not in described:
        raise SpecError(f"component class {name} does not take `node_nm`: the technology node [nm]")
    bad = (Parameter.VAR_KEYWORD, Parameter.VAR_POSITIONAL, Parameter.POSITIONAL_ONLY)
    if odd := [key for key, parameter in described.items() if parameter.kind in bad]:
        raise SpecError(f"component class {name}: {odd[0]} has no name that a file could write")
    _registered[name] = component


def _described(name: str, component: ComponentClass) -> Mapping[str, Parameter]:
    """Parameters of a class, annotations evaluated where they can be."""
    if not callable(component):
        raise SpecError(f"component class {name} is no function: {component!r}")
    try:
        return signature(component, eval_str=True).parameters
    except NameError:  # annotations of names that exist for type checkers alone
        return signature(component).parameters
    except (TypeError, ValueError) as error:
        raise SpecError(f"component class {name} does not tell its parameters: {error}") from error


@cache
def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=PLUGINS) if point.name not in COMPONENTS}


def own_classes() -> tuple[str, ...]:
    """Names of the classes that are not the library's: registered, or brought by installed packages."""
    return (*_registered, *(name for name in _plugins() if name not in _registered))


def component_class(name: str) -> ComponentClass:
    """A class by its name.

    Raises:
        SpecError: there is none, or the package that has it does not load.
    """
    if name in COMPONENTS:
        return COMPONENTS[name]
    if name not in _registered:
        if name not in _plugins():
            raise unknown_name("component class", name, (*COMPONENTS, *own_classes()))
        point = _plugins()[name]
        try:
            loaded = point.load()
        except Exception as error:
            raise SpecError(f"component class {name} does not load from {point.value}: {error}") from error
        register_component(name, loaded)
    return _registered[name]


def parameters(name: str) -> dict[str, bool]:
    """Parameters of a component class besides the node: name, and whether it must be given."""
    described = _described(name, component_class(name))
    return {
        key: parameter.default is Parameter.empty for key, parameter in described.items() if key != "node_nm"
    }


def resolve(name: str, *, node_nm: float, **params: float | int | str) -> ComponentNumbers:
    """Numbers of a component.

    Args:
        name: its class, of the library or registered.
        node_nm: technology node of the chip [nm].
        **params: what the class takes, see docs/components.md.

    Raises:
        SpecError: no such class or parameter, one is missing, or the class has no data for them.

    Example:
        >>> resolve("dram", node_nm=22, type="lpddr4").read_j_per_byte
        6.4e-11
    """
    known = parameters(name)
    for key in params:
        if key not in known:
            raise unknown_name(f"parameter of component class {name}", key, known)
    if missing := [key for key, required in known.items() if required and key not in params]:
        raise SpecError(f"component class {name} needs {', '.join(missing)}")
    _check_types(name, params)
    if name in COMPONENTS:
        return COMPONENTS[name](node_nm=node_nm, **params)
    return _own_numbers(name, node_nm, params)


def _own_numbers(name: str, node_nm: float, params: Mapping[str, float | int | str]) -> ComponentNumbers:
    """What a class of the user's gives, if that can be."""
    try:
        found = component_class(name)(node_nm=node_nm, **params)
    except CatxError:
        raise
    except Exception as error:
        raise SpecError(f"component class {name} failed: {type(error).__name__}: {error}") from error
    if not isinstance(found, ComponentNumbers):
        raise SpecError(f"component class {name} gave {type(found).__name__}, not ComponentNumbers")
    for field in ("read_j_per_byte", "write_j_per_byte", "j_per_op", "static_w", "area_mm2", "access_s"):
        value = getattr(found, field)
        if not isinstance(value, (int, float)) or not 0 <= value < inf:
            raise SpecError(
                f"component class {name}: {field} must be a finite number, 0 or more, not {value!r}"
            )
    if not found.port_bytes_per_cycle > 0:
        raise SpecError(f"component class {name}: port_bytes_per_cycle must be above 0")
    if not found.source:
        raise SpecError(f"component class {name} says no `source`: where its numbers come from")
    return found


def _check_types(name: str, params: Mapping[str, float | int | str]) -> None:
    """Numbers where a class declares numbers, whole ones where it declares them, names where names."""
    described = _described(name, component_class(name))
    for key, value in params.items():
        wanted = described[key].annotation
        if not isinstance(wanted, type) or wanted not in _TYPES:
            continue
        accepted, told = _TYPES[wanted]
        if isinstance(value, bool) or not isinstance(value, accepted):
            raise SpecError(f"component class {name}: {key} must be {told}, not {value!r}")


_TYPES: dict[object, tuple[tuple[type, ...], str]] = {
    float: ((int, float), "a number"),
    int: ((int,), "a whole number"),
    str: ((str,), "a name"),
}
