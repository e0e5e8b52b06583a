"""Lower bounds that no mapping of an einsum can beat: roofline latency and compulsory energy."""

from collections.abc import Mapping
from functools import lru_cache
from math import prod

from catx.costmodel.legality import axis_dims
from catx.costmodel.rates import rate_for
from catx.ir.accelerator import Accelerator, Fanout, Memory
from catx.ir.einsum import OUTPUT, ROLES, Einsum
from catx.ir.operand import Axis


def usable_units(einsum: Einsum, accelerator: Accelerator) -> int:
    """Matrix units that the einsum can occupy: per axis, at most the product of its allowed dims' extents."""
    units = 1
    for fanout in accelerator.fanouts:
        for axis in fanout.axes:
            extents = prod(einsum.extents[dim] for dim in axis_dims(einsum, axis))
            units *= min(axis.size, extents)
    return units


def compulsory_bytes(einsum: Einsum) -> tuple[float, float]:
    """Bytes that must be read from and written to the outermost memory: each touched element once."""
    sizes = [n * operand.dtype.bits / 8 for n, operand in zip(touched(einsum), einsum.operands, strict=True)]
    return sizes[0] + sizes[1], sizes[2]


@lru_cache(maxsize=4096)
def touched(einsum: Einsum) -> tuple[int, ...]:
    """Elements of each operand that some MAC touches; never more than there are."""
    extents = einsum.extents
    return tuple(prod(_touched_along(axis, extents) for axis in operand.axes) for operand in einsum.operands)


def _touched_along(axis: Axis, extents: Mapping[str, int]) -> int:
    """Indices that `sum(coeff * dim)` takes; at least the longest dim's where they leave holes."""
    reach = 0
    for coeff, dim in sorted((coeff, dim) for dim, coeff in axis):
        if coeff > reach + 1:
            return max(extents[dim] for dim, _ in axis)
        reach += coeff * (extents[dim] - 1)
    return reach + 1


def roofline_cycles(einsum: Einsum, accelerator: Accelerator) -> float:
    """Cycles of MACs at full rate, or of compulsory traffic at the outermost memory, whichever is longer."""
    rate = rate_for(einsum, accelerator)
    outer = accelerator.memories[0]
    read, write = compulsory_bytes(einsum)
    if outer.shared_port:
        traffic = (read + write) / outer.read_bytes_per_cycle
    else:
        traffic = max(read / outer.read_bytes_per_cycle, write / outer.write_bytes_per_cycle)
    compute = einsum.macs / (rate.macs_per_cycle * usable_units(einsum, accelerator))
    return max(compute, traffic)


def energy_bound_j(einsum: Einsum, accelerator: Accelerator) -> float:
    """Dynamic energy of the MACs, of compulsory traffic, and of the operands that every MAC reads [J].

    A MAC reads each operand from the innermost memory that stores it: one that may, no further out than the
    innermost one that must. One access there serves at most as many units as sit on axes further in that
    share the operand. What may bypass every memory but the outermost costs no more than it does there.
    Each touched element passes every memory that must store it, and every fanout, at least once.
    """
    rate = rate_for(einsum, accelerator)
    total = einsum.macs * rate.j_per_mac
    for role, operand, elements in zip(ROLES, einsum.operands, touched(einsum), strict=True):
        bits = min(operand.dtype.bits, rate.accumulator.bits) if role == OUTPUT else operand.dtype.bits
        passing = elements * bits / 8
        total += min(
            einsum.macs * bits / 8 * _access_j(accelerator, source, role)
            + passing * _passing_j(accelerator, source, role)
            for source in _sources(accelerator, role)
        )
    return total


def _sources(accelerator: Accelerator, role: str) -> list[int]:
    """Positions of memories that can be the innermost to store a role."""
    keepers = [
        (position, level)
        for position, level in enumerate(accelerator.levels)
        if isinstance(level, Memory) and role in level.keeps
    ]
    must = max(position for position, memory in keepers if role not in memory.optional)
    return [position for position, _ in keepers if position >= must]


def _access_j(accelerator: Accelerator, source: int, role: str) -> float:
    """Least energy per byte and MAC of an operand from its innermost memory to the matrix unit [J/byte]."""
    served, energy = 1, 0.0
    for level in reversed(accelerator.levels[source + 1 :]):
        if isinstance(level, Fanout):
            for axis in level.axes:
                served *= axis.size if (axis.reduces if role == OUTPUT else role in axis.multicast) else 1
            energy += level.link_j_per_byte / served
    memory = accelerator.levels[source]
    assert isinstance(memory, Memory)
    return energy + (memory.write_j_per_byte if role == OUTPUT else memory.read_j_per_byte) / served


def _passing_j(accelerator: Accelerator, source: int, role: str) -> float:
    """Least energy per byte of a tensor on its way from the outermost memory to its innermost [J/byte]."""
    energy = 0.0
    for position, level in enumerate(accelerator.levels[: source + 1]):
        if isinstance(level, Fanout):
            energy += level.link_j_per_byte
        elif role in level.keeps - level.optional:
            inwards = position > 0, position < source  # filled from further out, read for what is further in
            if role == OUTPUT:
                inwards = inwards[1], inwards[0]  # written from further in, read to go further out
            energy += inwards[0] * level.write_j_per_byte + inwards[1] * level.read_j_per_byte
    return energy
