"""Fronts in less than a millisecond: nests of a few reference accelerators, taken over.

For searches over many accelerators of one kind. What is found depends on einsum, accelerator and references
alone, not on what was searched before; nothing is proved of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from catx.content_cache import Shelf
from catx.costmodel.pack import new_bench
from catx.costmodel.tiles_kernel import MAX_DIMS
from catx.ir.accelerator import Accelerator
from catx.ir.counts import Counts, Steady
from catx.ir.einsum import Einsum
from catx.ir.fingerprint import fingerprint
from catx.ir.mapping import Mapping
from catx.mapper import seed_kernel
from catx.mapper.forest import Forest, Pass
from catx.mapper.front import UNKNOWN, Front, FrontPoint, Point, lower_hull
from catx.mapper.limits import limits_of
from catx.mapper.mapspace import Unrolling
from catx.mapper.store import hardware_of
from catx.mapper.tree_kernel import AIM_TIME

PASSES = Pass(2.0, 0.0, 6, 1_200, 60), Pass(2.0, 0.0, 6, 300, 60, aim=AIM_TIME)
"""Over promising unrollings of reference accelerators. Factors of two do better than finer ones that take as
long, as nests that others can take over count, not the last percent of one (benchmarks/pools.py)."""

ALIKE = 0.01
"""Relative differences in energy and latency below which one of two corners is enough."""

_SHELF = Shelf("pools", ("mapper/*.py", "costmodel/*.py", "ir/*.py"))


_Nest = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Extents of a nest's einsum, (MAX_DIMS,), and the kernel's rows of the nest, (rows, 4)."""


class NestPool:
    """Nests that some accelerator's front had, each once, of einsums that differ in extents alone."""

    def __init__(self) -> None:
        self.nests = np.zeros((0, 0, 4), np.int64)
        self.n_rows = np.zeros(0, np.int64)
        self.extents = np.zeros((0, MAX_DIMS), np.int64)

    def add(self, forest: Forest) -> None:
        """Add the nests of a front."""
        tree, extents = forest.tree, forest.bench["extents"]
        n_rows = tree["front_rows"][: int(tree["n_front"])].tolist()
        self._add((extents, tree["front_nest"][i, :n]) for i, n in enumerate(n_rows))

    def join(self, other: "NestPool") -> None:
        """Add the nests of another pool."""
        self._add(other._each())

    def seed(self, forest: Forest) -> None:
        """Enter the nests that are legal on a forest's accelerator into its front."""
        seed_kernel.seed(forest.bench, forest.tree, self.nests, self.n_rows, self.extents)

    def cost(self, einsum: Einsum, accelerator: Accelerator) -> NDArray[np.float64]:
        """What the nests cost, each as it is taken over in two ways, (2 nests, N_COSTS): see the kernel."""
        costs = np.empty((2 * len(self.n_rows), seed_kernel.N_COSTS))
        seed_kernel.cost(new_bench(einsum, accelerator), self.nests, self.n_rows, self.extents, costs)
        return costs

    def _add(self, nests: Iterable[_Nest]) -> None:
        every = {extents.tobytes() + rows.tobytes(): (extents, rows) for extents, rows in self._each()}
        before = len(every)
        for extents, rows in nests:
            every.setdefault(extents.tobytes() + rows.tobytes(), (extents, rows))
        if len(every) == before:
            return
        longest = max(len(rows) for _, rows in every.values())
        whole = np.zeros(
            (len(every), longest, 4), np.int64
        )  # no longer than it must be: there are many pools
        for target, (_, rows) in zip(whole, every.values(), strict=True):
            target[: len(rows)] = rows
        self.n_rows = np.array([len(rows) for _, rows in every.values()], np.int64)
        self.extents = np.array([extents for extents, _ in every.values()])
        self.nests = whole

    def _each(self) -> Iterator[_Nest]:
        for extents, nest, n in zip(self.extents, self.nests, self.n_rows.tolist(), strict=True):
            yield extents, nest[:n]

    @property
    def size_bytes(self) -> int:
        """Memory that it takes [byte]."""
        return int(self.nests.nbytes + self.n_rows.nbytes + self.extents.nbytes)

    def to_plain(self) -> list[Any]:
        """Nests as lists, for JSON."""
        return [[extents.tolist(), rows.tolist()] for extents, rows in self._each()]

    @classmethod
    def from_plain(cls, data: Sequence[Any]) -> Self:
        """The pool of such lists."""
        pool = cls()
        pool._add(
            (np.array(extents, np.int64), np.array(rows, np.int64).reshape(-1, 4)) for extents, rows in data
        )
        return pool


def new_forest(einsum: Einsum, accelerator: Accelerator) -> Forest:
    """A search without constraints."""
    return Forest(einsum, accelerator, limits_of(einsum, accelerator, ()))


class References:
    """A few accelerators of one family, whose nests others take over."""

    def __init__(self, accelerators: Sequence[Accelerator]) -> None:
        self.accelerators = tuple(accelerators)
        self.key = fingerprint(tuple(hardware_of(accelerator) for accelerator in self.accelerators))


@lru_cache(maxsize=4096)
def _key(einsum: Einsum) -> str:
    """The fingerprint of an einsum, which has pools of many families."""
    return fingerprint(einsum)


def reference_pool(einsum: Einsum, references: References) -> NestPool:
    """Nests of an einsum's fronts on reference accelerators; kept on disk.

    Raises:
        MappingError: the matrix unit does not compute the einsum's element types.
    """
    from catx.mapper.compile_kernels import compile_kernels

    einsum = einsum.canonical()
    key = fingerprint((_key(einsum), references.key))
    kept = _SHELF.load(key)
    if kept is not None:
        return NestPool.from_plain(kept)
    compile_kernels()
    pool, promising = NestPool(), None
    for accelerator in references.accelerators:
        forest = new_forest(einsum, accelerator)
        promising = forest.promising if promising is None else promising
        pool.seed(forest)
        _search(forest, promising)
        pool.add(forest)
    _SHELF.save(key, pool.to_plain())
    return pool


def _search(forest: Forest, unrollings: Sequence[Unrolling]) -> None:
    """Search trees of some unrollings for good nests."""
    forest.bound((kept, unrolling) for kept in range(len(forest.keeps)) for unrolling in unrollings)
    for step in PASSES:
        forest.search(step, forest.roots)


def round_pool(einsum: Einsum, references: References) -> NestPool:
    """Pools of the round sizes around an einsum: einsums of many sizes share a few.

    Raises:
        MappingError: see `reference_pool`.
    """
    pool = NestPool()
    for one in round_sizes(einsum):
        pool.join(reference_pool(one, references))
    return pool


def round_sizes(einsum: Einsum) -> tuple[Einsum, ...]:
    """The einsum with all extents rounded down, and up; itself where they are round, or where windows slide.

    Round are powers of two, and three times these.
    """
    if any(len(axis) > 1 or axis[0][1] != 1 for operand in einsum.operands for axis in operand.axes if axis):
        return (einsum,)
    ends = [_around(extent) for _, extent in einsum.dims]
    boxes = [tuple((dim, end[at]) for (dim, _), end in zip(einsum.dims, ends, strict=True)) for at in (0, 1)]
    return tuple(replace(einsum, dims=box) for box in dict.fromkeys(boxes))


def _around(extent: int) -> tuple[int, int]:
    """The largest round number that is not above an extent, and the least that is not below it."""
    power = 1 << (extent.bit_length() - 1)
    steps = power, power * 3 // 2, 2 * power
    return max(step for step in steps if step <= extent), min(step for step in steps if step >= extent)


class PooledPoint:
    """A nest of a pool on one accelerator (see `Point`): counts and mapping are made where they are wanted.

    Args:
        einsum: what is mapped.
        accelerator: the machine.
        pool: where the nest is from.
        way: 2 x its position there, 1 more where it keeps its factors.
        costs: its row of `seed_kernel.cost`, (N_COSTS,).
    """

    def __init__(
        self, einsum: Einsum, accelerator: Accelerator, pool: "NestPool", way: int, costs: Sequence[float]
    ) -> None:
        self._what = einsum, accelerator
        self._pool, self._way, self._costs = pool, way, costs

    @property
    def dynamic_energy_j(self) -> float:
        """See `Point`."""
        return self._costs[seed_kernel.ENERGY]

    @property
    def steady(self) -> Steady:
        """See `Point`."""
        costs, accelerator = self._costs, self._what[1]
        memories, links = len(accelerator.memories), len(accelerator.fanouts)
        read = costs[seed_kernel.READ : seed_kernel.READ + memories]
        written = costs[seed_kernel.WRITTEN : seed_kernel.WRITTEN + memories]
        return Steady(
            compute=costs[seed_kernel.COMPUTE],
            moved=tuple(zip(read, written, strict=True)),
            link=tuple(costs[seed_kernel.LINK : seed_kernel.LINK + links]),
        )

    def latency_s(self, accelerator: Accelerator) -> float:
        """See `Point`."""
        return self._costs[seed_kernel.CYCLES] / accelerator.clock_hz + accelerator.launch_s

    def energy_j(self, accelerator: Accelerator) -> float:
        """See `Point`."""
        return self.dynamic_energy_j + accelerator.static_w * self.latency_s(accelerator)

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
        _search(forest, forest.promising)
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
    ways = np.flatnonzero(np.isfinite(costs[:, seed_kernel.ENERGY])).tolist()
    found = [PooledPoint(einsum, accelerator, pool, way, costs[way].tolist()) for way in ways]
    pairs = [(point.energy_j(accelerator), point.latency_s(accelerator)) for point in found]
    corners = _apart(pairs, lower_hull(pairs)[::-1]) if found else []
    return tuple(found[at] for at in corners), len(found)


def _apart(costs: Sequence[tuple[float, float]], corners: Sequence[int]) -> list[int]:
    """The first and the last corner, and those in between that differ by `ALIKE` from the one before."""
    kept = [corners[0]]
    for at in corners[1:-1]:
        pairs = zip(costs[kept[-1]], costs[at], strict=True)
        if max(abs(new / old - 1.0) if old else 1.0 for old, new in pairs) > ALIKE:
            kept.append(at)
    return kept + ([corners[-1]] if len(corners) > 1 else [])
