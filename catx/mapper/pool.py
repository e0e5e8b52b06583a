"""Fronts in a millisecond or two: nests of a few reference accelerators, taken over and refined.

For searches over many accelerators of one kind. What is found depends on einsum, accelerator and references
alone, not on what was searched before; nothing is proved of it.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from catx.content_cache import Shelf
from catx.costmodel.tiles_kernel import MAX_ROWS
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.ir.fingerprint import fingerprint
from catx.mapper import seed_kernel
from catx.mapper.forest import Forest, Pass
from catx.mapper.front import UNKNOWN, Front, FrontPoint, lower_hull
from catx.mapper.limits import limits_of
from catx.mapper.store import hardware_of

FIRST, LAST = Pass(4.0, 0.02, 2, 4_000, 200, fills=True), Pass(1.5, 0.0, 4, 2_000, 1_000)
"""Passes over reference accelerators: over promising unrollings, and over what is promising at last."""

REFINE = Pass(1.2, 0.0, 4, 200, 60)
"""What other accelerators are searched for beyond nests that are known: trees of their own front."""

ALIKE = 0.01
"""Relative differences in energy and latency below which one of two corners is enough."""

_SHELF = Shelf("pools", ("mapper/*.py", "costmodel/*.py", "ir/*.py"))


class NestPool:
    """Nests that some accelerator's front had, each once."""

    def __init__(self) -> None:
        self.known: dict[bytes, None] = {}
        self.nests = np.zeros((0, MAX_ROWS, 4), np.int64)
        self.n_rows = np.zeros(0, np.int64)

    def add(self, forest: Forest) -> None:
        """Add the nests of a front."""
        tree = forest.tree
        self._add([tree["front_nest"][i, : tree["front_rows"][i]] for i in range(int(tree["n_front"]))])

    def seed(self, forest: Forest) -> None:
        """Enter the nests that are legal on a forest's accelerator into its front."""
        seed_kernel.seed(forest.bench, forest.tree, self.nests, self.n_rows)

    def _add(self, nests: Sequence[Any]) -> None:
        new = []
        for rows in nests:
            key = rows.tobytes()
            if key not in self.known:
                self.known[key] = None
                new.append(rows)
        if not new:
            return
        whole = np.zeros((len(new), MAX_ROWS, 4), np.int64)
        for target, rows in zip(whole, new, strict=True):
            target[: len(rows)] = rows
        self.nests = np.concatenate([self.nests, whole])
        self.n_rows = np.concatenate([self.n_rows, np.array([len(rows) for rows in new], np.int64)])

    def to_plain(self) -> list[Any]:
        """Nests as lists, for JSON."""
        return [nest[:n].tolist() for nest, n in zip(self.nests, self.n_rows.tolist(), strict=True)]

    @classmethod
    def from_plain(cls, data: Sequence[Any]) -> Self:
        """The pool of such lists."""
        pool = cls()
        pool._add([np.array(rows, np.int64).reshape(-1, 4) for rows in data])
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
        forest.dive(first=(FIRST,), last=(LAST,), look=0)
        pool.add(forest)
    _SHELF.save(key, pool.to_plain())
    return pool


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
