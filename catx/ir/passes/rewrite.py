"""Helpers that many passes share: who writes and reads a tensor, and graphs without what nobody names."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from catx.ir.einsum import Einsum
from catx.ir.graph import FreeNode, Graph, Op, op_inputs, op_outputs
from catx.ir.operand import Operand
from catx.ir.tensor import Tensor
from catx.ir.vector_op import VectorOp
from catx.ir.views import with_holders


@dataclass(frozen=True, slots=True)
class Uses:
    """Who writes each tensor, and who reads its data, through views or not.

    Keys are holders: tensors that are no view. `rigid` holds those that the user gets to see.
    """

    writer: dict[str, int]
    readers: dict[str, list[int]]
    rigid: frozenset[str]

    @classmethod
    def of(cls, graph: Graph) -> "Uses":
        """The uses of every tensor of a graph, as positions of ops."""
        writer: dict[str, int] = {}
        readers: dict[str, list[int]] = {}
        for i, op in enumerate(graph.ops):
            for name in op_inputs(op):
                place = readers.setdefault(graph.resolve(name), [])
                if not place or place[-1] != i:
                    place.append(i)
            writer.update(dict.fromkeys(op_outputs(op), i))
        return cls(writer, readers, frozenset(graph.resolve(name) for name in graph.outputs))

    def only_reader(self, tensor: str) -> int | None:
        """The position of the one op that reads a tensor, if nobody else and not the user does."""
        found = self.readers.get(tensor, [])
        return found[0] if len(found) == 1 and tensor not in self.rigid else None


def operands_of(op: Op) -> tuple[Operand, ...]:
    """All operands of an op, inputs first, without those of fused ops."""
    return op.operands if isinstance(op, Einsum) else (*op.inputs, *op.outputs)


def sources_of(ops: Iterable[Op]) -> tuple[str, ...]:
    """Model nodes that some ops cover, fused ones included, each once."""
    return tuple(dict.fromkeys(name for op in ops for part in (op, *op.fused) for name in part.sources))


def with_ops(
    graph: Graph,
    ops: Iterable[Op],
    *,
    tensors: Iterable[Tensor] = (),
    views: Iterable[tuple[str, str]] = (),
    free: Iterable[FreeNode] = (),
) -> Graph:
    """The graph with other ops and more tensors, views and free nodes; what nobody names any more is gone.

    A new tensor replaces one of the same name. A new view goes before the old ones.
    """
    ops = tuple(ops)
    known = graph.by_name | {tensor.name: tensor for tensor in tensors}
    all_views = dict(views) | dict(graph.views)
    named: dict[str, None] = dict.fromkeys((*graph.inputs, *graph.outputs))
    for op in ops:
        named |= dict.fromkeys((*op_inputs(op), *op_outputs(op)))
    named = with_holders(named, all_views)
    return replace(
        graph,
        tensors=tuple(tensor for name, tensor in known.items() if name in named),
        ops=ops,
        views=tuple((view, holder) for view, holder in all_views.items() if view in named),
        free=(*graph.free, *free),
    )


def freed(graph: Graph, gone: Iterable[Op], kept: Iterable[Op], reason: str) -> tuple[FreeNode, ...]:
    """Free nodes for what only removed ops covered; `op` is the operator of the removed op."""
    still = {name for op in kept for part in (op, *op.fused) for name in part.sources}
    listed = {node.name for node in graph.free}
    found: dict[str, FreeNode] = {}
    for op in gone:
        for part in (op, *op.fused):
            for name in part.sources:
                if name not in still and name not in listed:
                    found.setdefault(name, FreeNode(name, part.op, reason))
    return tuple(found.values())


def is_kind(op: Op, *kinds: str) -> bool:
    """Whether an op is a vector op of one of some kinds that has nothing fused."""
    return isinstance(op, VectorOp) and op.kind in kinds and not op.fused
