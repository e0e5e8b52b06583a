"""The general form: every key becomes the number that it says."""

import re
from dataclasses import replace
from math import inf
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.costmodel.components.wire import spread_mm
from catx.errors import SpecError
from catx.frontend.hardware import load_accelerator, parse_accelerator
from catx.ir.accelerator import (
    Accelerator,
    Fanout,
    FanoutAxis,
    MacRate,
    MatrixUnit,
    Memory,
    Technology,
    VectorUnit,
)
from catx.ir.dtype import DType
from tests.frontend.hardware_text import BASE, edited


def test_everything_arrives() -> None:
    assert parse_accelerator(BASE) == Accelerator(
        name="small",
        levels=(
            Memory(
                name="DRAM",
                read_bytes_per_cycle=20.0,
                write_bytes_per_cycle=20.0,
                shared_port=True,
                read_j_per_byte=32e-12,
                write_j_per_byte=32e-12,
                dram_type="lpddr4",
            ),
            Memory(
                name="GLB",
                capacity_bytes=2.0**20,
                read_bytes_per_cycle=64.0,
                write_bytes_per_cycle=32.0,
                double_buffered=True,
                read_j_per_byte=3e-12,
                write_j_per_byte=4e-12,
                static_w=5e-3,
                area_mm2=0.9,
            ),
            Fanout(
                name="array",
                axes=(
                    FanoutAxis(name="row", size=8, dims=frozenset({"reduction"})),
                    FanoutAxis(
                        name="column",
                        size=4,
                        dims=frozenset({"weight_output", "x"}),
                        multicast=frozenset({"input"}),
                        reduces=False,
                    ),
                ),
                link_bytes_per_cycle=128.0,
                link_j_per_byte=0.1e-12,
                area_mm2=0.2,
            ),
            Memory(
                name="Register",
                capacity_bytes=4.0,
                shared_port=True,
                keeps=frozenset({"weight", "output"}),
                optional=frozenset({"output"}),
                read_j_per_byte=0.05e-12,
                write_j_per_byte=0.05e-12,
                area_mm2=1e-5,
            ),
        ),
        matrix=MatrixUnit(
            name="MAC",
            rates=(
                MacRate(dtype=DType.INT8, macs_per_cycle=1, j_per_mac=0.2e-12, accumulator=DType.INT32),
                MacRate(dtype=DType.FP16, macs_per_cycle=0.5, j_per_mac=1e-12, accumulator=DType.FP32),
            ),
            pipeline_cycles=11,
            static_w=1e-6,
            area_mm2=1e-4,
        ),
        vector=VectorUnit(name="VPU", memory="GLB", lanes=16, j_per_op=0.5e-12, area_mm2=0.1),
        clock_hz=500e6,
        technology=Technology(node_nm=22.0, dram_gb=2.0),
        precision=DType.INT8,
        launch_s=2e-6,
        other_area_mm2=1.0,
    )


def test_defaults_are_those_of_the_documentation() -> None:
    text = edited(
        ("precision: int8\n", ""),
        (", dram: 2 GB", ""),
        ("launch_overhead: 2 us\nother_area: 1 mm2\n", ""),
        ("    link_bandwidth: 128 B/cycle\n    link_energy: 0.1 pJ/B\n    area: 0.2 mm2\n", ""),
        ("    pipeline_cycles: 11\n    static_power: 1 uW\n", ""),
        ("    double_buffered: true\n", ""),
    )
    small = parse_accelerator(text)
    assert small.precision is None
    assert small.technology.dram_gb == 0
    assert (small.launch_s, small.other_area_mm2, small.overlap_only) == (0, 0, False)
    assert small.fanouts[0].link_bytes_per_cycle == inf
    assert (small.fanouts[0].link_j_per_byte, small.fanouts[0].area_mm2) == (0, 0)
    assert (small.matrix.pipeline_cycles, small.matrix.static_w) == (0, 0)
    assert not small.memories[1].double_buffered


@pytest.mark.parametrize(
    ("dtype", "accumulator"),
    [
        ("int4", "int32"),
        ("uint32", "int64"),
        ("int64", "int64"),
        ("bf16", "fp32"),
        ("fp64", "fp64"),
        ("uint8", "int32"),
    ],
)
def test_accumulators_default_to_what_sums_need(dtype: str, accumulator: str) -> None:
    text = edited(
        ("precision: int8", f"precision: {dtype}"),
        ("fp16: {macs_per_cycle: 0.5, energy: 1 pJ}", f"{dtype}: {{energy: 1 pJ}}"),
    )
    rate = parse_accelerator(text).matrix.rates[1]
    assert (rate.dtype.value, rate.accumulator.value) == (dtype, accumulator)


def test_a_wider_rate_serves_the_precision() -> None:
    assert parse_accelerator(edited(("precision: int8", "precision: int4"))).precision is DType.INT4


def test_die_area_gives_the_rest() -> None:
    small = parse_accelerator(edited(("other_area: 1 mm2", "die_area: 20 mm2")))
    assert small.die_area_mm2 == pytest.approx(20, rel=1e-12)
    assert small.other_area_mm2 == pytest.approx(20 - 0.9 - 0.2 - 32 * 110e-6 - 0.1)


def test_components_scale_with_macros_lanes_and_rates() -> None:
    glb = "    read_energy: 3 pJ/B\n    write_energy: 4 pJ/B\n    static_power: 5 mW\n    area: 0.9 mm2\n"
    one = parse_accelerator(
        edited((glb, "    component: {class: sram, width: 256 bit, macros: 1}\n"))
    ).memories[1]
    four = parse_accelerator(
        edited((glb, "    component: {class: sram, width: 256 bit, macros: 4}\n"))
    ).memories[1]
    quarter = edited((glb, "    component: {class: sram, width: 256 bit}\n"), ("1 MiB", "256 KiB"))
    small = parse_accelerator(quarter).memories[1]
    assert four.area_mm2 == pytest.approx(4 * small.area_mm2)
    assert four.static_w == pytest.approx(4 * small.static_w)
    assert small.read_j_per_byte < four.read_j_per_byte < one.read_j_per_byte
    assert "CACTI" in four.source

    vector = "    lanes: 16\n    energy: 0.5 pJ\n    area: 0.1 mm2\n"
    lanes = [
        parse_accelerator(edited((vector, f"    lanes: {n}\n    component: vector_lane\n"))).vector
        for n in (1, 8)
    ]
    assert lanes[0] is not None
    assert lanes[1] is not None
    assert lanes[1].area_mm2 == pytest.approx(8 * lanes[0].area_mm2)
    assert lanes[1].j_per_op == lanes[0].j_per_op > 0


def test_a_matrix_unit_of_several_types_has_room_for_the_largest() -> None:
    def area(rates: str) -> float:
        start, end = BASE.index("    rates:\n"), BASE.index("    pipeline_cycles")
        text = BASE[:start] + f"    rates: {rates}\n    component: mac\n" + BASE[end:]
        unit = parse_accelerator(edited(("    area: 100 um2\n", ""), text=text)).matrix
        assert all(rate.j_per_mac > 0 for rate in unit.rates)
        return unit.area_mm2

    assert (
        area("{int8: {}, fp16: {}}")
        == area("{fp16: {}, int8: {}}")
        == area("{int8: {}, fp16: {macs_per_cycle: 1}}")
    )
    assert area("{int8: {macs_per_cycle: 2}}") == pytest.approx(2 * area("{int8: {}}"))
    assert area("{int8: {}, fp16: {}}") > area("{int8: {}}")


def test_written_numbers_take_the_place_of_a_components() -> None:
    glb = "    read_energy: 3 pJ/B\n    write_energy: 4 pJ/B\n    static_power: 5 mW\n    area: 0.9 mm2\n"
    sram = "    component: {class: sram, width: 256 bit}\n"

    def memory(lines: str) -> Memory:
        return parse_accelerator(edited((glb, sram + lines))).memories[1]

    plain = memory("")
    area = memory("    area: 2 mm2\n")
    assert area == replace(plain, area_mm2=2.0, source=f"area as the file writes it; {plain.source}")
    both = memory("    energy: 7 pJ/B\n    static_power: 1 mW\n")
    assert (both.read_j_per_byte, both.write_j_per_byte, both.static_w) == (7e-12, 7e-12, 1e-3)
    assert both.area_mm2 == plain.area_mm2
    assert both.source.startswith("static power, energy as the file writes it; CACTI")
    read = memory("    read_energy: 7 pJ/B\n")
    assert (read.read_j_per_byte, read.write_j_per_byte) == (7e-12, plain.write_j_per_byte)
    mac = "    static_power: 1 uW\n    area: 100 um2\n"
    unit = parse_accelerator(edited((mac, "    component: mac\n"))).matrix
    assert [rate.j_per_mac for rate in unit.rates] == [0.2e-12, 1e-12]
    assert unit.area_mm2 > 0
    with pytest.raises(SpecError, match="two sources for one number"):
        memory("    energy: 7 pJ/B\n    read_energy: 7 pJ/B\n")


OWN = (
    "components:\n"
    "  bank: {read_energy: 1.5 pJ/B, write_energy: 2 pJ/B, static_power: 3 mW, area: 0.4 mm2, source: chip}\n"
)
GLB = "    read_energy: 3 pJ/B\n    write_energy: 4 pJ/B\n    static_power: 5 mW\n    area: 0.9 mm2\n"


def test_components_of_the_files_own() -> None:
    text = edited((GLB, "    component: bank\n"))
    memory = parse_accelerator(OWN + text).memories[1]
    assert (memory.read_j_per_byte, memory.write_j_per_byte) == (1.5e-12, 2e-12)
    assert (memory.static_w, memory.area_mm2, memory.source) == (3e-3, 0.4, "bank: chip")
    wider = parse_accelerator(OWN + edited((GLB, "    component: bank\n    area: 1 mm2\n"))).memories[1]
    assert (wider.area_mm2, wider.source) == (1.0, "area as the file writes it; bank: chip")
    lane = OWN + "  lane: {op_energy: 0.4 pJ, area: 0.01 mm2, source: chip}\n"
    vector = "    lanes: 16\n    energy: 0.5 pJ\n    area: 0.1 mm2\n"
    unit = parse_accelerator(lane + edited((vector, "    lanes: 16\n    component: lane\n"))).vector
    assert unit
    assert (unit.j_per_op, unit.area_mm2) == (0.4e-12, pytest.approx(0.16))


@pytest.mark.parametrize(
    ("own", "use", "told"),
    [
        (OWN, "component: bnk", "did you mean 'bank'"),
        (OWN, "component: {class: bank, width: 256 bit}", "has no parameters"),
        (OWN.replace("write_energy: 2 pJ/B, ", ""), "component: bank", "one for read and write"),
        (OWN.replace("read_energy", "energy"), "component: bank", "two sources"),
        (OWN.replace(", source: chip", ""), "component: bank", "missing key 'source'"),
        (OWN.replace("bank", "sram"), "component: sram", "class of the library"),
        (OWN.replace("0.4 mm2", "0.4 mm"), "component: bank", "unit of an area"),
    ],
)
def test_components_of_the_files_own_that_are_none(own: str, use: str, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        parse_accelerator(own + edited((GLB, f"    {use}\n")))


def test_written_examples_of_own_components_load() -> None:
    text = (Path(__file__).parents[2] / "docs" / "hw-yaml.md").read_text()
    start = text.index("    components:\n")
    block = text[start : text.index("    levels:\n", start)]
    assert (
        parse_accelerator(dedent(block) + edited((GLB, "    component: edram_bank\n"))).memories[1].area_mm2
    )


TEMPLATE = """\
template: catransformers
clusters: 4
pe_width: 64
pe_depth: 16
l2_kib: 256
l2_bandwidth: 64 B/cycle
glb_mib: 8
technology:
  node: 16 nm
  dies:
    - name: logic
    - {name: cache, parts: [GLB], count: 2}
  assembly: {kind: stack}
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("parts: [GLB]", "parts: [GBL]", r"hw\.yaml:12 .*GBL does not exist; did you mean 'GLB'"),
        ("parts: [GLB]", "parts: [DRAM]", r"hw\.yaml:12 .*DRAM is not on the chip"),
        ("name: logic", "name: 1a", r"hw\.yaml:11 .*starts with no digit"),
        (
            "name: logic",
            "name: logic\n      harvest: {cores: 4, needed: 5, share: 0.5}",
            r"hw\.yaml:11 .*5 of 4 cores",
        ),
        ("kind: stack", "kind: stack, memory_stacks: 2", r"hw\.yaml:13 .*a stack has no"),
        ("kind: stack", "kind: glue", r"hw\.yaml:13 .*an assembly"),
        ("kind: stack", "kind: substrate, bond: hybrid", r"without effect: on a substrate"),
        ("parts: [GLB], ", "", r"hw\.yaml:8 .*one die must have no parts"),
    ],
)
def test_dies_that_cannot_be_are_told_by_line(old: str, new: str, told: str) -> None:
    assert parse_accelerator(TEMPLATE).technology.dies[1].count == 2
    with pytest.raises(SpecError) as caught:
        parse_accelerator(TEMPLATE.replace(old, new), "hw.yaml")
    assert re.search(told, str(caught.value)), str(caught.value)


def test_static_power_may_stand_beside_a_component_without_one() -> None:
    dram = "    dram: lpddr4\n    bandwidth: 10 GB/s\n    energy: 32 pJ/B\n"
    hbm = "    dram: hbm2\n    bandwidth: 10 GB/s\n    component: dram\n    static_power: 5 W\n"
    assert parse_accelerator(edited((dram, hbm))).memories[0].static_w == 5.0


def test_accumulators_as_narrow_as_factors_are_asked_for() -> None:
    with pytest.raises(SpecError) as caught:
        parse_accelerator(edited(("accumulator: int32", "accumulator: int8")), "hw.yaml")
    assert str(caught.value.loc).startswith("hw.yaml:37 [compute.matrix.rates.int8.accumulator]")
    assert "`truncates: true`" in caught.value.hint
    cut = parse_accelerator(edited(("accumulator: int32", "accumulator: int8, truncates: true"))).matrix
    assert (cut.rates[0].accumulator, cut.rates[0].truncates) == (DType.INT8, True)


def test_wires_give_links_their_energy() -> None:
    short = parse_accelerator(edited(("link_energy: 0.1 pJ/B", "wire: 1 mm"))).fanouts[0]
    long = parse_accelerator(edited(("link_energy: 0.1 pJ/B", "wire: 3 mm"))).fanouts[0]
    assert long.link_j_per_byte == pytest.approx(3 * short.link_j_per_byte)
    assert short.link_j_per_byte > 0


def test_a_wire_across_spans_what_lies_inside() -> None:
    """Side of the whole less side of a part, times 3/4: 32 registers of 10 um2 with units of 100 um2."""
    across = parse_accelerator(edited(("link_energy: 0.1 pJ/B", "wire: across"))).fanouts[0]
    length_mm = 0.75 * (32**0.5 - 1) * 110e-6**0.5
    assert across.link_j_per_byte == pytest.approx(length_mm * 8 * 0.19e-12)
    assert f"{length_mm:.3g} mm across" in across.source
    alone = edited(("size: 8", "size: 1"), ("size: 4", "size: 1"), ("link_energy: 0.1 pJ/B", "wire: across"))
    assert parse_accelerator(alone).fanouts[0].link_j_per_byte == 0


def test_a_wire_across_needs_areas() -> None:
    bare = edited(("area: 10 um2", "area: 0 um2"), ("area: 100 um2", "area: 0 um2"))
    with pytest.raises(SpecError, match="nothing inside array has an area") as caught:
        parse_accelerator(edited(("link_energy: 0.1 pJ/B", "wire: across"), text=bare), "hw.yaml")
    assert caught.value.loc is not None
    assert caught.value.loc.where == "levels[2].wire"
    assert "`1 mm`" in caught.value.hint


@given(outer=st.integers(1, 64), inner=st.integers(1, 64))
def test_ways_across_nested_fanouts_add_up(outer: int, inner: int) -> None:
    nested = spread_mm(inner, 0.01) + spread_mm(outer, inner * 0.01)
    assert nested == pytest.approx(spread_mm(outer * inner, 0.01))


def test_files_load_by_path(tmp_path: Path) -> None:
    path = tmp_path / "hw.yaml"
    path.write_text("\ufeff" + BASE, encoding="utf-8")
    loaded = load_accelerator(path)
    assert loaded == load_accelerator(str(path)) == parse_accelerator(BASE)
    assert loaded.loc.file == str(path)
