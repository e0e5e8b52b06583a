"""Scales on the factors of a product of two activations become one scale on the product.

Exporters scale Q, K, both (by the square root) or the scores. (a Q) (b K)^T = a b (Q K^T), so all of these
are the same einsum and one multiplication: of its results, or of one factor where that is less work (fewer
features per head than tokens). Results are scaled as they are made. A factor is, too, if some op makes it for
the scale alone; else it is also read and written once more.
"""

from dataclasses import replace

from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, Op
from catx.ir.passes.pattern import Finder, is_unary
from catx.ir.passes.rewrite import is_kind, sources_of, with_ops
from catx.ir.tensor import Tensor
from catx.ir.vector_op import VectorOp


def move_scales(graph: Graph) -> Graph:
    """Move multiplications with known numbers behind the einsum that alone reads their results.

    Where that is no less work, all of them become one on the factor where it is least. What was moved may be
    a scale of another einsum's factor then, so this goes on as long as there is less to do.
    """
    while (moved := _moved_once(graph)) is not graph:
        graph = moved
    return graph


def _moved_once(graph: Graph) -> Graph:
    """Scales of all einsums moved over one of them."""
    find = Finder.of(graph)
    replaced: dict[str, tuple[Op, ...]] = {}
    gone: set[str] = set()
    tensors: list[Tensor] = []
    views: list[tuple[str, str]] = []
    for op in graph.ops:
        if not isinstance(op, Einsum) or op.fused or op.repeat > 1:
            continue
        if any(find.is_weight(factor.tensor) for factor in op.inputs):
            continue
        found = [scale for factor in op.inputs if (scale := _scale(find, op, factor.tensor))]
        scales = list({scale.name: scale for scale in found}.values())
        if not scales:
            continue
        work = {scale.name: _touched(find, scale) for scale in scales}
        least = min(scales, key=lambda scale: work[scale.name])
        if op.output.elements(op.extents) >= work[least.name]:
            moved = [scale for scale in scales if scale is not least]
            if moved:
                replaced[least.name] = (replace(least, sources=sources_of(scales)),)
        else:
            moved = scales
            raw = _unscaled(graph, op)
            tensors.append(raw)
            replaced[op.name] = _behind(op, raw, scales)
        gone |= {scale.name for scale in moved}
        views += [(scale.outputs[0].tensor, scale.inputs[0].tensor) for scale in moved]
    if not replaced:
        return graph
    kept = [op for op in graph.ops if op.name not in gone]
    ops = [new for op in kept for new in replaced.get(op.name, (op,))]
    return with_ops(graph, ops, tensors=tensors, views=views)


def _unscaled(graph: Graph, op: Einsum) -> Tensor:
    """The tensor that holds the results of an einsum before they are scaled."""
    result = graph.by_name[op.output.tensor]
    name = f"{result.name}/unscaled"
    while name in graph.by_name:
        name += "'"
    return replace(result, name=name, kind="activation")


def _scale(find: Finder, reader: Einsum, tensor: str) -> VectorOp | None:
    """The multiplication with a known number whose result (perhaps through views) only this einsum reads."""
    holder = find.graph.resolve(tensor)
    scale = find.writer(holder, "mul")
    position = find.uses.only_reader(holder)
    alone = position is not None and find.graph.ops[position].name == reader.name
    if scale is None or not is_unary(scale) or not alone:
        return None
    return scale


def _touched(find: Finder, scale: VectorOp) -> int:
    """Elements that a scale multiplies, and those that it reads and writes if no op can take it in."""
    holder = find.graph.resolve(scale.inputs[0].tensor)
    maker = find.uses.writer.get(holder)
    joins = (
        maker is not None
        and find.uses.only_reader(holder) is not None
        and not is_kind(find.graph.ops[maker], "unknown")
    )
    return scale.elements * (1 if joins else 3)


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
