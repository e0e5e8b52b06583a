"""What a user makes of files of studies: tables, Parquet, comparisons and pictures."""

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from catx.search.findings import read_findings
from catx.search.importance import LEAST_POINTS
from catx.search.metrics import METRICS
from catx.search.space import Value
from catx.search.volume import box_of, volume_curve
from catx.tools import cli
from catx.tools.metric_text import in_unit, scale_for, words
from tests.search.made import GRID, TEXT, by_rule, findings, made

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run a command in an empty folder: exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.catx(["search", *(str(arg) for arg in args)], prog_name="catx")
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small forests: what they say is tested elsewhere."""
    monkeypatch.setattr("catx.search.importance.TREES", 3)
    monkeypatch.setattr("catx.search.importance.REPEATS", 1)


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def written(out: str) -> list[str]:
    return [Path(line).name for line in out.splitlines() if line.endswith((".png", ".json"))]


def check_pictures(folder: Path, names: list[str]) -> None:
    """Each picture is a PNG with a mark, beside its numbers."""
    for name in names:
        content = (folder / f"{name}.png").read_bytes()
        assert content.startswith(b"\x89PNG")
        assert b"catx search plot" in content[:1024]
        assert read(folder / f"{name}.json")["schema"] == "catx.search-plot/1"


def test_pictures_hold_the_numbers_of_the_study(run: Run, quick: None, tmp_path: Path) -> None:
    path = made(tmp_path, failed=[3], measured=[0, 1, 2, 5])
    code, out, _ = run("plot", path, "-o", "pictures")
    assert code == 0
    folder = tmp_path / "pictures"
    names = ["front_accuracy_total_gco2e", "hypervolume", "parallel", "along_front", "importance"]
    check_pictures(folder, [f"search_{name}" for name in names])
    assert written(out) == [f"search_{name}.{end}" for name in names for end in ("png", "json")]
    found = read_findings(path)
    (cloud,) = read(folder / "search_front_accuracy_total_gco2e.json")["studies"]
    assert cloud["numbers"] == [point.number for point in found.evaluated]
    assert cloud["total_gco2e"] == [point.evaluation.numbers["total_gco2e"] for point in found.evaluated]
    assert cloud["feasible"] == [point.feasible for point in found.evaluated]
    assert cloud["accuracy_is_measured"] == [point.number in (0, 1, 2, 5) for point in found.evaluated]
    best = {point.number for point in found.front}
    assert {number for number, there in zip(cloud["numbers"], cloud["front"], strict=True) if there} == best
    box = box_of(found.points)
    assert box is not None
    curve = volume_curve(found.points, box.worst)
    volumes = read(folder / "search_hypervolume.json")
    assert volumes["reference"] == [-box.worst[0], box.worst[1]]
    assert volumes["studies"][0]["hypervolume"] == list(curve.volumes)
    assert volumes["studies"][0]["evaluations"] == list(curve.evaluations)
    parallel = read(folder / "search_parallel.json")
    assert [one["number"] for one in parallel["points"]] == [point.number for point in found.front]
    assert [one["values"] for one in parallel["points"]] == [found.values(point) for point in found.front]
    assert parallel["genes"][1] == {"name": "model.vision_ffn", "values": [0.25, 0.5, 1.0]}
    along = read(folder / "search_along_front.json")
    accuracies = [one["accuracy"] for one in along["points"]]
    assert accuracies == sorted(accuracies, reverse=True)
    for gene in ("model.text_layers", "hw.l2_kib"):
        kept = {one["values"][gene] for one in along["points"]}
        assert (len(kept) > 1) == (gene in along["varies"])
    importance = read(folder / "search_importance.json")
    assert [one["metric"] for one in importance["metrics"]] == ["accuracy", "total_gco2e", "latency_s"]
    assert all(f"{one['r2']:.2f}" in out for one in importance["metrics"])


def test_steps_bound_what_the_front_beats(tmp_path: Path) -> None:
    from catx.tools.search_front_picture import stairs

    found = findings(tmp_path)
    most, least = found.study.objectives
    corners = stairs(found.front, (most, least))
    points = {(p.evaluation.numbers["accuracy"], p.evaluation.numbers["total_gco2e"]) for p in found.front}
    assert set(corners[::2]) == points
    for at in range(1, len(corners), 2):
        before, corner, after = corners[at - 1 : at + 2]
        assert corner == (after[0], before[1])  # as bad as both: less accurate, and no less carbon
        assert corner[0] <= before[0]
        assert corner[1] >= after[1]


def test_names_are_no_formulas(run: Run, tmp_path: Path) -> None:
    made(tmp_path, "one", count=8).rename(tmp_path / "$\\frac$.db")
    made(tmp_path, "one", count=9)
    code, _, _ = run("plot", "$\\frac$.db", "one.db", "-o", "p")
    assert code == 0
    check_pictures(tmp_path / "p" / "__frac_", ["search_parallel"])


def test_several_studies_share_pictures(run: Run, quick: None, tmp_path: Path) -> None:
    paths = [made(tmp_path, "one", count=25, seed=1), made(tmp_path, "two", count=30, seed=2)]
    code, out, _ = run("plot", *paths, "-o", "p")
    assert code == 0
    check_pictures(tmp_path / "p", ["search_front_accuracy_total_gco2e", "search_hypervolume"])
    for name in ("one", "two"):
        check_pictures(tmp_path / "p" / name, ["search_parallel", "search_along_front", "search_importance"])
    volumes = read(tmp_path / "p" / "search_hypervolume.json")
    found = [read_findings(path) for path in paths]
    box = box_of(point for one in found for point in one.points)
    assert box is not None
    for told, one in zip(volumes["studies"], found, strict=True):
        assert told["hypervolume"] == list(volume_curve(one.points, box.worst).volumes)
    other = made(tmp_path, "other", text=TEXT.replace("total_gco2e]", "area_mm2]"))
    code, out, err = run("plot", paths[0], other, "-o", "q")
    assert (code, out) == (2, "")
    assert "only studies with the same objectives" in err
    assert not (tmp_path / "q").exists()


ONE = TEXT.replace("[accuracy, total_gco2e]", "[total_gco2e]")
THREE = TEXT.replace("total_gco2e]", "total_gco2e, latency_s]")
FIXED = TEXT.replace("1..3", "[3]").replace("[0.25, 0.5, 1.0]", "[0.5]").replace("[64, 128, 256]", "[64]")
GENELESS = FIXED.replace("[16, 32, 64, 128]", "[32]")


@pytest.mark.parametrize(
    ("text", "how", "there", "absent", "note"),
    [
        (ONE, {}, ["best_total_gco2e", "hypervolume", "along_front"], ["front"], "R2"),
        (THREE, {"count": 25}, ["front_accuracy_latency_s", "front_total_gco2e_latency_s"], [], "R2"),
        (
            TEXT,
            {"genomes": [(1, 1, 1, 1)]},
            ["parallel", "along_front"],
            ["hypervolume"],
            "no hypervolume: all",
        ),
        (
            TEXT,
            {"infeasible": True},
            ["front", "importance"],
            ["parallel", "hypervolume"],
            "no feasible point",
        ),
        (ONE, {"infeasible": True}, ["best_total_gco2e"], ["along_front"], "no feasible point"),
        (FIXED, {}, ["parallel", "along_front"], ["importance"], f"{LEAST_POINTS} are needed"),
        (GENELESS, {}, ["front"], ["parallel", "along_front", "importance"], "no gene varies"),
    ],
    ids=["one-objective", "three", "one-point", "infeasible", "one-infeasible", "one-gene", "no-gene"],
)
def test_unusual_studies(
    run: Run,
    quick: None,
    tmp_path: Path,
    text: str,
    how: dict[str, Any],
    there: list[str],
    absent: list[str],
    note: str,
) -> None:
    if how.pop("infeasible", False):
        how["numbers"] = lambda values: by_rule(values) | {"latency_s": 1.0}
    code, out, _ = run("plot", made(tmp_path, text=text, **how), "-o", "p")
    assert code == 0
    assert note in out
    names = [name.removesuffix(".png") for name in written(out) if name.endswith(".png")]
    check_pictures(tmp_path / "p", names)
    assert all(any(name.startswith(f"search_{wanted}") for name in names) for wanted in there)
    assert not any(name.startswith(f"search_{wanted}") for name in names for wanted in absent)


def test_what_the_user_made_stays(run: Run, tmp_path: Path) -> None:
    path = made(tmp_path, count=8)
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "search_parallel.png").write_bytes(b"mine")
    code, _, err = run("plot", path, "-o", "p")
    assert (code, "was not written by catx" in err) == (2, True)
    assert [one.name for one in folder.iterdir()] == ["search_parallel.png"]
    assert run("plot", path, "-o", "again")[0] == 0
    assert run("plot", path, "-o", "again")[0] == 0
    (tmp_path / "again" / "search_along_front.json").write_text("changed")
    assert run("plot", path, "-o", "again")[0] == 2


def test_the_front_as_files(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow.parquet import read_table

    path = made(tmp_path, failed=[2])
    found = read_findings(path)
    _, text, _ = run("front", path)
    assert len(list(csv.DictReader(text.splitlines()))) == len(found.front)
    assert run("front", path, "-o", "f.csv")[0] == 0
    assert (tmp_path / "f.csv").read_text() == text
    code, out, _ = run("front", path, "--all", "-o", "all.parquet")
    assert (code, out) == (0, f"{len(found.points)} points in all.parquet\n")
    assert read_table(tmp_path / "all.parquet").num_rows == len(found.points)
    _, text, _ = run("front", path, "--all")
    assert "no mapping" in text
    for options, message in (
        (["-o", "f.csv"], "nothing is overwritten"),
        (["-o", "none/f.csv"], "cannot be written"),
        (["--format", "parquet"], "name a file"),
        (["--format", "xml"], "no format 'xml'"),
    ):
        code, out, err = run("front", path, *options)
        assert (code, out) == (2, "")
        assert message in err


def test_a_comparison_for_people_and_for_scripts(run: Run, tmp_path: Path) -> None:
    paths = [made(tmp_path, "one", count=25, seed=1), made(tmp_path, "two", count=30, seed=2)]
    code, out, err = run("compare", *paths)
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert ["points", "25", "30"] in lines
    assert "accuracy is predicted, not measured" in out
    assert "Least total_gco2e at equal accuracy" in out
    code, text, _ = run("compare", *paths, "--json")
    data = json.loads(text)
    assert data["schema"] == "catx.search-comparison/1"
    assert [one["name"] for one in data["studies"]] == ["one", "two"]
    for told, path in zip(data["studies"], paths, strict=True):
        found = read_findings(path)
        assert (told["points"], told["front"]) == (len(found.points), len(found.front))
        carbon = min(point.evaluation.numbers["total_gco2e"] for point in found.feasible)
        assert told["best"]["total_gco2e"] == carbon
        assert in_unit("total_gco2e", carbon) in out
    for level in data["levels"]:
        if level["of"] == "accuracy":
            first, second = level["values"]
            told_levels = f"{in_unit('total_gco2e', second)} ({100 * (second - first) / first:+.1f} %)"
            assert told_levels in out
    assert "Most accuracy at equal total_gco2e" in run("compare", *paths, "--at", "total_gco2e")[1]


def test_groups_of_a_batch_study_side_by_side(run: Run, quick: None, tmp_path: Path) -> None:
    def numbers(values: dict[str, Value]) -> dict[str, float]:
        width, work = float(values.get("hw.pe_width", 8)), 2.0 if values["model"] == "b" else 1.0
        return {"latency_s": work / width, "energy_j": work * (1 + width / 100)}

    made(tmp_path, "batch", text=GRID, numbers=numbers)
    code, out, err = run("compare", "batch.db")
    assert (code, err) == (0, "")
    assert "note: b is not the same study as a: models" in out or "note: a is not the same study as b" in out
    code, out, _ = run("plot", "batch.db", "-o", "p")
    assert code == 0
    assert "a: no importance: 3 points have numbers" in out
    check_pictures(tmp_path / "p", ["search_front_latency_s_energy_j", "search_hypervolume"])
    for model in "ab":
        check_pictures(tmp_path / "p" / model, ["search_parallel", "search_along_front"])
    numbers_of = read(tmp_path / "p" / "a" / "search_parallel.json")
    assert [gene["name"] for gene in numbers_of["genes"]] == ["hw.accelerator"]
    code, out, err = run("compare", "batch.db", "--group", "a")
    assert (code, out) == (2, "")
    assert "nothing to be compared with" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["plot", "none.db", "-o", "p"], "no such file"),
        (["plot", "empty.db", "-o", "p"], "nothing to draw"),
        (["plot", "one.db", "-o", ""], "names no folder"),
        (["plot", "one.db", "-o", "one.db"], "is a file, not a folder"),
        (["plot", "one.db"], "--output"),
        (["compare", "one.db"], "nothing to be compared with"),
        (["plot", "one.db", "-o", "p", "--group", "a"], "only batch studies have groups"),
        (["compare", "one.db", "none.db"], "no such file"),
        (["compare", "one.db", "one.db", "--at", "latency_s"], "latency_s"),
        (["compare", "empty.db", "empty.db"], "no study has a feasible point"),
        (["plot", "batch.db", "-o", "p"], "nothing to draw"),
        (["compare", "one.db", "batch.db"], "batch has least latency_s"),
        (["front", "none.db"], "no such file"),
    ],
)
def test_mistakes(run: Run, tmp_path: Path, words: list[str], message: str) -> None:
    made(tmp_path, "one", count=3)
    made(tmp_path, "empty", count=0)
    made(tmp_path, "batch", text=GRID, count=0)
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(("module", "extra"), [("matplotlib", "plot"), ("pyarrow", "parquet")])
def test_extras_that_are_missing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    monkeypatch.setattr("catx.extras.find_spec", lambda name: None if name == module else sys)
    made(tmp_path, count=3)
    command = ["plot", "one.db", "-o", "p"] if extra == "plot" else ["front", "one.db", "-o", "f.parquet"]
    code, out, err = run(*command)
    assert (code, out) == (2, "")
    assert f"catx[{extra}]" in err
    assert not (tmp_path / "f.parquet").exists()


def test_every_metric_has_a_name_and_a_unit() -> None:
    for name in METRICS:
        assert words(name) != name or name in ("accuracy", "parameters", "utilization")
    assert scale_for("latency_s", [0.001, 0.002, 5.0]).label == "latency [ms]"
    assert scale_for("latency_s", [2e-6]).label == "latency [\N{MICRO SIGN}s]"
    assert scale_for("total_gco2e", [2e3]).label == "total carbon [kgCO\N{SUBSCRIPT TWO}e]"
    tonnes = scale_for("total_gco2e", [3e6])
    assert (tonnes.label, tonnes.of(3e6)) == ("total carbon [tCO\N{SUBSCRIPT TWO}e]", 3.0)
    assert scale_for("macs", [2e9]).label == "MACs [G]"
    assert scale_for("sheet.pcb_gco2e", [2e9]).of(2e9) == 2e9
    assert scale_for("area_mm2", []).factor == 1.0
