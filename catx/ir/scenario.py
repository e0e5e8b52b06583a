"""Scenario: where, how long and how often an accelerator is used; what carbon totals assume."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Assumptions of the carbon totals; each comes with the source that the report prints.

    `inferences` run over the unit's lifetime of `lifetime_years`, on a grid of `grid_gco2e_per_kwh`; the
    die is made on a grid of `fab_gco2e_per_kwh` with gases abated by `abatement_percent`, at a fixed
    `fab_yield`; `packaging_gco2e` is per unit.
    """

    name: str
    inferences: float
    lifetime_years: float
    grid_gco2e_per_kwh: float
    fab_gco2e_per_kwh: float
    abatement_percent: int
    fab_yield: float
    packaging_gco2e: float
    sources: tuple[tuple[str, str], ...] = ()
