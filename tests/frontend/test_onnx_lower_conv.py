from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator

from catx.costmodel.vector_cost import vector_cost
from catx.errors import ModelError
from catx.frontend.hardware import load_accelerator
from catx.frontend.onnx.lower.conv_transpose import Phase, grouped, phases
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.pipeline import run as run_passes
from catx.ir.vector_op import VectorOp
from tests.frontend.interpreter import run
from tests.frontend.resolved_models import Of, einsums, footprints, kinds, lowered, node, weight

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """A convolution in one to three dims; `attributes` as ONNX has them."""

    x: tuple[int, ...]
    w: tuple[int, ...]
    attributes: dict[str, object]

    def arrays(self) -> tuple[Array, Array]:
        rng = np.random.default_rng(0)
        return rng.integers(-4, 5, self.x).astype(float), rng.integers(-4, 5, self.w).astype(float)

    def ints(self, name: str) -> list[int]:
        values = self.attributes[name]
        assert isinstance(values, list)
        return values


def gathered(layer: Layer, x: Array, w: Array) -> Array:
    """Conv as ONNX defines it."""
    made = helper.make_node("Conv", ["x", "w"], ["y"], **layer.attributes)
    (y,) = ReferenceEvaluator(made).run(None, {"x": x, "w": w})
    return np.asarray(y)


def scattered(layer: Layer, x: Array, w: Array) -> Array:
    """ConvTranspose as ONNX defines it: every input adds its taps (onnx.reference has no groups)."""
    groups, rank = int(str(layer.attributes["group"])), x.ndim - 2
    strides, dilations, pads = layer.ints("strides"), layer.ints("dilations"), layer.ints("pads")
    extra = layer.ints("output_padding")
    full = [
        s * (i - 1) + (k - 1) * d + 1 + e
        for s, i, k, d, e in zip(strides, x.shape[2:], w.shape[2:], dilations, extra, strict=True)
    ]
    xs = x.reshape(x.shape[0], groups, -1, *x.shape[2:])
    ws = w.reshape(groups, -1, *w.shape[1:])
    y = np.zeros((x.shape[0], groups, w.shape[1], *full))
    for taps in product(*(range(k) for k in w.shape[2:])):
        part = np.einsum("ngc...,gcf->ngf...", xs, ws[(slice(None), slice(None), slice(None), *taps)])
        places = tuple(
            slice(r * d, r * d + (i - 1) * s + 1, s)
            for r, d, i, s in zip(taps, dilations, x.shape[2:], strides, strict=True)
        )
        y[(slice(None), slice(None), slice(None), *places)] += part
    cut = tuple(slice(pads[i], full[i] - pads[rank + i]) for i in range(rank))
    return y.reshape(x.shape[0], -1, *full)[(slice(None), slice(None), *cut)]


@st.composite
def layers(draw: st.DrawFn, transposed: bool = False) -> Layer:
    rank = draw(st.integers(1, 2 if transposed else 3))
    groups, f, c, n = (draw(st.integers(1, 2)) for _ in range(4))
    kernel = [draw(st.integers(1, 4 if transposed else 3)) for _ in range(rank)]
    strides = [draw(st.integers(1, 3)) for _ in range(rank)]
    dilations = [draw(st.integers(1, 2)) for _ in range(rank)]
    pads = [draw(st.integers(0, 1)) for _ in range(2 * rank)]
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    if transposed:
        size = [draw(st.integers(1, 4)) for _ in range(rank)]
        extra = [draw(st.integers(0, 3)) for _ in strides]
        pads = [min(p, span - 1) for p, span in zip(pads, spans * 2, strict=True)]
        pads[rank:] = [p if i > 1 else 0 for p, i in zip(pads[rank:], size, strict=True)]
    else:
        size = [span + draw(st.integers(0, 4)) for span in spans]
    attributes = {
        "group": groups,
        "kernel_shape": kernel,
        "strides": strides,
        "dilations": dilations,
        "pads": pads,
    }
    if transposed:
        attributes["output_padding"] = extra
    w = (groups * c, f, *kernel) if transposed else (groups * f, c, *kernel)
    return Layer((n, groups * c, *size), w, attributes)


def conv_graph(layer: Layer, y: tuple[int, ...], op: str = "Conv") -> list[Einsum]:
    tensors = {"x": layer.x, "w": weight(*layer.w), "y": y}
    return einsums(lowered(node(op, "x w", "y", **layer.attributes), tensors))


@settings(max_examples=60)
@given(layer=layers())
def test_conv_equals_reference(layer: Layer) -> None:
    x, w = layer.arrays()
    expected = gathered(layer, x, w)
    (einsum,) = conv_graph(layer, expected.shape)
    pads = layer.ints("pads")
    rank = len(pads) // 2
    padded = np.pad(x, [(0, 0), (0, 0), *zip(pads[:rank], pads[rank:], strict=True)])
    np.testing.assert_allclose(run(einsum, padded, w).reshape(expected.shape), expected)
    assert einsum.macs == expected.size * prod(layer.w[1:])


@settings(max_examples=100)
@given(layer=layers(transposed=True))
def test_transposed_conv_equals_reference_phase_by_phase(layer: Layer) -> None:
    x, w = layer.arrays()
    expected = scattered(layer, x, w)
    found = conv_graph(layer, expected.shape, "ConvTranspose")
    result = np.zeros(expected.shape)
    strides = layer.ints("strides")
    used = [layer.ints(key) for key in ("kernel_shape", "strides", "dilations", "pads")]
    spatial = zip(layer.x[2:], expected.shape[2:], *used, strict=False)
    axes = [grouped(phases(*sizes)) for sizes in spatial]
    choices = list(product(*axes))
    assert len(choices) == len(found)
    for groups, einsum in zip(choices, found, strict=True):
        _place(result, groups, strides, run(einsum, *_windows(x, w, groups)))
    np.testing.assert_allclose(result, expected)
    counted = [
        sum(len(taps) for taps in taps_by_output(*sizes).values())
        for sizes in zip(layer.x[2:], expected.shape[2:], *used, strict=False)
    ]
    assert sum(einsum.macs for einsum in found) == layer.x[0] * layer.x[1] * layer.w[1] * prod(counted)


def taps_by_output(
    inputs: int, extent: int, kernel: int, stride: int, dilation: int, pad: int
) -> dict[int, set[int]]:
    """Taps that count at each output position that some input reaches, one index after the other.

    A tap counts whose place is an input, or an input's place in the padding; where no output sees inputs at
    all taps of its phase, only the first.
    """
    found: dict[int, set[int]] = {}
    for o in range(extent):
        places = {r: o + pad - dilation * r for r in range(kernel)}
        phase = {r: place // stride for r, place in places.items() if place % stride == 0}
        real = {r for r, place in phase.items() if 0 <= place < inputs}
        fits = real and max(phase.values()) - min(phase.values()) < inputs
        if real:
            found[o] = set(phase) if fits else real
    return found


def _windows(x: Array, w: Array, groups: tuple[list[Phase], ...]) -> tuple[Array, Array]:
    """The input from where the first window begins, and the weights by phase and tap, taps reversed."""
    cut: list[slice] = []
    room = 16
    padded = np.pad(x, [(0, 0), (0, 0), *[(room, room)] * len(groups)])
    taps = w
    for i, group in enumerate(groups):
        cut.append(slice(group[0].first + room, None))
        chosen = [list(phase.taps)[::-1] for phase in group]
        taps = np.stack([np.take(taps, rows, axis=2 + 2 * i) for rows in chosen], axis=2 + 2 * i)
    return padded[(slice(None), slice(None), *cut)], taps


def _place(result: Array, groups: tuple[list[Phase], ...], strides: list[int], part: Array) -> None:
    """Write what one einsum makes to its places: output axes are n, g, f, then y and phase per axis."""
    n, g, f = part.shape[:3]
    part = part.reshape(n, g * f, *part.shape[3:])
    for choice in product(*(range(len(group)) for group in groups)):
        index = tuple(i for p in choice for i in (slice(None), p))
        places = tuple(
            slice(group[p].start, group[p].start + stride * group[p].count, stride)
            for group, p, stride in zip(groups, choice, strides, strict=True)
        )
        result[(slice(None), slice(None), *places)] = part[(slice(None), slice(None), *index)]


@settings(max_examples=300)
@given(
    inputs=st.integers(1, 12),
    extent=st.integers(1, 30),
    kernel=st.integers(1, 6),
    stride=st.integers(1, 4),
    dilation=st.integers(1, 3),
    pad=st.integers(0, 3),
)
def test_phases_do_every_output_once_with_every_tap_once(
    inputs: int, extent: int, kernel: int, stride: int, dilation: int, pad: int
) -> None:
    found = phases(inputs, extent, kernel, stride, dilation, pad)
    made = [(phase.start + stride * i, set(phase.taps)) for phase in found for i in range(phase.count)]
    assert sorted(made) == sorted(taps_by_output(inputs, extent, kernel, stride, dilation, pad).items())
    for phase in found:
        for position in range(phase.count):
            for at, tap in enumerate(reversed(phase.taps)):
                place = phase.start + stride * position + pad - dilation * tap
                assert place == stride * (phase.first + position + phase.step * at)
    flat = [phase for group in grouped(found) for phase in group]
    assert sorted(flat, key=lambda p: p.start) == sorted(found, key=lambda p: p.start)


def canonical(layer: Layer, y: tuple[int, ...], op: str = "Conv") -> Einsum:
    tensors = {"x": layer.x, "w": weight(*layer.w), "y": y}
    (einsum,) = einsums(run_passes(lowered(node(op, "x w", "y", **layer.attributes), tensors)))
    return einsum


def test_pointwise_conv_is_a_matrix_product() -> None:
    einsum = canonical(Layer((1, 64, 56, 56), (256, 64, 1, 1), {}), (1, 256, 56, 56))
    assert einsum.dims == (("f", 256), ("c", 64), ("y", 56 * 56))


def test_strided_pointwise_conv_touches_only_what_it_needs() -> None:
    einsum = canonical(Layer((1, 64, 56, 56), (128, 64, 1, 1), {"strides": [2, 2]}), (1, 128, 28, 28))
    assert footprints(einsum) == {"x": 64 * 28 * 28, "w": 128 * 64, "y": 128 * 28 * 28}


def test_patch_embedding_is_a_matrix_product() -> None:
    einsum = canonical(Layer((2, 3, 224, 224), (768, 3, 16, 16), {"strides": [16, 16]}), (2, 768, 14, 14))
    assert einsum.dims == (("f", 768), ("c", 768), ("y", 2 * 196))


def test_ordinary_conv_keeps_its_window() -> None:
    einsum = canonical(Layer((1, 3, 224, 224), (64, 3, 7, 7), {"strides": [2, 2]}), (1, 64, 112, 112))
    assert einsum.dims == (("f", 64), ("c", 3), ("y", 112), ("x", 112), ("r", 7), ("s", 7))
    assert einsum.inputs[0].axes == ((("c", 1),), (("y", 2), ("r", 1)), (("x", 2), ("s", 1)))
    assert footprints(einsum)["x"] == 3 * 229 * 229


def test_depthwise_conv_has_groups_only() -> None:
    einsum = canonical(Layer((1, 32, 10, 10), (32, 1, 3, 3), {"group": 32}), (1, 32, 8, 8))
    assert einsum.dims == (("g", 32), ("y", 8), ("x", 8), ("r", 3), ("s", 3))


def test_conv_over_the_whole_input_is_a_product_of_vectors() -> None:
    einsum = canonical(Layer((1, 8, 7, 7), (10, 8, 7, 7), {}), (1, 10, 1, 1))
    assert einsum.dims == (("f", 10), ("c", 8 * 49))


def test_transposed_conv_with_kernel_equal_stride_is_one_product() -> None:
    layer = Layer((1, 16, 5, 5), (16, 8, 2, 2), {"strides": [2, 2]})
    einsum = canonical(layer, (1, 8, 10, 10), "ConvTranspose")
    assert einsum.dims == (("f", 32), ("c", 16), ("y", 25))
    assert einsum.macs == 8 * 16 * 100


def test_transposed_conv_with_uneven_phases_joins_its_parts() -> None:
    tensors = {"x": (1, 16, 5, 5), "w": weight(16, 8, 3, 3), "c": weight(8), "y": (1, 8, 11, 11)}
    graph = lowered(node("ConvTranspose", "x w c", "y", strides=[2, 2]), tensors)
    assert kinds(graph) == ["einsum", "add"] * 4 + ["join"]
    assert sum(e.macs for e in einsums(graph)) == 8 * 16 * (6 * 2 + 5) ** 2
    join = graph.ops[-1]
    assert join.name == "ConvTranspose_y/join"
    assert set(footprints(join).values()) == {0}
    assert isinstance(join, VectorOp)
    cost = vector_cost(join, load_accelerator("edge"))
    assert (cost.latency_s, cost.energy_j) == (0, 0)


def test_transposed_conv_with_gaps_adds_its_bias_once_everywhere() -> None:
    tensors = {"x": (1, 16, 5, 5), "w": weight(16, 8, 2, 2), "c": weight(8), "y": (1, 8, 14, 14)}
    graph = run_passes(lowered(node("ConvTranspose", "x w c", "y", strides=[3, 3]), tensors))
    assert kinds(graph) == ["einsum", "copy"]
    (einsum,) = einsums(graph)
    (bias,) = einsum.fused
    assert bias.elements == einsum.output.elements(dict(einsum.dims)) == 8 * 10 * 10
    join = footprints(graph.ops[1])
    assert join == {"c": 8, "ConvTranspose_y/phase0": 0, "y": 8 * (14 * 14 - 10 * 10)}
    plain = lowered(node("ConvTranspose", "x w", "y", strides=[3, 3]), tensors)
    assert kinds(plain) == ["einsum", "copy"]


def test_transposed_conv_of_one_position_is_one_product_of_its_kernel() -> None:
    layer = Layer((1, 100, 1, 1), (100, 8, 4, 4), {})
    einsum = canonical(layer, (1, 8, 4, 4), "ConvTranspose")
    assert einsum.dims == (("f", 8 * 16), ("c", 100))


def test_transposed_conv_does_nothing_where_no_input_reaches() -> None:
    tensors = {"x": (1, 3, 8), "w": weight(3, 4, 2), "y": (1, 4, 17)}
    made = node("ConvTranspose", "x w", "y", strides=[2], output_padding=[1])
    graph = lowered(made, tensors)
    assert graph.macs == 3 * 4 * 8 * 2
    assert footprints(graph.ops[-1])["y"] == 4


@pytest.mark.parametrize("extent", [18, 40])
def test_output_shape_beyond_what_inputs_and_padding_make_is_refused(extent: int) -> None:
    made = node("ConvTranspose", "x w", "y", strides=[2], output_padding=[1], output_shape=[extent])
    tensors = {"x": (1, 3, 8), "w": weight(3, 4, 2), "y": (1, 4, extent)}
    with pytest.raises(ModelError, match=rf"ConvTranspose_y.*asks for {extent} positions.*make 17"):
        lowered(made, tensors)


def test_bias_and_activation_follow_in_the_fused_form() -> None:
    tensors = {"x": (1, 3, 8, 8), "w": weight(4, 3, 3, 3), "c": weight(4), "y": (1, 4, 6, 6)}
    graph = run_passes(
        lowered(node("FusedConv", "x w c", "y", domain="com.microsoft", activation="Relu"), tensors)
    )
    (einsum,) = einsums(graph)
    assert [part.kind for part in einsum.fused] == ["add", "relu"]
    assert einsum.fused[0].inputs[1].elements(dict(einsum.fused[0].dims)) == 4


def test_integer_conv_has_integer_factors() -> None:
    tensors = {
        "x": Of((1, 3, 8, 8), DType.UINT8),
        "w": weight(4, 3, 3, 3, dtype=DType.INT8),
        "y": Of((1, 4, 6, 6), DType.INT32),
    }
    (einsum,) = einsums(lowered(node("ConvInteger", "x w", "y"), tensors))
    assert [operand.dtype for operand in einsum.operands] == [DType.UINT8, DType.INT8, DType.INT32]


@pytest.mark.parametrize(
    ("attributes", "w"),
    [
        ({"group": 2}, (4, 3, 3, 3)),
        ({"group": 0}, (4, 3, 3, 3)),
        ({"strides": [1]}, (4, 3, 3, 3)),
        ({}, (4, 3, 3)),
    ],
)
def test_sizes_that_do_not_fit_are_refused(attributes: dict[str, object], w: tuple[int, ...]) -> None:
    with pytest.raises(ModelError):
        conv_graph(Layer((1, 3, 8, 8), w, attributes), (1, 4, 6, 6))
