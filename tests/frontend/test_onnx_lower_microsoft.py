from typing import Any

import pytest

from catx.errors import UnknownOpError
from catx.ir.dtype import DType
from catx.ir.pipeline import run
from tests.frontend.resolved_models import Of, Spec, einsums, footprints, kinds, lowered, node, weight

X = (2, 7, 64)
I8, U8, I64 = DType.INT8, DType.UINT8, DType.INT64
MICROSOFT = "com.microsoft"
VALUES: dict[str, Spec] = {
    "x": X,
    "z": X,
    "w": weight(64),
    "b": weight(64),
    "m": weight(64, 16),
    "q": Of(X, U8),
    "s": weight(),
    "o": Of((), U8, "initializer"),
    "i": (2, 4, 6, 6),
    "c": weight(4),
    "k": weight(8, 4, 3, 3),
    "l": Of((2,), I64),
    "r": (3, 4),
    "j": Of((3,), I64),
    "u": (2, 8),
    "d": (5, 8),
    "e": Of((2, 8), I64),
}
CASES: list[tuple[str, str, str, Spec, dict[str, Any], list[str]]] = [
    (MICROSOFT, "BiasAdd", "x w z", X, {}, ["add", "add"]),
    (MICROSOFT, "BiasGelu", "x w", X, {}, ["add", "gelu"]),
    (MICROSOFT, "Gelu", "x", X, {}, ["gelu"]),
    (MICROSOFT, "QuickGelu", "x", X, {"alpha": 1.702}, ["quick_gelu"]),
    (MICROSOFT, "BiasSoftmax", "x z", X, {"axis": 2}, ["add", "softmax"]),
    (MICROSOFT, "Conv", "i k", (2, 8, 4, 4), {}, ["einsum"]),
    (MICROSOFT, "FusedGemm", "x m", (2, 7, 16), {"activation": "Relu"}, ["einsum", "relu"]),
    (MICROSOFT, "TransposeMatMul", "x m", (2, 7, 16), {}, ["einsum"]),
    (MICROSOFT, "GroupNorm", "i c c", (2, 4, 6, 6), {"groups": 2, "channels_last": 0}, ["groupnorm"]),
    (
        MICROSOFT,
        "GroupNorm",
        "i c c",
        (2, 4, 6, 6),
        {"groups": 2, "channels_last": 0, "activation": 1},
        ["groupnorm", "silu"],
    ),
    (MICROSOFT, "SkipSimplifiedLayerNormalization", "x z w", X, {}, ["add", "rmsnorm"]),
    (MICROSOFT, "QuantizeLinear", "x s o", Of(X, U8), {}, ["quantize"]),
    (MICROSOFT, "DequantizeLinear", "q s o", X, {}, ["dequantize"]),
    (MICROSOFT, "QLinearLeakyRelu", "q s o s o", Of(X, U8), {}, ["dequantize", "leaky_relu", "quantize"]),
    (
        MICROSOFT,
        "QLinearReduceMean",
        "q s o s o",
        Of((2, 7, 1), U8),
        {"axes": [2]},
        ["reduce_mean", "quantize"],
    ),
    (
        MICROSOFT,
        "QLinearWhere",
        "q q s o q s o s o",
        Of(X, U8),
        {},
        ["dequantize", "dequantize", "where", "quantize"],
    ),
    ("", "SimplifiedLayerNormalization", "x w", X, {}, ["rmsnorm"]),
    ("", "ArgMin", "x", Of((2, 7, 1), I64), {"axis": 2}, ["argmax"]),
    ("", "BitCast", "x", Of(X, DType.INT32), {}, []),
    ("", "CastLike", "x s", X, {}, []),
    ("", "CastLike", "x q", Of(X, U8), {}, ["cast"]),
    ("", "CenterCropPad", "x l", (2, 9, 64), {}, ["pad"]),
    ("", "CenterCropPad", "x l", (2, 5, 64), {}, []),
    ("", "ReverseSequence", "x l", X, {}, ["copy"]),
    ("", "RoiAlign", "i r j", (3, 4, 2, 2), {}, ["resize_linear"]),
    ("", "MaxRoiPool", "i r", (3, 4, 2, 2), {}, ["maxpool"]),
    ("", "Scatter", "d e u", (5, 8), {}, ["copy", "scatter"]),
    ("", "Upsample", "i", (2, 4, 12, 12), {}, ["resize_nearest"]),
    ("", "ConstantOfShape", "l", (3, 3), {}, []),
    ("", "EyeLike", "r", (3, 4), {}, []),
]


@pytest.mark.parametrize(
    ("domain", "op", "inputs", "y", "attributes", "expected"),
    CASES,
    ids=[f"{c[1]}-{len(c[5])}" for c in CASES],
)
def test_operators_that_are_rare(
    domain: str, op: str, inputs: str, y: Spec, attributes: dict[str, Any], expected: list[str]
) -> None:
    tensors: dict[str, Spec] = {name: VALUES[name] for name in inputs.split()} | {"y": y}
    graph = lowered(node(op, inputs, "y", domain=domain, **attributes), tensors)
    assert kinds(graph) == expected
    run(graph)


def test_embeddings_with_their_norm() -> None:
    tensors: dict[str, Spec] = {
        "ids": Of((2, 7), DType.INT32),
        "seg": Of((2, 7), DType.INT32),
        "words": weight(1000, 64),
        "places": weight(512, 64),
        "types": weight(2, 64),
        "w": weight(64),
        "b": weight(64),
        "y": X,
    }
    made = node("EmbedLayerNormalization", "ids seg words places types w b", "y", domain=MICROSOFT)
    graph = lowered(made, tensors)
    assert kinds(graph) == ["gather", "gather", "add", "gather", "add", "layernorm"]
    assert footprints(graph.ops[0])["words"] == 2 * 7 * 64
    assert footprints(graph.ops[1])["places"] == 7 * 64
    made = node("EmbedLayerNormalization", "ids - words places - w b", "y - s", domain=MICROSOFT)
    tensors = {name: spec for name, spec in tensors.items() if name not in ("seg", "types")} | {"s": X}
    assert kinds(lowered(made, tensors, "y s")) == ["gather", "gather", "add", "layernorm"]


def test_rotary_embedding_with_positions() -> None:
    tensors: dict[str, Spec] = {"x": X, "p": Of((2, 7), I64), "c": (512, 8), "s": (512, 8), "y": X}
    graph = lowered(node("RotaryEmbedding", "x p c s", "y", domain=MICROSOFT), tensors)
    assert kinds(graph) == ["mul", "mul", "add"]
    assert footprints(graph.ops[0])["c"] == 7 * 8


def test_attention_with_biases_masks_and_cache() -> None:
    tensors: dict[str, Spec] = dict.fromkeys("qkv", X)
    tensors |= {
        "b": weight(192),
        "mask": Of((2, 16), DType.INT32),
        "bias": (1, 4, 7, 16),
        "pk": (2, 4, 9, 16),
        "pv": (2, 4, 9, 16),
        "nk": (2, 4, 16, 16),
        "nv": (2, 4, 16, 16),
        "y": X,
    }
    made = node("MultiHeadAttention", "q k v b mask bias pk pv", "y nk nv", domain=MICROSOFT, num_heads=4)
    graph = run(lowered(made, tensors))
    assert graph.macs == 2 * 2 * 4 * 7 * 16 * 16
    assert kinds(graph) == ["add", "add", "add", "concat", "concat", "einsum", "softmax", "einsum"]
    assert [part.kind for part in einsums(graph)[0].fused] == ["mul", "where", "add"]


def test_packed_inputs_of_attention_are_refused_by_name() -> None:
    tensors: dict[str, Spec] = {"q": (2, 7, 4, 3, 16), "y": X}
    with pytest.raises(UnknownOpError, match=r"com\.microsoft\.MultiHeadAttention \(packed"):
        lowered(node("MultiHeadAttention", "q", "y", domain=MICROSOFT, num_heads=4), tensors)
    tensors = {"x": X, "w": weight(64, 192), "p": (2, 2, 4, 9, 16), "y": X}
    with pytest.raises(UnknownOpError, match="past state"):
        lowered(node("Attention", "x w - - p", "y", domain=MICROSOFT, num_heads=4), tensors)


def test_packed_group_query_attention() -> None:
    tensors: dict[str, Spec] = {
        "q": (1, 5, (8 + 2 * 2) * 16),
        "l": Of((1,), I64),
        "t": Of((), I64),
        "y": (1, 5, 128),
    }
    made = node("GroupQueryAttention", "q - - - - l t", "y", domain=MICROSOFT, num_heads=8, kv_num_heads=2)
    qk, av = einsums(run(lowered(made, tensors)))
    assert qk.dims == (("b", 2), ("m", 20), ("n", 5), ("k", 16))
    assert av.dims == (("b", 2), ("m", 20), ("n", 16), ("k", 5))


PACKED: dict[str, Spec] = {"x": (2, 10, 64), "w": weight(64, 192), "c": weight(192), "y": (2, 10, 64)}


def test_packed_attention_writes_the_state_that_it_is_asked_for() -> None:
    tensors = PACKED | {"p": (2, 2, 4, 10, 16)}
    graph = lowered(node("Attention", "x w c", "y p", domain=MICROSOFT, num_heads=4), tensors)
    assert kinds(graph) == ["einsum", "add", "copy", "einsum", "mul", "softmax", "einsum"]
    assert footprints(graph.ops[2])["p"] == 2 * 2 * 10 * 64


def test_packed_attention_without_rotation_tables_is_refused() -> None:
    with pytest.raises(UnknownOpError, match="rotary embedding without tables"):
        lowered(node("Attention", "x w c", "y", domain=MICROSOFT, num_heads=4, do_rotary=1), PACKED)


@pytest.mark.parametrize(
    ("mask", "elements"), [((2,), 2), ((2, 10), 20), ((2, 10, 10), 200), ((1, 1, 10, 10), 100)]
)
def test_masks_of_attention_are_read_once_for_all_heads(mask: tuple[int, ...], elements: int) -> None:
    tensors = PACKED | {"m": Of(mask, DType.INT32)}
    graph = lowered(node("Attention", "x w c m", "y", domain=MICROSOFT, num_heads=4), tensors)
    (op,) = [op for op in graph.ops if op.name.endswith("/mask3")]
    assert footprints(op)["m"] == elements


def test_tables_of_a_rotary_embedding_may_differ_by_batch() -> None:
    tensors: dict[str, Spec] = {"x": (2, 10, 64), "c": (2, 10, 8), "s": (2, 10, 8), "y": (2, 10, 64)}
    graph = lowered(node("RotaryEmbedding", "x c s", "y", num_heads=4), tensors)
    assert footprints(graph.ops[0])["c"] == 2 * 10 * 8


def test_a_result_that_no_rule_makes_is_refused_if_somebody_reads_it() -> None:
    tensors: dict[str, Spec] = dict.fromkeys("qkvy", (2, 10, 64)) | {"s": (2, 4, 10, 10)}
    attention = node("MultiHeadAttention", "q k v", "y - - s", domain=MICROSOFT, num_heads=4)
    with pytest.raises(UnknownOpError, match="its output 3 is read"):
        lowered(attention, tensors)
    assert kinds(lowered(attention, tensors, "y"))[-1] == "einsum"
    assert kinds(lowered(attention, tensors, allow_unknown=True)) == ["unknown"]


def test_statistics_of_a_skip_norm_are_costed_where_they_are_read() -> None:
    tensors: dict[str, Spec] = dict.fromkeys(("x", "s", "y", "t"), (2, 10, 64))
    tensors |= {"g": weight(64), "m": (2, 10, 1)}
    made = node("SkipLayerNormalization", "x s g", "y m - t", domain=MICROSOFT)
    assert kinds(lowered(made, tensors)) == ["add", "layernorm", "reduce_mean"]
    assert kinds(lowered(made, tensors, "y t")) == ["add", "layernorm"]
