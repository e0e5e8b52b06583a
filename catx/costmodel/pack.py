"""Einsums, accelerators and mappings as one record of plain numbers for the kernels."""

from collections import Counter
from math import prod

import numpy as np

from catx.costmodel.rates import rate_for
from catx.costmodel.tiles_kernel import (
    BENCH,
    MAX_AXES,
    MAX_DIMS,
    MAX_LINKS,
    MAX_LOOPS,
    MAX_MEMORIES,
    MAX_ROWS,
    SPATIAL,
    STORE,
    TEMPORAL,
    Bench,
)
from catx.errors import MappingError, SpecError
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import OUTPUT, ROLES, Einsum
from catx.ir.mapping import Loop, Mapping

Row = tuple[int, int, int, int]

MAX_COUNT = 2**63
"""Counts stay below this: each step visits at most one element of every tensor, with its holes."""


def new_bench(einsum: Einsum, accelerator: Accelerator) -> Bench:
    """A record for `einsum` on `accelerator`, without a nest.

    Raises:
        MappingError: the einsum has too many dims, or types that the matrix unit does not compute.
        SpecError: the accelerator has too many levels.
    """
    bench = np.zeros(1, BENCH)[0]
    _pack_einsum(bench, einsum)
    _pack_levels(bench, accelerator)
    rate = rate_for(einsum, accelerator)
    bench["accumulator"] = rate.accumulator.bits / 8
    bench["unit_rate"], bench["unit_j"] = rate.macs_per_cycle, rate.j_per_mac
    bench["unit_pipeline"] = accelerator.matrix.pipeline_cycles
    bench["overlap_only"] = accelerator.overlap_only
    return bench


def _pack_einsum(bench: Bench, einsum: Einsum) -> None:
    names = list(einsum.extents)
    if len(names) > MAX_DIMS:
        raise MappingError(
            f"{einsum.name or 'an einsum'} has {len(names)} dims, at most {MAX_DIMS} are supported",
            loc=einsum.loc,
        )
    spans = [prod(1 + sum(coeff for _, coeff in axis) for axis in o.axes) for o in einsum.operands]
    if 2 * einsum.macs * max(spans) >= MAX_COUNT:
        raise MappingError(
            f"{einsum.name or 'an einsum'} has {einsum.macs:.3g} MACs: more than 64-bit counts can hold",
            loc=einsum.loc,
        )
    bench["n_dims"] = len(names)
    bench["extents"][: len(names)] = list(einsum.extents.values())
    bench["axis_of"] = -1
    for role, operand in enumerate(einsum.operands):
        bench["width"][role] = operand.dtype.bits / 8
        bench["n_tensor_axes"][role] = len(operand.axes)
        for axis, terms in enumerate(operand.axes):
            for dim, factor in terms:
                bench["axis_of"][role, names.index(dim)] = axis
                bench["coeff"][role, names.index(dim)] = factor


def _pack_levels(bench: Bench, accelerator: Accelerator) -> None:
    level = {entry.name: index for index, entry in enumerate(accelerator.levels)}
    axes = [(row, axis) for row, fanout in enumerate(accelerator.fanouts) for axis in fanout.axes]
    for what, count, limit in (
        ("memories", len(accelerator.memories), MAX_MEMORIES),
        ("fanouts", len(accelerator.fanouts), MAX_LINKS),
        ("fanout axes", len(axes), MAX_AXES),
    ):
        if count > limit:
            raise SpecError(f"{count} {what}, at most {limit} are supported", loc=accelerator.loc)
    bench["n_memories"], bench["n_links"] = len(accelerator.memories), len(accelerator.fanouts)
    bench["n_axes"] = len(axes)
    for row, memory in enumerate(accelerator.memories):
        bench["level"][row] = level[memory.name]
        bench["capacity"][row] = memory.capacity_bytes
        bench["shared"][row], bench["double"][row] = memory.shared_port, memory.double_buffered
        bench["read_rate"][row] = memory.read_bytes_per_cycle
        alone = memory.read_bytes_per_cycle if memory.shared_port else memory.write_bytes_per_cycle
        bench["write_rate"][row] = alone
        bench["read_j"][row], bench["write_j"][row] = memory.read_j_per_byte, memory.write_j_per_byte
    for row, fanout in enumerate(accelerator.fanouts):
        bench["link_level"][row] = level[fanout.name]
        bench["link_rate"][row], bench["link_j"][row] = fanout.link_bytes_per_cycle, fanout.link_j_per_byte
    for row, (link, axis) in enumerate(axes):
        shares = sum(1 << bit for bit, role in enumerate(ROLES[:2]) if role in axis.multicast)
        bench["axis_link"][row], bench["axis_size"][row] = link, axis.size
        bench["axis_shares"][row] = shares | (axis.reduces << ROLES.index(OUTPUT))


def put_mapping(bench: Bench, mapping: Mapping, einsum: Einsum, accelerator: Accelerator) -> None:
    """Write the nest of a legal mapping to the record.

    Raises:
        MappingError: more nodes, or more loops over one dim, than a record has room for.
    """
    dims = list(einsum.extents)
    memories = [memory.name for memory in accelerator.memories]
    axes = [(fanout.name, axis.name) for fanout in accelerator.fanouts for axis in fanout.axes]
    loops = Counter(node.dim for node in mapping.nodes if isinstance(node, Loop))
    for dim, count in loops.items():
        if count > MAX_LOOPS:
            raise MappingError(f"{count} loops over {dim!r}, at most {MAX_LOOPS} are supported")
    if len(mapping.nodes) > MAX_ROWS:
        raise MappingError(f"{len(mapping.nodes)} nodes in a mapping, at most {MAX_ROWS} are supported")
    for row, node in enumerate(mapping.nodes):
        entry: Row
        if not isinstance(node, Loop):
            entry = (STORE, memories.index(node.memory), 0, ROLES.index(node.role))
        elif node.spatial:
            entry = (SPATIAL, dims.index(node.dim), node.tile, axes.index((node.fanout, node.axis)))
        else:
            entry = (TEMPORAL, dims.index(node.dim), node.tile, 0)
        bench["nest"][row] = entry
    bench["n_rows"] = len(mapping.nodes)
