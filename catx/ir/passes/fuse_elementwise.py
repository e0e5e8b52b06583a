"""Pass fuse-elementwise: elementwise ops run on the results of the op before them, as they are made.

An op takes in the elementwise ops behind it as long as nobody else reads its results: bias, activation,
scale, mask, residual. The tensors between vanish; other inputs (the bias, the other branch) stay operands of
the fused op. Conversions of such inputs go in too, unless somebody else reads what they make. Where several
ops hang together (a result and a function of it are combined), all go in or none. The op moves to the place
of the last one that it took in, where all their inputs are ready.

An elementwise op may do its work several times per result, with another number each time (the scale of every
block of a quantized product); it counts by its results.

Ops of recurrent steps that are no einsums keep their results: the next step reads them.
Invariant: multiply-accumulates, scalar work, inputs, outputs, and which nodes are covered.
"""

import heapq
from dataclasses import dataclass, field, replace

from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, Op, op_outputs
from catx.ir.kinds import ELEMENTWISE
from catx.ir.passes.drop_conversions import CONVERSIONS
from catx.ir.passes.registry import register
from catx.ir.passes.rewrite import Uses, is_kind, with_ops
from catx.ir.vector_op import VectorOp


@register("fuse-elementwise")
def fuse_elementwise(graph: Graph) -> Graph:
    """Fuse elementwise ops into the op that makes their input."""
    search = _Search(graph, Uses.of(graph))
    moved: dict[int, list[Op]] = {}
    changed = False
    for i, op in enumerate(graph.ops):
        if i in search.taken:
            continue
        parts = search.fusable(op)
        search.taken.update((i, *parts))
        parts = search.with_conversions(parts)
        changed |= bool(parts)
        search.taken.update(parts)
        place = max(parts, default=i)
        moved.setdefault(place, []).append(_fused(graph, op, [graph.ops[j] for j in parts]))
    if not changed:
        return graph
    return with_ops(graph, (op for place in sorted(moved) for op in moved[place]))


@dataclass(slots=True)
class _Search:
    """Looks for ops behind an op; `taken` are positions of those that are fused already."""

    graph: Graph
    uses: Uses
    taken: set[int] = field(default_factory=set)
    whole: dict[str, bool] = field(default_factory=dict)

    def fusable(self, op: Op) -> list[int]:
        """Positions of the ops behind `op` that it can take in, in order.

        It grows along tensors all of whose readers can go in, and ends where a single result is left to read.
        A result that cannot go in must be that one: where there are two such, nothing more can end.
        """
        if len(op_outputs(op)) != 1 or _keeps_results(op):
            return []
        first = op.output if isinstance(op, Einsum) else op.outputs[0]
        size = first.elements(dict(op.dims))
        seen: set[int] = set()
        waiting: list[int] = []
        inside: list[int] = []
        orders = {op_outputs(op)[0]: ""}
        best = ends = 0
        new = self._readers(op, size)
        while True:
            for position in sorted(new - seen):
                heapq.heappush(waiting, position)
                ends += not self._readers(self.graph.ops[position], size)
            seen |= new
            if not waiting or ends > 1:
                return inside[:best]
            position = heapq.heappop(waiting)
            if not self._follows(self.graph.ops[position], orders):
                return inside[:best]
            inside.append(position)
            if not waiting:
                best = len(inside)
            new = self._readers(self.graph.ops[position], size)
            if not new:
                return inside[:best]

    def _follows(self, op: Op, orders: dict[str, str]) -> bool:
        """Whether an op reads all results so far in one order; notes the order of its own result.

        A view may be a transpose: what is read through it comes in an order that has the name of the view. So
        the sum of a matrix and its transpose is no op that can run on results as they are made.
        """
        found: set[str] = set()
        for operand in op.inputs:
            holder = self.graph.resolve(operand.tensor)
            if holder in orders:
                found.add(orders[holder] if operand.tensor == holder else operand.tensor)
        if len(found) == 1:
            orders |= dict.fromkeys(op_outputs(op), *found)
        return len(found) == 1

    def with_conversions(self, parts: list[int]) -> list[int]:
        """The same ops, each behind the conversions of its other inputs that are there for it alone.

        So the integers of a second operand are read, and not what a conversion writes of them.
        """
        return sorted({*parts, *(found for part in parts for found in self._conversions(part))})

    def _conversions(self, part: int) -> list[int]:
        op = self.graph.ops[part]
        assert isinstance(op, VectorOp)
        size = op.outputs[0].elements(dict(op.dims))
        found: list[int] = []
        for operand in op.inputs:
            holder = self.graph.resolve(operand.tensor)
            writer = self.uses.writer.get(holder)
            if writer is None or writer in self.taken or self.uses.only_reader(holder) != part:
                continue
            maker = self.graph.ops[writer]
            fits = is_kind(maker, *CONVERSIONS) and not _keeps_results(maker)
            if fits and self._takes(op, holder, size, maker.repeat):
                found.append(writer)
        return found

    def _readers(self, op: Op, size: int) -> set[int]:
        """Positions of the ops that read a result, if all can take it in and nobody else sees it."""
        (tensor,) = op_outputs(op)
        readers = self.uses.readers.get(tensor, [])
        if tensor in self.uses.rigid or not self.taken.isdisjoint(readers):
            return set()
        fits = all(self._takes(self.graph.ops[i], tensor, size, op.repeat) for i in readers)
        return set(readers) if fits else set()

    def _takes(self, op: Op, tensor: str, size: int, repeat: int) -> bool:
        """Whether an op (not one fused into it) is elementwise on a whole tensor of so many elements."""
        if not isinstance(op, VectorOp) or op.kind not in ELEMENTWISE or op.repeat != repeat:
            return False
        if len(op.outputs) != 1 or op.outputs[0].elements(dict(op.dims)) != size:
            return False
        own = [operand for operand in op.inputs if self.graph.resolve(operand.tensor) == tensor]
        later = [o for part in op.fused for o in part.inputs if self.graph.resolve(o.tensor) == tensor]
        extents = dict(op.dims)
        return (
            bool(own)
            and not later
            and all(o.elements(extents) == size and self._is_whole(o.tensor, size) for o in own)
        )

    def _is_whole(self, tensor: str, size: int) -> bool:
        """Whether a view shows every element of its holder once (no slice, no broadcast)."""
        passed: list[str] = []
        views = self.graph.view_map
        while tensor in views and tensor not in self.whole:
            passed.append(tensor)
            tensor = views[tensor]
        for view in reversed(passed):
            same = self.graph.by_name[view].elements == size
            self.whole[view] = same and self.whole.get(views[view], True)
        return self.whole.get(passed[0] if passed else tensor, True)


def _keeps_results(op: Op) -> bool:
    """Whether an op must leave its results in memory: unknown ops, and steps that the next step reads."""
    return isinstance(op, VectorOp) and (op.kind == "unknown" or op.repeat > 1)


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
