"""What of a folded constant the model's file holds: its parameters, rearranged, or nothing."""

from math import prod

from onnx import TensorProto, TypeProto

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.proto_types import shape_of
from catx.frontend.onnx.values import Origin, Values
from catx.ir.held import NOTHING, Held, derived

_MADE_UP = frozenset({"EyeLike", "NonZero", "OneHot", "Range", "Shape", "Size"})
"""Operators whose results have no number of their inputs."""

_MOVED = frozenset(
    {
        *("Compress", "DepthToSpace", "Expand", "Flatten", "Gather", "GatherElements", "GatherND", "Pad"),
        *("Reshape", "Resize", "Slice", "SpaceToDepth", "Split", "Squeeze", "Tile", "TopK", "Transpose"),
        *("Trilu", "Unsqueeze", "Upsample"),
    }
)
"""Operators that arrange the numbers of their first input; the others say how."""


def held_by(call: Call, name: str, type_: TypeProto, origin: Origin, values: Values) -> Held:
    """What of a folded node's result the file holds; nothing, if it is shape arithmetic.

    Files without their weights write `ConstantOfShape` in their place, so one of a size that the file gives
    is a weight, but for a triangle of it, which is a mask. An `Identity` is a weight of its own: that is how
    an exporter that stores equal weights once writes the others.
    """
    elements = prod(shape_of(type_) or ())
    inputs = [each for each in call.node.input if each]
    filled = call.op == "Trilu" and inputs[0] in values.filled
    if origin is Origin.SHAPE or call.op in _MADE_UP or filled:
        return NOTHING
    if call.op == "ConstantOfShape":
        values.filled.add(name)
        return Held(name, elements)
    if call.op == "Identity":
        return Held(name, values.part(inputs[0]).held.elements)
    read = inputs[:1] if call.op in _MOVED else inputs
    return derived(
        name,
        elements,
        [values.part(each) for each in dict.fromkeys(read)],
        is_bool=type_.tensor_type.elem_type == TensorProto.BOOL,
        joins=call.op == "Concat",
    )
