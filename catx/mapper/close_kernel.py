"""Compiled costs of one store of a nest, at least: those of tiles that are as even as can be.

Never more than those of real nests, whatever their tiles and however many of their instances are idle.
"""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import (
    BUSIEST,
    INNERMOST,
    N_ROLES,
    NONE,
    OUT,
    SPATIAL,
    TOTAL,
    Bench,
)
from catx.mapper.factor_kernel import ceil_div
from catx.mapper.tree_kernel import CLOSED, EVERY, LARGE, ONE, STRIDED, ZERO, Frame, Tree


@kernel
def span(w: Bench, role: int, x: Any) -> float:
    """Elements of a tile with extents x."""
    elements = 1.0
    for axis in range(w.n_tensor_axes[role]):
        span = 1
        for d in range(w.n_dims):
            if w.axis_of[role, d] == axis:
                span += w.coeff[role, d] * (x[d] - 1)
        elements *= span
    return elements


@kernel
def touched_along(w: Bench, s: Tree, role: int, axis: int, zone: int) -> float:
    """Elements along an axis that one instance of a zone touches at least."""
    span, distinct, dense, low = 1, 1, True, ZERO
    while True:  # by coefficient, from the smallest: no holes as long as each step is within reach
        coeff = LARGE
        for d in range(w.n_dims):
            if w.axis_of[role, d] == axis and low < w.coeff[role, d] < coeff:
                coeff = w.coeff[role, d]
        if coeff == LARGE:
            return float(span if dense else distinct)
        for d in range(w.n_dims):
            if w.axis_of[role, d] == axis and w.coeff[role, d] == coeff:
                dense = dense and (s.full[zone, d] == 1 or coeff <= span)
                span += coeff * (s.full[zone, d] - 1)
                distinct += s.full[zone, d] - 1
        low = coeff


@kernel
def chain_count(w: Bench, s: Tree, d: int, low: int, high: int, role: int, pivot: int, scope: int) -> float:
    """Tiles of a dim at least, all its loops being known: those from `low` on, temporal ones from `high` on.

    From the outside in there are `tiles` parts, of which `whole` are whole tiles, and one more has `rest`
    elements at least; others may be cut off anywhere.
    """
    tiles, whole, rest, over = 1.0, 0.0, float(w.extents[d]), 1.0
    for k in range(s.n_of[d] - 1, low - 1, -1):
        row = s.links[d, k]
        least = s.lo[s.links[d, k - 1]] if k > 0 else 1
        most = s.hi[s.links[d, k - 1]] if k > 0 else 1
        shares, parts, cut = k < high, ceil_div(s.lo[row], most), s.lo[row] // most
        if s.rows[row, 0] == SPATIAL:
            axis, parts = s.rows[row, 2], s.trips[row]
            cut = parts - 1
            if w.axis_link[axis] < pivot:
                shares = scope == BUSIEST
            else:
                shares = w.axis_of[role, d] < 0 and ((w.axis_shares[axis] >> role) & 1) == 1
            over *= parts if shares else 1
        if shares:
            rest = min(rest, float(least))
        else:
            full = np.floor(rest / most)
            left = rest - full * most
            tiles += whole * (parts - 1) + full - (0.0 if left > 0.0 else 1.0)
            whole = whole * cut + full
            rest = min(float(least), left) if left > 0.0 else 1.0
        if k >= high:
            tiles = max(tiles, np.ceil(w.extents[d] / (most * over) - 1e-9))
    return tiles


@kernel
def _count(
    w: Bench, s: Tree, role: int, d: int, x: int, store_zone: int, zone: int, pivot: int, scope: int
) -> float:
    """Tiles of a dim that a store visits at least, with `x` per step in `zone`; seen from zone `pivot`.

    From the store outwards, `tiles` is what a whole step holds, and `share` what each element adds to the
    visits at least, since a step may be cut off anywhere. Instances that one access serves divide the sum.
    """
    if s.chained:
        return float(chain_count(w, s, d, s.below[d], s.closed[d], role, pivot, scope))
    tiles, over = 1.0, 1.0
    share = 1.0 / x if zone >= store_zone else 1.0 / s.left[store_zone, d]
    for f in range(store_zone - 1, -1, -1):
        first, who = 1.0, EVERY
        if f < pivot:
            if scope == BUSIEST:
                first = s.factor[f, d]
                over *= s.free[f, d]
        elif w.axis_of[role, d] < 0:
            first, who = s.shared[f, role, d], role
            over *= s.free_shared[f, role, d]
        if first < s.factor[f, d]:
            tiles = tiles * s.mul[f, who, d] + s.add[f, who, d]
        if f < zone:
            over *= first
        elif s.outer[f] < s.outer[f + 1]:
            steps = x if s.outer[f] == zone else s.left[s.outer[f], d]
            if first > 1.0 or steps > s.entered[f, d]:
                share = min(share, tiles / steps)
    exact: float = w.extents[d] * share / over
    if s.any and not s.real:
        return tiles  # a store that zones further out keep in place until all has grown
    return exact if s.real else max(tiles, np.ceil(exact - 1e-9))


@kernel
def _overlaps(
    w: Bench, s: Tree, role: int, axis: int, store_zone: int, zone: int, pivot: int, scope: int
) -> float:
    """How many more elements than it touches a store visits along an axis of windows that does not slide.

    The more tiles of one dim, the more overlap between them, but the fewer holes: the least is at a corner.
    """
    corners = 1
    for d in range(w.n_dims):
        if w.axis_of[role, d] == axis:
            corners *= 2
    if s.windows[role, axis] != STRIDED:
        corners = 1
    least = np.inf
    for corner in range(corners):
        tiles, covered, bit = 1.0, 0.0, 1
        for d in range(w.n_dims):
            if w.axis_of[role, d] == axis:
                extent = float(w.extents[d] if scope == TOTAL else s.full[pivot, d])
                count = _count(w, s, role, d, s.at[d], store_zone, zone, pivot, scope)
                if corner & bit:
                    count = max(count, extent)
                bit *= 2
                covered = covered * count + w.coeff[role, d] * max(0.0, extent - count) * tiles
                tiles *= count
        least = min(least, tiles + covered)
    touched: float = s.along[role, axis, ZERO if scope == TOTAL else pivot]
    return max(1.0, least / touched)


@kernel
def has_windows(w: Bench, s: Tree, roles: int, kind: int) -> bool:
    """Whether some role of a set has an axis of several dims: any (DENSE), or one with holes (STRIDED)."""
    for role in range(N_ROLES):
        if (roles >> role) & 1:
            for axis in range(w.n_tensor_axes[role]):
                if s.windows[role, axis] >= kind:
                    return True
    return False


@kernel
def _visits(w: Bench, s: Tree, role: int, store_zone: int, zone: int, pivot: int, scope: int) -> float:
    """V of docs/cost-model.md at least, of a store that closes at the extents `s.at` of a zone.

    Windows slide along one axis at most; along the others neighbours' overlaps are fetched again. Smaller
    tiles have fewer holes where windows are strided, so there `s.any` counts what is touched alone. The
    matrix unit, `store_zone` INNERMOST, holds nothing: each operation is a visit.
    """
    unit = store_zone == INNERMOST
    total: float = s.size[role, pivot, scope]
    if unit:
        store_zone, total = w.n_links, 1.0
        for d in range(w.n_dims):
            if w.axis_of[role, d] >= 0 and s.chained and scope == BUSIEST:
                total *= chain_count(w, s, d, ZERO, ZERO, role, pivot, BUSIEST)
            elif w.axis_of[role, d] >= 0:
                total *= w.extents[d] if scope == TOTAL else s.full[pivot, d]
    for d in range(w.n_dims):
        if w.axis_of[role, d] < 0:
            total *= _count(w, s, role, d, s.at[d], store_zone, zone, pivot, scope)
    more, most = 1.0, 1.0
    for axis in range(w.n_tensor_axes[role]):
        if s.windows[role, axis] and not unit and not (s.any and s.windows[role, axis] == STRIDED):
            factor = _overlaps(w, s, role, axis, store_zone, zone, pivot, scope)
            more, most = more * factor, max(most, factor)
    return float(total * more / most)


@kernel
def _chain_instances(w: Bench, s: Tree, d: int, zone: int, most: float) -> float:
    """Instances of a zone that work on different parts of a dim, at most, all its loops being known.

    They are as many as in the first step of each temporal loop, which is a whole one.
    """
    full, rest = 0, w.extents[d]  # parts that may be whole tiles, and the elements of the last part
    for k in range(s.n_of[d] - 1, -1, -1):
        row = s.links[d, k]
        tile = s.lo[s.links[d, k - 1]] if k > 0 else 1
        if s.lo[row] != s.hi[row] or (k > 0 and tile != s.hi[s.links[d, k - 1]]):
            return most
        if s.rows[row, 0] != SPATIAL:
            rest = min(rest, tile)
            continue
        if w.axis_link[s.rows[row, 2]] >= zone:
            break
        whole = rest // tile
        full = full * s.trips[row] + whole
        rest -= whole * tile
    return min(most, float(full + (1 if rest > 0 else 0)))


@kernel
def instances(w: Bench, s: Tree, zone: int) -> float:
    """Instances of a zone that share one output element, at most."""
    total = 1.0
    for d in range(w.n_dims):
        if w.axis_of[OUT, d] < 0:
            most = 1.0
            for f in range(zone):
                most *= s.factor[f, d] * s.free[f, d]
            total *= _chain_instances(w, s, d, zone, most) if s.chained and most > 1.0 else most
    return total


@kernel
def reduced(w: Bench, s: Tree, store_zone: int, link: int) -> bool:
    """Whether results of a store can be final further out: where they are stored (NONE), or at a fanout."""
    for f in range(store_zone):
        for d in range(w.n_dims):
            if w.axis_of[OUT, d] >= 0 or s.factor[f, d] == 1.0:
                continue
            if link < 0 or f < link or s.shared[f, OUT, d] != s.factor[f, d]:
                return False
    return True


@kernel
def _held(w: Bench, s: Tree, zone: int, scope: int) -> float:
    """D of docs/cost-model.md for stores of a zone."""
    held: float = s.size[OUT, zone, scope]
    return held * instances(w, s, zone) if scope == TOTAL else held


@kernel
def _cost_parent(w: Bench, s: Tree, parent: int, role: int, served: float, scope: int) -> None:
    """What a parent reads and writes for `served` elements."""
    width, wide, zone = w.width[role], w.accumulator, s.zone_of[parent]
    read, written = served * width, 0.0
    if role == OUT:
        held = min(served, _held(w, s, zone, scope))
        done = held if reduced(w, s, zone, NONE) else 0.0
        read, written = (served - held) * wide, (served - done) * wide + done * width
        if scope == TOTAL:
            s.part_final = ONE if served <= done * (1.0 + 1e-9) else ZERO
    if scope == BUSIEST:
        s.part_read[parent] += read
        s.part_written[parent] += written
    else:
        s.part_energy += read * w.read_j[parent] + written * w.write_j[parent]


@kernel
def _cost_child(w: Bench, s: Tree, child: int, role: int, visited: float, scope: int) -> None:
    """What a store reads and writes on its parent's side."""
    width, wide, zone = w.width[role], w.accumulator, s.zone_of[child]
    read, written = 0.0, visited * width
    if role == OUT:
        held = min(visited, _held(w, s, zone, scope))
        done = held if reduced(w, s, zone, NONE) else 0.0
        read, written = (visited - done) * wide + done * width, (visited - held) * wide
    if scope == BUSIEST:
        s.part_read[child] += read
        s.part_written[child] += written
        if w.overlap_only == 0 and not w.double[child]:
            s.part_stopped += written / w.write_rate[child] + read / w.read_rate[child]
    else:
        s.part_energy += read * w.read_j[child] + written * w.write_j[child]


@kernel
def _cost_link(w: Bench, s: Tree, f: int, role: int, crossed: float, store_zone: int, scope: int) -> None:
    """What crosses a fanout for `crossed` elements."""
    width, wide = w.width[role], w.accumulator
    moved = crossed * width
    if role == OUT:
        known = s.size[OUT, f, scope]
        for d in range(w.n_dims):
            if w.axis_of[OUT, d] >= 0:
                continue
            for g in range(store_zone):
                if g >= f:
                    known *= s.factor[g, d] / s.shared[g, OUT, d] * s.free[g, d]
                elif scope == TOTAL:
                    known *= s.factor[g, d] * s.free[g, d]
        known = min(crossed, known)
        done = known if reduced(w, s, store_zone, f) else 0.0
        moved = (2.0 * crossed - known - done) * wide + done * width
    if scope == BUSIEST:
        s.part_crossed[f] += moved
    else:
        s.part_energy += moved * w.link_j[f]


@kernel
def cost_store(w: Bench, s: Tree, child: int, role: int, zone: int) -> None:
    """Costs of a store that closes at the extents `s.at` of a zone; child -1: the matrix unit."""
    s.part_energy = s.part_stopped = 0.0
    for m in range(w.n_memories):
        s.part_read[m] = s.part_written[m] = 0.0
    for f in range(w.n_links):
        s.part_crossed[f] = 0.0
    parent = s.parent[child, role] if child >= 0 else s.inner[role]
    store_zone = s.zone_of[child] if child >= 0 else INNERMOST
    outer, last = s.fanouts[parent], s.fanouts[child] if child >= 0 else w.n_links
    for scope in range(2):
        if child >= 0:
            _cost_child(w, s, child, role, _visits(w, s, role, store_zone, zone, store_zone, scope), scope)
        _cost_parent(w, s, parent, role, _visits(w, s, role, store_zone, zone, outer, scope), scope)
        for f in range(outer, last):
            if w.link_j[f] > 0.0 or w.link_rate[f] < np.inf:
                crossed = _visits(w, s, role, store_zone, zone, f, scope)
                _cost_link(w, s, f, role, crossed, last, scope)


@kernel
def close_store(w: Bench, s: Tree, fr: Frame, m: int, role: int) -> None:
    """A store is done at the extents `s.at` of the frame's zone."""
    cost_store(w, s, m, role, fr.zone)
    fr.energy += s.part_energy - s.least[m, role]
    for i in range(w.n_memories):
        fr.read[i] += s.part_read[i] - s.least_read[m, role, i]
        fr.written[i] += s.part_written[i] - s.least_written[m, role, i]
    for f in range(w.n_links):
        fr.crossed[f] += s.part_crossed[f] - s.least_crossed[m, role, f]
    fr.edges += s.part_stopped - s.least_stopped[m, role]
    fr.placed[m, role] = CLOSED
    if m == s.stopping:
        visits = 1.0
        for d in range(w.n_dims):
            visits *= ceil_div(s.full[fr.zone, d], s.at[d])
        fr.changes = min(fr.changes, visits)
    if role == OUT:
        fr.final[s.parent[m, role]] = s.part_final


@kernel
def add_parts(w: Bench, s: Tree, fr: Frame) -> None:
    """Add what `cost_store` found to a frame."""
    fr.energy += s.part_energy
    for i in range(w.n_memories):
        fr.read[i] += s.part_read[i]
        fr.written[i] += s.part_written[i]
    for f in range(w.n_links):
        fr.crossed[f] += s.part_crossed[f]
