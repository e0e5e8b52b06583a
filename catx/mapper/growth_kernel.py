"""Compiled limits of growth: how large extents may be below stores whose tiles the user bounds."""

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import N_ROLES, Bench
from catx.mapper.tree_kernel import MISSING, Frame, Tree


@kernel
def held_most(w: Bench, s: Tree, m: int, role: int, d: int, cap: int) -> int:
    """The largest extent of a dim in a memory's tile, `cap` at most: it lies in those further out."""
    most: int = cap
    if s.limited and w.axis_of[role, d] >= 0:
        for i in range(1, m + 1):
            if s.kept[i, role]:
                most = min(most, s.tile_most[i, role, d])
    return most


@kernel
def inside_most(w: Bench, s: Tree, link: int, d: int, cap: int) -> int:
    """The largest extent of a dim right outside of a fanout's loops, `cap` at most: all stores there hold it.

    If the fanout is not used, stores on both sides of it may stand either way.
    """
    most: int = cap
    if not s.limited:
        return most
    used = False
    for other in range(w.n_dims):
        used = used or s.factor[link, other] > 1.0
    for m in range(1, w.n_memories):
        for role in range(N_ROLES):
            if used and s.fanouts[m] == link and s.kept[m, role] and w.axis_of[role, d] >= 0:
                most = min(most, s.tile_most[m, role, d])
    return most


@kernel
def room_most(w: Bench, s: Tree, fr: Frame, d: int, cap: int) -> int:
    """What a dim can grow to, `cap` at most, before missing stores of the zone are placed, which hold it."""
    most: int = cap
    if not s.limited:
        return most
    for m in range(1, w.n_memories):
        for role in range(N_ROLES):
            waits = s.zone_of[m] == fr.zone and s.kept[m, role] and fr.placed[m, role] == MISSING
            if waits and w.axis_of[role, d] >= 0:
                most = min(most, s.tile_most[m, role, d])
    return most


@kernel
def outgrown(w: Bench, s: Tree, fr: Frame) -> bool:
    """Whether a dim has grown to more than missing stores of the zone may hold."""
    if not s.limited:
        return False
    for d in range(w.n_dims):
        if fr.x[d] > room_most(w, s, fr, d, s.inside[fr.zone, d]):
            return True
    return False
