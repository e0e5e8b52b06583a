"""Conversions that convert nothing any more, because both sides have the same element type now.

They are written out by exporters of mixed-precision models, and lose their purpose where all floating-point
tensors get one type. Each becomes a view, or vanishes from the op that it is fused into; its node is free.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, Op
from catx.ir.passes.rewrite import freed, with_ops
from catx.ir.vector_op import VectorOp
from catx.ir.views import Holders

CONVERSIONS = frozenset({"cast", "quantize", "dequantize"})


@dataclass(slots=True)
class _Dropped:
    """Conversions that are gone, and for those whose results others read, the tensor that holds them."""

    parts: list[VectorOp] = field(default_factory=list)
    views: dict[str, str] = field(default_factory=dict)


def drop_conversions(graph: Graph, idle: Callable[[VectorOp], bool], reason: str) -> Graph:
    """The graph without the conversions for which `idle` holds.

    Args:
        graph: ops, fused or not.
        idle: whether a conversion (by its name in the graph) changes no element type.
        reason: why their nodes are free.
    """
    dropped = _Dropped()
    ops = [new for op in graph.ops if (new := _without(op, idle, dropped)) is not None]
    if not dropped.parts:
        return graph
    holders = Holders(graph.view_map | dropped.views)
    weights = [
        replace(graph.by_name[view], kind="weight")
        for view in dropped.views
        if graph.by_name[holders.find(view)].kind == "weight"
    ]
    free = freed(graph, dropped.parts, ops, reason)
    return with_ops(graph, ops, tensors=weights, views=dropped.views.items(), free=free)


def _without(op: Op, idle: Callable[[VectorOp], bool], dropped: _Dropped) -> Op | None:
    """The op without its idle conversions; None if nothing is left of it."""
    parts: list[Op] = [replace(op, fused=()), *op.fused]
    gone: list[VectorOp] = []
    kept: list[Op] = []
    for part in parts:
        if isinstance(part, VectorOp) and _droppable(part) and idle(part):
            gone.append(part)
        else:
            kept.append(part)
    if not gone:
        return op
    names: dict[str, str] = {}
    for part in gone:
        source = part.inputs[0].tensor
        names[_result(part)] = names.get(source, source)
    dropped.parts += gone
    last = _result(parts[-1])
    if not kept:
        dropped.views[last] = names[last]
        return None
    if last in names:
        held = names[last]
        assert held == _result(kept[-1]), "the last op that is fused reads what the one before it makes"
        names = {old: last if new == held else new for old, new in names.items()} | {held: last}
    first, *fused = (_renamed(part, names) for part in kept)
    return replace(first, fused=tuple(part for part in fused if isinstance(part, VectorOp)))


def _droppable(op: VectorOp) -> bool:
    """Whether an op is a conversion of as many elements as it reads."""
    extents = dict(op.dims)
    return (
        op.kind in CONVERSIONS
        and bool(op.inputs)
        and op.inputs[0].elements(extents) == op.outputs[0].elements(extents)
    )


def _result(op: Op) -> str:
    return op.output.tensor if isinstance(op, Einsum) else op.outputs[0].tensor


def _renamed(op: Op, names: dict[str, str]) -> Op:
    """An op that reads and writes other tensors."""
    if isinstance(op, Einsum):
        return replace(op, output=replace(op.output, tensor=names.get(op.output.tensor, op.output.tensor)))
    inputs = tuple(replace(o, tensor=names.get(o.tensor, o.tensor)) for o in op.inputs)
    outputs = tuple(replace(o, tensor=names.get(o.tensor, o.tensor)) for o in op.outputs)
    return replace(op, inputs=inputs, outputs=outputs)
