"""Validate data against a model: pydantic's errors, told in the file's own terms."""

from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from catx.frontend.hardware.document import Document, describe
from catx.frontend.hardware.fields import Reader
from catx.frontend.hardware.problems import KeyPath, Problem, fail
from catx.frontend.hardware.spec import Spec
from catx.names import nearest

Model = TypeVar("Model", bound=Spec)


def validate(model: type[Model], document: Document) -> Model:
    """The document as a model.

    Raises:
        SpecError: listing everything that pydantic found wrong.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        details = error.errors(include_url=False)
    fail(document.file, problems_of(model, document, details))


def problems_of(model: type[Spec], document: Document, details: list[ErrorDetails]) -> list[Problem]:
    """One problem per pydantic error, at its line."""
    problems = []
    for detail in details:
        path, owner = _walk(model, detail["loc"], document)
        problems.append(document.problem(_message(owner, detail, path), path))
    return problems


def _walk(
    model: type[Spec], loc: tuple[int | str, ...], document: Document
) -> tuple[KeyPath, type[BaseModel]]:
    """Follow a pydantic location: its path in the file, and the model that has its last key.

    Locations hold tags of unions, which select a model, and marks of a wrong key; these are left out.
    """
    path: list[str | int] = []
    owner: type[BaseModel] = model
    candidates = _models(model)
    value: object = document.data
    for part in loc:
        if part in candidates or part == "[key]":
            candidates = {"": candidates[str(part)]} if part in candidates else {}
            continue
        path.append(part)
        owner = candidates.get("", owner)
        if isinstance(part, str):
            field = _fields(owner).get(part)
            candidates = _models(field.annotation, *field.metadata) if field else {}
        if isinstance(value, list) and isinstance(part, int):
            value = value[part]
        elif isinstance(value, dict):
            value = value.get(str(part))
        else:
            path.pop()
    return tuple(path), owner


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Fields by the key that the file uses."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _models(annotation: Any, *metadata: object) -> dict[str, type[BaseModel]]:
    """The models inside an annotation, by their tag in a union; "" for the only one."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        tags = [str(entry.tag) for entry in metadata if isinstance(entry, Tag)]
        return {tags[0] if tags else "": annotation}
    args = get_args(annotation)
    if get_origin(annotation) is Annotated:
        return _models(args[0], *args[1:])
    if get_origin(annotation) in (Union, UnionType, list, dict):
        return {tag: found for arg in args for tag, found in _models(arg).items()}
    return {}


def _message(owner: type[BaseModel], detail: ErrorDetails, path: KeyPath) -> str:
    kind, got = detail["type"], detail["input"]
    if kind == "value_error":
        return str(detail["ctx"]["error"])
    if kind == "extra_forbidden":
        known = sorted(_fields(owner))
        listed = "; the keys here are " + ", ".join(known)
        return "unknown key" + (nearest(path[-1], known) or listed)
    if kind == "missing":
        return f"missing key {path[-1]!r}{_expected(_fields(owner).get(str(path[-1])))}"
    if kind == "too_short" and detail["ctx"]["min_length"] > 1:
        return f"expected at least {detail['ctx']['min_length']} entries, not {describe(got)}"
    wanted = _WANTED.get(kind) or detail.get("ctx", {}).get("expected") or detail["msg"]
    return f"expected {wanted}, not {describe(got)}"


_WANTED = {
    "bool_type": "true or false",
    "list_type": "a list",
    "string_type": "a name (a number in quotes is one)",
    "dict_type": "keys with values",
    "model_type": "keys with values",
    "too_short": "at least one entry",
    "too_long": "fewer entries",
}


def _expected(field: FieldInfo | None) -> str:
    """What a missing key should hold, as the end of a sentence."""
    if field is None:
        return ""
    readers = [entry.expected for entry in field.metadata if isinstance(entry, Reader)]
    text = readers[0] if readers else field.description
    return f": {text}" if text else ""
