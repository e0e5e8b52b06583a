"""Lookups: what is gathered is read, not the table. A lookup of known neighbouring rows is a view."""

from math import prod

import numpy as np

from catx.frontend.onnx.lower.absorb import Blocks
from catx.frontend.onnx.lower.blocks import absorbed_blocks, block_rows
from catx.frontend.onnx.lower.build import box, coordinates, elementwise, points, vector
from catx.frontend.onnx.lower.node import Array, Lowered, Node, operand, whole
from catx.frontend.onnx.lower.registry import rule
from catx.frontend.onnx.lower.views import part_of
from catx.ir.operand import Operand
from catx.ir.vector_op import VectorOp


@rule("Gather")
def gather(node: Node) -> Lowered:
    """Rows of a table at computed places, or a slice where the places are known and evenly spaced."""
    indices = node.value(1)
    known = node.const(1)
    converted = node.value(0).dtype != node.out().dtype
    if known is not None and not converted and _evenly_spaced(np.asarray(known)):
        return part_of(node, node.value(0), [node.out()])
    axis = node.axis(default=0)
    places = {f"d{axis + i}": extent for i, extent in enumerate(indices.shape)}
    return _lookup(node, [operand(indices, *(((n, 1),) if size != 1 else () for n, size in places.items()))])


def _evenly_spaced(places: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]") -> bool:
    """Whether places are a single one or go up in equal steps."""
    if places.ndim > 1:
        return False
    steps = np.diff(np.atleast_1d(places))
    return bool(places.size <= 1 or (steps[0] > 0 and (steps == steps[0]).all()))


def _lookup(node: Node, indices: list[Operand]) -> Lowered:
    """One read of the table and of the index per output element; quantized tables are converted after."""
    table, out = node.value(0), node.out()
    reads = [operand(table, *points(out.shape)), *indices]

    def lookup(to: Array, part: str = "") -> VectorOp:
        return vector(node, "gather", box(out.shape), reads, [operand(to, *points(out.shape))], part=part)

    if table.dtype == out.dtype:
        return Lowered(ops=(lookup(out),))
    raw = node.temp("quantized", out.shape, table.dtype)
    blocks = absorbed_blocks(node)
    if blocks and not blocks.single:
        conversion = block_rows(node, raw, out, blocks)
    elif blocks:
        conversion = _by_index(node, raw, out, blocks)
    else:
        conversion = elementwise(node, "dequantize", [raw], out)
    ops = (lookup(raw, "lookup"), conversion)
    return Lowered(ops=ops, tensors=(raw,))


def _by_index(node: Node, raw: Array, out: Array, blocks: Blocks) -> VectorOp:
    """The conversion of what was looked up in a table with a scale for each index along an axis.

    Along the axis of the lookup, the scales are those of the rows that were looked up.
    """
    (along,), axis, wide = blocks.along, node.axis(default=0), len(node.shape(1))
    first = along if along <= axis else along + wide - 1
    places = points(out.shape)[first : first + (wide if along == axis else 1)]
    tables = [operand(node.values[name], *places) for name in (blocks.scale, blocks.zero) if name]
    axes = points(out.shape)
    return vector(node, "dequantize", box(out.shape), [operand(raw, *axes), *tables], [operand(out, *axes)])


@rule("GatherElements")
def gather_elements(node: Node) -> Lowered:
    """One place per output element."""
    return _lookup(node, [operand(node.value(1), *points(node.out().shape))])


@rule("GatherND")
def gather_nd(node: Node) -> Lowered:
    """Slices of a table; the last axis of the indices is a place in it."""
    indices, out = node.value(1), node.out()
    known = node.const(1)
    if known is not None and prod(indices.shape[:-1]) == 1:
        return part_of(node, node.value(0), [out])
    return _lookup(node, coordinates(indices, points(indices.shape[:-1])))


@rule("ScatterElements", "ScatterND", "Scatter")
def scatter(node: Node) -> Lowered:
    """A copy of the data, then updates written at computed places."""
    data, indices, updates, out = node.value(0), node.value(1), node.value(2), node.out()
    copied = node.temp("data", data.shape, data.dtype)
    copy = elementwise(node, "copy", [data], copied, part="data")
    by_element = node.raw.op_type != "ScatterND"
    reads = [
        operand(updates, *points(updates.shape)),
        *(
            [operand(indices, *points(indices.shape))]
            if by_element
            else coordinates(indices, points(indices.shape[:-1]))
        ),
        whole(copied, 0),
    ]
    box_ = box(updates.shape)
    write = operand(out, *points(updates.shape))
    return Lowered(ops=(copy, vector(node, "scatter", box_, reads, [write])), tensors=(copied,))
