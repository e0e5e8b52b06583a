"""What a study's plain data stands for: its spaces, and how points of them are evaluated."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from catx.errors import OptionError
from catx.search.accuracy import Accuracy
from catx.search.evaluation import Evaluates, Evaluator
from catx.search.fronts import Fronts
from catx.search.grid import AnyStudy
from catx.search.grid_evaluation import GridEvaluator
from catx.search.hardware_space import HardwareSpace
from catx.search.model_space import ClipSpace, FamilySpace, FixedModel, ModelSpace, Tell
from catx.search.study import ModelChoice, Study


def evaluator_of(study: AnyStudy, tell: Tell = lambda _: None, *, measures: bool = True) -> Evaluates:
    """What evaluates the points of a study, in this process.

    Args:
        study: what is searched.
        tell: is told what is going on.
        measures: False leaves out accuracy, for who wants hardware numbers alone.

    Raises:
        CatxError: a model or a description that cannot be had, or a key that cannot vary.
    """
    if isinstance(study, Study):
        return _evaluator(
            study, model_space(study.models, tell), _hardware(study), tell=tell, measures=measures
        )
    found = GridEvaluator(study, lambda block: model_space(block.models, tell), _hardware, _evaluator)
    found.check()
    return found


def _hardware(study: Study) -> HardwareSpace:
    choice = study.hardware
    hardware = HardwareSpace(yaml.safe_load(choice.text), dict(choice.vary), choice.where)
    hardware.check()
    return hardware


def _evaluator(
    study: Study,
    models: ModelSpace,
    hardware: HardwareSpace,
    fronts: Fronts | None = None,
    *,
    tell: Tell = lambda _: None,
    measures: bool = True,
) -> Evaluator:
    return Evaluator(
        study.space,
        models,
        hardware,
        scenario=study.scenario,
        mapped_for=study.mapped_for,
        budget=study.mapper_budget,
        constraints=study.mapper_constraints,
        accuracy=_accuracy(study, models, tell) if measures else None,
        sheet=study.sheet,
        apart=study.accuracy is not None and study.accuracy.kind == "finetune",
        fronts=fronts or Fronts(hardware, many=bool(study.models.vary)),
    )


def model_space(choice: ModelChoice, tell: Tell = lambda _: None) -> ModelSpace:
    """The models of a study.

    Raises:
        CatxError: there is no such model, it has no such sizes, or several are named that are not all graphs.
    """
    from catx.frontend.hf.names import is_hugging_face
    from catx.frontend.models import load_models

    if len(choice.names) > 1 and choice.vary:
        raise OptionError("models: only one model can have sizes that vary")
    name = choice.names[0]
    if len(choice.names) > 1:
        _check_graphs(choice.names)
    if choice.vary and _is_graph(name):
        raise OptionError(f"models: {name} is a graph, whose sizes cannot vary", hint="name a model to prune")
    if is_hugging_face(name):
        from catx.frontend.hf.source import find_source as find_family

        config = find_family(name).config
        return FamilySpace(config, dict(choice.vary), tokens=choice.tokens, context=choice.context, tell=tell)
    if choice.vary:
        from catx.frontend.clip.source import find_config

        return ClipSpace(find_config(name), dict(choice.vary), tell)
    return FixedModel([graph for one in choice.names for graph in load_models(one)])


def _is_graph(name: str) -> bool:
    """Whether a model is one whose sizes are settled; a folder may be either."""
    from catx.frontend.models import builtin_models

    return name in builtin_models() or name.endswith(".onnx")


def _check_graphs(names: Sequence[str]) -> None:
    """Only graphs are run one after the other."""
    for name in names:
        if not (_is_graph(name) or Path(name).is_dir()):
            raise OptionError(
                f"models: {name} stands beside others, which only graphs can",
                hint="let `catx prune` export it, and name its .onnx files, or name it alone",
            )


def _accuracy(study: Study, models: ModelSpace, tell: Tell) -> Accuracy | None:
    if study.accuracy is None:
        return None
    from catx.search.model_accuracy import accuracy_of

    return accuracy_of(study.accuracy, study.models, models, tell)
