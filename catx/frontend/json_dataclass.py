"""Dataclasses in JSON files: read by pydantic, which checks types; what is wrong is told by its place."""

import json
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

from catx.errors import SpecError
from catx.frontend.json_numbers import no_number
from catx.names import nearest

Value = TypeVar("Value")

FORBID = {"extra": "forbid"}
"""Keys that a dataclass does not have are errors."""

_WANTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list",
    "dataclass_type": "keys with values",
    "too_short": "more entries",
    "too_long": "fewer entries",
}


def from_json(kind: type[Value], text: str, schema: str, what: str) -> Value:
    """The value that a JSON object tells; its key `schema` says what it is.

    Args:
        kind: a dataclass, of values, tuples and dataclasses; each has `__pydantic_config__ = FORBID`.
        text: of the file.
        schema: what the key must hold.
        what: that is, for the error.

    Raises:
        SpecError: it is no JSON, of another schema, or a key is missing, unknown or of another type.
    """
    from pydantic import TypeAdapter, ValidationError  # slow to import

    try:
        data = json.loads(text, parse_constant=no_number)
    except ValueError as error:
        raise SpecError(f"not JSON: {error}") from error
    if not isinstance(data, dict) or data.pop("schema", None) != schema:
        raise SpecError(f"no {what}: its `schema` must be {schema!r}")
    try:
        return TypeAdapter(kind).validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        raise SpecError(_told(kind, error.errors(include_url=False)[0])) from error


def _told(kind: type[Any], detail: Any) -> str:
    """What is wrong first, and where."""
    *owner, last = detail["loc"]
    place = "".join(f"[{one}]" if isinstance(one, int) else f".{one}" for one in owner).removeprefix(".")
    if detail["type"] == "missing" and isinstance(last, int):
        return f"{place}: expected more entries"
    inside = f" in {place}" if place else ""
    if detail["type"] in ("missing", "missing_keyword_only_argument"):
        return f"missing key {last!r}{inside}"
    if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"unknown key {last!r}{inside}{nearest(last, _keys(kind))}"
    where = f"{place}[{last}]" if isinstance(last, int) else f"{place}.{last}".removeprefix(".")
    wanted = _WANTED.get(detail["type"], detail["type"].replace("_", " "))
    return f"{where}: expected {wanted}, not {json.dumps(detail['input'])[:40]}"


def _keys(kind: Any) -> set[str]:
    """All keys of a dataclass and those in it."""
    found: set[str] = set()
    for field in fields(kind):
        found.add(field.name)
        inner = [field.type, *getattr(field.type, "__args__", ())]
        found |= {key for one in inner if is_dataclass(one) for key in _keys(one)}
    return found
