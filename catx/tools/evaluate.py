"""`catx evaluate`: cost the mappings of a file, edited by hand or not."""

from pathlib import Path
from typing import Annotated

import typer

from catx.tools.guard import guarded
from catx.tools.options import (
    AllowUnknown,
    Dims,
    Hardware,
    Json,
    OutputDir,
    ScenarioName,
    Seed,
    Uncertainty,
    output_folder,
    parse_dims,
)

Models = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL", help="The models that were compiled. Default: CLIP ViT-B/16.", show_default=False
    ),
]
MappingPath = Annotated[
    str, typer.Option("--mapping", metavar="FILE", help="A mapping.yaml of `catx compile -o DIR`.")
]


@guarded
def evaluate_models(
    mapping: MappingPath,
    models: Models = None,
    hw: Hardware = "edge",
    output: OutputDir = None,
    scenario: ScenarioName = None,
    dim: Dims = None,
    uncertainty: Uncertainty = 0,
    seed: Seed = 1,
    as_json: Json = False,
    allow_unknown: AllowUnknown = False,
) -> None:
    """Cost given mappings: the numbers of the compile run that wrote them, or of what you made of them."""
    from catx.tools.progress import Progress

    sizes, folder = parse_dims(dim), output_folder(output, Path(mapping))
    with Progress("starting") as progress:
        from catx.costmodel.kernel_cache import phase_of
        from catx.frontend.mapping_check import check_mappings, in_order
        from catx.frontend.mapping_file import load_mappings
        from catx.mapper.design import evaluate_design
        from catx.tools.inputs import load_inputs, tell_differences

        nests = load_mappings(mapping)
        inputs = load_inputs(models, hw, scenario, sizes, allow_unknown=allow_unknown, progress=progress)
        progress.phase(phase_of("costing mappings", "costmodel"))
        nests = in_order(nests, inputs.accelerator, inputs.graphs)
        check_mappings(nests, inputs.accelerator, inputs.graphs)
        report = evaluate_design(
            inputs.graphs, inputs.accelerator, scenario=inputs.scenario, mappings=nests.mappings
        )
    from catx.tools.deliver import deliver, with_uncertainty
    from catx.tools.kept import tell_unkept_kernels

    tell_unkept_kernels()
    tell_differences(nests, report)
    report = with_uncertainty(report, uncertainty, seed)
    deliver(report, folder, as_json=as_json, mapping_source=Path(mapping))
