"""Series to draw: carbon by part, and the total as a unit's life goes on."""

from dataclasses import dataclass

import numpy as np

from catx.costmodel.carbon.formulas import names_in
from catx.costmodel.carbon.uncertainty import BANDS, simulate
from catx.ir.sheet import Sheet

LIVES, POINTS = 2.0, 101
"""How many lifetimes a curve covers, and of how many points it is."""

_USED = ("inference_gco2e", "idle_gco2e", "training_share_gco2e")


@dataclass(frozen=True, slots=True)
class Curve:
    """Carbon of one unit over its age.

    Attributes:
        years: ages, `POINTS` of them, from 0 to `LIVES` lifetimes.
        total_gco2e: what it has emitted by then, at the nominal inputs; use goes on evenly.
        bands_gco2e: by point the 5th, 50th and 95th percentile, where samples were drawn.
    """

    years: tuple[float, ...]
    total_gco2e: tuple[float, ...]
    bands_gco2e: tuple[tuple[float, float, float], ...]


def carbon_parts(sheet: Sheet) -> dict[str, float]:
    """Carbon by part, which sum to the total [gCO2e]: what is embodied, as its sum lists it, then use."""
    formula = next(row.formula for row in sheet.rows if row.name == "embodied_gco2e")
    return {name: sheet[name] for name in (*names_in(formula), *_USED)}


def over_life(sheet: Sheet, samples: int, seed: int) -> Curve:
    """The total over a unit's age: what is embodied at once, what use adds in proportion."""
    shares = np.linspace(0.0, LIVES, POINTS)
    years = shares * sheet["lifetime_years"]
    at_once = sheet["embodied_gco2e"] + sheet["training_share_gco2e"]
    total = at_once + shares * sheet["operational_gco2e"]
    bands: list[tuple[float, float, float]] = []
    if samples:
        drawn = simulate(sheet, ["embodied_gco2e", "operational_gco2e"], samples, seed)
        made = drawn["embodied_gco2e"] + sheet["training_share_gco2e"]
        for share in shares:
            low, middle, high = np.percentile(made + share * drawn["operational_gco2e"], BANDS).tolist()
            bands.append((low, middle, high))
    return Curve(tuple(years.tolist()), tuple(total.tolist()), tuple(bands))
