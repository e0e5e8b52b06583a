"""Pass fold-constants: vector ops that read only weights run once, ahead of time; their results are weights.

Conversions that make weights larger stay: weights are stored at their real width and converted where they
are used. Transposes stay too: absorb-transposes makes views of them, and a weight that is also used as it is
stored once. Invariant: multiply-accumulates (einsums are never folded) and outputs.
"""

from dataclasses import replace

from catx.ir.graph import Graph, Op
from catx.ir.passes.registry import register
from catx.ir.passes.rewrite import freed, with_ops
from catx.ir.tensor import Tensor
from catx.ir.vector_op import VectorOp


@register("fold-constants")
def fold_constants(graph: Graph) -> Graph:
    """Turn results of vector ops on weights into weights."""
    made: dict[str, Tensor] = {}
    constant = {tensor.name for tensor in graph.weights}
    kept: list[Op] = []
    folded: list[Op] = []
    for op in graph.ops:
        if isinstance(op, VectorOp) and _foldable(graph, op, constant):
            folded.append(op)
            for output in op.outputs:
                made[output.tensor] = replace(graph.by_name[output.tensor], kind="weight")
                constant.add(output.tensor)
        else:
            kept.append(op)
    if not folded:
        return graph
    views = {view for view, _ in graph.views if graph.resolve(view) in made}
    made |= {name: replace(graph.by_name[name], kind="weight") for name in views}
    reason = "constant: computed once from weights, ahead of time"
    return with_ops(graph, kept, tensors=made.values(), free=freed(graph, folded, kept, reason))


def _foldable(graph: Graph, op: VectorOp, constant: set[str]) -> bool:
    """Whether an op reads only weights, and keeps them small if it is a conversion."""
    if op.fused or op.kind in ("unknown", "transpose") or op.repeat > 1:
        return False
    if not all(graph.resolve(operand.tensor) in constant for operand in op.inputs):
        return False
    if any(operand.tensor in graph.outputs for operand in op.outputs):
        return False
    before = sum(graph.by_name[operand.tensor].size_bytes for operand in op.inputs)
    after = sum(graph.by_name[operand.tensor].size_bytes for operand in op.outputs)
    return op.kind != "dequantize" or after <= before
