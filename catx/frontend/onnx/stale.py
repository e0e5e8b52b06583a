"""Declared shapes that contradict what the nodes make: exporters and editing tools leave them behind."""

from collections.abc import Sequence
from dataclasses import dataclass

from onnx import TypeProto

from catx.errors import Loc
from catx.frontend.onnx.names import shown
from catx.frontend.onnx.proto_types import shape_of
from catx.frontend.onnx.values import Values

_NAMED = 3


@dataclass(frozen=True, slots=True)
class Stale:
    """A tensor whose declared shape (-1 where it says nothing) is not the one that its node makes."""

    tensor: str
    node: str
    declared: tuple[int, ...]
    made: tuple[int, ...]


def contradiction(values: Values, loc: Loc, name: str, made: TypeProto) -> Stale | None:
    """How the file's declaration of a tensor contradicts its inferred type, if it does."""
    shape, declared = shape_of(made), values.declared.get(name)
    if shape is None or declared is None or not declared.type.tensor_type.HasField("shape"):
        return None
    dims = declared.type.tensor_type.shape.dim
    given = tuple(dim.dim_value if dim.dim_value > 0 else -1 for dim in dims)
    fits = len(given) == len(shape) and all(
        own in (-1, extent) for own, extent in zip(given, shape, strict=True)
    )
    return None if fits else Stale(name, loc.where, given, shape)


def stale_note(found: Sequence[Stale]) -> tuple[str, ...]:
    """One note on all of them, if there are any."""
    if not found:
        return ()
    parts = [
        f"{shown(each.tensor)} is declared as {_text(each.declared)}, "
        f"and {each.node} makes {_text(each.made)}"
        for each in found[:_NAMED]
    ]
    rest = [f"and {len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return ("declared shapes contradict the nodes, whose own are used: " + "; ".join([*parts, *rest]),)


def _text(shape: tuple[int, ...]) -> str:
    return "[" + ", ".join("?" if extent < 0 else str(extent) for extent in shape) + "]"
