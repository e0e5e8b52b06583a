"""Fuzzing the ONNX reader: whatever the file holds, it is read or refused with one clear error."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto, helper

from catx.errors import CatxError
from catx.frontend.onnx import load, skim
from catx.frontend.onnx.proto_types import MAX_ELEMENTS
from catx.frontend.onnx.reader import read_model
from tests.frontend.onnx_models import INT64, Of, const, graph, model, node, save, weight

BOUNDED = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def arithmetic() -> ModelProto:
    """Shape arithmetic, a branch, weights inside and outside."""
    taken = graph([node("Add", ["x", "c"], ["r"])], {}, {"r": None}, [const("c", [1], np.float32)])
    other = graph([node("Mul", ["x", "x"], ["r"])], {}, {"r": None})
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "i"], ["g"]),
        node("Greater", ["g", "i"], ["b"]),
        node("If", ["b"], ["t"], then_branch=taken, else_branch=other),
        node("Unsqueeze", ["g", "axes"], ["q"]),
        node("Concat", ["q", "rest"], ["target"], axis=0),
        node("Reshape", ["t", "target"], ["u"]),
        node("MatMul", ["u", "w"], ["y"]),
    ]
    constants = [const("i", 0), const("rest", [-1]), const("axes", [0]), weight("w", 4, 5)]
    return model(nodes, {"x": (3, 4)}, ["y"], constants)


def convolutional() -> ModelProto:
    """An old network: broadcasting and reshaping by attributes."""
    nodes = [
        node("Conv", ["x", "k"], ["a"], pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Add", ["a", "v"], ["b"], broadcast=1, axis=1),
        node("BatchNormalization", ["b", *"vvvv"], ["c"], is_test=1, consumed_inputs=[0, 0, 0, 1, 1]),
        node("MaxPool", ["c"], ["d"], kernel_shape=[2, 2], strides=[1, 1]),
        node("Reshape", ["d"], ["e"], shape=[0, -1]),
        node("Gemm", ["e", "w", "z"], ["y"], broadcast=1, transB=1),
    ]
    constants = [
        weight("k", 3, 3, 3, 3),
        weight("w", 7, 27),
        weight("z", 7),
        const("v", [1, 2, 3], np.float32),
    ]
    return model(nodes, {"x": (1, 3, 8, 8)}, ["y"], constants, opset=4, ir_version=3)


def functional() -> ModelProto:
    """A function that calls a function."""
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("my", 1)]
    scaled = node("LeakyRelu", ["a"], ["b"])
    scaled.attribute.add(name="alpha", ref_attr_name="slope", type=AttributeProto.FLOAT)
    inner = helper.make_function("my", "F", ["a"], ["b"], [scaled], opsets, ["slope"])
    call = node("F", ["a"], ["t"], domain="my", slope=0.5)
    outer = helper.make_function("my", "G", ["a"], ["b"], [call, node("Add", ["t", "a"], ["b"])], opsets)
    return model(
        [node("G", ["x"], ["y"], domain="my")],
        {"x": (2, 3)},
        ["y"],
        functions=[outer, inner],
        opsets={"my": 1},
    )


def assorted() -> ModelProto:
    """Operators with delicate attributes and vectors."""
    nodes = [
        node("Slice", ["x", "zero", "two"], ["a"]),
        node("Expand", ["a", "shape"], ["b"]),
        node("Tile", ["b", "shape"], ["c"]),
        node("LayerNormalization", ["c", "g"], ["d"], axis=-1),
        node("Split", ["d"], ["e", "f"], axis=0, num_outputs=2),
        node("Einsum", ["e", "f"], ["h"], equation="ij,kj->ik"),
        node("Softmax", ["h"], ["k"], axis=1),
        node("TopK", ["k", "two"], ["l", "m"]),
        node("Gelu", ["l"], ["o"], domain="com.microsoft"),
        node("Pad", ["o", "pads"], ["p"]),
        node("ConvTranspose", ["q", "r"], ["v"], strides=[2, 2], output_padding=[1, 1]),
        node("Resize", ["v", "", "scales"], ["y2"]),
        node("Cast", ["p"], ["y1"], to=10),
    ]
    constants = [
        *(const("zero", [0]), const("two", [2]), const("shape", [2, 3]), const("pads", [0, 1, 0, 1])),
        const("scales", [1, 1, 2, 0.5], np.float32),
        *(weight("g", 9), weight("r", 2, 3, 3, 3)),
    ]
    inputs = {"x": (2, 3), "q": (1, 2, 5, 5), "unread": Of(INT64, (4,))}
    return model(nodes, inputs, ["y1", "y2"], constants, opsets={"com.microsoft": 1})


MODELS = [arithmetic(), convolutional(), functional(), assorted()]
BYTES = [proto.SerializeToString() for proto in MODELS]


def survives(data: bytes, folder: Path) -> bool:
    """Whether the file is a model; a refusal must be one printable message that names it."""
    path = save(data, folder)
    try:
        resolved = read_model(path)
    except CatxError as error:
        text = str(error)
        assert str(path) in text
        assert text.replace("\n", "").isprintable()
        assert len(text) < 3000
        return False
    for value in resolved.values.values():
        assert all(0 <= extent <= MAX_ELEMENTS for extent in value.shape)
        assert value.data is None or value.data.shape == value.shape
    names = {name for each in resolved.nodes for name in (*each.inputs, *each.outputs) if name}
    assert names <= resolved.values.keys()
    return True


def test_the_models_are_sound(tmp_path: Path) -> None:
    assert [survives(data, tmp_path) for data in BYTES] == [True] * 4


@given(data=st.binary(max_size=200))
@BOUNDED
def test_random_bytes(data: bytes, tmp_path: Path) -> None:
    assert not survives(data, tmp_path)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A model with a few bytes changed, removed, inserted or repeated."""
    data = bytearray(draw(st.sampled_from(BYTES)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        kind = draw(st.sampled_from(["set", "flip", "cut", "insert", "repeat", "end"]))
        if kind == "set":
            data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
        elif kind == "flip":
            data[at : at + 1] = bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in data[at : at + 1])
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 9))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=5))
        elif kind == "repeat":
            data[at:at] = data[at : at + draw(st.integers(1, 30))]
        else:
            del data[at:]
    return bytes(data)


@given(data=damaged())
@BOUNDED
def test_damaged_models(data: bytes, tmp_path: Path) -> None:
    survives(data, tmp_path)


@given(data=damaged())
@BOUNDED
def test_damaged_big_models(data: bytes, tmp_path: Path) -> None:
    """The same through the reader of big files, its limits lowered so that it leaves most data out."""
    limits = load.SKIMMED_BYTES, skim.KEPT_BYTES
    load.SKIMMED_BYTES, skim.KEPT_BYTES = 1, 16
    try:
        survives(data, tmp_path)
    finally:
        load.SKIMMED_BYTES, skim.KEPT_BYTES = limits


NUMBERS = [0, -1, 1, 2, -2, 3, 5, 9, -7, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63)]
VALUES: list[Any] = [
    1.5,
    float("nan"),
    "",
    "SAME_UPPER",
    "x",
    [1, 2],
    [0],
    [],
    [0.5],
    ["a"],
    b"\xff",
    *NUMBERS,
]


def change_attribute(proto: ModelProto, rng: random.Random) -> None:
    """An attribute of any node gets a number, list or type that it should not have."""
    made = any_node(proto, rng)
    names = [attribute.name for attribute in made.attribute] or ["axis", "alpha", "to"]
    name = rng.choice(names)
    kept = [attribute for attribute in made.attribute if attribute.name != name]
    del made.attribute[:]
    made.attribute.extend(kept)
    value = rng.choice(VALUES)
    if value != []:
        made.attribute.append(helper.make_attribute(name, value))


def any_node(proto: ModelProto, rng: random.Random) -> NodeProto:
    bodies = [proto.graph.node, *(function.node for function in proto.functions)]
    return rng.choice([made for body in bodies for made in body])


def change_wiring(proto: ModelProto, rng: random.Random) -> None:
    """A node reads or writes something else, nothing, or one thing more."""
    made = any_node(proto, rng)
    names = [name for each in proto.graph.node for name in (*each.input, *each.output)]
    wires = rng.choice([made.input, made.output])
    action = rng.choice(["set", "blank", "drop", "add"])
    if action == "add" or not wires:
        wires.append(rng.choice([*names, "nowhere"]))
    elif action == "drop":
        wires.pop()
    else:
        wires[rng.randrange(len(wires))] = rng.choice(names) if action == "set" else ""


def change_type(proto: ModelProto, rng: random.Random) -> None:
    """An input has another shape or element type."""
    tensor = rng.choice(proto.graph.input).type.tensor_type
    if rng.random() < 0.4:
        tensor.elem_type = rng.choice([0, 1, 2, 3, 6, 7, 8, 9, 10, 14, 16, 22, 99])
    elif rng.random() < 0.5 or not tensor.shape.dim:
        tensor.shape.dim.add().dim_value = rng.choice(NUMBERS)
    else:
        rng.choice(tensor.shape.dim).dim_value = rng.choice(NUMBERS)


def change_constant(proto: ModelProto, rng: random.Random) -> None:
    """An initializer has other values, extents or type."""
    tensor = rng.choice(proto.graph.initializer)
    action = rng.randrange(4)
    if action == 0 and tensor.raw_data:
        values = np.array([rng.choice(NUMBERS) for _ in range(max(1, len(tensor.raw_data) // 8))], np.int64)
        tensor.raw_data = values.tobytes()[: len(tensor.raw_data)]
    elif action == 1:
        tensor.dims.append(rng.choice([1, 1, 0, 2**40, -1]))
    elif action == 2:
        tensor.data_type = rng.choice([0, 1, 6, 7, 8, 9, 14, 22, 99])
    else:
        count = rng.choice([0, 1, 3, 200])
        tensor.CopyFrom(
            TensorProto(name=tensor.name, dims=[count], data_type=INT64, raw_data=bytes(8 * count))
        )


def change_header(proto: ModelProto, rng: random.Random) -> None:
    """Another operator, operator set, or domain."""
    action = rng.randrange(3)
    if action == 0:
        proto.opset_import[0].version = rng.choice([1, 4, 6, 7, 9, 11, 13, 17, 21, 23])
    elif action == 1:
        any_node(proto, rng).op_type = rng.choice(
            ["Loop", "Scan", "Reshape", "NonZero", "Attention", "LSTM", "Shape"]
        )
    else:
        any_node(proto, rng).domain = rng.choice(["com.microsoft", "ai.onnx.ml", "my", "nobody"])


CHANGES: list[Callable[[ModelProto, random.Random], None]] = [
    *(change_attribute, change_wiring, change_type, change_constant, change_header)
]


@given(
    seed=st.integers(0, 2**32),
    base=st.sampled_from(MODELS),
    changes=st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3),
)
@BOUNDED
def test_models_that_contradict_themselves(
    seed: int, base: ModelProto, changes: list[Callable[[ModelProto, random.Random], None]], tmp_path: Path
) -> None:
    proto, rng = ModelProto(), random.Random(seed)
    proto.CopyFrom(base)
    for change in changes:
        if change is not change_constant or proto.graph.initializer:
            change(proto, rng)
    survives(proto.SerializeToString(), tmp_path)
