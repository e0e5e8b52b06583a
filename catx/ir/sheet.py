"""Sheet: a calculation that can be redone on paper, as rows with units, formulas, sources and spreads."""

from dataclasses import dataclass
from typing import Literal

Shape = Literal["lognormal", "triangular", "uniform", "logtriangular"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far a given number may be from the truth, as factors of it.

    Attributes:
        shape: distribution of the factor. `lognormal` has its median at 1; `triangular` its peak at 1;
            `logtriangular` is a triangle over the factor's logarithm, its peak at 1.
        low: least factor; of `lognormal` the one that 5 % lie below.
        high: largest factor; of `lognormal` the one that 5 % lie above, 1 / low.
        key: spreads of one key move together, in all sheets.
        source: where the spread comes from.
    """

    shape: Shape
    low: float
    high: float
    key: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A number with its name, unit and source: given as it is, or by a formula over rows further up.

    `formula` is empty where the number is given; `value` is the nominal one in any case.
    """

    name: str
    unit: str
    value: float
    formula: str = ""
    source: str = ""
    spread: Spread | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows in an order in which each formula uses only rows above it."""

    rows: tuple[Row, ...]

    def __getitem__(self, name: str) -> float:
        """The value of a row; KeyError if there is none."""
        for row in self.rows:
            if row.name == name:
                return row.value
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return any(row.name == name for row in self.rows)


@dataclass(frozen=True, slots=True)
class Swing:
    """What some inputs do to a total: its value where they alone are at their 5th and 95th percentile."""

    name: str
    key: str
    low: float
    high: float

    @property
    def width(self) -> float:
        """How far apart they are."""
        return abs(self.high - self.low)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncertainty:
    """What a sheet's totals may be.

    `percentiles` are the 5th, 50th and 95th of each total; `swings` are of the last total, the widest first.
    """

    samples: int
    seed: int
    percentiles: tuple[tuple[str, tuple[float, float, float]], ...]
    swings: tuple[Swing, ...]
