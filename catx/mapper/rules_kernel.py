"""Compiled rules of the normal form: what may come next in a nest (docs/mapper.md).

No store can move over a loop next to it for free, and no two loops next to each other can change places for
free but in one order.
"""

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import N_ROLES, NONE, Bench
from catx.mapper.factor_kernel import ceil_div
from catx.mapper.growth_kernel import room_most
from catx.mapper.limits_kernel import in_order
from catx.mapper.step_kernel import missing, ready
from catx.mapper.tree_kernel import (
    ACT,
    CHOOSE,
    GROW,
    LEAVE,
    MISSING,
    OPEN,
    REACH,
    SPREAD,
    START,
    ZERO,
    Frame,
    Tree,
)


@kernel
def roles_of(w: Bench, d: int) -> int:
    """The roles that a dim indexes, as bits."""
    found = 0
    for role in range(N_ROLES):
        if w.axis_of[role, d] >= 0:
            found |= 1 << role
    return found


@kernel
def sliding_roles(w: Bench, s: Tree, d: int) -> int:
    """The roles whose tiles can slide along a dim, as bits."""
    found = 0
    for role in range(N_ROLES):
        if s.halo[role, d]:
            found |= 1 << role
    return found


@kernel
def open_roles(w: Bench, fr: Frame) -> int:
    """Roles of which some store of an inner zone still keeps its tile, as bits."""
    found = 0
    for m in range(1, w.n_memories):
        for role in range(N_ROLES):
            if fr.placed[m, role] == OPEN:
                found |= 1 << role
    return found


@kernel
def moves_above(w: Bench, s: Tree, fr: Frame, dims: int, m: int, role: int) -> bool:
    """Whether a loop of a set, directly below a store, does no harm above it: the tile gets smaller.

    Not so for windows, whose overlaps would grow, and where each change of a tile empties the pipeline: at
    the memory `stopping`, and for stores of the same tensor at the same place. Nor where the user wants a
    tile that is not smaller, or orders of loops.
    """
    stops = m == s.stopping
    if s.stopping >= 0 and m < s.stopping and s.kept[s.stopping, role]:
        waits = fr.placed[s.stopping, role] == MISSING and s.zone_of[s.stopping] == fr.zone
        stops = stops or waits or (fr.gap == 0 and (fr.stopped >> role) & 1 == 1)
    if stops or s.ordered:
        return False
    for d in range(w.n_dims):
        smaller = (dims >> d) & 1 and w.axis_of[role, d] >= 0 and not s.halo[role, d]
        for i in range(m, w.n_memories):  # it holds what stores further in do, and those at the same place
            smaller = smaller and not (s.kept[i, role] and s.tile_least[i, role, d] > 1)
        if smaller:
            return True
    return False


@kernel
def waiting_roles(w: Bench, s: Tree, fr: Frame, dims: int) -> int:
    """Roles of the zone's last stores that a loop of a set would move above, if nothing kept their tiles."""
    found = 0
    for m in range(1, w.n_memories):
        for role in range(N_ROLES):
            here = s.zone_of[m] == fr.zone and s.kept[m, role] and fr.placed[m, role] == MISSING
            if here and moves_above(w, s, fr, dims, m, role):
                found |= 1 << role
    return found


@kernel
def _can_keep(w: Bench, fr: Frame, roles: int) -> bool:
    """Whether some dim is left that indexes none of the roles."""
    for d in range(w.n_dims):
        if fr.x[d] < w.extents[d] and not roles_of(w, d) & roles:
            return True
    return roles == 0


@kernel
def commutes(w: Bench, s: Tree, fr: Frame, d: int) -> bool:
    """Whether a loop over a dim, put on the gap next, commutes with what comes after it.

    Not if some store keeps its tile over it, or slides along it.
    """
    kept = open_roles(w, fr)
    if s.ordered or kept & ~roles_of(w, d) or kept & s.windowed:
        return False
    return bool(fr.gap != 0 or not fr.low & s.windowed)


@kernel
def _moves_out(w: Bench, s: Tree, fr: Frame, d: int, above: int, only: bool) -> bool:
    """Whether a loop over `d` may move up out of the zone, past stores of the roles `above`, for free.

    Not past stores of tensors that it indexes. Nor of windows: what would slide along a loop further out
    would keep its tile over this one, and no longer slide. Above spatial loops over the same dim fewer
    instances have work in a step that is cut off. That does harm where a store keeps its tile, or where tiles
    are cut again further in: unless it is the `only` loop. And more of them have work in the first and the
    last step, which what cannot overlap waits for.
    """
    if s.ordered or roles_of(w, d) & above or s.windowed & above:
        return False
    if s.factor[fr.zone - 1, d] > 1.0 and not (only and w.overlap_only and above == 0):
        return False
    for role in range(N_ROLES):
        if s.halo[role, d]:
            return False
    return True


@kernel
def may_reach(w: Bench, s: Tree, fr: Frame) -> bool:
    """Whether the target may follow the gap as it is."""
    outermost = (1 << fr.last | fr.loose) if fr.gap else fr.below
    if fr.target >= 0:
        m, role = fr.target // N_ROLES, fr.target % N_ROLES
        if fr.gap == 0 and fr.group >= 0 and fr.target > fr.group:
            return False
        return bool((s.windowed >> role) & 1) or not moves_above(w, s, fr, outermost, m, role)
    some = missing(w, s, fr)
    if fr.zone == 0:
        for d in range(w.n_dims):
            if fr.x[d] < w.extents[d]:
                return False
        return bool(fr.needs == 0 and fr.slides == 0)
    if fr.gap == 0:
        return bool(fr.low == 0)
    for d in range(w.n_dims):
        if (outermost >> d) & 1 and _moves_out(w, s, fr, d, some, (fr.only >> d) & 1 == 1):
            return False
    return _can_keep(w, fr, waiting_roles(w, s, fr, outermost) & ~s.windowed)


@kernel
def _may_grow(w: Bench, s: Tree, fr: Frame, d: int) -> bool:
    """Whether a loop over a dim may come next on the way to the target."""
    roles = roles_of(w, d)
    if (fr.gap >> d) & 1 or fr.x[d] >= room_most(w, s, fr, d, s.inside[fr.zone, d]):
        return False
    if fr.needs & roles or fr.slides & roles & ~sliding_roles(w, s, d):
        return False
    if s.ordered:
        return bool(in_order(w, s, fr.n_rows, d))
    if fr.gap == 0 and fr.low & ~roles:
        return False
    if d < fr.last and (fr.loose >> fr.last) & 1:
        return False
    if not commutes(w, s, fr, d):
        return True
    if fr.shut & ~roles or (fr.low & ~roles and fr.loose == fr.gap):
        return False  # further in, it would keep a tile in place, or let a store move up
    if fr.target >= 0:
        m, role = fr.target // N_ROLES, fr.target % N_ROLES
        return bool((s.windowed >> role) & 1) or not moves_above(w, s, fr, 1 << d, m, role)
    if fr.zone == 0:
        return True
    if _moves_out(w, s, fr, d, missing(w, s, fr), fr.up[d] == 1):
        return False
    return _can_keep(w, fr, waiting_roles(w, s, fr, fr.loose | 1 << d) & ~s.windowed)


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
            possible = fr.zone > 0 or missing(w, s, fr) == 0
            if fr.aim >= 0:
                possible = ready(w, s, fr, fr.aim // N_ROLES, fr.aim % N_ROLES)
            if not possible:
                fr.aim += 1
                continue
            fr.stage = ACT
        fr.target = fr.aim
        if fr.stage == ACT:
            fr.stage, fr.next_up = ZERO, NONE
            if may_reach(w, s, fr):
                fr.step = REACH
                fr.target = chosen
                return True
        while fr.stage < w.n_dims:
            d = fr.stage
            if fr.next_up == NONE:
                if not _may_grow(w, s, fr, d):
                    fr.stage += 1
                    continue
                fr.next_up = room_most(w, s, fr, d, s.inside[fr.zone, d])
            least = fr.x[d] + 1
            if fr.target == LEAVE and fr.zone == 0:
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
