"""Scenario: where chips are made and used, how long and how often; what carbon totals assume."""

from dataclasses import dataclass
from typing import Literal, get_args

from catx.errors import SpecError
from catx.ir import checks

EmbodiedModel = Literal["wafer", "act", "catransformers"]
MODELS: tuple[EmbodiedModel, ...] = get_args(EmbodiedModel)

DAY_HOURS, YEAR_HOURS = 24, 8760
"""Rows that a profile of the grid may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Intensity of a grid by the hour, 24 or 8,760 rows [gCO2e/kWh], from the first hour of a day."""

    gco2e_per_kwh: tuple[float, ...]
    source: str = ""

    def __post_init__(self) -> None:
        if len(self.gco2e_per_kwh) not in (DAY_HOURS, YEAR_HOURS):
            raise SpecError(
                f"a grid profile has {DAY_HOURS} or {YEAR_HOURS:,} rows, not {len(self.gco2e_per_kwh):,}"
            )
        for hour, value in enumerate(self.gco2e_per_kwh):
            checks.amounts(f"grid profile, hour {hour}", gco2e_per_kwh=value)

    @property
    def mean(self) -> float:
        """Over all hours [gCO2e/kWh]."""
        return sum(self.gco2e_per_kwh) / len(self.gco2e_per_kwh)

    def mean_in(self, start: int, end: int) -> float:
        """Over the hours of each day from `start` up to `end`, past midnight where it is no later."""
        hours = {(start + step) % DAY_HOURS for step in range((end - start - 1) % DAY_HOURS + 1)}
        chosen = [value for hour, value in enumerate(self.gco2e_per_kwh) if hour % DAY_HOURS in hours]
        return sum(chosen) / len(chosen)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Scenario:
    """Assumptions of the carbon totals; each comes with the source that the report prints.

    Made: on a grid of `fab_gco2e_per_kwh`, gases abated by `abatement_percent`. `embodied` is the model:
    `wafer` counts good dies of a wafer (`line_yield`; `defects_per_cm2`, None: the node's), `act` and
    `catransformers` divide by a fixed `fab_yield`, which all models apply to DRAM of ACT's table.
    `packaging_gco2e` is per package, `board_cm2` the board's share, `other_gco2e` whatever else is embodied.

    Used: for `lifetime_years`, of which the unit is powered for `on_share`, on a grid of `grid_gco2e_per_kwh`
    or an hourly profile, in the hours of the day `hours` (start, end). How often: exactly one of `inferences`
    over the lifetime, `inferences_per_day`, and `utilization` (share of the powered time that it is busy).
    While idle it draws `idle_share` of its static power: 0 is power gated, 1 leaks as it does at work. Power
    supplies pass on `supply_efficiency` of the energy, and the building takes `pue` times the rest.

    Around: `training_gco2e` once for `fleet` units together.
    """

    name: str
    inferences: float | None = None
    inferences_per_day: float | None = None
    utilization: float | None = None
    lifetime_years: float
    on_share: float = 1.0
    idle_share: float = 0.0
    grid_gco2e_per_kwh: float
    grid_profile: Profile | None = None
    hours: tuple[int, int] | None = None
    pue: float = 1.0
    supply_efficiency: float = 1.0
    embodied: EmbodiedModel = "wafer"
    fab_gco2e_per_kwh: float
    abatement_percent: int
    fab_yield: float = 0.875
    line_yield: float = 1.0
    defects_per_cm2: float | None = None
    packaging_gco2e: float = 150.0
    board_cm2: float = 0.0
    other_gco2e: float = 0.0
    training_gco2e: float = 0.0
    fleet: float = 1
    sources: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        checks.named("scenario", self.name)
        owner = f"scenario {self.name}"
        self._check_use(owner)
        checks.positive(owner, lifetime_years=self.lifetime_years, fleet=self.fleet)
        checks.amounts(
            owner,
            grid_gco2e_per_kwh=self.grid_gco2e_per_kwh,
            fab_gco2e_per_kwh=self.fab_gco2e_per_kwh,
            abatement_percent=self.abatement_percent,
            packaging_gco2e=self.packaging_gco2e,
            board_cm2=self.board_cm2,
            other_gco2e=self.other_gco2e,
            training_gco2e=self.training_gco2e,
            idle_share=self.idle_share,
        )
        for field, most in (
            ("fab_yield", 1),
            ("line_yield", 1),
            ("on_share", 1),
            ("supply_efficiency", 1),
            ("abatement_percent", 100),
            ("idle_share", 1),
        ):
            value = getattr(self, field)
            if field not in ("abatement_percent", "idle_share"):
                checks.positive(owner, **{field: value})
            if value > most:
                raise SpecError(f"{owner}: {field} must be at most {most}, not {value!r}")
        checks.positive(owner, pue=self.pue)
        if self.pue < 1:
            raise SpecError(f"{owner}: pue must be at least 1, not {self.pue!r}")
        if self.defects_per_cm2 is not None:
            checks.amounts(owner, defects_per_cm2=self.defects_per_cm2)
        if self.embodied not in MODELS:
            raise SpecError(f"{owner}: embodied must be one of {', '.join(MODELS)}, not {self.embodied!r}")
        if self.hours and not self.grid_profile:
            raise SpecError(f"{owner}: hours need a grid_profile")
        fits = self.hours is None or (
            len(self.hours) == 2 and all(type(hour) is int and 0 <= hour <= DAY_HOURS for hour in self.hours)
        )
        if not fits:
            raise SpecError(f"{owner}: hours are two whole numbers from 0 to 24, not {self.hours!r}")

    def __repr__(self) -> str:
        return f"<Scenario {self.name}>"

    def _check_use(self, owner: str) -> None:
        """How often is said once."""
        ways = ("inferences", "inferences_per_day", "utilization")
        said = [way for way in ways if getattr(self, way) is not None]
        if len(said) != 1:
            raise SpecError(
                f"{owner}: give exactly one of {', '.join(ways)}, not {' and '.join(said) or None}"
            )
        if self.inferences is not None:
            checks.whole(owner, inferences=self.inferences)
        checks.positive(owner, **{said[0]: getattr(self, said[0])})
        if self.utilization is not None and self.utilization > 1:
            raise SpecError(f"{owner}: utilization must be at most 1, not {self.utilization!r}")

    def source_of(self, field: str) -> str:
        """Where a number of the scenario comes from."""
        return dict(self.sources).get(field, f"scenario {self.name}")
