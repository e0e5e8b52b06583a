import json
from dataclasses import replace
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.costmodel.carbon import (
    SCENARIOS,
    InferenceEnergy,
    carbon_report,
    embodied_parts,
    energy_by_kind,
    op_carbon_rate,
    scenario_by_name,
)
from catx.costmodel.carbon.embodied import die_sheet
from catx.costmodel.carbon.regions import region
from catx.costmodel.carbon.tables import logic_node, tables
from catx.errors import SpecError
from catx.frontend.hardware import load_accelerator
from catx.ir.accelerator import Accelerator, MacRate, MatrixUnit, Memory, Technology
from catx.ir.dtype import DType
from catx.ir.scenario import Profile, Scenario
from tests.costmodel.whole_energy import carbon_of

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


ACT = replace(SCENARIOS["edge-default"], embodied="act", fab_yield=YIELD)


def act_die_g(node_nm: float, grid: float, percent: int, area_mm2: float = 100.0) -> float:
    scenario = replace(ACT, fab_gco2e_per_kwh=grid, abatement_percent=percent)
    return die_sheet(area_mm2, node_nm, scenario)["die_gco2e"]


def coal_die_g(area_mm2: float) -> float:
    return act_die_g(28, COAL, 95, area_mm2)


def dram_g(dram_type: str, gb: float, scenario: Scenario = ACT) -> float:
    return dict(embodied_parts(chip(10.0, dram_type=dram_type, gb=gb), scenario))["dram"]


def old_dram_g(gb: float) -> float:
    return dram_g("ddr3_50nm", gb)


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
    assert act_die_g(22, grid, percent) == pytest.approx(expected, abs=1e-6)


def test_other_nodes() -> None:
    # g/cm2 at 97 % abatement, Taiwan 642 g/kWh, yield 0.875
    expected = {28: 1388.9, 22: 1532.1, 20: 1623.3, 14: 1637.6, 16: 1637.6, 10: 1876.5, 7: 2463.2, 5: 2963.4}
    for node, value in expected.items():
        assert act_die_g(node, 642, 97) == pytest.approx(value, abs=0.05)
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
    report = carbon_of(chip(10, node_nm=12), 1.0, 1.0, SCENARIOS["edge-default"])
    source = {name: source for name, _, source in report.assumptions}["epa_12nm_kwh_per_cm2"]
    assert "linear interpolation between 10 nm" in source


def test_dram_per_gb() -> None:
    assert dram_g("lpddr3_20nm", 1) == pytest.approx(210.285714)
    assert dram_g("lpddr4", 1) == pytest.approx(54.857143)
    assert dram_g("hbm2e", 80, replace(ACT, fab_yield=0.5)) == pytest.approx(80 * 1135)


@pytest.mark.parametrize(
    ("area_mm2", "embodied_kg"),
    [(8.757597732992, 0.34837691655516945), (13.001483306111999, 0.41529518329381726)],
)
def test_embodied_of_catransformers_points(area_mm2: float, embodied_kg: float) -> None:
    report = carbon_of(chip(area_mm2), 0.14758989618986681, 0.01, scenario_by_name("catransformers"))
    assert report.embodied_gco2e / 1000 == pytest.approx(embodied_kg, rel=1e-4)


def test_catransformers_totals() -> None:
    report = carbon_of(chip(8.757597732992), 0.14758989618986681, 0.0129, scenario_by_name("catransformers"))
    assert report.operational_per_inference_gco2e == pytest.approx(2.7878091502530398e-06, rel=1e-6)
    assert report.total_gco2e / 1000 == pytest.approx(0.43201119106276065, rel=1e-4)
    die = dict(embodied_parts(chip(31.99), scenario_by_name("catransformers")))["die"]
    assert die / 1000 == pytest.approx(0.504423, abs=5e-7)


@given(energy_j=st.floats(1e-6, 1e3), latency_s=st.floats(1e-6, 1), area=st.floats(1, 800))
def test_rates_make_up_the_total(energy_j: float, latency_s: float, area: float) -> None:
    """An op that runs all inferences and fills the whole life carries the whole carbon."""
    scenario, machine = SCENARIOS["edge-default"], chip(area)
    per_j, per_s = op_carbon_rate(machine, scenario)
    report = carbon_of(machine, energy_j, latency_s, scenario)
    life_s = scenario.lifetime_years * 365 * 24 * 3600
    total = per_j * energy_j * scenario.inferences + per_s * life_s
    assert total == pytest.approx(report.total_gco2e)


@given(energy_j=st.floats(1e-6, 1e3), latency_s=st.floats(1e-6, 3), area=st.floats(1, 800))
def test_inferences_share_the_total(energy_j: float, latency_s: float, area: float) -> None:
    scenario = SCENARIOS["edge-default"]
    report = carbon_of(chip(area), energy_j, latency_s, scenario)
    assert report.total_per_inference_gco2e * scenario.inferences == pytest.approx(report.total_gco2e)
    assert report.total_per_inference_gco2e >= report.per_inference_gco2e


def test_report_says_what_it_assumes() -> None:
    report = carbon_of(chip(10), 1.0, 1.0, SCENARIOS["edge-default"])
    told = {name: (value, source) for name, value, source in report.assumptions}
    for name in ("inferences", "grid_gco2e_per_kwh", "fab_yield", "die_area_mm2", "dram_gb", "idle_share"):
        assert name in told
    assert all(value and source for value, source in told.values())
    assert told["epa_22nm_kwh_per_cm2"][1].startswith("ACT, branch 22nmScaling")
    assert told["lifetime_years"][0] == "3 years of 365 days"


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
        carbon_of(chip(10), 1, 1, replace(scenario, grid_gco2e_per_kwh=-1))
    with pytest.raises(SpecError, match="did you mean 'edge-default'"):
        scenario_by_name("edge")
    with pytest.raises(SpecError, match="knows 22 nm only"):
        embodied_parts(chip(10, node_nm=16), scenario_by_name("catransformers"))


def test_every_scenario_sources_every_assumption() -> None:
    for name, scenario in SCENARIOS.items():
        assert scenario.name == name
        report = carbon_of(chip(10), 1.0, 0.1, scenario)
        assert [of for of, _, source in report.assumptions if source == f"scenario {name}"] == []


def test_how_often_is_said_in_three_ways() -> None:
    scenario = SCENARIOS["edge-default"]
    daily = replace(scenario, inferences=None, inferences_per_day=100.0)
    busy = replace(scenario, inferences=None, utilization=0.25, on_share=0.5)
    assert carbon_of(chip(10), 1.0, 1.0, daily).sheet["inferences"] == pytest.approx(100 * 365 * 3)
    found = carbon_of(chip(10), 1.0, 2.0, busy).sheet
    assert found["inferences"] == pytest.approx(0.25 * 0.5 * 3 * 365 * 86400 / 2.0)
    assert found["busy_share"] == pytest.approx(0.25)
    for wrong in ({"inferences_per_day": 5.0}, {"inferences": None}):
        with pytest.raises(SpecError, match="exactly one of inferences"):
            replace(scenario, **wrong)


def test_idle_time_leaks_apart() -> None:
    leaking = replace(SCENARIOS["edge-default"], idle_share=1.0, on_share=0.5, inferences=1000)
    machine = chip(10)
    memory = replace(machine.levels[0], static_w=0.2)
    machine = replace(machine, levels=(memory,))
    report = carbon_of(machine, 1.0, 10.0, leaking)
    idle_s = 0.5 * 3 * 365 * 86400 - 10_000
    assert report.idle_gco2e == pytest.approx(idle_s * 0.2 / 3.6e6 * 481.0)
    assert report.operational_gco2e == pytest.approx(report.idle_gco2e + 1000 / 3.6e6 * 481.0)
    assert carbon_of(machine, 1.0, 10.0, replace(leaking, idle_share=0.0)).idle_gco2e == 0
    assert carbon_of(machine, 1.0, 1e6, leaking).idle_gco2e == 0  # more work than time: never negative


def test_ops_of_a_unit_that_leaks_when_idle_save_its_leakage() -> None:
    """A slower mapping that saves more than the embodied carbon of its time is better: it leaks anyway."""
    gated = SCENARIOS["edge-default"]
    leaking, static_w, more_s = replace(gated, idle_share=1.0), 0.01, 0.002
    machine = chip(10)
    machine = replace(machine, levels=(replace(machine.levels[0], static_w=static_w),))
    per_j, of_time = op_carbon_rate(machine, gated)
    saved_j = (of_time / per_j + 0.5 * static_w) * more_s
    quick = (0.010 + static_w * 0.010, 0.010)
    slow = (0.010 - saved_j + static_w * (0.010 + more_s), 0.010 + more_s)
    totals = [carbon_of(machine, *one, leaking).total_gco2e for one in (quick, slow)]
    assert totals[1] < totals[0]
    for scenario, best in ((leaking, slow), (gated, quick)):
        weights = op_carbon_rate(machine, scenario)
        goals = {one: weights[0] * one[0] + weights[1] * one[1] for one in (quick, slow)}
        assert min(goals, key=goals.__getitem__) == best
    hot = replace(machine, levels=(replace(machine.levels[0], static_w=100.0),))
    assert op_carbon_rate(hot, leaking)[1] == 0.0


def test_buildings_supplies_and_grids_scale_what_is_used() -> None:
    plain = carbon_of(chip(10), 1.0, 1.0, SCENARIOS["edge-default"]).operational_gco2e
    cloud = replace(SCENARIOS["edge-default"], pue=1.2, supply_efficiency=0.9)
    assert carbon_of(chip(10), 1.0, 1.0, cloud).operational_gco2e == pytest.approx(plain * 1.2 / 0.9)
    hours = tuple(float(hour) for hour in range(24))
    profile = Profile(gco2e_per_kwh=hours, source="a table")
    solar = replace(SCENARIOS["edge-default"], grid_profile=profile)
    for when, mean in ((None, 11.5), ((8, 18), 12.5), ((22, 2), 11.5), ((0, 24), 11.5), ((23, 24), 23.0)):
        sheet = carbon_of(chip(10), 1.0, 1.0, replace(solar, hours=when)).sheet
        assert sheet["grid_gco2e_per_kwh"] == pytest.approx(mean)
        assert sheet["grid_mean_gco2e_per_kwh"] == pytest.approx(11.5)
    with pytest.raises(SpecError, match="24 or 8,760 rows, not 23"):
        Profile(gco2e_per_kwh=hours[1:])


def test_units_share_the_training() -> None:
    trained = replace(SCENARIOS["edge-default"], training_gco2e=5e6, fleet=1000)
    found, plain = (carbon_of(chip(10), 1.0, 1.0, s) for s in (trained, SCENARIOS["edge-default"]))
    assert found.total_gco2e == pytest.approx(plain.total_gco2e + 5000)
    assert found.sheet["fleet_gco2e"] == pytest.approx(1000 * found.total_gco2e)


def test_boards_and_other_parts() -> None:
    scenario = replace(SCENARIOS["edge-default"], board_cm2=20.0, other_gco2e=7.0)
    parts = dict(embodied_parts(chip(10), scenario))
    assert parts["board"] == pytest.approx(20 * 32.549)
    assert parts["other"] == 7.0


@pytest.mark.parametrize(
    ("name", "value"), [("France", 56.039), ("fra", 56.039), ("new_york", 211.7), ("world", 481.0)]
)
def test_regions(name: str, value: float) -> None:
    assert region(name).gco2e_per_kwh == value
    assert region(name).source


def test_unknown_regions_tell_the_nearest() -> None:
    with pytest.raises(SpecError, match="did you mean 'germany'"):
        region("germny")


def test_metrics_are_products() -> None:
    sheet = carbon_of(chip(10), 2.0, 0.5, SCENARIOS["edge-default"]).sheet
    made, total = sheet["embodied_gco2e"], sheet["total_gco2e"]
    assert sheet["edp_j_s"] == 1.0
    assert sheet["cdp_gco2e_s"] == pytest.approx(made * 0.5)
    assert sheet["cep_gco2e_j"] == pytest.approx(made * 2)
    assert sheet["c2ep_gco2e2_j"] == pytest.approx(made * made * 2)
    assert sheet["ce2p_gco2e_j2"] == pytest.approx(made * 4)
    assert sheet["tcdp_gco2e_s"] == pytest.approx(total * 0.5)
    assert sheet["embodied_share"] == pytest.approx(made / total)


def test_energy_stands_by_kind_of_part() -> None:
    machine = load_accelerator("edge")
    parts = {"DRAM": 1.0, "L2": 2.0, machine.fanouts[0].name: 3.0, machine.matrix.name: 4.0}
    assert machine.vector
    energy = energy_by_kind(machine, parts | {machine.vector.name: 5.0}, 6.0)
    assert energy == InferenceEnergy(dram_j=1.0, memory_j=2.0, link_j=3.0, compute_j=9.0, static_j=6.0)
    sheet = carbon_report(machine, energy, 1.0, SCENARIOS["edge-default"]).sheet
    assert sheet["energy_per_inference_j"] == 21.0
    keys = {row.name: row.spread.key for row in sheet.rows if row.spread}
    assert keys["static_energy_j"] == keys["static_w"] == "leakage"
    assert len({keys[f"{kind}_energy_j"] for kind in ("dram", "memory", "link", "compute", "static")}) == 5
    with pytest.raises(SpecError, match="energy of L9, which"):
        energy_by_kind(machine, {"L9": 1.0}, 0.0)
