"""Operators that move nothing: their output is their input seen differently."""

from collections.abc import Sequence
from math import prod

import numpy as np

from catx.frontend.onnx.lower.build import elementwise, vector
from catx.frontend.onnx.lower.layout import expanded, is_plain, permuted, reshaped, sliced
from catx.frontend.onnx.lower.node import Lowered, Node, operand
from catx.frontend.onnx.lower.registry import rule
from catx.frontend.onnx.resolved import Value

PASS_THROUGH = frozenset(
    {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity", "Transpose", "Slice", "Split", "Expand"}
)
"""Operators through which a quantized tensor stays quantized (the first input is the data)."""


@rule("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshape(node: Node) -> Lowered:
    """Same data in another shape.

    Where that cuts through a broadcast, readers are charged for the data as if it had been written out.
    """
    layout = reshaped(node.layout(node.value(0).name), node.out().shape)
    written_out = ", read as if its broadcast were written out" if layout is None else ""
    return node.view(node.value(0), f"same data in another shape{written_out}", layout)


@rule("Identity")
def identity(node: Node) -> Lowered:
    """Same data under another name."""
    return node.view(node.value(0), "same data under another name", node.layout(node.value(0).name))


@rule("Dropout")
def dropout(node: Node) -> Lowered:
    """Does nothing in inference."""
    training = node.const(2) if node.has(2) else None
    if node.has(2) and (training is None or bool(np.asarray(training).ravel()[0])):
        raise node.unsupported("training mode")
    if node.wants(1):
        raise node.unsupported("its mask is read")
    return node.view(node.value(0), "dropout does nothing in inference", node.layout(node.value(0).name))


@rule("Transpose")
def transpose(node: Node) -> Lowered:
    """A new order of axes: free if only unit axes move, else an op that a pass may turn into a view."""
    source, out = node.value(0), node.out()
    rank = len(source.shape)
    perm = node.ints("perm", list(range(rank))[::-1])
    if sorted(perm) != list(range(rank)):
        raise node.unsupported(f"perm {perm} of {rank} axes")
    layout = permuted(node.layout(source.name), perm)
    moved = [axis for axis in perm if source.shape[axis] != 1]
    if moved == sorted(moved):
        return node.view(source, "only axes of extent 1 move", layout)
    dims = {f"d{i}": extent for i, extent in enumerate(source.shape) if extent != 1}
    terms = tuple(((f"d{i}", 1),) if extent != 1 else () for i, extent in enumerate(source.shape))
    op = vector(
        node, "transpose", dims, [operand(source, *terms)], [operand(out, *(terms[axis] for axis in perm))]
    )
    return Lowered(ops=(op,), layouts=() if is_plain(layout) else ((out.name, layout),))


@rule("Slice")
def slice_(node: Node) -> Lowered:
    """A part of the data."""
    return part_of(node, node.value(0), [node.out()])


@rule("Split")
def split(node: Node) -> Lowered:
    """Several parts of the data."""
    return part_of(node, node.value(0), node.results())


def part_of(node: Node, source: Value, outputs: Sequence[Value]) -> Lowered:
    """Outputs that are slices of one tensor: readers touch only what they read."""
    layout = node.layout(source.name)
    layouts = [(out.name, sliced(layout, out.shape)) for out in outputs if len(out.shape) == len(layout)]
    return Lowered(
        views=tuple((out.name, source.name) for out in outputs),
        layouts=tuple((name, layout) for name, layout in layouts if not is_plain(layout)),
        free="a part of the data, which readers address",
    )


@rule("Expand")
def expand(node: Node) -> Lowered:
    """The data again and again: readers read the small tensor. The user gets the large one, written out."""
    source, out = node.value(0), node.out()
    if out.name in node.shown and prod(source.shape) < prod(out.shape):
        return Lowered(ops=(elementwise(node, "copy", [source], out),))
    return node.view(
        source, "broadcast: readers read the small tensor", expanded(node.layout(source.name), out.shape)
    )
