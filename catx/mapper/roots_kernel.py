"""Compiled bounds of ranges of spatial unrollings."""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import MAX_AXES, MAX_DIMS, N_ROLES, NONE, Bench
from catx.mapper.factor_kernel import ceil_div
from catx.mapper.front_kernel import beaten
from catx.mapper.promise_kernel import bound, prepare_least, prepare_slopes, use_axes
from catx.mapper.tree_kernel import MAX_SPATIAL, Tree

ROOTS = np.dtype(
    [
        ("place", "i8", (MAX_AXES * MAX_DIMS, 2)),  # axis and dim that may be unrolled there, axis by axis
        ("n_places", "i8"),
        ("factor", "i8", MAX_AXES * MAX_DIMS),  # the unrolling at hand
        ("last", "i8"),  # the largest factor at its last place: a range is at hand
        ("kept", "i8"),  # which choice of what memories keep it is for
        ("energy", "f8"),  # [J] that nothing with the factors at hand beats
        ("time", "f8"),  # [s]
        ("slack", "f8"),  # bounds count as more by this ratio
        # ranges that are open (open_kernel.py)
        ("n_waiting", "i8"),  # to be looked at, the most promising first
        ("n_shut", "i8"),  # looked at
        ("n_free", "i8"),  # records without a range
        ("rank", "i8"),  # of the range that was opened last
        ("forgot", "i8"),  # whether ranges were left out that there was no room for
        # the roots that are listed
        ("n", "i8"),  # by this call
        ("order", "i8", MAX_SPATIAL),  # of the loops at hand: those over one dim at one fanout in a row
        ("stop", "i8", MAX_SPATIAL),  # where these end
    ]
)
"""What may be unrolled, and what is at hand."""

Roots = Any
"""A ROOTS record."""


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
    d = r.place[place, 1]
    link, whole = w.axis_link[r.place[place, 0]], 1
    for i in range(place):
        further = w.axis_link[r.place[i, 0]] < link  # at one fanout the loops may stand either way
        if further and r.place[i, 1] == d and r.factor[i] > 1:
            whole *= r.factor[i] - 1  # the last instance may have a single element
    extent = w.extents[d] if whole == 1 else max(1, (w.extents[d] - 1) // whole)
    most = s.factor_most[r.place[place, 0], d]
    return int(min(_axis_room(w, r, r.place[place, 0], place), extent, most))


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
