"""Finder and Match: how the patterns of the pass canonicalize look around in a graph."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from catx.ir.graph import Graph, Op
from catx.ir.operand import Operand
from catx.ir.passes.rewrite import Uses, sources_of
from catx.ir.vector_op import VectorOp


@dataclass(frozen=True, slots=True)
class Match:
    """Ops that together are one function, the last one at the end, and the op that replaces them."""

    parts: tuple[VectorOp, ...]
    op: VectorOp


@dataclass(frozen=True, slots=True)
class Finder:
    """Walks from op to op along tensors; finds only vector ops with nothing fused."""

    graph: Graph
    uses: Uses

    @classmethod
    def of(cls, graph: Graph) -> "Finder":
        """A finder in a graph."""
        return cls(graph, Uses.of(graph))

    def writer(self, tensor: str, *kinds: str) -> VectorOp | None:
        """The op that writes exactly this tensor (not a view), if it is of one of some kinds."""
        position = self.uses.writer.get(tensor)
        return None if position is None else _plain(self.graph.ops[position], kinds)

    def reader(self, tensor: str, *kinds: str) -> VectorOp | None:
        """The only op that reads a tensor, if it is of one of some kinds and reads no view of it."""
        position = self.uses.only_reader(tensor)
        found = None if position is None else _plain(self.graph.ops[position], kinds)
        return found if found and any(o.tensor == tensor for o in found.inputs) else None

    def private(self, parts: Sequence[VectorOp]) -> bool:
        """Whether nobody outside reads what these ops write, except for the last one's result."""
        inside = {part.name for part in parts}
        for part in parts[:-1]:
            for output in part.outputs:
                if output.tensor in self.uses.rigid:
                    return False
                readers = self.uses.readers.get(output.tensor, [])
                if any(self.graph.ops[i].name not in inside for i in readers):
                    return False
        return True

    def is_weight(self, tensor: str) -> bool:
        """Whether a tensor is a weight or a view of one."""
        return self.graph.by_name[self.graph.resolve(tensor)].kind == "weight"


def _plain(op: Op, kinds: tuple[str, ...]) -> VectorOp | None:
    return op if isinstance(op, VectorOp) and is_plain(op) and (not kinds or op.kind in kinds) else None


def is_plain(op: VectorOp) -> bool:
    """Whether an op runs once and has nothing fused: only such ops may be part of a pattern."""
    return not op.fused and op.repeat == 1


def same_box(inner: VectorOp, last: VectorOp, x: Operand) -> bool:
    """Whether two ops walk the same box and `x` is read at every point of it."""
    return inner.dims == last.dims and x.elements(dict(last.dims)) == last.elements


def is_unary(op: VectorOp | None) -> bool:
    """Whether an op has one operand: a function of it, or arithmetic with a known number."""
    return op is not None and len(op.inputs) == 1


def merged(
    parts: Sequence[VectorOp], op: str, kind: str, inputs: Sequence[Operand], reduced: tuple[str, ...] = ()
) -> Match:
    """The match of ops in model order, the last of which has the result."""
    last = parts[-1]
    new = replace(last, op=op, kind=kind, inputs=tuple(inputs), reduced=reduced, sources=sources_of(parts))
    return Match(tuple(parts), new)
