"""Compiled lower bound of what stores that are missing cost in energy, layer by layer.

The n-th stores of the tensors, counted from one side, or those of one memory are a layer (docs/mapper.md).
"""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import N_ROLES, NONE, OUT, Bench
from catx.mapper.edge_kernel import spread_least
from catx.mapper.growth_kernel import held_most
from catx.mapper.tree_kernel import INSIDE, MISSING, OUTSIDE, TOGETHER, Frame, Tree


@kernel
def _tile_slope(w: Bench, s: Tree, m: int, role: int) -> float:
    """Bytes that a store takes, at least, per product of what its groups' dims have grown to outermost."""
    width = min(w.width[role], w.accumulator) if role == OUT else w.width[role]
    bytes_ = width * (2.0 if w.double[m] else 1.0)
    for d in range(w.n_dims):
        if w.axis_of[role, d] < 0:
            continue
        if s.group[d] < 0:
            if not s.halo[role, d]:
                bytes_ *= max(1.0, s.reach[d] / s.spread_most[s.zone_of[m], d])
        else:
            bytes_ /= s.spread_most[s.zone_of[m], d]
    return float(bytes_)


@kernel
def _two_least(
    a1: float,
    b1: float,
    a2: float,
    b2: float,
    base: float,
    high: float,
    room: float,
    beta: float,
    gamma: float,
) -> float:
    """Least max(a1 / y, b1) + max(a2 / z, b2) with base <= y <= high and beta y + gamma y z <= room.

    The sum is convex in y once z is as large as may be: its least is where the slopes cancel, or at a bend.
    """
    if b1 > 0.0:
        high = min(high, max(base, a1 / b1))
    if room == np.inf:
        return float(max(a1 / high, b1) + b2)
    y = base
    if a1 > 0.0:
        y = room * np.sqrt(a1) / (beta * np.sqrt(a1) + np.sqrt(a2 * gamma * room))
    if a2 * gamma + beta * b2 > 0.0:
        y = max(y, room * b2 / (a2 * gamma + beta * b2))
    y = min(max(y, base), high)
    cost = b2
    if a2 * gamma > 0.0:
        left = room - beta * y
        cost = max(a2 * gamma * y / left, b2) if left > 0.0 else np.inf
    return float(max(a1 / y, b1) + cost)


@kernel
def layer_least(s: Tree, n: int, absent: int) -> float:
    """What the missing stores of a layer need beyond their least, in any order, from `s.reach` on.

    A layer has one store of each role. Of three stores the first one's dims grow before the tiles of the
    others are fixed, the second one's before the tile of the third. `set_layer` says what they cost.
    """
    best = np.inf
    for first in range(N_ROLES):
        for second in range(N_ROLES):
            if second != first and (absent < 0 or first == absent):
                best = min(best, _order_least(s, n, first, second, first == absent))
    return best


@kernel
def set_layer(w: Bench, s: Tree, fr: Frame, n: int) -> int:
    """Write what is known of the missing stores of a layer; the last role without one, NONE: all have."""
    absent = NONE
    for role in range(N_ROLES):
        s.base[role], s.most[role] = 1.0, 1.0
        s.tile[role], s.room[role], s.rise[role], s.floor[role] = 0.0, np.inf, 0.0, 0.0
    for d in range(w.n_dims):
        if s.group[d] >= 0:
            s.base[s.group[d]] *= s.reach[d]
            s.most[s.group[d]] *= w.extents[d]
    for role in range(N_ROLES):
        m = s.layer[s.layering, n, role]
        if m < 0 or fr.placed[m, role] != MISSING:
            absent = role
            continue
        s.tile[role] = _tile_slope(w, s, m, role)
        s.room[role] = w.capacity[m] - fr.used[m]
        s.rise[role] = s.slope[m, role]
        s.floor[role] = s.least[m, role] - s.offset[m, role]
        for d in range(w.n_dims):
            if s.group[d] == role:
                s.rise[role] *= s.sure[s.zone_of[m], d]
    if s.ties:
        _set_tied(w, s, fr, n)
    return absent


@kernel
def _set_tied(w: Bench, s: Tree, fr: Frame, n: int) -> None:
    """What tiles that a user bounds leave: the dims that one role lacks, below the tile of another one."""
    for role in range(N_ROLES):
        for other in range(N_ROLES):
            s.tied[role, other] = np.inf
            m = s.layer[s.layering, n, other]
            if other == role or m < 0 or fr.placed[m, other] != MISSING:
                continue
            s.tied[role, other] = 1.0
            for d in range(w.n_dims):
                if s.group[d] == role:
                    most = held_most(w, s, m, other, d, w.extents[d]) * s.spread_most[s.zone_of[m], d]
                    s.tied[role, other] *= min(most, w.extents[d])


@kernel
def order_room(s: Tree, n: int, first: int, second: int, stays: bool) -> tuple[float, float, float, float]:
    """How the stores of a layer can grow in one order; where the first `stays` away, its dims do not for it.

    Returns:
        What the first one's dims can grow to at most, 0: nothing fits; room for the third store; and `joint`
        and `gamma`, the bytes that it needs there: joint y + gamma y z.
    """
    third = 3 - first - second
    alpha = s.tile[first] * s.base[second] * s.base[third]
    beta, gamma = s.tile[second] * s.base[third], s.tile[third]
    room, alone, joint = s.room[third], s.room[second], 0.0
    if alpha > s.room[first]:
        return 0.0, room, joint, gamma
    if s.layer[s.layering, n, first] == s.layer[s.layering, n, third]:
        room -= alpha
    if s.layer[s.layering, n, first] == s.layer[s.layering, n, second]:
        alone -= alpha
    if s.layer[s.layering, n, second] == s.layer[s.layering, n, third]:
        joint = beta
    base = s.base[first]
    high = base if stays else s.most[first]
    if s.ties:
        high = min(high, s.tied[first, second], s.tied[first, third])
    if beta > 0.0:
        high = min(high, alone / beta)
    if joint + gamma * s.base[second] > 0.0:
        high = min(high, room / (joint + gamma * s.base[second]))
    if high < base * (1.0 - 1e-9):
        return 0.0, room, joint, gamma
    return max(high, base), room, joint, gamma


@kernel
def _order_least(s: Tree, n: int, first: int, second: int, stays: bool) -> float:
    """`layer_least` for one order."""
    high, room, joint, gamma = order_room(s, n, first, second, stays)
    if high == 0.0:
        return np.inf
    a1, b1, a2, b2 = s.rise[first], s.floor[first], s.rise[second], s.floor[second]
    least = max(b2, a2 / s.tied[second, 3 - first - second]) if s.ties else b2
    return float(_two_least(a1, b1, a2, least, s.base[first], high, room, joint, gamma) - b1 - b2)


@kernel
def has_layer(w: Bench, s: Tree, fr: Frame, n: int) -> bool:
    """Whether some store of a layer is missing."""
    for role in range(N_ROLES):
        m = s.layer[s.layering, n, role]
        if m >= 0 and fr.placed[m, role] == MISSING:
            return True
    return False


@kernel
def set_reach(w: Bench, s: Tree, fr: Frame, x: Any) -> None:
    """Extents outside of all fanouts, at least, from extents x of the frame's zone on."""
    for d in range(w.n_dims):
        s.reach[d] = x[d]
        for f in range(fr.zone - 1, -1, -1):
            s.reach[d] = spread_least(s, f, d, s.reach[d])
        s.reach[d] = min(s.reach[d], w.extents[d])


@kernel
def rest_least(w: Bench, s: Tree, fr: Frame, x: Any) -> float:
    """Energy that missing stores need beyond `least`, from extents x on; infinite where they cannot fit."""
    set_reach(w, s, fr, x)
    total = 0.0
    for n in range(s.n_layers):
        s.layer_rest[n] = layer_least(s, n, set_layer(w, s, fr, n)) if has_layer(w, s, fr, n) else 0.0
        total += s.layer_rest[n]
    s.rest = total
    return total


@kernel
def choose_layers(w: Bench, s: Tree, fr: Frame) -> float:
    """`rest_least` of the whole tree, stores making layers in the way that makes it largest, from now on."""
    s.layering = OUTSIDE
    most: float = rest_least(w, s, fr, fr.x)
    if s.one_layering:
        return most
    best = OUTSIDE
    for way in range(INSIDE, TOGETHER + 1):
        s.layering = way
        rest = rest_least(w, s, fr, fr.x)
        if rest > most:
            best, most = way, rest
    s.layering = best
    return float(rest_least(w, s, fr, fr.x))
