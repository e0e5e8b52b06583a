"""Scenarios and constraints that are written are read as the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from catx.costmodel.carbon.scenarios import EDGE_DEFAULT, SCENARIOS
from catx.errors import OptionError
from catx.frontend.constraint_file import parse_constraints
from catx.frontend.constraint_text import constraints_text
from catx.frontend.scenario_text import scenario_files
from catx.frontend.scenarios import load_scenario
from catx.ir.scenario import Profile, Scenario

HOURS = Profile(gco2e_per_kwh=tuple(100.1 + hour / 3 for hour in range(24)), source="grid.csv")
WAFERS = replace(
    EDGE_DEFAULT,
    name="my own",
    inferences=None,
    utilization=0.3,
    lifetime_years=10 / 3,
    idle_share=1.0,
    grid_profile=HOURS,
    grid_gco2e_per_kwh=HOURS.mean,
    hours=(22, 6),
    defects_per_cm2=0.07,
    board_cm2=1.3,
    training_gco2e=1e-5,
    fleet=1e6,
)


@pytest.mark.parametrize("scenario", [*SCENARIOS.values(), WAFERS], ids=lambda one: one.name)
def test_scenarios(tmp_path: Path, scenario: Scenario) -> None:
    for name, text in scenario_files(scenario).items():
        (tmp_path / name).write_text(text)
    found = load_scenario(tmp_path / "scenario.yaml")
    assert dict(found.sources).items() >= dict(scenario.sources).items()
    assert replace(found, sources=(), board_cm2=scenario.board_cm2) == replace(scenario, sources=())
    assert found.board_cm2 == pytest.approx(scenario.board_cm2, rel=1e-12)


def test_what_no_file_can_say() -> None:
    with pytest.raises(OptionError, match=r"no file can say idle_share 0\.5"):
        scenario_files(replace(EDGE_DEFAULT, idle_share=0.5))


CONSTRAINTS = """\
constraints:
  - keep: {GLB: [weight, output]}
    bypass: {GLB: [input], L2: [weight]}
  - for: ["*fc*", head]
    unroll: {array.column: {n: 16, "*": ..4}}
    tiles: {L2.weight: {k: 64..256, n: 8..}, GLB: {"*": ..32}}
    order: {GLB: [m, n], GLB.weight: [n, k]}
"""


def test_constraints() -> None:
    blocks = parse_constraints(CONSTRAINTS)
    assert parse_constraints(constraints_text(blocks)) == blocks
