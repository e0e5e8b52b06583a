"""Points of a study: what was evaluated, what the study says of it, and which of them are its front."""

from collections.abc import Sequence
from dataclasses import dataclass

from catx.search.evaluation import Evaluation
from catx.search.grid import AnyStudy
from catx.search.pareto import front_of
from catx.search.screening import Measurements, is_measurement, measurements_of
from catx.search.space import Genome
from catx.search.store import Store
from catx.search.study import least, violation


@dataclass(frozen=True, slots=True)
class Point:
    """An evaluated point of a study, as a sampler sees it; only points of one group are compared."""

    number: int
    evaluation: Evaluation
    costs: tuple[float, ...] | None
    violation: float
    group: tuple[int, ...] = ()
    excesses: tuple[float, ...] = ()

    @property
    def genome(self) -> Genome:
        """Which point it is."""
        return self.evaluation.genome

    @property
    def feasible(self) -> bool:
        """Whether it was evaluated and obeys all constraints."""
        return self.costs is not None and self.violation == 0.0


def point_of(study: AnyStudy, number: int, evaluation: Evaluation) -> Point:
    """A point with what the study says of its numbers."""
    group = study.group(evaluation.genome)
    if evaluation.error:
        return Point(number, evaluation, None, float("inf"), group)
    return Point(
        number,
        evaluation,
        least(study.objectives, evaluation.numbers),
        violation(study.constraints, evaluation.numbers),
        group,
        tuple(limit.excess(evaluation.numbers[limit.metric]) for limit in study.constraints),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What a store holds: points in their order, and what is known of accuracy where models are measured.

    `pending` points are evaluated but for the accuracy of their model, and are none yet.
    """

    points: list[Point]
    models: Measurements | None
    pending: int = 0


def found_in(study: AnyStudy, store: Store) -> Found:
    """What a store holds of its study."""
    head = store.head  # first: what it names is there already where the file grows
    evaluations = store.evaluations()
    models = measurements_of(study, evaluations, head)
    points, pending = [], 0
    for number, found in evaluations.items():
        if is_measurement(number):
            continue
        told = models.of(found) if models else found
        if told is None:
            pending += 1
        else:
            points.append(point_of(study, number, told))
    return Found(points, models, pending)


def front(points: Sequence[Point]) -> list[Point]:
    """Feasible points that no other one of their group beats, in their order; of equal ones all."""
    groups: dict[tuple[int, ...], list[Point]] = {}
    for point in points:
        if point.feasible:
            groups.setdefault(point.group, []).append(point)
    found = []
    for feasible in groups.values():
        kept = front_of([point.costs for point in feasible if point.costs is not None])
        found += [feasible[at] for at in kept]
    return sorted(found, key=lambda point: point.number)
