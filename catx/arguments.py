"""Arguments of the Python API: what each may be, and the error for what it is not."""

import os
from collections.abc import Iterable, Iterator, Mapping, Set
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

from catx.errors import OptionError

T = TypeVar("T")

MAX_SIZE = 2**48
"""The largest size of a dimension; also the most elements that a tensor may have."""
SIZE = "a positive integer up to 2^48"

_LONGEST = 60
_LONGEST_NUMBER = 10_000
"""What a message shows of a value [characters], and the numbers that Python writes in digits [bit]."""


def refuse(name: str, expected: str, value: object, *, hint: str = "") -> OptionError:
    """The error for an argument of the wrong type or range."""
    return OptionError(f"{name}: expected {expected}, not {shown(value)}", hint=hint)


def shown(value: object) -> str:
    """A value, short: plain ones as they are written, others by their type."""
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER:
        return "a number of thousands of digits"
    if value is None or isinstance(value, (str, bytes, Real)):
        text = str(value) if isinstance(value, Real) else repr(value)
        return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, (list, tuple, dict, set, frozenset)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"an object of the class {type(value).__name__}"


def instance(name: str, value: object, wanted: type[T], what: str) -> T:
    """The value, if it is of the class.

    Raises:
        OptionError: it is not.
    """
    if not isinstance(value, wanted):
        raise refuse(name, what, value)
    return value


def path_or_name(name: str, value: object, what: str) -> str | Path:
    """The value, if it is text or a path of text; other path-like objects become paths.

    Raises:
        OptionError: it is not.
    """
    if isinstance(value, (str, Path)):
        return value
    if isinstance(value, os.PathLike):
        path = os.fspath(value)
        if isinstance(path, str):
            return Path(path)
    raise refuse(name, what, value)


def flag(name: str, value: object) -> bool:
    """The value, if it is a boolean: a text such as "no" would count as true."""
    return instance(name, value, bool, "True or False")


def several(name: str, value: object, what: str) -> list[Any]:
    """The items of a list, a tuple, a generator; what has no order of its own is refused.

    Raises:
        OptionError: it is none of them.
    """
    if not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping, Set)):
        raise refuse(name, what, value)
    return list(value)


def sizes(name: str, value: object) -> dict[str, int]:
    """Sizes of dimensions by name; None counts as none given.

    Raises:
        OptionError: it is no such dict, or a size is no integer, below 1 or above `MAX_SIZE`.
    """
    return dict(_sizes(name, {} if value is None else value))


def _sizes(name: str, value: object) -> Iterator[tuple[str, int]]:
    example = 'for example {"batch": 1}'
    if not isinstance(value, Mapping):
        raise refuse(name, "a dict from names of dimensions to sizes", value, hint=example)
    for dim, size in value.items():
        if not isinstance(dim, str):
            raise refuse(f"a key of {name}", "the name of a dimension", dim, hint=example)
        if not isinstance(size, Integral) or isinstance(size, bool) or not 1 <= int(size) <= MAX_SIZE:
            raise refuse(f"{name}[{shown(dim)}]", SIZE, size)
        yield dim, int(size)
