"""The training that a pruned model brings along, in scenarios and reports."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import catx
from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.errors import ModelError
from catx.frontend.training import with_training
from tests.frontend.onnx_models import model, node, save, weight


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "origin.json").write_text(json.dumps({"footprint": {"gco2e": 12.5, "source": "ten minutes"}}))
    proto = model(
        [node("MatMul", ["x", "w"], ["y"], name="fc")], {"x": (4, 8)}, {"y": None}, [weight("w", 8, 8)]
    )
    save(proto, tmp_path, "vision.onnx")
    return tmp_path


def test_a_scenario_gets_the_training_of_folders(folder: Path, tmp_path: Path) -> None:
    found = with_training(DEFAULT_SCENARIO, [folder, "edge", folder / "vision.onnx", tmp_path / "missing"])
    assert found.training_gco2e == 12.5
    assert found.source_of("training_gco2e") == "ten minutes"
    own = replace(DEFAULT_SCENARIO, training_gco2e=3.0)
    assert with_training(own, [folder]) is own
    assert with_training(DEFAULT_SCENARIO, ["clip_vit_b16"]) is DEFAULT_SCENARIO


def test_reports_count_it(folder: Path) -> None:
    report = catx.compile_model(folder, "edge")
    assert report.carbon.sheet["training_share_gco2e"] == 12.5
    fleet = replace(DEFAULT_SCENARIO, fleet=5)
    assert catx.compile_model(folder, "edge", scenario=fleet).carbon.sheet["training_share_gco2e"] == 2.5
    (folder / "origin.json").write_text('{"footprint": null}')
    assert catx.compile_model(folder, "edge").carbon.sheet["training_share_gco2e"] == 0


def test_each_training_is_counted_once(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    def mass(*models: Path) -> float:
        return with_training(DEFAULT_SCENARIO, models).training_gco2e

    assert mass(folder, folder) == mass(folder, Path(f"{folder}/.")) == 12.5
    first = json.loads((folder / "origin.json").read_text())
    one, other = (tmp_path_factory.mktemp("pruned") for _ in range(2))
    record = {"footprint": {"gco2e": 1.0, "source": "a minute"}, "before": first}
    (one / "origin.json").write_text(json.dumps(record))
    (other / "origin.json").write_text(json.dumps({"footprint": None, "before": first}))
    assert mass(one) == 13.5
    assert mass(folder, one, other) == 13.5  # both were pruned from the first
    assert mass(other) == 12.5


def test_files_of_a_folder_have_its_training(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "text.onnx").write_bytes((folder / "vision.onnx").read_bytes())
    files = [folder / "text.onnx", folder / "vision.onnx"]
    report = catx.compile_model(files, "edge")
    assert report.carbon.sheet["training_share_gco2e"] == 12.5
    (folder / "mine.onnx").write_bytes((folder / "vision.onnx").read_bytes())
    assert with_training(DEFAULT_SCENARIO, [folder / "mine.onnx"]) is DEFAULT_SCENARIO
    monkeypatch.chdir(folder)
    assert with_training(DEFAULT_SCENARIO, ["vision.onnx"]).training_gco2e == 12.5


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"footprint": 3}',
        '{"footprint": {"gco2e": 1}}',
        '{"footprint": {"gco2e": NaN, "source": ""}}',
        '{"footprint": {"gco2e": -1, "source": ""}}',
        '{"footprint": {"gco2e": 1e999, "source": ""}}',
        '{"footprint": {"gco2e": "nan", "source": ""}}',
    ],
)
def test_damaged_records(folder: Path, text: str) -> None:
    (folder / "origin.json").write_text(text)
    with pytest.raises(ModelError, match="a damaged record"):
        with_training(DEFAULT_SCENARIO, [folder])
