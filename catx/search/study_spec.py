"""What a study file may hold, key by key, and the study that it stands for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from catx.errors import CatxError, OptionError
from catx.frontend.hardware.document import Data, Document
from catx.frontend.hardware.fields import Choice, Name, Number
from catx.frontend.hardware.problems import fail
from catx.frontend.hardware.spec import Spec
from catx.frontend.hardware.validate import validate
from catx.mapper.objective import OBJECTIVES
from catx.search.spec_parts import (
    DIGITS,
    POOLED,
    AnyCount,
    HardwareSpec,
    ModelSpec,
    Parts,
    ScenarioSpec,
    spelled_out,
)
from catx.search.study import ACCURACIES, SAMPLERS, AccuracyChoice, SearchPlan, Study, idle


class AccuracySpec(Spec):
    """How accuracy is found."""

    kind: Annotated[str, Choice("a kind of accuracy", ACCURACIES)]
    importance: Name = "magnitude"
    ranking: str | None = None
    data: str | None = None
    test: str | None = None
    validation: str | None = None
    steps: Annotated[int, Number(whole=True, zero=True, most=10**7)] = 100
    batch: Annotated[int, Number(whole=True, least=2, most=10**6)] = 128
    learning_rate: Annotated[float, Number(most=1.0)] | None = None
    table: str | None = None
    measurements: AnyCount = 40
    first: AnyCount = 6
    confirm: AnyCount = 4
    confirm_every: AnyCount = 100


class PlanSpec(Spec):
    """How the space is searched."""

    sampler: Annotated[str, Choice("a sampler", SAMPLERS)] = "nsga2"
    evaluations: AnyCount = 1000
    population: AnyCount = 40
    batch: AnyCount = 20
    first_batch: AnyCount = 4
    in_flight: AnyCount = 2
    seed: Annotated[int, Number(whole=True, zero=True, most=2**32 - 1)] = 1
    guided: Annotated[int, Number(whole=True, zero=True, most=10**4)] = 400
    crossover: Annotated[float, Number(zero=True, most=1.0)] = 0.9
    start: AnyCount | None = None
    known: list[dict[str, int | float | str]] = Field([], description="designs to begin with")


class StudySpec(Spec):
    """A study file."""

    study: Name = Field(description="what it is called")
    preset: Name | None = Field(None, description="a built-in study whose keys this one replaces")
    model: ModelSpec
    hardware: HardwareSpec = Field(default_factory=lambda: HardwareSpec.model_validate({}))
    scenario: ScenarioSpec = Field(
        default_factory=lambda: ScenarioSpec.model_validate({"name": "edge-default"})
    )
    accuracy: AccuracySpec | None = None
    objectives: list[str] | dict[str, str] = Field(min_length=1)
    constraints: dict[str, str] = Field({}, description="bounds by metric, such as `<= 50 ms`")
    mapped_for: Annotated[str, Choice("an objective of the mapper", OBJECTIVES)] = "edp"
    mapper_budget: str | int = Field(POOLED, description="`pools`, or as --mapper-budget of `catx compile`")
    mapper_constraints: str | None = Field(None, description="a file of constraints of mappings")
    search: PlanSpec = Field(default_factory=lambda: PlanSpec.model_validate({}))


def study_of(document: Document, presets: Sequence[str], preset: Callable[[str], Document]) -> Study:
    """The study that a document describes.

    Args:
        document: a study file.
        presets: names of built-in studies.
        preset: the document of one.

    Raises:
        SpecError: everything that is wrong in it, by line.
    """
    own = document.data.get("search")
    document = _on_preset(document, presets, preset)
    if "scenario" in document.data:
        data = spelled_out(document.data, "scenario", "name")
        document = Document(document.file, data, document.lines)
    spec = validate(StudySpec, document)
    parts = Parts(document)
    for key in own if isinstance(own, dict) else ():  # a preset's plan is for any sampler
        if error := idle(key, spec.search.sampler):
            parts.problem(error, ("search", key))
    return _built(spec, parts)


def _refuse_idle(choice: AccuracyChoice, given: Collection[str], family: bool, parts: Parts) -> None:
    """Find options of an accuracy that are given and have no effect; `family`: on a Hugging Face model."""
    why: dict[str, str] = {}
    if choice.kind not in ("table", "proxy"):
        why["table"] = f"{choice.kind} reads none"
    if choice.kind != "screened":
        why |= dict.fromkeys(("measurements", "first", "confirm", "confirm_every"), "only screened confirms")
    if not choice.trains:
        why |= dict.fromkeys(("steps", "batch", "learning_rate"), f"{choice.kind} trains nothing")
    elif not choice.steps:
        why |= dict.fromkeys(("batch", "learning_rate"), "nothing is trained in 0 steps")
    if not choice.reads_data:
        why |= dict.fromkeys(("data", "test", "validation"), f"{choice.kind} reads no data here")
    if not choice.ranks:
        why |= dict.fromkeys(("importance", "ranking"), f"{choice.kind} ranks nothing")
    elif family:
        counted = "parts of models of Hugging Face families are counted, not ranked"
        why |= {"ranking": counted} | ({} if choice.importance == "none" else {"importance": counted})
    elif choice.ranking is not None:
        why["importance"] = "the ranking is read from a file"
    for key in why.keys() & given:
        error = OptionError(f"{key}: without effect, {why[key]}", hint="leave it out")
        parts.problem(error, ("accuracy", key))


def _on_preset(document: Document, presets: Sequence[str], preset: Callable[[str], Document]) -> Document:
    """The document with what its preset says where it says nothing."""
    name = document.data.get("preset")
    if not isinstance(name, str):
        return document
    if name not in presets:
        hint = f"there are {', '.join(presets)}"
        fail(document.file, [document.problem(f"no preset {name!r}", ("preset",), hint)])
    base = preset(name)
    data = {**base.data, **document.data}
    for key in ("search", "model", "hardware"):
        mine, theirs = document.data.get(key), base.data.get(key)
        if isinstance(mine, dict) and isinstance(theirs, dict):
            data[key] = {**theirs, **mine}
    own, merged = document.data.get("hardware"), data.get("hardware")
    if isinstance(own, dict) and isinstance(merged, dict):
        data["hardware"] = _one_base(merged, own)
    return Document(document.file, data, document.lines)


def _one_base(merged: dict[str, Data], own: Mapping[str, Data]) -> dict[str, Data]:
    """The hardware without the preset's base or template where the file has one of its own."""
    keys = own.get("keys")
    if "base" in own and keys is None:
        return {key: value for key, value in merged.items() if key != "keys"}
    if "base" not in own and isinstance(keys, dict) and "template" in keys:
        return {key: value for key, value in merged.items() if key != "base"}
    return merged


def _built(spec: StudySpec, parts: Parts) -> Study:
    models, hardware = parts.models(spec.model, ("model",)), parts.hardware(spec.hardware, ("hardware",))
    scenario, accuracy = parts.scenario(spec.scenario, ("scenario",)), _accuracy(spec.accuracy, parts)
    if spec.accuracy is not None and accuracy is not None:
        _refuse_idle(accuracy, spec.accuracy.model_fields_set, parts.is_family(spec.model), parts)
    goals, limits = parts.goals(spec.objectives), parts.limits(spec.constraints)
    budget = parts.budget(spec.mapper_budget, ("mapper_budget",))
    obeyed = parts.mapping_constraints(spec.mapper_constraints, ("mapper_constraints",))
    if parts.problems:
        parts.stop()
    assert hardware is not None
    assert scenario is not None
    try:
        return Study(
            name=spec.study,
            models=models,
            hardware=hardware,
            scenario=scenario,
            objectives=goals,
            constraints=limits,
            accuracy=accuracy,
            mapped_for=spec.mapped_for,  # type: ignore[arg-type]  # a choice of these
            mapper_budget=budget,
            mapper_constraints=obeyed,
            plan=_plan(spec.search),
        )
    except CatxError as error:
        parts.problem(error, ())
        parts.stop()


def _plan(spec: PlanSpec) -> SearchPlan:
    known = tuple(tuple(design.items()) for design in spec.known)
    return SearchPlan(**{**spec.model_dump(), "known": known})


def _accuracy(spec: AccuracySpec | None, parts: Parts) -> AccuracyChoice | None:
    if spec is None:
        return None
    told = spec.model_dump()
    for key in ("ranking", "table"):
        if told[key] is not None:
            told[key] = parts.file(told[key])
    for key in ("data", "test", "validation"):
        if told[key] is not None:
            told[key] = parts.file_or_name(told[key], names=(DIGITS,))
    try:
        return AccuracyChoice(**told)
    except CatxError as error:
        parts.problem(error, ("accuracy",))
        return None
