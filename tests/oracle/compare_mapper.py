"""How far the mapper is from exact fronts: `python -m tests.oracle.compare_mapper --problems 200`."""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from math import exp, log

from catx.errors import MappingError
from catx.mapper.map_einsum import map_front
from tests.oracle.enumerate_nests import Point
from tests.oracle.small_problems import Problem, solved_problems

Cost = tuple[float, float]
"""Energy [J] and latency [s]."""

MEASURES: dict[str, Callable[[Cost], float]] = {
    "energy": lambda cost: cost[0],
    "latency": lambda cost: cost[1],
    "edp": lambda cost: cost[0] * cost[1],
}

EXACT = 1e-9
"""Relative difference up to which a value counts as reached."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The mapper's best values over the exact ones, and how many points of the exact front it misses.

    Everything is infinite where the mapper finds nothing though a mapping fits, and 1 where none does.
    """

    problem: Problem
    ratios: dict[str, float]
    missed: int
    points: int
    seconds: float


def compare(problem: Problem, exact: list[Point]) -> Comparison:
    """Run the mapper (which keeps its fronts on disk) on a solved problem."""
    start = time.perf_counter()
    found = mapper_front(problem)
    seconds = time.perf_counter() - start
    costs = [(energy, latency) for energy, latency, _ in exact]
    ratios = {name: _ratio(found, costs, measure) for name, measure in MEASURES.items()}
    missed = sum(not any(_reaches(mine, cost) for mine in found) for cost in costs)
    return Comparison(problem, ratios, missed, len(costs), seconds)


def mapper_front(problem: Problem) -> list[Cost]:
    """Energies and latencies of the mapper's points; none where it says that no mapping fits."""
    accelerator = problem.accelerator
    try:
        points = map_front(problem.einsum, accelerator).points
    except MappingError:
        return []
    return [(point.energy_j(accelerator), point.latency_s(accelerator)) for point in points]


def _reaches(mine: Cost, cost: Cost) -> bool:
    return all(a <= b * (1 + EXACT) for a, b in zip(mine, cost, strict=True))


def _ratio(found: Sequence[Cost], exact: Sequence[Cost], measure: Callable[[Cost], float]) -> float:
    best, least = (min(map(measure, costs), default=float("inf")) for costs in (found, exact))
    return 1.0 if best == least else best / least if least else float("inf")


def _print(done: list[Comparison], *, worst: int) -> None:
    print(f"{len(done)} problems, {sum(row.seconds for row in done):.1f} s in the mapper")
    for name in MEASURES:
        ratios = sorted(row.ratios[name] for row in done)
        exact = sum(abs(ratio - 1) <= EXACT for ratio in ratios)
        finite = [ratio for ratio in ratios if ratio < float("inf")]
        mean = exp(sum(map(log, finite)) / len(finite)) if finite else float("nan")
        print(
            f"{name:8} least {ratios[0]:.6f}  exact in {exact}/{len(done)}  mean {mean:.4f}  "
            f"90 % {ratios[int(0.9 * (len(ratios) - 1))]:.4f}  most {ratios[-1]:.4f}"
        )
    points, missed = sum(row.points for row in done), sum(row.missed for row in done)
    print(f"fronts: {missed} of {points} points missed, whole in {sum(not row.missed for row in done)}")
    print("worst (energy, latency, edp; points missed):")
    for row in sorted(done, key=lambda row: max(row.ratios.values()), reverse=True)[:worst]:
        ratios_text = " ".join(f"{ratio:.4f}" for ratio in row.ratios.values())
        print(f"  {ratios_text}; {row.missed}/{row.points}  {row.problem}")


def main() -> None:
    """Compare on problems of consecutive seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=200, help="how many to compare")
    parser.add_argument("--seed", type=int, default=0, help="the first problem's seed")
    parser.add_argument("--limit", type=int, default=100_000, help="leave out problems with more nests")
    parser.add_argument("--tiny", action="store_true", help="only tiny problems")
    parser.add_argument("--worst", type=int, default=15, help="how many of the worst to list")
    options = parser.parse_args()
    solved = solved_problems(options.seed, limit=options.limit, tiny=options.tiny)
    done = [compare(problem, exact) for problem, exact in islice(solved, options.problems)]
    _print(done, worst=options.worst)


if __name__ == "__main__":
    main()
