"""`catx compile`: map models onto an accelerator, report what that costs."""

from typing import Annotated

import typer

from catx.tools.guard import guarded
from catx.tools.options import (
    AllowUnknown,
    ConstraintFile,
    Dims,
    Hardware,
    Json,
    MapperBudget,
    Objective,
    OutputDir,
    ScenarioName,
    Seed,
    Uncertainty,
    Version,
    output_folder,
    parse_dims,
)

Models = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL",
        help="ONNX files, or names of `catx models`; several make one report. Default: CLIP ViT-B/16.",
        show_default=False,
    ),
]


@guarded
def compile_models(
    models: Models = None,
    hw: Hardware = "edge",
    output: OutputDir = None,
    objective: Objective = "edp",
    scenario: ScenarioName = None,
    dim: Dims = None,
    mapper_budget: MapperBudget = "20000",
    constraints: ConstraintFile = None,
    uncertainty: Uncertainty = 0,
    seed: Seed = 1,
    as_json: Json = False,
    allow_unknown: AllowUnknown = False,
    version: Version = False,
) -> None:
    """Map models onto an accelerator and report latency, energy, area and carbon."""
    from catx.mapper.objective import objective_name
    from catx.mapper.options import MapperOptions, parse_budget
    from catx.tools.progress import Progress

    sizes, folder, goal = parse_dims(dim), output_folder(output), objective_name(objective)
    budget = parse_budget(mapper_budget)
    with Progress("starting") as progress:
        from catx.mapper.design import evaluate_design
        from catx.tools.inputs import load_inputs, load_limits

        limits = load_limits(constraints)
        inputs = load_inputs(models, hw, scenario, sizes, allow_unknown=allow_unknown, progress=progress)
        report = evaluate_design(
            inputs.graphs,
            inputs.accelerator,
            scenario=inputs.scenario,
            objective=goal,
            options=MapperOptions(budget, limits),
            progress=progress.step,
        )
    from catx.tools.deliver import deliver, with_uncertainty
    from catx.tools.kept import tell_unkept_kernels

    tell_unkept_kernels()
    deliver(with_uncertainty(report, uncertainty, seed), folder, as_json=as_json)
