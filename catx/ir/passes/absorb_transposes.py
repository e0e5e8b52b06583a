"""Pass absorb-transposes: a transpose that some op can do on the side becomes a view.

An op writes its results in any order of axes, and reads its operands in any order: operands are affine in
the op's own dims, and no memory here prefers an order. So data moves only between two that fix its order.
These are: tensors that the user gives, results that the user gets, and unknown ops. A transpose is free if

- everything behind it (through views) reads in any order, or
- it reads a weight, which is stored in the new order, or
- the op that computes its data can write the new order, and nobody who fixes the order reads the old one.

Otherwise it stays a movement of its data. Invariant: everything but the transposes themselves.
"""

from catx.ir.graph import FreeNode, Graph, Op, op_inputs, op_outputs
from catx.ir.passes.registry import register
from catx.ir.passes.rewrite import with_ops
from catx.ir.vector_op import VectorOp
from catx.ir.views import Holders, with_holders


@register("absorb-transposes")
def absorb_transposes(graph: Graph) -> Graph:
    """Turn transposes into views wherever a writer or reader takes the new order."""
    candidates = [
        op for op in graph.ops if isinstance(op, VectorOp) and op.kind == "transpose" and not op.fused
    ]
    if not candidates:
        return graph
    rigid = _fixed_readers(graph)
    writer = {name: op for op in graph.ops for name in op_outputs(op)}
    holders = Holders(graph.views)
    views: list[tuple[str, str]] = []
    reasons: dict[str, str] = {}
    for op in candidates:
        source, result = op.inputs[0].tensor, op.outputs[0].tensor
        holder = holders.find(source)
        by = writer.get(holder)
        if result not in rigid:
            reasons[op.name] = "relabelled: its readers read in the new order"
        elif graph.by_name[holder].kind == "weight":
            reasons[op.name] = "relabelled: the weight is stored in the new order"
        elif by is not None and not _fixed(by) and holder not in rigid:
            reasons[op.name] = f"relabelled: {by.name} writes in the new order"
            rigid.add(holder)
        else:
            continue
        holders.add(result, source)
        views.append((result, source))
    if not reasons:
        return graph
    free = [
        FreeNode(name, op.op, reasons[op.name])
        for op in candidates
        if op.name in reasons
        for name in op.sources
    ]
    kept = [op for op in graph.ops if op.name not in reasons]
    return with_ops(graph, kept, views=views, free=free)


def _fixed(op: Op) -> bool:
    """Whether an op reads and writes in one order only."""
    return isinstance(op, VectorOp) and op.kind == "unknown"


def _fixed_readers(graph: Graph) -> set[str]:
    """Tensors whose order of axes somebody fixes: outputs, what unknown ops read, and all that these view."""
    names = [*graph.outputs]
    names += [name for op in graph.ops if _fixed(op) for name in op_inputs(op)]
    return set(with_holders(names, graph.view_map))
