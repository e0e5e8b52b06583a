"""Write an accelerator as hardware YAML in the general form: reading it back gives an equal accelerator."""

import json
import re
from math import inf
from typing import Any

from catx.costmodel.ports import beyond_ports
from catx.frontend.hardware.assembled import dump_assembled
from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MatrixUnit, Memory, VectorUnit
from catx.ir.einsum import ROLES
from catx.units import format_quantity

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*|[0-9.e+-]+ [A-Za-z0-9/]+")
_WORDS = {"true", "false", "null", "inf", "nan", "y", "n", "yes", "no", "on", "off"}

Data = dict[str, Any]


def dump_accelerator(accelerator: Accelerator) -> str:
    """The machine as YAML, every number explicit, with its unit; notes on it come first, as comments.

    Example:
        >>> from catx.frontend.hardware import load_accelerator, parse_accelerator
        >>> edge = load_accelerator("edge")
        >>> parse_accelerator(dump_accelerator(edge)) == edge
        True
    """
    data: Data = {"name": accelerator.name}
    data |= _given({"description": accelerator.description, "source": accelerator.source})
    data["clock"] = format_quantity(accelerator.clock_hz, "frequency")
    if accelerator.precision:
        data["precision"] = accelerator.precision.value
    if accelerator.overlap_only:
        data["overlap_only"] = True
    if accelerator.launch_s:
        data["launch_overhead"] = format_quantity(accelerator.launch_s, "time")
    if accelerator.other_area_mm2:
        data["other_area"] = format_quantity(accelerator.other_area_mm2, "area")
    technology: Data = {"node": format_quantity(accelerator.technology.node_nm, "feature size")}
    if accelerator.technology.dram_gb:
        technology["dram"] = format_quantity(accelerator.technology.dram_gb, "DRAM capacity")
    data["technology"] = technology | dump_assembled(
        accelerator.technology.dies, accelerator.technology.assembly
    )
    data["levels"] = [
        _memory(level) if isinstance(level, Memory) else _fanout(level) for level in accelerator.levels
    ]
    data["compute"] = {"matrix": _matrix(accelerator.matrix)}
    if accelerator.vector:
        data["compute"]["vector"] = _vector(accelerator.vector)
    notes = [f"# note: {note}" for note in beyond_ports(accelerator)]
    return "\n".join([*notes, *_lines(data, 0)]) + "\n"


def _given(data: Data) -> Data:
    """Without what is empty."""
    return {key: value for key, value in data.items() if value not in ("", [], None)}


def _memory(memory: Memory) -> Data:
    data: Data = {"memory": memory.name} | _given({"dram": memory.dram_type})
    if memory.capacity_bytes != inf:
        data["capacity"] = format_quantity(memory.capacity_bytes, "size")
    else:
        data["capacity"] = "unlimited"
    if memory.shared_port:
        data["bandwidth"] = format_quantity(memory.read_bytes_per_cycle, "bandwidth per cycle")
    else:
        data["read_bandwidth"] = format_quantity(memory.read_bytes_per_cycle, "bandwidth per cycle")
        data["write_bandwidth"] = format_quantity(memory.write_bytes_per_cycle, "bandwidth per cycle")
    data["read_energy"] = format_quantity(memory.read_j_per_byte, "energy per byte")
    data["write_energy"] = format_quantity(memory.write_j_per_byte, "energy per byte")
    data["static_power"] = format_quantity(memory.static_w, "power")
    if not memory.dram_type:
        data["area"] = format_quantity(memory.area_mm2, "area")
    if memory.double_buffered:
        data["double_buffered"] = True
    data["keeps"] = _roles(memory.keeps)
    return data | _given({"optional": _roles(memory.optional), "source": memory.source})


def _roles(roles: frozenset[str]) -> list[str]:
    return [role for role in ROLES if role in roles]


def _fanout(fanout: Fanout) -> Data:
    return {
        "fanout": fanout.name,
        "axes": [_axis(axis) for axis in fanout.axes],
        "link_bandwidth": format_quantity(fanout.link_bytes_per_cycle, "bandwidth per cycle"),
        "link_energy": format_quantity(fanout.link_j_per_byte, "energy per byte"),
        "area": format_quantity(fanout.area_mm2, "area"),
    } | _given({"source": fanout.source})


def _axis(axis: FanoutAxis) -> Data:
    dims = {"dims": sorted(axis.dims)} if axis.dims else {}
    return {
        "name": axis.name,
        "size": axis.size,
        **dims,
        "multicast": _roles(axis.multicast),
        "reduces": axis.reduces,
    }


def _matrix(unit: MatrixUnit) -> Data:
    rates = {
        rate.dtype.value: {
            "macs_per_cycle": rate.macs_per_cycle,
            "energy": format_quantity(rate.j_per_mac, "energy"),
            "accumulator": rate.accumulator.value,
        }
        | ({"truncates": True} if rate.truncates else {})
        for rate in unit.rates
    }
    return {
        "name": unit.name,
        "rates": rates,
        "pipeline_cycles": unit.pipeline_cycles,
        "static_power": format_quantity(unit.static_w, "power"),
        "area": format_quantity(unit.area_mm2, "area"),
    } | _given({"source": unit.source})


def _vector(unit: VectorUnit) -> Data:
    return {
        "name": unit.name,
        "memory": unit.memory,
        "lanes": unit.lanes,
        "energy": format_quantity(unit.j_per_op, "energy"),
        "static_power": format_quantity(unit.static_w, "power"),
        "area": format_quantity(unit.area_mm2, "area"),
    } | _given({"source": unit.source})


def _lines(data: Data, depth: int) -> list[str]:
    """Block YAML; lists of plain words, axes and rates on one line each."""
    lines: list[str] = []
    pad = "  " * depth
    for key, value in data.items():
        if isinstance(value, dict) and not _is_flat(value):
            lines += [f"{pad}{key}:", *_lines(value, depth + 1)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            lines.append(f"{pad}{key}:")
            for item in value:
                lines += _item(item, depth + 1)
        else:
            lines.append(f"{pad}{key}: {_flow(value)}")
    return lines


def _item(item: Data, depth: int) -> list[str]:
    pad = "  " * depth
    if "size" in item:
        return [f"{pad}- {_flow(item)}"]
    first, *rest = _lines(item, depth + 1)
    return [f"{pad}- {first.strip()}", *rest]


def _is_flat(data: Data) -> bool:
    return not any(isinstance(value, dict | list) for value in data.values()) and len(data) <= 3


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value).removesuffix(".0")
    plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS
    return value if plain else _quoted(value)


def _quoted(text: str) -> str:
    """A double-quoted YAML string; what YAML does not take as it is, is escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else f"\\U{ord(char):08x}" for char in quoted)
