"""What a grid file may hold, key by key, and the batch study that it stands for."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from catx.errors import CatxError
from catx.frontend.hardware.document import Document
from catx.frontend.hardware.fields import Choice, Name
from catx.frontend.hardware.spec import Spec
from catx.frontend.hardware.validate import validate
from catx.ir.scenario import Scenario
from catx.mapper.objective import OBJECTIVES
from catx.mapper.options import BUDGET, Seconds
from catx.search.grid import Grid, Labelled, MapperChoice
from catx.search.spec_parts import SCENARIO, HardwareSpec, ModelSpec, Parts, ScenarioSpec, spelled_out
from catx.search.study import HardwareChoice, ModelChoice

_SHORT = {"models": "name", "accelerators": "base", "scenarios": "name"}
"""Keys whose entries may be a name alone, and what that stands for."""


class _Model(ModelSpec):
    """A model of a grid."""

    label: Name | None = None


class _Hardware(HardwareSpec):
    """An accelerator of a grid."""

    label: Name | None = None


class _Scenario(ScenarioSpec):
    """A scenario of a grid."""

    label: Name | None = None


class _Mapper(Spec):
    """How mappings are found."""

    mapped_for: Annotated[str, Choice("an objective of the mapper", OBJECTIVES)] = "edp"
    budget: str | int = Field(BUDGET, description="`pools`, or as --mapper-budget of `catx compile`")
    constraints: str | None = Field(None, description="a file of constraints of mappings")
    label: Name | None = None


class GridSpec(Spec):
    """A grid file."""

    study: Name = Field(description="what it is called")
    models: list[_Model] = Field(min_length=1)
    accelerators: list[_Hardware] = Field(min_length=1)
    scenarios: list[_Scenario] = Field(min_length=1)
    mapper: list[_Mapper] = Field(min_length=1)
    objectives: list[str] | dict[str, str] = Field(min_length=1)
    constraints: dict[str, str] = Field({}, description="bounds by metric, such as `<= 50 ms`")


DEFAULTS: dict[str, Any] = {
    "scenarios": [SCENARIO],
    "mapper": [{}],
    "objectives": ["latency_s", "total_gco2e"],
}
"""What a file need not say."""


def grid_of(document: Document) -> Grid:
    """The batch study that a document describes.

    Raises:
        SpecError: everything that is wrong in it, by line.
    """
    data = {**DEFAULTS, **document.data}
    for key, name in _SHORT.items():
        data = spelled_out(data, key, name) if key in data else data
    document = Document(document.file, data, document.lines)
    return _built(validate(GridSpec, document), Parts(document))


def _built(spec: GridSpec, parts: Parts) -> Grid:
    models = _models(spec.models, parts)
    accelerators = _accelerators(spec.accelerators, parts)
    scenarios = _scenarios(spec.scenarios, parts)
    mappers = _mappers(spec.mapper, parts)
    goals, limits = parts.goals(spec.objectives), parts.limits(spec.constraints)
    if parts.problems:
        parts.stop()
    try:
        return Grid(
            name=spec.study,
            models=models,
            accelerators=accelerators,
            scenarios=scenarios,
            mappers=mappers,
            objectives=goals,
            constraints=limits,
        )
    except CatxError as error:
        parts.problem(error, ())
        parts.stop()


def _models(entries: Sequence[_Model], parts: Parts) -> Labelled[ModelChoice]:
    found = []
    for at, one in enumerate(entries):
        names = [one.name] if isinstance(one.name, str) else one.name
        label = " + ".join(name.removesuffix(".onnx") for name in names)
        found.append((one.label or label, parts.models(one, ("models", at))))
    return tuple(found)


def _accelerators(entries: Sequence[_Hardware], parts: Parts) -> Labelled[HardwareChoice]:
    found = []
    for at, one in enumerate(entries):
        choice = parts.hardware(one, ("accelerators", at))
        if choice is not None:
            default = str(one.keys.get("template", one.base)) if "template" in one.keys else one.base
            found.append((one.label or default.removesuffix(".yaml"), choice))
    return tuple(found)


def _scenarios(entries: Sequence[_Scenario], parts: Parts) -> Labelled[Scenario]:
    found = []
    for at, one in enumerate(entries):
        scenario = parts.scenario(one, ("scenarios", at))
        if scenario is not None:
            found.append((one.label or one.name.removesuffix(".yaml"), scenario))
    return tuple(found)


def _mappers(entries: Sequence[_Mapper], parts: Parts) -> Labelled[MapperChoice]:
    found = []
    for at, one in enumerate(entries):
        path = ("mapper", at)
        choice = MapperChoice(
            mapped_for=one.mapped_for,  # type: ignore[arg-type]  # a choice of these
            budget=parts.budget(one.budget, (*path, "budget")),
            constraints=parts.mapping_constraints(one.constraints, (*path, "constraints")),
        )
        found.append((one.label or _told(choice, one.constraints), choice))
    return tuple(found)


def _told(choice: MapperChoice, constraints: str | None) -> str:
    budget = choice.budget
    if budget is None:
        how = "pools"
    else:
        how = f"{budget.value:g} s" if isinstance(budget, Seconds) else f"{budget} steps"
    return ", ".join((choice.mapped_for, how, *([constraints.removesuffix(".yaml")] if constraints else [])))
