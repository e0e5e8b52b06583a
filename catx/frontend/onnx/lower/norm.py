"""Norms and softmax: each result depends on a whole row."""

from math import prod

from catx.errors import ModelError
from catx.frontend.onnx.lower.build import along, both, box, elementwise, points, rows, vector
from catx.frontend.onnx.lower.node import Array, Lowered, Node, operand
from catx.frontend.onnx.lower.registry import MICROSOFT, rule
from catx.ir.operand import Operand
from catx.ir.vector_op import VectorOp


@rule("Softmax", "LogSoftmax", "Hardmax")
def softmax(node: Node) -> Lowered:
    """Softmax over one axis; before opset 13 over that axis and all behind it."""
    x, out = node.value(0), node.out()
    old = node.raw.opset < 13
    axis = node.axis(default=1 if old else -1)
    axes = list(range(axis, len(x.shape))) if old else [axis] if x.shape else []
    if node.raw.op_type == "Hardmax":
        shape = tuple(1 if i in axes else extent for i, extent in enumerate(x.shape))
        best = node.temp("argmax", shape, x.dtype)
        return Lowered(
            ops=(
                reduction(node, "argmax", x, best, axes, part="argmax"),
                elementwise(node, "compare", [x, best], out),
            ),
            tensors=(best,),
        )
    kind = "softmax" if node.raw.op_type == "Softmax" else "log_softmax"
    return Lowered(ops=(rows(node, kind, x, out, axes),))


def reduction(node: Node, kind: str, x: Array, out: Array, axes: list[int], part: str = "") -> VectorOp:
    """An op that folds a tensor along some axes; `out` has them with extent 1 or not at all."""
    terms = points(x.shape)
    kept = [term for i, term in enumerate(terms) if i not in axes]
    if len(out.shape) == len(terms):
        kept = [() if i in axes else term for i, term in enumerate(terms)]
    reduced = [f"d{i}" for i in axes if x.shape[i] != 1]
    write = operand(out, *kept)
    return vector(node, kind, box(x.shape), [operand(x, *terms)], [write], reduced=reduced, part=part)


@rule("BiasSoftmax", domain=MICROSOFT)
def bias_softmax(node: Node) -> Lowered:
    """softmax(x + bias)."""
    x, out = node.value(0), node.out()
    raw = node.temp("bias.out", out.shape, out.dtype)
    first = elementwise(node, "add", [x, node.value(1)], raw, part="bias")
    axes = list(range(node.axis(default=1), len(x.shape)))
    return Lowered(ops=(first, rows(node, "softmax", raw, out, axes)), tensors=(raw,))


@rule("LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization")
@rule("SimplifiedLayerNormalization", domain=MICROSOFT)
def layer_norm(node: Node) -> Lowered:
    """Norm over the last axes, with scale and for LayerNormalization a bias."""
    x = node.value(0)
    axis = node.axis()
    axes = list(range(axis, len(x.shape)))
    kind = "layernorm" if node.raw.op_type == "LayerNormalization" else "rmsnorm"
    op = rows(node, kind, x, node.out(), axes, extra=_affine(node, axes, (1, 2)))
    return Lowered(ops=(op, *_statistics(node, x, axes)))


def _affine(node: Node, axes: list[int], indices: tuple[int, ...]) -> list[Operand]:
    """Scale and bias, whose axes are the last of the normalized ones."""
    result = []
    for index in indices:
        if node.has(index):
            value = node.value(index)
            if len(value.shape) > len(node.shape(0)):
                raise ModelError(f"{value.name!r} has more axes than what it scales", loc=node.loc)
            own = list(range(len(node.shape(0)) - len(value.shape), len(node.shape(0))))
            result.append(along(value, own))
    return result


def _statistics(node: Node, x: Array, axes: list[int]) -> tuple[VectorOp, ...]:
    """Mean and inverse deviation, where somebody reads them."""
    return tuple(
        reduction(node, "reduce_mean", x, node.out(index), axes, part=f"statistic{index}")
        for index in (1, 2)
        if node.wants(index)
    )


@rule("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain=MICROSOFT)
def skip_layer_norm(node: Node) -> Lowered:
    """Norm of x + skip (+ bias); the sum may be read by others too."""
    x, skip, out = node.value(0), node.value(1), node.out()
    simple = node.raw.op_type != "SkipLayerNormalization"
    bias_at = 3 if simple else 4
    made = node.temp("sum", x.shape, x.dtype)
    total: Array = node.out(3) if node.wants(3) else made
    temps = () if node.wants(3) else (made,)
    reads: list[Array] = [x, skip]
    ops = []
    if node.has(bias_at):
        biased = node.temp("biased", x.shape, x.dtype)
        ops.append(elementwise(node, "add", [x, node.value(bias_at)], biased, part="bias"))
        reads, temps = [biased, skip], (*temps, biased)
    ops.append(elementwise(node, "add", reads, total, part="skip"))
    last = [len(x.shape) - 1]
    extra = _affine(node, last, (2,) if simple else (2, 3))
    ops.append(rows(node, "rmsnorm" if simple else "layernorm", total, out, last, extra=extra))
    return Lowered(ops=(*ops, *_statistics(node, total, last)), tensors=temps)


@rule("BatchNormalization")
def batch_norm(node: Node) -> Lowered:
    """A factor and a shift per channel: scale, bias and statistics, folded ahead into two vectors."""
    if node.integer("training_mode", 0) or any(node.wants(i) for i in range(1, 5)):
        raise node.unsupported("training mode")
    x, out = node.value(0), node.out()
    terms = points(x.shape)
    reads = [operand(x, *terms), *(along(node.value(i), [1]) for i in (1, 2))]
    return Lowered(ops=(vector(node, "batchnorm", box(x.shape), reads, [operand(out, *terms)]),))


@rule("InstanceNormalization")
def instance_norm(node: Node) -> Lowered:
    """Norm over the spatial axes of every channel."""
    x = node.value(0)
    extra = [along(node.value(i), [1]) for i in (1, 2)]
    op = rows(node, "instancenorm", x, node.out(), list(range(2, len(x.shape))), extra=extra)
    return Lowered(ops=(op,))


@rule("GroupNormalization")
@rule("GroupNorm", domain=MICROSOFT)
def group_norm(node: Node) -> Lowered:
    """Norm over the channels of a group and the spatial axes."""
    x, out = node.value(0), node.out()
    last = node.raw.domain == MICROSOFT and node.integer("channels_last", 1)
    at = len(x.shape) - 1 if last else 1
    groups = node.integer("num_groups", node.integer("groups", 1))
    channels = x.shape[at]
    if groups < 1 or channels % groups:
        raise ModelError(f"{channels} channels in {groups} groups", loc=node.loc)
    dims: dict[str, int] = {}
    terms: list[tuple[tuple[str, int], ...]] = []
    for i, extent in enumerate(x.shape):
        if i == at:
            dims |= {"g": groups, "c": channels // groups}
            terms.append((("g", channels // groups), ("c", 1)))
        else:
            dims[f"d{i}"] = extent
            terms.append(((f"d{i}", 1),))
    reduced = [dim for dim in dims if dim not in ("d0", "g")]
    extra = []
    for index in (1, 2):
        per_group = prod(node.shape(index)) == groups != channels
        extra.append(operand(node.value(index), (("g", 1),) if per_group else terms[at]))
    reads = [operand(x, *terms), *extra]
    norm = vector(node, "groupnorm", dims, reads, [operand(out, *terms)], reduced=reduced)
    if not node.integer("activation", 0):
        return Lowered(ops=(norm,))
    raw = node.temp("norm", out.shape, out.dtype)
    norm = vector(node, "groupnorm", dims, reads, [operand(raw, *terms)], reduced=reduced, part="norm")
    return both(Lowered(ops=(norm, elementwise(node, "silu", [raw], out)), tensors=(raw,)))


@rule("LpNormalization")
def lp_norm(node: Node) -> Lowered:
    """Every row divided by its norm."""
    return Lowered(ops=(rows(node, "lpnorm", node.value(0), node.out(), [node.axis()]),))


@rule("MeanVarianceNormalization")
def mean_variance_norm(node: Node) -> Lowered:
    """A norm without scale and bias, over axes that the node chooses."""
    x = node.value(0)
    axes = node.places(node.ints("axes", [0, 2, 3]))
    return Lowered(ops=(rows(node, "layernorm", x, node.out(), axes),))


@rule("LRN")
def lrn(node: Node) -> Lowered:
    """Every element divided by a power of the squares of its neighbours in other channels."""
    x = node.value(0)
    return Lowered(ops=(rows(node, "lrn", x, node.out(), [1]),))
