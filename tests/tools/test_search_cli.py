"""`catx search` as a user runs it."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

import catx
from catx import extras
from catx.frontend.constraint_file import load_constraints
from catx.frontend.hardware import load_accelerator
from catx.frontend.scenarios import load_scenario
from catx.ir.report import Report
from catx.mapper.options import Budget
from catx.search.evaluation import Design
from catx.tools import cli
from tests.search.studies import TEXT, tiny

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in a folder that holds the small study: exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    tiny(tmp_path)
    (tmp_path / "study.yaml").write_text(TEXT)

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.catx([str(arg) for arg in args], prog_name="catx")
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


def test_nothing_feasible_tells_what_is_nearest(run: Run, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(TEXT.replace("<= 4 mm2", "<= 0.01 mm2"))
    code, out, _ = run("search", "study.yaml", "--workers", 1, "--evaluations", 36)
    assert code == 0
    assert "all 36 that there are" in out
    assert "no feasible point was found; nearest is point" in out
    assert "mm2" in out.split("nearest is point")[1]


def test_columns_without_room_are_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    out = run("search", "study.yaml", "--workers", 1, "--evaluations", 4)[1]
    assert "no room for" not in out
    monkeypatch.setenv("COLUMNS", "48")
    out = run("search", "show", "small.db")[1]
    assert "glb_mib: a wider terminal" in " ".join(out.split())


def test_a_seed_of_a_sampler_without_one(run: Run, tmp_path: Path) -> None:
    code, _, err = run("search", "study.yaml", "--sampler", "grid", "--seed", 3)
    assert (code, "seed: without effect, grid has none" in err) == (2, True)
    assert not (tmp_path / "small.db").exists()


def test_points_that_all_fail_are_an_error(run: Run, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(TEXT.replace("[latency_s, total_gco2e]", "[latency_s, sheet.foo]"))
    code, out, err = run("search", "study.yaml", "--workers", 1, "--evaluations", 3)
    assert code == 2
    assert "failed" in out
    assert "all 3 points failed" in err
    assert "carbon sheet 'foo'" in err


def test_an_export_is_of_the_files_that_were_searched(run: Run, tmp_path: Path) -> None:
    assert run("search", "study.yaml", "--workers", 1, "--evaluations", 3)[0] == 0
    changed = (tmp_path / "tiny.onnx").read_bytes() + b"\x00"
    (tmp_path / "tiny.onnx").write_bytes(changed)
    code, _, err = run("search", "export", "small.db", "-o", "designs")
    assert (code, "tiny.onnx has changed" in err) == (2, True)
    assert not (tmp_path / "designs").exists()


def test_search_show_front_export(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("search", "study.yaml", "--workers", 1, "--evaluations", 12)
    assert code == 0
    assert "small  least latency_s, least total_gco2e; nsga2, seed 5" in out
    assert "evaluated  12" in " ".join(out.split("\n")).replace("   ", "  ")
    assert run("search", "show", "small.db")[1] == out
    code, _, err = run("search", "study.yaml")
    assert (code, "exists already" in err, "--resume" in err) == (2, True, True)
    code, more, _ = run("search", "run", "study.yaml", "--workers", 1, "--resume")
    assert code == 0
    assert "24" in more
    code, text, _ = run("search", "front", "small.db")
    rows = list(csv.DictReader(text.splitlines()))
    assert rows
    code, told, _ = run("search", "export", "small.db", "-o", "designs", "--mapper-budget", 0)
    assert code == 0
    assert f"{len(rows)} points in designs" in told
    assert (tmp_path / "designs" / "front.csv").read_text() == text
    for row in rows:
        place = tmp_path / "designs" / f"point-{row['number']}"
        point = json.loads((place / "point.json").read_text())
        assert point["numbers"]["latency_s"] == float(row["latency_s"])
        assert point["model"].endswith("tiny.onnx")
        machine = load_accelerator(place / "hw.yaml")
        scenario = load_scenario(place / "scenario.yaml")
        assert replace(scenario, sources=()) == replace(load_scenario("edge-default"), sources=())
        again = catx.compile_model(tmp_path / "tiny.onnx", machine, mapper_budget=0)
        report = json.loads((place / "report.json").read_text())
        assert report["totals"]["latency_s"] == again.latency_s
        assert again.latency_s <= float(row["latency_s"]) * 1.25
    code, _, err = run("search", "export", "small.db", "-o", "designs")
    assert code == 2
    assert "nothing is overwritten" in err


CONSTRAINED = TEXT.replace("objectives:", "mapper_budget: 0\nmapper_constraints: flow.yaml\nobjectives:")


def test_exports_are_whole_or_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "flow.yaml").write_text('constraints: [{tiles: {GLB: {"*": ..4096}}}]')
    (tmp_path / "study.yaml").write_text(CONSTRAINED)
    assert run("search", "study.yaml", "--workers", 1, "--evaluations", 2)[0] == 0
    (tmp_path / "designs").mkdir()
    budgets: list[object] = []
    report = Design.report

    def told(design: Design, budget: Budget | None = None) -> Report:
        budgets.append(budget)
        if len(budgets) == 2:
            raise KeyboardInterrupt
        return report(design, budget)

    monkeypatch.setattr(Design, "report", told)
    export = ("search", "export", "small.db", "-o", "designs", "--number", 0, "--number", 1, "--number", 0)
    code, _, err = run(*export)
    assert code == 130, err
    assert list((tmp_path / "designs").iterdir()) == []
    code, out, _ = run(*export)
    assert (code, out) == (0, "2 points in designs\n")
    assert budgets == [0, 0, 0, 0]  # the study's own
    names = sorted(str(one.relative_to(tmp_path / "designs")) for one in tmp_path.glob("designs/**/*.*"))
    assert "point-0/constraints.yaml" in names
    assert not [name for name in names if name.startswith(".")]
    place = tmp_path / "designs" / "point-0"
    assert load_constraints(place / "constraints.yaml") == load_constraints(tmp_path / "flow.yaml")


def test_another_folder_goes_on(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path.parent)
    path = f"{tmp_path.name}/study.yaml"
    assert run("search", path, "--workers", 1, "--evaluations", 2, "-o", tmp_path / "a.db")[0] == 0
    monkeypatch.chdir(tmp_path)
    code, _, err = run("search", "study.yaml", "--workers", 1, "--resume", "--evaluations", 3, "-o", "a.db")
    assert code == 0, err
    assert run("search", "export", "a.db", "-o", "designs", "--number", 2, "--mapper-budget", 0)[0] == 0


def test_a_front_without_points(run: Run, tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(TEXT.replace("<= 4 mm2", "<= 0.001 mm2"))
    assert run("search", "study.yaml", "--workers", 1, "--evaluations", 2)[0] == 0
    code, out, err = run("search", "export", "small.db", "-o", "designs")
    assert (code, out) == (2, "")
    assert "the front is empty: no point obeys the constraints" in err
    assert not (tmp_path / "designs").exists()


def test_list_and_files_of_studies(run: Run) -> None:
    code, out, _ = run("search", "list")
    assert code == 0
    assert "all-hw" in out
    code, out, _ = run("search", "show", "all-hw")
    assert code == 0
    assert out.startswith("# Mode `all-hw`")


@pytest.mark.parametrize(("name", "extra"), [("pymoo", "pymoo"), ("qnehvi", "botorch"), ("nsga2", "search")])
def test_a_sampler_that_is_not_installed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, extra: str
) -> None:
    package = {"pymoo": "pymoo", "qnehvi": "botorch", "nsga2": "deap"}[name]
    monkeypatch.setattr(extras, "find_spec", lambda one: None if one == package else find_spec(one))
    code, out, err = run("search", "study.yaml", "--sampler", name)
    assert (code, out) == (2, "")
    assert f"this needs {package}, which catx[{extra}] brings" in err
    assert not (tmp_path / "small.db").exists()


def test_qnehvi_is_silent(run: Run) -> None:
    code, out, err = run("search", "study.yaml", "--sampler", "qnehvi", "--evaluations", 13, "--workers", 1)
    assert code == 0
    assert all(line.startswith("catx: ") for line in err.splitlines())  # progress, and no library's warnings
    assert "qnehvi, seed 5" in out


def test_more_than_qnehvi_can_fit(run: Run, tmp_path: Path) -> None:
    code, _, err = run("search", "study.yaml", "--sampler", "qnehvi", "--evaluations", 2000)
    assert code == 2
    assert "1000 at most, not 2000" in err
    assert not (tmp_path / "small.db").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.yaml"], "no such file"),
        (["carbn"], "did you mean 'carbon'"),
        (["study.yaml", "--sampler", "magic"], "no sampler 'magic'"),
        (["study.yaml", "--resume"], "no such file"),
        (["study.yaml", "-o", "none/a.db"], "cannot be written"),
        (["front", "study.yaml"], "no study of catx"),
        (["show", "none.db"], "no such file"),
        (["tiny.onnx"], "looks like an ONNX model"),
        (["study.yaml", "--scheduler", "tcp://a:1", "--workers", "2"], "exclude each other"),
        (["study.yaml", "--scheduler", "a:1"], "the scheduler 'a:1' is no address"),
    ],
)
def test_mistakes(run: Run, words: list[str], message: str) -> None:
    code, out, err = run("search", *words)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert not Path("small.db").exists()


@pytest.mark.parametrize(
    ("right", "wrong"), [("tiny.onnx", "gone.onnx"), ("glb_mib: [2, 4]", "glb_mb: [2, 4]")]
)
def test_mistakes_leave_no_file(run: Run, tmp_path: Path, right: str, wrong: str) -> None:
    """What is mended starts with the same command."""
    before = {path.name for path in tmp_path.iterdir()}
    (tmp_path / "study.yaml").write_text(TEXT.replace(right, wrong))
    code, _, err = run("search", "study.yaml", "--workers", 1)
    assert (code, "exists" in err) == (2, False)
    assert {path.name for path in tmp_path.iterdir()} == before
