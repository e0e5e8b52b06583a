"""Compiled list of all spatial unrollings whose trees may improve a front."""

from typing import Any

import numpy as np

from catx.costmodel.jit import inlined, kernel
from catx.costmodel.tiles_kernel import MAX_AXES, MAX_DIMS, N_ROLES, NONE, Bench
from catx.mapper.factor_kernel import ceil_div
from catx.mapper.front_kernel import beaten
from catx.mapper.low_kernel import enter_low
from catx.mapper.promise_kernel import bound, prepare_least, prepare_slopes, put_kept, use_axes
from catx.mapper.squeeze_kernel import squeezed
from catx.mapper.tree_kernel import MAX_SPATIAL, ZERO, Tree

MAX_ROOTS = 1 << 14
"""Unrollings that one call lists."""

ROOTS = np.dtype(
    [
        ("place", "i8", (MAX_AXES * MAX_DIMS, 2)),  # axis and dim that may be unrolled there, axis by axis
        ("n_places", "i8"),
        ("factor", "i8", MAX_AXES * MAX_DIMS),  # the unrolling at hand
        ("last", "i8"),  # the largest factor at its last place: a range is at hand
        ("at", "i8"),  # the place whose factors come next, -1: start anew
        ("next", "i8", MAX_AXES * MAX_DIMS),  # the least factor of each place that is still to be tried
        ("most", "i8", MAX_AXES * MAX_DIMS),  # the largest
        ("width", "i8", MAX_AXES * MAX_DIMS),  # how many are tried together
        ("energy", "f8"),  # [J] that nothing with the factors at hand beats
        ("time", "f8"),  # [s]
        ("kept", "i8"),  # which choice of what memories keep they are listed for
        ("crowded", "i8"),  # whether unrollings were left out that there is no room for
        ("n", "i8"),  # listed by this call
        (
            "order",
            "i8",
            MAX_SPATIAL,
        ),  # of the loops at hand: those over one dim at one fanout follow each other
        ("stop", "i8", MAX_SPATIAL),  # where these end
        ("slack", "f8"),  # bounds count as more by this ratio
        ("slowest", "f8"),  # [s]: unrollings that take longer are left out
        ("fastest", "f8"),  # [s]: unrollings that take no longer are known already
    ]
)
"""What may be unrolled, and what is at hand."""

Roots = Any
"""A ROOTS record."""

ROOM = 1 << 10
"""For orders of the loops of one unrolling."""


@kernel
def _axis_room(w: Bench, r: Roots, axis: int, n_places: int) -> int:
    """What the factors at the first places leave of an axis."""
    room = w.axis_size[axis]
    for i in range(n_places):
        if r.place[i, 0] == axis:
            room //= r.factor[i]
    return int(room)


@kernel
def room(w: Bench, s: Tree, r: Roots, place: int) -> int:
    """The largest factor at a place, beside those at the places before."""
    d, extent = r.place[place, 1], w.extents[r.place[place, 1]]
    link = w.axis_link[r.place[place, 0]]
    for i in range(place):
        further = w.axis_link[r.place[i, 0]] < link  # at one fanout the loops may stand either way
        if further and r.place[i, 1] == d and r.factor[i] > 1:
            extent = (extent - 1) // (r.factor[i] - 1)
    most = s.factor_most[r.place[place, 0], d]
    return int(min(_axis_room(w, r, r.place[place, 0], place), extent, most))


@kernel
def _n_used(r: Roots, place: int) -> int:
    """Places up to one whose factors are above 1."""
    used = 0
    for i in range(place + 1):
        used += 1 if r.factor[i] > 1 else 0
    return used


@kernel
def _goes_on(r: Roots, n_places: int) -> bool:
    """Whether the axis of the last of the first places has more of them."""
    return bool(0 < n_places < r.n_places and r.place[n_places, 0] == r.place[n_places - 1, 0])


@kernel
def _free_dim(w: Bench, s: Tree, axis: int, d: int, most: float) -> None:
    """A dim may have up to so many times more instances along an axis."""
    link = w.axis_link[axis]
    s.free[link, d] *= most
    for role in range(N_ROLES):
        if w.axis_of[role, d] < 0 and (w.axis_shares[axis] >> role) & 1:
            s.free_shared[link, role, d] *= most


@kernel
def _free_axes(w: Bench, s: Tree, r: Roots, start: int) -> None:
    """What axes have left for the places from `start` on, and for larger factors at the one before."""
    use_axes(w, s)
    axis = NONE
    if start > 0:
        last = start - 1
        stretch = 1.0
        if r.last > r.factor[last]:
            stretch = r.last / r.factor[last] * (1.0 + 1e-12)
        _free_dim(w, s, r.place[last, 0], r.place[last, 1], stretch)
        s.free_units = stretch
        if _goes_on(r, start):
            axis = r.place[last, 0]
            rest = _axis_room(w, r, axis, start)
            s.free_units = _axis_room(w, r, axis, last) / r.factor[last]
    for place in range(start, r.n_places):
        d = r.place[place, 1]
        if r.place[place, 0] != axis:
            axis = r.place[place, 0]
            rest = _axis_room(w, r, axis, start)
            s.free_units *= rest
        _free_dim(w, s, axis, d, min(rest, w.extents[d]))


@kernel
def bound_places(w: Bench, s: Tree, frames: Any, r: Roots, n_places: int) -> tuple[float, float]:
    """Energy [J] and latency [s] that no nest beats whose factors at the first places are those at hand.

    That at the last one of these may be anything up to `r.last`.

    Loops over one dim at one fanout may stand in any order: fewest instances are sure to be busy if those of
    most steps stand innermost, so rows come by falling factors.
    """
    n = 0
    for place in range(n_places):
        if r.factor[place] > 1:
            i = n
            while i > 0 and s.spatial[i - 1, 2] < r.factor[place]:
                for column in range(3):
                    s.spatial[i, column] = s.spatial[i - 1, column]
                i -= 1
            s.spatial[i, 0], s.spatial[i, 1] = r.place[place, 0], r.place[place, 1]
            s.spatial[i, 2] = r.factor[place]
            n += 1
    s.n_spatial = n
    _free_axes(w, s, r, n_places)
    s.nodes += 1
    energy, time = prepare_least(w, s, frames)
    if energy < np.inf and not beaten(s, energy * r.slack, time * r.slack):
        prepare_slopes(w, s)
        energy, time = bound(w, s, frames)
    return energy, time


@kernel
def bound_all(w: Bench, s: Tree, frames: Any, keeps: Any, r: Roots) -> tuple[float, float]:
    """Energy [J] and latency [s] that no nest of a choice of kept roles beats."""
    put_kept(w, s, keeps[r.kept])
    return bound_places(w, s, frames, r, ZERO)


@kernel
def least_time(w: Bench, s: Tree, r: Roots, n_places: int) -> float:
    """What the matrix units alone take at least [s], however the axes are used at the places that follow."""
    steps, axis = 1.0, NONE
    goes_on = _goes_on(r, n_places)
    for d in range(w.n_dims):
        factors, whole = 1, True
        for place in range(n_places):
            if r.place[place, 1] == d:
                if place < n_places - 1:
                    factors *= r.factor[place]
                elif goes_on and r.last > r.factor[place]:
                    whole = False  # with the places that follow, the axis has no more instances than it has
                else:
                    factors *= r.last
        steps *= ceil_div(w.extents[d], factors) if whole else w.extents[d] / factors
    if goes_on and r.last > r.factor[n_places - 1]:
        axis = r.place[n_places - 1, 0]
        steps /= _axis_room(w, r, axis, n_places - 1)
    for place in range(n_places, r.n_places):
        if r.place[place, 0] != axis:
            axis = r.place[place, 0]
            steps /= _axis_room(w, r, axis, n_places)
    return float((steps / w.unit_rate + s.launch) * s.second)


@kernel
def _group_loops(w: Bench, s: Tree, r: Roots) -> None:
    """Order the loops at hand such that those over one dim at one fanout follow each other."""
    n = ZERO
    for i in range(s.n_spatial):
        link, d = w.axis_link[s.spatial[i, 0]], s.spatial[i, 1]
        first = True
        for j in range(i):
            first = first and not (w.axis_link[s.spatial[j, 0]] == link and s.spatial[j, 1] == d)
        start = n
        for j in range(i, s.n_spatial):
            if first and w.axis_link[s.spatial[j, 0]] == link and s.spatial[j, 1] == d:
                r.order[n] = j
                n += 1
        for j in range(start, n):
            r.stop[j] = n


@kernel
def _next_order(r: Roots, start: int, stop: int) -> bool:
    """The next order of some loops, as in a dictionary; False: the last one becomes the first again."""
    i = stop - 2
    while i >= start and r.order[i] >= r.order[i + 1]:
        i -= 1
    if i >= start:
        j = stop - 1
        while r.order[j] <= r.order[i]:
            j -= 1
        r.order[i], r.order[j] = r.order[j], r.order[i]
    low, high = i + 1, stop - 1
    while low < high:
        r.order[low], r.order[high] = r.order[high], r.order[low]
        low, high = low + 1, high - 1
    return bool(i >= start)


@kernel
def _note_root(w: Bench, s: Tree, r: Roots, found: Any, energy: float, time: float) -> None:
    """List the unrolling at hand in every order of loops that differs: over one dim at one fanout."""
    _group_loops(w, s, r)
    more = True
    while more:
        if r.n == len(found):
            r.crowded = 1
            return
        root = found[r.n]
        for i in range(s.n_spatial):
            for column in range(3):
                root.spatial[i, column] = s.spatial[r.order[i], column]
        root.kept, root.n_spatial, root.energy, root.time = r.kept, s.n_spatial, energy, time
        enter_low(root, energy, time)
        r.n += 1
        more, start = False, ZERO
        while start < s.n_spatial and not more:
            more = _next_order(r, start, r.stop[start])
            start = r.stop[start]


@kernel
def _start_place(w: Bench, s: Tree, r: Roots, place: int) -> None:
    """No factor at a place was tried yet: begin with all of them together."""
    r.at = place
    r.next[place] = s.factor_least[r.place[place, 0], r.place[place, 1]]
    r.most[place] = room(w, s, r, place)
    r.width[place] = r.most[place]


@inlined
def _may_improve(w: Bench, s: Tree, frames: Any, r: Roots, n_places: int) -> bool:
    """Whether unrollings with the factors at hand may enter the front; their bounds are in `r`."""
    least = least_time(w, s, r, n_places)
    single = n_places == r.n_places and (n_places == 0 or r.last == r.factor[n_places - 1])
    if least > r.slowest or (single and least <= r.fastest * (1.0 - 1e-9)):
        return False
    r.energy, r.time = bound_places(w, s, frames, r, n_places)
    if r.energy == np.inf or beaten(s, r.energy * r.slack, r.time * r.slack):
        return False
    s.promise_j, s.promise_s = r.energy, r.time
    return not squeezed(w, s, frames[0], frames[0].x)


@kernel
def list_roots(w: Bench, s: Tree, frames: Any, r: Roots, found: Any) -> bool:
    """List unrollings, place by place; False: there are more, for the next call, or the budget ended.

    A range of factors at a place is dropped once nothing with them can enter the front, or they are too slow;
    else it is halved. Those of this call are the first `r.n` of `found`.
    """
    r.n = 0
    if r.n_places == 0:
        if r.at < 0 and _may_improve(w, s, frames, r, ZERO):
            _note_root(w, s, r, found, r.energy, r.time)
        return True
    if r.at < 0:
        _start_place(w, s, r, ZERO)
    while r.at >= 0:
        place = r.at
        first = r.next[place]
        if first > r.most[place]:
            r.at -= 1
            continue
        r.factor[place], r.last = first, min(r.most[place], first + r.width[place] - 1)
        if _n_used(r, place) > MAX_SPATIAL:
            r.crowded = 1
            r.at -= 1
            continue
        if not _may_improve(w, s, frames, r, place + 1):
            r.next[place] = r.last + 1
            r.width[place] *= 2
        elif r.last > first:
            r.width[place] = (r.last - first + 1) // 2
        else:
            r.next[place] = first + 1
            if place + 1 == r.n_places:
                _note_root(w, s, r, found, r.energy, r.time)
            else:
                _start_place(w, s, r, place + 1)
        if r.n > len(found) - ROOM or s.nodes >= s.budget:
            return False
    return True
