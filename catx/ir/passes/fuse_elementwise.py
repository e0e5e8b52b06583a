"""Pass fuse-elementwise: elementwise ops run on the results of the op before them, as they are made.

An op takes in the elementwise ops behind it as long as nobody else reads its results: bias, activation,
scale, mask, residual. The tensors between vanish; other inputs (the bias, the other branch) stay operands of
the fused op. Where several such ops hang together (a result and a function of it are combined), all go in or
none. The op moves to the place of the last one that it took in, where all their inputs are ready.

An elementwise op may do its work several times per result, with another number each time (the scale of every
block of a quantized product); it counts by its results.

Ops of recurrent steps that are no einsums keep their results: the next step reads them.
Invariant: multiply-accumulates, scalar work, inputs, outputs, and which nodes are covered.
"""

from dataclasses import replace

from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, Op, op_outputs
from catx.ir.kinds import ELEMENTWISE
from catx.ir.passes.registry import register
from catx.ir.passes.rewrite import Uses, with_ops
from catx.ir.vector_op import VectorOp


@register("fuse-elementwise")
def fuse_elementwise(graph: Graph) -> Graph:
    """Fuse elementwise ops into the op that makes their input."""
    uses = Uses.of(graph)
    taken: set[int] = set()
    moved: dict[int, list[Op]] = {}
    changed = False
    for i, op in enumerate(graph.ops):
        if i in taken:
            continue
        parts = _fusable(graph, uses, op, taken)
        changed |= bool(parts)
        taken.update(parts)
        place = max(parts, default=i)
        moved.setdefault(place, []).append(_fused(graph, op, [graph.ops[j] for j in parts]))
    if not changed:
        return graph
    return with_ops(graph, (op for place in sorted(moved) for op in moved[place]))


def _fusable(graph: Graph, uses: Uses, op: Op, taken: set[int]) -> list[int]:
    """Positions of the ops behind `op` that it can take in, in order.

    It grows along tensors all of whose readers can go in, and ends where a single result is left to read.
    """
    results = op_outputs(op)
    if len(results) != 1 or _keeps_results(op):
        return []

    def next_readers(tensor: str) -> set[int]:
        readers = set(uses.readers.get(tensor, []))
        shown = tensor in uses.rigid or readers & taken
        fits = not shown and all(_takes(graph, graph.ops[i], tensor, size, op.repeat) for i in readers)
        return readers if fits else set()

    first = op.output if isinstance(op, Einsum) else op.outputs[0]
    size = first.elements(dict(op.dims))
    inside: list[int] = []
    values = [results[0]]
    best = 0
    waiting = next_readers(results[0])
    while waiting:
        position = min(waiting)
        inside.append(position)
        result = op_outputs(graph.ops[position])[0]
        values.append(result)
        waiting = (waiting | next_readers(result)) - set(inside)
        between = {reader for value in values[:-1] for reader in uses.readers.get(value, [])}
        if between <= set(inside) and uses.rigid.isdisjoint(values[:-1]):
            best = len(inside)
    return inside[:best]


def _keeps_results(op: Op) -> bool:
    """Whether an op must leave its results in memory: unknown ops, and steps that the next step reads."""
    return isinstance(op, VectorOp) and (op.kind == "unknown" or op.repeat > 1)


def _takes(graph: Graph, op: Op, tensor: str, size: int, repeat: int) -> bool:
    """Whether an op (not one fused into it) is elementwise on a whole tensor of so many elements."""
    if not isinstance(op, VectorOp) or op.kind not in ELEMENTWISE or op.repeat != repeat:
        return False
    if len(op.outputs) != 1 or op.outputs[0].elements(dict(op.dims)) != size:
        return False
    own = [operand for operand in op.inputs if graph.resolve(operand.tensor) == tensor]
    later = [o for part in op.fused for o in part.inputs if graph.resolve(o.tensor) == tensor]
    extents = dict(op.dims)
    return (
        bool(own)
        and not later
        and all(o.elements(extents) == size and _whole(graph, o.tensor, size) for o in own)
    )


def _whole(graph: Graph, tensor: str, size: int) -> bool:
    """Whether a view shows every element of its holder once (no slice, no broadcast)."""
    views = graph.view_map
    while tensor in views:
        if graph.by_name[tensor].elements != size:
            return False
        tensor = views[tensor]
    return True


def _fused(graph: Graph, op: Op, parts: list[Op]) -> Op:
    """The op with others fused into it; they read its results by the name of the tensor that holds them."""
    if not parts:
        return op
    made = {*op_outputs(op), *(name for part in parts for name in op_outputs(part))}
    fused = list(op.fused)
    for part in parts:
        assert isinstance(part, VectorOp)
        inputs = tuple(
            replace(o, tensor=holder) if (holder := graph.resolve(o.tensor)) in made else o
            for o in part.inputs
        )
        fused += [replace(part, inputs=inputs, fused=()), *part.fused]
    return replace(op, fused=tuple(fused))
