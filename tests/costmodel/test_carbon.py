import json
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.costmodel.carbon import (
    SCENARIOS,
    carbon_report,
    embodied_parts,
    op_carbon_rate,
    scenario_by_name,
)
from catx.costmodel.carbon.act import die_gco2e_per_cm2, dram_gco2e, logic_node, tables
from catx.errors import SpecError
from catx.ir.accelerator import Accelerator, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType

COAL = 820.0  # ACT, gCO2e/kWh of a fab on coal
NAND_30NM = 31.0  # ACT, gCO2e/GB
PACKAGE = 150.0  # ACT, gCO2e per IC
YIELD = 0.875

# Dies of the Fairphone 3's ICs besides the processor [mm2], as ACT lists them (exps/fairphone3)
FAIRPHONE_ICS = [0.85, 1.2, 1.2, 35, 0.89, 0.08, 0.25, 18, 11.6, 1.44, 12.96, 1.61, 6.3, 26.88, 0.77, 11.36]
FAIRPHONE_ICS += [7, 8.69, 11, 9.6]


def chip(
    area_mm2: float, *, node_nm: float = 22, dram_type: str = "lpddr3_20nm", gb: float = 1
) -> Accelerator:
    rate = MacRate(dtype=DType.INT8, macs_per_cycle=1, j_per_mac=1e-12, accumulator=DType.INT32)
    return Accelerator(
        name="chip",
        levels=(Memory(name="DRAM", dram_type=dram_type),),
        matrix=MatrixUnit(name="MAC", rates=(rate,)),
        vector=None,
        clock_hz=1e9,
        technology=Technology(node_nm=node_nm, dram_gb=gb),
        other_area_mm2=area_mm2,
    )


def coal_die_g(area_mm2: float) -> float:
    per_cm2 = die_gco2e_per_cm2(node_nm=28, fab_gco2e_per_kwh=COAL, abatement_percent=95, fab_yield=YIELD)
    return area_mm2 / 100 * per_cm2


def old_dram_g(gb: float) -> float:
    return dram_gco2e(dram_type="ddr3_50nm", capacity_gb=gb, fab_yield=YIELD)


def test_fairphone_3() -> None:
    ram_flash = old_dram_g(4) + NAND_30NM * 64 / YIELD + 2 * PACKAGE
    ics = coal_die_g(sum(FAIRPHONE_ICS)) + len(FAIRPHONE_ICS) * PACKAGE
    assert ram_flash / 1000 == pytest.approx(5.310286, abs=5e-7)
    assert (coal_die_g(46.4) + PACKAGE) / 1000 == pytest.approx(0.899294, abs=5e-7)
    assert ics / 1000 == pytest.approx(5.691644, abs=5e-7)


def test_dell_r740() -> None:
    ssd_dram = old_dram_g(68) + 13 * PACKAGE
    main = 8 * (NAND_30NM * 3840 / YIELD + ssd_dram)
    secondary = NAND_30NM * 400 / YIELD + ssd_dram
    dram = 12 * (old_dram_g(36) + 19 * PACKAGE)
    cpu = 2 * (coal_die_g(698) + 2 * PACKAGE)
    assert main / 1000 == pytest.approx(1476.994, abs=5e-4)
    assert secondary / 1000 == pytest.approx(62.75, abs=5e-3)
    assert dram / 1000 == pytest.approx(330.4286, abs=5e-5)
    assert cpu / 1000 == pytest.approx(23.143406, abs=5e-7)


@pytest.mark.parametrize(
    ("grid", "percent", "expected"),
    [
        (642, 95, 1576.816),
        (369, 95, 1240.792),
        (481, 95, 1378.648),
        (642, 97, 1532.0845714),
        (642, 99, 1487.3531429),
    ],
)
def test_22nm(grid: float, percent: int, expected: float) -> None:
    found = die_gco2e_per_cm2(node_nm=22, fab_gco2e_per_kwh=grid, abatement_percent=percent, fab_yield=YIELD)
    assert found == pytest.approx(expected, abs=1e-6)


def test_other_nodes() -> None:
    # g/cm2 at 97 % abatement, Taiwan 642 g/kWh, yield 0.875
    expected = {28: 1388.9, 22: 1532.1, 20: 1623.3, 14: 1637.6, 16: 1637.6, 10: 1876.5, 7: 2463.2, 5: 2963.4}
    for node, value in expected.items():
        found = die_gco2e_per_cm2(node_nm=node, fab_gco2e_per_kwh=642, abatement_percent=97, fab_yield=YIELD)
        assert found == pytest.approx(value, abs=0.05)
    assert "change of source" in tables().logic[65.0].source


def test_every_source_has_a_word_about_its_licence() -> None:
    data = json.loads(files("catx.data").joinpath("carbon/act.json").read_text(encoding="utf-8"))
    told = " ".join(data["licences"])
    for row in [*data["logic"].values(), *data["dram"].values()]:
        origin = row["source"].split()[0].strip(",").removesuffix("'s")
        assert origin in ("ACT", "EmbodiedCarbonModeling", "TechInsights")
        assert origin in told
    assert all("MIT" in text or "not seen" in text for text in data["licences"].values())


def test_nodes_between_rows() -> None:
    between = logic_node(12)
    assert between.epa_kwh_per_cm2 == pytest.approx((1.2 + 1.475) / 2)
    assert between.gpa95_gco2e_per_cm2 == pytest.approx(220)
    assert between.gpa99_gco2e_per_cm2 == pytest.approx(137.5)
    assert between.source.startswith("linear interpolation between 10 nm (ACT, repository")
    assert logic_node(25).epa_kwh_per_cm2 == pytest.approx((0.9 + 1.077) / 2)
    assert logic_node(40).epa_kwh_per_cm2 == pytest.approx(0.9 - 0.5 * 12 / 17)
    for node_nm in (30, 32, 36, 40):
        assert "UNCERTAIN, EPA is 0.4 at 45 nm and 0.9 at 28 nm" in logic_node(node_nm).source
    for node_nm in (4, 12, 18, 24, 55, 100):
        assert "UNCERTAIN" not in logic_node(node_nm).source


@given(node_nm=st.floats(3, 180))
def test_every_node_of_the_range_has_data_between_its_neighbours(node_nm: float) -> None:
    logic = tables().logic
    low = logic[max(node for node in logic if node <= node_nm)]
    high = logic[min(node for node in logic if node >= node_nm)]
    found = logic_node(node_nm)
    for name in ("epa_kwh_per_cm2", "gpa95_gco2e_per_cm2", "gpa99_gco2e_per_cm2"):
        ends = sorted((getattr(low, name), getattr(high, name)))
        assert ends[0] * (1 - 1e-12) <= getattr(found, name) <= ends[1] * (1 + 1e-12)
    assert found.source


def test_a_report_says_that_a_node_is_interpolated() -> None:
    report = carbon_report(chip(10, node_nm=12), 1.0, 1.0, SCENARIOS["edge-default"])
    source = {name: source for name, _, source in report.assumptions}["node_nm"]
    assert "linear interpolation between 10 nm" in source


def test_dram_per_gb() -> None:
    assert dram_gco2e(dram_type="lpddr3_20nm", capacity_gb=1, fab_yield=YIELD) == pytest.approx(210.285714)
    assert dram_gco2e(dram_type="lpddr4", capacity_gb=1, fab_yield=YIELD) == pytest.approx(54.857143)
    assert dram_gco2e(dram_type="hbm2e", capacity_gb=80, fab_yield=0.5) == pytest.approx(80 * 1135)


@pytest.mark.parametrize(
    ("area_mm2", "embodied_kg"),
    [(8.757597732992, 0.34837691655516945), (13.001483306111999, 0.41529518329381726)],
)
def test_embodied_of_catransformers_points(area_mm2: float, embodied_kg: float) -> None:
    report = carbon_report(chip(area_mm2), 0.14758989618986681, 0.01, scenario_by_name("catransformers"))
    assert report.embodied_gco2e / 1000 == pytest.approx(embodied_kg, rel=1e-4)


def test_catransformers_totals() -> None:
    report = carbon_report(
        chip(8.757597732992), 0.14758989618986681, 0.0129, scenario_by_name("catransformers")
    )
    assert report.operational_per_inference_gco2e == pytest.approx(2.7878091502530398e-06, rel=1e-6)
    assert report.total_gco2e / 1000 == pytest.approx(0.43201119106276065, rel=1e-4)
    die = dict(embodied_parts(chip(31.99), scenario_by_name("catransformers")))["die"]
    assert die / 1000 == pytest.approx(0.504423, abs=5e-7)


@given(energy_j=st.floats(1e-6, 1e3), latency_s=st.floats(1e-6, 1), area=st.floats(1, 800))
def test_rates_make_up_the_total(energy_j: float, latency_s: float, area: float) -> None:
    """An op that runs all inferences and fills the whole life carries the whole carbon."""
    scenario, machine = SCENARIOS["edge-default"], chip(area)
    per_j, per_s = op_carbon_rate(machine, scenario)
    report = carbon_report(machine, energy_j, latency_s, scenario)
    life_s = scenario.lifetime_years * 365 * 24 * 3600
    total = per_j * energy_j * scenario.inferences + per_s * life_s
    assert total == pytest.approx(report.total_gco2e)


@given(energy_j=st.floats(1e-6, 1e3), latency_s=st.floats(1e-6, 3), area=st.floats(1, 800))
def test_inferences_share_the_total(energy_j: float, latency_s: float, area: float) -> None:
    scenario = SCENARIOS["edge-default"]
    report = carbon_report(chip(area), energy_j, latency_s, scenario)
    assert report.total_per_inference_gco2e * scenario.inferences == pytest.approx(report.total_gco2e)
    assert report.total_per_inference_gco2e >= report.per_inference_gco2e


def test_a_year_has_365_days() -> None:
    report = carbon_report(chip(10), 1.0, 1.0, SCENARIOS["edge-default"])
    (source,) = [source for name, _, source in report.assumptions if name == "lifetime_years"]
    assert source.endswith("a year has 365 days")


def test_report_says_what_it_assumes() -> None:
    report = carbon_report(chip(10), 1.0, 1.0, SCENARIOS["edge-default"])
    names = [name for name, _, _ in report.assumptions]
    for name in (
        "inferences",
        "grid_gco2e_per_kwh",
        "fab_yield",
        "node_nm",
        "dram",
        "busy_share_of_lifetime",
    ):
        assert name in names
    assert all(value and source for _, value, source in report.assumptions)
    assert {name: source for name, _, source in report.assumptions}["node_nm"].startswith(
        "ACT, branch 22nmScaling"
    )


def test_too_many_inferences_are_pointed_out() -> None:
    report = carbon_report(chip(10), 1.0, 10.0, SCENARIOS["edge-default"])
    assert any("more than one unit can do" in source for _, _, source in report.assumptions)


def test_without_dram() -> None:
    parts = dict(embodied_parts(chip(10, dram_type="", gb=0), SCENARIOS["edge-default"]))
    assert set(parts) == {"die", "packaging"}
    with pytest.raises(SpecError, match="dram_type"):
        embodied_parts(chip(10, dram_type="", gb=4), SCENARIOS["edge-default"])


def test_bad_input() -> None:
    scenario = SCENARIOS["edge-default"]
    for node_nm in (2, 2.999, 181, 250):
        with pytest.raises(SpecError, match=f"for {node_nm:g} nm: it covers 3 to 180 nm"):
            embodied_parts(chip(10, node_nm=node_nm), scenario)
    with pytest.raises(SpecError, match="lpddr4"):
        embodied_parts(chip(10, dram_type="lpddr9"), scenario)
    with pytest.raises(SpecError, match="95, 97 or 99"):
        embodied_parts(chip(10), replace(scenario, abatement_percent=96))
    for bad in (0.0, -1.0, 1.5, float("nan")):
        with pytest.raises(SpecError, match="fab_yield"):
            embodied_parts(chip(10), replace(scenario, fab_yield=bad))
    with pytest.raises(SpecError, match="lifetime_years"):
        op_carbon_rate(chip(10), replace(scenario, lifetime_years=0))
    with pytest.raises(SpecError, match="grid_gco2e_per_kwh"):
        carbon_report(chip(10), 1, 1, replace(scenario, grid_gco2e_per_kwh=-1))
    with pytest.raises(SpecError, match="did you mean 'edge-default'"):
        scenario_by_name("edge")
    with pytest.raises(SpecError, match="fab's grid"):
        die_gco2e_per_cm2(node_nm=22, fab_gco2e_per_kwh=float("nan"), abatement_percent=95, fab_yield=1)


def test_every_scenario_sources_every_assumption() -> None:
    for name, scenario in SCENARIOS.items():
        assert scenario.name == name
        report = carbon_report(chip(10), 1.0, 0.1, scenario)
        given_sources = dict(scenario.sources)
        assert len(given_sources) == 7
        assert all(source != f"scenario {name}" for _, _, source in report.assumptions)
