"""`catx sensitivity`: what more of each buffer and bandwidth would change."""

from typing import Annotated

import typer

from catx.tools.guard import guarded
from catx.tools.options import (
    AllowUnknown,
    ConstraintFile,
    Dims,
    Hardware,
    JsonList,
    MapperBudget,
    Objective,
    ScenarioName,
    parse_dims,
)

Models = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODEL",
        help="ONNX files, or names of `catx models`, one after the other. Default: CLIP ViT-B/16.",
        show_default=False,
    ),
]
Step = Annotated[
    str, typer.Option("--step", metavar="SHARE", help="How much more there is of each resource, in turn.")
]


@guarded
def show_sensitivity(
    models: Models = None,
    hw: Hardware = "edge",
    objective: Objective = "edp",
    step: Step = "10%",
    scenario: ScenarioName = None,
    dim: Dims = None,
    mapper_budget: MapperBudget = "20000",
    constraints: ConstraintFile = None,
    as_json: JsonList = False,
    allow_unknown: AllowUnknown = False,
) -> None:
    """Tell which resource binds: latency and energy with more of each buffer, bandwidth and rate."""
    from catx.mapper.objective import objective_name
    from catx.mapper.options import MapperOptions, parse_budget
    from catx.tools.progress import Progress

    sizes, goal, budget = parse_dims(dim), objective_name(objective), parse_budget(mapper_budget)
    share = parse_step(step)
    with Progress("starting") as progress:
        from catx.mapper.sensitivity import sensitivity
        from catx.tools.inputs import load_inputs, load_limits

        limits = load_limits(constraints)
        inputs = load_inputs(models, hw, scenario, sizes, allow_unknown=allow_unknown, progress=progress)
        found = sensitivity(
            inputs.graphs,
            inputs.accelerator,
            scenario=inputs.scenario,
            objective=goal,
            step=share,
            options=MapperOptions(budget, limits),
            progress=progress.step,
        )
    from catx.tools.kept import tell_unkept_kernels
    from catx.tools.streams import emit

    tell_unkept_kernels()
    if as_json:
        from catx.tools.sensitivity_json import sensitivity_json

        emit(sensitivity_json(found))
        return
    from catx.tools.canvas import stdout_canvas
    from catx.tools.sensitivity_text import sensitivity_text

    emit(sensitivity_text(found, stdout_canvas()))


def parse_step(text: str) -> float:
    """A relative step from a percentage or a plain number.

    >>> parse_step("10%"), parse_step("0.1")
    (0.1, 0.1)

    Raises:
        OptionError: it is something else, or out of range.
    """
    from catx.arguments import refuse
    from catx.errors import OptionError
    from catx.mapper.resources import STEP_EXPECTED, checked_step
    from catx.units import parse_quantity

    written = text.strip()
    try:
        percent = parse_quantity(written if written.endswith("%") else f"{written} %", "percentage")
        return checked_step(percent / 100 if written.endswith("%") else percent)
    except (ValueError, OptionError):
        raise refuse("--step", STEP_EXPECTED, text, hint=_step_hint(text)) from None


def _step_hint(text: str) -> str:
    """How to write a step; a plain number of the size of a percentage is probably one."""
    number = text.strip()
    percent = number.isdecimal() and 0 < int(number) <= 900
    return f"did you mean `--step {number}%`?" if percent else "for example `--step 10%`"
