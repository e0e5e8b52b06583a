"""What a study file may hold, key by key, and the study that it stands for."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import yaml
from pydantic import Field

from catx.errors import CatxError
from catx.frontend.hardware.document import Document, read_document
from catx.frontend.hardware.fields import Choice, Name, Number
from catx.frontend.hardware.load import DEFAULT, accelerator_text, builtin_names
from catx.frontend.hardware.problems import KeyPath, Problem, fail
from catx.frontend.hardware.spec import Spec
from catx.frontend.hardware.validate import validate
from catx.frontend.scenarios import load_scenario
from catx.frontend.text_file import read_text
from catx.ir.scenario import Scenario
from catx.mapper.objective import OBJECTIVES
from catx.mapper.options import Budget, parse_budget
from catx.search.metrics import metric
from catx.search.space import Gene, Value
from catx.search.study import (
    ACCURACIES,
    SAMPLERS,
    AccuracyChoice,
    Goal,
    HardwareChoice,
    Limit,
    ModelChoice,
    SearchPlan,
    Study,
    Vary,
)
from catx.units import DIMENSIONS, parse_quantity

POOLED = "pools"
"""What `mapper_budget` says where fronts are taken from pools of reference nests."""

MOST_VALUES = 1000
"""Of one key that varies."""

_Count = Annotated[int, Number(whole=True, least=1, most=10**9)]
_Values = list[int | float | str] | str


class ModelSpec(Spec):
    """Which models are run, and what of them varies."""

    name: str | list[str] = Field(description="as of `catx compile` or `catx prune`")
    vary: dict[Name, _Values] = Field({}, description="sizes of a pruned model")
    tokens: _Count | None = None
    context: _Count | None = None


class HardwareSpec(Spec):
    """A description, and what of it varies."""

    base: str = Field(DEFAULT, description="a built-in accelerator or the path of a hw.yaml")
    keys: dict[str, Any] = Field({}, description="keys of a description that replace the base's, or are it")
    vary: dict[str, _Values] = Field({}, description="values by key, such as `levels.GLB.capacity`")


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


class PlanSpec(Spec):
    """How the space is searched."""

    sampler: Annotated[str, Choice("a sampler", SAMPLERS)] = "nsga2"
    evaluations: _Count = 1000
    population: _Count = 40
    batch: _Count = 20
    in_flight: _Count = 2
    seed: Annotated[int, Number(whole=True, zero=True, most=2**32 - 1)] = 1
    crossover: Annotated[float, Number(zero=True, most=1.0)] = 0.9
    start: _Count | None = None


class StudySpec(Spec):
    """A study file."""

    study: Name = Field(description="what it is called")
    preset: Name | None = Field(None, description="a built-in study whose keys this one replaces")
    model: ModelSpec
    hardware: HardwareSpec = Field(default_factory=lambda: HardwareSpec.model_validate({}))
    scenario: str = Field("edge-default", description="a built-in scenario or the path of a file")
    accuracy: AccuracySpec | None = None
    objectives: list[str] | dict[str, str] = Field(min_length=1)
    constraints: dict[str, str] = Field({}, description="bounds by metric, such as `<= 50 ms`")
    mapped_for: Annotated[str, Choice("an objective of the mapper", OBJECTIVES)] = "edp"
    mapper_budget: str | int = Field(POOLED, description="`pools`, or as --mapper-budget of `catx compile`")
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
    document = _on_preset(document, presets, preset)
    spec = validate(StudySpec, document)
    return _Builder(spec, document).build()


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
    return Document(document.file, data, document.lines)


class _Builder:
    """A study from its spec; problems are collected."""

    def __init__(self, spec: StudySpec, document: Document) -> None:
        self.spec, self.document = spec, document
        self.folder = Path(document.file).parent
        self.problems: list[Problem] = []

    def build(self) -> Study:
        spec = self.spec
        models, hardware = self.models(), self.hardware()
        scenario, accuracy = self.scenario(), self.accuracy()
        goals, limits = self.goals(), self.limits()
        budget = self.budget()
        if self.problems:
            self.stop()
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
                plan=SearchPlan(**spec.search.model_dump()),
            )
        except CatxError as error:
            self.problem(error, ())
            self.stop()

    def problem(self, error: CatxError, path: KeyPath) -> None:
        self.problems.append(self.document.problem(str(error.args[0]), path, error.hint))

    def stop(self) -> NoReturn:
        fail(self.document.file, self.problems)

    def values(self, written: Mapping[str, _Values], path: KeyPath) -> Vary:
        found: dict[str, tuple[Value, ...]] = {}
        for key, values in written.items():
            here = (*path, key)
            try:
                found[key] = _listed(values)
                Gene(key, found[key])
            except CatxError as error:
                self.problem(error, here)
            except ValueError as error:
                self.problems.append(self.document.problem(str(error), here))
        return tuple(found.items())

    def models(self) -> ModelChoice:
        model = self.spec.model
        names = (model.name,) if isinstance(model.name, str) else tuple(model.name)
        return ModelChoice(
            names=tuple(
                self.path(name) if name.endswith((".onnx", ".pt")) and ":" not in name else name
                for name in names
            ),
            vary=self.values(model.vary, ("model", "vary")),
            tokens=model.tokens,
            context=model.context,
        )

    def model(self, name: str) -> str:
        """A name of a model; the path of a graph is seen from the file."""
        return self.path(name) if name.endswith(".onnx") else name

    def hardware(self) -> HardwareChoice | None:
        hardware = self.spec.hardware
        vary = self.values(hardware.vary, ("hardware", "vary"))
        if "template" in hardware.keys:
            return HardwareChoice(text=_yaml(hardware.keys), vary=vary)
        try:
            base = self.described(hardware.base)
        except CatxError as error:
            self.problem(error, ("hardware", "base"))
            return None
        text = _yaml({**base, **hardware.keys})
        return HardwareChoice(text=text, vary=vary, where=f"hardware {hardware.base}")

    def described(self, name: str) -> dict[str, Any]:
        """A hardware description as plain data."""
        is_name = not Path(name).suffix and "/" not in name and not (self.folder / name).exists()
        if name in builtin_names() or is_name:
            return dict(read_document(accelerator_text(name), name).data)
        from catx.frontend.file_kind import HARDWARE
        from catx.frontend.hardware.document import MAX_BYTES

        path = self.path(name)
        return dict(read_document(read_text(path, MAX_BYTES, HARDWARE), path).data)

    def scenario(self) -> Scenario | None:
        name = self.spec.scenario
        try:
            return load_scenario(self.path(name) if name.endswith((".yaml", ".yml")) else name)
        except CatxError as error:
            self.problem(error, ("scenario",))
            return None

    def accuracy(self) -> AccuracyChoice | None:
        if self.spec.accuracy is None:
            return None
        told = self.spec.accuracy.model_dump()
        for key in ("ranking", "data", "test", "validation", "table"):
            if told[key] is not None and "." in told[key]:
                told[key] = self.path(told[key])
        return AccuracyChoice(**told)

    def goals(self) -> tuple[Goal, ...]:
        written = self.spec.objectives
        pairs = written.items() if isinstance(written, dict) else [(name, "") for name in written]
        found = []
        for at, (name, side) in enumerate(pairs):
            path: KeyPath = ("objectives", name if isinstance(written, dict) else at)
            try:
                best = metric(name).best
            except CatxError as error:
                self.problem(error, path)
                continue
            if side not in ("", "least", "most"):
                self.problems.append(self.document.problem(f"expected `least` or `most`, not {side!r}", path))
            found.append(Goal(name, side or best))  # type: ignore[arg-type]  # checked above
        return tuple(found)

    def limits(self) -> tuple[Limit, ...]:
        found = []
        for name, text in self.spec.constraints.items():
            path = ("constraints", name)
            try:
                found.append(_limit(name, text))
            except CatxError as error:
                self.problem(error, path)
            except ValueError as error:
                self.problems.append(self.document.problem(str(error), path))
        return tuple(found)

    def budget(self) -> Budget | None:
        written = self.spec.mapper_budget
        if written == POOLED:
            return None
        try:
            return parse_budget(written)
        except CatxError as error:
            self.problem(error, ("mapper_budget",))
            return None

    def path(self, name: str) -> str:
        """A path of the file, seen from where catx runs."""
        return str(self.folder / name)


def _yaml(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True)


def _listed(values: _Values) -> tuple[Value, ...]:
    """Values of a key: a list, or a range of whole numbers such as `6..12`."""
    if isinstance(values, list):
        return tuple(values)
    low, dots, high = values.partition("..")
    if not dots or not low.strip().isdigit() or not high.strip().isdigit() or int(low) > int(high):
        raise ValueError(f"expected a list of values, or a range such as `6..12`, not {values!r}")
    if int(high) - int(low) >= MOST_VALUES:
        raise ValueError(f"{values}: more than {MOST_VALUES} values")
    return tuple(range(int(low), int(high) + 1))


def _limit(name: str, text: str) -> Limit:
    """A bound such as `<= 50 ms`."""
    dimension = metric(name).dimension
    example = f"<= {DIMENSIONS[dimension].example}" if dimension else "<= 20"
    for sign, side in (("<=", "most"), (">=", "least")):
        if text.strip().startswith(sign):
            bound = text.strip().removeprefix(sign).strip()
            if dimension:
                return Limit(name, side, parse_quantity(bound, dimension))  # type: ignore[arg-type]
            try:
                return Limit(name, side, float(bound))  # type: ignore[arg-type]
            except ValueError:
                break
    raise ValueError(f"expected a bound such as `{example}`, not {text!r}")
