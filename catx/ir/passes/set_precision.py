"""set_precision: run a floating-point model at an accelerator's own element type.

Conversions between types that have become the same are no work any more: they are dropped, and free.
"""

from dataclasses import replace

from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, Op
from catx.ir.operand import Operand
from catx.ir.passes.drop_conversions import drop_conversions
from catx.ir.vector_op import VectorOp


def set_precision(graph: Graph, dtype: DType) -> Graph:
    """Replace every floating-point type of tensors and operands; integers stay as they are."""
    if not any(_changes(tensor.dtype, dtype) for tensor in graph.tensors) and not any(
        _changes(operand.dtype, dtype) for op in graph.walk() for operand in _operands(op)
    ):
        return graph
    tensors = tuple(replace(t, dtype=dtype) if _changes(t.dtype, dtype) else t for t in graph.tensors)
    ops = tuple(einsum_at(op, dtype) if isinstance(op, Einsum) else _vector_at(op, dtype) for op in graph.ops)
    typed_graph = replace(graph, tensors=tensors, ops=ops)
    different = {op.name for op in graph.walk() if isinstance(op, VectorOp) and _types_differ(op)}

    def idle(op: VectorOp) -> bool:
        return op.name in different and not _types_differ(op)

    return drop_conversions(typed_graph, idle, f"no conversion left: what it reads and writes is {dtype}")


def einsum_at(einsum: Einsum, dtype: DType) -> Einsum:
    """One einsum with every floating-point type of its operands and fused ops replaced."""
    first, second, output = (_operand_at(operand, dtype) for operand in einsum.operands)
    fused = tuple(_vector_at(op, dtype) for op in einsum.fused)
    return replace(einsum, inputs=(first, second), output=output, fused=fused)


def _vector_at(op: VectorOp, dtype: DType) -> VectorOp:
    return replace(
        op,
        inputs=tuple(_operand_at(operand, dtype) for operand in op.inputs),
        outputs=tuple(_operand_at(operand, dtype) for operand in op.outputs),
        fused=tuple(_vector_at(part, dtype) for part in op.fused),
    )


def _operand_at(operand: Operand, dtype: DType) -> Operand:
    return replace(operand, dtype=dtype) if _changes(operand.dtype, dtype) else operand


def _types_differ(op: VectorOp) -> bool:
    """Whether the first input and the first output of an op have different element types."""
    return bool(op.inputs) and op.inputs[0].dtype is not op.outputs[0].dtype


def _changes(old: DType, new: DType) -> bool:
    return old.is_float and old is not new


def _operands(op: Op) -> tuple[Operand, ...]:
    return op.operands if isinstance(op, Einsum) else (*op.inputs, *op.outputs)
