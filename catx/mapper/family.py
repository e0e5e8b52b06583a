"""One einsum on many accelerators that differ in numbers alone: each search starts from what others found."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catx.errors import OptionError
from catx.ir.accelerator import Accelerator, Fanout
from catx.ir.einsum import Einsum
from catx.mapper.forest import Forest, Lows, Pass
from catx.mapper.pool import NestPool, new_forest

FIRST, LAST = Pass(4.0, 0.02, 2, 1_000, 50, fills=True), Pass(1.5, 0.0, 4, 2_000, 1_000)
"""Passes over accelerators that are searched for themselves: over promising unrollings, and over what is
promising at last."""

REFINE = Pass(1.2, 0.0, 4, 200, 60)
"""What the others are searched for beyond nests that are known: trees of their own front."""

THOROUGH = 7
"""One of so many accelerators is searched for itself, before the others."""


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
        if shape_of(accelerator) != shape_of(accelerators[0]):
            raise OptionError(
                f"{accelerator.name} is no family of {accelerators[0].name}: levels, axes or roles differ"
            )
    pool = NestPool()
    for accelerator in accelerators[::THOROUGH]:
        forest = new_forest(einsum, accelerator)
        pool.seed(forest)
        forest.dive(first=(FIRST,), last=(LAST,), look=0)
        pool.add(forest)
    found = []
    for accelerator in accelerators:
        forest = new_forest(einsum, accelerator)
        pool.seed(forest)
        roots = forest.roots_on_front()
        forest.bound(roots)
        forest.search(REFINE, forest.rows_of(roots))
        forest.prove(budget)
        pool.add(forest)
        found.append(_front(forest))
    return found


def shape_of(accelerator: Accelerator) -> tuple[object, ...]:
    """What accelerators of a family have in common."""
    return tuple(
        (level.name, tuple((axis.name, axis.size, axis.dims) for axis in level.axes))
        if isinstance(level, Fanout)
        else (level.name, level.keeps, level.optional)
        for level in accelerator.levels
    )


def _front(forest: Forest) -> FamilyFront:
    tree, n = forest.tree, int(forest.tree["n_front"])
    order = np.argsort(tree["front_time"][:n], kind="stable")
    return FamilyFront(
        tree["front_energy"][order].copy(),
        tree["front_time"][order].copy(),
        forest.left,
        tuple(tree["front_nest"][i, : tree["front_rows"][i]].copy() for i in order),
    )
