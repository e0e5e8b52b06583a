"""Nodes of operator sets 1 to 6 in the form of set 7: no broadcasting by attributes, no training leftovers.

onnx's own version converter is not used: for `axis=1` it gives a bias of shape (C,) one axis too many (1.23).
Source of the forms: https://github.com/onnx/onnx/blob/main/docs/Changelog.md (accessed 2026-07).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper

from catx.frontend.onnx.attributes import MAX_INT
from catx.frontend.onnx.call import Call

OLDEST_OPSET = 7
"""The set whose forms the rest of the reader, and all that follows it, understands."""

_DROPPED = {"consumed_inputs", "is_test", "output_sequence"}
_BINARY = {"Add", "And", "Div", "Equal", "Greater", "Less", "Mul", "Or", "Pow", "Sub", "Xor"}


def modernized(call: Call) -> list[NodeProto] | None:
    """The node of an old operator set as one or more nodes of set 7; None if it is one already.

    Raises:
        ModelError: it computes at run time what set 7 wants to know beforehand.
    """
    if call.node.domain:
        return None
    node = NodeProto()
    node.CopyFrom(call.node)
    _drop(node, _DROPPED)
    before: list[NodeProto] = []
    rule = _RULES.get(call.op) or (_broadcast if call.op in _BINARY else None)
    if rule is not None:
        before = rule(call, node)
    changed = before or node.SerializeToString() != call.node.SerializeToString()
    return [*before, node] if changed else None


def _drop(node: NodeProto, names: set[str]) -> None:
    kept = [attribute for attribute in node.attribute if attribute.name not in names]
    del node.attribute[:]
    node.attribute.extend(kept)


def _set(node: NodeProto, **attributes: object) -> None:
    _drop(node, set(attributes))
    node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())


def _broadcast(call: Call, node: NodeProto) -> list[NodeProto]:
    """The second operand starts at an axis of the first: axes of one are added behind it."""
    _drop(node, {"broadcast", "axis"})
    axis = call.attributes.get("axis")
    if not call.attributes.get("broadcast", 0) or not isinstance(axis, int):
        return []
    return _unsqueezed(call, node, axis)


def _unsqueezed(call: Call, node: NodeProto, axis: int) -> list[NodeProto]:
    left, right = call.shape_at(0), call.shape_at(1)
    if left is None or right is None:
        raise call.error("an operand is missing")
    axis += len(left) if axis < 0 else 0
    behind = len(left) - axis - len(right)
    if axis < 0 or behind < 0:
        raise call.error(f"shape {list(right)} does not fit into {list(left)} at axis {axis}")
    if not behind:
        return []
    name = f"{call.node.output[0]}/unsqueezed"
    axes = list(range(len(right), len(right) + behind))
    made = helper.make_node("Unsqueeze", [node.input[1]], [name], f"{call.node.name}/unsqueeze", axes=axes)
    node.input[1] = name
    return [made]


def _prelu(call: Call, node: NodeProto) -> list[NodeProto]:
    """One slope per channel."""
    slope = call.shape_at(1)
    return _unsqueezed(call, node, 1) if slope is not None and len(slope) == 1 and slope != (1,) else []


def _gemm(call: Call, node: NodeProto) -> list[NodeProto]:
    _drop(node, {"broadcast"})
    return []


def _cast(call: Call, node: NodeProto) -> list[NodeProto]:
    to = call.attributes.get("to")
    if isinstance(to, str):
        if to not in TensorProto.DataType.keys():  # noqa: SIM118 (no mapping, a protobuf enum)
            raise call.error(f"casts to the unknown type {to[:40]!r}")
        _set(node, to=TensorProto.DataType.Value(to))
    return []


def _concat(call: Call, node: NodeProto) -> list[NodeProto]:
    if "axis" not in call.attributes:
        _set(node, axis=1)
    return []


def _pad(call: Call, node: NodeProto) -> list[NodeProto]:
    for attribute in node.attribute:
        if attribute.name == "paddings":
            attribute.name = "pads"
    return []


def _pool(call: Call, node: NodeProto) -> list[NodeProto]:
    power = call.attributes.get("p")
    if isinstance(power, float) and abs(power) < 2**31:
        _set(node, p=int(power))
    return []


def _reshape(call: Call, node: NodeProto) -> list[NodeProto]:
    """The target shape becomes an input."""
    shape = call.attributes.get("shape")
    if not isinstance(shape, list) or not all(isinstance(extent, int) for extent in shape):
        return []
    _drop(node, {"shape"})
    name = f"{call.node.output[0]}/shape"
    value = helper.make_tensor("shape", TensorProto.INT64, [len(shape)], shape)
    node.input.append(name)
    return [helper.make_node("Constant", [], [name], f"{call.node.name}/constant", value=value)]


def _small_ints(data: NDArray[Any] | None) -> list[int]:
    """The values of a small constant, empty where they are unknown or no sizes; old Tile counts in floats."""
    if data is None or data.dtype.kind not in "iuf" or not np.all(np.abs(data) <= MAX_INT):
        return []
    return [int(value) for value in data.reshape(-1)]


def _split(call: Call, node: NodeProto) -> list[NodeProto]:
    """The lengths become an attribute."""
    if len(node.input) < 2:
        return []
    lengths = _small_ints(call.data_at(1))
    if not lengths:
        raise call.error("the lengths of its parts are not known")
    del node.input[1:]
    _set(node, split=lengths)
    return []


def _tile(call: Call, node: NodeProto) -> list[NodeProto]:
    """A count and an axis become one count per axis."""
    if len(node.input) != 3:
        return []
    count, axis = _small_ints(call.data_at(1)), _small_ints(call.data_at(2))
    if len(count) != 1 or len(axis) != 1:
        raise call.error("how often it repeats what is not known")
    rank = len(call.shape_at(0) or ())
    repeats = [count[0] if index == axis[0] else 1 for index in range(rank)]
    name = f"{call.node.output[0]}/repeats"
    del node.input[1:]
    node.input.append(name)
    value = helper.make_tensor("repeats", TensorProto.INT64, [rank], repeats)
    return [helper.make_node("Constant", [], [name], f"{call.node.name}/constant", value=value)]


def _upsample(call: Call, node: NodeProto) -> list[NodeProto]:
    height, width = call.attributes.get("height_scale"), call.attributes.get("width_scale")
    if isinstance(height, float) and isinstance(width, float):
        _drop(node, {"height_scale", "width_scale"})
        _set(node, scales=[1.0, 1.0, height, width])
    return []


_RULES: dict[str, Callable[[Call, NodeProto], list[NodeProto]]] = {
    "Cast": _cast,
    "Concat": _concat,
    "Gemm": _gemm,
    "GlobalLpPool": _pool,
    "LpPool": _pool,
    "PRelu": _prelu,
    "Pad": _pad,
    "Reshape": _reshape,
    "Split": _split,
    "Tile": _tile,
    "Upsample": _upsample,
}
