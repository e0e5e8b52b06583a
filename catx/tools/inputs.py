"""What compile and evaluate read: models, an accelerator, a scenario."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.frontend.hardware import load_accelerator
from catx.frontend.model_dims import sizes_by_model
from catx.frontend.models import load_models
from catx.frontend.scenarios import load_scenario
from catx.frontend.training import with_training
from catx.ir.accelerator import Accelerator
from catx.ir.constraints import Block
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph
from catx.ir.report import Report
from catx.ir.scenario import Scenario
from catx.tools.human import plural
from catx.tools.progress import Progress
from catx.tools.streams import tell_note

if TYPE_CHECKING:
    from catx.frontend.mapping_file import MappingFile

DEFAULT_MODELS = ("clip_vit_b16",)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a design evaluation needs."""

    graphs: tuple[Graph, ...]
    accelerator: Accelerator
    scenario: Scenario


def load_inputs(
    models: Sequence[str] | None,
    hw: str,
    scenario: str | None,
    dims: Mapping[str, int],
    *,
    allow_unknown: bool,
    progress: Progress,
) -> Inputs:
    """Read what the command line names, the cheapest to check first."""
    place = DEFAULT_SCENARIO if scenario is None else load_scenario(scenario)
    accelerator = load_accelerator(hw)
    return Inputs(
        load_graphs(models or DEFAULT_MODELS, dims, allow_unknown=allow_unknown, progress=progress),
        accelerator,
        with_training(place, models or ()),
    )


def load_limits(path: str | None) -> tuple[Block, ...]:
    """The constraints of a file, if one is given."""
    if path is None:
        return ()
    from catx.frontend.constraint_file import load_constraints

    return load_constraints(path)


def load_graphs(
    models: Sequence[str], dims: Mapping[str, int], *, allow_unknown: bool, progress: Progress
) -> tuple[Graph, ...]:
    """Read models by path or name; each gets the sizes of the dimensions that it has."""
    graphs: list[Graph] = []
    for model, sizes in zip(models, sizes_by_model(models, dims), strict=True):
        progress.phase(f"reading {model}")
        graphs += load_models(model, dims=sizes, allow_unknown=allow_unknown)
    return tuple(graphs)


def tell_differences(file: "MappingFile", report: Report) -> None:
    """Say where a mapping file was made for something else than what it is used for."""
    if file.accelerator_sha256 and file.accelerator_sha256 != report.accelerator_sha256:
        tell_note(
            f"{file.file} was written for {file.accelerator or 'an accelerator'}, "
            f"which is not the same as this {report.accelerator}"
        )
    used = {layer.op.canonical() for layer in report.layers if isinstance(layer.op, Einsum)}
    if idle := len(file.mappings.keys() - used):
        tell_note(f"{plural(idle, 'mapping')} in {file.file} belong to no layer of the models")
