"""Fronts in less than a millisecond: nests of a pool, taken over and costed.

For searches over many accelerators of one kind. What is found depends on einsum, accelerator and pool alone,
not on what was searched before; nothing is proved of it.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from catx.costmodel.pack import new_bench
from catx.ir.accelerator import Accelerator, Fanout, Memory
from catx.ir.counts import Counts, Steady
from catx.ir.einsum import Einsum
from catx.ir.mapping import Mapping
from catx.mapper import seed_kernel
from catx.mapper.front import UNKNOWN, Front, FrontPoint, Point, energy_j, latency_s, lower_hull
from catx.mapper.pool import NestPool, new_forest, search_unrollings

ALIKE = 0.01
"""Relative differences in energy and latency below which one of two corners is enough."""


class PooledPoint(Point):
    """A nest of a pool on one accelerator: counts and mapping are made where they are wanted.

    Args:
        einsum: what is mapped.
        accelerator: the machine.
        pool: where the nest is from.
        way: 2 x its position there, 1 more where it keeps its factors.
        costs: its row of `seed_kernel.cost`, (N_COSTS,).
    """

    def __init__(
        self, einsum: Einsum, accelerator: Accelerator, pool: NestPool, way: int, costs: Sequence[float]
    ) -> None:
        self._what = einsum, accelerator
        self._pool, self._way, self._costs = pool, way, costs

    @property
    def dynamic_energy_j(self) -> float:
        """See `Point`."""
        return self._costs[seed_kernel.ENERGY]

    def _by_memory(self, column: int) -> Sequence[float]:
        """The costs from a column on, one per memory."""
        return self._costs[column : column + len(self._what[1].memories)]

    def _by_fanout(self, column: int) -> Sequence[float]:
        """The costs from a column on, one per fanout."""
        return self._costs[column : column + len(self._what[1].fanouts)]

    @property
    def steady(self) -> Steady:
        """See `Point`."""
        read, written = self._by_memory(seed_kernel.READ), self._by_memory(seed_kernel.WRITTEN)
        return Steady(
            compute=self._costs[seed_kernel.COMPUTE],
            moved=tuple(zip(read, written, strict=True)),
            link=tuple(self._by_fanout(seed_kernel.LINK)),
        )

    @property
    def moved(self) -> tuple[tuple[float, float], ...]:
        """See `Point`."""
        read, written = self._by_memory(seed_kernel.ALL_READ), self._by_memory(seed_kernel.ALL_WRITTEN)
        return tuple(zip(read, written, strict=True))

    @property
    def energy_by_part_j(self) -> tuple[tuple[str, float], ...]:
        """See `Point`."""
        from catx.costmodel.evaluate import energy_by_part_j  # numba is slow to import

        return energy_by_part_j(
            *self._what,
            operations=self._costs[seed_kernel.OPERATIONS],
            moved=self.moved,
            linked=self._by_fanout(seed_kernel.ALL_LINKED),
        )

    @property
    def loads(self) -> tuple[tuple[str, float], ...]:
        """See `Point`."""
        accelerator = self._what[1]
        levels: tuple[Memory | Fanout, ...] = *accelerator.memories, *accelerator.fanouts
        cycles = *self._by_memory(seed_kernel.LOAD), *self._by_fanout(seed_kernel.LINK)
        named = ((level.name, load) for level, load in zip(levels, cycles, strict=True))
        return ("compute", self._costs[seed_kernel.COMPUTE]), *named

    @property
    def latency_cycles(self) -> float:
        """See `Point`."""
        return self._costs[seed_kernel.CYCLES]

    @cached_property
    def _made(self) -> tuple[Mapping, Counts]:
        from catx.costmodel.evaluate import evaluate_rows  # numba is slow to import
        from catx.mapper.tree_search import unpack

        einsum, accelerator = self._what
        bench = new_bench(einsum, accelerator)
        at, keep = divmod(self._way, 2)
        pool = self._pool
        if not seed_kernel.take(bench, pool.nests[at], pool.n_rows[at], pool.extents[at], keep):
            raise AssertionError("a nest that could be taken over cannot be")
        rows = bench["nest"][: int(bench["n_rows"])].copy()
        return unpack(rows, einsum, accelerator), evaluate_rows(einsum, rows, accelerator, bench)

    @property
    def mapping(self) -> Mapping:
        """See `Point`."""
        return self._made[0]

    @property
    def counts(self) -> Counts:
        """See `Point`."""
        return self._made[1]


def pooled_front(einsum: Einsum, accelerator: Accelerator, pool: NestPool) -> Front:
    """What nests of a pool cost on an accelerator; where none fits, what a short search finds.

    Only corners of the front's hull are points, as the others are chosen by no sum or product of costs; and
    of corners that are alike only one.

    Raises:
        MappingError: no mapping fits.
    """
    from catx.mapper.tree_search import search_front  # numba is slow to import

    points, tried = _corners(einsum, accelerator, pool)
    if not points:
        forest, own = new_forest(einsum, accelerator), NestPool()
        search_unrollings(forest, forest.promising)
        own.add(forest)
        points, _ = _corners(einsum, accelerator, own)
        tried = int(forest.tree["evaluated"])
    if not points:
        from catx.costmodel.evaluate import evaluate

        mappings = search_front(einsum, accelerator, 0).mappings
        points = tuple(FrontPoint(one, evaluate(einsum, one, accelerator)) for one in mappings)
    return Front(points, tried, 0, UNKNOWN, 0)


def _corners(einsum: Einsum, accelerator: Accelerator, pool: NestPool) -> tuple[tuple[Point, ...], int]:
    """Corners of the front of a pool's nests, by increasing latency, and how many nests fit."""
    costs = pool.cost(einsum, accelerator)
    ways = np.flatnonzero(np.isfinite(costs[:, seed_kernel.ENERGY]))
    times_s = latency_s(costs[ways, seed_kernel.CYCLES], accelerator)
    energies_j = energy_j(costs[ways, seed_kernel.ENERGY], times_s, accelerator)
    pairs = list(zip(energies_j.tolist(), times_s.tolist(), strict=True))
    corners = ways[_apart(pairs, lower_hull(pairs)[::-1])].tolist() if pairs else []
    points = [PooledPoint(einsum, accelerator, pool, way, costs[way].tolist()) for way in corners]
    return tuple(points), len(pairs)


def _apart(costs: Sequence[tuple[float, float]], corners: Sequence[int]) -> list[int]:
    """The first and the last corner, and those in between that differ by `ALIKE` from the one before."""
    kept = [corners[0]]
    for at in corners[1:-1]:
        pairs = zip(costs[kept[-1]], costs[at], strict=True)
        if max(abs(new / old - 1.0) if old else 1.0 for old, new in pairs) > ALIKE:
            kept.append(at)
    return kept + ([corners[-1]] if len(corners) > 1 else [])
