"""Conv in all forms: dims n (batch), g (groups), f and c (channels per group), z y x, and taps t r s.

Padding needs no arithmetic here: the input axis spans the padded extent that the outputs touch.
"""

from dataclasses import dataclass, replace
from functools import partial

from catx.errors import ModelError
from catx.frontend.onnx.lower.activation import activation_kind
from catx.frontend.onnx.lower.build import Step, chain, contraction
from catx.frontend.onnx.lower.node import Array, Lowered, Node, ax, operand
from catx.frontend.onnx.lower.registry import MICROSOFT, rule
from catx.ir.einsum import Einsum
from catx.ir.operand import Axis

POSITIONS, TAPS = ("z", "y", "x"), ("t", "r", "s")


@dataclass(frozen=True, slots=True)
class Window:
    """Sizes of a convolution: channels per group, strides and dilations per spatial axis."""

    groups: int
    filters: int
    channels: int
    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]


def window(node: Node, x: Array, w: Array, *, transposed: bool = False) -> Window:
    """Sizes from shapes and attributes, checked against each other."""
    rank = len(x.shape) - 2
    if rank < 1 or len(w.shape) != len(x.shape):
        raise ModelError(f"{node.raw.op_type} of shapes {x.shape} and {w.shape}", loc=node.loc)
    if rank > 3:
        raise node.unsupported(f"{rank} spatial axes")
    groups = node.integer("group", 1)
    channels = w.shape[0] if transposed else w.shape[1] * groups
    filters = w.shape[1] * groups if transposed else w.shape[0]
    if groups < 1 or channels != x.shape[1] or filters % groups or channels % groups:
        raise ModelError(
            f"{x.shape[1]} input channels do not fit weights {w.shape} in {groups} groups", loc=node.loc
        )
    strides, dilations = node.ints("strides", [1] * rank), node.ints("dilations", [1] * rank)
    if len(strides) != rank or len(dilations) != rank or min(*strides, *dilations) < 1:
        raise ModelError(f"strides {strides} and dilations {dilations} of {rank} axes", loc=node.loc)
    return Window(
        groups, filters // groups, channels // groups, w.shape[2:], tuple(strides), tuple(dilations)
    )


def conv_einsum(node: Node, x: Array, w: Array, out: Array) -> Einsum:
    """The einsum of a convolution."""
    size = window(node, x, w)
    rank = len(size.kernel)
    positions, taps = POSITIONS[-rank:], TAPS[-rank:]
    dims = {"n": x.shape[0], "g": size.groups, "f": size.filters, "c": size.channels}
    dims |= dict(zip(positions, out.shape[2:], strict=True))
    dims |= dict(zip(taps, size.kernel, strict=True))
    halo: list[Axis] = [
        ((position, stride), (tap, dilation))
        for position, tap, stride, dilation in zip(positions, taps, size.strides, size.dilations, strict=True)
    ]
    x_axes = (*ax("n"), (("g", size.channels), ("c", 1)), *halo)
    w_axes = ((("g", size.filters), ("f", 1)), *ax("c", *taps))
    out_axes = (*ax("n"), (("g", size.filters), ("f", 1)), *ax(*positions))
    return contraction(node, dims, (operand(x, *x_axes), operand(w, *w_axes)), operand(out, *out_axes))


@rule("Conv", "ConvInteger")
@rule("Conv", "FusedConv", domain=MICROSOFT)
def conv(node: Node) -> Lowered:
    """A convolution, its bias, and in the fused form an added tensor and an activation."""
    integer = node.raw.op_type == "ConvInteger"
    steps: list[Step] = []
    if not integer and node.has(2):
        steps.append(Step("add", "bias", (channelwise(node, 2),)))
    if not integer and node.has(3):
        steps.append(Step("add", "sum", (node.value(3),)))
    if activation := node.text("activation", ""):
        steps.append(Step(activation_kind(node, activation), "activation"))
    return chain(node, partial(conv_einsum, node, node.value(0), node.value(1)), steps, node.out())


def channelwise(node: Node, index: int) -> Array:
    """A vector over channels, shaped so that it broadcasts to (batch, channels, ...)."""
    value = node.value(index)
    rank = len(node.out().shape)
    if len(value.shape) != 1:
        raise ModelError(f"a bias of shape {value.shape}", loc=node.loc)
    return replace(value, shape=value.shape + (1,) * (rank - 2))
