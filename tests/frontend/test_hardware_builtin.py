"""Built-in machines: published facts, sources, and the exact machine that other tools were run on."""

from dataclasses import replace
from math import inf

import pytest

from catx.frontend.hardware import (
    DEFAULT,
    accelerator_text,
    builtin_accelerators,
    dump_accelerator,
    load_accelerator,
    parse_accelerator,
)
from catx.ir.accelerator import Memory
from catx.ir.dtype import DType
from catx.ir.einsum import ROLES

NAMES = [name for name, _, _ in builtin_accelerators()]
EVERYTHING = frozenset(ROLES)


def test_what_is_built_in() -> None:
    assert NAMES[0] == DEFAULT == "edge"
    assert {
        "edge",
        "edge4",
        "eyeriss_like",
        "simba_like",
        "tpuv4i_like",
        "a100_like",
        "catransformers",
    } <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_loads_names_its_source_and_reads_back(name: str) -> None:
    machine = load_accelerator(name)
    (listed,) = [entry for entry in builtin_accelerators() if entry[0] == name]
    assert listed == (machine.name, machine.description, machine.source)
    assert machine.name == name
    assert machine.description
    assert machine.source
    assert "built in" in machine.loc.file
    assert parse_accelerator(accelerator_text(name)) == machine
    assert parse_accelerator(dump_accelerator(machine)) == machine
    assert dump_accelerator(parse_accelerator(dump_accelerator(machine))) == dump_accelerator(machine)


@pytest.mark.parametrize("name", NAMES)
def test_each_can_run_a_matrix_product_and_a_vector_op(name: str) -> None:
    machine = load_accelerator(name)
    assert machine.vector is not None
    assert all(rate.j_per_mac > 0 for rate in machine.matrix.rates)
    for role in ROLES:
        assert role in machine.memories[0].keeps
    for memory in machine.memories:
        assert memory.read_j_per_byte > 0
        assert memory.write_j_per_byte > 0
        least = len(memory.keeps - memory.optional) * (2 if memory.double_buffered else 1)
        assert memory.capacity_bytes >= least


@pytest.mark.parametrize(
    ("name", "dtype", "tops", "clock_hz", "node_nm", "dram_gb_per_s", "die_mm2"),
    [
        ("edge", DType.INT8, 5.12, 625e6, 22, 80, None),
        ("catransformers", DType.INT8, 5.12, 625e6, 22, 80, 8.757597732992),
        ("eyeriss_like", DType.INT16, 0.0672, 200e6, 65, 0.72, 16),
        ("simba_like", DType.INT8, 4.01, 1958e6, 16, 25.6, 6),
        ("tpuv4i_like", DType.BF16, 137.6, 1.05e9, 7, 614, 400),
        ("a100_like", DType.FP16, 312, 1.41e9, 7, 1800, 826),
    ],
)
def test_published_facts(
    name: str,
    dtype: DType,
    tops: float,
    clock_hz: float,
    node_nm: float,
    dram_gb_per_s: float,
    die_mm2: float | None,
) -> None:
    machine = load_accelerator(name)
    assert machine.clock_hz == clock_hz
    assert machine.technology.node_nm == node_nm
    assert 2e-12 * machine.peak_macs_per_cycle[dtype] * clock_hz == pytest.approx(tops, rel=1e-3)
    assert machine.memories[0].read_bytes_per_cycle * clock_hz == pytest.approx(dram_gb_per_s * 1e9)
    if die_mm2 is not None:
        assert machine.die_area_mm2 == pytest.approx(die_mm2, rel=1e-9)


def test_power_that_is_not_known_is_said_to_be_missing() -> None:
    machine = load_accelerator("tpuv4i_like")
    assert machine.static_w == pytest.approx(8 * 0.132 / 1.073741824)
    assert "no citable value found for the chip" in " ".join(machine.source.split())


def test_eyeriss_keeps_rows_stationary() -> None:
    machine = load_accelerator("eyeriss_like")
    (array,) = machine.fanouts
    assert [(axis.name, axis.size) for axis in array.axes] == [("row", 12), ("column", 14)]
    assert "reduction" in array.axes[0].dims
    assert "input_output" in array.axes[1].dims
    assert [m.capacity_bytes for m in machine.memories[1:]] == [100 * 2**10, 24, 448, 48]


def test_edge4_is_the_described_machine() -> None:
    machine = load_accelerator("edge4")
    assert machine.overlap_only
    assert machine.clock_hz == 1e9
    assert [level.name for level in machine.levels] == [
        "DRAM",
        "GlobalBuffer",
        "cores",
        "LocalBuffer",
        "array",
        "Register",
    ]
    described = {
        "DRAM": (inf, 25.6, 32e-12),
        "GlobalBuffer": (4 * 2**20, 256, 6e-12),
        "LocalBuffer": (256 * 2**10, 128, 1e-12),
        "Register": (1, inf, 0.05e-12),
    }
    for memory in machine.memories:
        capacity, rate, energy = described[memory.name]
        assert memory == Memory(
            name=memory.name,
            capacity_bytes=capacity,
            read_bytes_per_cycle=rate,
            write_bytes_per_cycle=rate,
            shared_port=True,
            keeps=frozenset({"weight"}) if memory.name == "Register" else EVERYTHING,
            read_j_per_byte=energy,
            write_j_per_byte=energy,
            dram_type="lpddr4" if memory.name == "DRAM" else "",
        )
    assert [axis.size for fanout in machine.fanouts for axis in fanout.axes] == [4, 32, 64]
    for fanout in machine.fanouts:
        assert fanout.link_bytes_per_cycle == inf
        for axis in fanout.axes:
            assert (axis.dims, axis.multicast, axis.reduces) == (frozenset(), EVERYTHING - {"output"}, True)
    (rate,) = machine.matrix.rates
    assert (rate.dtype, rate.accumulator, rate.j_per_mac) == (DType.INT8, DType.INT8, 0.2e-12)
    assert replace(machine, name="x") != machine
