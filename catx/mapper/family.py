"""One einsum on many accelerators that differ in numbers alone: each search starts from what others found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.tiles_kernel import MAX_ROWS
from catx.errors import OptionError
from catx.ir.accelerator import Accelerator, Fanout
from catx.ir.einsum import Einsum
from catx.mapper import seed_kernel
from catx.mapper.forest import Forest, Lows, Pass
from catx.mapper.limits import limits_of

THOROUGH = 7
"""One of so many accelerators is searched for itself, before the others."""

FIRST, LAST = Pass(4.0, 0.02, 2, 4_000, 200, fills=True), Pass(1.5, 0.0, 4, 2_000, 1_000)
"""Passes of these searches over promising unrollings, and over what is promising at last."""

REFINE = Pass(1.2, 0.0, 4, 200, 60)
"""What the others are searched for beyond nests that are known: trees of their own front."""


@dataclass(frozen=True, slots=True)
class FamilyFront:
    """What was found for one accelerator, the fastest first.

    Attributes:
        energy_j: of each nest, static power included [J].
        latency_s: of each nest, with the launch of the op [s].
        left: all other nests cost at least as much as one of these pairs [J, s]; none are left: it is exact.
        nests: their rows, which `tree_search.unpack` makes mappings of.
    """

    energy_j: NDArray[np.float64]
    latency_s: NDArray[np.float64]
    left: Lows
    nests: tuple[NDArray[np.int64], ...]


def family_fronts(einsum: Einsum, accelerators: Sequence[Accelerator], budget: int) -> list[FamilyFront]:
    """Fronts of an einsum on accelerators with the same levels, axes and optional roles.

    The order of accelerators matters to what is found, but nothing else does.

    Args:
        einsum: what to map.
        accelerators: what to map it onto; capacities, rates, energies and static power may differ.
        budget: steps of each accelerator's proof.

    Raises:
        OptionError: an accelerator has other levels or axes than the first one.
        MappingError: the matrix unit does not compute the einsum's element types, or it is too large.
    """
    for accelerator in accelerators:
        if _shape(accelerator) != _shape(accelerators[0]):
            raise OptionError(
                f"{accelerator.name} is no family of {accelerators[0].name}: levels, axes or roles differ"
            )
    pool = _Pool()
    for accelerator in accelerators[::THOROUGH]:
        forest = _forest(einsum, accelerator, pool)
        forest.dive(first=(FIRST,), last=(LAST,), look=0)
        pool.add(forest)
    found = []
    for accelerator in accelerators:
        forest = _forest(einsum, accelerator, pool)
        roots = forest.roots_on_front()
        forest.bound(roots)
        forest.search(REFINE, forest.rows_of(roots))
        forest.prove(budget)
        pool.add(forest)
        found.append(_front(forest))
    return found


def _shape(accelerator: Accelerator) -> tuple[object, ...]:
    """What accelerators of a family have in common."""
    return tuple(
        (level.name, tuple((axis.name, axis.size, axis.dims) for axis in level.axes))
        if isinstance(level, Fanout)
        else (level.name, level.keeps, level.optional)
        for level in accelerator.levels
    )


class _Pool:
    """Nests that some accelerator's front had, each once."""

    def __init__(self) -> None:
        self.known: dict[bytes, None] = {}
        self.nests = np.zeros((0, MAX_ROWS, 4), np.int64)
        self.n_rows = np.zeros(0, np.int64)

    def add(self, forest: Forest) -> None:
        """Add the nests of a front."""
        tree, new = forest.tree, []
        for i in range(int(tree["n_front"])):
            key = tree["front_nest"][i, : tree["front_rows"][i]].tobytes()
            if key not in self.known:
                self.known[key] = None
                new.append(i)
        if new:
            self.nests = np.concatenate([self.nests, tree["front_nest"][new]])
            self.n_rows = np.concatenate([self.n_rows, tree["front_rows"][new]])


def _forest(einsum: Einsum, accelerator: Accelerator, pool: _Pool) -> Forest:
    """A search that knows the nests of a pool."""
    forest = Forest(einsum, accelerator, limits_of(einsum, accelerator, ()))
    seed_kernel.seed(forest.bench, forest.tree, pool.nests, pool.n_rows)
    return forest


def _front(forest: Forest) -> FamilyFront:
    tree, n = forest.tree, int(forest.tree["n_front"])
    order = np.argsort(tree["front_time"][:n], kind="stable")
    return FamilyFront(
        tree["front_energy"][order].copy(),
        tree["front_time"][order].copy(),
        forest.left,
        tuple(tree["front_nest"][i, : tree["front_rows"][i]].copy() for i in order),
    )
