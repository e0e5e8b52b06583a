"""Axes of a factor that its reader sums over, and where axes go on the way there through views."""

from catx.frontend.onnx.lower.einsum import labels_of
from catx.frontend.onnx.lower.views import PASS_THROUGH
from catx.frontend.onnx.resolved import ResolvedNode
from catx.ir.relabel import reshaped_axes

Shape = tuple[int, ...]


def contracted(node: ResolvedNode, index: int, shapes: tuple[Shape, ...]) -> frozenset[int]:
    """Axes of input `index` that an operator sums over; a lookup sums over none.

    Args:
        node: a node of `absorb.FACTORS`.
        index: which of its inputs.
        shapes: the shapes of all its inputs.
    """
    rank, op = len(shapes[index]), node.op_type
    if op == "Gather":
        return frozenset()
    if op in ("Conv", "FusedConv", "ConvTranspose"):
        return _of_convolution(node, index, shapes)
    if op == "Einsum":
        return _of_equation(node, index, shapes)
    if op == "Attention" and not node.domain:
        return frozenset(((1 if rank == 3 else 2) if index == 2 else rank - 1,))
    if op in ("LSTM", "GRU", "RNN"):
        return frozenset((rank - 1,))
    first = rank - 1 if index == 0 else max(rank - 2, 0)
    other = max(rank - 2, 0) if index == 0 else rank - 1
    return frozenset((other if node.attributes.get(("transA", "transB")[index], 0) else first,))


def _of_convolution(node: ResolvedNode, index: int, shapes: tuple[Shape, ...]) -> frozenset[int]:
    """Channels, unless each is a group of its own, and whatever lies under the window."""
    rank = len(shapes[index])
    by_channel = shapes[0][1:2] == (node.attributes.get("group", 1),)
    if index == 0:
        return frozenset(range(1 + by_channel, rank))
    space = frozenset(range(2, rank))
    if node.op_type == "ConvTranspose":
        return space if by_channel else space | {0}
    return space | {1}


def _of_equation(node: ResolvedNode, index: int, shapes: tuple[Shape, ...]) -> frozenset[int]:
    inputs, output = labels_of(str(node.attributes.get("equation", "")), shapes, node.loc)
    return frozenset(axis for axis, label in enumerate(inputs[index]) if label not in output)


def axes_behind(node: ResolvedNode, axes: frozenset[int], old: Shape, new: Shape) -> frozenset[int]:
    """Axes of a view along which those of the tensor behind it run; extents of 1 have none."""
    assert node.op_type in PASS_THROUGH, node.op_type
    if node.op_type == "Transpose":
        order = node.attributes.get("perm") or range(len(old))[::-1]
        return frozenset(axis for axis, source in enumerate(order) if source in axes)
    if node.op_type in ("Slice", "Split"):
        return axes
    if node.op_type == "Expand":
        return frozenset(axis + len(new) - len(old) for axis in axes)
    return reshaped_axes(axes, old, new)
