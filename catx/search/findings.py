"""What a file of a study holds, read for whoever looks at its results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from catx.search.grid import AnyStudy
from catx.search.metrics import ACCURACY
from catx.search.open_study import STUDY, read
from catx.search.points import Point, found_in, front
from catx.search.space import DesignSpace, Gene, Value
from catx.search.study import Goal, Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A study, and all its points in the order of their numbers.

    `front` are those that no other feasible one of their group beats, sorted by the first objective, best
    first. `study_json` and `runs` are as they stand in the file: the study, and what each run told of itself.
    `own_space` is what genomes are of where these are a part of a study (see `grid_groups`).
    """

    path: Path
    study: AnyStudy
    points: tuple[Point, ...]
    front: tuple[Point, ...]
    study_json: str
    runs: Mapping[int, Mapping[str, Any]]
    own_space: DesignSpace | None = None

    @property
    def space(self) -> DesignSpace:
        """All points that the study may have."""
        return self.study.space if self.own_space is None else self.own_space

    @property
    def feasible(self) -> list[Point]:
        """Points that obey all constraints."""
        return [point for point in self.points if point.feasible]

    @property
    def evaluated(self) -> list[Point]:
        """Points that have numbers, feasible or not."""
        return [point for point in self.points if point.costs is not None]

    @property
    def varying(self) -> list[tuple[int, Gene]]:
        """Genes with more than one value, and their places."""
        return [(at, gene) for at, gene in enumerate(self.space.genes) if len(gene.values) > 1]

    @property
    def metrics(self) -> list[str]:
        """Names of the objectives, then of other metrics that are bounded."""
        names = [goal.metric for goal in self.study.objectives]
        return list(dict.fromkeys([*names, *(limit.metric for limit in self.study.constraints)]))

    @property
    def predicts(self) -> bool:
        """Whether the accuracy of some point is predicted, not measured."""
        return any(
            ACCURACY.name in point.evaluation.numbers and not point.evaluation.measured
            for point in self.points
        )

    @property
    def accuracy_told(self) -> str:
        """What accuracies are, in words; "" where there are none, or some are measured."""
        known = [point for point in self.evaluated if ACCURACY.name in point.evaluation.numbers]
        if not known or any(point.evaluation.measured for point in known):
            return ""
        accuracy = self.study.accuracy if isinstance(self.study, Study) else None
        return "a score, not measured" if accuracy is not None and accuracy.is_score else "predicted"

    def values(self, point: Point) -> dict[str, Value]:
        """The value of each gene that the point has."""
        return self.space.values(point.genome)

    def for_objectives(self, goals: Sequence[Goal]) -> Self:
        """The same points for other objectives, of which all must be metrics that the points have."""
        study = replace(self.study, objectives=tuple(goals))
        points = [
            replace(point, costs=tuple(goal.sign * point.evaluation.numbers[goal.metric] for goal in goals))
            if point.costs is not None
            else point
            for point in self.points
        ]
        return replace(self, study=study, points=tuple(points), front=_sorted_front(points))


def read_findings(path: Path) -> Findings:
    """What a FILE.db holds so far; it may still grow.

    Raises:
        SpecError: no such file, or no study.
    """
    store, study = read(path)
    try:
        points, text, runs = found_in(study, store).points, store.head[STUDY], store.runs
    finally:
        store.close()
    return Findings(
        path=path,
        study=study,
        points=tuple(points),
        front=_sorted_front(points),
        study_json=text,
        runs=runs,
    )


def _sorted_front(points: Sequence[Point]) -> tuple[Point, ...]:
    return tuple(sorted(front(points), key=lambda point: point.costs or ()))


def labels(found: Sequence[Findings]) -> list[str]:
    """A short name for each: of its study where these differ, else of its file, or both."""
    ways = (
        [one.study.name for one in found],
        [one.path.stem for one in found],
        [f"{one.path.stem}: {one.study.name}" for one in found],
        [str(one.path) for one in found],
    )
    names = next((way for way in ways if len(set(way)) == len(way)), ways[-1])
    return [name if names.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(names, 1)]
