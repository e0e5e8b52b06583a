"""Names that an accelerator refuses."""

import pytest

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
