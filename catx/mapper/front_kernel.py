"""Compiled Pareto front of the nests that a search has costed."""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import MAX_ROWS, NONE, Bench, constant
from catx.mapper.low_kernel import enter_low, low_fields

MAX_FRONT = 128
"""Points of a front that there is room for."""

MAX_LOWS = 64
"""Bounds of what is left that a search has room for."""

FRONT_FIELDS: list[Any] = [
    ("n_front", "i8"),
    ("most_front", "i8"),  # points that are kept, MAX_FRONT at most
    ("n_crowded", "i8"),  # those that had to make room for others
    ("front_energy", "f8", MAX_FRONT),  # [J], static power over the latency included
    ("front_time", "f8", MAX_FRONT),  # [s]
    ("by_time", "i8", MAX_FRONT),  # points, the fastest first
    ("front_rows", "i8", MAX_FRONT),
    ("front_nest", "i8", (MAX_FRONT, MAX_ROWS, 4)),
    *low_fields(MAX_LOWS),
]
"""Fields of a search record: nests that no other one beats in both energy and latency, and what is left."""

ROUNDING = 1.0 + 1e-12
"""Costs closer than this are equal."""

State = Any
"""A record with `FRONT_FIELDS`."""

ZERO = constant(0)


@kernel
def beaten(s: State, energy: float, time: float) -> bool:
    """Whether a nest of the front costs no more of either, but for rounding."""
    for i in range(s.n_front):
        if s.front_energy[i] <= energy * ROUNDING and s.front_time[i] <= time * ROUNDING:
            return True
    return False


@kernel
def _move_point(s: State, source: int, target: int) -> None:
    """Copy a point of the front over another one."""
    s.front_energy[target], s.front_time[target] = s.front_energy[source], s.front_time[source]
    s.front_rows[target] = s.front_rows[source]
    for i in range(s.front_rows[source]):
        for column in range(4):
            s.front_nest[target, i, column] = s.front_nest[source, i, column]


@kernel
def _gap(s: State, point: int) -> float:
    """What is lost without a point: how far its neighbours are apart, in the closer of energy and latency."""
    below, above = NONE, NONE  # next to it by energy
    for i in range(s.n_front):
        if s.front_energy[i] < s.front_energy[point]:
            below = i if below < 0 or s.front_energy[i] > s.front_energy[below] else below
        elif s.front_energy[i] > s.front_energy[point]:
            above = i if above < 0 or s.front_energy[i] < s.front_energy[above] else above
    if below < 0 or above < 0:
        return np.inf
    energy: float = s.front_energy[above] / s.front_energy[below]
    time: float = s.front_time[below] / s.front_time[above]
    return min(energy, time)


@kernel
def _crowded(s: State) -> int:
    """The point of a full front whose loss matters least; those of least energy, latency and product stay."""
    product = ZERO
    for i in range(s.n_front):
        if s.front_energy[i] * s.front_time[i] < s.front_energy[product] * s.front_time[product]:
            product = i
    worst, least = ZERO, np.inf
    for i in range(s.n_front):
        gap = _gap(s, i)
        if i != product and gap < least:
            worst, least = i, gap
    return worst


@kernel
def enter_front(w: Bench, s: State, energy: float, time: float) -> None:
    """Keep the bench's nest if no other one beats it, and drop those that it beats."""
    if beaten(s, energy, time):
        return
    kept = ZERO
    for i in range(s.n_front):
        if s.front_energy[i] < energy or s.front_time[i] < time:
            if kept < i:
                _move_point(s, i, kept)
            kept += 1
    s.n_front = kept
    if kept == s.most_front:
        at = _crowded(s)
        s.n_crowded += 1
        slack = 1.0 + s.slack  # what was dropped for its sake may be better by so much
        enter_low(s, s.front_energy[at] / slack, s.front_time[at] / slack)
    else:
        at = kept
        s.n_front = kept + 1
    s.front_energy[at], s.front_time[at], s.front_rows[at] = energy, time, w.n_rows
    for i in range(w.n_rows):
        for column in range(4):
            s.front_nest[at, i, column] = w.nest[i, column]
    for i in range(s.n_front):
        place = ZERO
        for j in range(s.n_front):
            place += 1 if s.front_time[j] < s.front_time[i] else 0
        s.by_time[place] = i
