"""Graph: a model as operators and tensors, in topological order."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from catx.errors import GraphError, Loc
from catx.ir.einsum import Einsum
from catx.ir.tensor import Tensor
from catx.ir.vector_op import VectorOp
from catx.ir.views import Holders

if TYPE_CHECKING:
    import networkx as nx

Op = Einsum | VectorOp


def op_inputs(op: Op) -> tuple[str, ...]:
    """Names of the tensors that an op reads, those of its fused ops included, each once."""
    written = {operand.tensor for operand in ((op.output,) if isinstance(op, Einsum) else op.outputs)}
    names = dict.fromkeys(operand.tensor for operand in op.inputs)
    for extra in op.fused:
        names.update(dict.fromkeys(o.tensor for o in extra.inputs if o.tensor not in written))
        written.update(operand.tensor for operand in extra.outputs)
    return tuple(names)


def op_outputs(op: Op) -> tuple[str, ...]:
    """Names of the tensors that an op leaves in memory: those of its last fused op, if it has any."""
    if op.fused:
        return tuple(operand.tensor for operand in op.fused[-1].outputs)
    return (op.output.tensor,) if isinstance(op, Einsum) else tuple(operand.tensor for operand in op.outputs)


@dataclass(frozen=True, slots=True)
class FreeNode:
    """A node of the model that costs nothing on an accelerator, and why."""

    name: str
    op: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A node of the model whose bodies (branches, loop body) are not costed, and what stands in them.

    `contractions` and `unknown` count the nodes of each operator that multiplies matrices, or that catx does
    not know; `others` is the number of all other nodes but constants. Bodies inside bodies are included.
    """

    name: str
    op: str
    contractions: tuple[tuple[str, int], ...]
    unknown: tuple[tuple[str, int], ...]
    others: int


@dataclass(frozen=True)
class Graph:
    """Ops in topological order, their tensors, and what the user gives and wants.

    `views` maps a tensor that is another one seen differently (reshape, relabelled transpose, slice) to the
    tensor that holds its data. Ops name the tensor that they touch; a consumer reads through its view.
    `left_out` names nodes whose bodies no op covers, `notes` what a reader must know of the model. `sha256`
    is the hash of the file that the model came from.
    """

    name: str
    tensors: tuple[Tensor, ...]
    ops: tuple[Op, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    free: tuple[FreeNode, ...] = ()
    views: tuple[tuple[str, str], ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    sha256: str = ""
    loc: Loc = field(default=Loc("<python>"), compare=False)

    def __post_init__(self) -> None:
        known = self.by_name
        if len(known) != len(self.tensors):
            raise GraphError("two tensors have the same name", loc=self.loc)
        if len({op.name for op in self.ops}) != len(self.ops):
            raise GraphError("two ops have the same name", loc=self.loc)
        views = dict(self.views)
        for name in (*self.inputs, *self.outputs, *views, *views.values()):
            if name not in known:
                raise GraphError(f"unknown tensor {name!r}", loc=self.loc)
        produced = {name for op in self.ops for name in op_outputs(op)}
        ready: set[str] = set()
        for op in self.ops:
            for name in op_inputs(op):
                source = self.resolve(name)
                if name not in known:
                    raise GraphError(f"{op.name} reads unknown tensor {name!r}", loc=op.loc)
                if source in produced and source not in ready:
                    raise GraphError(f"{op.name} reads {name!r} before it is written", loc=op.loc)
            for name in op_outputs(op):
                if name not in known:
                    raise GraphError(f"{op.name} writes unknown tensor {name!r}", loc=op.loc)
                if name in ready:
                    raise GraphError(f"{name!r} is written twice, again by {op.name}", loc=op.loc)
                ready.add(name)

    @cached_property
    def by_name(self) -> dict[str, Tensor]:
        """Tensors by name."""
        return {tensor.name: tensor for tensor in self.tensors}

    @cached_property
    def view_map(self) -> dict[str, str]:
        """The tensor behind each view."""
        return dict(self.views)

    def resolve(self, tensor: str) -> str:
        """The tensor that holds the data of `tensor`, through all its views."""
        try:
            return self._holders.find(tensor)
        except GraphError as error:
            error.loc = self.loc
            raise

    @cached_property
    def _holders(self) -> Holders:
        return Holders(self.views)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all einsums."""
        return sum(op.macs * op.repeat for op in self.ops)

    @property
    def parameters(self) -> int:
        """Numbers of the model's file that ops read as weights, each once (docs/report.md)."""
        return sum(elements for elements, _ in self.held_parameters)

    @property
    def parameter_bytes(self) -> float:
        """Size of the parameters at the real bit width of the weights that hold them [byte]."""
        return sum(elements * bits / 8 for elements, bits in self.held_parameters)

    @property
    def held_parameters(self) -> tuple[tuple[int, int], ...]:
        """Numbers and bit width of the parameters of each source; the widest of several copies."""
        found: dict[str, tuple[int, int]] = {}
        for tensor in self.weights:
            held = tensor.holds
            elements, bits = found.get(held.source, (0, 0))
            found[held.source] = (max(elements, held.elements), max(bits, tensor.dtype.bits))
        return tuple(found.values())

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """Weights that are stored: those that are not views."""
        return tuple(t for t in self.tensors if t.kind == "weight" and t.name not in self.view_map)

    def unique_ops(self) -> dict[Op, tuple[Op, ...]]:
        """Ops grouped by what their cost depends on: the canonical op is the key, its equals the value.

        An op counts once here; the model runs it `repeat` times.
        """
        groups: dict[Op, list[Op]] = {}
        for op in self.ops:
            groups.setdefault(canonical_op(op), []).append(op)
        return {key: tuple(ops) for key, ops in groups.items()}

    def to_networkx(self) -> "nx.DiGraph[str]":
        """A directed graph of op names; an edge carries the `tensor` that flows along it, a node its `op`."""
        import networkx as nx

        view: nx.DiGraph[str] = nx.DiGraph()
        writer: dict[str, str] = {}
        for op in self.ops:
            view.add_node(op.name, op=op)
            for name in op_inputs(op):
                if (source := writer.get(self.resolve(name))) is not None:
                    view.add_edge(source, op.name, tensor=name)
            writer.update(dict.fromkeys(op_outputs(op), op.name))
        return view

    def walk(self) -> Iterator[Op]:
        """Every op, then each op that is fused into it."""
        for op in self.ops:
            yield op
            yield from op.fused


def canonical_op(op: Op) -> Op:
    """The op with its names dropped, tensors named by position: equal for repeated layers."""
    names: dict[str, str] = {}

    def renamed(part: VectorOp) -> VectorOp:
        return replace(
            part,
            name="",
            sources=(),
            repeat=1,
            inputs=tuple(
                replace(o, tensor=names.setdefault(o.tensor, f"t{len(names)}")) for o in part.inputs
            ),
            outputs=tuple(
                replace(o, tensor=names.setdefault(o.tensor, f"t{len(names)}")) for o in part.outputs
            ),
            fused=(),
        )

    if isinstance(op, Einsum):
        bare = op.canonical()
        names.update({o.tensor: role.tensor for o, role in zip(op.operands, bare.operands, strict=True)})
        return replace(bare, op=op.op, fused=tuple(renamed(part) for part in op.fused))
    return replace(renamed(op), fused=tuple(renamed(part) for part in op.fused))
