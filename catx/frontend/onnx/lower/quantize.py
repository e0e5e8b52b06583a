"""Quantized forms: conversions, and products of integers."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from catx.errors import ModelError
from catx.frontend.onnx.lower.absorb import blocks_of
from catx.frontend.onnx.lower.blocks import block_conversion, block_scales
from catx.frontend.onnx.lower.build import Step, both, chain, elementwise, rows
from catx.frontend.onnx.lower.conv import channelwise, conv_einsum
from catx.frontend.onnx.lower.matmul import matmul_einsum
from catx.frontend.onnx.lower.movement import concat_op
from catx.frontend.onnx.lower.node import Array, Lowered, Node
from catx.frontend.onnx.lower.norm import reduction
from catx.frontend.onnx.lower.registry import MICROSOFT, rule
from catx.ir.dtype import DType
from catx.ir.graph import Op
from catx.ir.tensor import Tensor


@rule("DequantizeLinear")
@rule("DequantizeLinear", domain=MICROSOFT)
def dequantize(node: Node) -> Lowered:
    """Integers to real numbers; free where only einsums read them."""
    if not node.wants(0):
        return Lowered(free="absorbed: einsums read the integers and scale their results")
    return _conversion(node, "dequantize")


@rule("QuantizeLinear")
@rule("QuantizeLinear", domain=MICROSOFT)
def quantize(node: Node) -> Lowered:
    """Real numbers to integers."""
    return _conversion(node, "quantize")


def _conversion(node: Node, kind: str) -> Lowered:
    """A conversion with one scale, one per index along an axis, or one per block."""
    if blocks := blocks_of(node.raw, node.values):
        return Lowered(ops=(block_conversion(node, kind, blocks),))
    return Lowered(ops=(elementwise(node, kind, [node.value(0), *scale(node, 1)], node.out()),))


def scale(node: Node, index: int, axis_of: int = 0) -> list[Array]:
    """The scale of a conversion, shaped to broadcast: a single number, or one per channel."""
    value = node.value(index)
    x = node.value(axis_of)
    if len(value.shape) == 1 and value.shape[0] > 1 and len(x.shape) > 1:
        axis = node.integer("axis", 1) % len(x.shape)
        return [replace(value, shape=value.shape + (1,) * (len(x.shape) - 1 - axis))]
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
    """A product with weights of 2 to 8 bits in blocks along k."""
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
    ops.append(block_scales(node, tables, sums, scaled))
    if bias:
        ops.append(elementwise(node, "add", [scaled, node.value(5)], out, part="bias"))
    temps = [tensor for tensor in (weights, sums, scaled, *tables) if isinstance(tensor, Tensor)]
    return Lowered(ops=tuple(ops), tensors=tuple(temps))


QLINEAR = {
    "QLinearAdd": ("add", (0, 3)),
    "QLinearMul": ("mul", (0, 3)),
    "QLinearSigmoid": ("sigmoid", (0,)),
    "QLinearLeakyRelu": ("leaky_relu", (0,)),
    "QLinearWhere": ("where", (0, 1, 4)),
}


@rule(*QLINEAR, domain=MICROSOFT)
def qlinear_elementwise(node: Node) -> Lowered:
    """An elementwise op whose inputs and output are integers: converted, computed, converted back.

    That is the work of the same op between DequantizeLinear and QuantizeLinear, and costs the same.
    """
    kind, places = QLINEAR[node.raw.op_type]
    before, arrays = list[Lowered](), list[Array]()
    for place in places:
        x: Array = node.value(place)
        if kind != "where" or place:  # a choice is no number
            real = node.temp(f"{place}.real", x.shape, DType.FP32)
            given = [x, node.value(place + 1)]
            op = elementwise(node, "dequantize", given, real, part=f"{place}.dequantize")
            before.append(Lowered(ops=(op,), tensors=(real,)))
            x = real
        arrays.append(x)
    made = chain(
        node,
        lambda raw: elementwise(node, kind, arrays, raw, part=kind),
        [Step("quantize", "requantize", (node.value(places[-1] + 3),))],
        node.out(),
        dtype=DType.FP32,
    )
    return both(*before, made)


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
