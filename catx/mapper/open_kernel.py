"""Compiled list of all unrollings whose trees may improve a front: ranges of them, opened by promise."""

from typing import Any

import numpy as np

from catx.costmodel.jit import inlined, kernel
from catx.costmodel.tiles_kernel import NONE, Bench, constant
from catx.mapper.front_kernel import beaten
from catx.mapper.low_kernel import enter_low
from catx.mapper.promise_kernel import put_kept
from catx.mapper.roots_kernel import Roots, bound_places, least_time, room
from catx.mapper.squeeze_kernel import squeezed
from catx.mapper.tree_kernel import LEAST_J, MAX_SPATIAL, ZERO, Tree

OPEN = np.dtype(
    [
        ("kept", "i4"),  # which choice of what memories keep it is for
        ("n_places", "i4"),  # where factors are chosen
        ("n_used", "i4"),  # factors above 1 at all of these but the last
        ("used", "i4", (MAX_SPATIAL, 2)),  # their places, and the factors
        ("first", "i4"),  # the range at the last one
        ("last", "i4"),
        ("energy", "f8"),  # [J] that nothing in it beats
        ("time", "f8"),  # [s]
        ("rank", "i8"),  # the later it was opened the higher
        ("dropped", "f8"),  # the least slack by which it is known not to improve the front
    ]
)
"""A range of unrollings."""

WAITING, SHUT, FREE = constant(0), constant(1), constant(2)
"""Rows of slots (3, records): a heap of ranges to be looked at, those looked at, records without a range."""

DONE, LISTED, ENDED, FULL = constant(0), constant(1), constant(2), constant(3)
"""How a call ended: nothing is left that promises so much, the list is full, the budget ended, or there is no
room for more ranges."""

ROOM = 1 << 10
"""For orders of the loops of one unrolling."""


@kernel
def _before(nodes: Any, a: int, b: int) -> bool:
    """Whether a range promises more than another one: a lower product, else the one that was opened later."""
    first = (nodes[a].energy + LEAST_J) * nodes[a].time
    second = (nodes[b].energy + LEAST_J) * nodes[b].time
    return bool(first < second or (first == second and nodes[a].rank > nodes[b].rank))


@kernel
def _push(r: Roots, nodes: Any, slots: Any, at: int) -> None:
    """A range is to be looked at."""
    heap = slots[WAITING]
    i = r.n_waiting
    r.n_waiting += 1
    while i > 0 and _before(nodes, at, heap[(i - 1) // 2]):
        heap[i] = heap[(i - 1) // 2]
        i = (i - 1) // 2
    heap[i] = at


@kernel
def _pop(r: Roots, nodes: Any, slots: Any) -> int:
    """Take the range that promises most of those to be looked at."""
    heap = slots[WAITING]
    found = heap[0]
    r.n_waiting -= 1
    n, at, i = r.n_waiting, heap[r.n_waiting], ZERO
    while 2 * i + 1 < n:
        child = 2 * i + 1
        if child + 1 < n and _before(nodes, heap[child + 1], heap[child]):
            child += 1
        if not _before(nodes, heap[child], at):
            break
        heap[i] = heap[child]
        i = child
    heap[i] = at
    return int(found)


@kernel
def _shut(r: Roots, slots: Any, at: int) -> None:
    """A range was looked at."""
    slots[SHUT, r.n_shut] = at
    r.n_shut += 1


@kernel
def _release(r: Roots, slots: Any, at: int) -> None:
    """Nothing in a range matters any more."""
    slots[FREE, r.n_free] = at
    r.n_free += 1


@kernel
def _drop(r: Roots, nodes: Any, slots: Any, at: int) -> None:
    """Nothing in a range improves the front by as much as is asked for; if nothing is, it never will."""
    if r.slack == 1.0:
        _release(r, slots, at)
    else:
        nodes[at].dropped = r.slack
        _shut(r, slots, at)


@kernel
def _load(r: Roots, node: Any) -> None:
    """Make the range at hand that of a record."""
    for place in range(node.n_places):
        r.factor[place] = 1
    for i in range(node.n_used):
        r.factor[node.used[i, 0]] = node.used[i, 1]
    if node.n_places > 0:
        r.factor[node.n_places - 1] = node.first
    r.last = node.last


@kernel
def _save(r: Roots, nodes: Any, slots: Any, n_places: int, first: int, last: int) -> None:
    """Open a range of factors at the last of some places, beside those at hand at the ones before.

    Its bounds are those of the range at hand, until it is looked at.
    """
    r.n_free -= 1
    at = slots[FREE, r.n_free]
    node = nodes[at]
    node.kept, node.n_places, node.first, node.last = r.kept, n_places, first, last
    node.n_used = 0
    for place in range(n_places - 1):
        if r.factor[place] > 1:
            if node.n_used < MAX_SPATIAL:
                node.used[node.n_used, 0], node.used[node.n_used, 1] = place, r.factor[place]
            node.n_used += 1
    node.energy, node.time, node.dropped = r.energy, r.time, np.inf
    r.rank += 1
    node.rank = r.rank
    _push(r, nodes, slots, at)


@kernel
def open_all(
    w: Bench, s: Tree, frames: Any, keeps: Any, r: Roots, nodes: Any, slots: Any, start: int
) -> None:
    """Open all unrollings of the choices of what memories keep from `start` on; there is room for them."""
    for kept in range(start, len(keeps)):
        r.kept = kept
        put_kept(w, s, keeps[kept])
        r.energy, r.time = bound_places(w, s, frames, r, ZERO)
        if r.energy < np.inf:  # else not even one element of everything fits
            _save(r, nodes, slots, ZERO, ZERO, ZERO)


@kernel
def reopen(s: Tree, r: Roots, nodes: Any, slots: Any) -> None:
    """Ranges that were looked at are to be looked at again, where they may improve the front now."""
    n = r.n_shut
    r.n_shut = 0
    for i in range(n):
        at = slots[SHUT, i]
        if nodes[at].dropped <= r.slack:
            _shut(r, slots, at)
        elif beaten(s, nodes[at].energy * r.slack, nodes[at].time * r.slack):
            _drop(r, nodes, slots, at)
        else:
            _push(r, nodes, slots, at)


@kernel
def forget(r: Roots, slots: Any) -> None:
    """No range is open."""
    r.n_waiting = r.n_shut = r.forgot = 0
    r.n_free = slots.shape[1]
    for i in range(r.n_free):
        slots[FREE, i] = i


@kernel
def make_room(r: Roots, slots: Any) -> None:
    """Forget ranges that were looked at: all of it must be opened anew after this list."""
    for i in range(r.n_shut):
        _release(r, slots, slots[SHUT, i])
    r.n_shut, r.forgot = 0, 1


@kernel
def enter_open(s: Tree, r: Roots, nodes: Any, slots: Any) -> None:
    """Note bounds of the ranges that are still to be looked at."""
    for i in range(r.n_waiting):
        node = nodes[slots[WAITING, i]]
        enter_low(s, node.energy, node.time)


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
            enter_low(s, energy, time)
            return
        root = found[r.n]
        for i in range(s.n_spatial):
            for column in range(3):
                root.spatial[i, column] = s.spatial[r.order[i], column]
        root.kept, root.n_spatial, root.energy, root.time = r.kept, s.n_spatial, energy, time
        root.done = root.steps = root.n_low = 0
        enter_low(root, energy, time)
        r.n += 1
        more, start = False, ZERO
        while start < s.n_spatial and not more:
            more = _next_order(r, start, r.stop[start])
            start = r.stop[start]


@inlined
def _may_improve(w: Bench, s: Tree, frames: Any, r: Roots, node: Any) -> bool:
    """Whether unrollings of the range at hand may enter the front; its record gets their bounds."""
    least = max(node.time, least_time(w, s, r, node.n_places))
    if beaten(s, node.energy * r.slack, least * r.slack):
        node.time = least
        return False
    energy, time = bound_places(w, s, frames, r, node.n_places)
    node.energy, node.time = max(node.energy, energy), max(least, time)
    if energy == np.inf or beaten(s, node.energy * r.slack, node.time * r.slack):
        return False
    s.promise_j, s.promise_s = energy, time
    return not squeezed(w, s, frames[0], frames[0].x)


@kernel
def _open_next(w: Bench, s: Tree, r: Roots, nodes: Any, slots: Any, n_places: int) -> None:
    """Open the factors at the next place that leaves a choice, beside those at the first `n_places`."""
    first, most, place = ZERO, ZERO, n_places
    while place < r.n_places:
        first, most = s.factor_least[r.place[place, 0], r.place[place, 1]], room(w, s, r, place)
        if most != 1 or first > 1 or place + 1 == r.n_places:
            break
        r.factor[place] = 1
        place += 1
    if first <= most:
        _save(r, nodes, slots, place + 1, first, most)


@kernel
def list_roots(
    w: Bench, s: Tree, frames: Any, keeps: Any, r: Roots, nodes: Any, slots: Any, found: Any, least: float
) -> int:
    """List unrollings that may improve the front, the most promising ranges first.

    A range of factors at a place is dropped once nothing with them can enter the front; else it is halved.
    Those of this call are the first `r.n` of `found`.

    Args:
        w: the einsum and the accelerator.
        s: the search.
        frames: N_FRAMES of them.
        keeps: KEPT records, one per choice of what memories keep.
        r: what may be unrolled.
        nodes: OPEN records, (records,).
        slots: their indices, (3, records).
        found: ROOT records.
        least: energy times latency [J s]: ranges that promise no better are left for later.

    Returns how it ended: DONE, LISTED, ENDED or FULL.
    """
    r.n, r.kept = 0, NONE  # the tree may be that of any choice now
    while r.n_waiting > 0:
        top = nodes[slots[WAITING, 0]]
        if top.energy * top.time > least:
            break
        if s.nodes >= s.budget:
            return ENDED
        if r.n > len(found) - ROOM:
            return LISTED
        if r.n_free < 2:
            return FULL
        at = _pop(r, nodes, slots)
        node = nodes[at]
        if node.n_used > MAX_SPATIAL or (node.n_used == MAX_SPATIAL and node.last > 1):
            enter_low(s, node.energy, node.time)  # no room for so many loops
            _shut(r, slots, at)
            continue
        if r.kept != node.kept:
            r.kept = node.kept
            put_kept(w, s, keeps[r.kept])
        _load(r, node)
        if not _may_improve(w, s, frames, r, node):
            if node.energy == np.inf:
                _release(r, slots, at)
            else:
                _drop(r, nodes, slots, at)
            continue
        r.energy, r.time = node.energy, node.time
        if node.last > node.first:
            middle = node.first + (node.last - node.first) // 2
            _save(r, nodes, slots, node.n_places, middle + 1, node.last)
            _save(r, nodes, slots, node.n_places, node.first, middle)
            _release(r, slots, at)
        elif node.n_places == r.n_places:
            _note_root(w, s, r, found, node.energy, node.time)
            _shut(r, slots, at)
        else:
            _open_next(w, s, r, nodes, slots, node.n_places)
            _release(r, slots, at)
    return DONE
