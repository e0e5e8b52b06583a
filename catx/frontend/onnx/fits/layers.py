"""Convolutions, matrix products and norms: do weights, biases and scales fit what they work on?"""

from catx.frontend.onnx.call import Call
from catx.frontend.onnx.fits.expect import (
    broadcasts,
    has_shape,
    integer,
    integers,
    known_shapes,
    misfit,
    per_channel,
)


def conv(call: Call) -> None:
    """Conv, ConvInteger, FusedConv: x, weights, bias."""
    _convolution(call, weights=1, bias=None if call.op == "ConvInteger" else 2)
    if call.op == "ConvInteger" and (found := known_shapes(call, 1)):
        per_channel(call, 3, "the zero point of weights", found[0][0] if found[0] else 1, "output channel")


def qlinear_conv(call: Call) -> None:
    """QLinearConv: x, weights and the result with their scales and zero points, bias."""
    _convolution(call, weights=3, bias=8)
    if found := known_shapes(call, 3):
        for place, role in ((4, "the scale of weights"), (5, "the zero point of weights")):
            per_channel(call, place, role, found[0][0] if found[0] else 1, "output channel")


def _convolution(call: Call, weights: int, bias: int | None) -> None:
    found = known_shapes(call, 0, weights)
    if found is None or len(found[0]) != len(found[1]) or len(found[0]) < 3:
        return
    (x, w), groups = found, integer(call, "group", 1)
    if groups < 1 or w[0] % groups:
        raise misfit(call, weights, "weights", f"a multiple of group = {groups} output channels (axis 0)")
    if w[1] * groups != x[1]:
        parts = f", in {groups} groups of {w[1]}" if groups > 1 else ""
        raise misfit(call, 0, "x", f"{w[1] * groups} channels (axis 1), as its weights {list(w)} take{parts}")
    if bias is not None:
        has_shape(call, bias, "bias", [(w[0],)], "one number per output channel")
    _window_fits(call, x, w)


def _window_fits(call: Call, x: tuple[int, ...], w: tuple[int, ...]) -> None:
    """Refuse a window that is larger than the padded input, which has no place in it."""
    rank = len(x) - 2
    if call.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or 0 in x:
        return
    pads = integers(call, "pads", [0] * (2 * rank))
    dilations = integers(call, "dilations", [1] * rank)
    for axis in range(rank):
        padded = x[2 + axis] + pads[axis] + pads[rank + axis]
        span = (w[2 + axis] - 1) * dilations[axis] + 1
        if padded < span:
            raise misfit(
                call, 0, "x", f"at least {span} positions on axis {2 + axis}, padding included: its window"
            )


def conv_transpose(call: Call) -> None:
    """ConvTranspose: x, weights (input channels first), bias."""
    found = known_shapes(call, 0, 1)
    if found is None or len(found[0]) != len(found[1]) or len(found[0]) < 3:
        return
    (x, w), groups = found, integer(call, "group", 1)
    if w[0] != x[1]:
        raise misfit(call, 0, "x", f"{w[0]} channels (axis 1), as its weights {list(w)} take")
    if groups < 1 or w[0] % groups:
        raise misfit(call, 1, "weights", f"a multiple of group = {groups} input channels (axis 0)")
    has_shape(call, 2, "bias", [(w[1] * groups,)], "one number per output channel")


def gemm(call: Call) -> None:
    """Gemm, FusedGemm: the bias broadcasts to the product."""
    found = known_shapes(call, 0, 1)
    if found and all(len(shape) == 2 for shape in found):
        rows = found[0][1 if integer(call, "transA", 0) else 0]
        columns = found[1][0 if integer(call, "transB", 0) else 1]
        broadcasts(call, 2, "C", (rows, columns), "the product")


def qgemm(call: Call) -> None:
    """QGemm: factors with scale and zero point each, bias."""
    found = known_shapes(call, 0, 3)
    if found and all(len(shape) == 2 for shape in found):
        rows = found[0][1 if integer(call, "transA", 0) else 0]
        columns = found[1][0 if integer(call, "transB", 0) else 1]
        per_channel(call, 4, "the scale of b", columns, "column")
        per_channel(call, 5, "the zero point of b", columns, "column")
        broadcasts(call, 6, "C", (rows, columns), "the product")


def layer_norm(call: Call) -> None:
    """LayerNormalization, RMSNormalization: scale and bias broadcast to x."""
    if found := known_shapes(call, 0):
        broadcasts(call, 1, "scale", found[0], "x")
        if call.op == "LayerNormalization":
            broadcasts(call, 2, "bias", found[0], "x")


def skip_layer_norm(call: Call) -> None:
    """x, what is added to it, and vectors over its last axis."""
    found = known_shapes(call, 0)
    if not found or not found[0]:
        return
    roles = ["gamma", "beta", "bias"] if call.op == "SkipLayerNormalization" else ["gamma", "bias"]
    broadcasts(call, 1, "skip", found[0], "x")
    for place, role in enumerate(roles, 2):
        has_shape(call, place, role, [found[0][-1:]], "one number per place of the last axis")


def channel_vectors(call: Call) -> None:
    """BatchNormalization, InstanceNormalization: vectors over the channels."""
    found = known_shapes(call, 0)
    if found and len(found[0]) > 1:
        roles = ("scale", "bias", "mean", "variance")
        for place in range(1, min(len(roles) + 1, len(call.node.input))):
            has_shape(call, place, roles[place - 1], [(found[0][1],)], "one number per channel")


def group_norm(call: Call) -> None:
    """Scale and bias over channels; up to opset 20 over groups."""
    found = known_shapes(call, 0)
    if not found or len(found[0]) < 2:
        return
    microsoft = bool(call.node.domain)
    last = microsoft and integer(call, "channels_last", 1)
    channels = found[0][-1 if last else 1]
    groups = integer(call, "groups" if microsoft else "num_groups", 1)
    if groups < 1 or channels % groups:
        raise misfit(call, 0, "x", f"a multiple of {groups} channels, its number of groups")
    options = [(channels,)] if microsoft else [(channels,), (groups,)]
    for place, role in ((1, "scale"), (2, "bias")):
        has_shape(call, place, role, options, "one number per channel" + ("" if microsoft else " or group"))


def prelu(call: Call) -> None:
    """PRelu: the slope broadcasts to x."""
    if found := known_shapes(call, 0):
        broadcasts(call, 1, "slope", found[0], "x")


def clip(call: Call) -> None:
    """Clip: its bounds are single numbers."""
    for place, role in ((1, "min"), (2, "max")):
        has_shape(call, place, role, [(), (1,)], "a single number")
