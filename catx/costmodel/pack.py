"""Einsums, accelerators and mappings as arrays of plain numbers for the kernels."""

from functools import cache

import numpy as np

from catx.costmodel.rates import rate_for
from catx.costmodel.tiles_kernel import (
    AXIS,
    LINK,
    MAX_LOOPS,
    MEMORY,
    SPATIAL,
    STORE,
    TEMPORAL,
    UNIT,
    Ints,
    Machine,
    Problem,
)
from catx.errors import MappingError
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import OUTPUT, ROLES, Einsum
from catx.ir.mapping import Loop, Mapping


def pack_problem(einsum: Einsum, accelerator: Accelerator) -> Problem:
    """The einsum's dims in its own order; partial sums as wide as the accelerator's accumulator."""
    names = list(einsum.extents)
    axis_of = np.full((3, len(names)), -1, np.int64)
    coeff = np.zeros((3, len(names)), np.int64)
    for role, operand in enumerate(einsum.operands):
        for axis, terms in enumerate(operand.axes):
            for dim, factor in terms:
                axis_of[role, names.index(dim)] = axis
                coeff[role, names.index(dim)] = factor
    rate = rate_for(einsum, accelerator)
    return Problem(
        extents=np.array(list(einsum.extents.values()), np.int64),
        axis_of=axis_of,
        coeff=coeff,
        n_axes=np.array([len(operand.axes) for operand in einsum.operands], np.int64),
        bits=np.array([*(o.dtype.bits for o in einsum.operands), rate.accumulator.bits], np.int64),
    )


def pack_machine(einsum: Einsum, accelerator: Accelerator) -> Machine:
    """The accelerator as `einsum` sees it: the matrix unit at the rate of its element types."""
    rate = rate_for(einsum, accelerator)
    memories, links, axes = _pack_levels(accelerator)
    unit = np.zeros(1, UNIT)
    unit[0] = (
        rate.macs_per_cycle,
        rate.j_per_mac,
        accelerator.matrix.pipeline_cycles,
        accelerator.overlap_only,
    )
    return Machine(memories, links, axes, unit)


@cache
def _pack_levels(accelerator: Accelerator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    level = {entry.name: index for index, entry in enumerate(accelerator.levels)}
    memories = np.zeros(len(accelerator.memories), MEMORY)
    for row, memory in enumerate(accelerator.memories):
        memories[row] = (
            level[memory.name],
            memory.capacity_bytes,
            memory.read_bytes_per_cycle,
            memory.write_bytes_per_cycle,
            memory.shared_port,
            memory.double_buffered,
            memory.read_j_per_byte,
            memory.write_j_per_byte,
        )
    links = np.zeros(len(accelerator.fanouts), LINK)
    axes = []
    for row, fanout in enumerate(accelerator.fanouts):
        links[row] = (level[fanout.name], fanout.link_bytes_per_cycle, fanout.link_j_per_byte)
        for axis in fanout.axes:
            shares = sum(1 << bit for bit, role in enumerate(ROLES[:2]) if role in axis.multicast)
            axes.append((row, axis.size, shares | (axis.reduces << ROLES.index(OUTPUT))))
    return memories, links, np.array(axes, AXIS)


def axis_index(accelerator: Accelerator, fanout: str, axis: str) -> int:
    """Row of a fanout's axis among all axes; ValueError if there is none."""
    names = [(entry.name, a.name) for entry in accelerator.fanouts for a in entry.axes]
    return names.index((fanout, axis))


def pack_mapping(mapping: Mapping, einsum: Einsum, accelerator: Accelerator) -> Ints:
    """The nest as rows of the kernel; the mapping must be legal.

    Raises:
        MappingError: more than 16 loops over one dim.
    """
    dims = list(einsum.extents)
    memories = [memory.name for memory in accelerator.memories]
    rows = []
    for node in mapping.nodes:
        if not isinstance(node, Loop):
            rows.append((STORE, memories.index(node.memory), 0, ROLES.index(node.role)))
        elif node.spatial:
            rows.append(
                (SPATIAL, dims.index(node.dim), node.tile, axis_index(accelerator, node.fanout, node.axis))
            )
        else:
            rows.append((TEMPORAL, dims.index(node.dim), node.tile, 0))
    for index, dim in enumerate(dims):
        if (loops := sum(row[0] != STORE and row[1] == index for row in rows)) > MAX_LOOPS:
            raise MappingError(f"{loops} loops over {dim!r}; at most {MAX_LOOPS} are supported")
    return np.array(rows, np.int64).reshape(-1, 4)
