"""Files that are no models, damaged or malicious ones: one clear error each, quickly, in little memory."""

import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper

from catx.errors import Loc, ModelError
from catx.frontend.onnx import load
from catx.frontend.onnx.reader import read_model
from catx.frontend.onnx.skim import _varint_bytes
from tests.frontend.onnx_models import INT64, Of, const, model, node, save, weight

PLAIN = model([node("Relu", ["x"], ["y"])], {"x": (2, 3)}, ["y"])


def refused(path: Path, message: str) -> None:
    """Reading fails with one printable message that names the file."""
    with pytest.raises(ModelError) as caught:
        read_model(path)
    text = str(caught.value)
    assert message in text
    assert str(path) in text
    assert text.replace("\n", "").isprintable()


def changed(edit: Callable[[ModelProto], object]) -> ModelProto:
    proto = ModelProto()
    proto.CopyFrom(PLAIN)
    edit(proto)
    return proto


# --- Files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\x00\x01\x02 random \xff\xfe bytes" * 9, "not an ONNX model"),
        (PLAIN.SerializeToString()[:-7], "not an ONNX model, or damaged or cut off"),
        (b'{"graph": {}}', "this is a text file"),
        (b"module { func.func @main() }", "this is a text file"),
        (pickle.dumps({"state": [1, 2]}, protocol=2), "a Python pickle"),
        (b"\x89HDF\r\n\x1a\n" + bytes(64), "an HDF5 file"),
        (b"GGUF" + bytes(64), "a GGUF file"),
        (b"\x40" + bytes(7) + b'{"w": 1}' + bytes(64), "a safetensors file"),
        (b"\x1c\x00\x00\x00TFL3" + bytes(64), "a TensorFlow Lite file"),
        (b"\x1f\x8b\x08" + bytes(64), "a gzip archive"),
        (ModelProto(ir_version=8).SerializeToString(), "it has no graph"),
        (TensorProto(name="w", dims=[2], data_type=1).SerializeToString(), "not an ONNX model"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_files_that_are_no_models(data: bytes, message: str, tmp_path: Path) -> None:
    refused(save(data, tmp_path), message)


def test_a_torch_archive(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02")
    refused(path, "this is a zip archive, as torch.save writes it")


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    refused(tmp_path, "is a directory")
    refused(tmp_path / "missing.onnx", "missing.onnx: no such file")
    refused(save(PLAIN, tmp_path) / "below.onnx", "Not a directory")
    os.mkfifo(tmp_path / "pipe.onnx")
    refused(tmp_path / "pipe.onnx", "is not a regular file")
    (tmp_path / "loop.onnx").symlink_to(tmp_path / "loop.onnx")
    refused(tmp_path / "loop.onnx", "cannot be read")


def test_a_name_with_control_characters(tmp_path: Path) -> None:
    path = tmp_path / "evil\x1b[2J\n.onnx"
    with pytest.raises(ModelError) as caught:
        read_model(path)
    assert "evil\\x1b[2J\\n.onnx" in str(caught.value)


def test_a_null_byte_in_the_path() -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_model("model\0.onnx")


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*args: object, **kwargs: object) -> object:
        raise PermissionError(13, "Permission denied")

    path = save(PLAIN, tmp_path)
    monkeypatch.setattr(Path, "open", denied)
    refused(path, "cannot be read: Permission denied")


def test_a_file_above_two_gib_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "big.onnx"
    with path.open("wb") as file:
        file.truncate(2**31 + 10)
    refused(path, "save_as_external_data=True")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda proto: setattr(proto, "ir_version", 999), "IR version is 999"),
        (lambda proto: proto.ClearField("ir_version"), "model.ir_version = 10 sets it"),
        (lambda proto: setattr(proto.opset_import[0], "version", 9999), "its opset is 9999"),
        (lambda proto: setattr(proto.opset_import[0], "version", -1), "its opset is -1"),
        (lambda proto: proto.opset_import[0].ClearField("version"), "the version was not set"),
        (lambda proto: proto.ClearField("opset_import"), "does not say which operator set"),
        (lambda proto: proto.opset_import.add(domain="ai.onnx", version=9), "two versions of the domain"),
        (lambda proto: proto.graph.ClearField("output"), "the model has no outputs"),
        (lambda proto: setattr(proto.graph.output[0], "name", "z"), "nothing writes the model's output 'z'"),
        (
            lambda proto: setattr(proto.graph.node[0], "domain", "acme"),
            "domain 'acme', which the model does not",
        ),
        (lambda proto: proto.graph.input[0].type.tensor_type.ClearField("shape"), "has no shape"),
        (lambda proto: proto.graph.input.append(proto.graph.input[0]), "two inputs have the same name"),
        (
            lambda proto: setattr(proto.graph.input[0].type.tensor_type, "elem_type", 99),
            "Invalid tensor data type 99",
        ),
        (lambda proto: setattr(proto.graph.input[0].type.tensor_type, "elem_type", 14), "complex64"),
        (
            lambda proto: setattr(proto.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", -5),
            "negative",
        ),
        (
            lambda proto: setattr(proto.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", 2**62),
            "2^48",
        ),
        (lambda proto: proto.graph.input[0].type.tensor_type.shape.dim.extend(dims(2**16, 4)), "2^48"),
        (lambda proto: proto.graph.input[0].type.tensor_type.shape.dim.extend(dims(1, 99)), "101 axes"),
    ],
)
def test_headers_that_make_no_sense(
    edit: Callable[[ModelProto], object], message: str, tmp_path: Path
) -> None:
    refused(save(changed(edit), tmp_path), message)


def dims(extent: int, count: int) -> list[onnx.TensorShapeProto.Dimension]:
    return [onnx.TensorShapeProto.Dimension(dim_value=extent)] * count


def test_names_that_are_not_text(tmp_path: Path) -> None:
    data = changed(lambda proto: setattr(proto.graph.node[0], "name", "abcd")).SerializeToString()
    refused(save(data.replace(b"abcd", b"\xff\xfe\xfd\xfc"), tmp_path), "a name is not valid UTF-8")


# --- Graphs -----------------------------------------------------------------------------------------------


def small(*nodes: NodeProto, constants: list[TensorProto] | None = None) -> ModelProto:
    return model(nodes, {"x": (2, 3), "n": Of(INT64, (4,))}, ["y"], constants or [])


def huge(*extents: int) -> TensorProto:
    """A weight that claims to be large and holds four bytes."""
    return TensorProto(name="w", dims=extents, data_type=1, raw_data=bytes(4))


def vector(extents: list[int]) -> list[TensorProto]:
    """The small constant `s`, which shapes are computed from."""
    return [const("s", extents)]


TRUE = [const("c", True, np.bool_)]
NAN = float("nan")


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (small(node("Add", ["b", "x"], ["y"]), node("Neg", ["y"], ["b"])), "cycle"),
        (small(node("Add", ["y", "x"], ["y"])), "the graph has a cycle"),
        (small(node("Relu", ["ghost"], ["y"])), "reads 'ghost', which nothing writes"),
        (small(node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"])), "'y' is written twice"),
        (small(node("Relu", ["x"], ["x"]), node("Neg", ["x"], ["y"])), "'x' is written twice"),
        (small(node("Split", ["x"], ["y", "y"])), "'y' is written twice"),
        (small(node("Relu", ["x"], ["y"]), constants=[huge(1), huge(1)]), "'w' is written twice"),
        (small(node("LeakyRelu", ["x"], ["y"], alpha=NAN)), "attribute 'alpha' is NaN"),
        (small(node("Softmax", ["x"], ["y"], axis=2**40)), "'axis' is out of range"),
        (small(node("Softmax", ["x"], ["y"], axis=9)), "Softmax"),
        (small(node("Relu", ["x"], ["y"], bogus=1)), "bogus"),
        (small(node("Relu", ["x", "x"], ["y"])), "input size 2"),
        (small(node("MatMul", ["x", "x"], ["y"])), "MatMul"),
        (small(node("Reshape", ["x", "s"], ["y"]), constants=vector([7])), "cannot turn shape [2, 3]"),
        (small(node("Reshape", ["x", "s"], ["y"]), constants=vector([2**62, 4, -1])), "out of range"),
        (small(node("Reshape", ["x", "s"], ["y"]), constants=vector([0, 0, 0])), "keeps an axis"),
        (small(node("Tile", ["x", "s"], ["y"]), constants=vector([2**62, 4])), "out of range"),
        (small(node("Tile", ["x", "s"], ["y"]), constants=vector([2**40, 2**9])), "2^48"),
        (small(node("Expand", ["x", "s"], ["y"]), constants=vector([1] * 200)), "one per axis"),
        (small(node("ConstantOfShape", ["s"], ["y"]), constants=vector([2**50])), "2^48"),
        (small(node("ConstantOfShape", ["s"], ["y"]), constants=vector([-3])), "negative"),
        (small(node("Split", ["x"], ["y", "z"], num_outputs=5, axis=1)), "num_outputs is 5"),
        (small(node("LayerNormalization", ["x", "x"], ["y"], axis=77)), "axis 77 of a tensor with 2 axes"),
        (small(node("GatherND", ["x", "n"], ["y"], batch_dims=-4)), "batch_dims -4"),
        (small(node("Einsum", ["x"], ["y"], equation="i.j->ij")), "its equation is 'i.j->ij'"),
        (small(node("Einsum", ["x"], ["y"], equation="i" * 5000)), "its equation is"),
        (small(node("Foo", ["x"], ["y"])), "'Foo' is an unknown operator"),
        (small(node("SequenceConstruct", ["x"], ["y"])), "no tensor but a sequence_type"),
        (small(node("MatMul", ["x", "w"], ["y"]), constants=[huge(50_000, 50_000)]), "needs 10000000000"),
        (small(node("MatMul", ["x", "w"], ["y"]), constants=[huge(2**62, 2**62)]), "2^48"),
        (small(node("MatMul", ["x", "w"], ["y"]), constants=[huge(-2, 3)]), "negative extent"),
        (small(node("MatMul", ["x", "w"], ["y"]), constants=[const("w", [1], np.float32)]), "MatMul"),
        (small(node("Constant", [], ["y"])), "Constant"),
        (small(node("Constant", [], ["y"], value=huge(2**40))), "needs"),
        (small(node("If", ["c"], ["y"], then_branch=3.0, else_branch=4.0), constants=TRUE), "If"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_graphs_that_make_no_sense(proto: ModelProto, message: str, tmp_path: Path) -> None:
    refused(save(proto, tmp_path), message)


def test_convolutions_cannot_overflow(tmp_path: Path) -> None:
    made = node("Conv", ["x", "w"], ["y"], dilations=[2**31, 2**31])
    proto = model([made], {"x": (1, 1, 2**33, 1), "w": (1, 1, 2, 2)}, ["y"])
    refused(save(proto, tmp_path), "out of range")


def test_zero_strides_do_not_end_the_process(tmp_path: Path) -> None:
    made = node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[0, 0])
    refused(save(model([made], {"x": (1, 1, 4, 4)}, ["y"]), tmp_path), "MaxPool")


def message(number: int, body: bytes) -> bytes:
    """A protobuf field that holds a message."""
    return bytes([number << 3 | 2]) + _varint_bytes(len(body)) + body


def test_deep_nesting(tmp_path: Path) -> None:
    body = b""
    for _ in range(2000):
        body = message(1, message(5, message(6, body)))  # graph.node.attribute.g
    refused(save(b"\x08\x0a" + message(7, body), tmp_path), "not an ONNX model, or damaged")


def function(name: str, *calls: str) -> onnx.FunctionProto:
    nodes = [node(call, ["a"], [f"b{i}"], domain="my") for i, call in enumerate(calls)]
    nodes += [node("Sum", [*(f"b{i}" for i in range(len(calls))), "a"], ["b"])]
    return helper.make_function(
        "my", name, ["a"], ["b"], nodes, [helper.make_opsetid("", 20), helper.make_opsetid("my", 1)]
    )


def calling(name: str, functions: list[onnx.FunctionProto]) -> ModelProto:
    made = node(name, ["x"], ["y"], domain="my")
    return model([made], {"x": (2,)}, ["y"], functions=functions, opsets={"my": 1})


def test_functions_that_never_end(tmp_path: Path) -> None:
    refused(save(calling("F", [function("F", "F")]), tmp_path), "function 'F' calls itself")
    refused(save(calling("F", [function("F", "G"), function("G", "F")]), tmp_path), "calls itself")
    twice = [function("F"), function("F")]
    refused(save(calling("F", twice), tmp_path), "two model-local functions have the same name")


def test_functions_that_grow_without_bound(tmp_path: Path) -> None:
    levels = [function("F0"), *(function(f"F{i}", *[f"F{i - 1}"] * 10) for i in range(1, 30))]
    refused(save(calling("F29", levels), tmp_path), "the limit is 1000000")


def test_references_outside_of_functions(tmp_path: Path) -> None:
    made = node("LeakyRelu", ["x"], ["y"])
    made.attribute.add(name="alpha", ref_attr_name="slope", type=onnx.AttributeProto.FLOAT)
    refused(save(small(made), tmp_path), "refers to a function's attribute")


def test_many_nodes_stay_quick(tmp_path: Path) -> None:
    """A long chain in reverse order: sorting and walking are linear, and nothing recurses."""
    nodes = [node("Relu", [f"t{i}"], [f"t{i + 1}"]) for i in range(3000)][::-1]
    proto = model(nodes, {"t0": (2,)}, ["t3000"])
    assert len(read_model(save(proto, tmp_path)).nodes) == 3000


def test_absurdly_long_names_are_cut_in_messages(tmp_path: Path) -> None:
    proto = small(node("Relu", ["g" * 100_000], ["y"], name="short"))
    with pytest.raises(ModelError) as caught:
        read_model(save(proto, tmp_path))
    assert len(str(caught.value)) < 1000


# --- External data ----------------------------------------------------------------------------------------


def external(location: str, *, offset: str = "", length: str = "") -> ModelProto:
    """A model whose Reshape needs an int64 vector that is in another file."""
    target = weight("s", 2, elem_type=INT64)
    target.external_data[0].value = location
    for key, value in (("offset", offset), ("length", length)):
        if value:
            target.external_data.add(key=key, value=value)
    return model([node("Reshape", ["x", "s"], ["y"])], {"x": (2, 3)}, ["y"], [target])


TARGET = np.array([3, -1], np.int64).tobytes()


def test_small_external_values_are_read_where_they_are_needed(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "w.bin").write_bytes(bytes(24) + TARGET)
    path = save(external("data/w.bin", offset="24", length="16"), tmp_path)
    assert read_model(path).values["y"].shape == (3, 2)
    assert read_model(os.path.relpath(path)).values["y"].shape == (3, 2)


@pytest.mark.parametrize(
    "location",
    ["/etc/passwd", "../w.bin", "a/../../w.bin", "..\\w.bin", "C:\\w.bin", "\\\\host\\w.bin", "", "a\0b"],
)
def test_places_outside_the_folder_are_refused(location: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(TARGET)
    refused(save(external(location), folder), "not below the model's folder")


def test_links_that_leave_the_folder_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(TARGET)
    (folder / "link.bin").symlink_to(tmp_path / "w.bin")
    (folder / "up").symlink_to(tmp_path)
    refused(save(external("link.bin"), folder), "a link that leaves the model's folder")
    refused(save(external("up/w.bin"), folder), "a link that leaves the model's folder")
    (folder / "real.bin").write_bytes(TARGET)
    (folder / "inside.bin").symlink_to(folder / "real.bin")
    assert read_model(save(external("inside.bin"), folder)).values["y"].shape == (3, 2)


def test_external_files_that_are_wrong(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(TARGET[:-1])
    refused(save(external("w.bin"), tmp_path), "'w.bin' is cut off")
    refused(save(external("w.bin", offset=str(2**62)), tmp_path), "w.bin")
    refused(save(external("w.bin", offset="-1"), tmp_path), "external offset '-1' is no number")
    refused(save(external("w.bin", length="17"), tmp_path), "needs 16 bytes, but has 17")
    (tmp_path / "folder").mkdir()
    refused(save(external("folder"), tmp_path), "'folder' is not a regular file")
    os.mkfifo(tmp_path / "pipe")
    refused(save(external("pipe"), tmp_path), "'pipe' is not a regular file")
    refused(save(external("missing.bin"), tmp_path), "did not come with the model, 's'")


def test_weights_in_other_files_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "weights-not-shipped.bin")
    proto = model([node("MatMul", ["x", "w"], ["y"])], {"x": (2, 300)}, ["y"], [weight("w", 300, 2**30)])
    assert read_model(save(proto, tmp_path)).values["y"].shape == (2, 2**30)


# --- Big files --------------------------------------------------------------------------------------------


def big_model() -> ModelProto:
    values = np.zeros((1024, 600), np.float32)
    nodes = [
        node("Constant", [], ["w2"], value=const("", np.zeros((600, 1024)), np.float32)),
        node("MatMul", ["x", "w1"], ["t"]),
        node("MatMul", ["t", "w2"], ["u"]),
        node("Reshape", ["u", "s"], ["y"]),
    ]
    typed = TensorProto(name="w3", dims=[300_000], data_type=1, float_data=[1.0] * 300_000)
    return model(
        nodes, {"x": (4, 1024)}, ["y"], [const("w1", values, np.float32), const("s", [-1, 8]), typed]
    )


def test_weights_of_big_files_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(big_model(), tmp_path)
    whole = read_model(path)
    monkeypatch.setattr(load, "SKIMMED_BYTES", 1)
    skimmed = read_model(path)
    assert skimmed.sha256 == whole.sha256
    assert dict(skimmed.values) == dict(whole.values)
    assert [each.name for each in skimmed.nodes] == [each.name for each in whole.nodes]
    assert skimmed.values["s"].data is not None
    proto, _ = load.load(path, Loc("m"))
    assert proto.ByteSize() < 10_000


def test_big_files_whose_weights_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "SKIMMED_BYTES", 1)
    proto = big_model()
    proto.graph.initializer[0].dims[0] += 1
    refused(save(proto, tmp_path), "needs 2460000 bytes, but has 2457600")


def test_big_files_that_are_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "SKIMMED_BYTES", 1)
    data = big_model().SerializeToString()
    refused(save(data[:3_000_000], tmp_path), "not an ONNX model, or damaged")
    refused(save(b"\x08\x0a\x0b" + data, tmp_path), "not an ONNX model, or damaged")
    refused(save(b"\x80" * 200, tmp_path), "not an ONNX model, or damaged")
