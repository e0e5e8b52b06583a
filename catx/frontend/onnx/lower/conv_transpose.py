"""ConvTranspose as plain stride-1 convolutions, one einsum per distinct phase.

Output position o takes tap r of input i where o + pad = stride * i + dilation * r. All outputs with the same
(o + pad) mod stride, a phase, use the same taps, and within a phase neighbouring outputs use neighbouring
inputs: a phase is an ordinary convolution over its own taps. As there, a window that hangs over the border
counts whole; a position that no input reaches is no work, and where the input is so small that every window
hangs over, only taps on an input count.

Phases with as many taps and outputs, whose windows start at evenly spaced inputs, are one einsum with one
more dim: a transposed convolution with kernel = stride is a single matrix product. Where several einsums
write one output, each writes its phases in place, and a last op marks the tensor complete. It also fills in
what no input reaches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import gcd, prod

from catx.errors import ModelError
from catx.frontend.onnx.lower.build import Step, both, chain, contraction, elementwise, vector
from catx.frontend.onnx.lower.conv import POSITIONS, TAPS, Window, channelwise, window
from catx.frontend.onnx.lower.node import Array, Lowered, Node, ax, operand, whole
from catx.frontend.onnx.lower.registry import rule
from catx.ir.einsum import Einsum
from catx.ir.operand import Axis
from catx.ir.tensor import Tensor
from catx.ir.vector_op import VectorOp

PHASES = ("pz", "py", "px")


@dataclass(frozen=True, slots=True)
class Phase:
    """Output positions start, start + stride, ... of one axis: `count` of them, each with `taps` taps.

    The window of the first one begins at input `first` (below 0 in the padding); taps lie `step` apart.
    """

    start: int
    count: int
    taps: tuple[int, ...]
    first: int
    step: int


def phases(inputs: int, extent: int, kernel: int, stride: int, dilation: int, pad: int) -> list[Phase]:
    """The phases of one axis, without positions that no input reaches.

    Args:
        inputs: input positions.
        extent: output positions.
        kernel: taps.
        stride: output positions per input position.
        dilation: output positions per tap.
        pad: positions cut off before the first output.
    """
    result: list[Phase] = []
    common = gcd(dilation, stride)
    for start in range(min(stride, extent)):
        taps = tuple(r for r in range(kernel) if (start + pad - dilation * r) % stride == 0)
        if taps:
            count = len(range(start, extent, stride))
            first = (start + pad - dilation * taps[-1]) // stride
            result += reached(Phase(start, count, taps, first, dilation // common), inputs, stride)
    return result


def reached(phase: Phase, inputs: int, stride: int) -> list[Phase]:
    """The parts of a phase at which some of its taps lie on an input.

    Where a whole window fits into the input, that is one part with all taps. Else it is a part for each set
    of taps that lie on inputs together.
    """
    span = phase.step * (len(phase.taps) - 1)
    start, end = max(0, -phase.first - span), min(phase.count, inputs - phase.first)
    if start >= end:
        return []
    if span < inputs:
        place = phase.start + stride * start
        return [replace(phase, start=place, count=end - start, first=phase.first + start)]
    parts: list[Phase] = []
    enters = [-phase.first - phase.step * place for place in range(len(phase.taps))]
    changes = {start, end, *enters, *(enter + inputs for enter in enters)}
    for begin, stop in pairwise(sorted(at for at in changes if start <= at <= end)):
        on = [place for place, enter in enumerate(enters) if enter <= begin < enter + inputs]
        if on:
            taps = tuple(phase.taps[-1 - place] for place in reversed(on))
            first = phase.first + begin + phase.step * on[0]
            parts.append(Phase(phase.start + stride * begin, stop - begin, taps, first, phase.step))
    return parts


def grouped(all_phases: list[Phase]) -> list[list[Phase]]:
    """Phases that one einsum can do: equal counts and taps, windows that start at evenly spaced inputs.

    Within a group the windows go forward with the phase; phases are taken in the order of their windows.
    """
    groups: list[list[Phase]] = []
    for phase in sorted(all_phases, key=lambda p: (p.first, p.start)):
        for group in groups:
            alike = (group[0].count, len(group[0].taps)) == (phase.count, len(phase.taps))
            gap = phase.first - group[-1].first
            if alike and (len(group) == 1 or group[1].first - group[0].first == gap):
                group.append(phase)
                break
        else:
            groups.append([phase])
    return groups


def padding(node: Node, size: Window, x: Array, out: Array) -> list[int]:
    """Padding before the first output of each spatial axis, however the node states it."""
    rank = len(size.kernel)
    extra = node.ints("output_padding", [0] * rank)
    auto = node.text("auto_pad", "NOTSET")
    if auto in ("NOTSET", "VALID") and not node.ints("output_shape", []):
        pads = node.ints("pads", [0] * (2 * rank))
        if len(pads) != 2 * rank:
            raise ModelError(f"{len(pads)} pads of {rank} spatial axes", loc=node.loc)
        return pads[:rank]
    asked = bool(node.ints("output_shape", []))
    begin: list[int] = []
    for i in range(rank):
        full = (
            size.strides[i] * (x.shape[2 + i] - 1) + extra[i] + (size.kernel[i] - 1) * size.dilations[i] + 1
        )
        if asked and out.shape[2 + i] > full:
            raise ModelError(
                f"output_shape {node.ints('output_shape', [])} of ConvTranspose asks for {out.shape[2 + i]} "
                f"positions on spatial axis {i}; its input, weights, strides, dilations and output_padding "
                f"make {full}",
                loc=node.loc,
                hint="padding cannot be negative: lower output_shape, or raise output_padding",
            )
        total = max(0, full - out.shape[2 + i])
        begin.append(total - total // 2 if auto == "SAME_LOWER" else total // 2)
    return begin


@rule("ConvTranspose")
def conv_transpose(node: Node) -> Lowered:
    """One einsum per group of phases, each with its bias; what no input reaches holds it alone, or 0."""
    x, w, out = node.value(0), node.value(1), node.out()
    size = window(node, x, w, transposed=True)
    pads = padding(node, size, x, out)
    axes = zip(x.shape[2:], out.shape[2:], size.kernel, size.strides, size.dilations, pads, strict=True)
    choices = list(product(*(grouped(phases(*sizes)) for sizes in axes)))
    steps = [Step("add", "bias", (channelwise(node, 2),))] if node.has(2) else []
    if not choices:
        return Lowered(ops=(elementwise(node, "copy", [step.extra[0] for step in steps], out),))
    rest = prod(out.shape[2:]) - sum(prod(_extents(groups)) for groups in choices)
    if len(choices) == 1 and not rest:
        groups = choices[0]
        return chain(node, lambda raw: phase_einsum(node, size, groups, raw), steps, out)
    made: list[Lowered] = []
    parts: list[Tensor] = []
    for number, groups in enumerate(choices):
        shape = (*out.shape[:2], *_extents(groups))
        part = node.temp(f"phase{number}", shape, out.dtype)
        parts.append(part)
        made.append(_phase_with_bias(node, size, groups, part, number))
    return both(*made, Lowered(ops=(_join(node, parts, rest),), tensors=tuple(parts)))


def _join(node: Node, parts: Sequence[Tensor], rest: int) -> VectorOp:
    """What marks the output complete, and fills in the bias (or 0) at `rest` positions that no input reaches.

    The parts stand where they belong: they are not touched.
    """
    out = node.out()
    done = [whole(part, 0) for part in parts]
    if not rest:
        return vector(node, "join", {}, done, [whole(out, 0)], part="join")
    dims = {"n": out.shape[0], "c": out.shape[1], "e": rest}
    bias = [operand(node.value(2), *ax("c"))] if node.has(2) else []
    write = operand(out, *ax("n", "c", "e"), *([()] * (len(out.shape) - 3)))
    return vector(node, "copy", dims, [*bias, *done], [write], part="join")


def _extents(groups: tuple[list[Phase], ...]) -> tuple[int, ...]:
    """Output positions of some phases along each axis."""
    return tuple(sum(phase.count for phase in group) for group in groups)


def _phase_with_bias(
    node: Node, size: Window, groups: tuple[list[Phase], ...], part: Tensor, number: int
) -> Lowered:
    """The einsum of one group of phases that is not the only one."""
    if not node.has(2):
        return Lowered(ops=(phase_einsum(node, size, groups, part, f"phase{number}"),))
    raw = node.temp(f"phase{number}.raw", part.shape, part.dtype)
    product_ = phase_einsum(node, size, groups, raw, f"phase{number}")
    bias = elementwise(node, "add", [raw, channelwise(node, 2)], part, part=f"phase{number}.bias")
    return Lowered(ops=(product_, bias), tensors=(raw,))


def phase_einsum(
    node: Node, size: Window, groups: tuple[list[Phase], ...], out: Array, part: str = ""
) -> Einsum:
    """A stride-1 convolution over the taps of some phases, with a dim per axis that has several phases."""
    x, w = node.value(0), node.value(1)
    rank = len(groups)
    positions, taps, several = POSITIONS[-rank:], TAPS[-rank:], PHASES[-rank:]
    dims = {"n": x.shape[0], "g": size.groups, "f": size.filters, "c": size.channels}
    x_axes: list[Axis] = [*ax("n"), (("g", size.channels), ("c", 1))]
    w_axes: list[Axis] = [(("g", size.channels), ("c", 1)), *ax("f")]
    out_axes: list[Axis] = [*ax("n"), (("g", size.filters), ("f", 1))]
    for group, y, r, p in zip(groups, positions, taps, several, strict=True):
        gap = group[1].first - group[0].first if len(group) > 1 else 0
        dims |= {y: group[0].count, r: len(group[0].taps), p: len(group)}
        x_axes.append(((y, 1), (r, group[0].step), *(((p, gap),) if gap else ())))
        w_axes += ax(p, r)
        out_axes += ax(y, p)
    factors = (operand(x, *x_axes), operand(w, *w_axes))
    return contraction(node, dims, factors, operand(out, *out_axes), part=part)
