"""Accuracy of a model of a design point, behind one interface."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from catx.search.space import Value


@dataclass(frozen=True, slots=True)
class Told:
    """An accuracy, 0 to 1; measured, or predicted.

    `left` is what a screening predicts it from: the share that is left of each kind of part, by its name.
    """

    value: float
    measured: bool
    left: Mapping[str, float] = field(default_factory=dict)


class Accuracy(Protocol):
    """Tells the accuracy of models."""

    def of(self, values: Mapping[str, Value]) -> Told:
        """The accuracy of the model of a design point."""
        ...


@runtime_checkable
class Measurable(Accuracy, Protocol):
    """Measures accuracy where a search asks for it, apart from other numbers of a point."""

    def measure(self, values: Mapping[str, Value]) -> Told:
        """The measured accuracy of the model of a design point."""
        ...
