"""Two or more designs side by side: break-even, and which of them is best for some unknown use."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isclose

import numpy as np

from catx.costmodel.carbon.uncertainty import Samples, simulate
from catx.ir.sheet import Sheet

METRICS = (
    "embodied_gco2e",
    "operational_gco2e",
    "idle_gco2e",
    "training_share_gco2e",
    "total_gco2e",
    "total_per_inference_gco2e",
    "embodied_share",
    "latency_s",
    "energy_per_inference_j",
    "edp_j_s",
    "cdp_gco2e_s",
    "cep_gco2e_j",
    "c2ep_gco2e2_j",
    "ce2p_gco2e_j2",
    "tcdp_gco2e_s",
)
"""Rows that are set side by side."""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """Where two designs have emitted the same.

    Attributes:
        inferences: how many it takes; None: one of them is ahead from the first on.
        greener_before: the design that is ahead up to there, by position; without a crossing the better one.
            None: they are equal.
    """

    inferences: float | None
    greener_before: int | None


def break_even(first: Sheet, second: Sheet) -> BreakEven:
    """After how many inferences two designs have emitted the same.

    (EMB_a - EMB_b) / (op_b - op_a), with `op` the operational carbon by inference at the scenario's rate of
    use: idle time between two inferences is in it. The share of training counts as embodied.
    """
    made = [sheet["embodied_gco2e"] + sheet["training_share_gco2e"] for sheet in (first, second)]
    each = [sheet["operational_gco2e"] / sheet["inferences"] for sheet in (first, second)]
    if _same(made[0], made[1]):
        made[1] = made[0]
    if _same(each[0], each[1]):
        each[1] = each[0]
    if made[0] == made[1] and each[0] == each[1]:
        return BreakEven(None, None)
    ahead = 0 if (made[0], each[0]) <= (made[1], each[1]) else 1
    if made[0] == made[1] or (made[0] - made[1]) * (each[1] - each[0]) <= 0:
        return BreakEven(None, ahead)
    return BreakEven((made[0] - made[1]) / (each[1] - each[0]), ahead)


def _same(one: float, other: float) -> bool:
    """Whether two sums of one calculation differ by rounding alone."""
    return isclose(one, other, rel_tol=1e-12)


@dataclass(frozen=True, slots=True)
class Interval:
    """A design that is best for weights of operational carbon from `low` to `high`."""

    design: int
    low: float
    high: float


def robust_set(sheets: Sequence[Sheet]) -> list[Interval]:
    """Designs that minimize `EMB D + beta OP D` for some beta >= 0, by increasing beta.

    Lifetime and grid of use only scale operational carbon, that of idle time included, by an unknown beta (1:
    as in the scenario), so designs off this lower envelope are best for none of them: the sweep of CORDOBA
    (HPCA 2025). The share of training counts as embodied.
    """
    points = []
    for index, sheet in enumerate(sheets):
        points.append((*_products(sheet), index))
    found: list[Interval] = []
    beta = 0.0
    current = min(points)
    while True:
        crossings = [
            ((made - current[0]) / (current[1] - used), used, index)
            for made, used, index in points
            if used < current[1]
        ]
        if not crossings:
            return [*found, Interval(current[2], beta, inf)]
        at, _, index = min(crossings)
        at = max(at, beta)
        if at > beta:
            found.append(Interval(current[2], beta, at))
        beta, current = at, points[index]


def equals_of(sheets: Sequence[Sheet], design: int) -> list[int]:
    """Other designs that are as good as one for every beta."""
    wanted = _products(sheets[design])
    return [
        at for at, sheet in enumerate(sheets) if at != design and all(map(isclose, _products(sheet), wanted))
    ]


def _products(sheet: Sheet) -> tuple[float, float]:
    """Carbon of making times delay, and of use times delay."""
    delay = sheet["latency_s"]
    made = sheet["embodied_gco2e"] + sheet["training_share_gco2e"]
    return made * delay, sheet["operational_gco2e"] * delay


def probability_better(
    first: Sheet, second: Sheet, name: str, samples: int, seed: int
) -> tuple[float, float]:
    """How likely the first design's row is below the second one's, and how likely both are the same.

    Under common random numbers: what both share is drawn once.
    """
    one, other = (_one(sheet, name, samples, seed) for sheet in (first, second))
    return float(np.mean(one < other)), float(np.mean(one == other))


def _one(sheet: Sheet, name: str, samples: int, seed: int) -> Samples:
    return simulate(sheet, [name], samples, seed)[name]
