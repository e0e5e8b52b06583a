"""IR values as plain JSON data and back, without loss: `from_plain(to_plain(value), classes) == value`.

A dataclass is `{"ClassName": [its fields]}`, an enum member `{"ClassName": its value}`, a tuple a list.
"""

from collections.abc import Collection
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

_SET = "frozenset"


def to_plain(value: Any) -> Any:
    """A value made of dataclasses, tuples, frozensets of strings, enums, strings and numbers as JSON data.

    Raises:
        TypeError: the value holds something else.
    """
    if isinstance(value, Enum):
        return {type(value).__name__: value.value}
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, frozenset):
        return {_SET: sorted(value)}
    if is_dataclass(value) and not isinstance(value, type):
        return {type(value).__name__: [to_plain(getattr(value, field.name)) for field in fields(value)]}
    raise TypeError(f"cannot write a {type(value).__name__} as plain data")


def from_plain(data: Any, classes: Collection[type]) -> Any:
    """The value that `to_plain` wrote; `classes` are all dataclasses and enums in it.

    The last fields may be lacking, as where they are newer than the data: they have their defaults.

    Raises:
        ValueError: there are more fields than a class has.
        TypeError: a field is lacking that has no default.
        KeyError: no class has such a name.
    """
    makers = {cls.__name__: cls for cls in classes}
    names = {cls.__name__: [field.name for field in fields(cls)] for cls in classes if is_dataclass(cls)}

    def read(data: Any) -> Any:
        if isinstance(data, list):
            return tuple(map(read, data))
        if not isinstance(data, dict):
            return data
        ((name, content),) = data.items()
        if name == _SET:
            return frozenset(content)
        if name in names:
            if len(content) > len(names[name]):
                raise ValueError(f"{name} has fields that this version does not know")
            return makers[name](**dict(zip(names[name], map(read, content), strict=False)))
        return makers[name](content)

    return read(data)
