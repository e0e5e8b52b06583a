"""Design points cost what `catx compile` says of the same model on the same accelerator."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

import catx
from catx.errors import CatxError
from catx.frontend.clip import PruningConfig, find_clip, prune
from catx.frontend.clip.workflow import export_clip
from catx.search.build import evaluator_of
from catx.search.evaluation import Evaluator
from catx.search.study import Study
from catx.search.study_file import parse_study
from tests.search.studies import small

CLIP = """\
study: clip
model:
  name: digits
  vary:
    text_layers: 1..3
    text_heads: [1, 2, 4]
    vision_ffn: [0.25, 0.5, 1.0]
    vision_width: [48, 64]
hardware:
  base: edge
  vary: {pe_width: [16, 32], l2_kib: [64, 128]}
accuracy: {kind: proxy}
objectives: [accuracy, total_gco2e, latency_s]
"""


def pruned(folder: Path) -> Path:
    """The model of the second test as files."""
    small = prune("digits", PruningConfig(text_layers=2, text_heads=1, vision_ffn=0.25, vision_width=48))
    folder.mkdir()
    export_clip(small, folder)
    return folder


def test_a_model_as_it_is(tmp_path: Path) -> None:
    study = replace(small(tmp_path), mapper_budget=2000)
    evaluator = evaluator_of(study)
    genome = (1, 0, 2, 1)
    found = evaluator(genome)
    machine = evaluator.hardware.accelerator(evaluator.space.values(genome))
    report = catx.compile_model(tmp_path / "tiny.onnx", machine, mapper_budget=2000)
    assert found.error == ""
    assert found.numbers["latency_s"] == report.latency_s
    assert found.numbers["energy_j"] == report.energy_j
    assert found.numbers["total_gco2e"] == report.carbon.total_gco2e
    assert found.numbers["area_mm2"] == report.area_mm2
    assert found.numbers["macs"] == report.macs
    assert found.numbers["parameters"] == sum(model.parameters for model in report.models)


def test_a_pruned_model(tmp_path: Path) -> None:
    study = replace(parse_study(CLIP), mapper_budget=2000)
    evaluator = evaluator_of(study)
    values = {
        "model.text_layers": 2,
        "model.text_heads": 1,
        "model.vision_ffn": 0.25,
        "model.vision_width": 48,
        "hw.pe_width": 16,
        "hw.l2_kib": 128,
    }
    found = evaluator(evaluator.space.genome(values))
    machine = evaluator.hardware.accelerator(values)
    report = catx.compile_model(pruned(tmp_path / "model"), machine, mapper_budget=2000)
    assert found.error == ""
    for name, value in (
        ("latency_s", report.latency_s),
        ("energy_j", report.energy_j),
        ("total_gco2e", report.carbon.total_gco2e),
        ("macs", report.macs),
        ("parameters", sum(model.parameters for model in report.models)),
    ):
        assert found.numbers[name] == pytest.approx(value, rel=1e-12)


def edps(study: Study, points: int) -> list[tuple[float, float]]:
    """EDP from pools, and of full searches."""
    quick, full = (evaluator_of(replace(study, mapper_budget=budget)) for budget in (None, 20_000))
    genomes = list(quick.space.every())[:: quick.space.size // points]
    return [(quick(genome).numbers["edp_js"], full(genome).numbers["edp_js"]) for genome in genomes]


def test_pools_are_near_full_searches(tmp_path: Path) -> None:
    ratios = [one / other for one, other in edps(small(tmp_path), 12)]
    assert min(ratios) > 0.999
    assert max(ratios) < 1.25
    assert sorted(ratios)[len(ratios) // 2] < 1.05


def test_what_a_point_costs_does_not_depend_on_those_before(tmp_path: Path) -> None:
    study = small(tmp_path)
    one, other = evaluator_of(study), evaluator_of(study)
    genomes = list(one.space.every())[::5]
    forwards = {genome: one(genome).numbers for genome in genomes}
    assert {genome: other(genome).numbers for genome in reversed(genomes)} == forwards


def test_errors_are_told_in_evaluations(tmp_path: Path) -> None:
    study = small(tmp_path)
    evaluator = evaluator_of(replace(study, accuracy=None))

    class Broken:
        def of(self, values: object) -> None:
            raise ZeroDivisionError("by hand")

    evaluator.accuracy = Broken()  # type: ignore[assignment]
    found = evaluator((0, 0, 0, 0))
    assert (found.error, found.numbers) == ("ZeroDivisionError: by hand", {})


@pytest.mark.parametrize("fault", [MemoryError("by hand"), OSError(5, "by hand")])
def test_faults_of_the_machine_are_no_results(tmp_path: Path, fault: Exception) -> None:
    evaluator = evaluator_of(small(tmp_path))

    class Broken:
        def of(self, values: object) -> None:
            raise fault

    evaluator.accuracy = Broken()  # type: ignore[assignment]
    with pytest.raises(CatxError, match=r"this machine cannot evaluate a point: .*by hand") as raised:
        evaluator((0, 0, 0, 0))
    assert "--resume" in str(pickle.loads(pickle.dumps(raised.value)))


def test_the_proxy_falls_with_what_is_left() -> None:
    evaluator: Evaluator = evaluator_of(parse_study(CLIP))
    assert evaluator.accuracy is not None
    whole = {gene.name: gene.values[-1] for gene in evaluator.space.genes}
    assert evaluator.accuracy.of(whole).value == pytest.approx(1.0)
    assert not evaluator.accuracy.of(whole).measured
    for gene in evaluator.space.genes:
        if gene.name.startswith("model."):
            told = [evaluator.accuracy.of({**whole, gene.name: value}).value for value in gene.values]
            assert told == sorted(told)
            assert told[0] < told[-1]


def test_the_configs_of_points_are_prunings() -> None:
    config = find_clip("digits").config
    evaluator = evaluator_of(parse_study(CLIP))
    values = evaluator.space.values((0, 1, 1, 0, 0, 0))
    assert evaluator.models.pruning(values).of(config).vision.width == 48  # type: ignore[attr-defined]
