"""Products and conversions of tensors that are quantized in blocks, each with a scale of its own."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from catx.frontend.onnx.lower.absorb import BLOCKS, Blocks
from catx.frontend.onnx.lower.build import Step, both, box, chain, points, vector
from catx.frontend.onnx.lower.node import Array, Lowered, Node, ax, operand
from catx.ir.einsum import Einsum
from catx.ir.operand import Axis, Operand
from catx.ir.vector_op import VectorOp


def absorbed_blocks(node: Node) -> Blocks | None:
    """The blocks of a factor that a node reads before its conversion."""
    blocks = node.raw.attributes.get(BLOCKS)
    return blocks if isinstance(blocks, Blocks) else None


def block_product(
    node: Node, product: Callable[[Array], Einsum], steps: Sequence[Step], out: Array
) -> Lowered:
    """A product, where its second factor is quantized in blocks their scales, and the steps behind it."""
    blocks = absorbed_blocks(node)
    if blocks is None:
        return chain(node, product, steps, out)
    tables = [node.values[name] for name in (blocks.scale, blocks.zero) if name]
    shape = (out.shape[-1], blocks.count)
    sums = node.temp("sums", out.shape, out.dtype)
    first = Lowered(ops=(product(sums),), tensors=(sums,))
    given = [replace(table, shape=shape) for table in tables]
    return both(first, chain(node, lambda raw: block_scales(node, given, sums, raw), steps, out))


def block_scales(node: Node, tables: Sequence[Array], sums: Array, out: Array) -> VectorOp:
    """A dequantize op at every (result, block) that reads tables of shape (columns, blocks).

    The sums of each block are multiplied by its scale as they come, less its zero point times the sum of the
    inputs: lane work per result and block, which reads every scale and zero point.
    """
    blocks = tables[0].shape[1]
    dims = box(out.shape) | ({"b": blocks} if blocks > 1 else {})
    column = f"d{len(out.shape) - 1}"
    rows_of = (((column, 1),) if out.shape[-1] > 1 else (), (("b", 1),) if blocks > 1 else ())
    whole = points(out.shape)
    reads = [operand(sums, *whole), *(operand(table, *rows_of) for table in tables)]
    return vector(node, "dequantize", dims, reads, [operand(out, *whole)], part="scale")


def block_conversion(node: Node, kind: str, blocks: Blocks) -> VectorOp:
    """A conversion of a whole tensor that reads the scale (and zero point) of every block."""
    x, out = node.value(0), node.out()
    return _by_block(node, kind, (x, out), (blocks, blocks.axis), points(x.shape))


def block_rows(node: Node, raw: Array, out: Array, blocks: Blocks) -> VectorOp:
    """The conversion of rows that were looked up in a table whose rows are quantized in blocks."""
    return _by_block(node, "dequantize", (raw, out), (blocks, len(out.shape) - 1), points(out.shape))


def _by_block(
    node: Node, kind: str, arrays: tuple[Array, Array], place: tuple[Blocks, int], axes: Sequence[Axis]
) -> VectorOp:
    x, out = arrays
    blocks, axis = place
    size = -(-x.shape[axis] // blocks.count)
    dims: dict[str, int] = {}
    for i, extent in enumerate(x.shape):
        dims |= {"b": blocks.count, "e": size} if i == axis else {f"d{i}": extent} if extent != 1 else {}
    whole = (*axes[:axis], (("b", size), ("e", 1)), *axes[axis + 1 :])
    of_block = (*axes[:axis], *ax("b"), *axes[axis + 1 :])
    tables: list[Operand] = [
        operand(node.values[name], *of_block) for name in (blocks.scale, blocks.zero) if name
    ]
    return vector(node, kind, dims, [operand(x, *whole), *tables], [operand(out, *whole)])
