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
