"""`catx explain`, `catx compare` and `catx components`: what people and scripts see, and bad input."""

import json
import math
import sys
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import catx
from catx.frontend.report_file import load_carbon
from catx.tools import cli
from catx.tools.report_json import report_json

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in this process: exit code, standard output, standard error."""
    monkeypatch.setenv("COLUMNS", "100")

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.catx([str(arg) for arg in args], prog_name="catx")
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Reports of one model on two machines."""
    folder = tmp_path_factory.mktemp("reports")
    paths = []
    for machine in ("edge4", "eyeriss_like"):
        report = catx.compile_model("clip_vit_b16_text", machine)
        paths.append(folder / f"{machine}.json")
        paths[-1].write_text(report_json(report))
    return paths[0], paths[1]


def test_a_report_keeps_its_calculation(reports: tuple[Path, Path]) -> None:
    report = catx.compile_model("clip_vit_b16_text", "edge4")
    assert load_carbon(reports[0]).sheet == report.carbon.sheet


def test_explaining_a_total(run: Run, reports: tuple[Path, Path]) -> None:
    code, out, err = run("explain", reports[0], "total_carbon")
    assert (code, err) == (0, "")
    lines = [line.strip() for line in out.splitlines()]
    sheet = load_carbon(reports[0]).sheet
    assert f"total_gco2e = {sheet['total_gco2e']:.7g} gCO2e" in lines
    assert "= embodied_gco2e + operational_gco2e + training_share_gco2e" in lines
    assert "= pi * (300 / 2) ** 2 / 100" in lines
    assert any(line.startswith("Taiwan, ACT") for line in lines)
    assert run("explain", reports[0])[1] == out
    assert "latency_s = " in run("explain", reports[0], "latency")[1]
    assert "cdp_gco2e_s = " in run("explain", reports[0], "cdp")[1]


def test_explaining_what_is_not_there(run: Run, reports: tuple[Path, Path]) -> None:
    code, out, err = run("explain", reports[0], "embodied_carbn")
    assert (code, out) == (2, "")
    assert "near are " in err
    assert "embodied_gco2e" in err


def test_comparing(run: Run, reports: tuple[Path, Path]) -> None:
    code, out, err = run("compare", *reports)
    assert (code, err) == (0, "")
    assert "A      clip_vit_b16_text on edge4, scenario edge-default".replace("      ", " ") in " ".join(
        out.split()
    )
    assert "Break-even" in out
    assert "Uncertainty" not in out
    code, out, _ = run("compare", *reports, "--uncertainty", 500)
    assert code == 0
    assert "500 samples, seed 1" in out
    assert "What matters for B" in out


def test_comparing_a_design_with_itself(run: Run, reports: tuple[Path, Path]) -> None:
    out = run("compare", reports[0], reports[1], reports[0], "--uncertainty", 100)[1]
    assert "A and C emit the same" in out
    assert "A emits less than C in 0 % of the samples, the same in 100 %" in out
    assert ("the same as A: C" in out) != ("best for no beta: A, C" in out)


def test_comparing_for_scripts(run: Run, reports: tuple[Path, Path]) -> None:
    code, out, _ = run("compare", *reports, "--uncertainty", 2000, "--seed", 7, "--json")
    assert code == 0
    data: dict[str, Any] = json.loads(out)
    assert data["schema"] == "catx.comparison/1"
    first, second = (load_carbon(path).sheet for path in reports)
    assert data["designs"][0]["total_gco2e"] == first["total_gco2e"]
    assert data["designs"][1]["tcdp_gco2e_s"] == second["tcdp_gco2e_s"]
    for uncertain, sheet in zip(data["uncertainty"], (first, second), strict=True):
        totals = uncertain["percentiles"]
        assert totals["total_gco2e"]["p5"] < totals["total_gco2e"]["p50"] < totals["total_gco2e"]["p95"]
        assert totals["total_gco2e"]["p5"] < sheet["total_gco2e"] * 1.3
    assert 0 <= data["pairs"][0]["probability_first_lower"] <= 1
    assert data["robust"][-1]["beta_to"] is None
    assert run("compare", *reports, "--uncertainty", 2000, "--seed", 7, "--json")[1] == out


def _damage(data: dict[str, Any], how: str) -> dict[str, Any]:
    rows = data["carbon"]["sheet"]
    if how == "no sheet":
        del data["carbon"]["sheet"]
    elif how == "formula":
        rows[-1]["formula"] = "__import__('os')"
    elif how == "order":
        rows.insert(0, rows.pop())
    elif how == "value":
        rows[0]["value"] = "1"
    elif how == "edited":
        next(row for row in rows if row["name"] == "packaging_gco2e")["value"] = 99999
    elif how == "twice":
        rows.append(rows[0])
    elif how == "shape":
        next(row for row in rows if "spread" in row)["spread"]["shape"] = "normal"
    elif how == "schema":
        data["schema"] = "catx.report/9"
    elif how == "nothing":
        return {}
    return data


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("no sheet", "an older catx wrote it"),
        ("formula", "a formula may not have"),
        ("order", "which no row above it has"),
        ("value", "expected a finite number, not '1'"),
        ("twice", "two rows have the name"),
        ("edited", "embodied_gco2e is"),
        ("shape", "unknown shape 'normal'"),
        ("schema", "this catx reads 'catx.report/1'"),
        ("nothing", "not a report of catx"),
    ],
)
def test_damaged_reports(run: Run, reports: tuple[Path, Path], tmp_path: Path, how: str, told: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(_damage(json.loads(reports[0].read_text()), how)))
    for command in (("explain", path), ("compare", reports[1], path)):
        code, out, err = run(*command)
        assert (code, out) == (2, "")
        assert told in err
        assert str(path) in err
        assert err.count("error:") == 1


def test_bad_files_and_options(run: Run, reports: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text("{")
    assert "not JSON" in run("explain", tmp_path / "text.json")[2]
    assert "no such file" in run("explain", tmp_path / "missing.json")[2]
    assert "nothing to be compared with" in run("compare", reports[0])[2]
    assert run("compare", *reports, "--uncertainty", -1)[0] != 0
    assert run("compare", *reports, "--uncertainty", 10**9)[0] != 0


def test_uncertainty_in_a_report(run: Run, tmp_path: Path) -> None:
    plain = json.loads(run("compile", "clip_vit_b16_text", "--hw", "edge4", "--json")[1])
    args = ("compile", "clip_vit_b16_text", "--hw", "edge4", "--uncertainty", 1000, "-o", tmp_path / "out")
    code, out, _ = run(*args)
    assert code == 0
    assert "1,000 samples, seed 1" in out
    drawn = json.loads((tmp_path / "out" / "report.json").read_text())
    found = drawn["carbon"].pop("uncertainty")
    assert drawn == plain  # nominal numbers are what they were
    assert found["percentiles"]["total_gco2e"]["p5"] < found["percentiles"]["total_gco2e"]["p95"]
    widths = [swing["high"] - swing["low"] for swing in found["tornado"]]
    assert [abs(width) for width in widths] == sorted(map(abs, widths), reverse=True)
    schema = json.loads(files("catx.data").joinpath("report.schema.json").read_text())
    jsonschema.validate(json.loads((tmp_path / "out" / "report.json").read_text()), schema)


def test_the_library(run: Run) -> None:
    code, out, _ = run("components")
    assert code == 0
    for name in ("sram", "mac", "dram", "wire"):
        assert name in out
    listed = json.loads(run("components", "--json")[1])["components"]
    assert {entry["class"] for entry in listed} >= {"sram", "mac"}


def test_one_component(run: Run) -> None:
    code, out, _ = run("components", "sram", "--capacity", "4MiB", "--node", "22")
    assert code == 0
    assert "CACTI 7" in out
    data = json.loads(
        run("components", "sram", "capacity=4 MiB", "width=128", "--node", "22 nm", "--json")[1]
    )
    assert data["area_mm2"] == pytest.approx(3.05, rel=0.1)  # CACTI's run of it
    assert data["parameters"] == {"capacity_bytes": 4 * 2**20, "width_bits": 128}
    mac = json.loads(run("components", "mac", "dtype=int8", "accumulator=int32", "--json")[1])
    assert math.isclose(mac["j_per_op"], 0.196e-12, rel_tol=0.01)


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("srm",), "did you mean 'sram'"),
        (("sram",), "needs capacity_bytes"),
        (("sram", "capacity=4XB"), "'XB' is not a unit"),
        (("sram", "4MiB"), "expected NAME=VALUE"),
        (("sram", "--capacity", "4MiB", "capacity=2MiB"), "given twice"),
        (("sram", "size=4MiB"), "unknown parameter"),
        (("sram", "--capacity", "4MiB", "--node", "2"), "2 nm"),
        (("sram", "--capacity", "4MiB", "--node", "x"), "--node"),
        (("mac", "dtype=int9", "accumulator=int32"), "int9"),
        (("dram", "type=lpddr6"), "did you mean 'lpddr"),
    ],
)
def test_components_that_are_not_there(run: Run, args: tuple[str, ...], told: str) -> None:
    code, out, err = run("components", *args)
    assert (code, out) == (2, "")
    assert told in err
    assert err.count("error:") == 1


def test_a_comparison_tells_what_reports_leave_out(run: Run, reports: tuple[Path, Path]) -> None:
    _, out, _ = run("compare", *reports)
    assert "note: A: " in out
    assert "have no area" in out
    _, out, _ = run("compare", *reports, "--json")
    assert any("have no area" in note for note in json.loads(out)["designs"][0]["notes"])


def test_plots(run: Run, reports: tuple[Path, Path], tmp_path: Path) -> None:
    code, out, err = run("plot", *reports, "-o", tmp_path / "plots", "--uncertainty", 200)
    assert (code, err) == (0, "")
    written = [Path(line).name for line in out.splitlines() if not line.startswith("note: ")]
    assert written == ["carbon_parts.png", "carbon_lifetime.png", "carbon_plots.json"]
    assert "leakage of" in out
    for name in ("carbon_parts.png", "carbon_lifetime.png"):
        picture = (tmp_path / "plots" / name).read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert b"catx carbon plot" in picture[:1024]
    data = json.loads((tmp_path / "plots" / "carbon_plots.json").read_text())
    for design, path in zip(data["designs"], reports, strict=True):
        sheet = load_carbon(path).sheet
        assert sum(design["parts_gco2e"].values()) == pytest.approx(sheet["total_gco2e"])
        assert design["total_gco2e"][0] == pytest.approx(sheet["embodied_gco2e"])
        assert design["years"][50] == sheet["lifetime_years"]
        assert design["total_gco2e"][50] == pytest.approx(sheet["total_gco2e"])
        assert all(low < middle < high for low, middle, high in design["p5_p50_p95_gco2e"])
    for crossing in data["break_even"]:
        totals = [
            np.interp(crossing["years"], data["designs"][at]["years"], data["designs"][at]["total_gco2e"])
            for at in crossing["designs"]
        ]
        if crossing["years"] < data["designs"][0]["years"][-1]:
            assert totals[0] == pytest.approx(totals[1], rel=1e-6)
    assert run("plot", *reports, "-o", tmp_path / "plots", "--uncertainty", 0)[0] == 0
    again = json.loads((tmp_path / "plots" / "carbon_plots.json").read_text())
    assert "p5_p50_p95_gco2e" not in again["designs"][0]


def test_plots_replace_nothing_of_the_users(run: Run, reports: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "carbon_parts.png").write_bytes(b"mine")
    code, _, err = run("plot", reports[0], "-o", tmp_path)
    assert code != 0
    assert "was not written by catx" in err
    assert (tmp_path / "carbon_parts.png").read_bytes() == b"mine"
    assert not (tmp_path / "carbon_plots.json").exists()


def test_plots_without_matplotlib(
    run: Run, reports: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "catx.tools.plot_files", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = run("plot", reports[0], "-o", tmp_path / "plots")
    assert (code, out) == (2, "")
    assert "catx[plot]" in err
