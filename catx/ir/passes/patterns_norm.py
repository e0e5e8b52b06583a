"""Patterns of norms written out: means, squares and roots that are a layernorm or an rmsnorm."""

from catx.ir.graph import Op
from catx.ir.operand import Operand
from catx.ir.passes.pattern import Finder, Match, is_unary, merged
from catx.ir.vector_op import VectorOp


def match_norm(find: Finder, anchor: Op) -> Match | None:
    """Match (x - mean) / sqrt(mean((x - mean)^2) + eps), also without the mean, then scale and bias."""
    if not isinstance(anchor, VectorOp) or anchor.kind not in ("sqrt", "rsqrt") or anchor.fused:
        return None
    head = _variance(find, anchor)
    tail = _quotient(find, anchor)
    if head is None or tail is None:
        return None
    squares, mean, inner = head
    numerator, outer = tail
    found = _centred(find, squares, numerator, mean.reduced)
    if found is None:
        return None
    x, centre = found
    parts = [*centre, *inner, anchor, *outer]
    if parts[-1].dims != mean.dims or x.elements(dict(mean.dims)) != mean.elements:
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


def _quotient(find: Finder, root: VectorOp) -> tuple[Operand, list[VectorOp]] | None:
    """What is divided by the root, and the ops that do it: a division, or a product with the reciprocal."""
    tensor = root.outputs[0].tensor
    outer: list[VectorOp] = []
    if root.kind == "sqrt":
        division = find.reader(tensor, "div")
        if division is not None and len(division.inputs) == 2 and division.inputs[1].tensor == tensor:
            return division.inputs[0], [division]
        reciprocal = find.reader(tensor, "reciprocal", "div")
        if reciprocal is None or not is_unary(reciprocal):
            return None
        outer.append(reciprocal)
        tensor = reciprocal.outputs[0].tensor
    product = find.reader(tensor, "mul")
    if product is None or len(product.inputs) != 2:
        return None
    other = next((operand for operand in product.inputs if operand.tensor != tensor), None)
    return None if other is None else (other, [*outer, product])


def _centred(
    find: Finder, squared: Operand, numerator: Operand, reduced: tuple[str, ...]
) -> tuple[Operand, list[VectorOp]] | None:
    """The tensor that is normalized, and the ops that take its mean away (none in an rmsnorm)."""
    first, second = find.writer(squared.tensor, "sub"), find.writer(numerator.tensor, "sub")
    if first is None or second is None or len(first.inputs) != 2 or len(second.inputs) != 2:
        return (numerator, []) if squared.tensor == numerator.tensor else None
    x, mean = first.inputs
    average = find.writer(mean.tensor, "reduce_mean")
    other = find.writer(second.inputs[1].tensor, "reduce_mean")
    same = second.inputs[0].tensor == x.tensor and average is not None and other is not None
    if not same or average is None or other is None:
        return (numerator, []) if squared.tensor == numerator.tensor else None
    if {average.inputs[0].tensor, other.inputs[0].tensor} != {x.tensor} or average.reduced != reduced:
        return None
    return x, list({op.name: op for op in (average, other, first, second)}.values())


def _weight(find: Finder, step: VectorOp | None, tensor: str) -> Operand | None:
    """The weight that a step applies to a tensor."""
    if step is None or len(step.inputs) != 2:
        return None
    other = next((operand for operand in step.inputs if operand.tensor != tensor), None)
    return other if other is not None and find.is_weight(other.tensor) else None
