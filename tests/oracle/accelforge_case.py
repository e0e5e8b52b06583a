"""Reads a case of tests/data/accelforge.json: architecture, workload, mapping, and AccelForge's answers.

Its time is in seconds, its rates in actions per second: the clock here runs at 1 Hz, so cycles are seconds.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType
from catx.ir.einsum import INPUT, OUTPUT, ROLES, WEIGHT, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store
from catx.ir.operand import Axis, Operand


@dataclass(frozen=True, slots=True)
class AccelForgeCase:
    """A case in catx's terms. `bits_per_action` by component; `roles` by AccelForge's tensor names."""

    name: str
    einsum: Einsum
    accelerator: Accelerator
    mapping: Mapping
    roles: dict[str, str]
    bits_per_action: dict[str, float]
    expected: dict[str, Any]


def load(path: Path) -> tuple[list[AccelForgeCase], list[tuple[AccelForgeCase, dict[str, Any]]]]:
    """All cases of a file, and the mappings that must be refused (with what the file says about each)."""
    data = json.loads(path.read_text())
    by_name = {case["name"]: case for case in data["cases"]}
    return (
        [convert(case) for case in data["cases"]],
        [
            (convert(_changed(by_name[bad["base"]], bad["change"])), bad)
            for bad in data.get("must_reject", [])
        ],
    )


def convert(case: dict[str, Any]) -> AccelForgeCase:
    """One case."""
    (spec,) = case["workload"]["einsums"]
    roles = _roles(spec)
    einsum = _einsum(case["workload"], spec, roles)
    accelerator, mapping = _machine(case, einsum, roles)
    return AccelForgeCase(
        name=case["name"],
        einsum=einsum,
        accelerator=accelerator,
        mapping=mapping,
        roles=roles,
        bits_per_action={part["name"]: part.get("bits_per_action", 1) for part in case["arch"]},
        expected=case["expected"],
    )


def _changed(case: dict[str, Any], change: str) -> dict[str, Any]:
    """The case with a change of the form `GB size 6143 bits (...)`."""
    found = re.match(r"(\w+) size (\d+) bits", change)
    assert found, f"a change of another form: {change}"
    name, bits = found[1], int(found[2])
    arch = [part | {"size": bits} if part["name"] == name else part for part in case["arch"]]
    return case | {"arch": arch}


def _roles(spec: dict[str, Any]) -> dict[str, str]:
    """Roles of the einsum's tensors: by its renames where they name both factors, else by position."""
    renames = {tensor: role for role, tensor in spec.get("renames", {}).items() if role in ROLES}
    accesses = spec["tensor_accesses"]
    (output,) = (access["name"] for access in accesses if access.get("output"))
    factors = [access["name"] for access in accesses if not access.get("output")]
    if {renames.get(name) for name in factors} != {INPUT, WEIGHT}:
        renames = dict(zip(factors, (INPUT, WEIGHT), strict=True))
    return {name: renames[name] for name in factors} | {output: OUTPUT}


def tensors_of(expression: str, roles: dict[str, str]) -> set[str]:
    """The tensors that an expression over sets names, like `All - (I | W)` or `~output`."""
    sets = {name: {name} for name in roles} | {role: {name} for name, role in roles.items()}
    sets |= {"All": set(roles), "Nothing": set[str]()}
    tokens = re.findall(r"\w+|[|&~()-]", expression)

    def atom() -> set[str]:
        token = tokens.pop(0)
        if token == "~":
            return set(roles) - atom()
        if token == "(":
            inner = union()
            tokens.pop(0)
            return inner
        return sets[token]

    def chained(operators: dict[str, Callable[[set[str], set[str]], set[str]]], term: Any) -> set[str]:
        left: set[str] = term()
        while tokens and tokens[0] in operators:
            left = operators[tokens.pop(0)](left, term())
        return left

    def common() -> set[str]:
        return chained({"&": set.__and__}, lambda: chained({"-": set.__sub__}, atom))

    def union() -> set[str]:
        return chained({"|": set.__or__}, common)

    return union()


def _axis(expression: str) -> Axis:
    """An axis' index, like `2*p + r`."""
    terms = []
    for term in expression.replace(" ", "").split("+"):
        numbers = [int(part) for part in term.split("*") if part.isdigit()]
        (dim,) = (part for part in term.split("*") if not part.isdigit())
        terms.append((dim, numbers[0] if numbers else 1))
    return tuple(terms)


def _einsum(workload: dict[str, Any], spec: dict[str, Any], roles: dict[str, str]) -> Einsum:
    extents = dict[str, int]()
    for dim, text in workload["iteration_space_shape"].items():
        found = re.fullmatch(rf"0 <= {dim} < (\d+)", text.strip())
        assert found, f"a range of another form: {text}"
        extents[dim] = int(found[1])
    bits = dict[str, int]()
    for source in (workload.get("bits_per_value", {}), spec.get("bits_per_value", {})):
        for expression, width in source.items():
            bits |= dict.fromkeys(tensors_of(expression, roles), width)
    operands = {}
    for access in spec["tensor_accesses"]:
        projection = access["projection"]
        axes = projection.values() if isinstance(projection, dict) else projection
        name = access["name"]
        width = access.get("bits_per_value", bits[name])
        operands[roles[name]] = Operand(name, tuple(_axis(axis) for axis in axes), DType(f"int{width}"))
    used = set().union(*(operand.dims for operand in operands.values()))
    return Einsum(
        name=spec["name"],
        op="AccelForge",
        dims=tuple((dim, extent) for dim, extent in extents.items() if dim in used),
        inputs=(operands[INPUT], operands[WEIGHT]),
        output=operands[OUTPUT],
    )


def _machine(case: dict[str, Any], einsum: Einsum, roles: dict[str, str]) -> tuple[Accelerator, Mapping]:
    """Levels from the architecture, nodes from the mapping; a component's fanout stands outside of it."""
    nodes = list[Node]()
    for kind, node in case["mapping"]:
        if kind == "Storage":
            nodes += [Store(node["component"], roles[name]) for name in node["tensors"]]
        elif kind == "Temporal":
            nodes.append(Loop(node["rank_variable"], node["tile_shape"]))
        elif kind == "Spatial":
            fanout = f"{node['component']} fanout"
            nodes.append(Loop(node["rank_variable"], node["tile_shape"], fanout, str(node["name"])))
        else:
            assert kind == "Compute", f"a node of another kind: {kind}"
    levels = list[Memory | Fanout]()
    matrix: MatrixUnit | None = None
    for part in case["arch"]:
        if part.get("spatial"):
            axes = tuple(_fanout_axis(axis, roles) for axis in part["spatial"])
            levels.append(Fanout(name=f"{part['name']} fanout", axes=axes))
        if part["kind"] == "Memory":
            kept = {n.role for n in nodes if isinstance(n, Store) and n.memory == part["name"]}
            levels.append(_memory(part, frozenset(kept)))
        elif part["kind"] == "Compute":
            matrix = _unit(part, einsum)
        else:
            assert part.get("spatial"), f"a component of another kind: {part}"
    assert matrix
    accelerator = Accelerator(
        name=case["name"],
        levels=tuple(levels),
        matrix=matrix,
        vector=None,
        clock_hz=1.0,
        technology=Technology(node_nm=45),
        overlap_only=True,
    )
    return accelerator, Mapping(tuple(nodes))


def _fanout_axis(axis: dict[str, Any], roles: dict[str, str]) -> FanoutAxis:
    shared = {roles[name] for name in tensors_of(axis.get("may_reuse", "All"), roles)}
    return FanoutAxis(
        name=str(axis["name"]),
        size=axis["fanout"],
        multicast=frozenset(shared - {OUTPUT}),
        reduces=OUTPUT in shared,
    )


def _action(part: dict[str, Any], name: str) -> tuple[float, float]:
    """Energy and rate of an action."""
    (action,) = (action for action in part["actions"] if action["name"] == name)
    return action.get("energy", 0.0), action.get("throughput", inf)


def _memory(part: dict[str, Any], kept: frozenset[str]) -> Memory:
    """Reads and writes of a component share one port, unless its latency is written as a maximum of both."""
    bytes_per_action = part.get("bits_per_action", 1) / 8
    (read_energy, read_rate), (write_energy, write_rate) = _action(part, "read"), _action(part, "write")
    shared = "max" not in str(part.get("total_latency", "sum"))
    assert not shared or read_rate == write_rate, "a shared port has one rate"
    return Memory(
        name=part["name"],
        capacity_bytes=part["size"] / 8,
        read_bytes_per_cycle=read_rate * bytes_per_action,
        write_bytes_per_cycle=write_rate * bytes_per_action,
        shared_port=shared,
        keeps=kept,
        read_j_per_byte=read_energy / bytes_per_action,
        write_j_per_byte=write_energy / bytes_per_action,
        static_w=part.get("leak_power", 0.0),
    )


def _unit(part: dict[str, Any], einsum: Einsum) -> MatrixUnit:
    """AccelForge gives partial sums the width of the output."""
    energy, throughput = _action(part, "compute")
    wider = max((operand.dtype for operand in einsum.inputs), key=lambda dtype: dtype.bits)
    rate = MacRate(
        dtype=wider,
        macs_per_cycle=throughput,
        j_per_mac=energy,
        accumulator=einsum.output.dtype,
        truncates=True,
    )
    return MatrixUnit(name=part["name"], rates=(rate,), static_w=part.get("leak_power", 0.0))
