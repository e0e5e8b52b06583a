"""The component library for people and for scripts."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

from catx.costmodel.carbon.tables import dram_carbon
from catx.costmodel.components.dram import DRAM_TYPES
from catx.costmodel.components.numbers import ComponentNumbers
from catx.costmodel.components.registry import COMPONENTS, own_classes, parameters
from catx.errors import OptionError
from catx.names import unknown_name
from catx.tools.canvas import Canvas, Column
from catx.tools.human import si, significant
from catx.units import BITS_PER_BYTE, parse_quantity

Json = dict[str, Any]
Params = dict[str, float | int | str]

DESCRIPTIONS: Mapping[str, str] = {
    "dram": "off-chip memory of a type: " + ", ".join(DRAM_TYPES),
    "fifo": "words and two counters of flip-flops, up to 1 KiB",
    "mac": "a multiplier and an adder, by element types",
    "noc": "the way across equal parts; with flit_bits and depth a mesh",
    "regfile": "registers of flip-flops, up to 1 KiB",
    "register": "the same as regfile",
    "special_function": "one element of a function of the vector unit, such as exp or gelu",
    "sram": "one or more macros, by capacity and word width",
    "vector_lane": "adder, multiplier and operand registers of one lane",
    "wire": "a repeated wire of some length, per bit and byte",
}

DEFAULT_WIDTH = "128 bit"
"""Word of an SRAM where none is given, as in a hw.yaml."""

_KEYS = {
    "standby": "standby_mw_per_gb",
    "embodied carbon": "embodied_gco2e_per_gb",
    "silicon": "silicon_mm2_per_gb",
}
"""JSON keys of what is told of DRAM besides."""

_OWN = "registered"
"""What a class that is not the library's is said to be."""

_UNITS = {
    "capacity_bytes": "size",
    "width_bits": "width",
    "flit_bits": "width",
    "capacity_gb": "DRAM capacity",
    "length_mm": "length",
    "part_mm2": "area",
}
_BARE = {
    "capacity_bytes": "B",
    "width_bits": "bit",
    "flit_bits": "bit",
    "capacity_gb": "GB",
    "length_mm": "mm",
    "part_mm2": "mm2",
}
"""Units of numbers that are written without one: those in the names."""

_SHORT = {
    "area": ("part_mm2",),
    "capacity": ("capacity_bytes", "capacity_gb"),
    "length": ("length_mm",),
    "width": ("width_bits", "flit_bits"),
}


def library_text(canvas: Canvas) -> str:
    """Classes with their parameters."""
    canvas.title("Components", "`catx components CLASS NAME=VALUE ...` prints numbers and sources")
    rows = [[name, _signature(name), DESCRIPTIONS.get(name, _OWN)] for name in (*COMPONENTS, *own_classes())]
    canvas.table((Column("class"), Column("parameters, (optional)"), Column("what")), rows)
    return canvas.text


def _signature(name: str) -> str:
    return ", ".join(key if needed else f"({key})" for key, needed in parameters(name).items())


def library_json() -> str:
    """Classes with their parameters."""
    rows = [
        {"class": name, "what": DESCRIPTIONS.get(name, _OWN), "parameters": parameters(name)}
        for name in (*COMPONENTS, *own_classes())
    ]
    return json.dumps({"schema": "catx.components/1", "components": rows}, indent=1) + "\n"


def node_nm_of(text: str) -> float:
    """A node as a number of nanometres, or with its unit."""
    try:
        return parse_quantity(text if text.strip()[-1:].isalpha() else f"{text} nm", "feature size")
    except ValueError as error:
        raise OptionError(f"--node: {error}") from None


def params_of(component: str, pairs: list[str]) -> Params:
    """Parameters of a class from `name=value` texts; sizes may be written with units.

    Raises:
        OptionError: a pair without `=`, or a value that does not fit.
        SpecError: no such class or parameter.
    """
    known, found = parameters(component), Params()
    if component == "sram" and not any(pair.startswith("width") for pair in pairs):
        pairs = [*pairs, f"width={DEFAULT_WIDTH}"]
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise OptionError(f"{pair!r}: expected NAME=VALUE", hint="for example `capacity=4MiB`")
        name = next((long for long in _SHORT.get(name, ()) if long in known), name)
        if name in ("node", "node_nm"):
            raise OptionError("the node is an option", hint="`--node 22`")
        if name not in known:
            raise unknown_name(f"parameter of component class {component}", name, known)
        if name in found:
            raise OptionError(f"{name} is given twice")
        found[name] = _value(name, text.strip())
    return found


def _value(name: str, text: str) -> float | int | str:
    if name in _UNITS:
        bits = _UNITS[name] == "width"
        text = f"{text} {_BARE[name]}" if _is_number(text) else text
        try:
            value = parse_quantity(text, _UNITS[name])
        except ValueError as error:
            raise OptionError(f"{name}: {error}") from None
        return value * BITS_PER_BYTE if bits else value
    if text.isdecimal():
        return int(text)
    return float(text) if _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def component_text(
    component: str, node_nm: float, params: Params, found: ComponentNumbers, canvas: Canvas
) -> str:
    """Numbers of one component, and where they come from."""
    canvas.title(component, "" if component == "dram" else f"at {node_nm:g} nm")
    made = _made(component, params)
    canvas.facts(
        _facts(found) + [(name, f"{significant(value)} {unit}", "") for name, value, unit, _ in made]
    )
    canvas.paragraph("; ".join([found.source, *(f"{name}: {source}" for name, _, _, source in made)]))
    return canvas.text


def _made(component: str, params: Params) -> list[tuple[str, float, str, str]]:
    """What making DRAM takes, as (name, value, unit, source); other classes are part of a die."""
    if component != "dram":
        return []
    kind = str(params["type"])
    carbon, area = dram_carbon(kind), DRAM_TYPES[kind]
    before = ", before ACT's yield" if carbon.divide_by_yield else ""
    rows = [
        ("standby", area.standby_w_per_gb * 1e3, "mW/GB", area.standby_source),
        ("embodied carbon", carbon.gco2e_per_gb, "gCO2e/GB", f"{carbon.source}{before}"),
    ]
    if area.mm2_per_gb:
        rows.append(("silicon", area.mm2_per_gb, "mm2/GB", area.area_source))
    return rows


def _facts(found: ComponentNumbers) -> list[tuple[str, str, str]]:
    rows = [
        ("read", found.read_j_per_byte, "J/B", "energy"),
        ("write" if found.read_j_per_byte else "way", found.write_j_per_byte, "J/B", "energy"),
        ("operation", found.j_per_op, "J", "energy"),
        ("static power", found.static_w, "W", "leakage or background power"),
    ]
    facts = [(name, si(value, unit), what) for name, value, unit, what in rows if value]
    if found.area_mm2:
        facts.append(("area", f"{significant(found.area_mm2)} mm2", ""))
    if found.access_s:
        facts.append(("access time", si(found.access_s, "s"), "of one macro"))
    if isfinite(found.port_bytes_per_cycle):
        facts.append(("port", f"{found.port_bytes_per_cycle:g} B/cycle", "reads and writes together"))
    return facts


def component_json(component: str, node_nm: float, params: Params, found: ComponentNumbers) -> str:
    """The same for scripts; what is not limited is null."""
    port = found.port_bytes_per_cycle
    data: Json = {
        "schema": "catx.component/1",
        "class": component,
        "node_nm": node_nm,
        "parameters": params,
        "read_j_per_byte": found.read_j_per_byte,
        "write_j_per_byte": found.write_j_per_byte,
        "j_per_op": found.j_per_op,
        "static_w": found.static_w,
        "area_mm2": found.area_mm2,
        "port_bytes_per_cycle": port if isfinite(port) else None,
        "access_s": found.access_s or None,
        "source": found.source,
    }
    for name, value, _, source in _made(component, params):
        key = _KEYS[name]
        data |= {key: value, f"{key}_source": source}
    return json.dumps(data, indent=1, allow_nan=False) + "\n"
