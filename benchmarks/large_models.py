"""ResNet-50 and Llama 3 8B on large machines: how long the mapper takes, and how far its proofs go.

    python -m benchmarks.large_models [--budgets 10000,100000] [--machines tpuv4i_like,a100_like]

Every different contraction once, on one core, nothing stored, with compiled kernels. ResNet-50 is the light
model of the onnx package (224 x 224, batch 1); Llama is built from its configuration (benchmarks/llama.py): a
prompt of 2,048 tokens, and one step of decoding with 8,192 tokens of cached keys and values. For each
objective: how many mappings are proved, how many are within 1 % of what no mapping can beat (the proved ones
among them), and the widest gap to that.
"""

import argparse
import time
from importlib.resources import files
from pathlib import Path

import catx
from benchmarks import llama
from benchmarks.kernel import contractions
from benchmarks.measure import empty_store, show, show_machine, warm_up
from catx.ir.dtype import DType
from catx.mapper.front import Front
from catx.mapper.map_einsum import certify, map_front
from catx.mapper.objective import Objective, ObjectiveName
from catx.mapper.options import BUDGET

RESNET50 = Path(str(files("onnx"))) / "backend" / "test" / "data" / "light" / "light_resnet50.onnx"
GOALS: tuple[ObjectiveName, ...] = ("latency", "energy", "edp")
CLOSE = 0.01
"""A gap that counts as close."""


def models(machine: catx.Accelerator) -> dict[str, list[catx.Einsum]]:
    """The different contractions of each model, in the machine's type."""
    dtype = machine.precision or DType.FP16
    return {
        "ResNet-50": contractions([catx.load_model(RESNET50)], machine),
        "Llama 3 8B, prefill": list(dict.fromkeys(einsum.canonical() for einsum in llama.prefill(dtype))),
        "Llama 3 8B, decode": list(dict.fromkeys(einsum.canonical() for einsum in llama.decode(dtype))),
    }


def quality(fronts: list[tuple[catx.Einsum, Front]], machine: catx.Accelerator, goal: ObjectiveName) -> str:
    """Proved, close, and the widest gap."""
    known = [certify(einsum, machine, Objective(goal), front) for einsum, front in fronts]
    proved = sum(certificate.status == "proved" for certificate in known)
    close = sum(certificate.gap <= CLOSE for certificate in known)
    return f"{proved}, {close}, {max(certificate.gap for certificate in known):.1%}"


def row(model: str, einsums: list[catx.Einsum], machine: catx.Accelerator, budget: int) -> tuple[str, ...]:
    """One model on one machine with one budget."""
    spent, fronts = list[float](), list[tuple[catx.Einsum, Front]]()
    with empty_store():
        for einsum in einsums:
            start = time.process_time()
            fronts.append((einsum, map_front(einsum, machine, budget)))
            spent.append(time.process_time() - start)
    cells = (quality(fronts, machine, goal) for goal in GOALS)
    times = f"{sum(spent):.1f} s", f"{max(spent):.2f} s"
    return (f"{model} on {machine.name}", f"{budget:,}", f"{len(einsums)}", *times, *cells)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budgets", default=f"{BUDGET},100000", help="steps per contraction")
    parser.add_argument("--machines", default="tpuv4i_like,a100_like")
    options = parser.parse_args()
    show_machine()
    warm_up()
    rows = []
    for machine in map(catx.load_accelerator, options.machines.split(",")):
        for model, einsums in models(machine).items():
            rows += [row(model, einsums, machine, int(budget)) for budget in options.budgets.split(",")]
    show(
        "Large models: contractions that are proved, that are within 1 %, and the widest gap",
        ("model and machine", "budget", "ops", "CPU", "longest", *GOALS),
        rows,
        ["budget: steps that the proof of one op may take, after the first search; longest: of one op"],
    )


if __name__ == "__main__":
    main()
