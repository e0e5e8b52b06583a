"""Shapes of com.microsoft operators, which ONNX Runtime's optimizer and quantizer write into models.

Source: the operators' specification, https://github.com/microsoft/onnxruntime/blob/main/docs/
ContribOperators.md (accessed 2026-07).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

from onnx import TensorProto, TypeProto

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.proto_types import checked_shape, shape_of, tensor_type

CONTRIB_DOMAINS = frozenset({"com.microsoft", "com.microsoft.nchwc"})

Types = list[TypeProto | None]
Infer = Callable[[Call], Types]
Shape = tuple[int, ...]

_STANDARD: dict[str, tuple[str, Sequence[int]]] = {
    "DequantizeLinear": ("DequantizeLinear", (0, 1, 2)),
    "QuantizeLinear": ("QuantizeLinear", (0, 1, 2)),
    "FusedConv": ("Conv", (0, 1)),
    "FusedGemm": ("Gemm", (0, 1)),
    "QLinearAdd": ("Add", (0, 3)),
    "QLinearMul": ("Mul", (0, 3)),
    "QLinearWhere": ("Where", (0, 1, 4)),
    "QLinearAveragePool": ("AveragePool", (0,)),
    "QLinearReduceMean": ("ReduceMean", (0,)),
    "DynamicQuantizeMatMul": ("MatMul", (0, 1)),
    "MatMulIntegerToFloat": ("MatMul", (0, 1)),
    "MatMulInteger16": ("MatMul", (0, 1)),
    "QGemm": ("Gemm", (0, 3)),
}
"""The standard operator of the same shapes, and which inputs it takes."""

_STANDARD_OPSET = 13

_TYPED_BY = {"DequantizeLinear": 1, "MatMulIntegerToFloat": 2, "QLinearWhere": 1}
"""The input whose element type is that of the output, where it is not the first."""

_QUANTIZERS = {"DequantizeLinear", "QuantizeLinear"}

_LIKE_INPUT = {
    "BiasAdd": 0,
    "BiasGelu": 0,
    "BiasSoftmax": 0,
    "FastGelu": 0,
    "Gelu": 0,
    "GroupNorm": 0,
    "Inverse": 0,
    "QLinearLeakyRelu": 0,
    "QLinearSigmoid": 0,
    "QLinearSoftmax": 0,
    "QuickGelu": 0,
    "RotaryEmbedding": 0,
    "SimplifiedLayerNormalization": 0,
    "SkipGroupNorm": 0,
}
"""Operators whose first output has the type of an input."""

_SKIP_NORMS = {"SkipLayerNormalization", "SkipSimplifiedLayerNormalization"}


def contrib_types(call: Call, infer: Infer) -> Types:
    """Output types of a com.microsoft operator; None for those that are not known.

    Args:
        call: the node.
        infer: shape inference for standard operators.
    """
    op, count = call.op, len(call.node.output)
    if op in _STANDARD:
        found: Types = [_as_standard(call, infer)]
    elif op in _LIKE_INPUT:
        found = [call.type_at(_LIKE_INPUT[op])]
    elif op in _SKIP_NORMS:
        first = call.type_at(0)
        found = [first, None, None, first]
    elif rule := _RULES.get(op):
        found = rule(call)
    else:
        found = []
    types = (found + [None] * count)[:count]
    for name, type_ in zip(call.node.output, types, strict=True):
        if type_ is not None and (shape := shape_of(type_)) is not None:
            checked_shape(name, shape, call.loc)
    return types


def has_contrib_rule(op: str) -> bool:
    """Whether the shapes of a com.microsoft operator are known."""
    return op in _STANDARD or op in _LIKE_INPUT or op in _SKIP_NORMS or op in _RULES


def _as_standard(call: Call, infer: Infer) -> TypeProto | None:
    """The first output by the standard operator, to which quantized factors are shown as floats."""
    op, places = _STANDARD[call.op]
    places = [index for index in places if index < len(call.node.input)]
    other = call.as_standard(op, places, _STANDARD_OPSET, _is_standard)
    if op not in _QUANTIZERS:
        other = replace(other, types=tuple(map(_as_float, other.types, other.shapes)))
    found = infer(other)[0]
    if found is None or (shape := shape_of(found)) is None:
        return found
    return tensor_type(_result_type(call, found.tensor_type.elem_type), shape)


def _as_float(type_: TypeProto | None, shape: Shape | None) -> TypeProto | None:
    if type_ is None or shape is None or type_.tensor_type.elem_type == TensorProto.BOOL:
        return type_
    return tensor_type(TensorProto.FLOAT, shape)


def _is_standard(attribute: str) -> bool:
    return not attribute.startswith("activation") and attribute != "channels_last"


def _result_type(call: Call, inferred: int) -> int:
    """Element type of the first output."""
    if call.op == "QuantizeLinear":
        return inferred
    if call.op == "QGemm" and len(call.node.input) < 8:
        return _elem(call, 1)
    fixed = {"DynamicQuantizeMatMul": TensorProto.FLOAT, "MatMulInteger16": TensorProto.INT32}
    return fixed.get(call.op) or _elem(call, _TYPED_BY.get(call.op, 0))


def _elem(call: Call, index: int) -> int:
    type_ = call.type_at(index)
    return type_.tensor_type.elem_type if type_ else TensorProto.FLOAT


def _shape(call: Call, index: int, rank: int | None = None) -> Shape:
    """Shape of an input that the operator must have, with the number of axes that it must have."""
    shape = call.shape_at(index)
    if shape is None or (rank is not None and len(shape) != rank):
        raise call.error(
            f"its input {index} must have {rank if rank is not None else 'some'} axes, not {shape}"
        )
    return shape


def _int(call: Call, name: str, default: int | None = None) -> int:
    value = call.attributes.get(name, default)
    if not isinstance(value, int) or value < 1:
        raise call.error(f"its attribute {name!r} must be a positive integer, not {value}")
    return value


def _fused_matmul(call: Call) -> Types:
    shapes = []
    for index, letter in enumerate("AB"):
        shape = list(_shape(call, index))
        if call.attributes.get(f"transBatch{letter}", 0) and len(shape) > 2:
            shape = [*shape[1:-1], shape[0], shape[-1]]
        if call.attributes.get(f"trans{letter}", 0) and len(shape) > 1:
            shape[-2:] = shape[:-3:-1]
        shapes.append(shape)
    left, right = shapes
    if len(left) < 2 or len(right) < 2 or left[-1] != right[-2]:
        raise call.error(f"shapes {left} and {right} cannot be multiplied")
    batch = _broadcast(call, left[:-2], right[:-2])
    return [tensor_type(_elem(call, 0), [*batch, left[-2], right[-1]])]


def _broadcast(call: Call, left: list[int], right: list[int]) -> list[int]:
    rank = max(len(left), len(right))
    pairs = zip([1] * (rank - len(left)) + left, [1] * (rank - len(right)) + right, strict=True)
    out = []
    for one, other in pairs:
        if one != other and 1 not in (one, other):
            raise call.error(f"batch axes {left} and {right} do not broadcast")
        out.append(other if one == 1 else one)
    return out


def _matmul_nbits(call: Call) -> Types:
    shape = _shape(call, 0)
    if not shape or shape[-1] != _int(call, "K"):
        raise call.error(f"K is {call.attributes.get('K')}, but its input has shape {list(shape)}")
    return [tensor_type(_elem(call, 0), [*shape[:-1], _int(call, "N")])]


def _qlinear_concat(call: Call) -> Types:
    parts = [_shape(call, index) for index in range(2, len(call.node.input), 3)]
    axis, rank = call.attributes.get("axis"), len(parts[0]) if parts else 0
    if not isinstance(axis, int) or any(len(part) != rank for part in parts) or not -rank <= axis < rank:
        raise call.error(f"cannot concatenate {[list(part) for part in parts]} along axis {axis}")
    shape = list(parts[0])
    shape[axis] = sum(part[axis] for part in parts)
    if any(prod(part) * shape[axis] != prod(shape) * part[axis] for part in parts):
        raise call.error(f"cannot concatenate {[list(part) for part in parts]} along axis {axis}")
    return [tensor_type(_elem(call, 2), shape)]


def _qlinear_global_pool(call: Call) -> Types:
    shape = list(_shape(call, 0))
    spatial = slice(1, -1) if call.attributes.get("channels_last", 0) else slice(2, None)
    shape[spatial] = [1] * len(shape[spatial])
    return [tensor_type(_elem(call, 0), shape)]


def _dynamic_lstm(call: Call) -> Types:
    steps, batch, _ = _shape(call, 0, 3)
    directions = 2 if call.attributes.get("direction") == "bidirectional" else 1
    hidden = _int(call, "hidden_size")
    state = tensor_type(TensorProto.FLOAT, [directions, batch, hidden])
    return [tensor_type(TensorProto.FLOAT, [steps, directions, batch, hidden]), state, state]


def _attention(call: Call) -> Types:
    batch, rows, _ = _shape(call, 0, 3)
    sizes = call.attributes.get("qkv_hidden_sizes") or [_shape(call, 1, 2)[1] // 3] * 3
    if not (isinstance(sizes, list) and len(sizes) == 3 and all(isinstance(size, int) for size in sizes)):
        raise call.error(f"its attribute 'qkv_hidden_sizes' must be three integers, not {sizes}")
    heads = _int(call, "num_heads")
    elem = _elem(call, 3) if call.op == "QAttention" else _elem(call, 0)
    past = call.shape_at(8 if call.op == "QAttention" else 4)
    before = past[3] if past and len(past) == 5 else 0
    present = tensor_type(elem, [2, batch, heads, before + rows, sizes[0] // heads])
    return [tensor_type(elem, [batch, rows, sizes[-1]]), present]


def _multi_head_attention(call: Call) -> Types:
    query = _shape(call, 0)
    heads = _int(call, "num_heads")
    value = call.shape_at(2)
    if len(query) == 5:
        width = heads * query[-1]
    elif value is None:
        width = query[-1]
    else:
        width = value[-1] if len(value) == 3 else heads * value[-1]
    return [tensor_type(_elem(call, 0), [*query[:2], width])]


def _grouped_attention(call: Call) -> Types:
    batch, rows, width = _shape(call, 0, 3)
    if call.type_at(1) is None:
        heads, shared = _int(call, "num_heads"), _int(call, "kv_num_heads")
        width = width * heads // (heads + 2 * shared)
    return [tensor_type(_elem(call, 0), [batch, rows, width])]


def _embed_norm(call: Call) -> Types:
    batch, rows = _shape(call, 0, 2)
    table = _shape(call, 2, 2)
    found = tensor_type(_elem(call, 2), [batch, rows, table[1]])
    return [found, tensor_type(TensorProto.INT32, [batch]), found]


_RULES: dict[str, Callable[[Call], Types]] = {
    "Attention": _attention,
    "DynamicQuantizeLSTM": _dynamic_lstm,
    "EmbedLayerNormalization": _embed_norm,
    "FusedMatMul": _fused_matmul,
    "GroupQueryAttention": _grouped_attention,
    "MatMulBnb4": _matmul_nbits,
    "MatMulNBits": _matmul_nbits,
    "MultiHeadAttention": _multi_head_attention,
    "QAttention": _attention,
    "QLinearConcat": _qlinear_concat,
    "QLinearGlobalAveragePool": _qlinear_global_pool,
    "TransposeMatMul": _fused_matmul,
}
