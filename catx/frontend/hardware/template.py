"""What all templates share: their common keys, and how they write the general form."""

from typing import Any

from pydantic import Field

from catx.frontend.hardware.fields import DramSize, DTypeName, Frequency, Name, Node, RateField
from catx.frontend.hardware.spec import HeadSpec, Spec
from catx.units import Rate, format_quantity

General = dict[str, Any]
"""A hardware file in the general form, as data: what a template expands to."""

SMALLEST_SRAM_BYTES, LARGEST_SRAM_BYTES = 2**10, 2**24
"""Range of one SRAM macro in the component library [byte]."""

MACRO_BYTES, MAX_MACROS = 2**15, 32
"""Buffers are built of macros of 32 KiB, up to 32 of them, then of larger ones."""

NARROWEST_WORD, WIDEST_WORD = 8, 128
"""Words of SRAM macros in the component library [byte]."""


class TemplateTechnology(Spec):
    """Node and DRAM capacity; what is left out keeps the template's default."""

    node: Node | None = None
    dram: DramSize | None = None


class TemplateSpec(HeadSpec):
    """Keys of every template."""

    name: Name | None = Field(None, description="default: the template and its sizes")
    clock: Frequency | None = None
    precision: DTypeName = Field("int8", description="element type, default int8")
    technology: TemplateTechnology = TemplateTechnology()
    dram: Name | None = Field(None, description="type of the DRAM")
    dram_bandwidth: RateField | None = None


def head(spec: TemplateSpec, *, name: str, clock: str, node: str, dram: str) -> General:
    """The keys outside of levels and compute, with the template's defaults."""
    technology = spec.technology
    general: General = {
        "name": spec.name or name,
        "description": spec.description,
        "source": spec.source,
        "clock": format_quantity(spec.clock, "frequency") if spec.clock else clock,
        "precision": spec.precision,
        "overlap_only": spec.overlap_only,
        "launch_overhead": format_quantity(spec.launch_overhead, "time"),
        "technology": {
            "node": format_quantity(technology.node, "feature size") if technology.node else node,
            "dram": format_quantity(technology.dram, "DRAM capacity") if technology.dram else dram,
        },
    }
    for key in ("other_area", "die_area"):
        if (area := getattr(spec, key)) is not None:
            general[key] = format_quantity(area, "area")
    return general


def write_rate(rate: Rate) -> str:
    """A bandwidth as text."""
    per = "bandwidth per cycle" if rate.per_cycle else "bandwidth per second"
    return format_quantity(rate.value, per)


def per_cycle(value: float) -> str:
    """A bandwidth per cycle as text."""
    return format_quantity(float(value), "bandwidth per cycle")


def size(value: float) -> str:
    """A size as text."""
    return format_quantity(float(value), "size")


def dram_level(spec: TemplateSpec, *, dram: str, bandwidth: str) -> General:
    """The off-chip memory."""
    rate = write_rate(spec.dram_bandwidth) if spec.dram_bandwidth else bandwidth
    return {"memory": "DRAM", "dram": spec.dram or dram, "bandwidth": rate, "component": "dram"}


def storage(capacity_bytes: float, bytes_per_cycle: float) -> General | str:
    """The component of an on-chip memory: flip-flops if it is small, else macros that reach the bandwidth.

    Macros have one port each, so `bytes_per_cycle` is reads and writes together. How many there are depends
    on the capacity, how wide they are on the bandwidth: area grows with both.
    """
    if capacity_bytes < SMALLEST_SRAM_BYTES:
        return "regfile"
    macros, word = 1, NARROWEST_WORD
    while capacity_bytes / macros > LARGEST_SRAM_BYTES or (
        macros < MAX_MACROS and capacity_bytes / macros > MACRO_BYTES
    ):
        macros *= 2
    widest = WIDEST_WORD if capacity_bytes / macros >= 4 * SMALLEST_SRAM_BYTES else WIDEST_WORD // 4
    while macros * word < bytes_per_cycle and word < widest:
        word *= 2
    return {"class": "sram", "width": f"{word} B", "macros": macros}
