"""Accuracy of pruned models, predicted from the importance that is left and calibrated on measured ones."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from catx.errors import Loc, OptionError
from catx.search.space import MODEL_PREFIX, Gene, Value

Shares = tuple[float, ...]
"""What is left of each kind of part (layers, heads, ... of each tower), 0 to 1."""

LEFT = "left."
"""How names of shares begin among the numbers of a point."""

LEAST_POINTS = 3
"""Measured points that a calibration needs."""

LEAST_SHARE = 1e-12
"""What a share below counts as in a calibration, which takes logarithms."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """accuracy = `whole` x product of shares^exponents, at most `most`: the largest that was measured.

    `error` is the mean absolute difference of the accuracy of each measured point from what all others
    predict; NaN where nothing was measured.
    """

    whole: float
    exponents: tuple[float, ...]
    points: int = 0
    error: float = math.nan
    most: float = math.inf

    def predict(self, shares: Shares) -> float:
        """The accuracy of a model with such shares left."""
        pairs = zip(shares, self.exponents, strict=True)
        return min(self.most, self.whole * math.prod(float(share**exponent) for share, exponent in pairs))


def uncalibrated(kinds: int) -> Calibration:
    """All shares count alike: what is left, relative to the whole model; no accuracy."""
    return Calibration(1.0, (1.0,) * kinds)


def scaled(measured: Sequence[tuple[Shares, float]]) -> Calibration:
    """The same on the scale of measured accuracies above 0, for fewer points than a calibration needs."""
    kinds = len(measured[0][0])
    logs = [
        math.log(accuracy / max(uncalibrated(kinds).predict(shares), LEAST_SHARE))
        for shares, accuracy in measured
    ]
    most = max(accuracy for _, accuracy in measured)
    return Calibration(math.exp(sum(logs) / len(logs)), (1.0,) * kinds, len(measured), most=most)


def calibrate(measured: Sequence[tuple[Shares, float]]) -> Calibration:
    """Exponents, none below 0, that fit measured accuracies best (least squares of logarithms).

    Args:
        measured: shares that were left, and the accuracy.

    Raises:
        OptionError: fewer than `LEAST_POINTS` points, or an accuracy that is not above 0.
    """
    if len(measured) < LEAST_POINTS:
        raise OptionError(f"a calibration needs {LEAST_POINTS} measured points, not {len(measured)}")
    if any(accuracy <= 0 for _, accuracy in measured):
        raise OptionError("a calibration needs accuracies above 0")
    whole = _fit(measured)
    errors = []
    for at, (shares, accuracy) in enumerate(measured):
        others = [*measured[:at], *measured[at + 1 :]]
        errors.append(abs(replace(_fit(others), most=whole.most).predict(shares) - accuracy))
    return replace(whole, points=len(measured), error=sum(errors) / len(errors))


def _fit(measured: Sequence[tuple[Shares, float]]) -> Calibration:
    """The last two columns are a constant of either sign: what the whole model has."""
    from scipy.optimize import nnls

    logs = np.log([[max(share, LEAST_SHARE) for share in shares] for shares, _ in measured])
    ones = np.ones((len(measured), 1))
    found, _ = nnls(np.hstack([logs, ones, -ones]), np.log([accuracy for _, accuracy in measured]))
    *exponents, above, below = found.tolist()
    most = max(accuracy for _, accuracy in measured)
    return Calibration(math.exp(above - below), tuple(exponents), most=most)


def read_table(path: Path, genes: Sequence[Gene]) -> list[tuple[dict[str, Value], float]]:
    """Rows of a CSV file with a column per gene of a model, by its key, and one called `accuracy`.

    Returns:
        Values by key, each as its gene has it (`1` stands for 1.0 where the gene has that), and the accuracy.

    Raises:
        OptionError: it cannot be read, lacks a column, has a value that is no number or that the gene does
            not take, or two rows of the same sizes.
    """
    loc = Loc(str(path))
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    except OSError as error:
        raise OptionError(f"cannot be read: {error.strerror}", loc=loc) from None
    except UnicodeDecodeError:
        raise OptionError("not UTF-8 text", loc=loc) from None
    if not rows:
        raise OptionError("no row", loc=loc)
    columns = {gene.name.removeprefix(MODEL_PREFIX): gene for gene in genes}
    if missing := [name for name in (*columns, "accuracy") if name not in rows[0]]:
        raise OptionError(f"no column {missing[0]!r}: its first row has {', '.join(rows[0])}", loc=loc)
    found: dict[tuple[Value, ...], tuple[int, float]] = {}
    for line, row in enumerate(rows, 2):
        here = Loc(str(path), line=line)
        sizes = tuple(_value(row[name], name, gene, here) for name, gene in columns.items())
        accuracy = _number(row["accuracy"], "accuracy", here)
        if not 0 <= accuracy <= 1:
            raise OptionError(f"accuracy {accuracy:g} is not within 0 to 1", loc=here)
        if sizes in found:
            raise OptionError(f"the same sizes as in line {found[sizes][0]}", loc=here, hint="leave out one")
        found[sizes] = line, accuracy
    return [(dict(zip(columns, sizes, strict=True)), accuracy) for sizes, (_, accuracy) in found.items()]


def _value(text: str | None, name: str, gene: Gene, loc: Loc) -> Value:
    """The value of a gene that a cell stands for: programs write 1.0 as 1, and 6 as 6.0."""
    number = _number(text, name, loc)
    for value in gene.values:
        if value == number:
            return value
    listed = ", ".join(map(str, gene.values))
    raise OptionError(f"{name}: {text} is none of the study's values {listed}", loc=loc)


def _number(text: str | None, name: str, loc: Loc) -> float:
    try:
        return float(text or "")
    except ValueError:
        raise OptionError(f"{name}: expected a number, not {text!r}", loc=loc) from None
