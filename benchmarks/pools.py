"""How far mappings from pools of nests are from those of full searches, and what both take.

    python -m benchmarks.pools [--points 24] [--seed 8]

Random points of the built-in studies `all-hw` (the model is fixed) and `carbon` (it is pruned, so einsums
share pools of round sizes): of each point every third einsum is mapped from its pool, and searched for as by
`--mapper-budget 0`, which dives for good mappings and proves nothing. The ratio of the least EDP of both
tells what a search over many accelerators gives away; least energy and least latency are compared as well.
"""

import argparse
import random
import time
from collections.abc import Sequence
from statistics import mean, median, quantiles

from benchmarks.measure import show, show_machine
from catx.costmodel.evaluate import evaluate
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.mapper.front import FrontPoint, Point
from catx.mapper.tree_search import search_front
from catx.search.build import evaluator_of
from catx.search.evaluation import Evaluator
from catx.search.study_file import load_study

Bests = tuple[float, float, float]
"""Least EDP [J s], energy [J] and latency [s]."""


def bests(points: Sequence[Point], accelerator: Accelerator) -> Bests:
    """What the best points of a front cost."""
    pairs = [(point.energy_j(accelerator), point.latency_s(accelerator)) for point in points]
    energies, latencies = zip(*pairs, strict=True)
    return min(energy * latency for energy, latency in pairs), min(energies), min(latencies)


def searched(einsum: Einsum, accelerator: Accelerator) -> Bests:
    """What a full search finds."""
    mappings = search_front(einsum, accelerator, 0).mappings
    points = [FrontPoint(mapping, evaluate(einsum, mapping, accelerator)) for mapping in mappings]
    return bests(points, accelerator)


def compared(name: str, n_points: int, seed: int) -> list[tuple[float, ...]]:
    """Excess of pools by einsum: of EDP, energy and latency; then what both take [ms], pools known."""
    evaluator = evaluator_of(load_study(name), measures=False)
    assert isinstance(evaluator, Evaluator)
    generator = random.Random(seed)
    rows = []
    for at in range(n_points):
        genome = tuple(generator.randrange(len(gene.values)) for gene in evaluator.space.genes)
        values = evaluator.space.values(genome)
        accelerator = evaluator.hardware.accelerator(values)
        works = [work for load in evaluator.models.workloads(values, accelerator) for work in load.works]
        every = dict.fromkeys(work.canonical for work in works if work.canonical is not None)
        einsums = list(every)[at % 3 :: 3]
        evaluator.fronts.pools(einsums, values, accelerator)
        start = time.perf_counter()
        fronts = evaluator.fronts.finder(values)(einsums, accelerator)
        pooled_ms = 1e3 * (time.perf_counter() - start) / len(einsums)
        for einsum in einsums:
            start = time.perf_counter()
            full = searched(einsum, accelerator)
            full_ms = 1e3 * (time.perf_counter() - start)
            pooled = bests(fronts[einsum].points, accelerator)
            excess = [one / other - 1.0 for one, other in zip(pooled, full, strict=True)]
            rows.append((*excess, pooled_ms, full_ms))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=24)
    parser.add_argument("--seed", type=int, default=8)
    options = parser.parse_args()
    show_machine()
    lines = []
    for name in ("all-hw", "carbon"):
        found = compared(name, options.points, options.seed)
        edp, energy, latency, pooled_ms, full_ms = zip(*found, strict=True)
        lines.append(
            (
                name,
                f"{len(found)}",
                f"{mean(edp):+.1%}",
                f"{median(edp):+.1%}",
                f"{quantiles(edp, n=10)[-1]:+.1%}",
                f"{max(edp):+.1%}",
                f"{mean(energy):+.1%}",
                f"{mean(latency):+.1%}",
                f"{median(pooled_ms):.2f}",
                f"{median(full_ms):.0f}",
                f"{median(full_ms) / median(pooled_ms):,.0f} x",
            )
        )
    show(
        "least EDP of a mapping from a pool, against a full search",
        (
            "study",
            "einsums",
            "mean",
            "median",
            "90 %",
            "most",
            "energy",
            "latency",
            "pool, ms",
            "full, ms",
            "ratio",
        ),
        lines,
        [],
    )


if __name__ == "__main__":
    main()
