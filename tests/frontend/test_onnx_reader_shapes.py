"""Shapes against what real evaluators produce: onnx's own operator tests, and ONNX Runtime."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from catx.errors import CatxError, ModelError, UnknownOpError
from catx.frontend.onnx.reader import read_model
from tests.frontend.onnx_models import BOOL, FLOAT16, INT64, UINT8, Of, Typed, const, model, node, save

INT32 = TensorProto.INT32
LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


def operator_tests() -> list[tuple[str, ModelProto, list[Any], list[Any]]]:
    """The models with data by which onnx tests its operators: about 1,900."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)
    return [(case.name, case.model, *case.data_sets[0]) for case in cases if case.model is not None]


def test_shapes_and_values_of_onnx_operator_tests(tmp_path: Path) -> None:
    """With all inputs constant, results have the shape, and where they fold the value, of the test."""
    shapes = values = 0
    for name, proto, inputs, outputs in operator_tests():
        for info, value in zip(proto.graph.input, inputs, strict=False):
            if isinstance(value, np.ndarray):
                proto.graph.initializer.append(numpy_helper.from_array(value, info.name))
        del proto.graph.value_info[:]
        for output in proto.graph.output:
            if output.type.HasField("tensor_type"):
                output.type.tensor_type.ClearField("shape")
        try:
            resolved = read_model(save(proto, tmp_path))
        except CatxError:
            continue
        for info, expected in zip(proto.graph.output, outputs, strict=True):
            if not isinstance(expected, np.ndarray) or expected.dtype.kind in "OUc":
                continue
            found = resolved.values[info.name]
            assert found.shape == expected.shape, name
            shapes += 1
            if found.data is not None:
                values += 1
                pair = found.data.astype(np.float64), expected.astype(np.float64)
                np.testing.assert_allclose(*pair, rtol=1e-3, atol=1e-6, err_msg=name)
    assert shapes > 1500
    assert values > 600


def every_shape_by_onnxruntime(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type of every tensor that ONNX Runtime computes, inputs being zero."""
    proto = onnx.load(path)
    known = {output.name for output in proto.graph.output}
    written = {name for made in proto.graph.node for name in made.output if name}
    proto.graph.output.extend(onnx.ValueInfoProto(name=name) for name in sorted(written - known))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    dtypes = {
        "float": np.float32,
        "float16": np.float16,
        "uint8": np.uint8,
        "int32": np.int32,
        "bool": np.bool_,
    }
    feeds = {each.name: np.zeros(each.shape, dtypes[each.type[7:-1]]) for each in session.get_inputs()}
    results = session.run(None, feeds)
    return {
        each.name: (result.shape, str(result.dtype).replace("float", "fp"))
        for each, result in zip(session.get_outputs(), results, strict=True)
    }


@pytest.mark.parametrize("name", ["resnet50", "shufflenet", "inception_v1"])
def test_real_networks_have_the_shapes_of_onnxruntime(name: str) -> None:
    path = LIGHT / f"light_{name}.onnx"
    measured = every_shape_by_onnxruntime(path)
    resolved = read_model(path)
    computed = {each.name: each.shape for each in resolved.values.values() if each.kind == "computed"}
    assert len(computed) > 100
    assert computed == {name: measured[name][0] for name in computed}


def scale(name: str) -> TensorProto:
    return const(name, 0.1, np.float32)


def zero(name: str) -> TensorProto:
    return const(name, 0, np.uint8)


Q1, Q2, Q3 = [scale("s1"), zero("z1")], [scale("s2"), zero("z2")], [scale("s3"), zero("z3")]
QUANTIZED = [*Q1, *Q2, *Q3]
A, B, OUT = ["a", "s1", "z1"], ["b", "s2", "z2"], ["s3", "z3"]
BYTES = Of(UINT8, (2, 3))
IMAGE = Of(UINT8, (1, 2, 8, 8))
FACTORS = {"a": BYTES, "b": Of(UINT8, (3, 4))}
GAMMA = const("g", np.ones(8), np.float32)


def case(
    op: str,
    inputs: list[str],
    types: Typed,
    constants: list[TensorProto] | None = None,
    outputs: tuple[str, ...] = ("y",),
    **attributes: Any,
) -> Any:
    """A com.microsoft operator that ONNX Runtime can run."""
    made = node(op, inputs, outputs, domain="com.microsoft", **attributes)
    return pytest.param(made, types, constants or [], id=f"{op}-{len(inputs)}-{len(attributes)}")


CONTRIB = [
    case("Gelu", ["x"], {"x": (2, 3)}),
    case("Gelu", ["x"], {"x": Of(FLOAT16, (2, 3))}),
    case("FastGelu", ["x", "b"], {"x": (2, 3), "b": (3,)}),
    case("BiasGelu", ["x", "b"], {"x": (2, 3), "b": (3,)}),
    case("QuickGelu", ["x"], {"x": (2, 3)}, alpha=1.7),
    case("FusedMatMul", ["a", "b"], {"a": (2, 4, 3), "b": (2, 5, 4)}, transA=1, transB=1),
    case("FusedMatMul", ["a", "b"], {"a": (3, 4, 2, 7), "b": (4, 2, 7, 5)}, transBatchA=1),
    case("FusedMatMul", ["a", "b"], {"a": (4, 2, 3), "b": (2, 4, 5)}, transBatchA=1, transA=1),
    case("FusedConv", ["x", "w"], {"x": (1, 3, 8, 8), "w": (4, 3, 3, 3)}, activation="Relu", pads=[1] * 4),
    case("FusedGemm", ["a", "b"], {"a": (2, 3), "b": (4, 3)}, transB=1, activation="Relu"),
    case(
        "SkipLayerNormalization",
        ["x", "k", "g"],
        {"x": (1, 2, 8), "k": (1, 2, 8)},
        [GAMMA],
        ("y", "", "", "sum"),
    ),
    case("SkipSimplifiedLayerNormalization", ["x", "k", "g"], {"x": (1, 2, 8), "k": (1, 2, 8)}, [GAMMA]),
    case("QLinearAdd", [*A, *B, *OUT], {"a": BYTES, "b": Of(UINT8, (4, 1, 3))}, QUANTIZED),
    case("QLinearMul", [*A, *B, *OUT], {"a": BYTES, "b": Of(UINT8, (3,))}, QUANTIZED),
    case("QLinearSigmoid", [*A, *OUT], {"a": BYTES}, [*Q1, *Q3]),
    case("QLinearLeakyRelu", [*A, *OUT], {"a": BYTES}, [*Q1, *Q3]),
    case("QLinearSoftmax", [*A, *OUT], {"a": BYTES}, [*Q1, *Q3], opset=13),
    case("QLinearConcat", [*OUT, *A, *B], {"a": BYTES, "b": Of(UINT8, (2, 5))}, QUANTIZED, axis=1),
    case(
        "QLinearWhere",
        ["c", *A, *B, *OUT],
        {"c": Of(BOOL, (2, 3)), "a": BYTES, "b": Of(UINT8, (3,))},
        QUANTIZED,
    ),
    case("QLinearAveragePool", [*A, *OUT], {"a": IMAGE}, [*Q1, *Q3], kernel_shape=[3, 3], strides=[2, 2]),
    case("QLinearGlobalAveragePool", [*A, *OUT], {"a": IMAGE}, [*Q1, *Q3]),
    case("QLinearGlobalAveragePool", [*A, *OUT], {"a": IMAGE}, [*Q1, *Q3], channels_last=1),
    case("QGemm", [*A, *B, "", *OUT], FACTORS, QUANTIZED),
    case("QGemm", [*A, *B], FACTORS, [*Q1, *Q2]),
    case("MatMulIntegerToFloat", ["a", "b", "s1", "s2"], FACTORS, [scale("s1"), scale("s2")]),
    case("DynamicQuantizeMatMul", ["a", "b", "s1"], {"a": (2, 3), "b": Of(UINT8, (3, 4))}, [scale("s1")]),
    case("DequantizeLinear", A, {"a": BYTES}, Q1),
    case("QuantizeLinear", A, {"a": (2, 3)}, Q1),
    case(
        "MatMulNBits",
        ["a", "b", "s"],
        {"a": (2, 32)},
        [const("b", np.zeros((8, 1, 16)), np.uint8), const("s", np.zeros(8), np.float32)],
        K=32,
        N=8,
        bits=4,
        block_size=32,
    ),
    case(
        "Attention",
        ["x", "w", "b"],
        {"x": (1, 5, 8)},
        [const("w", np.zeros((8, 24)), np.float32), const("b", np.zeros(24), np.float32)],
        num_heads=2,
    ),
    case(
        "MultiHeadAttention",
        ["q", "k", "v"],
        {"q": (1, 5, 8), "k": (1, 7, 8), "v": (1, 7, 12)},
        num_heads=2,
    ),
    case(
        "GroupQueryAttention",
        ["q", "k", "v", "", "", "last", "total"],
        {"q": (1, 5, 16), "k": (1, 5, 8), "v": (1, 5, 8)},
        [const("last", [4], np.int32), const("total", 5, np.int32)],
        num_heads=2,
        kv_num_heads=1,
    ),
    case(
        "RotaryEmbedding",
        ["x", "p", "c", "s"],
        {"x": (1, 5, 16)},
        [const("p", [range(5)]), *(const(name, np.zeros((8, 8)), np.float32) for name in "cs")],
    ),
    case(
        "EmbedLayerNormalization",
        ["i", "", "w", "p", "", "g", "g"],
        {"i": Of(INT32, (1, 5))},
        [const("w", np.zeros((11, 8)), np.float32), const("p", np.zeros((6, 8)), np.float32), GAMMA],
        ("y", "mask"),
    ),
    case(
        "DynamicQuantizeLSTM",
        ["x", "w", "r", *[""] * 5, "s1", "z1", "s2", "z2"],
        {"x": (5, 1, 4)},
        [
            *(const(name, np.zeros((1, rows, 32)), np.uint8) for name, rows in (("w", 4), ("r", 8))),
            *(const(name, [0.1], np.float32) for name in ("s1", "s2")),
            *(const(name, [0], np.uint8) for name in ("z1", "z2")),
        ],
        ("y", "h", "c"),
        hidden_size=8,
    ),
]


@pytest.mark.parametrize(("made", "types", "constants"), CONTRIB)
def test_contrib_operators_have_the_shapes_of_onnxruntime(
    made: NodeProto, types: Typed, constants: list[TensorProto], tmp_path: Path
) -> None:
    results = [name for name in made.output if name]
    proto = model([made], types, results, constants, opset=17, opsets={"com.microsoft": 1})
    for output in proto.graph.output:
        output.ClearField("type")
    path = save(proto, tmp_path)
    resolved = read_model(path)
    found = {
        name: (resolved.values[name].shape, resolved.values[name].dtype.value) for name in resolved.outputs
    }
    assert found == every_shape_by_onnxruntime(path)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (node("FusedMatMul", ["x", "x"], ["y"]), "cannot be multiplied"),
        (node("MatMulNBits", ["x"], ["y"], K=7, N=3), "K is 7, but its input has shape"),
        (node("Attention", ["x"], ["y"]), "its input 0 must have 3 axes"),
        (node("QLinearConcat", ["x", "x", "x"], ["y"], axis="last"), "along axis last"),
        (node("QLinearAdd", ["x"], ["y"]), "has input size 1 not in range"),
        (node("MultiHeadAttention", ["x"], ["y"], num_heads=-1), "must be a positive integer, not -1"),
    ],
)
def test_contrib_operators_that_are_malformed(made: NodeProto, message: str, tmp_path: Path) -> None:
    made.domain = "com.microsoft"
    proto = model([made], {"x": (2, 3)}, ["y"], opsets={"com.microsoft": 1})
    with pytest.raises(ModelError, match=message):
        read_model(save(proto, tmp_path))


def test_contrib_operators_without_a_rule_are_unknown(tmp_path: Path) -> None:
    made = node("BeamSearch", ["x"], ["y"], domain="com.microsoft")
    with pytest.raises(UnknownOpError, match=r"com\.microsoft::BeamSearch"):
        read_model(save(model([made], {"x": (2, 3)}, ["y"], opsets={"com.microsoft": 1}), tmp_path))


@pytest.mark.parametrize(
    ("version", "made", "shapes", "expected"),
    [
        (
            4,
            node("Add", ["x", "w"], ["y"], broadcast=1, axis=1),
            {"x": (2, 3, 4, 4), "w": (3,)},
            (2, 3, 4, 4),
        ),
        (6, node("Mul", ["x", "w"], ["y"], broadcast=1), {"x": (2, 3, 4), "w": (4,)}, (2, 3, 4)),
        (6, node("Sub", ["x", "w"], ["y"], broadcast=1, axis=-2), {"x": (2, 3, 4), "w": (3, 4)}, (2, 3, 4)),
        (6, node("PRelu", ["x", "w"], ["y"]), {"x": (2, 3, 4, 4), "w": (3,)}, (2, 3, 4, 4)),
        (6, node("Gemm", ["x", "w", "c"], ["y"], broadcast=1), {"x": (2, 3), "w": (3, 5), "c": (5,)}, (2, 5)),
        (1, node("Relu", ["x"], ["y"], consumed_inputs=[0]), {"x": (2, 3)}, (2, 3)),
        (1, node("Cast", ["x"], ["y"], to="FLOAT16"), {"x": (2, 3)}, (2, 3)),
        (1, node("Concat", ["x", "x"], ["y"]), {"x": (2, 3)}, (2, 6)),
        (1, node("Pad", ["x"], ["y"], paddings=[0, 1, 0, 2]), {"x": (2, 3)}, (2, 6)),
        (1, node("Reshape", ["x"], ["y"], shape=[0, -1]), {"x": (2, 3, 4)}, (2, 12)),
        (1, node("LpPool", ["x"], ["y"], p=2.0, kernel_shape=[2, 2]), {"x": (1, 3, 4, 4)}, (1, 3, 3, 3)),
        (
            1,
            node("Upsample", ["x"], ["y"], height_scale=2.0, width_scale=3.0),
            {"x": (1, 1, 4, 4)},
            (1, 1, 8, 12),
        ),
        (6, node("Dropout", ["x"], ["y"], is_test=1), {"x": (2, 3)}, (2, 3)),
        (
            6,
            node("BatchNormalization", ["x", *"wwww"], ["y"], is_test=1),
            {"x": (2, 3, 4), "w": (3,)},
            (2, 3, 4),
        ),
    ],
    ids=lambda value: value.op_type if isinstance(value, NodeProto) else None,
)
def test_operators_of_sets_below_seven(
    version: int, made: NodeProto, shapes: Typed, expected: tuple[int, ...], tmp_path: Path
) -> None:
    resolved = read_model(save(model([made], shapes, ["y"], opset=version, ir_version=3), tmp_path))
    assert resolved.values["y"].shape == expected
    assert resolved.nodes[-1].name == made.name
    assert resolved.nodes[-1].opset == 7


def test_old_split_and_tile_take_constants(tmp_path: Path) -> None:
    nodes = [
        node("Split", ["x", "lengths"], ["a", "b"], axis=1),
        node("Tile", ["b", "count", "axis"], ["t"]),
        node("Concat", ["a", "t"], ["y"], axis=1),
    ]
    constants = [const("lengths", [1, 2]), const("count", 3), const("axis", 1)]
    proto = model(nodes, {"x": (2, 3)}, ["y"], constants, opset=1, ir_version=3)
    assert read_model(save(proto, tmp_path)).values["y"].shape == (2, 7)


def test_stft_keeps_half_of_the_spectrum_by_default(tmp_path: Path) -> None:
    shapes = {"x": (1, 128, 1)}
    constants = [const("step", 8), const("length", 16)]
    for attributes, bins in (({}, 9), ({"onesided": 1}, 9), ({"onesided": 0}, 16)):
        made = node("STFT", ["x", "step", "", "length"], ["y"], **attributes)
        resolved = read_model(save(model([made], shapes, ["y"], constants), tmp_path))
        assert resolved.values["y"].shape == (1, 15, bins, 2)


def test_declared_types_do_not_override_inferred_ones(tmp_path: Path) -> None:
    proto = model([node("Shape", ["x"], ["y"])], {"x": (2, 3)}, {"y": Of(INT64, (9,))})
    assert read_model(save(proto, tmp_path)).values["y"].shape == (2,)


def test_group_normalization_has_the_shape_of_its_input(tmp_path: Path) -> None:
    proto = model(
        [node("GroupNormalization", ["x", "s", "s"], ["y"], num_groups=2)],
        {"x": (1, 4, 5), "s": (4,)},
        ["y"],
        opset=21,
    )
    assert read_model(save(proto, tmp_path)).values["y"].shape == (1, 4, 5)
