"""Memories that are asked for more bytes per cycle than their component moves."""

from dataclasses import replace
from math import inf

import pytest

from catx.costmodel.components import resolve
from catx.costmodel.ports import beyond_ports
from catx.frontend.hardware import (
    builtin_accelerators,
    dump_accelerator,
    load_accelerator,
    parse_accelerator,
)
from catx.ir.accelerator import Accelerator, Memory

TEXT = """\
name: small
clock: 500 MHz
technology: {node: 22 nm}
levels:
  - {memory: DRAM, bandwidth: 10 GB/s, energy: 1 pJ/B, area: 0 mm2}
  - {memory: Buffer, capacity: 512 KiB, BANDWIDTH, component: {class: sram, width: 256 bit, macros: 2}}
compute: {matrix: {rates: {int8: {}}, component: mac}}
"""


def machine(bandwidth: str) -> Accelerator:
    return parse_accelerator(TEXT.replace("BANDWIDTH", bandwidth))


@pytest.mark.parametrize("name", [name for name, _, _ in builtin_accelerators()])
def test_no_built_in_machine_asks_for_more_than_it_pays_for(name: str) -> None:
    assert beyond_ports(load_accelerator(name)) == ()


def test_an_sram_moves_a_word_per_port_and_macro() -> None:
    sizes = {"node_nm": 22, "capacity_bytes": 2**16, "width_bits": 128}
    assert resolve("sram", **sizes).port_bytes_per_cycle == 16
    assert resolve("sram", **sizes, macros=4).port_bytes_per_cycle == 64
    assert resolve("sram", **sizes, macros=4, ports=2).port_bytes_per_cycle == 128
    assert resolve("register", node_nm=22, capacity_bytes=4).port_bytes_per_cycle == inf


@pytest.mark.parametrize(
    ("bandwidth", "asked"),
    [
        ("bandwidth: 64 B/cycle", ""),
        ("bandwidth: 32 GB/s", ""),
        ("read_bandwidth: 32 B/cycle, write_bandwidth: 32 B/cycle", ""),
        ("bandwidth: 4096 B/cycle", "4096 B/cycle"),
        (
            "read_bandwidth: 64 B/cycle, write_bandwidth: 32 B/cycle",
            "96 B/cycle for reads and writes together",
        ),
        ("bandwidth: unlimited", "unlimited"),
    ],
)
def test_more_than_the_component_moves_is_told(bandwidth: str, asked: str) -> None:
    notes = beyond_ports(machine(bandwidth))
    assert len(notes) == bool(asked)
    if asked:
        assert notes[0].startswith(
            f"Buffer: the bandwidth asked for is {asked}, and its component gives 64 B/cycle"
        )


def test_the_general_form_tells_it_first_and_keeps_it_in_the_source() -> None:
    wide = machine("bandwidth: 4096 B/cycle")
    text = dump_accelerator(wide)
    assert text.startswith("# note: Buffer: the bandwidth asked for is 4096 B/cycle")
    again = parse_accelerator(text)
    assert again == wide
    assert "its component gives 64 B/cycle" in again.memories[1].source
    assert not dump_accelerator(machine("bandwidth: 64 B/cycle")).startswith("#")


def test_a_memory_without_component_has_any_rate() -> None:
    wide = machine("bandwidth: 4096 B/cycle")
    levels = tuple(
        replace(level, port_bytes_per_cycle=inf) if isinstance(level, Memory) else level
        for level in wide.levels
    )
    assert beyond_ports(replace(wide, levels=levels)) == ()


def test_registers_of_the_gpu_template_have_no_limit_and_are_told() -> None:
    text = "template: gpu_like\nsms: 4\ntensor_core: {m: 8, n: 4, k: 8}\nl1_kib: 192\nl2_mib: 4\n"
    (note,) = beyond_ports(parse_accelerator(text + "l2_bandwidth: 512 B/cycle\n"))
    assert note.startswith(
        "registers: the bandwidth asked for is unlimited, and its component gives 128 B/cycle"
    )
