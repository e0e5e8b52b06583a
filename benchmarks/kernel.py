"""The cost kernel and the mapper alone, in compiled code, without start-up.

    python -m benchmarks.kernel [--quick]

First table: microseconds to cost one loop nest, beside copying the kernel's record once (a bound: it must at
least be touched), the whole Python call `evaluate_mapping`, and the oracle of the tests, which walks every
step of the nest. Second table: the mapper on every contraction of CLIP ViT-B/16, on every built-in machine,
on one core, with nothing stored. `--quick` leaves out the second one.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median

import numba
import numpy as np

import catx
from benchmarks.gemms import edge4, matmul
from benchmarks.measure import empty_store, show, show_machine, warm_up
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.pack import new_bench, put_mapping
from catx.costmodel.tiles_kernel import BENCH, SEARCH, Bench
from catx.frontend.hardware import builtin_accelerators
from catx.ir.dtype import DType
from catx.ir.operand import plain_axes
from catx.ir.passes.set_precision import set_precision
from catx.mapper.map_einsum import map_einsum
from catx.mapper.objective import Objective
from tests.oracle.walk import walk

REPEATS = 20_000
MODELS = ("clip_vit_b16_vision", "clip_vit_b16_text")
ORACLE_MACS = 200_000
"""Larger ops would keep the oracle busy for hours."""


def small_matmul() -> catx.Einsum:
    """A matmul that the oracle can walk."""
    return catx.Einsum(
        name="matmul 17x24x20",
        op="MatMul",
        dims=(("m", 17), ("k", 24), ("n", 20)),
        inputs=(
            catx.Operand("input", plain_axes("m", "k"), DType.INT8),
            catx.Operand("weight", plain_axes("k", "n"), DType.INT8),
        ),
        output=catx.Operand("output", plain_axes("m", "n"), DType.INT8),
    )


def convolution(name: str, channels: int, filters: int, size: int, kernel: int, stride: int) -> catx.Einsum:
    """A square convolution with a stride."""
    image = ((("c", 1),), (("y", stride), ("r", 1)), (("x", stride), ("s", 1)))
    return catx.Einsum(
        name=name,
        op="Conv",
        dims=(("f", filters), ("c", channels), ("y", size), ("x", size), ("r", kernel), ("s", kernel)),
        inputs=(
            catx.Operand("input", image, DType.INT8),
            catx.Operand("weight", plain_axes("f", "c", "r", "s"), DType.INT8),
        ),
        output=catx.Operand("output", plain_axes("f", "y", "x"), DType.INT8),
    )


@numba.njit
def _evaluate_often(bench: Bench, times: int) -> None:
    for _ in range(times):
        evaluate_nest(bench, SEARCH)


def microseconds(times: int, work: Callable[[], object]) -> float:
    """Time of one of `times` units of `work`, the best of five tries."""
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return min(spent) / times * 1e6


def kernel_row(einsum: catx.Einsum, machine: catx.Accelerator) -> tuple[str, ...]:
    """One nest, the mapper's own: kernel, copy, Python call, oracle."""
    mapping = map_einsum(einsum, machine, Objective("edp")).mapping
    bench = new_bench(einsum, machine)
    put_mapping(bench, mapping, einsum, machine)
    _evaluate_often(bench, 1)
    kernel_us = microseconds(REPEATS, lambda: _evaluate_often(bench, REPEATS))
    record, copy = np.zeros(bench.nbytes, np.uint8), np.zeros(bench.nbytes, np.uint8)
    copy_us = microseconds(1000, lambda: [np.copyto(copy, record) for _ in range(1000)])
    call_us = microseconds(50, lambda: [catx.evaluate_mapping(einsum, mapping, machine) for _ in range(50)])
    walked = ("-", "-")
    if einsum.macs <= ORACLE_MACS:
        start = time.perf_counter()
        walk(einsum, mapping, machine)
        oracle_us = (time.perf_counter() - start) * 1e6
        walked = (f"{oracle_us:,.0f} us", f"{oracle_us / kernel_us:,.0f} x")
    nodes = f"{len(mapping.nodes)}"
    per_copy = f"{kernel_us / copy_us:.1f} x"
    return (
        einsum.name,
        nodes,
        f"{kernel_us:.2f} us",
        f"{copy_us:.2f} us",
        per_copy,
        f"{call_us:.0f} us",
        *walked,
    )


def show_kernel() -> None:
    """Print the first table."""
    machine = edge4(bypass=False)
    einsums = (
        small_matmul(),
        convolution("conv 8x8, 6x6, 3x3", 8, 8, 6, 3, 1),
        matmul("proj"),
        matmul("QK"),
        convolution("conv 64x64, 56x56, 3x3 / 2", 64, 64, 28, 3, 2),
    )
    show(
        "Cost of one nest on edge4",
        ("op", "nodes", "kernel", "copy", "kernel / copy", "Python call", "oracle", "oracle / kernel"),
        [kernel_row(einsum, machine) for einsum in einsums],
        [f"the record has {BENCH.itemsize:,} bytes; nests are the mapper's"],
    )


def contractions(graphs: list[catx.Graph], machine: catx.Accelerator) -> list[catx.Einsum]:
    """The different contractions of models on a machine."""
    typed = [set_precision(graph, machine.precision) if machine.precision else graph for graph in graphs]
    found = (op for graph in typed for op in graph.ops if isinstance(op, catx.Einsum))
    return list(dict.fromkeys(op.canonical() for op in found))


def mapper_row(name: str, graphs: list[catx.Graph]) -> tuple[str, ...]:
    """All contractions of the models on one machine: time by op, then what the mappings reach."""
    machine = catx.load_accelerator(name)
    spent, nests = [], 0
    for einsum in contractions(graphs, machine):
        start = time.process_time()
        nests += map_einsum(einsum, machine, Objective("edp")).certificate.evaluated
        spent.append(time.process_time() - start)
    layers = [layer for layer in catx.compile_model(graphs, machine).layers if layer.cost.mapping]
    latency = sum(layer.count * layer.cost.latency_s for layer in layers)
    roofline = sum(layer.count * layer.cost.roofline_s for layer in layers)
    used = sum(layer.count * layer.cost.latency_s * layer.cost.utilization for layer in layers)
    return (
        name,
        f"{len(spent)}",
        f"{median(spent) * 1e3:.0f} ms",
        f"{max(spent) * 1e3:.0f} ms",
        f"{sum(spent):.1f} s",
        f"{sum(spent) / nests * 1e6:.2f} us",
        f"{used / latency:.1%}",
        f"{latency / roofline:.3f}",
    )


def show_mapper() -> None:
    """Print the second table."""
    graphs = [catx.load_model(model) for model in MODELS]
    with empty_store():
        rows = [mapper_row(name, graphs) for name, _, _ in builtin_accelerators()]
    show(
        "Mapper, objective EDP: CPU time by contraction of CLIP ViT-B/16 (both towers), and what it reaches",
        ("machine", "ops", "median", "longest", "all", "by nest", "utilization", "latency / roofline"),
        rows,
        [
            "utilization and latency are of the contractions alone, every run of each counted;",
            "a launch overhead per op (a100_like: 21 us) is part of the latency, not of the roofline",
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the first table alone")
    quick = parser.parse_args().quick
    show_machine()
    warm_up()
    show_kernel()
    if not quick:
        show_mapper()


if __name__ == "__main__":
    main()
