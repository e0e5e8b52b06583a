"""Structure: what the box-rewriting passes see of an op, and how it goes back into one."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, Op
from catx.ir.operand import Axis, Operand
from catx.ir.vector_op import VectorOp


@dataclass(frozen=True, slots=True)
class Structure:
    """Dims, the axes of every operand (inputs, then outputs), and reduced dims; names no tensor.

    Repeated layers have equal structures, so rewrites are cached by structure.
    """

    dims: tuple[tuple[str, int], ...]
    operands: tuple[tuple[Axis, ...], ...]
    reduced: tuple[str, ...]
    einsum: bool


Rewrite = Callable[[Structure], Structure]


def restructure(graph: Graph, rewrite: Rewrite) -> Graph:
    """Rewrite every op, fused ones included; the same graph if nothing changes.

    Unknown ops keep their box: it only counts elements.
    """
    ops = tuple(_rewritten(op, rewrite) for op in graph.ops)
    if all(new is old for new, old in zip(ops, graph.ops, strict=True)):
        return graph
    return replace(graph, ops=ops)


def _rewritten(op: Op, rewrite: Rewrite) -> Op:
    fused = tuple(
        part for part in (_rewritten(part, rewrite) for part in op.fused) if isinstance(part, VectorOp)
    )
    if all(new is old for new, old in zip(fused, op.fused, strict=True)):
        fused = op.fused
    old = structure_of(op)
    new = old if isinstance(op, VectorOp) and op.kind == "unknown" else rewrite(old)
    if new == old:
        return op if fused is op.fused else replace(op, fused=fused)
    if isinstance(op, Einsum):
        first, second, output = (
            _with_axes(operand, axes) for operand, axes in zip(op.operands, new.operands, strict=True)
        )
        return replace(op, dims=new.dims, inputs=(first, second), output=output, fused=fused)
    count = len(op.inputs)
    operands = tuple(
        _with_axes(operand, axes)
        for operand, axes in zip((*op.inputs, *op.outputs), new.operands, strict=True)
    )
    return replace(
        op,
        dims=new.dims,
        inputs=operands[:count],
        outputs=operands[count:],
        reduced=new.reduced,
        fused=fused,
    )


def structure_of(op: Op) -> Structure:
    """The structure of an op without its fused ops."""
    if isinstance(op, Einsum):
        return Structure(op.dims, tuple(operand.axes for operand in op.operands), (), True)
    operands = tuple(operand.axes for operand in (*op.inputs, *op.outputs))
    return Structure(op.dims, operands, op.reduced, False)


def _with_axes(operand: Operand, axes: tuple[Axis, ...]) -> Operand:
    return operand if operand.axes == axes else replace(operand, axes=axes)
