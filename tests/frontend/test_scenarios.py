"""Scenario files: what is written, what the base gives, and what is wrong where."""

import doctest
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import catx
from catx.costmodel.carbon.scenarios import CATRANSFORMERS, EDGE_DEFAULT
from catx.errors import CatxError, SpecError
from catx.frontend import scenarios
from catx.frontend.scenarios import load_scenario, parse_scenario

WHOLE = """\
name: data centre
inferences: 1e9
lifetime: 48 months
grid: 0.35 kg/kWh
fab_grid: 642 gCO2e/kWh
abatement: 95%
fab_yield: 0.9
packaging: 0.15 kg
sources:
  grid: "a contract"
"""


def test_examples() -> None:
    assert doctest.testmod(scenarios).failed == 0


def test_a_whole_scenario() -> None:
    read = parse_scenario(WHOLE, "dc.yaml")
    sources = dict(read.sources)
    assert replace(read, sources=()) == catx.Scenario(
        name="data centre",
        inferences=1e9,
        lifetime_years=4.0,
        grid_gco2e_per_kwh=350.0,
        fab_gco2e_per_kwh=642.0,
        abatement_percent=95,
        fab_yield=0.9,
        packaging_gco2e=150.0,
    )
    assert sources["grid_gco2e_per_kwh"] == "a contract"
    assert sources["fab_yield"] == "dc.yaml"
    assert type(read.abatement_percent) is int


@pytest.mark.parametrize("base", [EDGE_DEFAULT, CATRANSFORMERS])
def test_the_rest_comes_from_the_base(base: catx.Scenario, tmp_path: Path) -> None:
    path = tmp_path / "sunny.yaml"
    path.write_text(f"base: {base.name}\ngrid: 41 g/kWh\n")
    read = catx.load_scenario(path)
    assert replace(read, sources=()) == replace(base, name="sunny", grid_gco2e_per_kwh=41.0, sources=())
    assert dict(read.sources) == dict(base.sources) | {"grid_gco2e_per_kwh": str(path)}
    report = catx.compile_model("clip_vit_b16_text", "edge4", scenario=path)
    assert report.scenario == read


def test_names() -> None:
    assert load_scenario("edge-default") is EDGE_DEFAULT
    with pytest.raises(SpecError, match="did you mean 'catransformers'"):
        load_scenario("catransformer")
    with pytest.raises(SpecError, match=r"^nothing\.yaml: no such file$"):
        load_scenario("nothing.yaml")


BAD = [
    WHOLE.replace("grid: 0.35 kg/kWh", "grid: 350"),
    WHOLE.replace("0.35 kg/kWh", "350 g/Wh").replace("48 months", "4 s").replace("95%", "95"),
    WHOLE.replace("95%", "96 %").replace("0.9", "1.2").replace("0.15 kg", "-1 g"),
    WHOLE.replace("lifetime", "lifetimes"),
    WHOLE.replace("  grid:", "  grids:"),
    "base: edge\n",
    "base: edge-default\nsources: {grid: x}\n",
    "grid: 5 g/kWh\n",
    "",
    "- 1\n",
    "inferences: 1_000\nbase: edge-default\n",
    "inferences: 1.5\nbase: edge-default\n",
    "inferences: 0\nbase: edge-default\n",
]


def test_mistakes_are_told_by_line(golden: Callable[[str], None]) -> None:
    told = []
    for text in BAD:
        with pytest.raises(SpecError) as caught:
            parse_scenario(text, "s.yaml")
        told.append(str(caught.value))
    golden("\n\n".join(told) + "\n")


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_files_raise_only_errors_of_catx(data: st.DataObject) -> None:
    text = WHOLE
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(len(text), start + 6)))
        text = text[:start] + data.draw(st.text("[]{}:,-0123 abmnkOIW+*#'\"&\n%/", max_size=6)) + text[end:]
    told = ""
    try:
        parse_scenario(text, "s.yaml")
    except CatxError as error:
        told = str(error)
    assert told == "" or told.startswith("s.yaml")


def test_regions_and_the_ways_to_say_how_often(tmp_path: Path) -> None:
    read = parse_scenario(
        "base: edge-default\ngrid: France\nfab_grid: KOR\ninferences_per_day: 500\n", "x.yaml"
    )
    assert read.grid_gco2e_per_kwh == 56.039
    assert read.fab_gco2e_per_kwh == 430.567
    assert (read.inferences, read.inferences_per_day, read.utilization) == (None, 500, None)
    sources = dict(read.sources)
    assert sources["grid_gco2e_per_kwh"].startswith("france, 2023: Our World in Data")
    busy = parse_scenario(
        "base: edge-default\nutilization: 0.4\non: 0.5\nidle: leaking\npue: 1.2\nsupply_efficiency: 0.9\n"
        "embodied: wafer\nline_yield: 0.98\ndefects_per_cm2: 0.08\nboard: 20 cm2\nother: 2 kg\n"
        "training: 20 kg\nfleet: 1e5\n"
    )
    assert (busy.utilization, busy.on_share, busy.idle_share) == (0.4, 0.5, 1.0)
    assert parse_scenario("base: edge-default\nutilization: 40 %\n").utilization == pytest.approx(0.4)
    assert (busy.pue, busy.supply_efficiency, busy.embodied) == (1.2, 0.9, "wafer")
    assert (busy.line_yield, busy.defects_per_cm2) == (0.98, 0.08)
    assert (busy.board_cm2, busy.other_gco2e) == (pytest.approx(20.0), 2000.0)
    assert (busy.training_gco2e, busy.fleet) == (20_000.0, 1e5)


def test_a_grid_by_the_hour(tmp_path: Path) -> None:
    rows = [f"2024-01-01 {hour:02d}:00,{100 + hour}" for hour in range(24)]
    (tmp_path / "sun.csv").write_text("\n".join(["time,g_per_kwh", *rows]))
    path = tmp_path / "s.yaml"
    path.write_text("base: edge-default\ngrid: sun.csv\nhours: 8-18\n")
    read = load_scenario(path)
    assert read.grid_profile
    assert read.grid_profile.gco2e_per_kwh == tuple(100.0 + hour for hour in range(24))
    assert read.grid_gco2e_per_kwh == pytest.approx(111.5)
    report = catx.compile_model("clip_vit_b16_text", "edge4", scenario=path)
    assert report.carbon.sheet["grid_gco2e_per_kwh"] == pytest.approx(112.5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1,2\n3\n", "1 columns, and 2 in the first row"),
        ("1\n2\n", "not 2"),
        ("450;25\n" * 24, "numbers have a point"),
        ("hour,kg per kWh\n" + "1,2\n" * 24, "expected a column in g/kWh"),
        ("1e9\n" * 24, "outside of 0 to 100,000"),
        ("g\n" + "5\n" * 23 + "x\n", r"sun\.csv:25: expected an intensity in g/kWh, not 'x'"),
        ("-5\n" * 24, "outside of 0"),
        ("nan\n" * 24, "outside of 0"),
        ("name\n", "no row has an intensity"),
    ],
)
def test_profiles_that_are_none(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "sun.csv").write_text(text)
    path = tmp_path / "s.yaml"
    path.write_text("base: edge-default\ngrid: sun.csv\n")
    with pytest.raises(SpecError, match=told):
        load_scenario(path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("grid: germny", "did you mean 'germany'"),
        ("grid: missing.csv", r"missing\.csv: no such file"),
        ("hours: 8-18", "hours need an hourly grid"),
        ("hours: 8 to 18", "hours of the day such as `8-18`"),
        ("hours: 8-25", "hours of the day"),
        ("idle: sleeping", "gated, leaking"),
        ("pue: 0.9", "from 1 to 10"),
        ("fab_yield: 1.2", "at most|to 1"),
        ("supply_efficiency: 0", "0.001"),
        ("lifetime: -3 years", "above 0"),
        ("utilization: 2", "to 1"),
        ("utilization: 200 %", "to 1"),
        ("on: half", "a percentage"),
        ("embodied: guess", "wafer, act, catransformers"),
        ("inferences: 5\ninferences_per_day: 5", "is enough"),
        ("board: 20 kg", "unit of an area"),
        ("embodied: act\ndefects_per_cm2: 0.2", "without effect: the model `act`"),
        ("embodied: act\nline_yield: 0.9", "without effect"),
        ("training: 20 kWh", "unit of a mass"),
    ],
)
def test_values_that_do_not_fit(line: str, told: str) -> None:
    with pytest.raises(SpecError, match=told) as caught:
        parse_scenario(f"base: edge-default\n{line}\n", "s.yaml")
    assert "s.yaml" in str(caught.value) or "missing" in line
