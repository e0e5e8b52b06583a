"""Small helpers that every component table shares: checks and interpolation."""

from collections.abc import Sequence
from itertools import pairwise
from math import exp, log

from catx.errors import SpecError


def positive(what: str, value: float) -> float:
    """The value, if it is a finite number above zero."""
    if not 0.0 < value < float("inf"):
        raise SpecError(f"{what} must be a finite number above 0, not {value}")
    return value


def log_interpolate(points: Sequence[tuple[float, float]], x: float) -> float:
    """Straight line through log(y) over log(x) between neighbouring points.

    Args:
        points: (x, y) with increasing x, all above 0.
        x: where to evaluate; the caller has checked that the points enclose it.
    """
    for (x0, y0), (x1, y1) in pairwise(points):
        if x0 <= x <= x1:
            share = (log(x) - log(x0)) / (log(x1) - log(x0))
            return exp(log(y0) + share * (log(y1) - log(y0)))
    raise AssertionError(f"{x} outside {points[0][0]}..{points[-1][0]}")


def power_law(x0: float, y0: float, x1: float, y1: float, x: float) -> float:
    """The power law y = c x^p through two points, at `x`, which may lie outside them."""
    return y0 * exp(log(y1 / y0) * log(x / x0) / log(x1 / x0))
