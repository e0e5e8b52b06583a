"""The mapspace of an einsum as arrays: candidate tiles, allowed unrollings, roles that memories may keep."""

from itertools import product
from math import ceil, isqrt

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.legality import axis_dims
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import ROLES, Einsum
from catx.mapper.nests_kernel import MAX_TILES, SEARCH_STATE, State

Unrolling = tuple[tuple[int, int, int], ...]
"""Spatial loops as (axis, dim, factor), by axis."""


def useful_tiles(extent: int) -> list[int]:
    """Tile sizes that give an extent a trip count of its own, ascending: the smallest of each trip count."""
    root = isqrt(extent)
    trips = {*range(1, root + 2), *(ceil(extent / tile) for tile in range(1, root + 2))}
    return sorted({ceil(extent / trip) for trip in trips})


def thinned(values: list[int], ratio: float) -> list[int]:
    """Values of which each is at least `ratio` times the one before; first and last stay."""
    kept = values[:1]
    for value in values[1:-1]:
        if value >= kept[-1] * ratio:
            kept.append(value)
    return kept + values[len(values) - 1 :] if len(values) > 1 else kept


def new_state(einsum: Einsum, accelerator: Accelerator) -> State:
    """A search record with everything that may be chosen, but for tile sizes."""
    state = np.zeros(1, SEARCH_STATE)[0]
    allowed = allowed_unrollings(einsum, accelerator)
    state["allowed"][: allowed.shape[0], : allowed.shape[1]] = allowed
    for row, memory in enumerate(accelerator.memories):
        state["may"][row] = [role in memory.keeps for role in ROLES]
        state["must"][row] = [role in memory.keeps - memory.optional for role in ROLES]
    return state


def put_tiles(state: State, candidates: list[list[int]]) -> None:
    """Write the candidate tiles of each dim to a search record, thinned evenly where there are too many."""
    for row, values in enumerate(candidates):
        ratio = 1.0
        kept = values
        while len(kept) > MAX_TILES:
            ratio *= 1.02
            kept = thinned(values, ratio)
        state["tiles"][row, : len(kept)] = kept
        state["n_tiles"][row] = len(kept)


def allowed_unrollings(einsum: Einsum, accelerator: Accelerator) -> NDArray[np.bool_]:
    """Dims that each axis may unroll, (axes, dims)."""
    axes = [axis for fanout in accelerator.fanouts for axis in fanout.axes]
    dims = list(einsum.extents)
    table = [[dim in axis_dims(einsum, axis) for dim in dims] for axis in axes]
    return np.array(table, bool).reshape(len(axes), len(dims))


def tile_candidates(einsum: Einsum, accelerator: Accelerator) -> list[list[int]]:
    """For each dim: tiles that change a trip count, and multiples of what the axes unroll."""
    sizes = sorted({axis.size for fanout in accelerator.fanouts for axis in fanout.axes})
    candidates = []
    for extent in einsum.extents.values():
        values = set(useful_tiles(extent))
        for size in sizes:
            values.update(size * 2**power for power in range(extent.bit_length()) if size * 2**power < extent)
        candidates.append(sorted(values))
    return candidates


def unrollings(einsum: Einsum, accelerator: Accelerator, limit: int) -> list[Unrolling]:
    """Promising spatial unrollings, best occupancy first: one or two dims per axis, best factors."""
    axes = [axis for fanout in accelerator.fanouts for axis in fanout.axes]
    allowed = allowed_unrollings(einsum, accelerator)
    extents = list(einsum.extents.values())
    scored: dict[Unrolling, float] = {(): float(einsum.macs)}
    for index, axis in enumerate(axes):
        dims = [d for d in range(len(extents)) if allowed[index, d] and extents[d] > 1]
        grown: dict[Unrolling, float] = {}
        for base in scored:
            left = list(extents)
            for _, d, factor in base:
                left[d] = ceil(left[d] / factor)
            for choice in _axis_choices(index, axis.size, dims, left):
                unrolling = base + choice
                grown[unrolling] = _steps(unrolling, extents)
        scored = dict(sorted(grown.items(), key=lambda entry: (entry[1], entry[0]))[: 8 * limit])
    return list(dict.fromkeys([*_diverse(scored, limit), ()]))


def _axis_choices(axis: int, size: int, dims: list[int], left: list[int]) -> list[Unrolling]:
    """Ways to fill one axis: nothing, one dim, or two; a factor is the least that needs as few steps."""
    choices: list[Unrolling] = [()]
    choices.extend(((axis, d, _factor(left[d], size)),) for d in dims if left[d] > 1)
    for first, second in product(dims, dims):
        if first == second or left[second] == 1:
            continue
        for wanted in {left[first], *(2**power for power in range(1, size.bit_length()))}:
            factor = _factor(left[first], wanted)
            if factor > 1 and factor * 2 <= size:
                rest = _factor(left[second], size // factor)
                choices.append(((axis, first, factor), (axis, second, rest)))
    return list(dict.fromkeys(choices))


def _factor(extent: int, size: int) -> int:
    """The smallest trip count on `size` instances that leaves no more steps than all of them would."""
    steps = ceil(extent / min(size, extent))
    return ceil(extent / steps)


def _steps(unrolling: Unrolling, extents: list[int]) -> float:
    """Temporal iterations that an unrolling leaves."""
    left = list(extents)
    for _, d, factor in unrolling:
        left[d] = ceil(left[d] / factor)
    total = 1.0
    for extent in left:
        total *= extent
    return total


def _diverse(scored: dict[Unrolling, float], limit: int) -> list[Unrolling]:
    """The best unrolling of each set of dims per axis first, then the rest by steps."""
    ranked = sorted(scored, key=lambda unrolling: (scored[unrolling], unrolling))
    seen: set[tuple[tuple[int, int], ...]] = set()
    heads: list[Unrolling] = []
    rest: list[Unrolling] = []
    for unrolling in ranked:
        shape = tuple((axis, d) for axis, d, _ in unrolling)
        (rest if shape in seen else heads).append(unrolling)
        seen.add(shape)
    return (heads + rest)[:limit]
