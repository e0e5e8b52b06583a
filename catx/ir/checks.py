"""Checks of the fields of IR values: a value that exists is legal."""

from collections.abc import Collection
from math import inf, isfinite
from numbers import Integral, Real
from typing import TypeGuard

from catx.errors import SpecError


def named(kind: str, name: object) -> None:
    """A name is a text that is not empty."""
    if not isinstance(name, str) or not name.strip():
        raise SpecError(f"the name of a {kind} must be a text that is not empty, not {name!r}")


def positive(owner: str, **values: object) -> None:
    """Each is a finite number above 0."""
    for field, value in values.items():
        if not (_is_number(value) and isfinite(value) and value > 0):
            raise SpecError(f"{owner}: {field} must be a finite number above 0, not {value!r}")


def limits(owner: str, **values: object) -> None:
    """Each is a number above 0, or infinite: no limit."""
    for field, value in values.items():
        if not (_is_number(value) and 0 < value <= inf):
            raise SpecError(f"{owner}: {field} must be a number above 0, or inf, not {value!r}")


def amounts(owner: str, **values: object) -> None:
    """Each is a finite number, 0 or more."""
    for field, value in values.items():
        if not (_is_number(value) and isfinite(value) and value >= 0):
            raise SpecError(f"{owner}: {field} must be a finite number, 0 or more, not {value!r}")


def counts(owner: str, **values: object) -> None:
    """Each is a whole number above 0."""
    for field, value in values.items():
        if not is_count(value):
            raise SpecError(f"{owner}: {field} must be a whole number above 0, not {value!r}")


def whole(owner: str, **values: object) -> None:
    """Each is a whole number above 0; a float of such a value, as 30e6, is one."""
    for field, value in values.items():
        if not (_is_number(value) and isfinite(value) and value > 0 and value == int(value)):
            raise SpecError(f"{owner}: {field} must be a whole number above 0, not {value!r}")


def among(owner: str, known: Collection[str], **values: Collection[str]) -> None:
    """All entries of each are known words."""
    for field, entries in values.items():
        if unknown := sorted(set(entries) - set(known)):
            raise SpecError(
                f"{owner}: {field} has unknown entries {unknown}", hint=f"known: {', '.join(known)}"
            )


def is_count(value: object) -> bool:
    """Whether a value is a whole number above 0."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, Real) and not isinstance(value, bool)
