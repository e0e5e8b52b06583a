"""The mapspace of an einsum as arrays: candidate tiles, allowed unrollings, roles that memories may keep."""

from math import ceil, isqrt

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.legality import axis_dims
from catx.costmodel.tiles_kernel import Bench
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import ROLES, Einsum
from catx.mapper import unroll_kernel
from catx.mapper.bounds import touched
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


def unrollings(einsum: Einsum, accelerator: Accelerator, bench: Bench, limit: int) -> list[Unrolling]:
    """Promising spatial unrollings by what they would cost if no capacity limited reuse, and none at all.

    Half of them promise the least EDP, the others the least latency or the least energy. Axes are filled the
    largest first, whatever their order in the description.
    """
    listed = np.zeros(1, unroll_kernel.UNROLL_STATE)[0]
    state = new_state(einsum, accelerator)
    for name in ("allowed", "may"):
        listed[name] = state[name]
    listed["touched"] = [touched(einsum, operand) for operand in einsum.operands]
    listed["static_w"], listed["second"] = accelerator.static_w, 1.0 / accelerator.clock_hz
    n_axes = int(bench["n_axes"])
    order = np.argsort(-bench["axis_size"][:n_axes], kind="stable")
    unroll_kernel.list_unrollings(bench, listed, order)
    chosen: dict[Unrolling, None] = {}
    for by, share in ((0, limit // 2), (1, limit // 4), (2, limit // 4)):
        found = listed["top"][by, : min(share, int(listed["n_top"][by])), :n_axes]
        chosen |= dict.fromkeys(_rows(picks) for picks in found.tolist())
    return list(chosen | {(): None})


def _rows(choices: list[list[int]]) -> Unrolling:
    """Spatial loops of a choice per axis."""
    return tuple(
        (axis, d, factor)
        for axis, (first, factor_1, second, factor_2) in enumerate(choices)
        for d, factor in ((first, factor_1), (second, factor_2))
        if d >= 0 and factor > 1
    )
