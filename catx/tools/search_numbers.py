"""Numbers in pictures of a search, as plain data in base units."""

from collections.abc import Sequence
from typing import Any

from catx.search.findings import Findings
from catx.search.study import Goal

Json = dict[str, Any]


def goals_json(goals: Sequence[Goal]) -> list[Json]:
    """Objectives, and which side is best."""
    return [{"metric": goal.metric, "best": goal.best} for goal in goals]


def values_of(found: Findings, goal: Goal) -> list[float]:
    """An objective's values on the front, in its order."""
    return [point.evaluation.numbers[goal.metric] for point in found.front]


def front_json(found: Findings) -> list[Json]:
    """Points of the front, best of the first objective first."""
    return [
        {
            "number": point.number,
            "values": found.values(point),
            **{goal.metric: point.evaluation.numbers[goal.metric] for goal in found.study.objectives},
        }
        for point in found.front
    ]
