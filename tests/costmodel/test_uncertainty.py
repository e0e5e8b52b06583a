"""Monte Carlo: distributions, common draws, and what stays as it is."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.costmodel.carbon import SCENARIOS
from catx.costmodel.carbon.compare import BreakEven, break_even, equals_of, probability_better, robust_set
from catx.costmodel.carbon.uncertainty import bands, draw, factors, simulate, tornado
from catx.ir.accelerator import Technology
from catx.ir.sheet import Row, Sheet, Spread
from tests.costmodel.test_wafer import chip
from tests.costmodel.whole_energy import carbon_of

EDGE = SCENARIOS["edge-default"]


def sheet(area_mm2: float = 30.0, node_nm: float = 22, energy_j: float = 0.05) -> Sheet:
    machine = chip(Technology(node_nm=node_nm, dram_gb=1), area_mm2, "lpddr4")
    return carbon_of(machine, energy_j, 0.01, EDGE).sheet


@pytest.mark.parametrize("shape", ["lognormal", "triangular", "uniform", "logtriangular"])
def test_quantiles_are_those_of_the_distribution(shape: str) -> None:
    spread = Spread(shape=shape, low=0.5, high=2.0, key="k", source="s")  # type: ignore[arg-type]
    at = (np.arange(200_000) + 0.5) / 200_000
    drawn = factors(spread, at)
    assert np.all(np.diff(drawn) >= 0)
    random = np.random.default_rng(0)
    if shape == "lognormal":
        other = np.exp(random.normal(0, np.log(2) / 1.6448536, 400_000))
    elif shape == "triangular":
        other = random.triangular(0.5, 1.0, 2.0, 400_000)
    elif shape == "uniform":
        other = random.uniform(0.5, 2.0, 400_000)
    else:
        other = np.exp(random.triangular(np.log(0.5), 0.0, np.log(2.0), 400_000))
    assert np.percentile(drawn, [5, 25, 50, 75, 95]) == pytest.approx(
        np.percentile(other, [5, 25, 50, 75, 95]), rel=0.01
    )


def test_draws_are_seeded_shared_by_key_and_leave_the_nominal_alone() -> None:
    one, other = sheet(), sheet(area_mm2=60.0, node_nm=7)
    first, again, second = draw(one, 1_000), draw(one, 1_000), draw(other, 1_000)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert np.array_equal(first["fab_grid_gco2e_per_kwh"], second["fab_grid_gco2e_per_kwh"])
    order = np.argsort(first["epa_22nm_kwh_per_cm2"])
    assert np.array_equal(order, np.argsort(second["epa_7nm_kwh_per_cm2"]))
    assert not np.array_equal(first["mpa_gco2e_per_cm2"], draw(one, 1_000, seed=2)["mpa_gco2e_per_cm2"])
    simulate(one, ["total_gco2e"], 100)
    assert sheet() == one


def test_samples_are_the_calculation_with_the_drawn_inputs() -> None:
    one = sheet()
    inputs, totals = draw(one, 50), simulate(one, ["total_gco2e"], 50)["total_gco2e"]
    for at in range(50):
        values = {row.name: row.value for row in one.rows if not row.formula}
        values |= {name: float(drawn[at]) for name, drawn in inputs.items()}
        cpa = values["fab_grid_gco2e_per_kwh"] * values["epa_22nm_kwh_per_cm2"]
        cpa += values["gpa_22nm_gco2e_per_cm2"] + values["mpa_gco2e_per_cm2"]
        good = (1 + 0.3 * values["die_defects_per_cm2"] / 10) ** -10
        site = (30**0.5 + 0.06) ** 2
        dies = np.pi * 147**2 / site - 0.51 * np.pi * 294 / site**0.5
        made = cpa * np.pi * 15**2 / (dies * good)
        made += values["dram_gco2e_per_gb"] / 0.875 + values["packaging_gco2e"]
        used = 30e6 * values["compute_energy_j"] / 3.6e6 * values["grid_gco2e_per_kwh"]
        assert totals[at] == pytest.approx(made + used, rel=1e-12)


def test_bands_lie_around_the_nominal_value() -> None:
    one = sheet()
    found = bands(simulate(one, ["total_gco2e"], 10_000)["total_gco2e"])
    assert found[0] < one["total_gco2e"] < found[2]


def test_published_spread_of_a_die() -> None:
    """CarbonClarity (2025): p95 is 1.3 to 1.4 times the mean of carbon per area, 1.6 in its paper at 7 nm."""
    for node_nm in (7, 22):
        made = simulate(sheet(node_nm=node_nm), ["die_gco2e"], 20_000)["die_gco2e"]
        assert 1.2 < np.percentile(made, 95) / made.mean() < 1.75


def test_a_tornado_ranks_by_width_and_matches_single_changes() -> None:
    one = sheet()
    swings = tornado(one, "total_gco2e")
    assert [swing.width for swing in swings] == sorted((swing.width for swing in swings), reverse=True)
    grid = next(swing for swing in swings if swing.key == "grid")
    spread = next(row.spread for row in one.rows if row.name == "grid_gco2e_per_kwh")
    assert spread
    low, high = factors(spread, np.array([0.05, 0.95]))
    rest = one["total_gco2e"] - one["operational_gco2e"]
    assert grid.low == pytest.approx(rest + one["operational_gco2e"] * low)
    assert grid.high == pytest.approx(rest + one["operational_gco2e"] * high)


def test_a_better_design_is_better_in_all_samples_of_shared_inputs() -> None:
    assert probability_better(sheet(29.0), sheet(30.0), "total_gco2e", 2_000, 1) == (1.0, 0.0)
    assert probability_better(sheet(30.0), sheet(30.0), "total_gco2e", 2_000, 1) == (0.0, 1.0)
    mixed = probability_better(
        sheet(30.0, energy_j=0.15), sheet(60.0, energy_j=0.04), "total_gco2e", 4_000, 1
    )
    assert 0.0 < mixed[0] < 1.0


def test_break_even() -> None:
    small, frugal = sheet(20.0, energy_j=0.05), sheet(60.0, energy_j=0.04)
    point = break_even(small, frugal)
    assert point.greener_before == 0
    assert point.inferences is not None
    made = frugal["embodied_gco2e"] - small["embodied_gco2e"]
    assert point.inferences == pytest.approx(made / (0.01 / 3.6e6 * 481.0))
    assert break_even(frugal, small).inferences == pytest.approx(point.inferences)
    assert break_even(frugal, small).greener_before == 1
    assert break_even(small, sheet(30.0, energy_j=0.06)) == BreakEven(None, 0)
    assert break_even(small, small) == BreakEven(None, None)
    assert break_even(small, sheet(20.0, energy_j=0.05 * (1 + 1e-15))) == BreakEven(None, None)
    leaking = replace(EDGE, idle_share=1.0)
    hot, cold = (
        carbon_of(
            replace(machine, levels=(replace(machine.levels[0], static_w=watts), *machine.levels[1:])),
            0.05,
            0.01,
            leaking,
        ).sheet
        for machine, watts in (
            (chip(Technology(node_nm=22, dram_gb=1), 20.0, "lpddr4"), 1.0),
            (chip(Technology(node_nm=22, dram_gb=1), 60.0, "lpddr4"), 0.0),
        )
    )
    assert hot["total_gco2e"] > cold["total_gco2e"]
    idle = break_even(hot, cold)
    assert idle.greener_before == 0
    assert idle.inferences is not None
    assert idle.inferences < leaking.inferences  # type: ignore[operator]  # ahead only at first
    assert equals_of([small, frugal, small], 0) == [2]


def _points(values: list[tuple[float, float, float]]) -> list[Sheet]:
    names = ("embodied_gco2e", "operational_gco2e", "latency_s")
    rows = [
        [Row(name=name, unit="", value=value) for name, value in zip(names, v, strict=True)] for v in values
    ]
    return [Sheet((*row, Row(name="training_share_gco2e", unit="", value=0.0))) for row in rows]


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30), st.integers(1, 5)), min_size=1, max_size=8))
def test_the_robust_set_is_best_for_its_betas(values: list[tuple[int, int, int]]) -> None:
    sheets = _points([(float(a), float(b), float(d)) for a, b, d in values])
    found = robust_set(sheets)
    assert found[0].low == 0.0
    assert found[-1].high == float("inf")
    assert all(first.high == second.low for first, second in pairwise(found))
    for part in found:
        for beta in (part.low, (part.low + min(part.high, 1e6)) / 2, min(part.high, 1e6)):
            costs = [(a + beta * b) * d for a, b, d in values]
            assert costs[part.design] == pytest.approx(min(costs), rel=1e-9)


def test_scenarios_without_use_have_a_total() -> None:
    lazy = replace(EDGE, inferences=1)
    machine = chip(Technology(node_nm=22), 30.0, "")
    assert carbon_of(machine, 0.0, 1.0, lazy).total_gco2e > 0
