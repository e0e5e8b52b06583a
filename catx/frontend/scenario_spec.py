"""What a scenario file may hold, and the scenario that it stands for."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from catx.costmodel.carbon.regions import region
from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO, SCENARIOS
from catx.errors import SpecError
from catx.frontend.hardware.document import Document
from catx.frontend.hardware.fields import Area, Choice, GridOf, Hours, Name, Number, Quantity, ShareOf, Text
from catx.frontend.hardware.problems import Problem, fail
from catx.frontend.hardware.spec import Spec
from catx.frontend.hardware.validate import validate
from catx.ir.scenario import MODELS, Profile, Scenario
from catx.units import MM2_PER_CM2

FIELDS = {
    "inferences": "inferences",
    "inferences_per_day": "inferences_per_day",
    "utilization": "utilization",
    "lifetime": "lifetime_years",
    "on": "on_share",
    "idle": "idle_share",
    "grid": "grid_gco2e_per_kwh",
    "hours": "hours",
    "pue": "pue",
    "supply_efficiency": "supply_efficiency",
    "embodied": "embodied",
    "fab_grid": "fab_gco2e_per_kwh",
    "abatement": "abatement_percent",
    "fab_yield": "fab_yield",
    "line_yield": "line_yield",
    "defects_per_cm2": "defects_per_cm2",
    "packaging": "packaging_gco2e",
    "board": "board_cm2",
    "other": "other_gco2e",
    "training": "training_gco2e",
    "fleet": "fleet",
}
"""Keys of the file and the fields of `Scenario` that they set."""

HOW_OFTEN = ("inferences", "inferences_per_day", "utilization")
"""Exactly one of these is needed."""

NEEDED = ("lifetime", "grid", "fab_grid", "abatement")
"""What a file without a base must have besides."""

OF_WAFERS = ("line_yield", "defects_per_cm2")
"""What the model `wafer` alone uses."""

IDLE = {"gated": 0.0, "leaking": 1.0}
"""What a unit that is powered draws while it has no work, as a share of its static power."""

_ABATEMENTS = (95, 97, 99)
"""What ACT's tables of process gases cover [%]; docs/carbon.md."""

_Share = Annotated[float, ShareOf(least=0.001)]
_Mass = Annotated[float, Quantity("mass of CO2e", zero=True)]
_Count = Annotated[float, Number(whole=True, exponent=True, least=1, most=10**15)]


class ScenarioSpec(Spec):
    """A scenario file; what is not written comes from the base."""

    name: Name | None = Field(None, description="default the file's name")
    base: Annotated[str, Choice("a built-in scenario", tuple(SCENARIOS))] | None = None
    inferences: _Count | None = Field(None, description="of one unit over its lifetime")
    inferences_per_day: Annotated[float, Number(most=1e12)] | None = None
    utilization: _Share | None = Field(None, description="share of the powered time that it is busy")
    lifetime: Annotated[float, Quantity("lifetime")] | None = None
    on: _Share | None = Field(None, description="share of the lifetime that it is powered, default 1")
    idle: Annotated[str, Choice("what it does while idle", tuple(IDLE))] | None = None
    grid: Annotated[float | str, GridOf(profile=True)] | None = None
    hours: Annotated[tuple[int, int], Hours()] | None = Field(None, description="of a profile that count")
    pue: Annotated[float, Number(least=1, most=10)] | None = None
    supply_efficiency: _Share | None = None
    embodied: Annotated[str, Choice("a model of embodied carbon", MODELS)] | None = None
    fab_grid: Annotated[float | str, GridOf()] | None = None
    abatement: Annotated[float, Quantity("percentage")] | None = None
    fab_yield: _Share | None = None
    line_yield: _Share | None = None
    defects_per_cm2: Annotated[float, Number(zero=True, most=100)] | None = None
    packaging: _Mass | None = None
    board: Area | None = Field(None, description="the unit's part of a printed board")
    other: _Mass | None = Field(None, description="whatever else is embodied")
    training: _Mass | None = Field(None, description="once, for all units")
    fleet: _Count | None = Field(None, description="units that share the training")
    sources: dict[Annotated[str, Choice("a key of this file", tuple(FIELDS))], Text] = Field({})


def scenario_of(document: Document, profile: Callable[[str], Profile]) -> Scenario:
    """The scenario that a file describes.

    Args:
        document: the file.
        profile: reads the grid profile of a name beside the file.

    Raises:
        SpecError: listing everything that is wrong in the file.
    """
    spec = validate(ScenarioSpec, document)
    written = {key: getattr(spec, key) for key in FIELDS if getattr(spec, key) is not None}
    if problems := list(_problems(spec, written, document)):
        fail(document.file, problems)
    sources = {FIELDS[key]: spec.sources.get(key, document.file) for key in written}
    values: dict[str, Any] = {FIELDS[key]: value for key, value in written.items()}
    base = SCENARIOS[spec.base] if spec.base else DEFAULT_SCENARIO
    if any(key in written for key in HOW_OFTEN):
        values = dict.fromkeys(HOW_OFTEN) | values
    if spec.abatement is not None:
        values["abatement_percent"] = int(spec.abatement)
    if spec.idle is not None:
        values["idle_share"] = IDLE[spec.idle]
    if spec.board is not None:
        values["board_cm2"] = spec.board / MM2_PER_CM2
    if spec.grid is not None:
        values["grid_profile"] = None
    for key in ("grid", "fab_grid"):
        name = written.get(key)
        if not isinstance(name, str):
            continue
        if name.lower().endswith(".csv"):
            try:
                values["grid_profile"] = profile(name)
            except SpecError as error:
                told = f"{error.loc}: {error.args[0]}" if error.loc else str(error.args[0])
                fail(document.file, [document.problem(told, (key,), error.hint)])
            values[FIELDS[key]] = values["grid_profile"].mean
            continue
        values[FIELDS[key]] = region(name).gco2e_per_kwh
        sources[FIELDS[key]] = spec.sources.get(key, region(name).told)
    try:
        return replace(
            base,
            name=spec.name or Path(document.file).stem,
            sources=tuple((dict(base.sources) | sources).items()),
            **values,
        )
    except SpecError as error:
        fail(document.file, [document.problem(error.args[0], (), error.hint)])


def _problems(spec: ScenarioSpec, written: dict[str, Any], document: Document) -> Iterator[Problem]:
    """What does not fit together."""
    said = [key for key in HOW_OFTEN if key in written]
    if len(said) > 1:
        yield document.problem(f"one of {', '.join(said)} is enough: they say the same thing", (said[1],))
    missing = [key for key in NEEDED if key not in written] + ([] if said else [" or ".join(HOW_OFTEN)])
    if spec.base is None and missing:
        hint = f"`base: {DEFAULT_SCENARIO.name}` takes what is not written from that scenario"
        yield document.problem(f"missing keys: {', '.join(missing)}", (), hint)
    if spec.abatement is not None and spec.abatement not in _ABATEMENTS:
        known = ", ".join(f"{percent} %" for percent in _ABATEMENTS)
        yield document.problem(f"there is data for {known} only", ("abatement",))
    if spec.hours and not (isinstance(spec.grid, str) and spec.grid.lower().endswith(".csv")):
        yield document.problem("hours need an hourly grid: `grid: profile.csv`", ("hours",))
    model = spec.embodied or (SCENARIOS[spec.base] if spec.base else DEFAULT_SCENARIO).embodied
    for key in OF_WAFERS:
        if key in written and model != "wafer":
            yield document.problem(
                f"without effect: the model `{model}` divides by a fixed yield",
                (key,),
                "take `embodied: wafer`, or `fab_yield`",
            )
    for key in spec.sources:
        if key not in written:
            yield document.problem(f"a source without its number: write {key!r}, too", ("sources", key))
