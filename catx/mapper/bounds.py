"""Lower bounds that no mapping of an einsum can beat: roofline latency and compulsory energy."""

from math import prod

from catx.costmodel.legality import axis_dims
from catx.costmodel.rates import rate_for
from catx.ir.accelerator import Accelerator, Fanout, Memory
from catx.ir.einsum import OUTPUT, ROLES, Einsum


def usable_units(einsum: Einsum, accelerator: Accelerator) -> int:
    """Matrix units that the einsum can occupy: per axis, at most the product of its allowed dims' extents."""
    units = 1
    for fanout in accelerator.fanouts:
        for axis in fanout.axes:
            extents = prod(einsum.extents[dim] for dim in axis_dims(einsum, axis))
            units *= min(axis.size, extents)
    return units


def compulsory_bytes(einsum: Einsum) -> tuple[float, float]:
    """Bytes that must be read from and written to the outermost memory: each factor and the output once."""
    sizes = [operand.elements(einsum.extents) * operand.dtype.bits / 8 for operand in einsum.operands]
    return sizes[0] + sizes[1], sizes[2]


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

    A MAC reads each operand from some memory that may keep it. One access there serves at most as many units
    as sit on axes further in that share the operand.
    """
    rate = rate_for(einsum, accelerator)
    outer = accelerator.memories[0]
    read, write = compulsory_bytes(einsum)
    total = einsum.macs * rate.j_per_mac
    total += read * outer.read_j_per_byte + write * outer.write_j_per_byte
    for role, operand in zip(ROLES, einsum.operands, strict=True):
        cheapest = (
            min(
                _access_j(einsum, accelerator, position, level, role)
                for position, level in enumerate(accelerator.levels)
                if isinstance(level, Memory) and role in level.keeps and level is not outer
            )
            if any(role in memory.keeps for memory in accelerator.memories[1:])
            else 0.0
        )
        total += cheapest * einsum.macs * operand.dtype.bits / 8
    return total


def _access_j(einsum: Einsum, accelerator: Accelerator, position: int, memory: Memory, role: str) -> float:
    """Least energy per byte and MAC of serving the matrix unit's operand from a memory [J/byte]."""
    served = 1
    for level in accelerator.levels[position:]:
        for axis in level.axes if isinstance(level, Fanout) else ():
            served *= axis.size if (axis.reduces if role == OUTPUT else role in axis.multicast) else 1
    energy = memory.write_j_per_byte if role == OUTPUT else memory.read_j_per_byte
    return energy / served
