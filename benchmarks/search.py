"""How well samplers find the front of all 3,240 accelerators of the CATransformers space for CLIP ViT-B/16.

    python -m benchmarks.search [--workers 2] [--seeds 10] [--qnehvi-seeds 3] [--file all-hw-grid.db]

All points are evaluated first (and kept in FILE, which a second run reads): latency against total carbon,
bounded by area and TOPS. Then each sampler is run on that table with several seeds: which part of the true
front's hypervolume does it reach after so many evaluations? Reference: the worst feasible point of all in
each objective. Samplers whose package is not installed are left out, and named. qnehvi has batches of 4, and
a budget and seeds of its own, as its fits take long.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks.measure import show, show_machine
from catx.extras import ExtraError
from catx.search.choose_sampler import need_sampler, sampler_of
from catx.search.open_study import begin, resume
from catx.search.pareto import hypervolume
from catx.search.runner import Point, front, run
from catx.search.sampler import Sampler
from catx.search.space import Genome
from catx.search.study import SamplerName, Study
from catx.search.study_file import load_study

BUDGETS = (50, 100, 162, 324, 648)
SAMPLERS: tuple[SamplerName, ...] = ("nsga2", "nsga3", "pymoo", "qnehvi", "random")
QNEHVI_BATCH = 4


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


def searched(
    study: Study, name: SamplerName, seed: int, table: dict[Genome, Point], most: int
) -> list[Point]:
    """Points that a sampler proposes with the plan of the built-in study."""
    plan = replace(load_study("all-hw").plan, sampler=name, seed=seed, evaluations=most)
    if name == "qnehvi":
        plan = replace(plan, batch=QNEHVI_BATCH)
    return replayed(sampler_of(replace(study, plan=plan)), plan.batch, table, most)


def cell(parts: Sequence[float]) -> str:
    """Median and least of parts."""
    return f"{median(parts):.2%} ({min(parts):.2%})" if parts else ""


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
    parser.add_argument("--qnehvi-seeds", type=int, default=3)
    parser.add_argument("--qnehvi-evaluations", type=int, default=324)
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
    rows, notes = [], []
    for name in SAMPLERS:
        try:
            need_sampler(name)
        except ExtraError as error:
            notes.append(f"{name}: {error.args[0]}")
            continue
        seeds = options.qnehvi_seeds if name == "qnehvi" else options.seeds
        most = options.qnehvi_evaluations if name == "qnehvi" else BUDGETS[-1]
        start, of_budgets = time.perf_counter(), dict[int, list[float]]()
        for seed in range(1, seeds + 1):
            found = searched(study, name, seed, table, most)
            for budget in BUDGETS:
                if budget <= most:
                    of_budgets.setdefault(budget, []).append(reached(found[:budget], reference, whole))
        each = (time.perf_counter() - start) / max(1, seeds)
        rows.append(
            (name, str(seeds), f"{each:.1f}", *(cell(of_budgets.get(budget, [])) for budget in BUDGETS))
        )
    show(
        "part of the true hypervolume, median (least) of the seeds",
        ("sampler", "seeds", "s per seed", *(f"{budget} points" for budget in BUDGETS)),
        rows,
        notes,
    )


if __name__ == "__main__":
    main()
