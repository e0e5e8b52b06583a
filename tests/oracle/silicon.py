"""Latencies that were measured on an A100, and what catx says of the same work."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from catx.costmodel.vector_cost import vector_cost
from catx.frontend.hardware import load_accelerator
from catx.ir.constraints import Constraint, Range, Tile, Unroll
from catx.ir.dtype import DType
from catx.ir.operand import Operand, plain_axes
from catx.ir.vector_op import VectorOp
from catx.mapper.map_einsum import map_front
from tests.einsums import matmul

MEASURED = json.loads((Path(__file__).parents[1] / "data" / "silicon_a100.json").read_text())
"""LLMCompass (ISCA 2024), public artifact: fp16, with the launch of the kernel."""

MATMUL_LAUNCH_S, SOFTMAX_LAUNCH_S = 21e-6, 12e-6
"""Launches that its authors measured [s]."""

LIBRARY: tuple[Constraint, ...] = (
    *(Tile(memory="Registers", role="output", dim=dim, extent=Range(least=64, most=64)) for dim in "mn"),
    Unroll(fanout="multiprocessors", axis="sm", dim="k", factor=Range(most=1)),
    Unroll(fanout="tensor_cores", axis="core", dim="k", factor=Range(most=1)),
)
"""How a GEMM library maps: a tensor core holds 64 x 64 results, and no two cores share a sum."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One measurement and what catx says [s]."""

    what: str
    measured_s: float
    predicted_s: float

    @property
    def error(self) -> float:
        """Relative to what was measured."""
        return self.predicted_s / self.measured_s - 1.0


def mean_error(compared: list[Compared]) -> float:
    """Mean of the absolute relative errors."""
    return sum(abs(one.error) for one in compared) / len(compared)


def matmuls(budget: int, constraints: tuple[Constraint, ...] = LIBRARY, every: int = 1) -> Iterator[Compared]:
    """Matmuls (m x k times k x n), the quickest mapping that obeys."""
    machine = replace(load_accelerator("a100_like"), launch_s=MATMUL_LAUNCH_S)
    for row in MEASURED["matmul"][::every]:
        einsum = matmul(row["m"], row["k"], row["n"], dtype=DType.FP16)
        front = map_front(einsum, machine, budget, constraints)
        yield Compared(
            f"matmul {row['m']} x {row['k']} x {row['n']}",
            row["latency_s"],
            min(point.latency_s(machine) for point in front.points),
        )


def softmaxes() -> Iterator[Compared]:
    """Softmaxes over rows."""
    machine = replace(load_accelerator("a100_like"), launch_s=SOFTMAX_LAUNCH_S)
    for row in MEASURED["softmax"]:
        axes = plain_axes("r", "c")
        op = VectorOp(
            name="softmax",
            op="Softmax",
            kind="softmax",
            dims=(("r", row["rows"]), ("c", row["cols"])),
            inputs=(Operand("x", axes, DType.FP16),),
            outputs=(Operand("y", axes, DType.FP16),),
            reduced=("c",),
        )
        what = f"softmax {row['rows']} x {row['cols']}"
        yield Compared(what, row["latency_s"], vector_cost(op, machine).latency_s)
