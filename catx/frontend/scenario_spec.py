"""What a scenario file may hold, and the scenario that it stands for."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO, SCENARIOS
from catx.frontend.hardware.document import Document
from catx.frontend.hardware.fields import Choice, Name, Number, Quantity, Text
from catx.frontend.hardware.problems import Problem, fail
from catx.frontend.hardware.spec import Spec
from catx.frontend.hardware.validate import validate
from catx.ir.scenario import Scenario

FIELDS = {
    "inferences": "inferences",
    "lifetime": "lifetime_years",
    "grid": "grid_gco2e_per_kwh",
    "fab_grid": "fab_gco2e_per_kwh",
    "abatement": "abatement_percent",
    "fab_yield": "fab_yield",
    "packaging": "packaging_gco2e",
}
"""Keys of the file, whose values have units, and the fields of `Scenario` that they set."""

_ABATEMENTS = (95, 97, 99)
"""What ACT's tables of process gases cover [%]; docs/carbon.md."""

_Intensity = Annotated[float, Quantity("carbon intensity", zero=True)]


class ScenarioSpec(Spec):
    """A scenario file; what is not written comes from the base."""

    name: Name | None = Field(None, description="default the file's name")
    base: Annotated[str, Choice("a built-in scenario", tuple(SCENARIOS))] | None = None
    inferences: Annotated[float, Number(whole=True, exponent=True, least=1, most=10**15)] | None = None
    lifetime: Annotated[float, Quantity("lifetime")] | None = None
    grid: _Intensity | None = None
    fab_grid: _Intensity | None = None
    abatement: Annotated[float, Quantity("percentage")] | None = None
    fab_yield: Annotated[float, Number(most=1, least=0.001)] | None = None
    packaging: Annotated[float, Quantity("mass of CO2e", zero=True)] | None = None
    sources: dict[Annotated[str, Choice("a key of this file", tuple(FIELDS))], Text] = Field({})


def scenario_of(document: Document) -> Scenario:
    """The scenario that a file describes.

    Raises:
        SpecError: listing everything that is wrong in the file.
    """
    spec = validate(ScenarioSpec, document)
    written = {key: getattr(spec, key) for key in FIELDS if getattr(spec, key) is not None}
    problems = []
    if spec.base is None and (missing := [key for key in FIELDS if key not in written]):
        hint = f"`base: {DEFAULT_SCENARIO.name}` takes what is not written from that scenario"
        problems.append(document.problem(f"missing keys: {', '.join(missing)}", (), hint))
    if spec.abatement is not None and spec.abatement not in _ABATEMENTS:
        known = ", ".join(f"{percent} %" for percent in _ABATEMENTS)
        problems.append(document.problem(f"there is data for {known} only", ("abatement",)))
    problems += _idle_sources(spec, written, document)
    if problems:
        fail(document.file, problems)
    values = {FIELDS[key]: value for key, value in written.items()}
    if spec.abatement is not None:
        values["abatement_percent"] = int(spec.abatement)
    base = SCENARIOS[spec.base] if spec.base else DEFAULT_SCENARIO
    sources = {FIELDS[key]: spec.sources.get(key, document.file) for key in written}
    return replace(
        base,
        name=spec.name or Path(document.file).stem,
        sources=tuple((dict(base.sources) | sources).items()),
        **values,
    )


def _idle_sources(spec: ScenarioSpec, written: dict[str, Any], document: Document) -> list[Problem]:
    """A source of a number that another one gave would be wrong."""
    return [
        document.problem(f"a source without its number: write {key!r}, too", ("sources", key))
        for key in spec.sources
        if key not in written
    ]
