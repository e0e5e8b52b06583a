from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.costmodel.carbon import SCENARIOS, embodied_parts, gaps
from catx.costmodel.carbon.gaps import uncertain
from catx.frontend.hardware import load_accelerator
from catx.ir.accelerator import Accelerator, MacRate, MatrixUnit, Memory, Technology, VectorUnit
from catx.ir.dtype import DType

RATE = MacRate(dtype=DType.INT8, macs_per_cycle=1, j_per_mac=1e-12, accumulator=DType.INT32)


def machine(
    *,
    dram: str = "lpddr4",
    gb: float = 1,
    buffer: float = 1,
    register: float = 1,
    mac: float = 1,
    lane: float = 1,
    standby_w: float = 1,
    leak_w: float = 1,
) -> Accelerator:
    return Accelerator(
        name="chip",
        levels=(
            Memory(name="DRAM", dram_type=dram, static_w=standby_w),
            Memory(name="Buffer", area_mm2=buffer, static_w=leak_w),
            Memory(name="Register", area_mm2=register, static_w=leak_w),
        ),
        matrix=MatrixUnit(name="MAC", rates=(RATE,), area_mm2=mac, static_w=leak_w),
        vector=VectorUnit(name="Lanes", memory="Buffer", lanes=1, area_mm2=lane, static_w=leak_w),
        clock_hz=1e9,
        technology=Technology(node_nm=22, dram_gb=gb),
    )


def test_a_complete_machine_has_none() -> None:
    assert gaps(machine()) == ()


def test_one_level_without_area() -> None:
    assert gaps(machine(buffer=0)) == ("Buffer has no area: embodied carbon leaves it out",)


def test_several_parts_without_area_share_a_sentence() -> None:
    assert gaps(machine(buffer=0, register=0, mac=0, lane=0)) == (
        "Buffer, Register, MAC, Lanes have no area: embodied carbon leaves them out",
    )


def test_parts_may_be_within_the_rest_of_the_die() -> None:
    assert gaps(replace(machine(buffer=0, mac=0), other_area_mm2=700)) == (
        "Buffer, MAC have no area of their own: embodied carbon counts them only as part of the die's other "
        "700 mm2",
    )
    assert "Buffer has no area of its own: embodied carbon counts it only" in str(
        gaps(replace(machine(buffer=0), other_area_mm2=700))
    )


def test_dram_without_capacity() -> None:
    assert gaps(machine(gb=0)) == (
        "DRAM is lpddr4 of no stated capacity (`dram` of `technology`): embodied carbon leaves it out",
    )


def test_an_outermost_memory_that_is_nothing() -> None:
    assert gaps(machine(dram="", gb=0)) == (
        "DRAM has neither a DRAM type nor an area: embodied carbon leaves it out",
    )


def test_static_power_that_is_not_known() -> None:
    assert gaps(machine(standby_w=0)) == (
        "not known and counted as 0: standby power of DRAM. Energy and carbon leave them out",
    )
    chip = machine(standby_w=0, leak_w=0)
    assert gaps(chip) == (
        "not known and counted as 0: standby power of DRAM; leakage of Buffer, Register, MAC, Lanes. "
        "Energy and carbon leave them out",
    )
    leaky = replace(chip, matrix=replace(chip.matrix, static_w=1))
    assert "leakage of Buffer, Register, Lanes." in str(gaps(leaky))


def test_static_power_of_the_board_may_cover_the_die() -> None:
    (note,) = gaps(machine(standby_w=54, leak_w=0))
    assert note.endswith(
        "leakage of Buffer, Register, MAC, Lanes. Energy and carbon leave them out beyond the 54 W of DRAM"
    )
    chip = machine(standby_w=54, leak_w=0)
    assert "beyond" not in str(gaps(replace(chip, matrix=replace(chip.matrix, static_w=1))))


def test_built_in_machines() -> None:
    assert gaps(load_accelerator("edge4")) == (
        "GlobalBuffer, LocalBuffer, Register, MAC have no area: embodied carbon leaves them out",
        "DRAM is lpddr4 of no stated capacity (`dram` of `technology`): embodied carbon leaves it out",
        "not known and counted as 0: standby power of DRAM; leakage of GlobalBuffer, LocalBuffer, Register, "
        "MAC, VectorUnit. Energy and carbon leave them out",
    )
    assert "L2, L1, Registers have no area of their own" in str(gaps(load_accelerator("a100_like")))
    for name in ("edge", "eyeriss_like", "simba_like", "tpuv4i_like"):
        (note,) = gaps(load_accelerator(name))
        assert note.startswith("not known and counted as 0: ")
        assert "standby" not in note
        assert load_accelerator(name).matrix.name in note


areas = st.sampled_from([0.0, 0.5, 3.0])


@given(buffer=areas, register=areas, mac=areas, lane=areas, gb=areas)
def test_a_part_is_named_exactly_when_it_adds_nothing(
    buffer: float, register: float, mac: float, lane: float, gb: float
) -> None:
    given_areas = {"Buffer": buffer, "Register": register, "MAC": mac, "Lanes": lane}
    chip = machine(buffer=buffer, register=register, mac=mac, lane=lane, gb=gb)
    text = " ".join(gaps(chip))
    for name, area in given_areas.items():
        assert (name in text) == (area == 0)
    parts = dict(embodied_parts(chip, SCENARIOS["edge-default"]))
    assert ("no stated capacity" in text) == (parts["dram"] == 0)


@pytest.mark.parametrize(
    ("node_nm", "noted"), [(22, 0), (28, 0), (30, 1), (32, 1), (44, 1), (45, 0), (50, 0)]
)
def test_a_node_between_sources_that_do_not_agree_is_noted(node_nm: float, noted: int) -> None:
    notes = uncertain(replace(machine(), technology=Technology(node_nm=node_nm, dram_gb=1)))
    assert len(notes) == noted
    assert all(f"UNCERTAIN: at {node_nm} nm" in note for note in notes)
