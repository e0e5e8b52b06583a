"""FIFOs of flip-flops: words, and the two counters that say where the next one goes and comes from."""

from dataclasses import replace
from math import ceil, log2

from catx.costmodel.components.logic import register_file
from catx.costmodel.components.lookup import positive
from catx.costmodel.components.numbers import ComponentNumbers
from catx.errors import SpecError
from catx.units import BITS_PER_BYTE


def fifo(*, node_nm: float, capacity_bytes: float, width_bits: float) -> ComponentNumbers:
    """A FIFO: a word is written once and read once, and each moves one counter.

    A counter of a FIFO of n words has ceil(log2 n) flip-flops and one more that tells full from empty; all of
    them are clocked at every push or pop of a word.

    Args:
        node_nm: technology node, 7..90 [nm].
        capacity_bytes: of all words, up to 1 KiB [byte]; larger ones are SRAM of two ports.
        width_bits: of a word [bit].

    Raises:
        SpecError: less than two words, or more than flip-flops are good for.
    """
    positive("capacity_bytes", capacity_bytes)
    positive("width_bits", width_bits)
    words = capacity_bytes * BITS_PER_BYTE / width_bits
    if words != int(words):
        raise SpecError(
            f"a FIFO of {capacity_bytes:g} bytes has {words:g} words of {width_bits:g} bits, no whole number"
        )
    if words < 2:
        raise SpecError(
            f"a FIFO of {capacity_bytes:g} bytes holds {words:g} words of {width_bits:g} bits",
            hint="it needs two at least; a single word is a register",
        )
    storage = register_file(node_nm=node_nm, capacity_bytes=capacity_bytes)
    counter_bytes = (ceil(log2(words)) + 1) / BITS_PER_BYTE
    counters = register_file(node_nm=node_nm, capacity_bytes=2 * counter_bytes)
    step_j_per_byte = counters.write_j_per_byte * counter_bytes / (width_bits / BITS_PER_BYTE)
    return replace(
        storage,
        read_j_per_byte=storage.read_j_per_byte + step_j_per_byte,
        write_j_per_byte=storage.write_j_per_byte + step_j_per_byte,
        area_mm2=storage.area_mm2 + counters.area_mm2,
        port_bytes_per_cycle=2 * width_bits / BITS_PER_BYTE,
        source=f"two counters of {ceil(log2(words)) + 1} bits and {words:g} words of {storage.source}",
    )
