"""All 3,240 accelerators of the CATransformers space under every contraction of CLIP ViT-B/16.

    python -m benchmarks.sweep [--steps 0] [--shapes 72] [--sample 2] [--workers 2]

Clusters {1, 2, 4}, array width {32, 64, 128, 256} and depth {2, 4, 8, 16, 32, 64}, L2 {64 ... 1024} KiB at
{32, 64, 128} bytes per cycle, GLB {2, 4, 8} MiB (arXiv 2505.01386), with catx's components. Accelerators of
one array shape are a family: their searches share what they find. Both towers' contractions are mapped on
each; what they cost together, each as often as the models run it, is the least EDP over all choices. Vector
ops and fused ones are not part of this.

`--steps` is what a proof may take per contraction and accelerator. Of each of `--sample` array shapes, three
accelerators are searched alone, too, with the default budget: how much worse or better is the family's EDP?
"""

import argparse
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import product
from random import Random
from statistics import median

import catx
from benchmarks.kernel import MODELS
from benchmarks.measure import show, show_machine, warm_up
from catx.costmodel.evaluate import evaluate
from catx.frontend.hardware import parse_accelerator
from catx.ir.accelerator import Accelerator
from catx.ir.passes.set_precision import set_precision
from catx.mapper.family import family_fronts
from catx.mapper.forest import Lows
from catx.mapper.front import least_product
from catx.mapper.options import BUDGET
from catx.mapper.tree_search import search_front

Shape = tuple[int, int, int]

SHAPES: list[Shape] = list(product((1, 2, 4), (32, 64, 128, 256), (2, 4, 8, 16, 32, 64)))
MEMORIES = list(product((64, 128, 256, 512, 1024), (32, 64, 128), (2, 4, 8)))
ALONE = 3
"""Accelerators of a shape that are searched alone."""

Pairs = list[tuple[float, float]]


def accelerator(shape: Shape, memory: tuple[int, int, int]) -> Accelerator:
    """A point of the space."""
    keys = ("clusters", "pe_width", "pe_depth", "l2_kib", "l2_bandwidth", "glb_mib")
    lines = [f"{key}: {value}" for key, value in zip(keys, (*shape, *memory), strict=True)]
    return parse_accelerator("\n".join(["template: catransformers", *lines]))


@cache
def einsums() -> dict[catx.Einsum, int]:
    """The different contractions of both towers in int8, and how often they run."""
    precision = accelerator(SHAPES[0], MEMORIES[0]).precision
    assert precision is not None
    graphs = [set_precision(catx.load_model(model), precision) for model in MODELS]
    ops = (op for graph in graphs for op in graph.ops if isinstance(op, catx.Einsum))
    return dict(Counter(op.canonical() for op in ops))


def edp(choices: list[Pairs]) -> float:
    """The least (sum of energies) x (sum of latencies) [J s], each contraction as often as it runs."""
    runs = einsums().values()
    scaled = [
        [(energy * n, time_s * n) for energy, time_s in pairs] for pairs, n in zip(choices, runs, strict=True)
    ]
    picked = [pairs[i] for pairs, i in zip(scaled, least_product(scaled), strict=True)]
    return sum(energy for energy, _ in picked) * sum(time_s for _, time_s in picked)


def bound(fronts: list[tuple[Pairs, Lows]]) -> float:
    """What no choice of mappings can beat [J s]: pairs of the fronts, and bounds of what is left."""
    return edp([[*pairs, *left] for pairs, left in fronts])


def sweep_shape(shape: Shape, steps: int) -> tuple[float, list[tuple[float, float]]]:
    """CPU time [s] of a family, and the EDP and its bound of each accelerator [J s]."""
    start = time.process_time()
    machines = [accelerator(shape, memory) for memory in MEMORIES]
    by_einsum = [family_fronts(einsum, machines, steps) for einsum in einsums()]
    results = []
    for of_machine in zip(*by_einsum, strict=True):
        fronts = [
            (list(zip(front.energy_j.tolist(), front.latency_s.tolist(), strict=True)), front.left)
            for front in of_machine
        ]
        results.append((edp([pairs for pairs, _ in fronts]), bound(fronts)))
    return time.process_time() - start, results


def alone(shape: Shape, position: int) -> float:
    """The EDP [J s] of searches of one accelerator alone."""
    machine = accelerator(shape, MEMORIES[position])
    choices = []
    for einsum in einsums():
        pairs = []
        for mapping in search_front(einsum, machine, BUDGET).mappings:
            counts = evaluate(einsum, mapping, machine)
            latency_s = counts.cycles.latency_cycles / machine.clock_hz + machine.launch_s
            pairs.append((counts.dynamic_energy_j + machine.static_w * latency_s, latency_s))
        choices.append(pairs)
    return edp(choices)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=0, help="of each proof")
    parser.add_argument("--shapes", type=int, default=len(SHAPES), help="array shapes, spread over the space")
    parser.add_argument("--sample", type=int, default=4, help="array shapes to compare with searches alone")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    show_machine()
    warm_up()
    shapes = SHAPES[:: max(1, len(SHAPES) // options.shapes)]
    sweep_shape(shapes[0], 0)  # compiles what a family needs
    start = time.perf_counter()
    with ProcessPoolExecutor(options.workers) as pool:
        found = list(pool.map(sweep_shape, shapes, [options.steps] * len(shapes)))
    wall_s = time.perf_counter() - start
    n = len(shapes) * len(MEMORIES)
    gaps = sorted(value / least - 1.0 for _, results in found for value, least in results)
    random = Random(0)
    ratios = [
        found[at][1][position][0] / alone(shapes[at], position)
        for at in random.sample(range(len(shapes)), min(options.sample, len(shapes)))
        for position in random.sample(range(len(MEMORIES)), ALONE)
    ]
    show(
        f"{n:,} accelerators x {len(einsums())} contractions, {options.workers} workers",
        ("steps", "wall", "CPU", "per front", "gap of EDP", "EDP / alone"),
        [
            (
                f"{options.steps:,}",
                f"{wall_s:.1f} s",
                f"{sum(cpu for cpu, _ in found):.1f} s",
                f"{sum(cpu for cpu, _ in found) / n / len(einsums()) * 1e3:.2f} ms",
                f"{median(gaps):.1%}, at most {gaps[-1]:.1%}",
                f"{min(ratios):.3f} ... {max(ratios):.3f}" if ratios else "-",
            )
        ],
        [f"gap: to what nothing can beat, median and most; alone: {len(ratios)} of them"],
    )


if __name__ == "__main__":
    main()
