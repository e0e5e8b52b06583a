"""What a mapping may choose, as numbers: spatial unrollings, and the roles that each memory keeps."""

from collections.abc import Iterator
from itertools import chain, combinations, islice

import numpy as np
from numpy.typing import NDArray

from catx.costmodel.legality import axis_dims
from catx.costmodel.tiles_kernel import Bench
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import ROLES, Einsum
from catx.mapper import unroll_kernel
from catx.mapper.bounds import touched
from catx.mapper.limits import Limits
from catx.mapper.tree_kernel import MAX_SPATIAL

Unrolling = tuple[tuple[int, int, int], ...]
"""Spatial loops as (axis, dim, factor), in this order; at most one per axis and dim."""

Kept = tuple[tuple[bool, ...], ...]
"""Whether a memory keeps a role, (memories, roles)."""


MAX_KEPT = 64
"""Choices of what memories keep that are searched."""

N_UNROLLINGS = 128
"""Spatial unrollings that a search starts from."""


def kept_roles(accelerator: Accelerator, limits: Limits) -> tuple[list[Kept], bool]:
    """Choices of what memories keep, and whether those are all: there are `MAX_KEPT` at most.

    First everything that they may, then everything but one role of one memory, and so on.
    """
    memories = accelerator.memories
    gone_anyway, optional = set[tuple[int, str]](), list[tuple[int, str]]()
    for m, memory in enumerate(memories):
        for r, role in enumerate(ROLES):
            if role in memory.optional and limits.kept[m, r] < 0:
                optional.append((m, role))
            elif role in memory.optional and limits.kept[m, r] == 0:
                gone_anyway.add((m, role))
    dropped = chain.from_iterable(combinations(optional, count) for count in range(len(optional) + 1))
    choices = [
        tuple(
            tuple(role in memory.keeps and (m, role) not in gone_anyway.union(gone) for role in ROLES)
            for m, memory in enumerate(memories)
        )
        for gone in islice(dropped, MAX_KEPT)
    ]
    return choices, 1 << len(optional) <= MAX_KEPT


def allowed_unrollings(einsum: Einsum, accelerator: Accelerator) -> NDArray[np.bool_]:
    """Dims that each axis may unroll, (axes, dims)."""
    axes = [axis for fanout in accelerator.fanouts for axis in fanout.axes]
    dims = list(einsum.extents)
    table = [[dim in axis_dims(einsum, axis) for dim in dims] for axis in axes]
    return np.array(table, bool).reshape(len(axes), len(dims))


def unrollings(
    bench: Bench, accelerator: Accelerator, einsum: Einsum, limits: Limits, allowed: NDArray[np.bool_]
) -> list[Unrolling]:
    """Promising spatial unrollings by what they would cost if no capacity limited reuse, and none at all.

    Half of them promise the least EDP, the others the least latency or the least energy. Axes are filled the
    largest first, whatever their order in the description. Factors are moved to what limits allow.
    """
    listed = np.zeros(1, unroll_kernel.UNROLL_STATE)[0]
    listed["allowed"][: allowed.shape[0], : allowed.shape[1]] = allowed
    for row, memory in enumerate(accelerator.memories):
        listed["may"][row] = [role in memory.keeps for role in ROLES]
    listed["touched"] = touched(einsum)
    listed["static_w"], listed["second"] = accelerator.static_w, 1.0 / accelerator.clock_hz
    n_axes = int(bench["n_axes"])
    order = np.argsort(-bench["axis_size"][:n_axes], kind="stable")
    unroll_kernel.list_unrollings(bench, listed, order)
    chosen: dict[Unrolling, None] = {}
    for by, share in ((0, N_UNROLLINGS // 2), (1, N_UNROLLINGS // 4), (2, N_UNROLLINGS // 4)):
        found = listed["top"][by, : min(share, int(listed["n_top"][by])), :n_axes]
        chosen |= dict.fromkeys(_rows(picks) for picks in found.tolist())
    within = (_within(unrolling, bench, limits) for unrolling in [*chosen, ()])
    return list(dict.fromkeys(unrolling for unrolling in within if unrolling is not None))


def _within(unrolling: Unrolling, bench: Bench, limits: Limits) -> Unrolling | None:
    """An unrolling with factors moved to what limits allow; None if there is no room for so many loops."""
    if limits.obey(unrolling):
        return unrolling
    factors = np.ones(limits.factor.shape[:2], np.int64)
    for axis, d, factor in unrolling:
        factors[axis, d] = factor
    factors = np.clip(factors, limits.factor[..., 0], limits.factor[..., 1])
    if np.any(np.prod(factors, axis=1) > bench["axis_size"][: len(factors)]):
        factors = limits.factor[..., 0]
    rows = tuple((axis, d, int(factors[axis, d])) for axis, d in np.argwhere(factors > 1).tolist())
    return rows if len(rows) <= MAX_SPATIAL else None


def _rows(choices: list[list[int]]) -> Unrolling:
    """Spatial loops of a choice per axis."""
    return tuple(
        sorted(
            (axis, d, factor)
            for axis, (first, factor_1, second, factor_2) in enumerate(choices)
            for d, factor in ((first, factor_1), (second, factor_2))
            if d >= 0 and factor > 1
        )
    )


def neighbours(unrolling: Unrolling, allowed: NDArray[np.bool_], bench: Bench) -> Iterator[Unrolling]:
    """Unrollings that differ in one factor: none, half, one less, one more, double, all that fits."""
    factors = {(axis, d): factor for axis, d, factor in unrolling}
    for axis, d in np.argwhere(allowed).tolist():
        others = {place: factor for place, factor in factors.items() if place != (axis, d)}
        room, left = int(bench["axis_size"][axis]), int(bench["extents"][d])
        for (other, dim), factor in others.items():
            room //= factor if other == axis else 1
            left = -(-left // factor) if dim == d else left
        now, most = factors.get((axis, d), 1), min(room, left)
        tried = {now}
        for factor in (1, now // 2, now * 3 // 4, now - 1, now + 1, now * 3 // 2, now * 2, most // 2, most):
            if not 1 <= factor <= most:
                continue
            least = -(-left // -(-left // factor))  # the smallest with as few steps
            if least not in tried:
                tried.add(least)
                changed = others | {(axis, d): least}
                found = tuple(sorted((a, dim, f) for (a, dim), f in changed.items() if f > 1))
                if len(found) <= MAX_SPATIAL:
                    yield found
