"""Accuracy of a model of a design point, behind one interface."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from catx.search.space import Value


@dataclass(frozen=True, slots=True)
class Told:
    """An accuracy, 0 to 1; measured, or predicted."""

    value: float
    measured: bool


class Accuracy(Protocol):
    """Tells the accuracy of models."""

    def of(self, values: Mapping[str, Value]) -> Told:
        """The accuracy of the model of a design point."""
        ...
