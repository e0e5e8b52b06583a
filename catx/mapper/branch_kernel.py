"""Compiled branch and bound over the nests of spatial unrollings, from the innermost store outwards.

Nests come in the normal form of `rules_kernel`.
"""

from typing import Any

import numpy as np

from catx.costmodel.jit import inlined, kernel
from catx.costmodel.tiles_kernel import MAX_ROWS, N_ROLES, NONE, SPATIAL, TEMPORAL, Bench
from catx.mapper.close_kernel import close_store, has_windows
from catx.mapper.edge_kernel import edges_least
from catx.mapper.factor_kernel import ceil_div
from catx.mapper.front_kernel import beaten
from catx.mapper.growth_kernel import outgrown, room_most
from catx.mapper.layer_kernel import rest_least
from catx.mapper.leaf_kernel import evaluate_leaf
from catx.mapper.low_kernel import enter_low
from catx.mapper.promise_kernel import hopeless, plant, promise
from catx.mapper.rules_kernel import (
    commutes,
    may_reach,
    moves_above,
    next_step,
    open_roles,
    roles_of,
    sliding_roles,
    start_frame,
    waiting_roles,
)
from catx.mapper.squeeze_kernel import squeezed
from catx.mapper.step_kernel import put_missing, put_row, put_store
from catx.mapper.tree_kernel import (
    AIMED,
    CHOOSE,
    GROW,
    LEAVE,
    MAX_DEPTH,
    OPEN,
    REACH,
    SPREAD,
    STRIDED,
    TEST,
    ZERO,
    Frame,
    Tree,
    start_gap,
    start_zone,
)

FIRST_PART = 4
"""Part of a budget that the first of several trees may take; the n-th one may take the n-th part of that."""


@kernel
def _close_open(w: Bench, s: Tree, fr: Frame, roles: int) -> None:
    """Close open stores of a set of roles at the extents `s.at`."""
    for m in range(w.n_memories - 1, 0, -1):
        for role in range(N_ROLES):
            if fr.placed[m, role] == OPEN and (roles >> role) & 1:
                close_store(w, s, fr, m, role)


@kernel
def _grow(w: Bench, s: Tree, fr: Frame, d: int, to: int, up: int) -> None:
    """A temporal loop: open stores that the dim indexes close at what has grown below it."""
    loose = commutes(w, s, fr, d)
    if loose:
        fr.shut |= open_roles(w, fr)
    for i in range(w.n_dims):
        s.at[i] = fr.up[i]
    _close_open(w, s, fr, roles_of(w, d))
    if loose and fr.up[d] == 1:
        fr.only |= 1 << d
    put_row(s, fr, TEMPORAL, d, ZERO, to, up)
    fr.x[d], fr.up[d] = to, up
    fr.gap |= 1 << d
    fr.last, fr.needs, fr.slides = d, ZERO, ZERO
    if loose:
        fr.loose |= 1 << d


@kernel
def _place(w: Bench, s: Tree, fr: Frame, m: int, role: int) -> bool:
    """A store is placed, and done: the next loop is one that it indexes. False if its memory overflows.

    Where orders of loops are given, the next loop may be any, and the store stays open.
    """
    for d in range(w.n_dims):
        s.at[d] = fr.up[d]
    if not s.ordered:
        _close_open(w, s, fr, 1 << role)  # of memories further in: the next loop is one that it indexes, too
    if not put_store(w, s, fr, m, role):
        return False
    if not s.ordered:
        close_store(w, s, fr, m, role)
    if fr.gap != 0:
        fr.below = 1 << fr.last | fr.loose
        fr.low = fr.stopped = ZERO
    if moves_above(w, s, fr, fr.below, m, role):
        fr.slides |= 1 << role
    fr.low |= 1 << role
    if m == s.stopping:
        fr.stopped |= 1 << role
    fr.group = m * N_ROLES + role
    start_gap(fr)
    return True


@kernel
def _enter_zone(w: Bench, s: Tree, fr: Frame, link: int) -> None:
    """All spatial loops of a fanout stand: go on above them."""
    fr.zone, fr.spatial = s.outer[link], NONE
    steps = 1.0
    for d in range(w.n_dims):
        inside = int(s.spread[w.n_links, d]) // int(s.spread[link, d])
        steps *= max(s.full[w.n_links, d], ceil_div(fr.x[d], inside))
        s.entered[link, d] = fr.up[d]
    fr.steps = max(fr.steps, steps)
    start_zone(fr)


@inlined
def _leave(w: Bench, s: Tree, fr: Frame) -> bool:
    """Place what the zone still has to store, open, and go on to its fanout; False if a memory overflows."""
    if fr.gap != 0:
        waiting = waiting_roles(w, s, fr, 1 << fr.last | fr.loose)
        fr.needs |= waiting & ~s.windowed
        fr.slides |= waiting & s.windowed
    if not put_missing(w, s, fr):
        return False
    fr.target = CHOOSE
    fr.spatial = _next_row(w, s, fr.zone - 1, ZERO)
    return True


@kernel
def _next_row(w: Bench, s: Tree, link: int, start: int) -> int:
    """The next row of the unrolling at a fanout, or NONE."""
    for i in range(start, s.n_spatial):
        if w.axis_link[s.spatial[i, 0]] == link:
            return i
    return -1


@inlined
def _spread(w: Bench, s: Tree, fr: Frame, to: int, up: int) -> None:
    """A spatial loop."""
    axis, d = s.spatial[fr.spatial, 0], s.spatial[fr.spatial, 1]
    link = w.axis_link[axis]
    put_row(s, fr, SPATIAL, d, axis, to, up)
    fr.x[d], fr.up[d] = to, up
    fr.spatial = _next_row(w, s, link, fr.spatial + 1)
    if fr.spatial < 0:
        _enter_zone(w, s, fr, link)


@kernel
def take(w: Bench, s: Tree, new: Frame, fr: Frame) -> bool:
    """Take the next step of a frame in a copy of it; False if a memory overflows."""
    aim = fr.aim
    if fr.step == SPREAD:
        _spread(w, s, new, fr.to, fr.to_up)
        return True
    new.target = aim
    if fr.step == GROW:
        _grow(w, s, new, fr.dim, fr.to, fr.to_up)
        return True
    if aim >= 0:
        return bool(_place(w, s, new, aim // N_ROLES, aim % N_ROLES))
    if new.zone > 0:
        return bool(_leave(w, s, new))
    for i in range(w.n_dims):
        s.at[i] = new.up[i]
    _close_open(w, s, new, open_roles(w, new))
    return True


@kernel
def _close_by(w: Bench, s: Tree, fr: Frame, d: int) -> None:
    """Close open stores that a loop over a dim closes, at the extents that spatial loops lead to at most."""
    zone = fr.zone
    for i in range(w.n_dims):
        s.at[i] = fr.up[i]
        if fr.spatial >= 0:
            link = fr.zone - 1
            s.left[fr.zone, i] = fr.up[i]
            s.at[i] = s.entered[link, i] = min(fr.up[i] * int(s.factor[link, i]), s.cap[link, i])
            zone = s.outer[link]
    here, fr.zone = fr.zone, zone
    _close_open(w, s, fr, roles_of(w, d))
    fr.zone = here


@kernel
def _lost(w: Bench, s: Tree, frames: Any, at: int, x: Any, goes_on: bool) -> bool:
    """Whether nothing that a frame leads to, with stores placed from extents x on, can enter the front.

    Where another loop comes next (`goes_on`) it closes stores, whichever it is.
    """
    fr = frames[at]
    rest = rest_least(w, s, fr, x)
    if rest == np.inf or outgrown(w, s, fr):
        return True
    waits = edges_least(w, s, fr, x)
    if hopeless(w, s, fr, waits, rest):
        return True
    kept, some = open_roles(w, fr), False
    if not goes_on or kept == 0:
        return False
    least_j, least_s = s.promise_j, s.promise_s
    for d in range(w.n_dims):
        roles = roles_of(w, d)
        if fr.x[d] == w.extents[d] or (fr.spatial < 0 and (fr.gap >> d) & 1):
            continue
        if fr.needs & roles or fr.slides & roles & ~sliding_roles(w, s, d):
            continue
        some, lost = True, False
        if kept & roles:
            frames[TEST] = fr
            _close_by(w, s, frames[TEST], d)
            lost = hopeless(w, s, frames[TEST], waits, rest)
        if not lost:
            promise(s, least_j, least_s)
            return False
    return some


@kernel
def judge(w: Bench, s: Tree, frames: Any, depth: int) -> bool:
    """Whether the frame above `depth` is lost; where less growth of the same dim is too, that is skipped."""
    fr, new = frames[depth], frames[depth + 1]
    if fr.step == SPREAD and new.spatial >= 0:  # bounds follow when the next zone is entered
        promise(s, fr.least_j, fr.least_s)
        return False
    goes_on = new.gap == 0 or not may_reach(w, s, new)
    if fr.step != GROW or fr.aim < 0 or s.ordered:
        return bool(_lost(w, s, frames, depth + 1, new.x, goes_on) or squeezed(w, s, new, new.x))
    m, role = fr.aim // N_ROLES, fr.aim % N_ROLES
    frames[AIMED] = new
    for d in range(w.n_dims):
        grows = w.axis_of[role, d] < 0 or s.halo[role, d] > 0 or m == s.stopping
        over = (new.gap >> d) & 1 or (d < new.last and (new.loose >> new.last) & 1)
        s.at[d] = new.up[d] if over or not grows else room_most(w, s, new, d, s.inside[new.zone, d])
    close_store(w, s, frames[AIMED], m, role)
    if not _lost(w, s, frames, AIMED, new.x, goes_on):
        # with the room that the store needs
        return bool(_lost(w, s, frames, depth + 1, new.x, goes_on) or squeezed(w, s, new, new.x))
    certain = not has_windows(w, s, open_roles(w, new) | 1 << role, STRIDED)
    if certain and _lost(w, s, frames, AIMED, fr.x, goes_on):
        fr.next_up = ZERO
    return True


@kernel
def ended(fr: Frame) -> bool:
    """Whether a frame's step completes the nest."""
    return bool(fr.step == REACH and fr.aim == LEAVE and fr.zone == 0)


@kernel
def _has_room(w: Bench, fr: Frame, depth: int) -> bool:
    """Whether a frame's nest can grow further."""
    return bool(depth + 2 < MAX_DEPTH and fr.n_rows + w.n_memories * N_ROLES <= MAX_ROWS)


@inlined
def _search_tree(w: Bench, s: Tree, frames: Any, keeps: Any, root: Any) -> None:
    """Search what starts from a root; what is left when the budget ends becomes bounds of the root."""
    plant(w, s, frames, keeps, root)
    root.n_low = depth = ZERO
    start_frame(frames[0])
    while depth >= 0:
        fr = frames[depth]
        if not next_step(w, s, fr):
            depth -= 1
            continue
        frames[depth + 1] = fr
        new = frames[depth + 1]
        if not take(w, s, new, fr) or judge(w, s, frames, depth):
            continue
        s.nodes += 1
        new.least_j, new.least_s = s.promise_j, s.promise_s
        if ended(fr):
            evaluate_leaf(w, s, new, frames[TEST], root)
        elif s.nodes >= s.budget or not _has_room(w, new, depth):
            enter_low(root, new.least_j, new.least_s)
        else:
            depth += 1
            start_frame(new)


@kernel
def search_trees(w: Bench, s: Tree, frames: Any, keeps: Any, roots: Any, order: Any, share: int) -> None:
    """Search what starts from some roots, with a share of the budget's steps for each.

    Args:
        w: the einsum and the accelerator.
        s: the search.
        frames: N_FRAMES of them.
        keeps: KEPT records, one per choice of what memories keep.
        roots: ROOT records; each gets bounds of what is left in its tree.
        order: in which they are searched.
        share: steps.
    """
    budget, first = s.budget, (s.budget - s.nodes) // max(1, min(FIRST_PART, len(order)))
    for rank in range(len(order)):
        root = roots[order[rank]]
        if beaten(s, root.energy * (1.0 + s.slack), root.time * (1.0 + s.slack)):
            root.done, root.n_low = 1, 0
        end = min(budget, s.nodes + max(share, first // (rank + 1)))
        if root.done or end - s.nodes <= root.steps:  # fewer steps would tell less than is known
            continue
        root.steps = end - s.nodes
        s.budget = end
        _search_tree(w, s, frames, keeps, root)
        root.done = s.nodes < end
    s.budget = budget
