"""Parts that study files and grid files share: models, hardware, scenarios, objectives, bounds."""

import math
import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import yaml
from pydantic import Field

from catx.errors import CatxError, OptionError, SpecError
from catx.frontend.constraint_file import load_constraints
from catx.frontend.file_kind import HARDWARE
from catx.frontend.hardware.document import MAX_BYTES, Document, read_document
from catx.frontend.hardware.fields import Name, Number
from catx.frontend.hardware.load import DEFAULT, accelerator_text, builtin_names
from catx.frontend.hardware.problems import KeyPath, Problem, fail
from catx.frontend.hardware.spec import Spec
from catx.frontend.hf.names import is_hugging_face
from catx.frontend.models import builtin_models
from catx.frontend.scenarios import FORM, load_scenario, scenario_of_document
from catx.frontend.text_file import read_text
from catx.ir.constraints import Block
from catx.ir.scenario import Scenario
from catx.mapper.options import Budget, parse_budget
from catx.search.hardware_space import HardwareSpace
from catx.search.metrics import metric
from catx.search.space import Gene, Value
from catx.search.study import Goal, HardwareChoice, Limit, ModelChoice, Vary
from catx.units import DIMENSIONS, parse_quantity

POOLED = "pools"
"""What a mapper budget says where fronts are taken from pools of reference nests."""

DIGITS = "digits"
"""The model and the data that come with catx; what imports their code imports torch."""

SCENARIO = "edge-default"
"""What carbon assumes where a file says nothing."""

MOST_VALUES = 1000
"""Of one key that varies."""

_CHECKPOINTS = (".pt", ".pth", ".bin", ".safetensors")

AnyCount = Annotated[int, Number(whole=True, least=1, most=10**9)]
_Values = list[int | float | str] | str


class ModelSpec(Spec):
    """Which models are run, and what of them varies."""

    name: str | list[str] = Field(description="as of `catx compile` or `catx prune`")
    vary: dict[Name, _Values] = Field({}, description="sizes of a pruned model")
    tokens: AnyCount | None = None
    context: AnyCount | None = None


class HardwareSpec(Spec):
    """A description, and what of it varies."""

    base: str = Field(DEFAULT, description="a built-in accelerator or the path of a hw.yaml")
    keys: dict[str, Any] = Field({}, description="keys of a description that replace the base's, or are it")
    vary: dict[str, _Values] = Field({}, description="values by key, such as `levels.GLB.capacity`")


class ScenarioSpec(Spec):
    """What carbon assumes; a name alone stands for `{name: ...}`."""

    name: str = Field(description="a built-in scenario or the path of a file")
    keys: dict[str, Any] = Field({}, description="keys of a scenario that replace its own")


def spelled_out(data: Mapping[str, Any], key: str, name: str) -> dict[str, Any]:
    """The data with an entry that is text, or texts in its list, as mappings with one key."""

    def of(entry: Any) -> Any:
        return {name: entry} if isinstance(entry, str) else entry

    value = data.get(key)
    return {**data, key: [of(one) for one in value] if isinstance(value, list) else of(value)}


class Parts:
    """Makes values of the parts of a document; what is wrong is collected in `problems`."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.folder = Path(document.file).parent
        self.problems: list[Problem] = []

    def problem(self, error: CatxError | ValueError, path: KeyPath) -> None:
        """Add what an error tells to the problems, at a place."""
        hint, loc = (error.hint, error.loc) if isinstance(error, CatxError) else ("", None)
        place = f"{loc}: " if loc and loc.file != self.document.file else ""
        self.problems.append(self.document.problem(f"{place}{error.args[0]}", path, hint))

    def stop(self) -> NoReturn:
        """Raise the problems."""
        fail(self.document.file, self.problems)

    def path(self, name: str) -> str:
        """A path of the file, seen from where catx runs."""
        return str(self.folder / name)

    def file(self, name: str) -> str:
        """The full path of a file or folder, for what reads it later, wherever that runs."""
        return os.path.abspath(self.folder / name)

    def file_or_name(self, name: str, names: Collection[str] = ()) -> str:
        """The full path of what is there beside the file, or looks like a path; else it is a name."""
        if name in names or not name:
            return name
        is_path = "." in name and ":" not in name
        return self.file(name) if is_path or (self.folder / name).exists() else name

    def is_family(self, model: ModelSpec) -> bool:
        """Whether a model is one of a Hugging Face family."""
        return isinstance(model.name, str) and is_hugging_face(self._model(model.name))

    def _model(self, name: str) -> str:
        """A model, with the full path of its file or folder where it has one; that may stand after colons."""
        if name in (DIGITS, *builtin_models()):
            return name
        if name.endswith((".onnx", ".pt")) and ":" not in name:
            return self.file(name)
        if (self.folder / name).exists():
            return self.file(name)
        kind, colon, rest = name.partition(":")
        if kind == "open_clip" and ":" in rest:
            kind, rest = f"{kind}:{rest.partition(':')[0]}", rest.partition(":")[2]
        is_path = bool(rest) and (rest.endswith(_CHECKPOINTS) or (self.folder / rest).exists())
        return f"{kind}{colon}{self.file(rest)}" if is_path else name

    def values(self, written: Mapping[str, _Values], path: KeyPath) -> Vary:
        """What varies."""
        found: dict[str, tuple[Value, ...]] = {}
        for key, values in written.items():
            try:
                found[key] = _listed(values)
                Gene(key, found[key])
            except (CatxError, ValueError) as error:
                self.problem(error, (*path, key))
        return tuple(found.items())

    def models(self, model: ModelSpec, path: KeyPath) -> ModelChoice:
        """Models; paths of graphs and checkpoints are seen from the file."""
        names = (model.name,) if isinstance(model.name, str) else tuple(model.name)
        if not names:
            self.problem(ValueError("no model"), (*path, "name"))
        for key in ("tokens", "context"):
            if getattr(model, key) is not None and not self.is_family(model):
                error = OptionError(
                    f"{key}: without effect on {names[0] if names else 'no model'}",
                    hint="it is for models of Hugging Face families, `hf:NAME`",
                )
                self.problem(error, (*path, key))
        return ModelChoice(
            names=tuple(map(self._model, names)),
            vary=self.values(model.vary, (*path, "vary")),
            tokens=model.tokens,
            context=model.context,
        )

    def hardware(self, hardware: HardwareSpec, path: KeyPath) -> HardwareChoice | None:
        """Accelerators; None where the description cannot be had."""
        before = len(self.problems)
        choice = self._hardware(hardware, path)
        if choice is not None and len(self.problems) == before:
            self._refuse_wrong(choice, path)
        return choice

    def _refuse_wrong(self, choice: HardwareChoice, path: KeyPath) -> None:
        """Find keys that the description has no place for, and values that make no accelerator."""
        data = yaml.safe_load(choice.text)
        before = len(self.problems)
        for key, values in choice.vary:
            try:
                HardwareSpace(data, {key: values}, choice.where)
            except SpecError as error:
                self.problem(error, (*path, "vary", key))
        if len(self.problems) == before:
            for key, wrong in HardwareSpace(data, dict(choice.vary), choice.where).wrong():
                self.problem(wrong, (*path, "vary", key) if key else path)

    def _hardware(self, hardware: HardwareSpec, path: KeyPath) -> HardwareChoice | None:
        """What the keys stand for, whether accelerators can be made of it or not."""
        vary = self.values(hardware.vary, (*path, "vary"))
        if "template" in hardware.keys:
            if "base" in hardware.model_fields_set:
                error = OptionError(
                    "base: without effect, as `keys` with a `template` are a whole description",
                    hint="leave out one of them",
                )
                self.problem(error, (*path, "base"))
            return HardwareChoice(text=_yaml(hardware.keys), vary=vary)
        try:
            base = self._described(hardware.base)
        except CatxError as error:
            self.problem(error, (*path, "base"))
            return None
        text = _yaml({**base, **hardware.keys})
        return HardwareChoice(text=text, vary=vary, where=f"hardware {hardware.base}")

    def _described(self, name: str) -> dict[str, Any]:
        """A hardware description as plain data."""
        is_name = not Path(name).suffix and "/" not in name and not (self.folder / name).exists()
        if name in builtin_names() or is_name:
            return dict(read_document(accelerator_text(name), name).data)
        path = self.path(name)
        return dict(read_document(read_text(path, MAX_BYTES, HARDWARE), path).data)

    def scenario(self, spec: ScenarioSpec, path: KeyPath) -> Scenario | None:
        """A scenario; None where there is no such one, or its keys are wrong."""
        try:
            found = self._scenario(spec, path)
        except CatxError as error:
            self.problem(error, path)
            return None
        sources = tuple((key, os.path.abspath(of) if Path(of).is_file() else of) for key, of in found.sources)
        return replace(found, sources=sources)  # the same from whatever folder a study is run

    def _scenario(self, spec: ScenarioSpec, path: KeyPath) -> Scenario:
        is_file = spec.name.endswith((".yaml", ".yml"))
        if not spec.keys:
            return load_scenario(self.path(spec.name) if is_file else spec.name)
        base: dict[str, Any] = {"base": spec.name}
        if is_file:
            file = self.path(spec.name)
            base = dict(read_document(read_text(file, FORM.max_bytes, FORM.kind), file, FORM).data)
        lines: dict[KeyPath, int] = {(key,): self.document.line((*path, "keys", key)) for key in spec.keys}
        return scenario_of_document(Document(self.document.file, {**base, **spec.keys}, lines))

    def goals(self, written: list[str] | dict[str, str]) -> tuple[Goal, ...]:
        """Objectives."""
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
                self.problem(ValueError(f"expected `least` or `most`, not {side!r}"), path)
            found.append(Goal(name, side or best))  # type: ignore[arg-type]  # checked above
        return tuple(found)

    def limits(self, written: Mapping[str, str]) -> tuple[Limit, ...]:
        """Bounds of metrics."""
        found = []
        for name, text in written.items():
            try:
                found.append(_limit(name, text))
            except (CatxError, ValueError) as error:
                self.problem(error, ("constraints", name))
        return tuple(found)

    def budget(self, written: str | int, path: KeyPath) -> Budget | None:
        """A budget of the mapper; None for pools."""
        if written == POOLED:
            return None
        try:
            return parse_budget(written)
        except CatxError as error:
            self.problem(error, path)
            return None

    def mapping_constraints(self, name: str | None, path: KeyPath) -> tuple[Block, ...]:
        """Constraints of mappings, of a file."""
        if name is None:
            return ()
        try:
            return load_constraints(self.path(name))
        except CatxError as error:
            self.problem(error, path)
            return ()


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
            try:
                value = parse_quantity(bound, dimension) if dimension else float(bound)
            except ValueError:
                if dimension:
                    raise
                break
            if not math.isfinite(value):  # NaN is never passed, and infinity by nothing
                raise ValueError(f"a bound must be finite, not {text!r}")
            return Limit(name, side, value)  # type: ignore[arg-type]
    raise ValueError(f"expected a bound such as `{example}`, not {text!r}")
