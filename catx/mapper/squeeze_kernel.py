"""Compiled test whether a nest still fits between two points of the front.

What saves moves takes large tiles, and large tiles take long to fill: energy and latency, which are bounded
one by one elsewhere, have to stay below a limit at once here (docs/mapper.md).
"""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import N_ROLES, OUT, Bench
from catx.mapper.front_kernel import ROUNDING, beaten
from catx.mapper.layer_kernel import has_layer, order_room, rest_least, set_layer
from catx.mapper.load_kernel import crowd_least, load_least, set_loads
from catx.mapper.promise_kernel import cycles_least, promise
from catx.mapper.tree_kernel import MISSING, OUTSIDE, SHARE, WHOLE, Frame, Tree

ROUNDS = 2
"""Times that the cycles which tiles take are taken from those that moves may take."""

SLIP = 1e-9
"""Relative error of sums that does not count."""


@kernel
def _set_waits(w: Bench, s: Tree, fr: Frame, n: int) -> None:
    """What a layer's missing stores wait for, and stop the matrix unit, per product of grown dims."""
    for role in range(N_ROLES):
        s.wait[role] = s.known_wait[role] = s.instances[role] = s.stop_rise[role] = s.stop_floor[role] = 0.0
        m = s.layer[s.layering, n, role]
        if m < 0 or fr.placed[m, role] != MISSING:
            continue
        parent, zone = s.parent[m, role], s.zone_of[m]
        s.instances[role], s.stop_rise[role] = 0.0 if s.idle[m, role] else 1.0, s.stop_slope[m, role]
        s.stop_floor[role] = s.least_stopped[m, role] - s.stop_offset[m, role]
        for d in range(w.n_dims):
            if s.group[d] == role:
                s.instances[role] *= s.sure[zone, d]
                s.stop_rise[role] *= s.sure[zone, d]
        if w.overlap_only or not w.double[m]:
            continue
        alone = w.read_rate[m] if role == OUT else w.write_rate[m]
        outer = w.write_rate[parent] if role == OUT else w.read_rate[parent]
        across = 1.0
        for lacking in range(N_ROLES):
            i = s.layer[s.layering, n, lacking]
            split = i >= 0 and fr.placed[i, lacking] == MISSING and s.split[i, lacking]
            across *= s.across[m, role, lacking, SHARE if split else WHOLE]
        s.wait[role] = s.tile[role] / 2.0 * max(1.0 / alone, across / outer)
        s.known_wait[role] = s.edge_of[m, role]


@kernel
def _grown(s: Tree, role: int, joules: float, cycles: float) -> float:
    """What the dims that a role does not index grow to at least, if its store may cost so much more.

    Visits are whole: so many as instances for each time that all of them get a new tile. (With what they have
    grown to already there may be more visits than the quotient tells.)
    """
    least = 1.0
    if s.rise[role] > 0.0:
        least = max(least, s.rise[role] / (s.floor[role] + joules))
    if s.load_rise[role] > 0.0:
        least = max(least, s.load_rise[role] / (s.load_floor[role] + max(cycles - s.port[role], 0.0)))
    if s.instances[role] > 0.0 and least < s.most[role]:
        times = np.floor(s.most[role] / least * s.instances[role] * (1.0 + SLIP)) / s.instances[role]
        least = max(least, s.most[role] / max(times, 1.0))
    return float(max(least, s.base[role]))


@kernel
def _wait(s: Tree, role: int, grown: float) -> float:
    """Cycles that a store's first or last tile takes beyond what is known."""
    return float(max(0.0, s.wait[role] * grown - s.known_wait[role]))


@kernel
def _stops(s: Tree, role: int, grown: float) -> float:
    """Cycles for which a store stops the matrix unit at least, where dims grow to no more than `grown`."""
    return float(max(0.0, s.stop_rise[role] / min(grown, s.most[role]) - s.stop_floor[role]))


@kernel
def _order_waits(
    s: Tree, n: int, first: int, second: int, stays: bool, joules: float, cycles: float
) -> float:
    """Cycles that the first and last tiles of a layer take beyond what is known, in one order."""
    high, room, joint, gamma = order_room(s, n, first, second, stays)
    if high == 0.0:
        return np.inf
    third = 3 - first - second
    y, z = _grown(s, first, joules, cycles), _grown(s, second, joules, cycles)
    if y > high * (1.0 + SLIP) or (joint + gamma * z) * y > room * (1.0 + SLIP):
        return np.inf
    total = _wait(s, first, s.base[second] * s.base[third])
    total += _stops(s, first, high)
    if joint + gamma > 0.0:
        total += _stops(s, second, (room - joint * y) / (gamma * y))
    return total + _wait(s, second, y * s.base[third]) + _wait(s, third, y * z)


@kernel
def _layer_waits(w: Bench, s: Tree, fr: Frame, n: int, joules: float, cycles: float) -> float:
    """`_order_waits` of the order that waits least."""
    absent = set_layer(w, s, fr, n)
    set_loads(w, s, fr, n)
    _set_waits(w, s, fr, n)
    best = np.inf
    for first in range(N_ROLES):
        for second in range(N_ROLES):
            if second != first and (absent < 0 or first == absent):
                best = min(best, _order_waits(s, n, first, second, first == absent, joules, cycles))
    return best


@kernel
def _fits(w: Bench, s: Tree, fr: Frame, joules: float, cycles: float, load: float) -> bool:
    """Whether so much more energy [J] and so many more cycles may suffice, with ports loaded by `load`."""
    left = cycles
    for _ in range(ROUNDS):
        total = 0.0
        for n in range(s.n_layers):
            if has_layer(w, s, fr, n):
                total += _layer_waits(w, s, fr, n, joules + s.layer_rest[n], left + load)
        left = cycles - total
        if left < 0.0:
            return False
        if total == 0.0:
            break
    return True


@kernel
def _has_place(w: Bench, s: Tree, fr: Frame, more: float, load: float) -> bool:
    """Whether a frame may fit between two points, where its promise has `more` energy [J] than its layers."""
    part = ROUNDING / (1.0 + s.slack)
    for i in range(s.n_front + 1):
        energy = s.front_energy[s.by_time[i - 1]] * part if i > 0 else np.inf
        time = s.front_time[s.by_time[i]] * part if i < s.n_front else np.inf
        if s.promise_j >= energy or s.promise_s >= time:
            continue
        if _fits(w, s, fr, energy - s.promise_j + more, (time - s.promise_s) / s.second, load):
            return True
    return False


@kernel
def squeezed(w: Bench, s: Tree, fr: Frame, x: Any) -> bool:
    """Whether nothing that a frame leads to fits between two points of the front, which has not beaten it.

    `rest_least` and `edges_least` were called for the same extents x, and `hopeless` for the frame. Writes
    what the frame promises.
    """
    if s.n_front == 0:
        return False
    load = load_least(w, fr)
    crowd = crowd_least(w, s, fr, x, load)
    more = (cycles_least(w, s, fr) + crowd + s.waits) * s.second - s.promise_s
    if more > 0.0:
        promise(s, s.promise_j + s.static_w * more, s.promise_s + more)
        if beaten(s, s.promise_j * (1.0 + s.slack), s.promise_s * (1.0 + s.slack)):
            return True
    layering, rest = s.layering, s.rest
    s.layering = OUTSIDE  # what loads the outermost memory most makes one layer
    other = rest_least(w, s, fr, x)
    lost = other == np.inf or not _has_place(w, s, fr, rest - other, load + crowd)
    s.layering = layering
    return lost
