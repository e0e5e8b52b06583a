"""Loops that a mapping refuses."""

from typing import Any

import numpy as np
import pytest

from catx.errors import MappingError
from catx.ir.mapping import Loop, Mapping, Store


@pytest.mark.parametrize("tile", [0, -4, 2.0, True, None, "4"])
def test_tiles_are_whole_numbers_above_zero(tile: Any) -> None:
    with pytest.raises(MappingError, match=f"loop over m: tile must be a whole number above 0, not {tile!r}"):
        Loop("m", tile)


def test_spatial_loops_name_fanout_and_axis() -> None:
    for place in ({"fanout": "array"}, {"axis": "row"}):
        with pytest.raises(MappingError, match="loop over m: it names fanout") as caught:
            Loop("m", 4, **place)
        assert "both" in caught.value.hint
    assert Loop("m", 4, "array", "row").spatial
    assert not Loop("m", int(np.int64(4))).spatial


def test_a_tensor_is_stored_once_in_a_memory() -> None:
    with pytest.raises(MappingError, match="GLB stores the input already"):
        Mapping((Store("GLB", "input"), Loop("m", 1), Store("GLB", "input")))


@pytest.mark.parametrize("role", ["foo", "", None, 3])
def test_stores_name_one_of_the_three_operands(role: Any) -> None:
    with pytest.raises(MappingError, match=f"store in DRAM: .* input, weight, output, not {role!r}"):
        Store("DRAM", role)


def test_a_mapping_has_nodes() -> None:
    with pytest.raises(MappingError, match="a mapping without nodes"):
        Mapping(())
