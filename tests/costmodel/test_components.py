import doctest
import time
from itertools import pairwise
from math import exp, isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.costmodel.carbon.tables import tables
from catx.costmodel.components import COMPONENTS, ComponentNumbers, parameters, registry, resolve, sram
from catx.costmodel.components import technology as tech
from catx.costmodel.components.dram import DRAM_TYPES
from catx.costmodel.components.lookup import log_interpolate
from catx.costmodel.components.wire import spread_mm
from catx.errors import SpecError
from catx.frontend.hardware import parse_accelerator
from tests.frontend.hardware_text import edited

CAPACITY = st.integers(2**13, 2**24)
WIDTH = st.integers(64, 1024)
NODE = st.floats(7, 90)
DTYPES = ("int1", "int2", "int4", "int8", "int16", "int32", "fp8", "bf16", "fp16", "fp32", "fp64")


def numbers_of(component_class: str, node_nm: float) -> ComponentNumbers:
    params: dict[str, dict[str, float | int | str]] = {
        "sram": {"capacity_bytes": 2**16, "width_bits": 128},
        "regfile": {"capacity_bytes": 64},
        "register": {"capacity_bytes": 4},
        "mac": {"dtype": "int8", "accumulator": "int32"},
        "vector_lane": {"dtype": "fp16"},
        "dram": {"type": "lpddr4", "capacity_gb": 1},
        "wire": {"length_mm": 2},
        "fifo": {"capacity_bytes": 64, "width_bits": 64},
        "noc": {"parts": 16, "part_mm2": 0.1, "flit_bits": 64, "depth": 4},
        "special_function": {"function": "exp", "dtype": "fp16"},
    }
    return resolve(component_class, node_nm=node_nm, **params[component_class])


@pytest.mark.parametrize("component_class", sorted(COMPONENTS))
@pytest.mark.parametrize("node_nm", [7, 16, 22, 45, 65])
def test_every_class_has_positive_numbers_and_a_source(component_class: str, node_nm: float) -> None:
    found = numbers_of(component_class, node_nm)
    energies = (found.read_j_per_byte, found.write_j_per_byte, found.j_per_op)
    assert any(value > 0 for value in energies)
    assert min(*energies, found.static_w, found.area_mm2) >= 0
    assert found.source


def test_sram_is_the_cacti_table_at_its_points() -> None:
    # rows of the table: 22 nm LSTP, 128-bit words; where CACTI's area jumps, smoothing moves it
    for capacity, area, read in ((2**12, 0.0039, 1.59), (2**16, 0.0543, 8.97), (2**24, 11.9, 145)):
        found = resolve("sram", node_nm=22, capacity_bytes=capacity, width_bits=128)
        assert found.area_mm2 == pytest.approx(area, rel=0.2)
        assert found.read_j_per_byte == pytest.approx(read * 1e-12 / 16, rel=0.01)
    at_65 = resolve("sram", node_nm=65, capacity_bytes=2**20, width_bits=128)
    assert at_65.read_j_per_byte * 16 == pytest.approx(284e-12, rel=0.01)
    assert resolve("sram", node_nm=22, capacity_bytes=2**20, width_bits=128, cell="hp").static_w > 0.05


def test_access_times_are_cactis_and_told_where_they_exceed_a_cycle() -> None:
    for capacity, nanoseconds in ((2**15, 0.847), (2**20, 2.493), (2**22, 4.308)):
        found = resolve("sram", node_nm=22, capacity_bytes=capacity, width_bits=128)
        assert found.access_s == pytest.approx(nanoseconds * 1e-9, rel=0.05)
    assert "access time kept" in resolve("sram", node_nm=7, capacity_bytes=2**15, width_bits=128).source
    numbers = "    read_energy: 3 pJ/B\n    write_energy: 4 pJ/B\n    static_power: 5 mW\n    area: 0.9 mm2\n"
    text = edited((numbers, "    component: sram\n"))
    assert "2.53 ns, 1.27 cycles" in parse_accelerator(text).memories[1].source
    split = edited((numbers, "    component: {class: sram, macros: 32}\n"))
    assert "pipelined" not in parse_accelerator(split).memories[1].source


def test_two_ports_and_banks() -> None:
    one = resolve("sram", node_nm=45, capacity_bytes=2**18, width_bits=128)
    two = resolve("sram", node_nm=45, capacity_bytes=2**18, width_bits=128, ports=2)
    four = resolve("sram", node_nm=22, capacity_bytes=2**20, width_bits=128, banks=4)
    assert 1.3 < two.area_mm2 / one.area_mm2 < 3
    assert "CACTI's ratio at 22 nm" in two.source
    assert "ratio" not in four.source


@given(capacity=CAPACITY, more=CAPACITY, width=WIDTH, wider=WIDTH, node=NODE, ports=st.sampled_from([1, 2]))
def test_sram_is_monotone_in_capacity_and_width(
    capacity: int, more: int, width: int, wider: int, node: float, ports: int
) -> None:
    small = resolve("sram", node_nm=node, capacity_bytes=capacity, width_bits=width, ports=ports)
    large = resolve(
        "sram",
        node_nm=node,
        capacity_bytes=max(capacity, more),
        width_bits=max(width, wider),
        ports=ports,
    )
    slack = 1 + 1e-9
    assert small.area_mm2 <= large.area_mm2 * slack
    assert small.static_w <= large.static_w * slack
    for name in ("read_j_per_byte", "write_j_per_byte"):
        per_word = getattr(small, name) * width, getattr(large, name) * max(width, wider)
        assert per_word[0] <= per_word[1] * slack


def test_smoothing_keeps_what_is_monotone_and_stays_near_cacti() -> None:
    rising = np.log(np.arange(1.0, 13.0).reshape(1, 3, 4))
    assert np.array_equal(sram.monotone(rising), rising)
    for grid in sram._table().grids.values():
        moved = np.abs(sram.monotone(grid) - grid)
        assert exp(float(np.nanmax(moved))) < 1.25
        assert np.array_equal(np.isnan(moved), np.isnan(grid))


def test_table_loads_fast() -> None:
    times = []
    for _ in range(5):
        sram._table.cache_clear()
        begin = time.perf_counter()
        sram._table()
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.05


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"capacity_bytes": 2**25, "width_bits": 64}, "16777216 bytes"),
        ({"capacity_bytes": 10, "width_bits": 64}, "1024..16777216"),
        ({"capacity_bytes": 2**16, "width_bits": 2048}, "16..1024 bits"),
        ({"capacity_bytes": 1024, "width_bits": 1024}, "wider words need more capacity"),
        ({"capacity_bytes": 2**16, "width_bits": 16, "ports": 2}, "least width is 64"),
        ({"capacity_bytes": 2**16, "width_bits": 64, "ports": 3}, "2 port(s) with 1 bank(s)"),
        ({"capacity_bytes": 2**16, "width_bits": 64, "cell": "lstq"}, "did you mean 'lstp'"),
        ({"capacity_bytes": float("nan"), "width_bits": 64}, "finite number above 0"),
        ({"capacity_bytes": 2**16, "width_bits": -1}, "finite number above 0"),
        ({"capacity_bytes": 2**16}, "needs width_bits"),
        ({"capacity_bytes": 2**16, "widht_bits": 64}, "did you mean 'width_bits'"),
    ],
)
def test_sram_outside_the_table_says_the_range(params: dict[str, float], message: str) -> None:
    with pytest.raises(SpecError) as error:
        resolve("sram", node_nm=22, **params)
    assert message in str(error.value)


@pytest.mark.parametrize("node_nm", [6.9, 91, 0, -22, float("nan"), float("inf")])
@pytest.mark.parametrize("component_class", sorted(set(COMPONENTS) - {"dram"}))
def test_nodes_outside_are_refused(component_class: str, node_nm: float) -> None:
    with pytest.raises(SpecError, match=r"7\.\.90"):
        numbers_of(component_class, node_nm)


def test_unknown_class_and_type() -> None:
    with pytest.raises(SpecError, match="did you mean 'sram'"):
        resolve("srm", node_nm=22)
    with pytest.raises(SpecError, match="lpddr4"):
        resolve("dram", node_nm=22, type="lpddr")
    with pytest.raises(SpecError, match="fp16"):
        resolve("mac", node_nm=22, dtype="fp17", accumulator="fp32")
    with pytest.raises(SpecError, match="int1"):
        resolve("mac", node_nm=22, dtype="bool", accumulator="int32")
    with pytest.raises(SpecError, match="use class sram"):
        resolve("regfile", node_nm=22, capacity_bytes=4096)


def test_stillmaker_equation_is_the_authors_worked_example() -> None:
    # errata page of the paper: EF(32 nm HP, 0.9 V) = 0.4571, EF(65 nm bulk, 1.3 V) = 2.604, ratio 0.1755
    assert tech.energy_factor(32, 0.9) == pytest.approx(0.4571, abs=5e-5)
    assert tech.energy_factor(65, 1.3) == pytest.approx(2.604, abs=5e-4)
    assert tech.energy_factor(32, 0.9) / tech.energy_factor(65, 1.3) == pytest.approx(0.1755, abs=1e-4)


def test_area_factors_are_the_papers_matrix() -> None:
    # printed entries, two digits: 45 -> 22 lies between 0.46 and 0.21; 45 -> 7 is 0.059; 20 -> 16 is 0.89
    assert tech.area_scale(45, 7) == pytest.approx(0.059, abs=5e-4)
    assert tech.area_scale(20, 16) == pytest.approx(0.89, abs=5e-3)
    assert tech.area_scale(45, 22) == pytest.approx(0.249, abs=4e-3)


@given(a=NODE, b=NODE)
def test_smaller_nodes_cost_less(a: float, b: float) -> None:
    small, large = sorted((a, b))
    assert tech.energy_scale(large, small) <= 1 + 1e-12
    assert tech.area_scale(large, small) <= 1 + 1e-12
    assert isclose(tech.energy_scale(a, b) * tech.energy_scale(b, a), 1)


@given(a=NODE, b=NODE, dtype=st.sampled_from(DTYPES), accumulator=st.sampled_from(("int32", "fp32")))
def test_mac_costs_less_at_smaller_nodes(a: float, b: float, dtype: str, accumulator: str) -> None:
    small, large = (
        resolve("mac", node_nm=node, dtype=dtype, accumulator=accumulator) for node in sorted((a, b))
    )
    assert small.j_per_op <= large.j_per_op * (1 + 1e-9)
    assert small.area_mm2 <= large.area_mm2 * (1 + 1e-9)


def test_mac_is_the_published_points() -> None:
    def mac_pj(node_nm: float, dtype: str, accumulator: str) -> float:
        return resolve("mac", node_nm=node_nm, dtype=dtype, accumulator=accumulator).j_per_op * 1e12

    assert mac_pj(45, "int8", "int8") == pytest.approx(0.23)
    assert mac_pj(45, "fp16", "fp32") == pytest.approx(1.1 + 0.9)
    assert mac_pj(7, "bf16", "fp32") == pytest.approx(0.21 + 0.38)
    assert mac_pj(7, "int32", "int32") == pytest.approx(1.48 + 0.03)
    assert 0.10 < mac_pj(22, "int8", "int32") < 0.20
    area_um2 = resolve("mac", node_nm=22, dtype="int8", accumulator="int32").area_mm2 * 1e6
    assert 80 < area_um2 < 105


def test_wider_types_cost_more() -> None:
    for family in (("int1", "int2", "int4", "int8", "int16", "int32"), ("fp8", "fp16", "fp32", "fp64")):
        costs = [resolve("mac", node_nm=22, dtype=dtype, accumulator="fp32") for dtype in family]
        assert all(a.j_per_op < b.j_per_op for a, b in pairwise(costs))
        assert all(a.area_mm2 < b.area_mm2 for a, b in pairwise(costs))


def test_sources_say_how_far_numbers_were_taken() -> None:
    assert "scaled 22 -> 7 nm" in resolve("sram", node_nm=7, capacity_bytes=2**16, width_bits=64).source
    assert "22 and 28 nm" in resolve("sram", node_nm=25, capacity_bytes=2**16, width_bits=64).source
    int4 = resolve("mac", node_nm=22, dtype="int4", accumulator="int32")
    assert "int4 extrapolated in width from int8 and int32" in int4.source
    int16 = resolve("mac", node_nm=22, dtype="int16", accumulator="int32")
    assert "int16 interpolated" in int16.source
    assert "ESTIMATE" in resolve("dram", node_nm=22, type="hbm3", capacity_gb=8).source


def test_dram() -> None:
    lpddr4 = resolve("dram", node_nm=22, type="lpddr4", capacity_gb=2)
    assert lpddr4.read_j_per_byte == lpddr4.write_j_per_byte == pytest.approx(64e-12)
    assert lpddr4.static_w == pytest.approx(2 * 0.0505 / 1.073741824)
    assert resolve("dram", node_nm=7, type="hbm2").static_w == 0
    assert resolve("dram", node_nm=7, type="hbm2", capacity_gb=8).static_w == pytest.approx(
        16 * 55e-3 * 1.2 / 1.073741824
    )
    with pytest.raises(SpecError, match="0 or more"):
        resolve("dram", node_nm=22, type="lpddr4", capacity_gb=-1)


def test_generations_of_dram_move_bits_for_less_and_all_of_them_draw_power() -> None:
    for family in (("lpddr4", "lpddr4x", "lpddr5"), ("ddr3", "ddr4", "ddr5")):
        for older, newer in pairwise(family):
            assert DRAM_TYPES[newer].pj_per_bit < DRAM_TYPES[older].pj_per_bit
            assert DRAM_TYPES[newer].standby_w_per_gb < DRAM_TYPES[older].standby_w_per_gb
    assert set(DRAM_TYPES) <= set(tables().dram)


def test_wire_grows_with_length() -> None:
    short, long = (resolve("wire", node_nm=22, length_mm=length) for length in (1, 3))
    assert short.write_j_per_byte == pytest.approx(8 * 0.19e-12)
    assert long.write_j_per_byte == pytest.approx(3 * short.write_j_per_byte)
    old, older = (resolve("wire", node_nm=node, length_mm=1) for node in (65, 90))
    assert old.write_j_per_byte == older.write_j_per_byte == pytest.approx(8 * 0.5e-12)


def test_the_way_to_a_point_of_a_square_is_three_quarters_of_its_side() -> None:
    """Mean Manhattan distance from the middle of a side, by counting."""
    steps = [(i + 0.5) / 200 for i in range(200)]
    counted = sum(abs(x - 0.5) + y for x in steps for y in steps) / len(steps) ** 2
    assert spread_mm(10**8, 1e-8) == pytest.approx(counted, rel=1e-3)
    assert spread_mm(1, 5.0) == 0


@given(macros=st.integers(1, 64), node=NODE)
def test_macros_side_by_side_pay_the_way_between_them(macros: int, node: float) -> None:
    size = {"node_nm": node, "width_bits": 512}
    one = resolve("sram", capacity_bytes=2**15, **size)
    many = resolve("sram", capacity_bytes=macros * 2**15, macros=macros, **size)
    assert many.area_mm2 == pytest.approx(macros * one.area_mm2)
    assert many.static_w == pytest.approx(macros * one.static_w)
    way_j = 0.0
    if macros > 1:
        length_mm = spread_mm(macros, one.area_mm2)
        way_j = resolve("wire", node_nm=node, length_mm=length_mm).write_j_per_byte
        assert f"{macros} macros" in many.source
    assert many.read_j_per_byte - one.read_j_per_byte == pytest.approx(way_j, abs=1e-20)
    assert many.write_j_per_byte - one.write_j_per_byte == pytest.approx(way_j, abs=1e-20)


@given(
    points=st.lists(st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)), min_size=2, max_size=5),
    share=st.floats(0, 1),
)
def test_interpolation_stays_between_neighbours(points: list[tuple[float, float]], share: float) -> None:
    table = sorted({round(x, 3): y for x, y in points}.items())
    if len(table) < 2:
        return
    x = table[0][0] + share * (table[-1][0] - table[0][0])
    value = log_interpolate(table, min(max(x, table[0][0]), table[-1][0]))
    assert min(y for _, y in table) * (1 - 1e-9) <= value <= max(y for _, y in table) * (1 + 1e-9)


def test_parameters_lists_what_a_class_takes() -> None:
    assert parameters("sram")["capacity_bytes"]
    assert not parameters("sram")["ports"]


def test_docstring_example() -> None:
    assert doctest.testmod(registry).failed == 0
