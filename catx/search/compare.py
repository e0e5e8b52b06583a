"""Studies of the same objectives side by side: volumes, who dominates whom, who is best at equal level."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from catx.errors import OptionError
from catx.names import unknown_name
from catx.search.findings import Findings
from catx.search.metrics import metric
from catx.search.study import Goal
from catx.search.study_json import differences
from catx.search.volume import Costs, box_of, feasible_costs, volume_of

LEVELS = 5
"""At so many levels of an objective fronts are compared."""

_OWN = ("name", "plan.")
"""What may differ between studies without a word: their names, and how they were searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A level of the objective `of`: by study, the best value of `other` of points that are at least as good.

    All in base units. Nothing is interpolated: values are those of points that were evaluated. A study
    without such a point has None.
    """

    of: str
    level: float
    other: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyComparison:
    """Studies, in the order of their names, by the objectives of the first one.

    Attributes:
        goals: objectives.
        found: the studies.
        differ: where each study is another one than the first; not in its name or search.
        reference: worst value of each objective among all feasible points, in base units.
        volumes: hypervolume of each front up to the reference, in products of base units.
        shares: those as shares of the box from the best values of all to the worst; None where it is flat.
        dominated: `dominated[one][other]` is the share of `other`'s front that a point of `one`'s front
            beats: nowhere worse, somewhere better. None where `other` has no front.
        covered: the same where an equal point counts, too (the C-metric of Zitzler).
        bests: the best value of each objective of feasible points, by objective and study; None without one.
        levels: of each objective, see `Level`.
    """

    names: tuple[str, ...]
    goals: tuple[Goal, ...]
    found: tuple[Findings, ...]
    differ: tuple[tuple[str, ...], ...]
    reference: Costs
    volumes: tuple[float, ...]
    shares: tuple[float | None, ...]
    dominated: tuple[tuple[float | None, ...], ...]
    covered: tuple[tuple[float | None, ...], ...]
    bests: tuple[tuple[float | None, ...], ...]
    levels: tuple[Level, ...]


def compare_studies(names: Sequence[str], found: Sequence[Findings]) -> StudyComparison:
    """Everything that there is to say of some studies.

    Raises:
        OptionError: their objectives are not the same, or none has a feasible point.
    """
    goals, same = same_objectives(names, found)
    box = box_of(point for one in same for point in one.points)
    if box is None:
        raise OptionError("no study has a feasible point, so there is nothing to compare")
    fronts = [feasible_costs(one.front) for one in same]
    volumes = [volume_of(one.points, box.worst) for one in same]
    return StudyComparison(
        names=tuple(names),
        goals=goals,
        found=same,
        differ=tuple(tuple(study_differences(same[0], one)) for one in same),
        reference=_in_units(goals, box.worst),
        volumes=tuple(volumes),
        shares=tuple(box.share(volume) for volume in volumes),
        dominated=tuple(tuple(_share(one, other, equal=False) for other in fronts) for one in fronts),
        covered=tuple(tuple(_share(one, other, equal=True) for other in fronts) for one in fronts),
        bests=tuple(
            tuple(goal.sign * min(cost[at] for cost in front) if front else None for front in fronts)
            for at, goal in enumerate(goals)
        ),
        levels=tuple(_levels(goals, fronts)),
    )


def same_objectives(
    names: Sequence[str], found: Sequence[Findings]
) -> tuple[tuple[Goal, ...], tuple[Findings, ...]]:
    """The objectives of all studies, and the studies with these in the order of the first one.

    Raises:
        OptionError: naming a study whose objectives are others.
    """
    goals = found[0].study.objectives
    for name, one in zip(names, found, strict=True):
        if set(one.study.objectives) != set(goals):
            raise OptionError(
                f"{names[0]} has the objectives {_told(goals)}, and {name} has {_told(one.study.objectives)}",
                hint="only studies with the same objectives can be compared",
            )
    return goals, tuple(one if one.study.objectives == goals else one.for_objectives(goals) for one in found)


def objective_of(goals: Sequence[Goal], name: str) -> str:
    """The name, if it is one of the objectives.

    Raises:
        OptionError: it is none.
    """
    names = [goal.metric for goal in goals]
    if name not in names:
        metric(name)
        raise unknown_name("objective of these studies", name, names, error=OptionError)
    return name


def _told(goals: Sequence[Goal]) -> str:
    return ", ".join(f"{goal.best} {goal.metric}" for goal in goals)


def study_differences(one: Findings, other: Findings) -> list[str]:
    """What differs between two studies besides their names, and how they were searched."""
    return [name for name in differences(one.study, other.study) if not name.startswith(_OWN)]


def _in_units(goals: Sequence[Goal], costs: Costs) -> Costs:
    return tuple(goal.sign * cost for goal, cost in zip(goals, costs, strict=True))


def _share(one: Sequence[Costs], other: Sequence[Costs], *, equal: bool) -> float | None:
    """The share of `other` that `one` beats, or, with `equal`, beats or equals."""
    if not other:
        return None
    if not one:
        return 0.0
    ours, theirs = np.asarray(one, float)[:, np.newaxis], np.asarray(other, float)[np.newaxis]
    beats = (ours <= theirs).all(axis=2)
    if not equal:
        beats &= (ours < theirs).any(axis=2)
    return float(beats.any(axis=0).mean())


def _levels(goals: Sequence[Goal], fronts: Sequence[Sequence[Costs]]) -> list[Level]:
    """For each objective and each other one: the best values at levels that all fronts reach."""
    there = [front for front in fronts if front]
    found = []
    for at, goal in enumerate(goals):
        shared = _shared_levels([[cost[at] for cost in front] for front in there])
        for to, other in enumerate(goals):
            if to == at:
                continue
            for level in shared:
                best = [
                    min((cost[to] for cost in front if cost[at] <= level), default=None) for front in fronts
                ]
                found.append(
                    Level(
                        of=goal.metric,
                        level=goal.sign * level,
                        other=other.metric,
                        values=tuple(None if one is None else other.sign * one for one in best),
                    )
                )
    return found


def _shared_levels(costs: Sequence[Sequence[float]]) -> list[float]:
    """Values of points from the best that all fronts reach to the worst that none lies beyond.

    They are evenly spread over the points between, not over their values: fronts are dense where they bend.
    """
    hardest = max(min(front) for front in costs)
    easiest = min(max(front) for front in costs)
    between = sorted({cost for front in costs for cost in front if hardest <= cost <= easiest}) or [hardest]
    picked = np.unique(np.linspace(0, len(between) - 1, LEVELS).round().astype(int))
    return [between[at] for at in picked]
