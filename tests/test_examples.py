"""Every example runs and prints what its first lines promise."""

import ast
import re
import runpy
from pathlib import Path

import pytest

from catx.search.build import evaluator_of
from catx.search.open_study import begin
from catx.search.runner import run as evaluate
from catx.search.study_file import load_any, parse_any
from tests.search.studies import tiny

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.rglob("*.py"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    """Run an example as a script; its output."""

    def call(name: str) -> str:
        runpy.run_path(str(EXAMPLES / name), run_name="__main__")
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return call


def figures(line: str) -> list[float]:
    return [float(number) for number in re.findall(r"\d+\.\d+|\d+", line)]


def test_compile_clip(run) -> None:
    out = run("01_compile_clip.py")
    assert "CLIP ViT-B/16 on edge: 20.5 GMAC" in out
    assert len(re.findall(r"^ +\d+ x ", out, re.MULTILINE)) == 5
    shares = [float(share) for share in re.findall(r"([\d.]+)% of the latency", out)]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 100


def test_own_hardware(run) -> None:
    rows = {
        line[:20].strip(): figures(line[22:]) for line in run("02_own_hardware/compare.py").splitlines()[1:]
    }
    latency, energy, area = ({name: row[i] for name, row in rows.items()} for i in range(3))
    assert latency["4 x multipliers"] < latency["as written"]
    assert latency["4 x buffer bandwidth"] < latency["as written"]
    assert area["4 x buffer"] > 2 * area["as written"]
    assert all(value > 0 for value in energy.values())


def test_mapping_by_hand(run) -> None:
    out = run("03_mapping_by_hand.py")
    ratio = re.search(r"by hand: ([\d.]+) times", out)
    assert ratio
    assert float(ratio[1]) >= 1.0
    assert "Too large: LocalBuffer overflows by 630272 bytes" in out


def test_carbon_scenarios(run) -> None:
    lines = run("04_carbon_scenarios.py").splitlines()
    rows = {line[:16].strip(): figures(line[16:]) for line in lines[1:4]}
    energy = {name: row[0] for name, row in rows.items()}
    operational = {name: row[1] for name, row in rows.items()}
    assert len(set(energy.values())) == 1
    assert operational["on hydropower"] < operational["catransformers"] < operational["edge-default"]
    assert any(line.startswith("  grid_gco2e_per_kwh = 24 gCO2e/kWh: hydropower") for line in lines)


TINY_GRID = """\
study: sweep
models: [tiny.onnx]
accelerators: [{base: edge, label: edge, vary: {pe_width: [8, 32], l2_kib: [64, 256]}}]
scenarios:
  - {name: edge-default, label: clean, keys: {grid: sweden}}
  - {name: edge-default, label: dirty, keys: {grid: india}}
mapper: [{budget: pools}]
"""
TINY_SEARCH = """\
study: STUDY
model: {name: digits, vary: {text_layers: 1..3, vision_layers: 1..3}}
hardware: {base: edge, vary: {pe_width: [8, 32]}}
accuracy: {kind: proxy, importance: none}
objectives: [accuracy, GOAL]
search: {sampler: random, evaluations: 6}
"""


def test_carbon_or_latency(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny(tmp_path)
    monkeypatch.chdir(tmp_path)
    names = []
    studies = [parse_any(TINY_GRID, "sweep.yaml")]
    for name, goal in (("latency", "latency_s"), ("carbon", "total_gco2e")):
        studies.append(parse_any(TINY_SEARCH.replace("STUDY", name).replace("GOAL", goal), f"{name}.yaml"))
    for study in studies:
        names.append(f"{study.name}.db")
        evaluate(study, begin(study, Path(names[-1])))
    monkeypatch.setattr("sys.argv", ["tables.py", names[0]])
    out = run("08_carbon_or_latency/tables.py")
    assert out.count("4 feasible accelerators") == 2
    for block in out.split("\n\n"):
        rows = {line.split()[1]: figures(line) for line in block.splitlines() if "  best " in line}
        assert rows["latency"][2] == min(row[2] for row in rows.values())
        assert rows["carbon"][0] == min(row[0] for row in rows.values())
    monkeypatch.setattr("sys.argv", ["tables.py", *names[1:]])
    out = run("08_carbon_or_latency/tables.py")
    assert "accuracy of 0.5 or more\n  best carbon " in out
    assert "  best latency " in out
    nothing = TINY_SEARCH.replace("STUDY", "nothing").replace("GOAL", "total_gco2e")
    study = parse_any(nothing + 'constraints: {latency_s: "<= 1 ps"}\n', "nothing.yaml")
    evaluate(study, begin(study, Path("nothing.db")))
    monkeypatch.setattr("sys.argv", ["tables.py", "nothing.db", names[1]])
    out = run("08_carbon_or_latency/tables.py")
    assert "accuracy of 0.5 or more\n  best carbon   none\n  best latency " in out
    assert "% carbon" not in out  # of nothing


def test_the_studies_of_examples_can_be_read() -> None:
    paths = list(EXAMPLES.rglob("08*/*.yaml"))
    assert {load_any(str(path)).name for path in paths} == {path.stem for path in paths}
    evaluator = evaluator_of(load_any(str(EXAMPLES / "08_carbon_or_latency" / "digits.yaml")), measures=False)
    assert evaluator(tuple(0 for _ in evaluator.space.genes)).error == ""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_starts_with_what_it_shows(script: Path) -> None:
    text = ast.get_docstring(ast.parse(script.read_text()))
    assert text
    assert f"python {script.relative_to(EXAMPLES.parent).as_posix()}" in text


def test_the_list_is_complete() -> None:
    listed = set(re.findall(r"\]\(([^)]+)\)", (EXAMPLES / "README.md").read_text()))
    there = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*") if path.is_file()}
    assert listed == {path for path in there if "__pycache__" not in path} - {"README.md"}


def test_python_on_pages_is_valid() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (EXAMPLES / "05_onnx_from_torch.md").read_text(), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        ast.parse(block)
