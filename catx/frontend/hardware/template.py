"""What all templates share: their common keys, and how they write the general form."""

from typing import Any

from pydantic import Field

from catx.frontend.hardware.assembled import written
from catx.frontend.hardware.fields import DramSize, DramType, DTypeName, Frequency, Name, Node, RateField
from catx.frontend.hardware.spec import Assembled, HeadSpec
from catx.units import Rate, format_quantity

General = dict[str, Any]
"""A hardware file in the general form, as data: what a template expands to."""

SMALLEST_SRAM_BYTES = 2**10
"""Smallest SRAM macro in the component library [byte]."""

MACRO_BYTES = ((2**14, 2**3), (2**15, 2**12), (2**24, 2**20))
"""Macros of at most 16 KiB, up to 8 of them; then of 32 KiB, up to 4096; then of the largest there are
[byte]. With these steps a byte that is written and read again never gets cheaper in a larger buffer, nor in a
faster one: wires to more macros cost more than their smaller size saves."""

WORD_BYTES, WORDS = 64, 64
"""Macros read and write words of 64 bytes, where they hold at least 64 words. At this word the CACTI table
has the least energy per byte for macros of 16 and 32 KiB; those of 32 KiB take 8 % more area than with words
of 8 bytes."""


class TemplateTechnology(Assembled):
    """Node and DRAM capacity; what is left out keeps the template's default."""

    node: Node | None = None
    dram: DramSize | None = None


class TemplateSpec(HeadSpec):
    """Keys of every template."""

    name: Name | None = Field(None, description="default: the template and its sizes")
    clock: Frequency | None = None
    precision: DTypeName = Field("int8", description="element type, default int8")
    technology: TemplateTechnology = TemplateTechnology()
    dram: DramType | None = Field(None, description="type of the DRAM")
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
            **written(technology, whole=spec.die_area is not None),
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


def storage(capacity_bytes: float, bytes_per_cycle: float, word_bytes: int = WORD_BYTES) -> General | str:
    """The component of an on-chip memory: flip-flops if it is small, else macros that reach the bandwidth.

    Macros have one port each, so `bytes_per_cycle` is reads and writes together. More capacity or bandwidth
    takes more macros, never wider words: a byte then only gets dearer, by the wires between macros. Words are
    `word_bytes` wide; memories that are read by the element take narrow ones.
    """
    if capacity_bytes < SMALLEST_SRAM_BYTES:
        return "regfile"
    macros = 1
    for most_bytes, most_macros in MACRO_BYTES:
        while macros < most_macros and capacity_bytes / macros > most_bytes:
            macros *= 2
    while macros * word_bytes < bytes_per_cycle and capacity_bytes / (2 * macros) >= word_bytes * WORDS:
        macros *= 2
    word = word_bytes
    while word * WORDS > capacity_bytes / macros:
        word //= 2
    return {"class": "sram", "width": f"{word} B", "macros": macros}
