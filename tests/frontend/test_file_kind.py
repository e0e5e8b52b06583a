"""Files of another kind than was asked for: one problem, and where the file belongs."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.errors import CatxError, ModelError, SpecError
from catx.frontend.file_kind import HARDWARE, HEAD_BYTES, KEYS, MAPPING, MODEL, SCENARIO, Kind, kind_of_head
from catx.frontend.hardware import accelerator_text, load_accelerator, parse_accelerator
from catx.frontend.hardware.spec import GeneralSpec
from catx.frontend.hardware.templates import TEMPLATES
from catx.frontend.mapping_file import load_mappings
from catx.frontend.models import builtin_models, load_model
from catx.frontend.scenario_spec import FIELDS, ScenarioSpec
from catx.frontend.scenarios import load_scenario

FILES: dict[str, bytes] = {
    "model.onnx": builtin_models()["clip_vit_b16_text"].files[0].read_bytes(),
    "hw.yaml": accelerator_text("edge").encode(),
    "general.yaml": b"name: x\nclock: 1 GHz\nlevels: []\n",
    "scenario.yaml": b"base: edge-default\ngrid: 1 g/kWh\n",
    "mapping.yaml": b"# by catx\nschema: catx.mapping/1\nlayers: []\n",
    "bare-mapping.yaml": b"layers:\n  - einsum:\n",
    "report.json": b'{\n "schema": "catx.report/1",\n "x": null' + b",1" * 2**22,
    "hw.json": b'{\n "schema": "catx.accelerators/1"\n}\n',
    "layers.csv": b"model,layer,op,kind,count\n",
    "model.pt": b"PK\x03\x04" + b"\0" * 99,
    "wide.yaml": "name: x\n".encode("utf-16"),
    "data.bin": b"abc\0" * 9,
}
HINTS = {
    "model.onnx": "an ONNX model, .*\n.*give it as MODEL",
    "hw.yaml": "an accelerator description, .*\n.*give it to --hw",
    "general.yaml": "an accelerator description, .*\n.*give it to --hw",
    "scenario.yaml": "a scenario file, .*\n.*give it to --scenario",
    "mapping.yaml": "a mapping file, .*\n.*give it to --mapping",
    "bare-mapping.yaml": "a mapping file, .*\n.*give it to --mapping",
    "report.json": "a report of catx, .*\n.*the mapping.yaml beside it",
    "hw.json": "a list that catx printed with --json, .*\n.*hint: ",
    "layers.csv": "a layers.csv of catx, .*\n.*the mapping.yaml beside it",
    "model.pt": "a zip archive, or a model saved by torch.save or Keras, .*\n.*hint: ",
    "wide.yaml": "UTF-16 text, .*\n.*save it as UTF-8",
    "data.bin": "a binary file, .*\n.*hint: ",
}
READERS: dict[Callable[[Path], object], tuple[str, set[str]]] = {
    load_accelerator: ("not an accelerator description", {"hw.yaml", "general.yaml"}),
    load_mappings: ("not a mapping file", {"mapping.yaml", "bare-mapping.yaml"}),
    load_scenario: ("not a scenario file", {"scenario.yaml"}),
}


def outcome(reader: Callable[[Path], object], path: Path) -> str:
    try:
        return str(reader(path))
    except CatxError as error:
        return str(error)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_another_kind_is_one_problem(reader: Callable[[Path], object], name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    wanted, own = READERS[reader]
    if name in own:
        assert "looks like" not in outcome(reader, path)
        return
    with pytest.raises(SpecError, match=f": this looks like {HINTS[name]}") as caught:
        reader(path)
    assert wanted in str(caught.value)
    assert str(caught.value).count("\n") == 1


@pytest.mark.parametrize("name", FILES)
def test_a_model_of_another_kind(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    if name != "model.onnx":
        with pytest.raises(ModelError, match=f"this looks like {HINTS[name]}"):
            load_model(path)


def test_a_model_by_another_name(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(FILES["model.onnx"])
    with pytest.raises(ModelError, match=r"an ONNX model by another name\n.*names of models end in \.onnx"):
        load_model(path)
    with pytest.raises(ModelError, match="a folder without exported graphs"):
        load_model(tmp_path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ModelError, match="this is no kind of model"):
        load_model(tmp_path / "pipe")


@pytest.mark.parametrize("reader", [load_accelerator, load_scenario, load_mappings, load_model])
def test_what_may_not_be_looked_at(reader: Callable[[str], object], monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.stat

    def refuse(path: object, **options: object) -> object:
        if path in ("locked/file", Path("locked/file")):
            raise PermissionError(13, "Permission denied")
        return real(path, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "stat", refuse)
    with pytest.raises(CatxError, match=r"^locked/file: cannot be read: Permission denied$"):
        reader("locked/file")


@pytest.mark.parametrize("reader", [load_accelerator, load_scenario, load_model])
@pytest.mark.parametrize("name", ["x" * 300, "nul\0", "a/b" * 3000])
def test_names_that_no_file_can_have(reader: Callable[[str], object], name: str) -> None:
    with pytest.raises(CatxError, match=r"no built-in|no such file"):
        reader(name)


def test_text_is_judged_as_a_file_is() -> None:
    with pytest.raises(SpecError, match=r"^hw: this looks like a mapping file"):
        parse_accelerator(FILES["mapping.yaml"].decode(), "hw")


def test_what_the_user_began_is_not_another_kind() -> None:
    for text in (
        "name: x\n",
        "pe_width: 128\n",
        "template: systolic\ngrid: 1 g/kWh\n",
        "levels: []\nbase: x\n",
    ):
        with pytest.raises(SpecError) as caught:
            parse_accelerator(text)
        assert "looks like" not in str(caught.value)


def test_keys_tell_one_kind() -> None:
    hardware = {
        name for spec in (GeneralSpec, *(t for t, _ in TEMPLATES.values())) for name in spec.model_fields
    }
    assert KEYS[HARDWARE] <= hardware
    assert KEYS[SCENARIO] == {"base", *FIELDS} <= set(ScenarioSpec.model_fields)
    assert not KEYS[SCENARIO] & hardware
    assert not KEYS[MAPPING] & (hardware | set(ScenarioSpec.model_fields))


@given(st.binary(max_size=HEAD_BYTES))
def test_any_bytes_can_be_asked_about(head: bytes) -> None:
    assert isinstance(kind_of_head("x", head), Kind | None)


def test_onnx_models_are_known_by_their_bytes() -> None:
    for model in builtin_models().values():
        for path in model.files:
            assert kind_of_head("x", path.read_bytes()[:HEAD_BYTES]) == MODEL
