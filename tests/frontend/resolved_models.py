"""ResolvedModels made by hand, for tests of lowering rules; the reader is not involved."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from catx.errors import Loc
from catx.frontend.onnx.lower import lower
from catx.frontend.onnx.resolved import ResolvedModel, ResolvedNode, Value, ValueKind
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph
from catx.ir.vector_op import VectorOp

FILE = "test.onnx"


class Of(NamedTuple):
    """A tensor other than an fp32 input: `Of((2, 3), DType.INT8, "initializer")`."""

    shape: Sequence[int]
    dtype: DType = DType.FP32
    kind: ValueKind = "input"
    data: Any = None


Spec = Sequence[int] | Of


def weight(*shape: int, dtype: DType = DType.FP32) -> Of:
    """A weight without data."""
    return Of(shape, dtype, "initializer")


def known(data: Any, dtype: DType = DType.FP32) -> Of:
    """A constant with its data."""
    array = np.asarray(data)
    return Of(array.shape, dtype, "constant", array)


def node(
    op: str,
    inputs: str,
    outputs: str,
    *,
    name: str = "",
    domain: str = "",
    opset: int = 20,
    **attributes: Any,
) -> ResolvedNode:
    """A node; tensors are separated by spaces, `-` is a missing one. Named after its first output."""
    reads = tuple("" if part == "-" else part for part in inputs.split())
    writes = tuple("" if part == "-" else part for part in outputs.split())
    name = name or f"{op}_{writes[0]}"
    return ResolvedNode(name, op, domain, opset, reads, writes, attributes, Loc(FILE, name))


def model(nodes: Sequence[ResolvedNode], tensors: Mapping[str, Spec], outputs: str) -> ResolvedModel:
    """A model; tensors that no node writes are inputs unless they say otherwise."""
    written = {name for each in nodes for name in each.outputs if name}
    values: dict[str, Value] = {}
    for name, spec in tensors.items():
        of = spec if isinstance(spec, Of) else Of(spec)
        kind: ValueKind = "computed" if name in written else of.kind
        values[name] = Value(name, tuple(of.shape), of.dtype, kind, of.data)
    inputs = tuple(value.name for value in values.values() if value.kind == "input")
    return ResolvedModel("test", FILE, "0" * 64, tuple(nodes), values, inputs, tuple(outputs.split()), ())


def lowered(
    nodes: Sequence[ResolvedNode] | ResolvedNode,
    tensors: Mapping[str, Spec],
    outputs: str = "",
    **options: bool,
) -> Graph:
    """The graph of a model before any pass; outputs are those of the last node unless said."""
    nodes = [nodes] if isinstance(nodes, ResolvedNode) else nodes
    wanted = outputs or " ".join(name for name in nodes[-1].outputs if name)
    return lower(model(nodes, tensors, wanted), **options)


def einsums(graph: Graph) -> list[Einsum]:
    """Einsums of a graph in order."""
    return [op for op in graph.ops if isinstance(op, Einsum)]


def kinds(graph: Graph) -> list[str]:
    """What each op is, in order: its kind, or `einsum`."""
    return [op.kind if isinstance(op, VectorOp) else "einsum" for op in graph.ops]


def only(graph: Graph) -> VectorOp:
    """The one op of a graph."""
    (op,) = graph.ops
    assert isinstance(op, VectorOp)
    return op


def footprints(op: VectorOp | Einsum) -> dict[str, int]:
    """Elements that each operand touches in the whole op."""
    operands = op.operands if isinstance(op, Einsum) else (*op.inputs, *op.outputs)
    return {operand.tensor: operand.elements(dict(op.dims)) for operand in operands}


def read(op: VectorOp | Einsum, tensor: str) -> int:
    """Elements of a tensor that an op reads, summed over all operands that name it."""
    return sum(operand.elements(dict(op.dims)) for operand in op.inputs if operand.tensor == tensor)


def accounted(graph: Graph, resolved: ResolvedModel) -> None:
    """Assert that every node of a model is costed or free, and none of them both."""
    covered = {name for op in graph.walk() for name in op.sources}
    free = [each.name for each in graph.free]
    assert len(set(free)) == len(free)
    assert covered.isdisjoint(free)
    assert covered | set(free) == {n.name for n in resolved.nodes} | {n.name for n in resolved.folded}
