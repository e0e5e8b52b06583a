"""How far samplers get in the joint space: 1,071,875 pruned CLIP models on 3,240 accelerators.

    python -m benchmarks.search_joint [--workers 2] [--seeds 8] [--qnehvi-seeds 4] [--most 10000]
                                      [--folder joint]

The built-in study `carbon`: accuracy, which a proxy predicts from how many parts of the model stay, against
total carbon, bounded by latency, area and TOPS. Each sampler runs with the first seed up to MOST evaluations,
with two more up to 1,000, and with all others up to 100, as qnehvi does with all of its seeds: its fits take
long. Evaluations are kept in FOLDER, where a second run goes on. There is no true front: what counts is the
hypervolume within the box of the front of all that was found, with the logarithm of carbon, as a part of that
front's own.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import show, show_machine
from benchmarks.search import PLANS, costs_of
from catx.search.open_study import begin, resume
from catx.search.pareto import front_of, hypervolume
from catx.search.points import Point
from catx.search.runner import run
from catx.search.study_file import load_study

BUDGETS = (100, 300, 1_000, 3_000, 10_000)
MIDDLE, MIDDLE_SEEDS = 1_000, 3
FIRST_SEED = 11
"""Of those that are shown: with 1 to 4 the size of first batches was chosen."""
NAMES = ("nsga2, guided by models", "nsga2 alone", "pymoo", "random", "qnehvi")


def searched(name: str, seed: int, most: int, workers: int, folder: Path) -> tuple[list[Point], float]:
    """Points of one search, and its evaluations per second, where it was not in the folder already."""
    study = load_study("carbon")
    plan = replace(PLANS[name](study.plan), seed=seed, evaluations=most)
    study = replace(study, plan=plan)
    path = folder / f"{plan.sampler}-{plan.guided}-{plan.batch}-{seed}.db"
    store = resume(study, path) if path.exists() else begin(study, path)
    there, start = len(store.evaluations()), time.perf_counter()
    points = run(study, store, workers=workers)
    store.close()
    return points, (len(points) - there) / (time.perf_counter() - start)


def logarithms(points: Sequence[Point]) -> NDArray[np.float64]:
    """Costs of the front: minus accuracy, and the logarithm of carbon."""
    costs = np.array(costs_of(points), float).reshape(-1, 2)
    return np.stack([costs[:, 0], np.log(costs[:, 1])], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--qnehvi-seeds", type=int, default=4)
    parser.add_argument("--most", type=int, default=BUDGETS[-1])
    parser.add_argument("--folder", type=Path, default=Path("joint"))
    options = parser.parse_args()
    options.folder.mkdir(exist_ok=True)
    show_machine()
    found: dict[str, list[tuple[list[Point], float]]] = {}
    for name in NAMES:
        for count in range(options.qnehvi_seeds if name == "qnehvi" else options.seeds):
            most = (
                BUDGETS[0] if name == "qnehvi" or count >= MIDDLE_SEEDS else MIDDLE if count else options.most
            )
            seed = FIRST_SEED + count
            found.setdefault(name, []).append(searched(name, seed, most, options.workers, options.folder))
            print(f"{name}, seed {seed}: {most:,} points, {found[name][-1][1]:.1f}/s", flush=True)
    every = np.concatenate([logarithms(points) for runs in found.values() for points, _ in runs])
    union = every[front_of(every)]
    ends = union.max(axis=0)
    whole = hypervolume(union, ends)
    rows = []
    for name, runs in found.items():
        cells = []
        for budget in BUDGETS:
            parts = [
                hypervolume(logarithms(points[:budget]), ends) / whole
                for points, _ in runs
                if len(points) >= budget
            ]
            cells.append(f"{median(parts):.1%} ({min(parts):.1%}, {len(parts)})" if parts else "")
        rows.append((name, *cells))
    show(
        "part of the hypervolume of all that was found, median (least, seeds)",
        ("sampler", *(f"{budget:,} points" for budget in BUDGETS)),
        rows,
        [],
    )


if __name__ == "__main__":
    main()
