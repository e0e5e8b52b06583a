"""MatMul, Gemm and their relatives: dims b (batch of both), m, n, k."""

from functools import partial

from catx.errors import ModelError
from catx.frontend.onnx.lower.activation import activation_kind
from catx.frontend.onnx.lower.blocks import block_product
from catx.frontend.onnx.lower.build import Step, both, chain, contraction, elementwise
from catx.frontend.onnx.lower.node import Array, Lowered, Node, ax, operand
from catx.frontend.onnx.lower.registry import MICROSOFT, rule
from catx.ir.einsum import Einsum
from catx.ir.operand import Axis


def matmul_einsum(
    node: Node,
    a: Array,
    b: Array,
    out: Array,
    *,
    trans_a: bool = False,
    trans_b: bool = False,
    part: str = "",
) -> Einsum:
    """numpy.matmul of two arrays, 1-D operands and broadcast batches included."""
    rank_a, rank_b = len(a.shape), len(b.shape)
    if not rank_a or not rank_b:
        raise ModelError(f"{node.raw.op_type} of a scalar", loc=node.loc)
    k_of_a = a.shape[-2] if trans_a and rank_a > 1 else a.shape[-1]
    k_of_b = b.shape[-1] if trans_b or rank_b == 1 else b.shape[-2]
    if k_of_a != k_of_b:
        raise ModelError(f"inner extents of {a.shape} and {b.shape} differ", loc=node.loc)
    m, n = ("m",) if rank_a > 1 else (), ("n",) if rank_b > 1 else ()
    batch = max(rank_a, rank_b, 2) - 2
    dims: dict[str, int] = {}
    axes_a = _batch_axes(a.shape[:-2], batch, dims)
    axes_b = _batch_axes(b.shape[:-2], batch, dims)
    dims = dict(sorted(dims.items()))
    if m:
        dims["m"] = a.shape[-1] if trans_a else a.shape[-2]
    if n:
        dims["n"] = b.shape[-2] if trans_b else b.shape[-1]
    dims["k"] = k_of_a
    axes_a += ax("k", *m) if trans_a else ax(*m, "k")
    axes_b += ax(*n, "k") if trans_b else ax("k", *n)
    result = operand(out, *(ax(f"b{i}")[0] if f"b{i}" in dims else () for i in range(batch)), *ax(*m, *n))
    return contraction(node, dims, (operand(a, *axes_a), operand(b, *axes_b)), result, part=part)


def _batch_axes(shape: tuple[int, ...], batch: int, dims: dict[str, int]) -> tuple[Axis, ...]:
    """Axes of the batch part of one factor; an extent of 1 is broadcast. Adds its dims to `dims`."""
    axes: list[Axis] = []
    for i, extent in enumerate(shape, batch - len(shape)):
        axes.append(((f"b{i}", 1),) if extent != 1 else ())
        if extent != 1:
            dims[f"b{i}"] = extent
    return tuple(axes)


@rule("MatMul", "MatMulInteger")
def matmul(node: Node) -> Lowered:
    """A product; zero points of the integer form are constants of the unit."""
    return block_product(node, partial(matmul_einsum, node, node.value(0), node.value(1)), [], node.out())


@rule("FusedMatMul", "TransposeMatMul", domain=MICROSOFT)
def fused_matmul(node: Node) -> Lowered:
    """A product of possibly transposed factors, times alpha."""
    if node.integer("transBatchA", 0) or node.integer("transBatchB", 0):
        raise node.unsupported("transBatchA, transBatchB")
    steps = [Step("mul", "alpha")] if node.number("alpha", 1.0) != 1.0 else []
    return chain(node, lambda out: _product(node, out), steps, node.out())


@rule("Gemm")
@rule("FusedGemm", domain=MICROSOFT)
def gemm(node: Node) -> Lowered:
    """Sum of alpha * A' B' and beta * C, then an activation in the fused form.

    beta scales a constant C ahead of time; where it is 0, nobody reads C.
    """
    steps = [Step("mul", "alpha")] if node.number("alpha", 1.0) != 1.0 else []
    scaled = Lowered()
    if node.has(2) and node.number("beta", 1.0) != 0.0:
        bias: Array = node.value(2)
        if node.number("beta", 1.0) != 1.0 and node.value(2).kind in ("input", "computed"):
            bias = node.temp("beta.out", bias.shape, bias.dtype)
            scaled = Lowered(
                ops=(elementwise(node, "mul", [node.value(2)], bias, part="beta"),), tensors=(bias,)
            )
        steps.append(Step("add", "bias", (bias,)))
    if activation := node.text("activation", ""):
        steps.append(Step(activation_kind(node, activation), "activation"))
    return both(scaled, block_product(node, partial(_product, node), steps, node.out()))


def _product(node: Node, out: Array) -> Einsum:
    """The einsum of a node with flags transA and transB."""
    trans_a, trans_b = bool(node.integer("transA", 0)), bool(node.integer("transB", 0))
    return matmul_einsum(node, node.value(0), node.value(1), out, trans_a=trans_a, trans_b=trans_b)
