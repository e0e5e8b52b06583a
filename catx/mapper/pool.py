"""Fronts in a millisecond or two: nests of a few reference accelerators, taken over and refined.

For searches over many accelerators of one kind. What is found depends on einsum, accelerator and references
alone, not on what was searched before; nothing is proved of it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from catx.content_cache import Shelf
from catx.costmodel.tiles_kernel import MAX_DIMS, MAX_ROWS
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.ir.fingerprint import fingerprint
from catx.mapper import seed_kernel
from catx.mapper.forest import Forest, Pass
from catx.mapper.front import UNKNOWN, Front, FrontPoint, lower_hull
from catx.mapper.limits import limits_of
from catx.mapper.store import hardware_of

FIRST, LAST = Pass(4.0, 0.02, 2, 1_000, 50, fills=True), Pass(1.5, 0.0, 4, 2_000, 1_000)
"""Passes over reference accelerators: over promising unrollings, and over what is promising at last."""

REFINE = Pass(1.2, 0.0, 4, 200, 60)
"""What other accelerators are searched for beyond nests that are known: trees of their own front."""

ALIKE = 0.01
"""Relative differences in energy and latency below which one of two corners is enough."""

_SHELF = Shelf("pools", ("mapper/*.py", "costmodel/*.py", "ir/*.py"))


_Nest = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Extents of a nest's einsum, (MAX_DIMS,), and the kernel's rows of the nest, (rows, 4)."""


class NestPool:
    """Nests that some accelerator's front had, each once, of einsums that differ in extents alone."""

    def __init__(self) -> None:
        self.known: dict[bytes, None] = {}
        self.nests = np.zeros((0, MAX_ROWS, 4), np.int64)
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

    def _add(self, nests: Iterable[_Nest]) -> None:
        new = []
        for extents, rows in nests:
            key = extents.tobytes() + rows.tobytes()
            if key not in self.known:
                self.known[key] = None
                new.append((extents, rows))
        if not new:
            return
        whole = np.zeros((len(new), MAX_ROWS, 4), np.int64)
        for target, (_, rows) in zip(whole, new, strict=True):
            target[: len(rows)] = rows
        self.nests = np.concatenate([self.nests, whole])
        self.n_rows = np.concatenate([self.n_rows, np.array([len(rows) for _, rows in new], np.int64)])
        self.extents = np.concatenate([self.extents, np.array([extents for extents, _ in new])])

    def _each(self) -> Iterator[_Nest]:
        for extents, nest, n in zip(self.extents, self.nests, self.n_rows.tolist(), strict=True):
            yield extents, nest[:n]

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


def reference_pool(einsum: Einsum, references: References) -> NestPool:
    """Nests of an einsum's fronts on reference accelerators; kept on disk.

    Raises:
        MappingError: the matrix unit does not compute the einsum's element types.
    """
    from catx.mapper.compile_kernels import compile_kernels

    einsum = einsum.canonical()
    key = fingerprint((einsum, references.key))
    kept = _SHELF.load(key)
    if kept is not None:
        return NestPool.from_plain(kept)
    compile_kernels()
    pool = NestPool()
    for accelerator in references.accelerators:
        forest = new_forest(einsum, accelerator)
        pool.seed(forest)
        forest.dive(first=(FIRST,), last=(LAST,), look=0, rounds=0)
        pool.add(forest)
    _SHELF.save(key, pool.to_plain())
    return pool


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


def pooled_front(einsum: Einsum, accelerator: Accelerator, pool: NestPool) -> Front:
    """What nests of a pool cost on an accelerator, after a short search around the best of them.

    Only corners of the front's hull are points, as the others are chosen by no sum or product of costs; and
    of corners that are alike only one.

    Raises:
        MappingError: no mapping fits.
    """
    from catx.costmodel.evaluate import evaluate, evaluate_rows  # numba is slow to import
    from catx.mapper.tree_search import search_front, unpack

    forest = new_forest(einsum, accelerator)
    pool.seed(forest)
    roots = forest.roots_on_front()
    forest.bound(roots)
    forest.search(REFINE, forest.rows_of(roots))
    tree, n = forest.tree, int(forest.tree["n_front"])
    if n:
        costs = list(zip(tree["front_energy"][:n].tolist(), tree["front_time"][:n].tolist(), strict=True))
        corners = _apart(costs, lower_hull(costs)[::-1])
        nests = [tree["front_nest"][i, : tree["front_rows"][i]] for i in corners]
        points = tuple(
            FrontPoint(
                unpack(rows, einsum, accelerator), evaluate_rows(einsum, rows, accelerator, forest.bench)
            )
            for rows in nests
        )
    else:
        mappings = search_front(einsum, accelerator, 0).mappings
        points = tuple(FrontPoint(one, evaluate(einsum, one, accelerator)) for one in mappings)
    return Front(points, int(tree["evaluated"]), int(tree["nodes"]), UNKNOWN, 0)


def _apart(costs: Sequence[tuple[float, float]], corners: Sequence[int]) -> list[int]:
    """The first and the last corner, and those in between that differ by `ALIKE` from the one before."""
    kept = [corners[0]]
    for at in corners[1:-1]:
        pairs = zip(costs[kept[-1]], costs[at], strict=True)
        if max(abs(new / old - 1.0) if old else 1.0 for old, new in pairs) > ALIKE:
            kept.append(at)
    return kept + ([corners[-1]] if len(corners) > 1 else [])
