"""Whether the scales of a converted weight can join those of the results that einsums make of it."""

from catx.ir.graph import Graph, Op
from catx.ir.operand import Operand
from catx.ir.relabel import reshaped_axes
from catx.ir.vector_op import VectorOp

Readers = dict[str, tuple[list[Op], list[str]]]
"""By tensor: the ops that read it by its own name, and its views."""


def joins_results(graph: Graph, readers: Readers, conversion: VectorOp) -> bool:
    """Whether no scale of a conversion differs along an axis that an einsum contracts.

    All that reads its result are einsums, views and transposes (see `fold_constants.factors`). Axes are
    followed through all of them; where that fails, the answer is no.
    """
    result = conversion.outputs[0]
    by_scale = {dim for operand in conversion.inputs[1:] for dim in operand.dims}
    if not by_scale:
        return True
    todo = [(result.tensor, _axes_of(result, by_scale))]
    while todo:
        name, axes = todo.pop()
        shape = graph.by_name[name].shape
        ops, views = readers.get(name, ([], []))
        for view in views:
            new = graph.by_name[view].shape
            if graph.by_name[view].elements == graph.by_name[name].elements:
                todo.append((view, reshaped_axes(axes, shape, new)))
            elif len(new) == len(shape):
                todo.append((view, axes))
            else:
                return False
        for op in ops:
            for operand in (o for o in op.inputs if o.tensor == name):
                if len(operand.axes) != len(shape):
                    return False
                dims = {dim for axis in axes for dim, _ in operand.axes[axis]}
                if isinstance(op, VectorOp):
                    todo.append((op.outputs[0].tensor, _axes_of(op.outputs[0], dims)))
                elif not dims.isdisjoint(op.contracted):
                    return False
    return True


def _axes_of(operand: Operand, dims: set[str]) -> frozenset[int]:
    """Axes of an operand that follow some dims."""
    return frozenset(i for i, axis in enumerate(operand.axes) if any(dim in dims for dim, _ in axis))
