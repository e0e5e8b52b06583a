"""Models whose parts contradict each other, one per line: catx refuses what ONNX Runtime does not run."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import pytest
from onnx import NodeProto, TensorProto
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    RuntimeException,
)

from catx.errors import ModelError
from catx.frontend.models import load_model
from tests.frontend.onnx_models import FLOAT, INT8, INT64, UINT8, Of, const, model, node, save

INT32 = TensorProto.INT32
NUMPY = {FLOAT: np.float32, INT8: np.int8, UINT8: np.uint8, INT64: np.int64, INT32: np.int32}
MICROSOFT: dict[str, Any] = {"domain": "com.microsoft"}


class Case(NamedTuple):
    """A node on inputs that are given and ones that are weights of ones; what the error says."""

    node: NodeProto
    inputs: dict[str, Any]
    weights: dict[str, Any]
    says: str = ""
    output: int = FLOAT
    opset: int = 23


def q(*shape: int) -> Of:
    return Of(UINT8, shape)


def i8(*shape: int) -> Of:
    return Of(INT8, shape)


IMAGE, TEXT = {"x": (1, 3, 8, 8)}, {"x": (2, 3, 8)}
HEADS = {"q": (1, 2, 5, 8), "k": (1, 2, 6, 8), "v": (1, 2, 6, 8)}
FLAT = {"q": (1, 5, 16), "k": (1, 6, 16), "v": (1, 6, 16)}
CELL = {"w": (1, 16, 3), "r": (1, 16, 4)}
GATED = {"w": (1, 12, 3), "r": (1, 12, 4)}
SEQUENCE = {"x": (5, 1, 3)}
INTEGERS = {"s": (), "z": q()}


def attention(inputs: str = "q k v", **attributes: Any) -> NodeProto:
    return node("Attention", ["" if i == "-" else i for i in inputs.split()], ["y"], **attributes)


def multi_head(inputs: str = "q k v", op: str = "MultiHeadAttention", **attributes: Any) -> NodeProto:
    names = ["" if i == "-" else i for i in inputs.split()]
    return node(op, names, ["y"], num_heads=2, **attributes, **MICROSOFT)


def lstm(inputs: str = "x w r", op: str = "LSTM", **attributes: Any) -> NodeProto:
    names = ["" if i == "-" else i for i in inputs.split()]
    return node(op, names, ["y"], **({"hidden_size": 4} | attributes))


def simple(op: str, inputs: str, **attributes: Any) -> NodeProto:
    return node(op, ["" if i == "-" else i for i in inputs.split()], ["y"], **attributes)


REFUSED = [
    Case(
        simple("Conv", "x w b"),
        IMAGE,
        {"w": (4, 3, 3, 3), "b": (5,)},
        r"bias 'b' \(input 2\) has shape \[5\]; expected \[4\]",
    ),
    Case(simple("Conv", "x w b"), IMAGE, {"w": (4, 3, 3, 3), "b": (4, 1)}, r"bias 'b' .* expected \[4\]"),
    Case(
        simple("Conv", "x w"),
        {"x": (1, 5, 8, 8)},
        {"w": (4, 3, 3, 3)},
        r"x 'x' .*\[1, 5, 8, 8\]; expected 3 channels",
    ),
    Case(
        simple("Conv", "x w", group=3),
        {"x": (1, 6, 8, 8)},
        {"w": (4, 2, 3, 3)},
        "weights 'w' .*a multiple of group = 3",
    ),
    Case(simple("Conv", "x w"), IMAGE, {"w": (4, 3, 9, 3)}, "expected at least 9 positions on axis 2"),
    Case(
        simple("ConvTranspose", "x w b"), IMAGE, {"w": (3, 4, 3, 3), "b": (5,)}, r"bias 'b' .* expected \[4\]"
    ),
    Case(simple("ConvTranspose", "x w"), IMAGE, {"w": (4, 4, 3, 3)}, "expected 4 channels"),
    Case(
        simple("ConvTranspose", "x w", output_shape=[30, 30]),
        IMAGE,
        {"w": (3, 4, 3, 3)},
        "asks for 30 positions",
    ),
    Case(
        simple("Gemm", "x w b"),
        {"x": (2, 3)},
        {"w": (3, 4), "b": (5,)},
        r"C 'b' .*\[5\]; expected one that broadcasts to \[2, 4\]",
    ),
    Case(simple("Gemm", "x w b"), {"x": (2, 3)}, {"w": (3, 4), "b": (1, 2, 4)}, "C 'b'"),
    Case(simple("Gemm", "x w"), {"x": (2, 3)}, {"w": (5, 4)}, "5 and 3"),
    Case(simple("MatMul", "x w"), {"x": (2, 3)}, {"w": (5, 4)}, "Incompatible"),
    Case(simple("MatMul", "x w"), {"x": (2, 3, 4), "w": (3, 4, 5)}, {}, "Incompatible"),
    Case(
        simple("Einsum", "x w", equation="ij,jk->ik"),
        {"x": (2, 3)},
        {"w": (5, 4)},
        "label 'j' stands for extents 3 and 5",
    ),
    Case(
        simple("LayerNormalization", "x w"),
        TEXT,
        {"w": (7,)},
        r"scale 'w' .*\[7\]; expected one that broadcasts to \[2, 3, 8\]",
    ),
    Case(simple("LayerNormalization", "x w", axis=1), TEXT, {"w": (24,)}, "scale 'w'"),
    Case(simple("LayerNormalization", "x w b"), TEXT, {"w": (8,), "b": (9,)}, "bias 'b'"),
    Case(simple("RMSNormalization", "x w"), TEXT, {"w": (7,)}, "scale 'w'"),
    Case(
        simple("BatchNormalization", "x w w w m"),
        TEXT,
        {"w": (3,), "m": (4,)},
        r"variance 'm' .*\[4\]; expected \[3\]",
    ),
    Case(simple("BatchNormalization", "x m w w w"), TEXT, {"w": (3,), "m": (4,)}, "scale 'm'"),
    Case(simple("InstanceNormalization", "x m w"), TEXT, {"w": (3,), "m": (4,)}, "scale 'm'"),
    Case(
        simple("GroupNormalization", "x m w", num_groups=2),
        {"x": (2, 4, 8)},
        {"w": (4,), "m": (3,)},
        "scale 'm'",
    ),
    Case(
        simple("GroupNormalization", "x w w", num_groups=3),
        {"x": (2, 4, 8)},
        {"w": (4,)},
        "multiple of 3 channels",
    ),
    Case(simple("PRelu", "x m"), {"x": (2, 4, 8)}, {"m": (3, 1)}, "slope 'm'"),
    Case(simple("Clip", "x m"), {"x": (2, 4)}, {"m": (3,)}, r"min 'm' .*\[3\].*a single number"),
    Case(
        simple("DequantizeLinear", "x s"),
        {"x": i8(2, 4, 8)},
        {"s": (3,)},
        r"scale 's' .*\[3\]; expected \[4\].* axis 1",
    ),
    Case(simple("DequantizeLinear", "x s z"), {"x": i8(2, 4, 8)}, {"s": (4,), "z": i8(3)}, "zero point 'z'"),
    Case(simple("DequantizeLinear", "x s", axis=5), {"x": i8(2, 4, 8)}, {"s": (4,)}, "axis 5 of x"),
    Case(
        simple("DequantizeLinear", "x s", axis=1, block_size=2),
        {"x": i8(4, 8)},
        {"s": (4, 3)},
        r"expected \[4, 4\]",
    ),
    Case(simple("QuantizeLinear", "x s z"), {"x": (2, 4, 8)}, {"s": (3,), "z": q(3)}, "scale 's'", UINT8),
    Case(simple("QuantizeLinear", "x s z"), {"x": (2, 4, 8)}, {"s": (4,), "z": q()}, "zero point 'z'", UINT8),
    Case(
        simple("QLinearMatMul", "x s z w t u s z"),
        {"x": q(2, 4)},
        {"w": q(4, 6), "t": (5,), "u": q(5)} | INTEGERS,
        "per column",
        UINT8,
    ),
    Case(
        simple("QLinearConv", "x s z w s z s z b"),
        {"x": q(1, 2, 4, 4)},
        {"w": q(5, 2, 1, 1), "b": Of(INT32, (4,))} | INTEGERS,
        "bias 'b'",
        UINT8,
    ),
    Case(
        simple("QLinearConv", "x s z w t u s z"),
        {"x": q(1, 2, 4, 4)},
        {"w": q(5, 2, 1, 1), "t": (4,), "u": q(4)} | INTEGERS,
        "scale of weights",
        UINT8,
    ),
    Case(
        simple("MatMulInteger", "x w z u"),
        {"x": q(2, 4)},
        {"w": q(4, 6), "u": q(5)} | INTEGERS,
        "per column",
        INT32,
    ),
    Case(
        attention(),
        HEADS | {"k": (1, 2, 6, 16)},
        {},
        r"K 'k' .*heads of width 8, as Q; its 2 heads have width 16",
    ),
    Case(attention(q_num_heads=2, kv_num_heads=2), FLAT | {"k": (1, 6, 32)}, {}, "heads of width 8, as Q"),
    Case(attention(q_num_heads=3, kv_num_heads=3), FLAT, {}, "Q 'q' .*multiple of its 3 heads"),
    Case(attention(), HEADS | {"v": (1, 2, 7, 8)}, {}, "V 'v' .*6 tokens, as K"),
    Case(attention(), HEADS | {"v": (1, 1, 6, 8)}, {}, "V 'v' .*2 heads"),
    Case(attention(), HEADS | {"k": (2, 2, 6, 8), "v": (2, 2, 6, 8)}, {}, "K 'k' .*batch 1, as Q"),
    Case(attention(), HEADS | {"q": (1, 3, 5, 8)}, {}, "Q 'q' .*multiple of the 2 heads of K"),
    Case(attention("q k v m"), HEADS | {"m": (5, 7)}, {}, r"attn_mask 'm' .*\[1, 2, 5, 6\]"),
    Case(attention("q k v - o p"), HEADS | {"o": (1, 2, 3, 9), "p": (1, 2, 3, 8)}, {}, "past_key 'o'"),
    Case(multi_head(), FLAT | {"k": (1, 6, 32)}, {}, "K 'k' .*width 8, as Q"),
    Case(multi_head(), FLAT | {"k": (2, 6, 16)}, {}, "K 'k' .*batch 1, as Q"),
    Case(multi_head("q k v b"), FLAT, {"b": (40,)}, r"bias 'b' .*\[48\]"),
    Case(
        multi_head("q k v - - l t", "GroupQueryAttention", kv_num_heads=1),
        FLAT | {"k": (1, 5, 16), "v": (1, 5, 16)},
        {"l": Of(INT32, (1,)), "t": Of(INT32, ())},
        "key 'k' .*8 on the last axis",
    ),
    Case(lstm(hidden_size=7), SEQUENCE, CELL, r"W 'w' .*\[1, 16, 3\]; expected \[1, 28, 3\].*hidden size 7"),
    Case(lstm(direction="sideways"), SEQUENCE, CELL, "direction is 'sideways'"),
    Case(lstm(direction="bidirectional"), SEQUENCE, CELL, r"W 'w' .*expected \[2, 16, 3\]: 2 directions"),
    Case(lstm(), SEQUENCE, {"w": (2, 16, 3), "r": (2, 16, 4)}, r"W 'w' .*expected \[1, 16, 3\]"),
    Case(lstm(), SEQUENCE, CELL | {"w": (1, 16, 5)}, r"W 'w' .*\[1, 16, 5\]; .*input size 3 of X"),
    Case(lstm(), SEQUENCE, CELL | {"w": (1, 12, 3)}, r"W 'w'"),
    Case(lstm("x w r b"), SEQUENCE, CELL | {"b": (1, 16)}, r"B 'b' .*\[1, 32\]"),
    Case(lstm("x w r - - h"), SEQUENCE | {"h": (1, 1, 5)}, CELL, r"initial_h 'h' .*\[1, 1, 4\]"),
    Case(lstm("x w r - - - c"), SEQUENCE | {"c": (1, 2, 4)}, CELL, r"initial_c 'c'"),
    Case(lstm("x w r - - - - p"), SEQUENCE, CELL | {"p": (1, 8)}, r"P 'p' .*\[1, 12\]"),
    Case(lstm(op="GRU", hidden_size=7), SEQUENCE, GATED, r"W 'w' .*3 x hidden size 7"),
    Case(lstm(op="GRU"), SEQUENCE, GATED | {"w": (1, 12, 5)}, r"W 'w'"),
    Case(lstm(op="RNN", hidden_size=7), SEQUENCE, {"w": (1, 4, 3), "r": (1, 4, 4)}, "W 'w'"),
    Case(simple("Add", "x w"), {"x": (2, 3)}, {"w": (4,)}, "Incompatible"),
    Case(simple("Concat", "x w", axis=0), {"x": (2, 3)}, {"w": (2, 4)}, "Inferred=4"),
    Case(simple("Gather", "x i", axis=3), {"x": (2, 3)}, {"i": Of(INT64, (1,))}, "axis"),
    Case(simple("Gather", "x i", axis=1), {"x": (2, 1)}, {"i": Of(INT64, (1,))}, "index 1 of axis 1"),
    Case(
        simple("GatherElements", "x i"), {"x": (4, 3), "i": Of(INT64, (2, 3, 1))}, {}, "indices 'i' .*2 axes"
    ),
    Case(
        simple("ScatterElements", "x i u"),
        {"x": (4, 3), "i": Of(INT64, (2, 3)), "u": (2, 2)},
        {},
        r"updates 'u' .*\[2, 3\]",
    ),
    Case(
        simple("ScatterND", "x i u"),
        {"x": (4, 3), "i": Of(INT64, (2, 1)), "u": (2, 2)},
        {},
        r"updates 'u' .*\[2, 3\]",
    ),
    Case(simple("Slice", "x i i i"), {"x": (5,)}, {"i": Of(INT64, (1,))}, "axis 1 of a tensor with 1 axes"),
    Case(simple("Resize", "x - s"), IMAGE, {"s": (2,)}, "scales"),
    Case(simple("DepthToSpace", "x", blocksize=2), IMAGE, {}, "4 channels"),
    Case(simple("SpaceToDepth", "x", blocksize=3), IMAGE, {}, "multiples of blocksize = 3"),
    Case(
        simple("MaxUnpool", "x i", kernel_shape=[2, 2], strides=[2, 2]),
        {"x": (1, 3, 4, 4), "i": Of(INT64, (1, 3, 4, 3))},
        {},
        "indices 'i'",
    ),
    Case(
        simple("RotaryEmbedding", "x c c"),
        {"x": (1, 2, 5, 8), "c": (1, 5, 3)},
        {},
        "cos_cache 'c' .*4 on the last axis",
    ),
    Case(simple("SkipLayerNormalization", "x x w", **MICROSOFT), TEXT, {"w": (7,)}, r"gamma 'w' .*\[8\]"),
    Case(
        simple("SkipLayerNormalization", "x s w", **MICROSOFT),
        TEXT | {"s": (2, 3, 9)},
        {"w": (8,)},
        "skip 's'",
    ),
    Case(
        simple("MatMulNBits", "x w s", K=64, N=8, bits=4, block_size=32, **MICROSOFT),
        {"x": (4, 64)},
        {"w": q(8, 2, 16), "s": (15,)},
        "scales 's' .*16 numbers",
    ),
    Case(
        simple("MatMulNBits", "x w s", K=64, N=8, bits=4, block_size=32, **MICROSOFT),
        {"x": (4, 64)},
        {"w": q(8, 3, 16), "s": (16,)},
        "weights 'w' .*256 bytes",
    ),
]

TAKEN = [
    Case(simple("Conv", "x w b", group=3), IMAGE, {"w": (6, 1, 3, 3), "b": (6,)}),
    Case(simple("Conv", "x w", pads=[1, 1, 1, 1]), {"x": (1, 3, 1, 1)}, {"w": (4, 3, 3, 3)}),
    Case(simple("Conv", "x w", auto_pad="SAME_UPPER"), {"x": (1, 3, 1, 1)}, {"w": (4, 3, 3, 3)}),
    Case(simple("ConvTranspose", "x w b", group=3), IMAGE, {"w": (3, 2, 3, 3), "b": (6,)}),
    Case(simple("Gemm", "x w b", transA=1, transB=1), {"x": (3, 2)}, {"w": (4, 3), "b": (2, 1)}),
    Case(simple("Gemm", "x w b"), {"x": (2, 3)}, {"w": (3, 4), "b": ()}),
    Case(simple("Einsum", "x w", equation="ij,jk->ik"), {"x": (2, 3)}, {"w": (1, 4)}),
    Case(simple("LayerNormalization", "x w"), TEXT, {"w": (1,)}),
    Case(simple("LayerNormalization", "x w"), TEXT, {"w": ()}),
    Case(simple("LayerNormalization", "x w b"), TEXT, {"w": (3, 8), "b": (8,)}),
    Case(simple("PRelu", "x m"), {"x": (2, 4, 8)}, {"m": (4, 1)}),
    Case(simple("Clip", "x m"), {"x": (2, 4)}, {"m": (1,)}),
    Case(simple("DequantizeLinear", "x s z"), {"x": i8(2, 4, 8)}, {"s": (1,), "z": i8(1)}),
    Case(simple("DequantizeLinear", "x s z", axis=-1), {"x": i8(2, 4, 8)}, {"s": (8,), "z": i8(8)}),
    Case(simple("DequantizeLinear", "x s", axis=0), {"x": i8(4)}, {"s": (4,)}),
    Case(simple("DequantizeLinear", "x s", axis=1, block_size=3), {"x": i8(4, 8)}, {"s": (4, 3)}),
    Case(
        simple("QLinearConv", "x s z w t u s z b"),
        {"x": q(1, 2, 4, 4)},
        {"w": q(5, 2, 1, 1), "t": (5,), "u": q(5), "b": Of(INT32, (5,))} | INTEGERS,
        output=UINT8,
    ),
    Case(attention(), HEADS | {"q": (1, 4, 5, 8), "v": (1, 2, 6, 3)}, {}),
    Case(attention(q_num_heads=2, kv_num_heads=1), FLAT | {"k": (1, 6, 8), "v": (1, 6, 4)}, {}),
    Case(attention("q k v m"), HEADS | {"m": (1, 2, 5, 6)}, {}),
    Case(attention("q k v m - -"), HEADS | {"m": (5, 6)}, {}),
    Case(multi_head("q k v b"), FLAT | {"v": (1, 6, 8)}, {"b": (40,)}),
    Case(lstm(direction="reverse"), SEQUENCE, CELL),
    Case(
        lstm("x w r b - h c p"),
        SEQUENCE | {"h": (1, 1, 4), "c": (1, 1, 4)},
        CELL | {"b": (1, 32), "p": (1, 12)},
    ),
    Case(
        lstm("x w r b", direction="bidirectional"), SEQUENCE, {"w": (2, 16, 3), "r": (2, 16, 4), "b": (2, 32)}
    ),
    Case(lstm("x w r b", "GRU"), SEQUENCE, GATED | {"b": (1, 24)}),
    Case(simple("Gather", "x i", axis=1), {"x": (2, 3)}, {"i": Of(INT64, (1,))}),
    Case(simple("GatherElements", "x i", axis=1), {"x": (4, 3), "i": Of(INT64, (2, 7))}, {}),
    Case(simple("RotaryEmbedding", "x c c"), {"x": (1, 2, 5, 8), "c": (1, 5, 4)}, {}),
    Case(simple("SkipLayerNormalization", "x s w", **MICROSOFT), TEXT | {"s": (3, 8)}, {"w": (8,)}),
]


def written(case: Case, folder: Path) -> Path:
    weights = [
        const(
            name,
            np.ones(spec.shape if isinstance(spec, Of) else spec),
            NUMPY[spec.elem_type if isinstance(spec, Of) else FLOAT],
        )
        for name, spec in case.weights.items()
    ]
    outputs = {name: Of(case.output) for name in case.node.output}
    opsets = {"com.microsoft": 1}
    return save(model([case.node], case.inputs, outputs, weights, opset=case.opset, opsets=opsets), folder)


def runs(path: Path) -> bool:
    """Whether ONNX Runtime loads the model and runs it on zeros."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        session = onnxruntime.InferenceSession(path, options)
        types = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int8)": np.int8}
        types["tensor(uint8)"] = np.uint8
        feeds = {value.name: np.zeros(value.shape, types[value.type]) for value in session.get_inputs()}
        run_options = onnxruntime.RunOptions()
        run_options.log_severity_level = 4
        session.run(None, feeds, run_options)
    except (Fail, InvalidArgument, InvalidGraph, RuntimeException):
        return False
    return True


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.node.op_type}-{case.says}")
def test_contradictions_are_refused_as_onnxruntime_refuses_them(case: Case, tmp_path: Path) -> None:
    path = written(case, tmp_path)
    with pytest.raises(ModelError, match=case.says) as caught:
        load_model(path)
    assert case.node.name in str(caught.value)
    assert case.node.op_type in str(caught.value)
    assert not runs(path)


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: f"{case.node.op_type}-{case.weights}")
def test_what_only_looks_like_a_contradiction_is_taken_as_onnxruntime_takes_it(
    case: Case, tmp_path: Path
) -> None:
    path = written(case, tmp_path)
    load_model(path)
    assert runs(path)
