"""Patterns of norms written out: means, squares and roots that are a layernorm or an rmsnorm."""

from catx.ir.graph import Op
from catx.ir.operand import Operand
from catx.ir.passes.pattern import Finder, Match, is_plain, is_unary, merged, same_box
from catx.ir.vector_op import VectorOp


def match_norm(find: Finder, anchor: Op) -> Match | None:
    """Match (x - mean) / sqrt(mean((x - mean)^2) + eps), also without the mean, then scale and bias."""
    if not isinstance(anchor, VectorOp) or anchor.kind not in ("sqrt", "rsqrt") or not is_plain(anchor):
        return None
    head = _variance(find, anchor)
    tail = _quotient(find, anchor)
    if head is None or tail is None:
        return None
    squares, mean, inner = head
    numerator, root, outer = tail
    found = _centred(find, squares, numerator, mean.reduced)
    if found is None:
        return None
    x, centre = found
    parts = [*centre, *inner, anchor, *outer]
    if not same_box(mean, parts[-1], x) or not _by_row(mean, root, mean.reduced):
        return None
    layer = bool(centre)
    extra: list[Operand] = []
    for kind in ("mul", "add") if layer else ("mul",):
        step = find.reader(parts[-1].outputs[0].tensor, kind)
        weight = _weight(find, step, parts[-1].outputs[0].tensor)
        if step is None or weight is None or step.dims != mean.dims:
            break
        parts.append(step)
        extra.append(weight)
    parts = list({part.name: part for part in parts}.values())
    if not find.private(parts):
        return None
    name, row = ("LayerNormalization", "layernorm") if layer else ("RMSNormalization", "rmsnorm")
    return merged(parts, name, row, [x, *extra], mean.reduced)


def _variance(find: Finder, root: VectorOp) -> tuple[Operand, VectorOp, list[VectorOp]] | None:
    """What is squared, the mean of the squares, and the ops up to the root: square, mean, plus eps."""
    inner: list[VectorOp] = []
    tensor = root.inputs[0].tensor
    eps = find.writer(tensor, "add")
    if eps is not None and is_unary(eps):
        inner.append(eps)
        tensor = eps.inputs[0].tensor
    mean = find.writer(tensor, "reduce_mean")
    square = find.writer(mean.inputs[0].tensor, "square") if mean else None
    if mean is None or square is None:
        return None
    return square.inputs[0], mean, [square, mean, *inner]


def _quotient(find: Finder, root: VectorOp) -> tuple[Operand, Operand, list[VectorOp]] | None:
    """What is divided, the root as it is read there, and the ops: a division, or reciprocal and product."""
    tensor = root.outputs[0].tensor
    outer: list[VectorOp] = []
    if root.kind == "sqrt":
        division = find.reader(tensor, "div")
        if division is not None and len(division.inputs) == 2 and division.inputs[1].tensor == tensor:
            return *division.inputs, [division]
        reciprocal = find.reader(tensor, "reciprocal", "div")
        if reciprocal is None or not is_unary(reciprocal):
            return None
        outer.append(reciprocal)
        tensor = reciprocal.outputs[0].tensor
    product = find.reader(tensor, "mul")
    if product is None or len(product.inputs) != 2:
        return None
    first, second = product.inputs
    other, by = (second, first) if first.tensor == tensor else (first, second)
    return other, by, [*outer, product]


def _centred(
    find: Finder, squared: Operand, numerator: Operand, reduced: tuple[str, ...]
) -> tuple[Operand, list[VectorOp]] | None:
    """The tensor that is normalized, and the ops that take its mean away (none in an rmsnorm)."""
    first, second = _difference(find, squared, reduced), _difference(find, numerator, reduced)
    if first is not None and second is not None and first[0].tensor == second[0].tensor:
        return first[0], list({op.name: op for op in (*first[1], *second[1])}.values())
    return (numerator, []) if squared.tensor == numerator.tensor else None


def _difference(
    find: Finder, result: Operand, reduced: tuple[str, ...]
) -> tuple[Operand, list[VectorOp]] | None:
    """What stands before x - mean(x) along some dims, and the ops that do it."""
    minus = find.writer(result.tensor, "sub")
    if minus is None or len(minus.inputs) != 2:
        return None
    x, mean = minus.inputs
    average = find.writer(mean.tensor, "reduce_mean")
    if average is None or average.inputs[0].tensor != x.tensor or average.reduced != reduced:
        return None
    return (x, [average, minus]) if _by_row(minus, mean, reduced) else None


def _by_row(op: VectorOp, operand: Operand, reduced: tuple[str, ...]) -> bool:
    """Whether an op applies one element of an operand to each of its rows, not across them."""
    return operand.dims == {dim for dim, extent in op.dims if extent > 1} - set(reduced)


def _weight(find: Finder, step: VectorOp | None, tensor: str) -> Operand | None:
    """The weight that a step applies to a tensor."""
    if step is None or len(step.inputs) != 2:
        return None
    other = next((operand for operand in step.inputs if operand.tensor != tensor), None)
    return other if other is not None and find.is_weight(other.tensor) else None
