"""Pass fold-constants: vector ops that read only weights run once, ahead of time; their results are weights.

Weights are stored at their real width and converted where they are used. Where only einsums read a weight
that conversions and scales made wider, they read the narrow one: it is converted on the way into the matrix
unit. Dequantizations that somebody else reads, or whose scales differ along a contracted axis, stay ops.
Transposes stay too: absorb-transposes makes views of
them, and a weight that is also used as it is is stored once. Invariant: multiply-accumulates (einsums are
never folded) and outputs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, Op, op_inputs, op_outputs
from catx.ir.held import Part, derived
from catx.ir.operand import Operand
from catx.ir.passes.registry import register
from catx.ir.passes.rewrite import freed, with_ops
from catx.ir.passes.scale_axes import Readers, joins_results
from catx.ir.tensor import Tensor
from catx.ir.vector_op import VectorOp

_REVERSIBLE = frozenset({"cast", "dequantize", "mul", "add", "sub", "div"})
"""What may stand between stored integers and the numbers that they mean: conversion, scale, zero point."""


@register("fold-constants")
def fold_constants(graph: Graph) -> Graph:
    """Turn results of vector ops on weights into weights."""
    made: dict[str, Tensor] = {}
    readers = _readers(graph)
    constant = {tensor.name for tensor in graph.weights}
    shown = frozenset(graph.outputs)
    kept: list[Op] = []
    folded: list[VectorOp] = []
    for op in graph.ops:
        if (
            isinstance(op, VectorOp)
            and shown.isdisjoint(op_outputs(op))
            and _foldable(graph, readers, op, constant)
        ):
            folded.append(op)
            for output in op.outputs:
                made[output.tensor] = _made(graph, op, output, made)
                constant.add(output.tensor)
        else:
            kept.append(op)
    if not folded:
        return graph
    stored = narrow_types(graph, folded, kept)
    views = {view for view, _ in graph.views if graph.resolve(view) in made}
    made |= {name: replace(graph.by_name[name], kind="weight") for name in views}
    made |= {
        name: replace(made.get(name, graph.by_name[name]), dtype=dtype) for name, dtype in stored.items()
    }
    reason = "constant: computed once from weights, ahead of time"
    free = freed(graph, folded, kept, reason)
    return with_ops(graph, (_retyped(op, stored) for op in kept), tensors=made.values(), free=free)


def _made(graph: Graph, op: VectorOp, output: Operand, made: Mapping[str, Tensor]) -> Tensor:
    """The result of a folded op as a weight, and what of it the model's file holds."""
    tensors = dict.fromkeys(graph.resolve(operand.tensor) for operand in op.inputs)
    read = [made.get(name, graph.by_name[name]) for name in tensors]
    parts = [Part(tensor.holds, tensor.dtype is DType.BOOL) for tensor in read]
    tensor = graph.by_name[output.tensor]
    is_bool = tensor.dtype is DType.BOOL
    held = derived(tensor.name, tensor.elements, parts, is_bool=is_bool, joins=op.kind == "concat")
    return replace(tensor, kind="weight", held=held)


def _foldable(graph: Graph, readers: Readers, op: VectorOp, constant: set[str]) -> bool:
    """Whether an op reads only weights, and keeps them small if it is a conversion."""
    if op.fused or op.kind in ("unknown", "transpose") or op.repeat > 1:
        return False
    if not all(graph.resolve(operand.tensor) in constant for operand in op.inputs):
        return False
    before = sum(graph.by_name[operand.tensor].size_bytes for operand in op.inputs)
    after = sum(graph.by_name[operand.tensor].size_bytes for operand in op.outputs)
    if op.kind != "dequantize" or after <= before:
        return True
    return bool(factors(graph, readers, op.outputs[0].tensor)) and joins_results(graph, readers, op)


def narrow_types(graph: Graph, folded: Sequence[VectorOp], kept: Sequence[Op]) -> dict[str, DType]:
    """Element types of constants that are stored narrower than what is computed with, by tensor.

    A constant has the type of the one tensor that conversions and scales made it from, if that is narrower
    and only einsums read it, through views and transposes or not.
    """
    readers = _readers(graph)
    width: dict[str, DType] = {}
    found: dict[str, DType] = {}
    read = {graph.resolve(name) for op in kept for name in op_inputs(op)}
    for op in folded:
        size = op.outputs[0].elements(dict(op.dims))
        whole = {
            graph.resolve(o.tensor): width.get(graph.resolve(o.tensor), o.dtype)
            for o in op.inputs
            if o.elements(dict(op.dims)) == size
        }
        result = op.outputs[0]
        if op.kind not in _REVERSIBLE or len(whole) != 1:
            continue
        (narrow,) = whole.values()
        if narrow.bits >= result.dtype.bits:
            continue
        width[result.tensor] = narrow
        if result.tensor in read:
            found |= dict.fromkeys(factors(graph, readers, result.tensor), narrow)
    return found


def factors(graph: Graph, readers: Readers, tensor: str) -> set[str]:
    """A tensor and all views and transposes of it, if nobody but einsums reads them as factors; else none."""
    found, todo = set[str](), [tensor]
    while todo:
        name = todo.pop()
        if name in found:
            continue
        found.add(name)
        if name in graph.outputs:
            return set()
        ops, views = readers.get(name, ([], []))
        todo += views
        for op in ops:
            if isinstance(op, VectorOp) and op.kind == "transpose" and not op.fused:
                todo.append(op.outputs[0].tensor)
            elif not isinstance(op, Einsum) or op.fused:
                return set()
    return found


def _readers(graph: Graph) -> Readers:
    """Ops that read a tensor by its own name, and the views of it."""
    found: Readers = {}
    for op in graph.ops:
        for name in op_inputs(op):
            found.setdefault(name, ([], []))[0].append(op)
    for view, holder in graph.views:
        found.setdefault(holder, ([], []))[1].append(view)
    return found


def _retyped(op: Op, types: Mapping[str, DType]) -> Op:
    """The op with other element types of some operands."""
    if types.keys().isdisjoint((*op_inputs(op), *op_outputs(op))):
        return op

    def typed(operand: Operand) -> Operand:
        return replace(operand, dtype=types.get(operand.tensor, operand.dtype))

    if isinstance(op, Einsum):
        first, second = op.inputs
        return replace(op, inputs=(typed(first), typed(second)))
    return replace(op, inputs=tuple(map(typed, op.inputs)), outputs=tuple(map(typed, op.outputs)))
