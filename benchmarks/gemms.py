"""The matmuls and the machine of the comparison with AccelForge (tests/data/edge4.json)."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from catx.frontend.hardware import load_accelerator
from catx.ir.accelerator import Accelerator, Fanout
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES, Einsum
from catx.ir.operand import Operand, plain_axes

RECORDED: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "tests" / "data" / "edge4.json").read_text(encoding="utf-8")
)["gemms"]
"""Shape of each matmul, and by map space what AccelForge found and the CPU time that it took."""


def matmul(name: str) -> Einsum:
    """output[b, m, n] += input[b, m, k] * weight[b, k, n] in int8; without b where the batch is 1."""
    shape = RECORDED[name]
    b = ("b",) if shape["batch"] > 1 else ()
    extents = {"b": shape["batch"]} if b else {}
    return Einsum(
        name=name,
        op="MatMul",
        dims=tuple((extents | {dim: shape[dim] for dim in "mkn"}).items()),
        inputs=(
            Operand("input", plain_axes(*b, "m", "k"), DType.INT8),
            Operand("weight", plain_axes(*b, "k", "n"), DType.INT8),
        ),
        output=Operand("output", plain_axes(*b, "m", "n"), DType.INT8),
    )


WEIGHT_STATIONARY = {"row": frozenset({"reduction"}), "column": frozenset({"weight_output"})}
"""Dims of the array's axes in AccelForge's runs: rows reuse the output, columns the input."""


def accelforge_edge4(*, bypass: bool) -> Accelerator:
    """The machine with the axes that AccelForge's runs had; `edge4` by itself lets them take any dim."""
    machine = edge4(bypass=bypass)
    levels = (
        replace(x, axes=tuple(replace(axis, dims=WEIGHT_STATIONARY[axis.name]) for axis in x.axes))
        if isinstance(x, Fanout) and x.name == "array"
        else x
        for x in machine.levels
    )
    return replace(machine, levels=tuple(levels))


def edge4(*, bypass: bool) -> Accelerator:
    """The machine; with `bypass` every tensor may skip the local and the global buffer."""
    machine = load_accelerator("edge4")
    if not bypass:
        return machine
    buffers = ("GlobalBuffer", "LocalBuffer")
    levels = (replace(x, optional=frozenset(ROLES)) if x.name in buffers else x for x in machine.levels)
    return replace(machine, levels=tuple(levels))
