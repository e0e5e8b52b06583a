"""Quantized forms: conversions, and products of integers.

A `DequantizeLinear` whose result is a factor of an einsum (directly, or through views) costs nothing: the
matrix unit reads the integers, at their real width, and the scale joins the scale of the result.
`absorb` rewires those factors to the integers before lowering; what still reads the converted tensor
afterwards needs a real conversion.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from catx.errors import ModelError
from catx.frontend.onnx.lower.build import Step, both, box, chain, elementwise, points, rows, vector
from catx.frontend.onnx.lower.conv import channelwise, conv_einsum
from catx.frontend.onnx.lower.matmul import matmul_einsum
from catx.frontend.onnx.lower.movement import concat_op
from catx.frontend.onnx.lower.node import Array, Lowered, Node, operand
from catx.frontend.onnx.lower.norm import reduction
from catx.frontend.onnx.lower.registry import MICROSOFT, rule
from catx.frontend.onnx.lower.views import PASS_THROUGH
from catx.frontend.onnx.resolved import ResolvedModel, ResolvedNode
from catx.ir.dtype import DType
from catx.ir.graph import Op
from catx.ir.tensor import Tensor
from catx.ir.vector_op import VectorOp

FACTORS: dict[tuple[str, str], tuple[int, ...]] = {
    **{("", op): (0, 1) for op in ("MatMul", "Gemm", "Conv", "ConvTranspose", "Einsum")},
    **{(MICROSOFT, op): (0, 1) for op in ("FusedMatMul", "FusedGemm", "FusedConv", "Attention")},
    **{("", op): (1, 2) for op in ("LSTM", "GRU", "RNN")},
    ("", "Attention"): (0, 1, 2),
    ("", "Gather"): (0,),
}
"""Inputs that are factors of einsums, or tables whose rows are converted after they are looked up."""


def absorb(model: ResolvedModel) -> ResolvedModel:
    """Let einsums read integers instead of what DequantizeLinear makes of them."""
    sources = {node.outputs[0]: node.inputs[0] for node in model.nodes if node.op_type == "DequantizeLinear"}
    if not sources:
        return model
    views = _quantized_views(model, sources)
    values = dict(model.values)
    nodes: list[ResolvedNode] = []
    for node in model.nodes:
        if node.op_type in PASS_THROUGH and node.outputs[0] in views:
            dtype = values[sources.get(node.inputs[0], node.inputs[0])].dtype
            values |= {name: replace(values[name], dtype=dtype) for name in node.outputs if name}
            node = _rewired(node, (0,), sources)
        elif places := FACTORS.get((node.domain, node.op_type)):
            node = _rewired(node, places, sources)
        nodes.append(node)
    return replace(model, nodes=tuple(nodes), values=values)


def _rewired(node: ResolvedNode, places: tuple[int, ...], sources: Mapping[str, str]) -> ResolvedNode:
    """The node with some of its inputs read before their conversion."""
    inputs = tuple(sources.get(name, name) if i in places else name for i, name in enumerate(node.inputs))
    return node if inputs == node.inputs else replace(node, inputs=inputs)


def _quantized_views(model: ResolvedModel, sources: Mapping[str, str]) -> set[str]:
    """Views of converted tensors that only factors of einsums read, themselves or through more views.

    All views behind one view of a converted tensor share its data, so they are quantized together or not.
    """
    root: dict[str, str] = {}
    mixed: set[str] = set()
    for node in model.nodes:
        through = node.op_type in PASS_THROUGH and (node.inputs[0] in sources or node.inputs[0] in root)
        if through:
            first = root.get(node.inputs[0], node.outputs[0])
            root |= {name: first for name in node.outputs if name}
        allowed = (0,) if through else FACTORS.get((node.domain, node.op_type), ())
        mixed |= {root[name] for i, name in enumerate(node.inputs) if name in root and i not in allowed}
        mixed |= {root[name] for name in node.captures if name in root}
    mixed |= {root[name] for name in model.outputs if name in root}
    return {name for name, first in root.items() if first not in mixed}


@rule("DequantizeLinear")
@rule("DequantizeLinear", domain=MICROSOFT)
def dequantize(node: Node) -> Lowered:
    """Integers to real numbers; free where only einsums read them."""
    if not node.wants(0):
        return Lowered(free="absorbed: einsums read the integers, the scale joins that of their result")
    return Lowered(ops=(elementwise(node, "dequantize", [node.value(0), *scale(node, 1)], node.out()),))


@rule("QuantizeLinear")
@rule("QuantizeLinear", domain=MICROSOFT)
def quantize(node: Node) -> Lowered:
    """Real numbers to integers."""
    return Lowered(ops=(elementwise(node, "quantize", [node.value(0), *scale(node, 1)], node.out()),))


def scale(node: Node, index: int, axis_of: int = 0) -> list[Array]:
    """The scale of a conversion, shaped to broadcast: a single number, one per channel, or one per block."""
    value = node.value(index)
    x = node.value(axis_of)
    if len(value.shape) == 1 and value.shape[0] > 1 and len(x.shape) > 1:
        axis = node.integer("axis", 1) % len(x.shape)
        return [replace(value, shape=value.shape + (1,) * (len(x.shape) - 1 - axis))]
    if len(value.shape) == len(x.shape) and value.shape != x.shape:
        blocked = tuple(1 if a != b else a for a, b in zip(value.shape, x.shape, strict=True))
        return [replace(value, shape=blocked)]
    return [value]


@rule("DynamicQuantizeLinear")
def dynamic_quantize(node: Node) -> Lowered:
    """Range of a tensor, then its conversion with that range."""
    x, out = node.value(0), node.out(0)
    unread = node.temp("scale", (), DType.FP32)
    factor: Array = node.out(1) if node.wants(1) else unread
    measured = reduction(node, "reduce_max", x, factor, list(range(len(x.shape))), part="range")
    views = ((node.out(2).name, factor.name),) if node.wants(2) else ()
    temps = () if node.wants(1) else (unread,)
    ops = (measured, elementwise(node, "quantize", [x, factor], out))
    return Lowered(ops=ops, tensors=temps, views=views)


@rule("QLinearMatMul")
def qlinear_matmul(node: Node) -> Lowered:
    """A product of integers, brought back to integers of the output's scale."""
    a, b = node.value(0), node.value(3)
    steps = [Step("quantize", "requantize", _vector_scale(node, 4))]
    return chain(node, partial(matmul_einsum, node, a, b), steps, node.out(), dtype=DType.INT32)


@rule("QLinearConv")
def qlinear_conv(node: Node) -> Lowered:
    """A convolution of integers with bias, brought back to integers of the output's scale."""
    x, w = node.value(0), node.value(3)
    steps = [Step("add", "bias", (channelwise(node, 8),), DType.INT32)] if node.has(8) else []
    factor = node.value(4)
    per_channel = (channelwise(node, 4),) if len(factor.shape) == 1 and factor.shape[0] > 1 else ()
    steps.append(Step("quantize", "requantize", per_channel))
    return chain(node, partial(conv_einsum, node, x, w), steps, node.out(), dtype=DType.INT32)


def _vector_scale(node: Node, index: int) -> tuple[Array, ...]:
    """A scale per column of the result, where there is more than one."""
    value = node.value(index)
    return (value,) if value.shape not in ((), (1,)) else ()


@rule("DynamicQuantizeMatMul", domain=MICROSOFT)
def dynamic_quantize_matmul(node: Node) -> Lowered:
    """Real numbers, converted with their own range, times integers: scaled back to real numbers."""
    a, b, out = node.value(0), node.value(1), node.out()
    factor = node.temp("scale", (), a.dtype)
    integers = node.temp("integers", a.shape, DType.UINT8)
    first = Lowered(
        ops=(
            reduction(node, "reduce_max", a, factor, list(range(len(a.shape))), part="range"),
            elementwise(node, "quantize", [a, factor], integers, part="quantize"),
        ),
        tensors=(factor, integers),
    )
    steps = [Step("dequantize", "rescale", _vector_scale(node, 2))]
    steps += [Step("add", "bias", (node.value(4),))] if node.has(4) else []
    made = chain(node, partial(matmul_einsum, node, integers, b), steps, out, dtype=DType.INT32)
    return both(first, made)


@rule("QGemm", domain=MICROSOFT)
def qgemm(node: Node) -> Lowered:
    """A Gemm of integers; the result is integers where an output scale is given, else real numbers."""
    trans_a, trans_b = bool(node.integer("transA", 0)), bool(node.integer("transB", 0))
    product = partial(matmul_einsum, node, node.value(0), node.value(3), trans_a=trans_a, trans_b=trans_b)
    steps = [Step("add", "bias", (node.value(6),), DType.INT32)] if node.has(6) else []
    steps.append(Step("quantize" if node.has(7) else "dequantize", "requantize", _vector_scale(node, 4)))
    return chain(node, product, steps, node.out(), dtype=DType.INT32)


@rule("MatMulIntegerToFloat", domain=MICROSOFT)
def matmul_integer_to_float(node: Node) -> Lowered:
    """A product of integers, scaled to real numbers."""
    steps = [Step("dequantize", "rescale", _vector_scale(node, 3))]
    steps += [Step("add", "bias", (node.value(6),))] if node.has(6) else []
    product = partial(matmul_einsum, node, node.value(0), node.value(1))
    return chain(node, product, steps, node.out(), dtype=DType.INT32)


@rule("MatMulInteger16", domain=MICROSOFT)
def matmul_integer16(node: Node) -> Lowered:
    """A product of integers."""
    return Lowered(ops=(matmul_einsum(node, node.value(0), node.value(1), node.out()),))


@rule("MatMulNBits", "MatMulBnb4", domain=MICROSOFT)
def matmul_n_bits(node: Node) -> Lowered:
    """A product with weights of 2 to 8 bits in blocks along k.

    The sums of each block are multiplied by its scale as they come, less its zero point times the sum of the
    inputs: lane work per result and block, which reads every scale and zero point.
    """
    bits, n, k = node.integer("bits", 4), node.integer("N", 0), node.integer("K", 0)
    widths = {2: DType.UINT2, 4: DType.UINT4, 8: DType.UINT8}
    block = node.integer("block_size", k)
    if bits not in widths or n < 1 or k < 1 or block < 1:
        what = f"{node.raw.op_type} with {bits} bits, N={n}, K={k}, blocks of {block}"
        raise ModelError(what, loc=node.loc)
    weights = Tensor(node.value(1).name, (n, k), widths[bits], "weight")
    blocks = -(-k // block)
    has_zeros = node.raw.op_type == "MatMulNBits" and node.has(3)
    tables: list[Array] = [replace(node.value(2), shape=(n, blocks))]
    if has_zeros:
        packed = node.value(3).dtype is DType.UINT8
        zeros = Tensor(node.value(3).name, (n, blocks), widths[bits], "weight")
        tables.append(zeros if packed else replace(node.value(3), shape=(n, blocks)))
    bias = node.has(5) and node.raw.op_type == "MatMulNBits"
    out, a = node.out(), node.value(0)
    sums = node.temp("sums", out.shape, out.dtype)
    scaled = node.temp("scaled", out.shape, out.dtype) if bias else out
    ops: list[Op] = [matmul_einsum(node, a, weights, sums, trans_b=True)]
    ops.append(block_scales(node, tables, blocks, sums, scaled))
    if bias:
        ops.append(elementwise(node, "add", [scaled, node.value(5)], out, part="bias"))
    temps = [tensor for tensor in (weights, sums, scaled, *tables) if isinstance(tensor, Tensor)]
    return Lowered(ops=tuple(ops), tensors=tuple(temps))


def block_scales(node: Node, tables: Sequence[Array], blocks: int, sums: Array, out: Array) -> VectorOp:
    """A dequantize op at every (result, block) that reads tables of shape (columns, blocks)."""
    dims = box(out.shape) | ({"b": blocks} if blocks > 1 else {})
    column = f"d{len(out.shape) - 1}"
    rows_of = (((column, 1),) if out.shape[-1] > 1 else (), (("b", 1),) if blocks > 1 else ())
    whole = points(out.shape)
    reads = [operand(sums, *whole), *(operand(table, *rows_of) for table in tables)]
    return vector(node, "dequantize", dims, reads, [operand(out, *whole)], part="scale")


QLINEAR = {
    "QLinearAdd": ("add", (0, 3)),
    "QLinearMul": ("mul", (0, 3)),
    "QLinearSigmoid": ("sigmoid", (0,)),
    "QLinearLeakyRelu": ("leaky_relu", (0,)),
    "QLinearWhere": ("where", (0, 1, 4)),
}


@rule(*QLINEAR, domain=MICROSOFT)
def qlinear_elementwise(node: Node) -> Lowered:
    """An elementwise op whose inputs and output are integers: converted, computed, converted back."""
    kind, places = QLINEAR[node.raw.op_type]
    arrays: list[Array] = [node.value(i) for i in places]
    return chain(
        node,
        lambda raw: elementwise(node, kind, arrays, raw),
        [Step("quantize", "requantize")],
        node.out(),
        dtype=DType.FP32,
    )


@rule("QLinearSoftmax", domain=MICROSOFT)
def qlinear_softmax(node: Node) -> Lowered:
    """Softmax of integers, brought back to integers."""
    axes = [node.axis()] if node.integer("opset", 13) >= 13 else list(range(node.axis(), len(node.shape(0))))
    return _requantized(node, lambda raw: rows(node, "softmax", node.value(0), raw, axes))


@rule("QLinearGlobalAveragePool", "QLinearReduceMean", domain=MICROSOFT)
def qlinear_mean(node: Node) -> Lowered:
    """A mean of integers, brought back to integers."""
    x = node.value(0)
    rank = len(x.shape)
    if node.raw.op_type == "QLinearReduceMean":
        axes = node.places(node.ints("axes", list(range(rank))))
    else:
        axes = list(range(1, rank - 1)) if node.integer("channels_last", 0) else list(range(2, rank))
    return _requantized(node, lambda raw: reduction(node, "reduce_mean", x, raw, axes))


def _requantized(node: Node, base: Callable[[Array], Op]) -> Lowered:
    """A vector op on integers, whose results are brought back to integers."""
    return chain(node, base, [Step("quantize", "requantize")], node.out(), dtype=DType.FP32)


@rule("QLinearConcat", domain=MICROSOFT)
def qlinear_concat(node: Node) -> Lowered:
    """A concat of integers, each rescaled on the way."""
    arrays = [node.value(i) for i in range(2, node.n_inputs, 3)]
    return _requantized(node, lambda raw: concat_op(node, arrays, raw))
