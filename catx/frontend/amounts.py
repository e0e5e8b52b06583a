"""How much of a model stays: counts, or shares of what there is."""

from numbers import Integral, Real
from typing import cast

from catx.errors import OptionError

Amount = int | float
"""A count, or a share of what there is: a float of at most 1. Numbers of numpy are as good."""

_ROUNDED = 1e-6
"""Shares within this of a whole number of units are meant to be it: six digits, or single precision."""


def count_of(wanted: int | None, there: int, what: str) -> int:
    """So many of what there is, all where None is wanted.

    Raises:
        OptionError: none, or more than there is.
    """
    if wanted is None:
        return there
    if not isinstance(wanted, Integral) or isinstance(wanted, bool):
        raise OptionError(f"{what} must be a whole number, not {wanted!r}")
    wanted = int(wanted)  # numpy's too
    if not 1 <= wanted <= there:
        raise OptionError(f"{what}: the model has {there}, so 1 to {there} can stay, not {wanted}")
    return wanted


def size_of(wanted: Amount | None, there: int, what: str) -> int:
    """A count, or a share that makes a whole number; see `count_of`.

    Raises:
        OptionError: none, more than there is, or a share that is no whole number of units.
    """
    if wanted is None or isinstance(wanted, int | Integral) or not isinstance(wanted, Real):
        return count_of(None if wanted is None else cast(int, wanted), there, what)
    wanted = float(wanted)
    if not 0 < wanted <= 1:
        raise OptionError(
            f"{what}: a share must be above 0 and at most 1, not {wanted:g}", hint="a count has no point"
        )
    size = wanted * there
    if abs(size - round(size)) > _ROUNDED * there or not round(size):
        low = int(size) or 1
        raise OptionError(
            f"{what}: {wanted:g} of {there} is {size:g}, no whole number",
            hint=f"{low / there:.6g} is {low}, {(low + 1) / there:.6g} is {low + 1}; or give the number",
        )
    return round(size)
