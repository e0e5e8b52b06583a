"""Reductions, argmax, cumulative sums, top-k and pooling."""

from collections.abc import Sequence
from math import prod

from catx.errors import ModelError
from catx.frontend.onnx.lower.build import Step, both, box, chain, elementwise, points, rows, vector
from catx.frontend.onnx.lower.conv import POSITIONS, TAPS
from catx.frontend.onnx.lower.node import Lowered, Node, ax, operand, whole
from catx.frontend.onnx.lower.norm import reduction
from catx.frontend.onnx.lower.registry import rule

REDUCTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "ReduceSum": ("reduce_sum", ()),
    "ReduceMean": ("reduce_mean", ()),
    "ReduceMax": ("reduce_max", ()),
    "ReduceMin": ("reduce_max", ()),
    "ReduceProd": ("reduce_prod", ()),
    "ReduceL1": ("reduce_sum", ()),
    "ReduceL2": ("reduce_sumsq", ("sqrt",)),
    "ReduceSumSquare": ("reduce_sumsq", ()),
    "ReduceLogSum": ("reduce_sum", ("log",)),
    "ReduceLogSumExp": ("reduce_sum", ("log",)),
}
"""Operator -> kind of the fold, and what follows on its results. An absolute value is part of the add."""


@rule(*REDUCTIONS)
def reduce(node: Node) -> Lowered:
    """A fold along some axes, all of them by default."""
    x, out = node.value(0), node.out()
    kind, after = REDUCTIONS[node.raw.op_type]
    rank = len(x.shape)
    axes = node.axes()
    if not axes:
        if node.integer("noop_with_empty_axes", 0):
            return node.view(x, "reduction of no axis")
        axes = list(range(rank))
    steps = [Step(function, function) for function in after]
    if node.raw.op_type != "ReduceLogSumExp":
        return chain(node, lambda raw: reduction(node, kind, x, raw, axes), steps, out)
    raised = node.temp("exp", x.shape, x.dtype)
    before = Lowered(ops=(elementwise(node, "exp", [x], raised, part="exp"),), tensors=(raised,))
    return both(before, chain(node, lambda raw: reduction(node, kind, raised, raw, axes), steps, out))


@rule("ArgMax", "ArgMin")
def argmax(node: Node) -> Lowered:
    """The place of the largest or smallest element of every row."""
    return Lowered(ops=(reduction(node, "argmax", node.value(0), node.out(), [node.axis(default=0)]),))


@rule("CumSum", "CumProd")
def cumsum(node: Node) -> Lowered:
    """Running sums along an axis."""
    x = node.value(0)
    axes = node.places(node.known(1, "axis"))
    return Lowered(ops=(rows(node, "cumsum", x, node.out(), axes),))


@rule("TopK")
def topk(node: Node) -> Lowered:
    """The k largest elements of every row and their places: the row is read, the k results are written."""
    x = node.value(0)
    axis = node.axis()
    dims = box(x.shape)
    read = operand(x, *points(x.shape))
    outputs = [whole(result) for result in node.results()]
    reduced = [f"d{axis}"] if f"d{axis}" in dims else []
    return Lowered(ops=(vector(node, "topk", dims, [read], outputs, reduced=reduced),))


POOLS = {"MaxPool": "maxpool", "AveragePool": "avgpool", "LpPool": "lppool"}


@rule(*POOLS)
def pool(node: Node) -> Lowered:
    """A fold over a window at every output position."""
    x, out = node.value(0), node.out()
    rank = len(x.shape) - 2
    kernel = node.ints("kernel_shape", [])
    if rank < 1 or len(kernel) != rank:
        raise ModelError(f"kernel {kernel} of a tensor with shape {x.shape}", loc=node.loc)
    if rank > 3:
        raise node.unsupported(f"{rank} spatial axes")
    strides, dilations = node.ints("strides", [1] * rank), node.ints("dilations", [1] * rank)
    positions, taps = POSITIONS[-rank:], TAPS[-rank:]
    dims = {"n": x.shape[0], "c": x.shape[1]}
    dims |= dict(zip(positions, out.shape[2:], strict=True)) | dict(zip(taps, kernel, strict=True))
    windows = [
        ((position, stride), (tap, dilation))
        for position, tap, stride, dilation in zip(positions, taps, strides, dilations, strict=True)
    ]
    outputs = [operand(out, *ax("n", "c", *positions))]
    if node.wants(1):
        outputs.append(operand(node.out(1), *ax("n", "c", *positions)))
    op = vector(
        node,
        POOLS[node.raw.op_type],
        dims,
        [operand(x, *ax("n", "c"), *windows)],
        outputs,
        reduced=taps,
    )
    return Lowered(ops=(op,))


@rule("GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool")
def global_pool(node: Node) -> Lowered:
    """A fold over all spatial axes."""
    kind = POOLS[node.raw.op_type.removeprefix("Global")]
    axes = list(range(2, len(node.shape(0))))
    return Lowered(ops=(reduction(node, kind, node.value(0), node.out(), axes),))


@rule("MaxUnpool")
def max_unpool(node: Node) -> Lowered:
    """Values written back to where a MaxPool found them; everything else becomes zero."""
    x, indices, out = node.value(0), node.value(1), node.out()
    shape: Sequence[int] = x.shape
    terms = [((f"d{i}", 1),) if extent != 1 else () for i, extent in enumerate(shape)]
    dims = {f"d{i}": extent for i, extent in enumerate(shape) if extent != 1}
    stretch = -(-prod(out.shape) // max(1, prod(shape)))
    write = operand(out, *terms, (("u", 1),))
    reads = [operand(x, *terms), operand(indices, *terms)]
    return Lowered(ops=(vector(node, "scatter", dims | {"u": stretch}, reads, [write]),))
