"""Patterns of gated activations written out: silu, quick_gelu, hardswish."""

from catx.ir.graph import Op
from catx.ir.passes.pattern import Finder, Match, is_plain, is_unary, merged, same_box
from catx.ir.vector_op import VectorOp


def match_gated(find: Finder, root: Op) -> Match | None:
    """Match x * s(x): silu for a sigmoid, quick_gelu for a sigmoid of a multiple of x, hardswish."""
    if not isinstance(root, VectorOp) or root.kind != "mul" or len(root.inputs) != 2 or not is_plain(root):
        return None
    for x, gate in (root.inputs, root.inputs[::-1]):
        inner = find.writer(gate.tensor, "sigmoid", "hardsigmoid")
        if inner is None or not same_box(inner, root, x):
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
