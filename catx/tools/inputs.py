"""What compile and evaluate read: models, an accelerator, a scenario."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO, scenario_by_name
from catx.frontend.hardware import load_accelerator
from catx.frontend.mapping_file import MappingFile
from catx.frontend.models import load_model
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph
from catx.ir.report import Report
from catx.ir.scenario import Scenario
from catx.tools.human import plural
from catx.tools.progress import Progress
from catx.tools.streams import tell_note

DEFAULT_MODELS = ("clip-vit-b16-vision", "clip-vit-b16-text")


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
    place = scenario_by_name(scenario) if scenario else DEFAULT_SCENARIO
    accelerator = load_accelerator(hw)
    return Inputs(
        load_graphs(models, dims, allow_unknown=allow_unknown, progress=progress), accelerator, place
    )


def load_graphs(
    models: Sequence[str] | None, dims: Mapping[str, int], *, allow_unknown: bool, progress: Progress
) -> tuple[Graph, ...]:
    """Read models by path or name; without any, the built-in CLIP."""
    graphs = []
    for model in models or DEFAULT_MODELS:
        progress.phase(f"reading {model}")
        graphs.append(load_model(model, dims=dims, allow_unknown=allow_unknown))
    return tuple(graphs)


def tell_differences(file: MappingFile, report: Report) -> None:
    """Say where a mapping file was made for something else than what it is used for."""
    if file.accelerator_sha256 and file.accelerator_sha256 != report.accelerator_sha256:
        tell_note(
            f"{file.file} was written for {file.accelerator or 'an accelerator'}, "
            f"which is not the same as this {report.accelerator}"
        )
    used = {layer.op.canonical() for layer in report.layers if isinstance(layer.op, Einsum)}
    if idle := len(file.mappings.keys() - used):
        tell_note(f"{plural(idle, 'mapping')} in {file.file} belong to no layer of the models")
