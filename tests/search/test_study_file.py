"""Study files: what they say, and what is wrong in them, by line."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from catx.errors import CatxError, SpecError
from catx.frontend.hardware.load import accelerator_text
from catx.search.build import evaluator_of
from catx.search.choose_sampler import sampler_of
from catx.search.study import SAMPLERS, Goal, Limit, SearchPlan
from catx.search.study_file import builtin_studies, load_any, load_study, parse_any, parse_study
from catx.search.study_json import differences, study_from_json, study_to_json
from tests.search.studies import TEXT, small


def test_a_study(tmp_path: Path) -> None:
    study = small(tmp_path)
    assert study.objectives == (Goal("latency_s", "least"), Goal("total_gco2e", "least"))
    assert study.constraints == (Limit("area_mm2", "most", 4.0),)
    assert study.plan == SearchPlan(evaluations=24, population=8, batch=4, seed=5)
    assert evaluator_of(study).space.size == 36
    assert study.models.names == (str(tmp_path / "tiny.onnx"),)
    assert study_from_json(study_to_json(study)) == study
    assert differences(study, study) == []


def test_a_study_that_was_written_before_plans_had_all_fields(tmp_path: Path) -> None:
    study = small(tmp_path)
    written = json.loads(study_to_json(study))
    plan = next(
        field["SearchPlan"] for field in written["Study"] if isinstance(field, dict) and "SearchPlan" in field
    )
    newer = [plan.pop() for _ in range(4)]
    assert newer == [study.plan.first_batch, [], study.plan.guided, study.plan.start]
    assert study_from_json(json.dumps(written)) == study
    with pytest.raises(SpecError, match="another version"):
        study_from_json('{"Study": []}')


def test_studies_on_the_page(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "search.md"
    blocks = re.findall(r"```yaml\n(study: .*?)```", page.read_text(), re.DOTALL)
    (tmp_path / "dataflow.yaml").write_text("constraints: [{bypass: {GLB: [weight]}}]\n")
    found = [parse_any(block, str(tmp_path / "study.yaml")) for block in blocks]
    assert [study.name for study in found] == ["my-study", "where-to-run-clip"]


def test_known_designs_and_corners_come_first(tmp_path: Path) -> None:
    text = TEXT.replace("seed: 5", "seed: 5, known: [{hw.pe_width: 16}, {hw.clusters: 1, hw.glb_mib: 2}]")
    study = small(tmp_path, text)
    assert study_from_json(study_to_json(study)) == study
    first = [tuple(study.space.values(genome).values()) for genome in study.first]
    assert first[:2] == [(2, 16, 256, 4), (1, 32, 256, 2)]
    assert first[2:] == [(2, 32, 256, 4), (1, 8, 64, 2), (1, 16, 128, 2), (1, 32, 64, 4), (2, 8, 256, 2)]
    for name in ("nsga2", "pymoo", "qnehvi"):
        plan = replace(study.plan, sampler=name)
        assert sampler_of(replace(study, plan=plan)).ask(4) == study.first[:4]
    random = sampler_of(replace(study, plan=replace(study.plan, sampler="random")))
    asked = random.ask(6)
    assert asked[:2] == study.known == study.first[:2]
    assert asked[2:] != study.first[2:6]


@pytest.mark.parametrize("name", builtin_studies())
def test_built_in_studies(name: str) -> None:
    study = load_any(name)
    assert study.name == name
    assert study_from_json(study_to_json(study)) == study
    assert all(limit.bound > 0 for limit in study.constraints)


def test_the_spaces_of_the_paper() -> None:
    """875 x 1,225 models and 3,240 accelerators (arXiv 2505.01386 and its code)."""
    study = load_study("carbon")
    models = hardware = 1
    for _, values in study.models.vary:
        models *= len(values)
    for _, values in study.hardware.vary:
        hardware *= len(values)
    assert (models, hardware) == (1_071_875, 3_240)
    bounds = {limit.metric: limit.bound for limit in study.constraints}
    assert bounds == {"latency_s": 0.05, "area_mm2": 31.99, "peak_tops": 20.48}
    assert {limit.metric for limit in load_study("latency").constraints} == {"area_mm2", "peak_tops"}


def test_presets(tmp_path: Path) -> None:
    study = parse_study("preset: carbon\nstudy: mine\nsearch: {seed: 7, evaluations: 10}\n")
    base = load_study("carbon")
    assert study.name == "mine"
    assert (study.plan.seed, study.plan.evaluations) == (7, 10)
    assert (study.models, study.hardware, study.objectives) == (base.models, base.hardware, base.objectives)
    own = parse_study("preset: carbon\nstudy: mine\nhardware: {base: edge}\n")
    assert yaml.safe_load(own.hardware.text)["name"] == "edge"
    assert own.hardware.vary == base.hardware.vary
    with pytest.raises(SpecError, match=r"6 problems\n.*vary.clusters\]: .* any value: clusters: unknown"):
        parse_study("preset: carbon\nstudy: mine\nhardware: {base: edge4}\n")  # a general form, without these
    keys = yaml.safe_load(accelerator_text("edge"))
    template = parse_study(f"preset: model-only\nstudy: mine\nhardware: {{keys: {json.dumps(keys)}}}\n")
    assert yaml.safe_load(template.hardware.text) == keys
    for sampler in SAMPLERS:
        assert parse_study(f"preset: all\nstudy: mine\nsearch: {{sampler: {sampler}}}\n")
    with pytest.raises(SpecError, match="no preset 'carbn'"):
        parse_study("preset: carbn\nstudy: mine\n")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("study: small", "stdy: small", "did you mean 'study'"),
        ("objectives: [latency_s, total_gco2e]", "objectives: [latency]", "did you mean 'latency_s'"),
        ("objectives: [latency_s, total_gco2e]", "objectives: [area_mm2, area_mm2]", "stands twice"),
        ("objectives: [latency_s, total_gco2e]", "objectives: [accuracy]", "nothing says how it is found"),
        ("objectives: [latency_s, total_gco2e]", "objectives: {energy_j: best}", "`least` or `most`"),
        ("<= 4 mm2", "<= 4 ms", "area"),
        ('area_mm2: "<= 4 mm2"', 'peak_tops: "<= nan"', "a bound must be finite"),
        ('area_mm2: "<= 4 mm2"', 'accuracy: ">= -inf"', "a bound must be finite"),
        ("<= 4 mm2", "<= inf mm2", "mm2"),
        ("<= 4 mm2", "4 mm2", "expected a bound such as"),
        ("[1, 2]", "2..1", "a range such as `6..12`"),
        ("[1, 2]", "[1, 1]", "1 stands twice"),
        ("[1, 2]", "[]", "no value to choose from"),
        ("[1, 2]", "[1, 0]", "hardware.vary.clusters]: no accelerator with 0: clusters: expected a whole"),
        (
            "clusters:",
            "clustrs:",
            "vary.clustrs]: no accelerator with any value: clustrs: unknown key; did you mean 'clusters'",
        ),
        (
            "clusters:",
            "levels.GLB.capacity:",
            "vary.levels.GLB.capacity]: hardware edge: there is no levels",
        ),
        ("base: edge", "base: egde", "did you mean 'edge'"),
        ("evaluations: 24", "evaluations: 0", "evaluations"),
        ("evaluations: 24", "evaluations: 24, sampler: nsga", "sampler"),
        ("evaluations: 24", "evaluations: 24, start: 0", "start"),
        (
            "evaluations: 24",
            "evaluations: 24, known: [{hw.clusters: 3}]",
            "hw.clusters: 3 is none of its values",
        ),
        ("evaluations: 24", "evaluations: 24, known: [{hw.cluster: 1}]", "did you mean 'hw.clusters'"),
        ("evaluations: 24", "evaluations: 24, known: {hw.clusters: 1}", "known"),
        (
            "objectives:",
            "accuracy: {kind: screened, first: 2}\nobjectives:",
            "first must be at least 3, not 2",
        ),
        ("objectives:", "accuracy: {kind: screened, measurements: 1}\nobjectives:", "at least 3, not 1"),
        ("population: 8", "sampler: random, population: 8", "population: without effect, random has none"),
        ("population: 8", "sampler: pymoo, guided: 9", "guided: without effect, pymoo has none"),
        ("population: 8", "start: 9", "start: without effect, nsga2 has none"),
        ("population: 8", "sampler: qnehvi, crossover: 0.5", "crossover: without effect, qnehvi has none"),
        ("population: 8", "sampler: grid, known: [{hw.clusters: 1}]", "known: without effect, grid has none"),
        ("base: edge", "base: edge\n  keys: {template: catransformers}", "base: without effect"),
        ("tiny.onnx}", "tiny.onnx, tokens: 7}", "tokens: without effect on tiny.onnx"),
        ("tiny.onnx}", "digits, context: 7}", "context: without effect on digits"),
        ("objectives:", "accuracy: {kind: finetune, table: a.csv}\nobjectives:", "table: without effect"),
        ("seed: 5", "seed: 5, sampler: grid", "seed: without effect, grid has none"),
        ("seed: 5", "seed: 5, sampler: random, first_batch: 2", "first_batch: without effect"),
        (
            "{name: tiny.onnx}",
            "{name: 'hf:bert-base'}\naccuracy: {kind: proxy, importance: taylor}",
            "importance: without effect",
        ),
        (
            "{name: tiny.onnx}",
            "{name: 'hf:bert-base'}\naccuracy: {kind: proxy, ranking: a}",
            "ranking: without effect",
        ),
        ("objectives:", "mapper_budget: soon\nobjectives:", "mapper budget"),
        ("objectives:", "mapper_budget: 1 s\nobjectives:", "depends on what else the machine does"),
        ("objectives:", "scenario: egde-default\nobjectives:", "no built-in scenario"),
    ],
)
def test_mistakes_have_lines(old: str, new: str, message: str) -> None:
    assert old in TEXT
    with pytest.raises(SpecError, match=re.escape(message)) as raised:
        parse_study(TEXT.replace(old, new, 1), "study.yaml")
    assert re.match(r"study\.yaml:\d+", str(raised.value))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("kind: proxy, steps: 5", "steps: without effect, proxy trains nothing"),
        ("kind: proxy, data: a", "data: without effect, proxy reads no data here"),
        ("kind: proxy, ranking: a, importance: taylor", "importance: without effect, the ranking is read"),
        ("kind: finetune, first: 9", "first: without effect, only screened confirms"),
        ("kind: finetune, data: digits, steps: 0, batch: 8", "batch: without effect, nothing is trained"),
        ("kind: table, table: a.csv, ranking: a", "ranking: without effect, table ranks nothing"),
    ],
)
def test_options_of_accuracies_without_effect(options: str, message: str) -> None:
    text = TEXT.replace("objectives:", f"accuracy: {{{options}}}\nobjectives:", 1)
    with pytest.raises(SpecError, match=rf"study\.yaml:\d+ \[accuracy\.\w+\]: {message}"):
        parse_study(text, "study.yaml")


@pytest.mark.parametrize(
    "options",
    [
        "kind: proxy, importance: taylor, data: digits, test: a, validation: b",
        "kind: proxy, importance: none",
        "kind: proxy, table: a.csv",
        "kind: finetune, ranking: a, data: digits, steps: 5, batch: 8, learning_rate: 0.1",
        "kind: screened, data: digits, measurements: 9, first: 4, confirm: 2, confirm_every: 50",
    ],
)
def test_options_of_accuracies_with_an_effect(options: str) -> None:
    study = parse_study(TEXT.replace("objectives:", f"accuracy: {{{options}}}\nobjectives:", 1))
    assert study.accuracy is not None


NAME = "{name: tiny.onnx}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (NAME, "{name: none.onnx}", "no such file"),
        (NAME, "{name: digits, vary: {text_depth: [1]}}", "cannot vary 'text_depth'"),
        (NAME, "{name: 'hf:bert-base', vary: {kv_heads: [4, 12]}}", "give heads instead"),
        (NAME, "{name: digits, vary: {text_layers: [9]}}", "1 to 3 can stay, not 9"),
        (NAME, "{name: [digits, a.onnx], vary: {text_layers: [1]}}", "only one model"),
        (NAME, "{name: ['hf:bert-base', clip_vit_b16]}", "hf:bert-base stands beside others"),
        (NAME, "{name: [clip_vit_b16, digits]}", "digits stands beside others"),
    ],
)
def test_what_models_and_descriptions_tell(tmp_path: Path, old: str, new: str, message: str) -> None:
    study = small(tmp_path, TEXT.replace(old, new))
    with pytest.raises(CatxError, match=re.escape(message)):
        evaluator_of(study)


FILES = """\
study: files
model: {name: MODEL, vary: {text_layers: 1..3}}
scenario: {name: mine.yaml, keys: {grid: sweden}}
accuracy:
  {kind: finetune, data: clip_benchmark:cifar10, RANKING, test: 'a-{0..9}.tar', validation: val}
objectives: [accuracy]
"""


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("digits", "digits"),
        ("my-model", "{}/my-model"),
        ("hf:my-model", "hf:{}/my-model"),
        ("hf:google/vit", "hf:google/vit"),
        ("open_clip:ViT-B-16:ckpt", "open_clip:ViT-B-16:{}/ckpt"),
        ("open_clip:ViT-B-16:none.pt", "open_clip:ViT-B-16:{}/none.pt"),
        ("open_clip:ViT-B-16:openai", "open_clip:ViT-B-16:openai"),
    ],
)
def test_paths_are_full_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, expected: str
) -> None:
    folder, is_family = tmp_path / "sub", model.startswith("hf:")
    ranking = "importance: none" if is_family else "ranking: sub/ranking"
    folder.mkdir()
    for name in ("val", "digits", "my-model", "ckpt"):
        (folder / name).mkdir()
    (folder / "mine.yaml").write_text("base: edge-default\nlifetime: 5 years\n")
    (folder / "study.yaml").write_text(FILES.replace("MODEL", model).replace("RANKING", ranking))
    found = []
    for where, name in ((tmp_path, "sub/study.yaml"), (folder, "study.yaml")):
        monkeypatch.chdir(where)
        found.append(load_study(name))
    one, other = found
    assert differences(one, other) == []
    assert one.models.names == (expected.format(folder),)
    assert one.accuracy is not None
    assert one.accuracy.data == "clip_benchmark:cifar10"
    assert one.accuracy.ranking == (None if is_family else str(folder / "sub" / "ranking"))
    assert (one.accuracy.test, one.accuracy.validation) == (f"{folder}/a-{{0..9}}.tar", str(folder / "val"))


def test_no_such_study() -> None:
    with pytest.raises(SpecError, match=r"no built-in study and no file 'carbn'; did you mean 'carbon'"):
        load_study("carbn")
