"""What must hold before onnx's compiled shape inference may look at a node."""

import re
from collections.abc import Callable
from math import prod
from typing import Any

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.names import shown
from catx.frontend.onnx.proto_types import MAX_RANK

_VECTORS = {
    "AffineGrid": (1,),
    "CenterCropPad": (1,),
    "Col2Im": (1, 2),
    "ConstantOfShape": (0,),
    "Expand": (1,),
    "MaxUnpool": (2,),
    "Pad": (1, 3),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "Slice": (1, 2, 3, 4),
    "Squeeze": (1,),
    "Tile": (1,),
    "Unsqueeze": (1,),
    "Upsample": (1,),
}
"""Inputs that hold one number per axis, by operator. A long one is an output of absurd rank."""

_CLAMPING = {"Slice", "Shape", "Constant"}
"""Operators whose integers clamp to the shape, so that they cannot overflow."""


def guard(call: Call) -> None:
    """Refuse a node that onnx's compiled inference answers with a crash, a hang or an overflow.

    Raises:
        ModelError: the node is malformed.
    """
    vectors = _VECTORS.get(call.op, ()) if not call.node.domain else ()
    for index in vectors:
        shape = call.shape_at(index)
        if shape is not None and prod(shape) > 2 * MAX_RANK:
            raise call.error(f"its input {index} has {prod(shape)} numbers; it holds one per axis")
    ints = [abs(value) for key in call.attributes.values() for value in _ints(key)]
    for index in vectors:
        if (data := call.data_at(index)) is not None and data.dtype.kind in "iu":
            ints += [abs(value) for value in data.reshape(-1).tolist()]
    extents = [extent for shape in call.shapes for extent in shape or ()]
    if call.op not in _CLAMPING and max(ints, default=0) * max(extents, default=1) >= 2**62:
        raise call.error(f"its sizes are out of range: {max(ints)} on an axis of {max(extents, default=1)}")
    if (check := _MALFORMED.get(call.op)) and not call.node.domain and (message := check(call)):
        raise call.error(message)


def _ints(value: Any) -> list[int]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, int)]


def _rank(call: Call, index: int = 0) -> int:
    shape = call.shape_at(index)
    return MAX_RANK if shape is None else len(shape)


def _bad_axis(call: Call) -> str:
    axis, rank = call.attributes.get("axis", -1), _rank(call)
    return "" if -rank <= axis < max(rank, 1) else f"axis {axis} of a tensor with {rank} axes"


def _bad_batch_dims(call: Call) -> str:
    batch, rank = call.attributes.get("batch_dims", 0), min(_rank(call), _rank(call, 1))
    return "" if 0 <= batch < max(rank, 1) else f"batch_dims {batch} of tensors with {rank} axes"


def _bad_split(call: Call) -> str:
    parts = call.attributes.get("num_outputs", len(call.node.output))
    count = len(call.node.output)
    return "" if parts == count else f"num_outputs is {parts}, but it has {count}"


def _bad_equation(call: Call) -> str:
    equation = str(call.attributes.get("equation", ""))
    good = len(equation) <= _MAX_EQUATION and _EQUATION.fullmatch(equation)
    return "" if good else f"its equation is {shown(equation)}"


_MAX_EQUATION = 1000
_TERM = r"[A-Za-z ]*(\.\.\.)?[A-Za-z ]*"
_EQUATION = re.compile(rf"{_TERM}(,{_TERM})*(->{_TERM})?")


def _bad_kernel(call: Call) -> str:
    """The window as the attribute has it, and as the weights have it."""
    declared, weights = call.attributes.get("kernel_shape"), call.shape_at(_WEIGHTS.get(call.op, 1))
    if declared is None or weights is None or list(weights[2:]) == declared:
        return ""
    return f"kernel_shape is {declared}, but its weights have shape {list(weights)}"


_WEIGHTS = {"QLinearConv": 3}

_MALFORMED: dict[str, Callable[[Call], str]] = {
    "Conv": _bad_kernel,
    "ConvInteger": _bad_kernel,
    "ConvTranspose": _bad_kernel,
    "QLinearConv": _bad_kernel,
    "Einsum": _bad_equation,
    "LayerNormalization": _bad_axis,
    "RMSNormalization": _bad_axis,
    "GatherND": _bad_batch_dims,
    "Split": _bad_split,
}
"""What is wrong with a node, empty if nothing is.

onnx 1.23 lets contradicting kernel shapes pass; all others were found by calling its inference with random
attributes, and end or hang the process.
"""
