"""Who evaluates points: what all kinds of workers have in common, and this process as the simplest one."""

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from catx.search.evaluation import Evaluates, Evaluation
from catx.search.screening import is_measurement
from catx.search.space import Genome

DEATHS = 2
"""Processes that a point may end, evaluated alone, until it counts as failed."""

Numbered = tuple[int, Genome]
"""A point that is to be evaluated, and its number."""


class Workers(Protocol):
    """Evaluates points somewhere."""

    def submit(self, points: Sequence[Numbered]) -> None:
        """Add points to what is to be done."""
        ...

    def next(self) -> list[tuple[int, Evaluation]]:
        """Points that ended, each once; waits for one at least."""
        ...


class Here:
    """Evaluates in this process, one after the other."""

    def __init__(self, evaluator: Evaluates) -> None:
        self._evaluator = evaluator
        self._left: deque[Numbered] = deque()

    def submit(self, points: Sequence[Numbered]) -> None:
        """See `Workers`."""
        self._left.extend(points)

    def next(self) -> list[tuple[int, Evaluation]]:
        """See `Workers`."""
        number, genome = self._left.popleft()
        return [(number, evaluated(self._evaluator, number, genome))]


def evaluated(evaluator: Evaluates, number: int, genome: Genome) -> Evaluation:
    """What becomes of a point: its numbers, or the accuracy of its model (see `is_measurement`)."""
    return evaluator.measure(genome) if is_measurement(number) else evaluator(genome)


def deadly(genome: Genome) -> Evaluation:
    """The evaluation of a point that ended `DEATHS` processes that had nothing else to do."""
    error = f"it ended the process that evaluated it, {DEATHS} times"
    return Evaluation(genome=genome, numbers={}, error=error)
