"""Attributes of a node: Python values, checked for what would crash or mislead whoever computes with them."""

from collections.abc import Mapping
from math import isnan, prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

from onnx import AttributeProto, NodeProto

from catx.errors import Loc, ModelError
from catx.frontend.onnx.names import shown
from catx.frontend.onnx.proto_types import SMALL
from catx.frontend.onnx.tensors import check_tensor, small_values

MAX_INT = 2**31
_UNBOUNDED = {
    ("Slice", "starts"),
    ("Slice", "ends"),
    ("Shape", "start"),
    ("Shape", "end"),
    ("Constant", "value_int"),
    ("Constant", "value_ints"),
}
"""Integers that are values or clamp to the shape; anything else above `MAX_INT` is no size of this world."""

NONE: Mapping[str, Any] = MappingProxyType({})


def attributes_of(node: NodeProto, folder: Path, loc: Loc) -> Mapping[str, Any]:
    """Attributes by name: numbers, strings, lists of them; small tensors as numpy arrays, the rest as it is.

    Raises:
        ModelError: a name twice, NaN, an integer beyond 2^31, a reference outside a function, a bad tensor.
    """
    if not node.attribute:
        return NONE
    values: dict[str, Any] = {}
    for attribute in node.attribute:
        if attribute.name in values:
            raise ModelError(f"{node.op_type} has the attribute {shown(attribute.name)} twice", loc=loc)
        if attribute.ref_attr_name:
            raise ModelError(
                f"{node.op_type}: attribute {shown(attribute.name)} refers to a function's attribute, "
                "but is not in a function",
                loc=loc,
            )
        values[attribute.name] = _value(node, attribute, folder, loc)
    return values


def _value(node: NodeProto, attribute: AttributeProto, folder: Path, loc: Loc) -> Any:
    kind = attribute.type
    if kind in (AttributeProto.INT, AttributeProto.INTS):
        ints = list(attribute.ints) if kind == AttributeProto.INTS else [attribute.i]
        _check_ints(node, attribute.name, ints, loc)
        return ints if kind == AttributeProto.INTS else ints[0]
    if kind in (AttributeProto.FLOAT, AttributeProto.FLOATS):
        floats = list(attribute.floats) if kind == AttributeProto.FLOATS else [attribute.f]
        if node.op_type != "Constant" and any(isnan(value) for value in floats):
            raise ModelError(f"{node.op_type}: attribute {shown(attribute.name)} is NaN", loc=loc)
        return floats if kind == AttributeProto.FLOATS else floats[0]
    if kind == AttributeProto.STRING:
        return attribute.s.decode(errors="backslashreplace")
    if kind == AttributeProto.STRINGS:
        return [text.decode(errors="backslashreplace") for text in attribute.strings]
    if kind == AttributeProto.TENSOR:
        check_tensor(attribute.t, loc)
        return small_values(attribute.t, folder, loc) if prod(attribute.t.dims) <= SMALL else None
    if kind == AttributeProto.GRAPH:
        return attribute.g
    if kind == AttributeProto.GRAPHS:
        return list(attribute.graphs)
    if kind == AttributeProto.SPARSE_TENSOR:
        return attribute.sparse_tensor
    if kind == AttributeProto.TYPE_PROTO:
        return attribute.tp
    raise ModelError(f"{node.op_type}: attribute {shown(attribute.name)} is of an unsupported type", loc=loc)


def _check_ints(node: NodeProto, name: str, ints: list[int], loc: Loc) -> None:
    if node.domain or (node.op_type, name) in _UNBOUNDED:
        return
    if bad := [value for value in ints if abs(value) > MAX_INT]:
        raise ModelError(f"{node.op_type}: attribute {shown(name)} is out of range: {bad[0]}", loc=loc)
