"""Hypervolume of a run's front after each of its evaluations, up to one reference point."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from catx.search.pareto import front_of, hypervolume
from catx.search.points import Point

Costs = tuple[float, ...]

MOST = 300
"""Changes of a front at which its volume is computed; of more, evenly spread ones."""


@dataclass(frozen=True, slots=True)
class Box:
    """From the best to the worst value of each objective, each so that less is better."""

    best: Costs
    worst: Costs

    @property
    def size(self) -> float:
        """Its volume; 0 where an objective has one value only."""
        return prod(worst - best for best, worst in zip(self.best, self.worst, strict=True))

    def share(self, volume: float) -> float | None:
        """A hypervolume up to the worst corner as a share of the box; None where the box is flat."""
        return volume / self.size if self.size > 0 else None


@dataclass(frozen=True, slots=True)
class VolumeCurve:
    """Hypervolumes after so many evaluations; between them it stays as it was before."""

    evaluations: tuple[int, ...]
    volumes: tuple[float, ...]


def box_of(points: Iterable[Point]) -> Box | None:
    """The box of all feasible points; None without one."""
    costs = feasible_costs(points)
    if not costs:
        return None
    columns = list(zip(*costs, strict=True))
    return Box(tuple(map(min, columns)), tuple(map(max, columns)))


def feasible_costs(points: Iterable[Point]) -> list[Costs]:
    """Costs of feasible points."""
    return [point.costs for point in points if point.feasible and point.costs is not None]


def volume_of(points: Sequence[Point], reference: Costs) -> float:
    """Hypervolume of the feasible points up to a reference point."""
    costs = feasible_costs(points)
    return hypervolume([costs[at] for at in front_of(costs)], reference)


def share_of(points: Sequence[Point], best: Sequence[Point]) -> float | None:
    """Hypervolume of a front as a share of the box of all feasible points.

    None where points are of several groups, the box is flat, or there is one objective, whose best point has
    all of it; 0 without a feasible point.
    """
    if len({point.group for point in points}) > 1:
        return None
    box = box_of(points)
    if box is None:
        return 0.0
    return box.share(hypervolume(feasible_costs(best), box.worst)) if len(box.best) > 1 else None


def volume_curve(points: Sequence[Point], reference: Costs) -> VolumeCurve:
    """The hypervolume of what was found after each evaluation, up to a reference point.

    Args:
        points: in the order of their numbers; failed and infeasible ones count as evaluations.
        reference: worst value of each objective that counts, each so that less is better.

    Returns:
        The volume wherever it changes (at most `MOST` times), at the beginning and at the end.
    """
    changes = _changes(points)
    if len(changes) > MOST:
        kept = np.unique(np.linspace(0, len(changes) - 1, MOST).round().astype(int))
        changes = [changes[at] for at in kept]
    steps = [(0, 0.0), *((count, hypervolume(front, reference)) for count, front in changes)]
    if steps[-1][0] < len(points):
        steps.append((len(points), steps[-1][1]))
    return VolumeCurve(tuple(count for count, _ in steps), tuple(volume for _, volume in steps))


def _changes(points: Sequence[Point]) -> list[tuple[int, np.ndarray[tuple[int, int], np.dtype[np.float64]]]]:
    """Fronts as they were after evaluations that changed them, and how many evaluations there were."""
    found = []
    front = np.empty((0, 0))
    for count, point in enumerate(points, 1):
        if not point.feasible or point.costs is None:
            continue
        new = np.asarray(point.costs, float)
        if not front.size:
            front = new[np.newaxis]
        elif (front <= new).all(axis=1).any():
            continue
        else:
            front = np.vstack([front[~(new <= front).all(axis=1)], new])
        found.append((count, front))
    return found
