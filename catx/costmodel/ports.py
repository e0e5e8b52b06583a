"""Memories that are faster than the component whose energy and area they have."""

from catx.ir.accelerator import Accelerator, Memory
from catx.units import format_quantity

ROUNDING = 1e-9
"""A rate per second that is meant to be a whole number of bytes per cycle may miss it by this much [1]."""


def beyond_ports(accelerator: Accelerator) -> tuple[str, ...]:
    """A sentence for each memory that moves more per cycle than its component, for the notes of a report."""
    notes = ((memory.name, beyond_port(memory)) for memory in accelerator.memories)
    return tuple(
        f"{name}: {note}; latency is that of the faster memory, energy and area are those of the slower"
        for name, note in notes
        if note
    )


def beyond_port(memory: Memory) -> str:
    """What the description asks of a memory and what its component gives; empty where that is enough."""
    asked = memory.read_bytes_per_cycle
    if not memory.shared_port:
        asked += memory.write_bytes_per_cycle
    given = memory.port_bytes_per_cycle
    if asked <= given * (1 + ROUNDING):
        return ""
    rate = format_quantity(given, "bandwidth per cycle")
    wanted = format_quantity(asked, "bandwidth per cycle")
    both = "" if memory.shared_port else " for reads and writes together"
    return (
        f"the bandwidth asked for is {wanted}{both}, and its component gives {rate} (macros x width x ports)"
    )
