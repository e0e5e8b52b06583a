"""How well samplers find the front of all 3,240 accelerators of the CATransformers space for CLIP ViT-B/16.

    python -m benchmarks.search [--workers 2] [--seeds 10] [--file all-hw-grid.db]

All points are evaluated first (and kept in FILE, which a second run reads): latency against total carbon,
bounded by area and TOPS. Then each sampler is run on that table with several seeds: which part of the true
front's hypervolume does it reach after 2.5, 5, 10 and 20 % of the evaluations? Reference: the worst feasible
point of all in each objective.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.measure import show, show_machine
from catx.search.choose_sampler import sampler_of
from catx.search.open_study import begin, resume
from catx.search.pareto import hypervolume
from catx.search.runner import Point, front, run
from catx.search.sampler import Sampler
from catx.search.space import Genome
from catx.search.study import SamplerName, Study
from catx.search.study_file import load_study

SHARES = (0.025, 0.05, 0.1, 0.2)
SAMPLERS: tuple[SamplerName, ...] = ("nsga2", "nsga3", "random")


def every_point(workers: int, path: Path) -> tuple[Study, list[Point], float]:
    """All points of the space, and the time that those took which were not in the file [s]."""
    study = load_study("all-hw")
    study = replace(study, plan=replace(study.plan, sampler="grid", evaluations=10**6))
    store = resume(study, path) if path.exists() else begin(study, path)
    start = time.perf_counter()
    points = run(study, store, workers=workers)
    store.close()
    return study, points, time.perf_counter() - start


def replayed(sampler: Sampler, batch: int, table: dict[Genome, Point], most: int) -> list[Point]:
    """What a sampler proposes, batch by batch, answered from the table."""
    found: list[Point] = []
    while len(found) < most and (genomes := sampler.ask(min(batch, most - len(found)))):
        told = [table[genome] for genome in genomes]
        sampler.tell(told)
        found += told
    return found


def reached(points: Sequence[Point], reference: Sequence[float], whole: float) -> float:
    """Part of the true front's hypervolume that points have."""
    costs = [point.costs for point in front(points) if point.costs is not None]
    return hypervolume(costs, reference) / whole


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--file", type=Path, default=Path("all-hw-grid.db"))
    options = parser.parse_args()
    show_machine()
    study, points, seconds = every_point(options.workers, options.file)
    feasible = [point.costs for point in points if point.feasible and point.costs is not None]
    reference = [max(column) for column in zip(*feasible, strict=True)]
    best = front(points)
    whole = hypervolume([point.costs for point in best if point.costs is not None], reference)
    print(
        f"{len(points):,} points in {seconds:.0f} s, {len(feasible):,} feasible, {len(best)} on the front\n"
    )
    table = {point.genome: point for point in points}
    rows = []
    for name in SAMPLERS:
        of_shares: dict[float, list[float]] = {share: [] for share in SHARES}
        for seed in range(1, options.seeds + 1):
            asked = replace(study, plan=replace(load_study("all-hw").plan, sampler=name, seed=seed))
            most = round(SHARES[-1] * len(points))
            found = replayed(sampler_of(asked), asked.plan.batch, table, most)
            for share in SHARES:
                of_shares[share].append(reached(found[: round(share * len(points))], reference, whole))
        rows.append((name, *(f"{median(of_shares[s]):.2%} ({min(of_shares[s]):.2%})" for s in SHARES)))
    show(
        f"part of the true hypervolume, median (least) of {options.seeds} seeds",
        ("sampler", *(f"{share:.1%} of points" for share in SHARES)),
        rows,
        [],
    )


if __name__ == "__main__":
    main()
