"""Power of a machine apart from any work: leakage by part, and the most that it can draw."""

from math import inf

from catx.ir.accelerator import Accelerator, Fanout, MacRate, Memory
from catx.ir.einsum import INPUT, OUTPUT, ROLES, WEIGHT
from catx.units import BITS_PER_BYTE


def static_by_part_w(accelerator: Accelerator) -> tuple[tuple[str, float], ...]:
    """Leakage and background power of all instances of each part [W]; parts without any are left out."""
    matrix, vector = accelerator.matrix, accelerator.vector
    parts = [
        (memory.name, memory.static_w * accelerator.instances(memory.name)) for memory in accelerator.memories
    ]
    parts.append((matrix.name, matrix.static_w * accelerator.instances(matrix.name)))
    if vector:
        parts.append((vector.name, vector.static_w))
    return tuple((name, watts) for name, watts in parts if watts > 0)


def peak_by_part_w(accelerator: Accelerator) -> tuple[tuple[str, float], ...]:
    """What each part draws at its full rate, leakage included [W]; their sum bounds the power of any work.

    Every port moves all that it can, every lane and every multiplier works in every cycle. A port or link
    without a limit moves what the multipliers further in ask for, both factors, and a sum read and written; a
    link no more than the ports of all memories further out.
    Vector ops through ports without a limit are not counted.
    """
    static = dict(static_by_part_w(accelerator))
    clock = accelerator.clock_hz
    watts = {level.name: _level_j(accelerator, level) * clock for level in accelerator.levels}
    matrix = accelerator.matrix
    busiest = max(rate.j_per_mac * rate.macs_per_cycle for rate in matrix.rates)
    watts[matrix.name] = busiest * accelerator.instances(matrix.name) * clock
    if vector := accelerator.vector:
        watts[vector.name] = vector.lanes * vector.j_per_op * clock
    total = {name: watts.get(name, 0.0) + static.get(name, 0.0) for name in (*watts, *static)}
    return tuple((name, value) for name, value in total.items() if value > 0)


def _level_j(accelerator: Accelerator, level: Memory | Fanout) -> float:
    """Most energy of all instances of a level in one cycle [J]."""
    count = accelerator.instances(level.name)
    if isinstance(level, Fanout):
        asked = max(sum(_asked_bytes(rate, frozenset(ROLES))) for rate in accelerator.matrix.rates)
        inside = accelerator.instances(accelerator.matrix.name) / count
        moved = min(level.link_bytes_per_cycle, asked * inside, _supply_bytes(accelerator, level) / count)
        return moved * level.link_j_per_byte * count
    return _memory_j(accelerator, level) * count


def _supply_bytes(accelerator: Accelerator, level: Fanout) -> float:
    """Bytes per cycle that all memories outside of a fanout move together: no more enters its links."""
    outside = accelerator.levels[: accelerator.levels.index(level)]
    return sum(
        (memory.read_bytes_per_cycle + (0.0 if memory.shared_port else memory.write_bytes_per_cycle))
        * accelerator.instances(memory.name)
        for memory in outside
        if isinstance(memory, Memory)
    )


def _memory_j(accelerator: Accelerator, memory: Memory) -> float:
    """Most energy of one instance of a memory in one cycle [J]."""
    inside = accelerator.instances(accelerator.matrix.name) / accelerator.instances(memory.name)
    asked = [_asked_bytes(rate, memory.keeps) for rate in accelerator.matrix.rates]
    read, write = memory.read_bytes_per_cycle, memory.write_bytes_per_cycle
    if read == inf:
        read = max(moved for moved, _ in asked) * inside
    if write == inf:
        write = max(moved for _, moved in asked) * inside
    if memory.shared_port and memory.read_bytes_per_cycle < inf:
        return memory.read_bytes_per_cycle * max(memory.read_j_per_byte, memory.write_j_per_byte)
    return read * memory.read_j_per_byte + write * memory.write_j_per_byte


def _asked_bytes(rate: MacRate, keeps: frozenset[str]) -> tuple[float, float]:
    """Bytes that a multiplier reads and writes per cycle at most, of the operands that a memory keeps.

    What is read was written before, so factors count as written, too.
    """
    factors = len(keeps & {INPUT, WEIGHT}) * rate.dtype.bits
    total = rate.accumulator.bits if OUTPUT in keeps else 0
    moved = (factors + total) * rate.macs_per_cycle / BITS_PER_BYTE
    return moved, moved
