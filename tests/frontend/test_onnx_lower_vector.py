from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.costmodel.vector_cost import vector_cost
from catx.costmodel.vector_table import VECTOR_TABLE
from catx.errors import ModelError, UnknownOpError
from catx.frontend.hardware import load_accelerator
from catx.frontend.onnx.lower.activation import KINDS as ACTIVATIONS
from catx.frontend.onnx.lower.elementwise import BINARY, UNARY
from catx.frontend.onnx.lower.reduce import REDUCTIONS
from catx.ir.dtype import DType
from catx.ir.kinds import KINDS
from catx.ir.pipeline import run
from catx.ir.vector_op import VectorOp
from tests.frontend.resolved_models import (
    Of,
    Spec,
    footprints,
    kinds,
    known,
    lowered,
    node,
    only,
    read,
    weight,
)

X = (2, 6, 8, 8)
STANDARD_ACTIVATIONS = sorted(ACTIVATIONS.keys() - {"FastGelu", "QuickGelu", "PRelu"})


def one(op: str, inputs: dict[str, Spec], y: Spec = X, **attributes: Any) -> VectorOp:
    """The one op of a node with some inputs and an output `y`."""
    return only(lowered(node(op, " ".join(inputs), "y", **attributes), inputs | {"y": y}))


def test_every_kind_has_a_row_in_the_cost_table() -> None:
    assert VECTOR_TABLE.keys() >= KINDS


def test_every_rule_writes_known_kinds() -> None:
    used = {*ACTIVATIONS.values(), *UNARY.values(), *BINARY.values()}
    used |= {kind for kind, _ in REDUCTIONS.values()} | {
        kind for _, after in REDUCTIONS.values() for kind in after
    }
    assert used <= KINDS


@pytest.mark.parametrize("op", [*UNARY, *STANDARD_ACTIVATIONS])
def test_functions_of_one_tensor(op: str) -> None:
    made = one(op, {"x": X})
    assert footprints(made) == {"x": prod(X), "y": prod(X)}
    assert made.reduced == ()


@pytest.mark.parametrize("op", [*BINARY, "Div", "Pow", "Max", "Min", "Sum", "PRelu"])
def test_functions_of_two_tensors_broadcast(op: str) -> None:
    made = (
        one(op, {"a": (2, 1, 8, 1), "b": (6, 1, 8)}, X)
        if op != "PRelu"
        else one(op, {"a": X, "b": (6, 1, 8)})
    )
    assert made.elements == prod(X)
    assert footprints(made)["b"] == 48


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    masks=st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=2, max_size=2),
    cuts=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_broadcasting_reads_each_tensor_as_large_as_it_is(
    shape: list[int], masks: list[list[bool]], cuts: tuple[int, int]
) -> None:
    shapes = [
        tuple(extent if keep else 1 for extent, keep in zip(shape, mask, strict=False))[
            min(cut, len(shape)) :
        ]
        for mask, cut in zip(masks, cuts, strict=True)
    ]
    y = np.broadcast_shapes(*shapes)
    graph = lowered(node("Add", "a b", "y"), {"a": shapes[0], "b": shapes[1], "y": y})
    for final in (graph, run(graph)):
        made = only(final)
        assert footprints(made) == {"a": prod(shapes[0]), "b": prod(shapes[1]), "y": prod(y)}
        assert made.elements == prod(y)


def test_powers_that_are_cheaper() -> None:
    cheaper = (
        (2.0, "square"),
        (0.5, "sqrt"),
        (-0.5, "rsqrt"),
        (-1.0, "reciprocal"),
        (3.0, "cube"),
        (4.0, "pow"),
    )
    for exponent, kind in cheaper:
        assert one("Pow", {"x": X, "e": known(exponent)}).kind == kind


def test_division_by_a_known_number_is_a_product() -> None:
    assert one("Div", {"x": X, "c": known(8.0)}).kind == "mul"
    whole = {"x": Of(X, DType.INT32), "c": known(8, DType.INT32)}
    assert one("Div", whole, Of(X, DType.INT32)).kind == "div"


def test_folds_over_many_tensors_are_chains() -> None:
    tensors = dict.fromkeys("abc", X)
    assert kinds(lowered(node("Mean", "a b c", "y"), tensors | {"y": X})) == ["add", "add", "mul"]
    assert kinds(lowered(node("Max", "a b c", "y"), tensors | {"y": X})) == ["max", "max"]


@pytest.mark.parametrize(
    ("op", "written"),
    [("Mish", ["softplus", "tanh", "mul"]), ("Softsign", ["abs", "add", "div"])],
)
def test_activations_made_of_others(op: str, written: list[str]) -> None:
    assert kinds(lowered(node(op, "x", "y"), {"x": X, "y": X})) == written


@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_softmax_before_opset_13_is_over_all_further_axes(op: str) -> None:
    assert one(op, {"x": X}, axis=1, opset=11).reduced == ("d1", "d2", "d3")
    assert one(op, {"x": X}, opset=11).reduced == ("d1", "d2", "d3")
    assert one(op, {"x": X}, axis=1).reduced == ("d1",)
    assert one(op, {"x": X}).reduced == ("d3",)


def test_hardmax_finds_and_compares() -> None:
    assert kinds(lowered(node("Hardmax", "x", "y"), {"x": X, "y": X})) == ["argmax", "compare"]


@pytest.mark.parametrize(
    ("op", "domain", "kind"),
    [
        ("LayerNormalization", "", "layernorm"),
        ("RMSNormalization", "", "rmsnorm"),
        ("SimplifiedLayerNormalization", "com.microsoft", "rmsnorm"),
    ],
)
def test_layer_norms(op: str, domain: str, kind: str) -> None:
    made = one(op, {"x": (2, 7, 64), "w": weight(64), "b": weight(64)}, (2, 7, 64), domain=domain)
    assert made.kind == kind
    assert made.reduced == ("d2",)
    assert footprints(made)["w"] == 64


def test_layer_norm_writes_its_statistics_only_where_they_are_read() -> None:
    tensors = {"x": (2, 7, 64), "w": weight(64), "y": (2, 7, 64), "m": (2, 7, 1), "i": (2, 7, 1)}
    assert kinds(lowered(node("LayerNormalization", "x w", "y m i"), tensors, "y")) == ["layernorm"]
    graph = lowered(node("LayerNormalization", "x w", "y m i"), tensors, "y i")
    assert kinds(graph) == ["layernorm", "reduce_mean"]
    assert footprints(graph.ops[1]) == {"x": 896, "i": 14}


def test_skip_layer_norm_adds_first() -> None:
    tensors: dict[str, Spec] = dict.fromkeys("xsy", (2, 7, 64))
    tensors |= {"w": weight(64), "b": weight(64), "c": weight(64), "t": (2, 7, 64)}
    made = node("SkipLayerNormalization", "x s w b c", "y - - t", domain="com.microsoft")
    assert kinds(lowered(made, tensors, "y t")) == ["add", "add", "layernorm"]
    assert kinds(run(lowered(made, tensors, "y"))) == ["add", "layernorm"]


def test_batch_norm_is_elementwise_with_four_vectors() -> None:
    vectors = {name: weight(6) for name in "wbmv"}
    made = one("BatchNormalization", {"x": X} | vectors)
    assert made.reduced == ()
    assert footprints(made) == {"x": prod(X), "w": 6, "b": 6, "y": prod(X)}
    with pytest.raises(UnknownOpError, match="training"):
        one("BatchNormalization", {"x": X} | vectors, training_mode=1)


def test_norms_over_channels_and_space() -> None:
    vectors = {"w": weight(6), "b": weight(6)}
    assert one("InstanceNormalization", {"x": X} | vectors).reduced == ("d2", "d3")
    grouped = one("GroupNormalization", {"x": X} | vectors, num_groups=3)
    assert dict(grouped.dims) == {"d0": 2, "g": 3, "c": 2, "d2": 8, "d3": 8}
    assert grouped.reduced == ("c", "d2", "d3")
    assert footprints(grouped)["w"] == 6
    per_group = one("GroupNormalization", {"x": X, "w": weight(3), "b": weight(3)}, num_groups=3)
    assert footprints(per_group)["w"] == 3
    assert one("LpNormalization", {"x": X}).reduced == ("d3",)
    assert one("MeanVarianceNormalization", {"x": X}).reduced == ("d0", "d2", "d3")
    assert one("LRN", {"x": X}, size=5).reduced == ("d1",)


@pytest.mark.parametrize("op", REDUCTIONS)
def test_reductions(op: str) -> None:
    graph = lowered(node(op, "x a", "y", keepdims=0), {"x": X, "a": known([1, -1]), "y": (2, 8)})
    fold = next(made for made in graph.ops if isinstance(made, VectorOp) and made.reduced)
    assert fold.reduced == ("d1", "d3")
    assert fold.elements == prod(X)
    assert fold.outputs[0].elements(dict(fold.dims)) == 16
    assert graph.ops[-1].sources == (f"{op}_y",)


def test_reductions_take_axes_from_the_attribute_too_and_all_by_default() -> None:
    assert one("ReduceMean", {"x": X}, (2, 6, 1, 1), axes=[2, 3], opset=11).reduced == ("d2", "d3")
    assert one("ReduceMean", {"x": X}, (1, 1, 1, 1)).reduced == ("d0", "d1", "d2", "d3")
    graph = lowered(node("ReduceSum", "x", "y", noop_with_empty_axes=1), {"x": X, "y": X})
    assert graph.ops == ()


def test_reduction_over_axes_that_are_not_known_is_refused() -> None:
    with pytest.raises(ModelError, match="not known"):
        one("ReduceSum", {"x": X, "a": Of((1,), DType.INT64)}, (2, 6, 8))
    with pytest.raises(ModelError, match="axes"):
        one("ReduceSum", {"x": X}, (2, 6, 8), axes=[7], opset=11)


def test_selections_along_rows() -> None:
    assert one("ArgMax", {"x": X}, Of((2, 6, 8, 1), DType.INT64), axis=-1).reduced == ("d3",)
    assert one("CumSum", {"x": X, "a": known(1)}).reduced == ("d1",)
    tensors: dict[str, Spec] = {"x": (2, 100), "k": known([10]), "y": (2, 10), "i": Of((2, 10), DType.INT64)}
    graph = lowered(node("TopK", "x k", "y i"), tensors)
    assert footprints(only(graph)) == {"x": 200, "y": 20, "i": 20}


@pytest.mark.parametrize(
    ("op", "kind"), [("MaxPool", "maxpool"), ("AveragePool", "avgpool"), ("LpPool", "lppool")]
)
def test_pools_walk_their_window(op: str, kind: str) -> None:
    made = one(op, {"x": X}, (2, 6, 4, 4), kernel_shape=[2, 2], strides=[2, 2])
    assert made.kind == kind
    assert made.reduced == ("r", "s")
    assert footprints(made) == {"x": prod(X), "y": 2 * 6 * 16}
    assert one(f"Global{op}", {"x": X}, (2, 6, 1, 1)).reduced == ("d2", "d3")


def test_pool_returns_places_where_they_are_read() -> None:
    tensors = {"x": X, "y": (2, 6, 4, 4), "i": Of((2, 6, 4, 4), DType.INT64)}
    graph = lowered(node("MaxPool", "x", "y i", kernel_shape=[2, 2], strides=[2, 2]), tensors)
    assert len(only(graph).outputs) == 2
    with pytest.raises(ModelError):
        one("MaxPool", {"x": X}, (2, 6, 4, 4), kernel_shape=[2])


def test_gather_reads_rows_not_the_table() -> None:
    tensors = {"t": weight(49408, 512), "i": Of((1, 77), DType.INT64)}
    made = one("Gather", tensors, (1, 77, 512))
    assert footprints(made) == {"t": 77 * 512, "i": 77, "y": 77 * 512}
    assert made.kind == "gather"


@pytest.mark.parametrize("places", [3, [3], [2, 3, 4], [1, 3, 5]])
def test_gather_at_known_even_places_is_a_slice(places: Any) -> None:
    array = np.asarray(places)
    graph = lowered(
        node("Gather", "t i", "y", axis=1), {"t": X, "i": known(array), "y": (2, *array.shape, 8, 8)}
    )
    assert graph.ops == ()
    assert graph.views == (("y", "t"),)


def test_gather_at_other_known_places_moves() -> None:
    for places in ([3, 1], [0, 1, 3], [[0, 1]]):
        array = np.asarray(places)
        tensors = {"t": X, "i": known(array), "y": (2, *array.shape, 8, 8)}
        assert kinds(lowered(node("Gather", "t i", "y", axis=1), tensors)) == ["gather"]


def test_other_lookups() -> None:
    made = one("GatherND", {"t": (4, 5, 6), "i": Of((7, 2), DType.INT64)}, (7, 6))
    assert footprints(made)["t"] == footprints(made)["y"] == 42
    assert read(made, "i") == 7 * 2
    made = one("GatherElements", {"t": (4, 5), "i": Of((4, 2), DType.INT64)}, (4, 2))
    assert footprints(made) == {"t": 8, "i": 8, "y": 8}


def test_scatter_copies_and_writes() -> None:
    tensors: dict[str, Spec] = {"d": (100, 8), "i": Of((5, 8), DType.INT64), "u": (5, 8), "y": (100, 8)}
    graph = lowered(node("ScatterElements", "d i u", "y"), tensors)
    assert kinds(graph) == ["copy", "scatter"]
    assert footprints(graph.ops[1]) == {"u": 40, "i": 40, "ScatterElements_y/data": 0, "y": 40}
    tensors["i"] = Of((5, 1), DType.INT64)
    assert read(lowered(node("ScatterND", "d i u", "y"), tensors).ops[1], "i") == 5
    tensors |= {"i": Of((5, 2), DType.INT64), "u": (5,)}
    assert read(lowered(node("ScatterND", "d i u", "y"), tensors).ops[1], "i") == 10


def test_movement_writes_everything_once() -> None:
    made = one("Concat", {"a": (2, 3, 8), "b": (2, 5, 8)}, (2, 8, 8), axis=1)
    assert made.kind == "concat"
    assert footprints(made) == {"a": 48, "b": 80, "y": 128}
    assert footprints(one("Pad", {"x": (2, 8)}, (2, 10))) == {"x": 16, "y": 20}
    assert footprints(one("Pad", {"x": (2, 8)}, (3, 5))) == {"x": 10, "y": 15}
    assert footprints(one("Tile", {"x": (2, 3)}, (4, 9))) == {"x": 6, "y": 36}
    assert footprints(one("DepthToSpace", {"x": (1, 8, 2, 2)}, (1, 2, 4, 4), blocksize=2)) == {
        "x": 32,
        "y": 32,
    }
    assert one("SpaceToDepth", {"x": (1, 2, 4, 4)}, (1, 8, 2, 2), blocksize=2).kind == "copy"


def test_resize_by_whole_factors_reads_the_small_image() -> None:
    made = one("Resize", {"x": (1, 3, 8, 8)}, (1, 3, 16, 24))
    assert footprints(made) == {"x": 192, "y": 3 * 16 * 24}
    assert footprints(one("Resize", {"x": (1, 3, 8, 8)}, (1, 3, 12, 8)))["y"] == 288
    assert lowered(node("Resize", "x", "y"), {"x": X, "y": X}).ops == ()


@pytest.mark.parametrize(
    ("old", "new", "attributes", "expected"),
    [
        (512, 64, {"mode": "nearest"}, 64**2),  # one of eight lines
        (512, 64, {"mode": "linear"}, (2 * 64) ** 2),  # two of eight lines
        (512, 64, {"mode": "cubic"}, (4 * 64) ** 2),
        (512, 64, {"mode": "linear", "antialias": 1}, 512**2),
        (512, 256, {"mode": "linear"}, 512**2),
        (512, 224, {"mode": "linear"}, (2 * 224) ** 2),
    ],
)
def test_making_an_image_smaller_reads_its_taps(
    old: int, new: int, attributes: dict[str, Any], expected: int
) -> None:
    made = one("Resize", {"x": (1, 3, old, old)}, (1, 3, new, new), **attributes)
    assert made.elements == 3 * new * new
    assert read(made, "x") == 3 * expected


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@given(old=st.integers(2, 300), new=st.integers(2, 300))
def test_resize_reads_about_as_much_as_there_is(mode: str, old: int, new: int) -> None:
    if old == new:
        return
    made = one("Resize", {"x": (1, old, 7)}, (1, new, 7), mode=mode)
    taps = {"linear": 2, "cubic": 4}[mode]
    least = min(old, taps * new)
    assert least - new / 2 <= read(made, "x") / 7 <= max(least, new) + new / 2
    assert footprints(made)["y"] == new * 7


def test_resize_by_a_broken_factor_reads_little_more_than_the_small_image() -> None:
    made = one("Resize", {"x": (1, 3, 14, 14)}, (1, 3, 21, 21), mode="cubic")
    assert read(made, "x") == 3 * 15**2


def test_interpolations_differ_in_work() -> None:
    made = {
        mode: one("Resize", {"x": (1, 3, 8, 8)}, (1, 3, 16, 24), mode=mode).kind
        for mode in ("nearest", "linear", "cubic")
    }
    assert made == {mode: f"resize_{mode}" for mode in made}
    work = [VECTOR_TABLE[kind].element.cycles for kind in made.values()]
    assert work == [1, 6, 20]
    with pytest.raises(UnknownOpError, match="mode 'lanczos'"):
        one("Resize", {"x": (1, 3, 8, 8)}, (1, 3, 16, 24), mode="lanczos")


@pytest.mark.parametrize(("attributes", "samples"), [({"sampling_ratio": 3}, 9), ({}, 4)])
def test_roi_align_interpolates_every_sample(attributes: dict[str, int], samples: int) -> None:
    tensors: dict[str, Spec] = {"x": (1, 4, 9, 9), "r": (3, 4), "i": Of((3,), DType.INT64)}
    made = one("RoiAlign", tensors, (3, 4, 2, 2), **attributes)
    assert made.elements == samples * 48
    assert footprints(made) | {"r": 0, "i": 0} == {"x": samples * 48, "y": 48, "r": 0, "i": 0}
    assert (read(made, "r"), read(made, "i")) == (3 * 4, 3)


def test_masks_and_choices() -> None:
    assert one("Trilu", {"x": (5, 5)}, (5, 5)).kind == "where"
    hot = {"i": Of((7,), DType.INT64), "d": known(10), "v": known([0.0, 1.0])}
    assert footprints(one("OneHot", hot, (7, 10))) == {"i": 7, "y": 70}
    chosen = {"c": Of((8,), DType.BOOL), "a": X, "b": (1,)}
    assert footprints(one("Where", chosen))["c"] == 8


def test_casts_that_keep_their_width_may_still_be_work() -> None:
    byte, boolean, small = Of(X, DType.INT8), Of(X, DType.BOOL), Of(X, DType.FP8)
    assert one("Cast", {"x": byte}, boolean).kind == "compare"
    assert one("Cast", {"x": X}, boolean).kind == "compare"
    assert one("Cast", {"x": small}, small).kind == "cast"
    for old, new in ((boolean, byte), (byte, Of(X, DType.UINT8)), (boolean, boolean)):
        assert lowered(node("Cast", "x", "y"), {"x": old, "y": new}).ops == ()
    assert lowered(node("BitCast", "x", "y"), {"x": byte, "y": boolean}).ops == ()


def test_casts() -> None:
    assert one("Cast", {"x": X}, Of(X, DType.FP16)).kind == "cast"
    assert one("Cast", {"x": Of(X, DType.INT32)}, X).kind == "cast"
    for old, new in ((DType.FP32, DType.FP32), (DType.INT32, DType.UINT32), (DType.BOOL, DType.INT8)):
        assert lowered(node("Cast", "x", "y"), {"x": Of(X, old), "y": Of(X, new)}).ops == ()


def test_known_numbers_in_a_clip_or_range_cost_nothing() -> None:
    made = one("Clip", {"x": X, "lo": known(0.0), "hi": known(6.0)})
    assert footprints(made) == {"x": prod(X), "y": prod(X)}
    graph = lowered(
        [node("Range", "a", "r"), node("Add", "x r", "y")], {"a": (1,), "r": (8,), "x": X, "y": X}
    )
    assert kinds(graph) == ["add"]
    assert graph.by_name["r"].kind == "weight"


def test_rotary_embedding_reads_a_row_of_its_tables_per_token() -> None:
    tensors: dict[str, Spec] = {"x": (2, 4, 10, 16), "c": (10, 8), "s": (10, 8), "y": (2, 4, 10, 16)}
    graph = run(lowered(node("RotaryEmbedding", "x c s", "y", opset=23), tensors))
    assert [part.kind for part in graph.walk() if isinstance(part, VectorOp)] == ["mul", "mul", "add"]
    assert any(footprints(op).get("c") == 80 for op in graph.ops)


def test_samplers_and_scatters_are_movement() -> None:
    made = one("GridSample", {"x": (2, 3, 8, 8), "g": (2, 4, 5, 2)}, (2, 3, 4, 5))
    assert made.kind == "resize_linear"
    assert read(made, "g") == 2 * 4 * 5 * 2
    pooled = one("MaxRoiPool", {"x": (1, 4, 9, 9), "r": (3, 5)}, (3, 4, 2, 2))
    assert (pooled.kind, read(pooled, "x"), read(pooled, "r")) == ("maxpool", 4 * 48, 15)
    tensors: dict[str, Spec] = {"x": (1, 2, 2, 2), "i": Of((1, 2, 2, 2), DType.INT64)}
    assert footprints(one("MaxUnpool", tensors, (1, 2, 4, 4)))["y"] == 32
    cache: dict[str, Spec] = {"c": (1, 100, 8), "u": (1, 1, 8)}
    assert footprints(one("TensorScatter", cache, (1, 100, 8))) == {"c": 0, "u": 8, "y": 8}


def test_gated_activations() -> None:
    tensors = dict.fromkeys(("a", "b", "y"), X)
    assert kinds(lowered(node("SwiGLU", "a b", "y"), tensors)) == ["silu", "mul"]
    assert kinds(lowered(node("FastGelu", "a b", "y", domain="com.microsoft"), tensors)) == ["add", "gelu"]
    assert kinds(lowered(node("FastGelu", "a", "y", domain="com.microsoft"), tensors)) == ["gelu"]


@pytest.mark.parametrize("attributes", [{"axis": 9}, {"axis": "1"}, {"axis": [1]}])
def test_attributes_that_make_no_sense_are_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="axis"):
        one("Softmax", {"x": X}, **attributes)


def test_tensor_that_stands_twice_is_read_once() -> None:
    joined = only(lowered(node("Concat", "x x", "y", axis=0), {"x": (3, 5), "y": (6, 5)}))
    assert [(o.tensor, o.elements(dict(joined.dims))) for o in joined.inputs] == [("x", 30)]
    for op, kind in (("Mul", "square"), ("Add", "mul"), ("Sum", "mul"), ("Max", "max"), ("Equal", "compare")):
        made = only(lowered(node(op, "x x", "y"), {"x": (3, 5), "y": (3, 5)}))
        assert (made.kind, len(made.inputs)) == (kind, 1)
    power = only(lowered(node("Pow", "x c", "y"), {"x": (3, 5), "c": known(2.0), "y": (3, 5)}))
    assert (power.kind, len(power.inputs)) == ("square", 1)


@given(extent=st.integers(1, 300), k=st.integers(1, 300))
def test_topk_reads_its_row_and_writes_its_results(extent: int, k: int) -> None:
    k = min(k, extent)
    tensors: dict[str, Spec] = {"x": (2, extent), "k": known(k), "y": (2, k), "i": Of((2, k), DType.INT64)}
    made = only(run(lowered(node("TopK", "x k", "y i"), tensors)))
    assert footprints(made) == {"x": 2 * extent, "y": 2 * k, "i": 2 * k}
    assert made.elements == 2 * extent
    outer = vector_cost(made, load_accelerator("edge")).traffic[0]
    assert outer.read_bytes == 2 * extent * 4
    assert outer.write_bytes == 2 * k * (4 + 8)


@settings(max_examples=50)
@given(data=st.data())
def test_concat_reads_its_inputs_and_writes_its_output(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))
    axis = data.draw(st.integers(0, len(shape) - 1))
    parts = data.draw(st.lists(st.integers(1, 40), min_size=2, max_size=5))
    shapes = {f"x{i}": (*shape[:axis], part, *shape[axis + 1 :]) for i, part in enumerate(parts)}
    names = " ".join(shapes)
    shapes["y"] = (*shape[:axis], sum(parts), *shape[axis + 1 :])
    made = only(run(lowered(node("Concat", names, "y", axis=axis), shapes)))
    assert footprints(made) == {name: prod(extents) for name, extents in shapes.items()}
    outer = vector_cost(made, load_accelerator("edge")).traffic[0]
    assert outer.read_bytes == outer.write_bytes == 4 * prod(shapes["y"])
