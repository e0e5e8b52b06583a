"""A stable hash of IR values: the same for equal content in every process and on every machine."""

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any


def fingerprint(value: Any) -> str:
    """SHA-256 of a value made of dataclasses, tuples, sets, strings and numbers.

    Fields that take no part in comparison (places in files) are left out.

    Raises:
        TypeError: the value holds something else.
    """
    digest = hashlib.sha256()
    for part in _encode(value):
        digest.update(part.encode())
    return digest.hexdigest()


def _encode(value: Any) -> Iterator[str]:
    if is_dataclass(value) and not isinstance(value, type):
        yield f"{type(value).__name__}("
        for entry in fields(value):
            if entry.compare:
                yield f"{entry.name}="
                yield from _encode(getattr(value, entry.name))
        yield ")"
    elif isinstance(value, Enum):
        yield f"{type(value).__name__}.{value.name};"
    elif value is None or isinstance(value, (str, int, float)):
        yield f"{type(value).__name__}:{value!r};"
    elif isinstance(value, tuple):
        yield "["
        for item in value:
            yield from _encode(item)
        yield "]"
    elif isinstance(value, frozenset):
        yield "{"
        yield from sorted("".join(_encode(item)) for item in value)
        yield "}"
    else:
        raise TypeError(f"cannot fingerprint a {type(value).__name__}")
