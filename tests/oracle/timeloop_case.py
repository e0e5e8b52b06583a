"""Reads a case of tests/data/timeloop: a workload, a loop nest and the counts that Timeloop gives for it.

One word is one byte here, whatever its width: Timeloop counts words, also in capacities. Bandwidths stay out:
its reads lack the drains, so they are to be compared in its own terms.
"""

import json
from dataclasses import dataclass
from math import inf, prod
from pathlib import Path
from typing import Any

from catx.ir.accelerator import Accelerator, Fanout, FanoutAxis, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType
from catx.ir.einsum import INPUT, OUTPUT, ROLES, WEIGHT, Einsum
from catx.ir.mapping import Loop, Mapping, Node, Store
from catx.ir.operand import Operand

WORD = DType.INT8


@dataclass(frozen=True, slots=True)
class TimeloopCase:
    """A case in catx's terms. `roles` are by Timeloop's names; `expected` and `summary` its answers."""

    einsum: Einsum
    accelerator: Accelerator
    mapping: Mapping
    roles: dict[str, str]
    expected: dict[str, Any]
    summary: dict[str, Any]

    @property
    def outermost(self) -> str:
        return self.accelerator.memories[0].name


def load(path: Path) -> TimeloopCase:
    """Convert one file."""
    case = json.loads(path.read_text())
    roles = _roles(case["workload"]["tensors"])
    einsum = _einsum(case["workload"], roles)
    accelerator, mapping = _nest(case, einsum, roles)
    return TimeloopCase(einsum, accelerator, mapping, roles, case["expected"], case["summary"])


def _roles(tensors: list[dict[str, Any]]) -> dict[str, str]:
    """Roles by name; a tensor called Inputs is the input, whatever its position."""
    factors = sorted((t["name"] for t in tensors if not t["output"]), key=lambda name: "nput" not in name)
    (output,) = (t["name"] for t in tensors if t["output"])
    return dict(zip(factors, (INPUT, WEIGHT), strict=True)) | {output: OUTPUT}


def _einsum(workload: dict[str, Any], roles: dict[str, str]) -> Einsum:
    operands = {}
    for tensor in workload["tensors"]:
        axes = tuple(tuple((term["dim"], term["stride"]) for term in axis) for axis in tensor["axes"])
        operands[roles[tensor["name"]]] = Operand(tensor["name"], axes, WORD)
    used = set().union(*(operand.dims for operand in operands.values()))
    # A dim of extent 1 may index nothing at all, and then does nothing.
    dims = tuple((dim, n) for dim, n in workload["dims"].items() if dim in used or n > 1)
    return Einsum(
        name="case",
        op="Timeloop",
        dims=dims,
        inputs=(operands[INPUT], operands[WEIGHT]),
        output=operands[OUTPUT],
    )


def _nest(case: dict[str, Any], einsum: Einsum, roles: dict[str, str]) -> tuple[Accelerator, Mapping]:
    """Levels and nodes, from the outside in: a level's tensors stand above its loops.

    Spatial loops stand between the level that lists them and the next; Timeloop shares equal data over them.
    """
    tiles = _tiles(case["nest"], einsum)
    levels, nodes = list[Memory | Fanout](), list[Node]()
    for entry in case["nest"]:
        loops = [loop for loop in entry["loops"] if loop["dim"] in einsum.extents]
        spatial = [loop for loop in loops if loop["kind"] != "temporal"]
        if entry["tile_words"]:
            kept = [role for name, role in roles.items() if name in entry["tile_words"]]
            size = case["expected"].get(entry["name"], {}).get("size", inf) if levels else inf
            levels.append(Memory(name=entry["name"], capacity_bytes=size, keeps=frozenset(kept)))
            nodes += [Store(entry["name"], role) for role in sorted(kept, key=ROLES.index)]
        fanout = f"{entry['name']} fanout" if spatial else ""
        for loop in loops:
            axis = "" if loop["kind"] == "temporal" else loop["kind"]
            nodes.append(Loop(loop["dim"], tiles[id(loop)], fanout if axis else "", axis))
        if spatial:
            axes = {
                kind: prod(loop["bound"] for loop in spatial if loop["kind"] == kind)
                for kind in dict.fromkeys(loop["kind"] for loop in spatial)
            }
            levels.append(
                Fanout(name=fanout, axes=tuple(FanoutAxis(name=k, size=n) for k, n in axes.items()))
            )
    accelerator = Accelerator(
        name="case",
        levels=tuple(levels),
        matrix=MatrixUnit(
            name="compute unit",
            rates=(MacRate(dtype=WORD, macs_per_cycle=1, j_per_mac=0.0, accumulator=WORD, truncates=True),),
        ),
        vector=None,
        clock_hz=1e9,
        technology=Technology(node_nm=45),
        overlap_only=True,
    )
    return accelerator, Mapping(tuple(nodes))


def _tiles(nest: list[dict[str, Any]], einsum: Einsum) -> dict[int, int]:
    """Tile below each loop: the product of the bounds of the loops over its dim further in."""
    below, tiles = dict.fromkeys(einsum.extents, 1), dict[int, int]()
    for entry in reversed(nest):
        for loop in reversed(entry["loops"]):
            if (dim := loop["dim"]) in below:
                tiles[id(loop)] = min(below[dim], einsum.extents[dim])
                below[dim] *= loop["bound"]
    short = {dim: n for dim, n in below.items() if n < einsum.extents[dim]}
    assert not short, f"the loops do not cover {short}"
    return tiles
