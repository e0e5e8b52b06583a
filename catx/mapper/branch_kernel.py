"""Compiled branch and bound over the nests of one spatial unrolling, from the innermost store outwards.

Nests come in a normal form (docs/mapper.md): no store can move over a loop next to it for free, and no two
loops next to each other can change places for free but in one order.
"""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import (
    MAX_ROWS,
    N_ROLES,
    NONE,
    OUT,
    SPATIAL,
    STORE,
    TEMPORAL,
    Bench,
)
from catx.mapper.close_kernel import close_store, span
from catx.mapper.factor_kernel import ceil_div
from catx.mapper.leaf_kernel import evaluate_leaf
from catx.mapper.low_kernel import enter_low
from catx.mapper.promise_kernel import edge, edges_least, hopeless, promise, rest_least
from catx.mapper.tree_kernel import (
    ACT,
    AIMED,
    CHOOSE,
    GROW,
    LEAVE,
    MAX_DEPTH,
    MISSING,
    NO,
    OPEN,
    REACH,
    SPREAD,
    START,
    STRIDED,
    TEST,
    YES,
    ZERO,
    Frame,
    Tree,
)


@kernel
def _put(s: Tree, fr: Frame, kind: int, index: int, extra: int, to: int, up: int) -> None:
    """Append a row, outwards."""
    n = fr.n_rows
    s.rows[n, 0], s.rows[n, 1], s.rows[n, 2], s.rows[n, 3], s.rows[n, 4] = kind, index, extra, to, up
    fr.n_rows = n + 1


@kernel
def _roles(w: Bench, d: int) -> int:
    """The roles that a dim indexes, as bits."""
    found = 0
    for role in range(N_ROLES):
        if w.axis_of[role, d] >= 0:
            found |= 1 << role
    return found


@kernel
def _sliding(w: Bench, s: Tree, d: int) -> int:
    """The roles whose tiles can slide along a dim, as bits."""
    found = 0
    for role in range(N_ROLES):
        if s.halo[role, d]:
            found |= 1 << role
    return found


@kernel
def _windowed(w: Bench, s: Tree, roles: int) -> bool:
    """Whether some role of a set has an axis of several dims."""
    for role in range(N_ROLES):
        if (roles >> role) & 1:
            for axis in range(w.n_tensor_axes[role]):
                if s.windows[role, axis] > 0:
                    return True
    return False


@kernel
def _has_holes(w: Bench, s: Tree, roles: int) -> bool:
    """Whether larger tiles of some role of a set may span elements that smaller ones leave out."""
    for role in range(N_ROLES):
        if (roles >> role) & 1:
            for axis in range(w.n_tensor_axes[role]):
                if s.windows[role, axis] == STRIDED:
                    return True
    return False


@kernel
def _leaves_holes(w: Bench, s: Tree, d: int) -> bool:
    """Whether a dim is of an axis with holes: there, tiles that are cut off leave some of them out."""
    for role in range(N_ROLES):
        if s.halo[role, d] and s.windows[role, w.axis_of[role, d]] == STRIDED:
            return True
    return False


@kernel
def _open(w: Bench, fr: Frame) -> int:
    """Roles of which some store of an inner zone still keeps its tile, as bits."""
    found = 0
    for m in range(1, w.n_memories):
        for role in range(N_ROLES):
            if fr.placed[m, role] == OPEN:
                found |= 1 << role
    return found


@kernel
def _missing(w: Bench, s: Tree, fr: Frame) -> int:
    """Roles that memories of the zone still have to store, as bits."""
    found = 0
    for m in range(1, w.n_memories):
        for role in range(N_ROLES):
            if s.zone_of[m] == fr.zone and s.kept[m, role] and fr.placed[m, role] == MISSING:
                found |= 1 << role
    return found


@kernel
def _ready(w: Bench, s: Tree, fr: Frame, m: int, role: int) -> bool:
    """Whether a store may come next."""
    if m == 0 or s.zone_of[m] != fr.zone or not s.kept[m, role] or fr.placed[m, role] != MISSING:
        return False
    for i in range(m + 1, w.n_memories):
        if s.kept[i, role] and fr.placed[i, role] == MISSING:
            return False
    return True


@kernel
def _moves_above(w: Bench, s: Tree, fr: Frame, dims: int, m: int, role: int) -> bool:
    """Whether a loop of a set, directly below a store, does no harm above it: the tile gets smaller.

    Not so for windows, whose overlaps would grow, and where each change of a tile empties the pipeline: at
    the memory `stopping`, and for stores of the same tensor at the same place.
    """
    stops = m == s.stopping
    if s.stopping >= 0 and m < s.stopping and s.kept[s.stopping, role]:
        waits = fr.placed[s.stopping, role] == MISSING and s.zone_of[s.stopping] == fr.zone
        stops = stops or waits or (fr.n_gap == 0 and (fr.stopped >> role) & 1 == 1)
    if stops:
        return False
    for d in range(w.n_dims):
        if (dims >> d) & 1 and w.axis_of[role, d] >= 0 and not s.halo[role, d]:
            return True
    return False


@kernel
def _needs(w: Bench, s: Tree, fr: Frame, dims: int, windowed: int) -> int:
    """Roles of the zone's last stores that a loop of a set would move above, if nothing kept their tiles.

    `windowed` tells which roles are asked for.
    """
    found = ZERO
    for m in range(1, w.n_memories):
        for role in range(N_ROLES):
            missing = s.zone_of[m] == fr.zone and s.kept[m, role] and fr.placed[m, role] == MISSING
            if (
                missing
                and _windowed(w, s, 1 << role) == (windowed == YES)
                and _moves_above(w, s, fr, dims, m, role)
            ):
                found |= 1 << role
    return int(found)


@kernel
def _can_keep(w: Bench, fr: Frame, roles: int) -> bool:
    """Whether some dim is left that indexes none of the roles."""
    for d in range(w.n_dims):
        if fr.x[d] < w.extents[d] and not _roles(w, d) & roles:
            return True
    return roles == 0


@kernel
def _commutes(w: Bench, s: Tree, fr: Frame, d: int) -> bool:
    """Whether a loop over a dim, put on the gap next, commutes with what comes after it.

    Not if some store keeps its tile over it, or slides along it.
    """
    kept = _open(w, fr)
    if kept & ~_roles(w, d) or _windowed(w, s, kept):
        return False
    return bool(fr.n_gap > 0 or not _windowed(w, s, fr.low))


@kernel
def _fixed(w: Bench, s: Tree, fr: Frame, d: int) -> bool:
    """Whether moving a loop over `d` out of the zone could change something."""
    if s.factor[fr.zone - 1, d] > 1.0:
        return True
    for role in range(N_ROLES):
        if s.halo[role, d]:
            return True
    return False


@kernel
def _may_reach(w: Bench, s: Tree, fr: Frame) -> bool:
    """Whether the target may follow the gap as it is."""
    outermost = (1 << fr.last | fr.loose) if fr.n_gap else fr.below
    if fr.target >= 0:
        m, role = fr.target // N_ROLES, fr.target % N_ROLES
        if fr.n_gap == 0 and fr.group >= 0 and fr.target > fr.group:
            return False
        return not _moves_above(w, s, fr, outermost, m, role) or _windowed(w, s, 1 << role)
    missing = _missing(w, s, fr)
    if fr.zone == 0:
        for d in range(w.n_dims):
            if fr.x[d] < w.extents[d]:
                return False
        return bool(fr.needs == 0 and fr.slides == 0)
    if fr.n_gap == 0:
        return bool(fr.low == 0)
    for d in range(w.n_dims):
        if (outermost >> d) & 1 and not _roles(w, d) & missing and not _fixed(w, s, fr, d):
            return False
    return _can_keep(w, fr, _needs(w, s, fr, outermost, NO))


@kernel
def _may_grow(w: Bench, s: Tree, fr: Frame, d: int) -> bool:
    """Whether a loop over a dim may come next on the way to the target."""
    roles = _roles(w, d)
    if ((fr.gap >> d) & 1 and not _leaves_holes(w, s, d)) or fr.x[d] >= s.cap[fr.zone, d]:
        return False
    if fr.needs & roles or fr.slides & roles & ~_sliding(w, s, d):
        return False
    if fr.n_gap == 0 and fr.low & ~roles:
        return False
    if fr.n_gap > 0 and fr.swaps and d < fr.last:
        return False
    if not _commutes(w, s, fr, d):
        return True
    if fr.shut & ~roles or (fr.low & ~roles and fr.loose == fr.gap):
        return False  # further in, it would keep a tile in place, or let a store move up
    if fr.target >= 0:
        role = fr.target % N_ROLES
        return not _moves_above(w, s, fr, 1 << d, fr.target // N_ROLES, role) or _windowed(w, s, 1 << role)
    if fr.zone == 0:
        return True
    if not roles & _missing(w, s, fr) and not _fixed(w, s, fr, d):
        return False
    return _can_keep(w, fr, _needs(w, s, fr, fr.loose | 1 << d, NO))


@kernel
def _next_cell(w: Bench, s: Tree, fr: Frame, d: int, least: int) -> None:
    """The next smaller extents of a dim that make the same number of tiles, from `next_up` down."""
    up = fr.next_up
    fr.dim, fr.to_up = d, up
    if fr.zone > 0 and fr.spatial < 0 and up > s.full[fr.zone, d]:
        fr.to = max(least, s.full[fr.zone, d] + 1)
    else:
        fr.to = max(least, ceil_div(w.extents[d], ceil_div(w.extents[d], up)))
        if fr.spatial >= 0 and up < w.extents[d]:
            fr.to = max(least, min(fr.to, up * 7 // 8))  # leaves tell these apart
    fr.next_up = fr.to - 1


@kernel
def start_frame(fr: Frame) -> None:
    """Nothing that a frame leads to was tried."""
    fr.next_up = NONE
    fr.aim, fr.stage = (LEAVE, START) if fr.target == CHOOSE else (fr.target, ACT)


@kernel
def next_step(w: Bench, s: Tree, fr: Frame) -> bool:
    """Write what a frame can do next to it; False: nothing is left."""
    if fr.spatial >= 0:
        d, factor = s.spatial[fr.spatial, 1], s.spatial[fr.spatial, 2]
        least = (factor - 1) * fr.x[d] + 1
        if fr.next_up == NONE:
            fr.next_up = min(factor * fr.up[d], s.row_cap[fr.spatial])
        if fr.next_up < least:
            return False
        fr.step = SPREAD
        _next_cell(w, s, fr, d, least)
        return True
    chosen = fr.target
    while True:
        if fr.stage == START:
            if fr.aim == w.n_memories * N_ROLES:
                return False
            possible = fr.zone > 0 or _missing(w, s, fr) == 0
            if fr.aim >= 0:
                possible = _ready(w, s, fr, fr.aim // N_ROLES, fr.aim % N_ROLES)
            if not possible:
                fr.aim += 1
                continue
            fr.stage = ACT
        fr.target = fr.aim
        if fr.stage == ACT:
            fr.stage, fr.next_up = ZERO, NONE
            if _may_reach(w, s, fr):
                fr.step = REACH
                fr.target = chosen
                return True
        while fr.stage < w.n_dims:
            d = fr.stage
            if fr.next_up == NONE:
                if not _may_grow(w, s, fr, d):
                    fr.stage += 1
                    continue
                fr.next_up = s.cap[fr.zone, d]
            least = fr.x[d] + 1
            if fr.target == LEAVE and fr.zone == 0 and not _leaves_holes(w, s, d):
                least = w.extents[d]  # nothing else comes
            if fr.next_up < least:
                fr.stage, fr.next_up = fr.stage + 1, NONE
                continue
            fr.step = GROW
            _next_cell(w, s, fr, d, least)
            fr.target = chosen
            return True
        fr.target = chosen
        if chosen != CHOOSE:
            return False
        fr.aim, fr.stage = fr.aim + 1, START


@kernel
def _grow(w: Bench, s: Tree, fr: Frame, d: int, to: int, up: int) -> None:
    """A temporal loop: open stores that the dim indexes close at what has grown below it."""
    loose = _commutes(w, s, fr, d)
    if loose:
        fr.shut |= _open(w, fr)
    for i in range(w.n_dims):
        s.at[i] = fr.up[i]
    for m in range(w.n_memories - 1, 0, -1):
        for role in range(N_ROLES):
            if fr.placed[m, role] == OPEN and w.axis_of[role, d] >= 0:
                close_store(w, s, fr, m, role)
    _put(s, fr, TEMPORAL, d, ZERO, to, up)
    fr.x[d], fr.up[d] = to, up
    fr.gap |= 1 << d
    fr.n_gap += 1
    fr.last, fr.swaps, fr.needs, fr.slides = d, loose, ZERO, ZERO
    if loose:
        fr.loose |= 1 << d


@kernel
def _store(w: Bench, s: Tree, fr: Frame, m: int, role: int) -> bool:
    """Place a store at the frame's extents, open; False if its memory overflows."""
    narrow = fr.final[m] == 1
    width = w.width[role]
    if role == OUT:
        width = min(width, w.accumulator) if narrow else w.accumulator
    fr.used[m] += span(w, role, fr.x) * width * (2.0 if w.double[m] else 1.0)
    if fr.used[m] > w.capacity[m]:
        return False
    if w.overlap_only == 0:
        fr.edges += edge(w, s, fr.x, fr.up, m, role)
    _put(s, fr, STORE, m, role, ZERO, ZERO)
    fr.placed[m, role] = OPEN
    return True


@kernel
def _place(w: Bench, s: Tree, fr: Frame, m: int, role: int) -> bool:
    """A store is placed, and done: the next loop is one that it indexes. False if its memory overflows."""
    for d in range(w.n_dims):
        s.at[d] = fr.up[d]
    for i in range(w.n_memories - 1, m, -1):
        if fr.placed[i, role] == OPEN:
            close_store(w, s, fr, i, role)
    if not _store(w, s, fr, m, role):
        return False
    for d in range(w.n_dims):
        s.at[d] = fr.up[d]
    close_store(w, s, fr, m, role)
    if fr.n_gap > 0:
        fr.below = 1 << fr.last | fr.loose
        fr.low = fr.stopped = ZERO
    if _moves_above(w, s, fr, fr.below, m, role):
        fr.slides |= 1 << role
    fr.low |= 1 << role
    if m == s.stopping:
        fr.stopped |= 1 << role
    fr.group, fr.target = m * N_ROLES + role, CHOOSE
    fr.n_gap, fr.gap, fr.loose, fr.shut, fr.last, fr.swaps = ZERO, ZERO, ZERO, ZERO, NONE, ZERO
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
    fr.low, fr.group, fr.below, fr.stopped, fr.target = ZERO, NONE, ZERO, ZERO, CHOOSE
    fr.n_gap, fr.gap, fr.loose, fr.shut, fr.last, fr.swaps = ZERO, ZERO, ZERO, ZERO, NONE, ZERO


@kernel
def _leave(w: Bench, s: Tree, fr: Frame) -> bool:
    """Place what the zone still has to store, open, and go on to its fanout; False if a memory overflows."""
    if fr.n_gap > 0:
        fr.needs |= _needs(w, s, fr, 1 << fr.last | fr.loose, NO)
        fr.slides |= _needs(w, s, fr, 1 << fr.last | fr.loose, YES)
    for m in range(w.n_memories - 1, 0, -1):
        for role in range(N_ROLES):
            here = s.zone_of[m] == fr.zone and s.kept[m, role] and fr.placed[m, role] == MISSING
            if here and not _store(w, s, fr, m, role):
                return False
    for d in range(w.n_dims):
        s.left[fr.zone, d] = fr.up[d]
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


@kernel
def _spread(w: Bench, s: Tree, fr: Frame, to: int, up: int) -> None:
    """A spatial loop."""
    axis, d = s.spatial[fr.spatial, 0], s.spatial[fr.spatial, 1]
    link = w.axis_link[axis]
    _put(s, fr, SPATIAL, d, axis, to, up)
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
    for m in range(w.n_memories - 1, 0, -1):
        for role in range(N_ROLES):
            if new.placed[m, role] == OPEN:
                close_store(w, s, new, m, role)
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
    for m in range(w.n_memories - 1, 0, -1):
        for role in range(N_ROLES):
            if fr.placed[m, role] == OPEN and w.axis_of[role, d] >= 0:
                close_store(w, s, fr, m, role)
    fr.zone = here


@kernel
def _lost(w: Bench, s: Tree, frames: Any, at: int, x: Any, goes_on: bool) -> bool:
    """Whether nothing that a frame leads to, with stores placed from extents x on, can enter the front.

    Where another loop comes next (`goes_on`) it closes stores, whichever it is.
    """
    fr = frames[at]
    rest = rest_least(w, s, fr, x)
    if rest == np.inf:
        return True
    waits = edges_least(w, s, fr, x)
    if hopeless(w, s, fr, waits, rest):
        return True
    kept, some = _open(w, fr), False
    if not goes_on or kept == 0:
        return False
    least_j, least_s = s.promise_j, s.promise_s
    for d in range(w.n_dims):
        roles = _roles(w, d)
        if fr.x[d] == w.extents[d] or ((fr.gap >> d) & 1 and not _leaves_holes(w, s, d)):
            continue
        if fr.needs & roles or fr.slides & roles & ~_sliding(w, s, d):
            continue
        some = True
        beaten = False
        if kept & roles:
            frames[TEST] = fr
            _close_by(w, s, frames[TEST], d)
            beaten = hopeless(w, s, frames[TEST], waits, rest)
        if not beaten:
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
    goes_on = new.n_gap == 0 or not _may_reach(w, s, new)
    if fr.step != GROW or fr.aim < 0:
        return bool(_lost(w, s, frames, depth + 1, new.x, goes_on))
    m, role = fr.aim // N_ROLES, fr.aim % N_ROLES
    frames[AIMED] = new
    for d in range(w.n_dims):
        grows = w.axis_of[role, d] < 0 or s.halo[role, d] > 0 or m == s.stopping
        ended = (new.gap >> d) & 1 and not _leaves_holes(w, s, d)
        ended = ended or (new.n_gap > 0 and new.swaps and d < new.last)
        s.at[d] = new.up[d] if ended or not grows else s.cap[new.zone, d]
    close_store(w, s, frames[AIMED], m, role)
    if not _lost(w, s, frames, AIMED, new.x, goes_on):
        return bool(_lost(w, s, frames, depth + 1, new.x, goes_on))  # with the room that the store needs
    if not _has_holes(w, s, _open(w, new) | 1 << role) and _lost(w, s, frames, AIMED, fr.x, goes_on):
        fr.next_up = ZERO
    return True


@kernel
def ended(fr: Frame) -> bool:
    """Whether a frame's step completes the nest."""
    return bool(fr.step == REACH and fr.aim == LEAVE and fr.zone == 0)


@kernel
def search_tree(w: Bench, s: Tree, frames: Any) -> None:
    """Search everything from frame 0 on; what is left when the budget ends is noted as lower bounds."""
    depth = ZERO
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
            evaluate_leaf(w, s, new, frames[TEST])
        elif s.nodes >= s.budget or depth + 2 >= MAX_DEPTH or new.n_rows + w.n_memories * N_ROLES > MAX_ROWS:
            enter_low(s, new.least_j, new.least_s)
        else:
            depth += 1
            start_frame(new)
