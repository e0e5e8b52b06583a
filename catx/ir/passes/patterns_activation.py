"""Patterns of activations written out: gelu by erf or tanh, silu, quick_gelu, hardswish."""

from catx.ir.graph import Op
from catx.ir.operand import Operand
from catx.ir.passes.pattern import Finder, Match, is_unary, merged
from catx.ir.vector_op import VectorOp

_INNER = ("mul", "square", "add", "sub", "pow")
_LONGEST = 10


def match_gated(find: Finder, root: Op) -> Match | None:
    """Match x * s(x): silu for a sigmoid, quick_gelu for a sigmoid of a multiple of x, hardswish."""
    if not isinstance(root, VectorOp) or root.kind != "mul" or len(root.inputs) != 2 or root.fused:
        return None
    for x, gate in (root.inputs, root.inputs[::-1]):
        inner = find.writer(gate.tensor, "sigmoid", "hardsigmoid")
        if inner is None or not _same_box(inner, root, x):
            continue
        if inner.inputs[0].tensor == x.tensor:
            kind, op = ("silu", "Silu") if inner.kind == "sigmoid" else ("hardswish", "HardSwish")
            parts = [inner, root]
        else:
            scaled = find.writer(inner.inputs[0].tensor, "mul")
            if (
                not scaled
                or inner.kind != "sigmoid"
                or not is_unary(scaled)
                or scaled.inputs[0].tensor != x.tensor
            ):
                continue
            kind, op, parts = "quick_gelu", "QuickGelu", [scaled, inner, root]
        if find.private(parts):
            return merged(parts, op, kind, [x])
    return None


def _same_box(inner: VectorOp, root: VectorOp, x: Operand) -> bool:
    """Whether two ops walk the same box and `x` is read at every point of it."""
    return inner.dims == root.dims and x.elements(dict(root.dims)) == root.elements


def match_gelu(find: Finder, anchor: Op) -> Match | None:
    """Match 0.5 x (1 + erf(x / sqrt 2)), or its approximation by tanh, in any order of the products."""
    if not isinstance(anchor, VectorOp) or anchor.kind not in ("erf", "tanh") or anchor.fused:
        return None
    plus = find.reader(anchor.outputs[0].tensor, "add")
    if plus is None or not is_unary(plus):
        return None
    after = [plus]
    halved = find.reader(plus.outputs[0].tensor, "mul")
    if halved is not None and is_unary(halved):
        after.append(halved)
        product = find.reader(halved.outputs[0].tensor, "mul")
    else:
        halved, product = None, halved
    if product is None or len(product.inputs) != 2:
        return None
    after.append(product)
    x = next(o for o in product.inputs if o.tensor != after[-2].outputs[0].tensor)
    if halved is None:
        half = find.writer(x.tensor, "mul")
        last = find.reader(product.outputs[0].tensor, "mul")
        if last is not None and is_unary(last):
            after.append(last)
        elif half is not None and is_unary(half):
            after.insert(0, half)
            x = half.inputs[0]
        else:
            return None
    before = _inner_ops(find, anchor.inputs[0].tensor, x.tensor)
    if before is None or not _same_box(anchor, after[-1], x):
        return None
    parts = list({part.name: part for part in (*before, anchor, *after)}.values())
    return merged(parts, "Gelu", "gelu", [x]) if find.private(parts) else None


def _inner_ops(find: Finder, tensor: str, x: str) -> list[VectorOp] | None:
    """The arithmetic that makes `tensor` from nothing but `x`, or None where there is more to it."""
    found: dict[str, VectorOp] = {}
    todo = [tensor]
    while todo:
        name = todo.pop()
        if name == x:
            continue
        op = find.writer(name, *_INNER)
        if op is None or len(found) > _LONGEST:
            return None
        if op.name not in found:
            found[op.name] = op
            todo += [operand.tensor for operand in op.inputs]
    return list(found.values())
