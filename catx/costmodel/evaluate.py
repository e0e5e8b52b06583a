"""Evaluate one mapping: exact counts, cycles and energy, as values."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.legality import check_legal
from catx.costmodel.nest_kernel import evaluate_nest
from catx.costmodel.pack import new_bench, put_mapping
from catx.costmodel.rates import rate_for
from catx.costmodel.tiles_kernel import (
    BUSIEST,
    OUT,
    PARTIAL_UPDATE,
    REPORT,
    SUM_DRAIN,
    SUM_FILL,
    SUM_LATENCY,
    SUM_OPS,
    SUM_PIPELINE,
    SUM_UNHIDDEN,
    SUM_UNITS,
    TOTAL,
    Bench,
)
from catx.errors import MappingError
from catx.ir.accelerator import Accelerator
from catx.ir.counts import Access, Counts, Cycles, LinkCounts, StoreCounts
from catx.ir.einsum import ROLES, Einsum
from catx.ir.mapping import Mapping, Store


def evaluate(einsum: Einsum, mapping: Mapping, accelerator: Accelerator) -> Counts:
    """Exact counts, cycles and energy of a mapping (docs/cost-model.md).

    Raises:
        MappingError: the mapping is illegal, a memory overflows (the message names it and the bytes), or the
            matrix unit does not compute the einsum's element types.
    """
    check_legal(einsum, mapping, accelerator)
    bench = new_bench(einsum, accelerator)
    put_mapping(bench, mapping, einsum, accelerator)
    fits = evaluate_nest(bench, REPORT)
    if not fits:
        raise _overflow(accelerator, _stores(einsum, accelerator, bench), mapping)
    return _counts(einsum, accelerator, bench)


def evaluate_rows(einsum: Einsum, rows: NDArray[np.int64], accelerator: Accelerator, bench: Bench) -> Counts:
    """What `evaluate` tells, of a nest that is known to be legal and to fit.

    Args:
        einsum: what is mapped.
        rows: the kernel's rows of the nest, (rows, 4).
        accelerator: the machine.
        bench: a record of both, which is written to.
    """
    bench["nest"][: len(rows)] = rows
    bench["n_rows"] = len(rows)
    if not evaluate_nest(bench, REPORT):
        raise AssertionError("a nest that fitted does not fit")
    return _counts(einsum, accelerator, bench)


def _counts(einsum: Einsum, accelerator: Accelerator, bench: Bench) -> Counts:
    """What the kernel left in the record."""
    return Counts(
        operations=int(bench["summary"][SUM_OPS]),
        compute_instances=int(bench["summary"][SUM_UNITS]),
        stores=_stores(einsum, accelerator, bench),
        links=tuple(
            LinkCounts(fanout=f.name, total_bytes=float(row[TOTAL]), busiest_bytes=float(row[BUSIEST]))
            for f, row in zip(accelerator.fanouts, bench["link_bytes"], strict=False)
        ),
        cycles=_cycles(accelerator, bench),
        energy_j=energy_by_part_j(
            einsum,
            accelerator,
            operations=float(bench["summary"][SUM_OPS]),
            moved=bench["memory_bytes"][..., TOTAL].tolist(),
            linked=bench["link_bytes"][:, TOTAL].tolist(),
        ),
    )


def _stores(einsum: Einsum, accelerator: Accelerator, bench: Bench) -> tuple[StoreCounts, ...]:
    accumulator = rate_for(einsum, accelerator).accumulator.bits
    counts, tiles, instances = (bench[name].tolist() for name in ("counts", "tiles", "instances"))
    stores = []
    for m, memory in enumerate(accelerator.memories):
        for r, role in enumerate(ROLES):
            if tiles[m][r] < 0:
                continue
            bits = einsum.operands[r].dtype.bits
            total, busiest = _access(counts[m][r][TOTAL]), _access(counts[m][r][BUSIEST])
            partial = r == OUT and counts[m][r][TOTAL][PARTIAL_UPDATE] > 0
            tile_bits = accumulator if partial else bits
            wide = accumulator if r == OUT else bits
            stores.append(
                StoreCounts(
                    memory=memory.name,
                    role=role,
                    tile_elements=tiles[m][r],
                    tile_bytes=tiles[m][r] * tile_bits / 8,
                    instances=instances[m][r],
                    total=total,
                    busiest=busiest,
                    read_bytes=_read_bytes(total, bits, wide),
                    write_bytes=_write_bytes(total, bits, wide),
                    busiest_read_bytes=_read_bytes(busiest, bits, wide),
                    busiest_write_bytes=_write_bytes(busiest, bits, wide),
                )
            )
    return tuple(stores)


def _access(row: list[int]) -> Access:
    return Access(*row)  # fields stand in the order of the kernel's columns


def _read_bytes(access: Access, bits: int, wide: int) -> float:
    partial = access.read_psum + access.partial_drain
    return (partial * wide + (access.read_child + access.drain - access.partial_drain) * bits) / 8


def _write_bytes(access: Access, bits: int, wide: int) -> float:
    partial = access.fill + access.partial_update
    return (partial * wide + (access.update - access.partial_update) * bits) / 8


def _overflow(accelerator: Accelerator, stores: tuple[StoreCounts, ...], mapping: Mapping) -> MappingError:
    """What overflows by how much, at the memory's first store."""
    for memory in accelerator.memories:
        tiles = [store for store in stores if store.memory == memory.name]
        copies = 2 if memory.double_buffered else 1
        needed = copies * sum(store.tile_bytes for store in tiles)
        if needed > memory.capacity_bytes:
            parts = ", ".join(f"{store.role} {copies * store.tile_bytes:.10g}" for store in tiles)
            doubled = ", double buffered" if copies == 2 else ""
            message = (
                f"{memory.name} overflows by {needed - memory.capacity_bytes:.10g} bytes: "
                f"its tiles need {needed:.10g} ({parts}{doubled}), it holds {memory.capacity_bytes:.10g}"
            )
            first = next(
                index
                for index, node in enumerate(mapping.nodes)
                if isinstance(node, Store) and node.memory == memory.name
            )
            return MappingError(message, node=first)
    raise AssertionError("the kernel rejected a mapping that fits")


def _cycles(accelerator: Accelerator, bench: Bench) -> Cycles:
    summary, loads, links = (bench[name].tolist() for name in ("summary", "memory_load", "link_load"))
    memory = tuple((m.name, load) for m, load in zip(accelerator.memories, loads, strict=False))
    link = tuple((f.name, load) for f, load in zip(accelerator.fanouts, links, strict=False))
    compute = float(bench["unit_load"])
    by_name = dict((*memory, *link))
    ordered = [("compute", compute), *((level.name, by_name[level.name]) for level in accelerator.levels)]
    return Cycles(
        compute=compute,
        memory=memory,
        link=link,
        first_fill=summary[SUM_FILL],
        last_drain=summary[SUM_DRAIN],
        pipeline=summary[SUM_PIPELINE],
        unhidden=summary[SUM_UNHIDDEN],
        latency_cycles=summary[SUM_LATENCY],
        bound_by=max(ordered, key=lambda entry: entry[1])[0],
    )


def energy_by_part_j(
    einsum: Einsum,
    accelerator: Accelerator,
    *,
    operations: float,
    moved: Sequence[Sequence[float]],
    linked: Sequence[float],
) -> tuple[tuple[str, float], ...]:
    """Dynamic energies by memory, link and matrix unit [J]; entries beyond the last level are ignored.

    Args:
        einsum: what is mapped.
        accelerator: the machine.
        operations: of the matrix units.
        moved: bytes read and written by memory, over all its instances.
        linked: bytes through the links of each fanout.
    """
    parts = []
    for memory, (read, write) in zip(accelerator.memories, moved, strict=False):
        parts.append((memory.name, read * memory.read_j_per_byte + write * memory.write_j_per_byte))
    for fanout, through in zip(accelerator.fanouts, linked, strict=False):
        parts.append((fanout.name, through * fanout.link_j_per_byte))
    return (*parts, (accelerator.matrix.name, operations * rate_for(einsum, accelerator).j_per_mac))
