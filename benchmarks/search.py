"""How well samplers find the front of all 3,240 accelerators of the CATransformers space for CLIP ViT-B/16.

    python -m benchmarks.search [--workers 2] [--seeds 10] [--qnehvi-seeds 3] [--file all-hw-grid.db]

All points are evaluated first (and kept in FILE, which a second run reads): latency against total carbon,
bounded by area and TOPS. Then each sampler is run on that table with several seeds: which part of the true
front's hypervolume does it reach after so many evaluations? Two reference points: the worst feasible values
of all, which most of the space beats by far; and the worst values on the true front, with logarithms, so that
every part of the front counts. Samplers whose package is not installed are left out, and named. qnehvi has
batches of 4, and a budget and seeds of its own, as its fits take long.
"""

import argparse
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.measure import show, show_machine
from catx.extras import ExtraError
from catx.search.choose_sampler import need_sampler, sampler_of
from catx.search.open_study import begin, resume
from catx.search.pareto import hypervolume
from catx.search.points import Point, front
from catx.search.runner import run
from catx.search.sampler import Sampler
from catx.search.space import Genome
from catx.search.study import SearchPlan, Study
from catx.search.study_file import load_study

BUDGETS = (50, 100, 162, 324, 648)
PLANS: dict[str, Callable[[SearchPlan], SearchPlan]] = {
    "nsga2, guided by models": lambda plan: plan,
    "nsga2 alone": lambda plan: replace(plan, guided=0),
    "nsga3 alone": lambda plan: replace(plan, sampler="nsga3", guided=0),
    "pymoo": lambda plan: replace(plan, sampler="pymoo"),
    "qnehvi": lambda plan: replace(plan, sampler="qnehvi", batch=4),
    "random": lambda plan: replace(plan, sampler="random"),
}
"""Plans of what is compared, from that of the built-in study."""


@dataclass
class Reached:
    """Parts of the true hypervolume by budget, one per seed: up to the worst point, and up to the front's."""

    whole: dict[int, list[float]] = field(default_factory=dict)
    near: dict[int, list[float]] = field(default_factory=dict)
    seconds: float = 0.0


class Truth:
    """The true front, and what of its hypervolume points have."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.feasible = [point.costs for point in points if point.feasible and point.costs is not None]
        self.front = costs_of(points)
        self._worst = [max(column) for column in zip(*self.feasible, strict=True)]
        self._ends = np.log(self.front).max(axis=0)

    def whole(self, points: Sequence[Point]) -> float:
        """Part of the volume up to the worst feasible values."""
        return hypervolume(costs_of(points), self._worst) / hypervolume(self.front, self._worst)

    def near(self, points: Sequence[Point]) -> float:
        """Part of the volume of logarithms up to the worst values on the true front."""
        found = [np.log(costs).tolist() for costs in costs_of(points)]
        return hypervolume(found, self._ends) / hypervolume(np.log(self.front), self._ends)


def costs_of(points: Sequence[Point]) -> list[tuple[float, ...]]:
    """Costs of the front of points."""
    return [point.costs for point in front(points) if point.costs is not None]


def every_point(workers: int, path: Path) -> tuple[Study, list[Point], float]:
    """All points of the space, and the time that those took which were not in the file [s]."""
    study = load_study("all-hw")
    study = replace(study, plan=replace(study.plan, sampler="grid", evaluations=10**6))
    store = resume(study, path) if path.exists() else begin(study, path)
    start = time.perf_counter()
    points = run(study, store, workers=workers)
    store.close()
    return study, points, time.perf_counter() - start


def replayed(sampler: Sampler, plan: SearchPlan, table: dict[Genome, Point], most: int) -> list[Point]:
    """What a sampler proposes, batch by batch and as many ahead as a run does, answered from the table."""
    found: list[Point] = []
    waiting: deque[list[Genome]] = deque()
    asked = 0
    while True:
        while len(waiting) < plan.in_flight and (
            genomes := sampler.ask(min(plan.batch_after(asked), most - asked))
        ):
            asked += len(genomes)
            waiting.append(genomes)
        if not waiting:
            return found
        told = [table[genome] for genome in waiting.popleft()]
        sampler.tell(told)
        found += told


def compared(study: Study, table: dict[Genome, Point], truth: Truth, seeds: int, most: int) -> Reached:
    """What the study's sampler reaches with several seeds."""
    reached, start = Reached(), time.perf_counter()
    for seed in range(1, seeds + 1):
        plan = replace(study.plan, seed=seed, evaluations=most)
        found = replayed(sampler_of(replace(study, plan=plan)), plan, table, most)
        for budget in BUDGETS:
            if budget <= most:
                reached.whole.setdefault(budget, []).append(truth.whole(found[:budget]))
                reached.near.setdefault(budget, []).append(truth.near(found[:budget]))
    reached.seconds = (time.perf_counter() - start) / max(1, seeds)
    return reached


def cell(parts: Sequence[float]) -> str:
    """Median and least of parts."""
    return f"{median(parts):.2%} ({min(parts):.2%})" if parts else ""


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
    truth, table = Truth(points), {point.genome: point for point in points}
    print(
        f"{len(points):,} points in {seconds:.0f} s, {len(truth.feasible):,} feasible, "
        f"{len(truth.front)} on the front\n"
    )
    found: dict[str, tuple[int, Reached]] = {}
    notes = []
    for name, change in PLANS.items():
        plan = change(load_study("all-hw").plan)
        try:
            need_sampler(plan.sampler)
        except ExtraError as error:
            notes.append(f"{name}: {error.args[0]}")
            continue
        seeds = options.qnehvi_seeds if name == "qnehvi" else options.seeds
        most = options.qnehvi_evaluations if name == "qnehvi" else BUDGETS[-1]
        found[name] = seeds, compared(replace(study, plan=plan), table, truth, seeds, most)
    for title, of in (("up to the worst feasible values", "whole"), ("within the true front's box", "near")):
        show(
            f"part of the true hypervolume {title}, median (least) of the seeds",
            ("sampler", "seeds", "s per seed", *(f"{budget} points" for budget in BUDGETS)),
            [
                (
                    name,
                    str(seeds),
                    f"{reached.seconds:.1f}",
                    *(cell(getattr(reached, of).get(b, [])) for b in BUDGETS),
                )
                for name, (seeds, reached) in found.items()
            ],
            notes,
        )


if __name__ == "__main__":
    main()
