"""Scenario: where, how long and how often an accelerator is used; what carbon totals assume."""

from dataclasses import dataclass

from catx.errors import SpecError
from catx.ir import checks


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

    def __post_init__(self) -> None:
        checks.named("scenario", self.name)
        owner = f"scenario {self.name}"
        checks.whole(owner, inferences=self.inferences)
        checks.positive(owner, lifetime_years=self.lifetime_years)
        checks.amounts(
            owner,
            grid_gco2e_per_kwh=self.grid_gco2e_per_kwh,
            fab_gco2e_per_kwh=self.fab_gco2e_per_kwh,
            abatement_percent=self.abatement_percent,
            packaging_gco2e=self.packaging_gco2e,
        )
        checks.positive(owner, fab_yield=self.fab_yield)
        for field, value, most in (
            ("fab_yield", self.fab_yield, 1),
            ("abatement_percent", self.abatement_percent, 100),
        ):
            if value > most:
                raise SpecError(f"{owner}: {field} must be at most {most}, not {value!r}")
