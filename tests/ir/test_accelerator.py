"""What an accelerator, its parts and a scenario refuse."""

from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest

from catx.costmodel.carbon.scenarios import EDGE_DEFAULT
from catx.errors import SpecError
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

RATE = MacRate(dtype=DType.INT8, macs_per_cycle=1, j_per_mac=1e-12, accumulator=DType.INT32)


def machine(
    *, outer: str = "DRAM", fanout: str = "array", matrix: str = "MAC", vector: str = "lanes"
) -> Accelerator:
    return Accelerator(
        name="chip",
        levels=(Memory(name=outer), Fanout(name=fanout, axes=(FanoutAxis(name="x", size=2),))),
        matrix=MatrixUnit(name=matrix, rates=(RATE,)),
        vector=VectorUnit(name=vector, memory=outer, lanes=1),
        clock_hz=1e9,
        technology=Technology(node_nm=22),
    )


@pytest.mark.parametrize("name", ["compute", "vector", "other"])
def test_levels_do_not_take_words_of_reports(name: str) -> None:
    for place in ("outer", "fanout"):
        with pytest.raises(SpecError, match=f"names that reports use for other things: {name}"):
            machine(**{place: name})


def test_units_do_not_take_the_rest_of_the_die() -> None:
    for place in ("matrix", "vector"):
        with pytest.raises(SpecError, match="names that reports use for other things: other"):
            machine(**{place: "other"})


def test_units_may_be_called_what_they_are() -> None:
    chip = machine(matrix="compute", vector="vector")
    assert (chip.matrix.name, chip.vector and chip.vector.name) == ("compute", "vector")


def test_a_name_stands_once() -> None:
    with pytest.raises(SpecError, match="names used twice: array"):
        machine(fanout="array", matrix="array")


MEMORY, AXIS = Memory(name="GLB"), FanoutAxis(name="x", size=2)
FANOUT = Fanout(name="array", axes=(AXIS,))
UNIT = MatrixUnit(name="MAC", rates=(RATE,))
LANES = VectorUnit(name="lanes", memory="DRAM", lanes=4)
PARTS: dict[str, Any] = {
    "memory": MEMORY,
    "axis": AXIS,
    "fanout": FANOUT,
    "rate": RATE,
    "unit": UNIT,
    "lanes": LANES,
    "technology": Technology(node_nm=22),
    "chip": machine(),
    "scenario": EDGE_DEFAULT,
}

POSITIVE = [
    ("scenario", "inferences"),
    ("memory", "capacity_bytes"),
    ("memory", "read_bytes_per_cycle"),
    ("memory", "write_bytes_per_cycle"),
    ("axis", "size"),
    ("fanout", "link_bytes_per_cycle"),
    ("rate", "macs_per_cycle"),
    ("lanes", "lanes"),
    ("technology", "node_nm"),
    ("chip", "clock_hz"),
    ("scenario", "lifetime_years"),
    ("scenario", "fab_yield"),
]
AMOUNTS = [
    ("memory", "read_j_per_byte"),
    ("memory", "write_j_per_byte"),
    ("memory", "static_w"),
    ("memory", "area_mm2"),
    ("fanout", "link_j_per_byte"),
    ("fanout", "area_mm2"),
    ("rate", "j_per_mac"),
    ("unit", "pipeline_cycles"),
    ("unit", "static_w"),
    ("unit", "area_mm2"),
    ("lanes", "j_per_op"),
    ("lanes", "static_w"),
    ("lanes", "area_mm2"),
    ("technology", "dram_gb"),
    ("chip", "launch_s"),
    ("chip", "other_area_mm2"),
    ("scenario", "grid_gco2e_per_kwh"),
    ("scenario", "fab_gco2e_per_kwh"),
    ("scenario", "abatement_percent"),
    ("scenario", "packaging_gco2e"),
]
UNLIMITED = {"capacity_bytes", "read_bytes_per_cycle", "write_bytes_per_cycle", "link_bytes_per_cycle"}


@pytest.mark.parametrize(("part", "field"), POSITIVE + AMOUNTS)
@pytest.mark.parametrize("value", [-1, 0, nan, inf, -inf, "8", None, True])
def test_numbers_that_mean_nothing_are_refused(part: str, field: str, value: Any) -> None:
    fine = (value == 0 and (part, field) in AMOUNTS) or (value == inf and field in UNLIMITED)
    if fine and value is not True:
        replace(PARTS[part], **{field: value})
        return
    with pytest.raises(SpecError) as caught:
        replace(PARTS[part], **{field: value})
    assert field in str(caught.value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("part", ["memory", "axis", "fanout", "unit", "lanes", "chip", "scenario"])
@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_everything_has_a_name(part: str, name: Any) -> None:
    with pytest.raises(SpecError, match="name of a"):
        replace(PARTS[part], name=name)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("memory", {"keeps": frozenset({"bias"})}, r"memory GLB: keeps has unknown entries \['bias'\]"),
        (
            "memory",
            {"keeps": frozenset({"input"}), "optional": frozenset({"weight"})},
            "among those it keeps",
        ),
        ("memory", {"dram_type": "lpddr4", "area_mm2": 1.0}, "area_mm2 must be 0 for DRAM"),
        ("axis", {"multicast": frozenset({"bias"})}, "axis x: multicast has unknown entries"),
        ("scenario", {"inferences": 1.5}, "inferences must be a whole number above 0, not 1.5"),
        ("axis", {"size": 2.5}, "size must be a whole number above 0, not 2.5"),
        ("fanout", {"axes": ()}, "one or more of different names"),
        ("fanout", {"axes": (AXIS, AXIS)}, "one or more of different names"),
        ("unit", {"rates": ()}, "one or more of different types"),
        ("unit", {"rates": (RATE, RATE)}, "one or more of different types"),
        ("rate", {"dtype": "int8"}, "dtype must be a DType"),
        ("lanes", {"lanes": 1.5}, "lanes must be a whole number above 0, not 1.5"),
        ("chip", {"precision": DType.FP16}, "precision is fp16, but MAC computes only int8"),
        ("chip", {"precision": DType.INT16}, "precision is int16, but MAC computes only int8"),
        ("chip", {"levels": ()}, "the outermost level must be a memory"),
        ("scenario", {"fab_yield": 1.5}, "fab_yield must be at most 1, not 1.5"),
        ("scenario", {"abatement_percent": 101}, "abatement_percent must be at most 100, not 101"),
    ],
)
def test_what_does_not_fit_is_refused(part: str, change: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(PARTS[part], **change)


def test_a_narrower_precision_runs_at_a_wider_rate() -> None:
    assert replace(machine(), precision=DType.INT4).precision is DType.INT4


@pytest.mark.parametrize("dtype", list(DType))
@pytest.mark.parametrize("total", list(DType))
def test_accumulators_hold_what_they_add_up(dtype: DType, total: DType) -> None:
    """Integers need twice their factors' bits as far as there are types, floats their factors' own."""
    same_kind = total.is_float or not dtype.is_float
    for truncates in (False, True):
        exact = not truncates and not dtype.is_float
        wide = total.bits >= (min(64, 2 * dtype.bits) if exact else dtype.bits)
        change = {"dtype": dtype, "accumulator": total, "truncates": truncates}
        if same_kind and wide and total is not DType.BOOL:
            assert replace(RATE, **change).accumulator is total
        else:
            with pytest.raises(SpecError, match=f"accumulator {total}"):
                replace(RATE, **change)
