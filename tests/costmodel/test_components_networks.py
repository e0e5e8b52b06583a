"""FIFOs, networks and special functions against counting by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.costmodel.components import resolve
from catx.costmodel.components.noc import mean_hops
from catx.costmodel.vector_table import VECTOR_TABLE
from catx.errors import SpecError


def test_a_fifo_is_its_words_and_two_counters() -> None:
    found = resolve("fifo", node_nm=40, capacity_bytes=64, width_bits=64)
    # 8 words: counters of 3 bits and one; at 40 nm 9 fJ and 5.98 um2 per flip-flop
    assert found.write_j_per_byte * 8 == pytest.approx((64 + 4) * 9e-15)
    assert found.read_j_per_byte == found.write_j_per_byte
    assert found.area_mm2 == pytest.approx((512 + 8) * 5.98e-6)
    assert found.port_bytes_per_cycle == 16


@pytest.mark.parametrize(
    ("capacity_bytes", "message"), [(8, "holds 1 words"), (2048, "too large for flip-flops"), (0, "above 0")]
)
def test_fifos_that_cannot_be(capacity_bytes: float, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        resolve("fifo", node_nm=22, capacity_bytes=capacity_bytes, width_bits=64)


def test_meshes_that_cannot_be_name_what_is_wrong() -> None:
    mesh = {"node_nm": 22, "parts": 4, "part_mm2": 1.0}
    for flit_bits, depth, message in (
        (64, 1, "depth 2 or more"),
        (-64, 4, "flit_bits must be above 0"),
        (512, 1024, "lower the depth"),
    ):
        with pytest.raises(SpecError) as caught:
            resolve("noc", flit_bits=flit_bits, depth=depth, **mesh)
        assert message in f"{caught.value}"
    with pytest.raises(SpecError, match="no whole number"):
        resolve("fifo", node_nm=22, capacity_bytes=10, width_bits=32)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 8, 15, 16])
def test_routers_on_the_way_are_those_of_a_mesh(side: int) -> None:
    """Counted over all parts of a mesh that is entered at the two middle columns of one side."""
    entries = [(side - 1) // 2, side // 2]
    ways = [
        row + min(abs(column - entry) for entry in entries) + 1
        for row in range(side)
        for column in range(side)
    ]
    assert mean_hops(side * side) == pytest.approx(sum(ways) / len(ways))


@given(parts=st.integers(1, 4096), part_mm2=st.floats(1e-3, 10), depth=st.integers(2, 8))
def test_a_mesh_costs_its_wires_and_its_fifos(parts: int, part_mm2: float, depth: int) -> None:
    mesh = resolve("noc", node_nm=22, parts=parts, part_mm2=part_mm2, flit_bits=64, depth=depth)
    buffer = resolve("fifo", node_nm=22, capacity_bytes=8 * depth, width_bits=64)
    bus = resolve("noc", node_nm=22, parts=parts, part_mm2=part_mm2 + 5 * buffer.area_mm2)
    routers_j = mean_hops(parts) * (buffer.read_j_per_byte + buffer.write_j_per_byte)
    assert mesh.write_j_per_byte == pytest.approx(bus.write_j_per_byte + routers_j)
    assert mesh.area_mm2 == pytest.approx(5 * parts * buffer.area_mm2)
    assert bus.area_mm2 == 0


def test_half_a_mesh_is_refused() -> None:
    with pytest.raises(SpecError, match="both flit_bits and depth"):
        resolve("noc", node_nm=22, parts=4, part_mm2=1.0, depth=2)


def test_special_functions_are_multiples_of_a_lane() -> None:
    lane = resolve("vector_lane", node_nm=22, dtype="fp16")
    for function, times in (("add", 1), ("exp", 5), ("gelu", 22)):
        found = resolve("special_function", node_nm=22, function=function, dtype="fp16")
        assert found.j_per_op == pytest.approx(times * lane.j_per_op)
        assert found.area_mm2 == lane.area_mm2
        assert VECTOR_TABLE[function].element.energy_ops == times
    for function, message in (("softmax", "works on rows"), ("ex", "unknown function"), ("join", "unknown")):
        with pytest.raises(SpecError, match=message):
            resolve("special_function", node_nm=22, function=function, dtype="fp16")
