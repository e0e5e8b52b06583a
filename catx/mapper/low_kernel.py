"""Compiled list of lower bounds: what a search left unexplored cannot cost less than one of them."""

from typing import Any

import numpy as np

from catx.costmodel.jit import kernel
from catx.costmodel.tiles_kernel import NONE, constant


def low_fields(most: int) -> list[Any]:
    """Fields of a record: (energy, latency) pairs, none of which is below another one in both.

    There is room for so many; where more are needed, two become one that is below both.
    """
    return [
        ("n_low", "i8"),
        ("low_energy", "f8", most),  # [J], static power over the latency included
        ("low_time", "f8", most),  # [s]
    ]


State = Any
"""A record with `low_fields`."""

ZERO = constant(0)


@kernel
def _drop(s: State, at: int) -> None:
    """Take a bound out."""
    s.n_low -= 1
    s.low_energy[at], s.low_time[at] = s.low_energy[s.n_low], s.low_time[s.n_low]


@kernel
def _merge_closest(s: State) -> None:
    """Make room: the two bounds that are closest by latency, or lose least, become one."""
    first, second, least = ZERO, ZERO, np.inf
    for i in range(s.n_low):
        above = NONE
        for j in range(s.n_low):
            if s.low_time[j] > s.low_time[i] and (above < 0 or s.low_time[j] < s.low_time[above]):
                above = j
        if above >= 0:
            loss = min(s.low_time[above] / s.low_time[i], s.low_energy[i] / max(s.low_energy[above], 1e-300))
            if loss < least:
                first, second, least = i, above, loss
    s.low_energy[first] = s.low_energy[second]
    _drop(s, second)


@kernel
def enter_low(s: State, energy: float, time: float) -> None:
    """Note what something that stays unexplored cannot beat."""
    for i in range(s.n_low):
        if s.low_energy[i] <= energy and s.low_time[i] <= time:
            return
    i = ZERO
    while i < s.n_low:
        if energy <= s.low_energy[i] and time <= s.low_time[i]:
            _drop(s, i)
        else:
            i += 1
    if s.n_low == len(s.low_energy):
        _merge_closest(s)
    s.low_energy[s.n_low], s.low_time[s.n_low] = energy, time
    s.n_low += 1


@kernel
def enter_lows(s: State, others: Any) -> None:
    """Note the bounds of other records."""
    for at in range(len(others)):
        for i in range(others[at].n_low):
            enter_low(s, others[at].low_energy[i], others[at].low_time[i])
