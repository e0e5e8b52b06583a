"""`catx prune`: a smaller CLIP model, its accuracy, and both towers as ONNX."""

from pathlib import Path
from typing import Annotated, Any

import typer

from catx.errors import OptionError
from catx.tools.guard import guarded
from catx.units import parse_quantity

ModelName = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="`open_clip:NAME`, `open_clip:NAME:TAG`, `open_clip:NAME:checkpoint.pt`, `digits`, or a folder "
        "that this command wrote.",
    ),
]
Folder = Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="A new folder for the results.")]
Count = Annotated[int | None, typer.Option(metavar="N", show_default=False)]
Amount = Annotated[str | None, typer.Option(metavar="N|SHARE", show_default=False)]
PresetName = Annotated[
    str | None,
    typer.Option("--preset", metavar="NAME", help="Sizes of a published model instead.", show_default=False),
]
MethodName = Annotated[
    str, typer.Option("--importance", metavar="METHOD", help="magnitude, taylor, module, index or random.")
]
RankingFile = Annotated[
    str | None,
    typer.Option("--ranking", metavar="FILE", help="A ranking.json instead.", show_default=False),
]
DataName = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="FILE",
        help="To rank and train on: a CSV file with images and captions, or `digits`.",
        show_default=False,
    ),
]
TestName = Annotated[
    str | None,
    typer.Option("--test", metavar="FILE", help="To measure on: another CSV file.", show_default=False),
]
ClassesIn = Annotated[
    str | None,
    typer.Option(
        "--zero-shot",
        metavar="DIR",
        help="To classify without training: a folder per class, with images.",
        show_default=False,
    ),
]
Template = Annotated[
    str, typer.Option("--template", metavar="TEXT", help="Prompt of a class; {} is its name.")
]
Steps = Annotated[int, typer.Option("--recover", metavar="STEPS", help="Train for so many steps.", min=0)]
BatchSize = Annotated[int, typer.Option("--batch", metavar="N", help="Pairs of a step.", min=2)]
Rate = Annotated[float, typer.Option("--learning-rate", metavar="X", help="Of the training.")]
CheckpointFile = Annotated[
    str | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help="Keep the training's state here, and go on from it.",
        show_default=False,
    ),
]
Watts = Annotated[
    str | None,
    typer.Option(
        "--watts", metavar="POWER", help="What the training draws, such as `65 W`.", show_default=False
    ),
]
GridName = Annotated[
    str | None,
    typer.Option(
        "--grid", metavar="REGION", help="Where it trains: a region, or `24 g/kWh`.", show_default=False
    ),
]
NoPrune = Annotated[bool, typer.Option("--no-prune", help="Export the model as it is, of whatever kind.")]
NoExport = Annotated[bool, typer.Option("--no-export", help="Write no ONNX files.")]
SeedOf = Annotated[int, typer.Option("--seed", metavar="N", help="Of weights, ranking and training.", min=0)]


@guarded
def prune_model(
    model: ModelName,
    output: Folder,
    text_layers: Count = None,
    text_heads: Count = None,
    text_ffn: Amount = None,
    text_width: Amount = None,
    vision_layers: Count = None,
    vision_heads: Count = None,
    vision_ffn: Amount = None,
    vision_width: Amount = None,
    preset: PresetName = None,
    importance: MethodName = "magnitude",
    ranking: RankingFile = None,
    data: DataName = None,
    test: TestName = None,
    zero_shot: ClassesIn = None,
    template: Template = "a photo of a {}",
    recover: Steps = 0,
    batch: BatchSize = 128,
    learning_rate: Rate = 1e-3,
    checkpoint: CheckpointFile = None,
    watts: Watts = None,
    grid: GridName = None,
    no_prune: NoPrune = False,
    no_export: NoExport = False,
    seed: SeedOf = 0,
) -> None:
    """Prune a CLIP model: rank its parts, cut, recover, measure, and export both towers as ONNX.

    A share has a point (0.75), a count has none.
    """
    from catx.extras import need

    need("clip", "torch")
    from catx.frontend.clip.pruning import PruningConfig

    sizes = {
        "text_layers": text_layers,
        "text_heads": text_heads,
        "text_ffn": _amount("--text-ffn", text_ffn),
        "text_width": _amount("--text-width", text_width),
        "vision_layers": vision_layers,
        "vision_heads": vision_heads,
        "vision_ffn": _amount("--vision-ffn", vision_ffn),
        "vision_width": _amount("--vision-width", vision_width),
    }
    pruning = PruningConfig(**sizes)  # type: ignore[arg-type]  # each by its kind
    if preset is not None:
        pruning = _preset(preset, pruning)
    from catx.tools.canvas import stdout_canvas
    from catx.tools.progress import Progress
    from catx.tools.streams import emit

    with Progress("loading torch") as progress:
        from catx.frontend.clip.recovery import RecoveryConfig
        from catx.frontend.clip.workflow import PruneJob, export_as_it_is, run
        from catx.tools.prune_text import exported_text, pruned_text

        if no_prune:
            if pruning != PruningConfig() or data or recover or ranking or zero_shot:
                raise OptionError("--no-prune exports a model as it is: nothing else is done to it")
            found = export_as_it_is(model, Path(output), seed=seed, tell=progress.phase)
            text = exported_text(found, stdout_canvas())
        else:
            job = PruneJob(
                model=model,
                pruning=pruning,
                folder=Path(output),
                method=importance,  # type: ignore[arg-type]  # checked where it is used
                ranking=Path(ranking) if ranking else None,
                data=data,
                test=test,
                zero_shot=Path(zero_shot) if zero_shot else None,
                template=template,
                recovery=RecoveryConfig(steps=recover, batch=batch, learning_rate=learning_rate, seed=seed)
                if recover
                else None,
                checkpoint=Path(checkpoint) if checkpoint else None,
                watts=_power(watts),
                grid_gco2e_per_kwh=_grid(grid),
                export=not no_export,
                seed=seed,
            )
            text = pruned_text(job, run(job, progress.phase), stdout_canvas())
    emit(text)


def _preset(name: str, asked: Any) -> Any:
    """The sizes of a named pruning."""
    from catx.frontend.clip.presets import PRUNINGS
    from catx.names import unknown_name

    if name not in PRUNINGS:
        raise unknown_name("preset", name, PRUNINGS, error=OptionError)
    if asked != type(asked)():
        raise OptionError("--preset has all sizes: leave out the others")
    return PRUNINGS[name].pruning


def _power(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return parse_quantity(text, "power")
    except ValueError as error:
        raise OptionError(f"--watts: {error}") from None


def _grid(text: str | None) -> float | None:
    if text is None:
        return None
    if text[:1].isdigit():
        try:
            return parse_quantity(text, "carbon intensity")
        except ValueError as error:
            raise OptionError(f"--grid: {error}") from None
    from catx.costmodel.carbon.regions import region

    return region(text).gco2e_per_kwh


def _amount(option: str, text: str | None) -> int | float | None:
    """A count, or a share with a point."""
    if text is None:
        return None
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise OptionError(
            f"{option}: expected a count such as 384, or a share such as 0.75, not {text!r}"
        ) from None
