"""Pools of nests that a few reference accelerators of one kind take, for others of that kind to take over."""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from catx.content_cache import Shelf
from catx.costmodel.pack import new_bench
from catx.costmodel.tiles_kernel import MAX_DIMS
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.ir.fingerprint import fingerprint
from catx.mapper import seed_kernel
from catx.mapper.forest import Forest, Pass
from catx.mapper.limits import limits_of
from catx.mapper.mapspace import Unrolling
from catx.mapper.store import hardware_of
from catx.mapper.tree_kernel import AIM_TIME

PASSES = Pass(2.0, 0.0, 6, 1_200, 60), Pass(2.0, 0.0, 6, 300, 60, aim=AIM_TIME)
"""Over promising unrollings of reference accelerators. Factors of two did better than finer ones in as much
time, as nests that others can take over count, not the last percent of one: the least EDP on other machines
was 2.8 % above that of full searches, with factors of 1.5 it was 5.5 % (mean of 104 einsums of CLIP, three
references)."""

_SHELF = Shelf("pools", ("mapper/*.py", "costmodel/*.py", "ir/*.py"))


_Numbers = NDArray[np.int64]

_Nest = tuple[_Numbers, _Numbers]
"""Extents of a nest's einsum, (MAX_DIMS,), and the kernel's rows of the nest, (rows, 4)."""


class NestPool:
    """Nests that some accelerator's front had, each once, of einsums that differ in extents alone."""

    def __init__(self) -> None:
        self.nests: _Numbers = np.zeros((0, 0, 4), np.int64)
        self.n_rows: _Numbers = np.zeros(0, np.int64)
        self.extents: _Numbers = np.zeros((0, MAX_DIMS), np.int64)

    def add(self, forest: Forest) -> None:
        """Add the nests of a front."""
        tree, extents = forest.tree, forest.bench["extents"]
        n_rows = tree["front_rows"][: int(tree["n_front"])].tolist()
        self._add((extents, tree["front_nest"][i, :n]) for i, n in enumerate(n_rows))

    @classmethod
    def joined(cls, pools: Sequence[Self]) -> Self:
        """The nests of several pools, each of an einsum with other extents: none is in two of them."""
        if len(pools) == 1:
            return pools[0]
        found = cls()
        longest = max(pool.nests.shape[1] for pool in pools)
        found.nests = np.zeros((sum(len(pool.n_rows) for pool in pools), longest, 4), np.int64)
        found.n_rows = np.concatenate([pool.n_rows for pool in pools])
        found.extents = np.concatenate([pool.extents for pool in pools])
        at = 0
        for pool in pools:
            found.nests[at : at + len(pool.n_rows), : pool.nests.shape[1]] = pool.nests
            at += len(pool.n_rows)
        return found

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
        whole = np.zeros((len(every), longest, 4), np.int64)  # no longer than needed: there are many pools
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
        """Its arrays for JSON: types, shapes, and numbers as Base64, as searches read thousands of pools."""
        return [_packed(array) for array in (self.nests, self.n_rows, self.extents)]

    @classmethod
    def from_plain(cls, data: Sequence[Any]) -> Self:
        """The pool of such arrays."""
        pool = cls()
        pool.nests, pool.n_rows, pool.extents = (
            np.frombuffer(b64decode(numbers), kind).astype(np.int64).reshape(shape)
            for kind, shape, numbers in data
        )
        return pool


def _packed(array: _Numbers) -> list[Any]:
    """An array in the narrowest type that holds its numbers."""
    kind = next(kind for kind in ("<i2", "<i4", "<i8") if np.array_equal(array.astype(kind), array))
    return [kind, list(array.shape), b64encode(array.astype(kind).tobytes()).decode()]


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
        search_unrollings(forest, promising)
        pool.add(forest)
    _SHELF.save(key, pool.to_plain())
    return pool


def search_unrollings(forest: Forest, unrollings: Sequence[Unrolling]) -> None:
    """Search trees of some unrollings for good nests."""
    forest.bound((kept, unrolling) for kept in range(len(forest.keeps)) for unrolling in unrollings)
    for step in PASSES:
        forest.search(step, forest.roots)


@lru_cache(maxsize=4096)
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
