"""What a file says of DRAM and dies reaches power, areas and carbon, each once."""

from dataclasses import replace

import pytest

from catx.costmodel.carbon import SCENARIOS, InferenceEnergy, carbon_report, op_carbon_rate
from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.costmodel.components import resolve
from catx.errors import SpecError
from catx.frontend.hardware import dump_accelerator, load_accelerator, parse_accelerator
from tests.frontend.hardware_text import edited

DRAM = "  - memory: DRAM\n    dram: lpddr4\n    bandwidth: 10 GB/s\n    energy: 32 pJ/B\n"
INNER = (
    "  - memory: Stack\n    capacity: 1 GiB\n    dram: hbm2\n    bandwidth: 20 GB/s\n    energy: 32 pJ/B\n"
)
FANOUT = "  - fanout: array\n"
NUMBERS = "    read_energy: 3 pJ/B\n    write_energy: 4 pJ/B\n    static_power: 5 mW\n    area: 0.9 mm2\n"
TECHNOLOGY = "technology: {node: 22 nm, dram: 2 GB}"


def test_there_is_one_dram_outside_of_fanouts() -> None:
    with pytest.raises(SpecError, match="a second DRAM, beside DRAM"):
        parse_accelerator(edited((DRAM, DRAM + INNER)))
    plain = DRAM.replace("    dram: lpddr4\n", "    area: 0 mm2\n")
    with pytest.raises(SpecError, match="a DRAM within a fanout"):
        parse_accelerator(edited((DRAM, plain), ("  - memory: Register\n", INNER + "  - memory: Register\n")))


def test_the_type_of_a_component_is_that_of_the_memory() -> None:
    component = "    component: {class: dram, type: hbm2}\n"
    bare = DRAM.replace("    dram: lpddr4\n", "").replace("    energy: 32 pJ/B\n", component)
    assert parse_accelerator(edited((DRAM, bare))).memories[0].dram_type == "hbm2"
    with pytest.raises(SpecError, match="the memory's `dram` says lpddr4"):
        parse_accelerator(edited((DRAM, DRAM.replace("    energy: 32 pJ/B\n", component))))


def test_standby_counts_binary_dies() -> None:
    gib = 8 * 2**30 / 1e9
    assert resolve("dram", node_nm=22, type="hbm2", capacity_gb=gib).static_w == pytest.approx(
        16 * 55e-3 * 1.2
    )
    ddr4 = resolve("dram", node_nm=22, type="ddr4", capacity_gb=gib / 16)
    assert ddr4.static_w == pytest.approx(44e-3 * 1.2)


def test_components_are_looked_up_at_the_node_of_their_die() -> None:
    dies = (
        "technology:\n  node: 7 nm\n  dram: 2 GB\n  dies:\n    - {name: logic}\n"
        "    - {name: cache, parts: [GLB], node: 22 nm}\n  assembly: {kind: stack}"
    )
    sram = (NUMBERS, "    component: sram\n")
    machine = parse_accelerator(edited((TECHNOLOGY, dies), sram))
    wanted = resolve("sram", node_nm=22, capacity_bytes=2**20, width_bits=128)
    assert machine.memories[1].area_mm2 == pytest.approx(wanted.area_mm2)
    assert machine.memories[1].read_j_per_byte == pytest.approx(wanted.read_j_per_byte)
    one = parse_accelerator(edited((TECHNOLOGY, "technology: {node: 7 nm, dram: 2 GB}"), sram))
    assert one.memories[1].area_mm2 < 0.5 * wanted.area_mm2
    with pytest.raises(SpecError, match="no embodied-carbon data for 250 nm"):
        parse_accelerator(edited((TECHNOLOGY, dies.replace("22 nm", "250 nm"))))


def die_mm2(harvest: str, more: str = "") -> float:
    dies = f"technology: {{node: 7 nm, dram: 2 GB, dies: [{{name: a{harvest}}}]}}"
    text = edited((TECHNOLOGY, dies), ("other_area: 1 mm2", more))
    machine = parse_accelerator(text)
    again = parse_accelerator(dump_accelerator(machine))
    sheets = [carbon_report(one, InferenceEnergy(), 1.0, DEFAULT_SCENARIO).sheet for one in (machine, again)]
    areas = [sheet["die_a_area_mm2"] for sheet in sheets]
    assert areas[0] == pytest.approx(areas[1])
    return areas[0]


def test_spare_cores_have_an_area() -> None:
    plain = die_mm2("")
    harvest = ", harvest: {cores: 6, needed: 5, share: 0.9}"
    spared = die_mm2(harvest)
    # 5 of 6 cores and the rest of the die are what the levels describe
    assert spared * (0.1 + 0.9 * 5 / 6) == pytest.approx(plain)
    assert die_mm2(harvest.replace("0.9}", "0.9, spares_counted: true}")) == pytest.approx(plain)
    assert die_mm2(harvest, "die_area: 50 mm2") == pytest.approx(50.0)


def test_lost_wafers_are_lost_for_interposers_too() -> None:
    machine = load_accelerator("a100_like")
    sheets = [
        carbon_report(machine, InferenceEnergy(), 1.0, replace(DEFAULT_SCENARIO, line_yield=good)).sheet
        for good in (1.0, 0.5)
    ]
    assert sheets[1]["interposer_gco2e"] == pytest.approx(2 * sheets[0]["interposer_gco2e"])


@pytest.mark.parametrize("idle_share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("latency_s", [1e-3, 1.0])
def test_the_figure_while_it_runs_is_the_objective(idle_share: float, latency_s: float) -> None:
    machine = load_accelerator("edge")
    for years in (3.0, 300.0):  # at the longer life idle power outweighs what is embodied
        scenario = replace(SCENARIOS["edge-default"], idle_share=idle_share, lifetime_years=years)
        per_j, per_s = op_carbon_rate(machine, scenario)
        report = carbon_report(machine, InferenceEnergy(compute_j=0.01, static_j=0.002), latency_s, scenario)
        assert report.per_inference_gco2e == pytest.approx(per_j * 0.012 + per_s * latency_s)
