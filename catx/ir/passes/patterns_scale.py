"""Scales on the factors of a product of two activations become one scale on the product.

Exporters scale Q, K, both (by the square root) or the scores. (a Q) (b K)^T = a b (Q K^T), so all of these
are the same einsum and one multiplication of its results.
"""

from dataclasses import replace

from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, Op
from catx.ir.passes.pattern import Finder, is_unary
from catx.ir.passes.rewrite import sources_of, with_ops
from catx.ir.tensor import Tensor
from catx.ir.vector_op import VectorOp


def move_scales(graph: Graph) -> Graph:
    """Move multiplications with known numbers behind the einsum that alone reads their results."""
    find = Finder.of(graph)
    behind: dict[str, tuple[Op, VectorOp]] = {}
    gone: set[str] = set()
    tensors: list[Tensor] = []
    views: list[tuple[str, str]] = []
    for op in graph.ops:
        if not isinstance(op, Einsum) or op.fused:
            continue
        if any(find.is_weight(factor.tensor) for factor in op.inputs):
            continue
        scales = [scale for factor in op.inputs if (scale := _scale(find, op, factor.tensor))]
        if not scales:
            continue
        gone |= {scale.name for scale in scales}
        views += [(scale.outputs[0].tensor, scale.inputs[0].tensor) for scale in scales]
        result = graph.by_name[op.output.tensor]
        raw = replace(result, name=f"{result.name}/unscaled", kind="activation")
        tensors.append(raw)
        behind[op.name] = _behind(op, raw, scales)
    if not behind:
        return graph
    kept = [op for op in graph.ops if op.name not in gone]
    ops = [new for op in kept for new in behind.get(op.name, (op,))]
    return with_ops(graph, ops, tensors=tensors, views=views)


def _scale(find: Finder, reader: Einsum, tensor: str) -> VectorOp | None:
    """The multiplication with a known number whose result (perhaps through views) only this einsum reads."""
    holder = find.graph.resolve(tensor)
    scale = find.writer(holder, "mul")
    position = find.uses.only_reader(holder)
    alone = position is not None and find.graph.ops[position].name == reader.name
    if scale is None or not is_unary(scale) or not alone:
        return None
    return scale


def _behind(op: Einsum, raw: Tensor, scales: list[VectorOp]) -> tuple[Einsum, VectorOp]:
    """The einsum without its scales, and the scale of its results."""
    names = {axis[0][0]: f"d{i}" for i, axis in enumerate(op.output.axes) if axis}
    axes = tuple(((names[axis[0][0]], 1),) if axis else () for axis in op.output.axes)
    output = replace(op.output, tensor=raw.name)
    scale = VectorOp(
        name=scales[0].name,
        op=scales[0].op,
        kind="mul",
        dims=tuple((names[dim], extent) for dim, extent in op.dims if dim in names),
        inputs=(replace(output, axes=axes),),
        outputs=(replace(op.output, axes=axes),),
        sources=sources_of(scales),
        loc=scales[0].loc,
    )
    return replace(op, output=output), scale
