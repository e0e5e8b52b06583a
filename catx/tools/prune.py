"""`catx prune`: a smaller model, its accuracy where it is a CLIP model, and its ONNX files."""

from pathlib import Path
from typing import Any

import typer

from catx.errors import OptionError
from catx.tools import prune_options as options
from catx.tools.guard import guarded
from catx.tools.options import named_folder
from catx.units import parse_quantity

_FAMILY = ("layers", "heads", "kv_heads", "ffn", "width", "tokens", "context", "no_weights")
_NEEDS = {
    "recover": ("batch", "learning_rate", "precision", "checkpoint", "watts", "grid"),
    "data": ("test", "validation"),
    "zero_shot": ("template",),
}
"""Options that do nothing without another one."""

_AS_IT_IS = ("model", "output", "seed", "no_prune")
"""Options of a model that is exported as it is."""

_SHARED = ("model", "output", "importance", "ranking", "no_export", "seed")


@guarded
def prune_model(
    ctx: typer.Context,
    model: options.ModelName,
    output: options.Folder,
    importance: options.MethodName = "magnitude",
    ranking: options.RankingFile = None,
    seed: options.SeedOf = 0,
    no_export: options.NoExport = False,
    text_layers: options.TextLayers = None,
    text_heads: options.TextHeads = None,
    text_ffn: options.TextFfn = None,
    text_width: options.TextWidth = None,
    vision_layers: options.VisionLayers = None,
    vision_heads: options.VisionHeads = None,
    vision_ffn: options.VisionFfn = None,
    vision_width: options.VisionWidth = None,
    preset: options.PresetName = None,
    data: options.DataName = None,
    test: options.TestName = None,
    validation: options.ValidationName = None,
    zero_shot: options.ClassesIn = None,
    template: options.Template = "a photo of a {}",
    recover: options.Steps = 0,
    batch: options.BatchSize = 128,
    learning_rate: options.Rate = None,
    precision: options.PrecisionName = "auto",
    checkpoint: options.CheckpointFile = None,
    watts: options.Watts = None,
    grid: options.GridName = None,
    no_prune: options.NoPrune = False,
    layers: options.Layers = None,
    heads: options.Heads = None,
    kv_heads: options.KvHeads = None,
    ffn: options.Ffn = None,
    width: options.Width = None,
    tokens: options.Tokens = None,
    context: options.Context = None,
    no_weights: options.NoWeights = False,
) -> None:
    """Prune a model and export it as ONNX: rank its parts, cut; recover and measure CLIP models.

    A share has a point (0.75), a count has none.
    """
    from catx.frontend.hf.names import is_hugging_face

    folder = named_folder(output)
    if is_hugging_face(model):
        _refuse(ctx, set(ctx.params) - {*_SHARED, *_FAMILY}, "CLIP models")
        _prune_family(ctx.params, folder)
    else:
        _refuse(ctx, set(_FAMILY), "BERT, ViT and Llama (`hf:NAME`)")
        _refuse_idle(ctx)
        _prune_clip(ctx.params, folder)


def _refuse(ctx: typer.Context, others: set[str], whose: str) -> None:
    """Raise an OptionError where an option was given that this kind of model does not have."""
    if wrong := [_option(name) for name in _given(ctx) if name in others]:
        raise OptionError(f"{', '.join(wrong)}: for {whose}, and {ctx.params['model']} is none")


def _refuse_idle(ctx: typer.Context) -> None:
    """Raise an OptionError where an option was given that has no effect."""
    given = _given(ctx)
    if "no_prune" in given and (wrong := [_option(name) for name in given if name not in _AS_IT_IS]):
        raise OptionError(
            f"{', '.join(wrong)}: --no-prune exports a model as it is, nothing else is done to it"
        )
    for name, others in _NEEDS.items():
        if wrong := [_option(other) for other in others if other in given and not ctx.params[name]]:
            raise OptionError(f"{', '.join(wrong)}: without effect", hint=f"it needs {_option(name)}")
    if {"importance", "ranking"} <= set(given):
        raise OptionError("--importance: without effect, as --ranking says what stays", hint="leave out one")


def _given(ctx: typer.Context) -> list[str]:
    """Parameters that stand on the command line."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    return [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _prune_family(asked: dict[str, Any], folder: Path) -> None:
    """Prune a model of a Hugging Face family."""
    from catx.extras import need

    need("hf", "torch", "transformers")
    from catx.frontend.hf.sizes import Pruning

    pruning = Pruning(
        layers=asked["layers"],
        heads=asked["heads"],
        kv_heads=asked["kv_heads"],
        ffn=_amount("--ffn", asked["ffn"]),
        width=_amount("--width", asked["width"]),
    )
    from catx.tools.canvas import stdout_canvas
    from catx.tools.progress import Progress
    from catx.tools.streams import emit

    with Progress("loading torch", tidies_up=True) as progress:
        from catx.frontend.hf.workflow import PruneJob, run
        from catx.tools.prune_family import family_text

        job = PruneJob(
            model=asked["model"],
            pruning=pruning,
            folder=folder,
            method=asked["importance"],
            ranking=_path(asked["ranking"]),
            tokens=asked["tokens"],
            context=asked["context"],
            weights=False if asked["no_weights"] else None,
            export=not asked["no_export"],
            seed=asked["seed"],
        )
        text = family_text(job, run(job, progress.phase), stdout_canvas())
    emit(text)


def _prune_clip(asked: dict[str, Any], folder: Path) -> None:
    """Prune a CLIP model, or export one as it is."""
    from catx.extras import need

    need("clip", "torch")
    from catx.frontend.clip.pruning import PruningConfig

    pruning = PruningConfig(
        text_layers=asked["text_layers"],
        text_heads=asked["text_heads"],
        text_ffn=_amount("--text-ffn", asked["text_ffn"]),
        text_width=_amount("--text-width", asked["text_width"]),
        vision_layers=asked["vision_layers"],
        vision_heads=asked["vision_heads"],
        vision_ffn=_amount("--vision-ffn", asked["vision_ffn"]),
        vision_width=_amount("--vision-width", asked["vision_width"]),
    )
    if asked["preset"] is not None:
        pruning = _preset(asked["preset"], asked["model"], pruning)
    from catx.tools.canvas import stdout_canvas
    from catx.tools.progress import Progress
    from catx.tools.streams import emit

    with Progress("loading torch", tidies_up=True) as progress:
        from catx.frontend.clip.recovery import RecoveryConfig
        from catx.frontend.clip.workflow import PruneJob, export_as_it_is, run
        from catx.tools.prune_text import exported_text, pruned_text

        model, seed = asked["model"], asked["seed"]
        if asked["no_prune"]:
            found = export_as_it_is(model, folder, seed=seed, tell=progress.phase)
            text = exported_text(found, stdout_canvas())
        else:
            recovery = None
            if steps := asked["recover"]:
                recovery = RecoveryConfig(
                    steps=steps,
                    batch=asked["batch"],
                    learning_rate=asked["learning_rate"],
                    precision=asked["precision"],
                    seed=seed,
                )
            job = PruneJob(
                model=model,
                pruning=pruning,
                folder=folder,
                method=asked["importance"],
                ranking=_path(asked["ranking"]),
                data=asked["data"],
                test=asked["test"],
                validation=asked["validation"],
                zero_shot=asked["zero_shot"],
                template=asked["template"],
                recovery=recovery,
                checkpoint=_path(asked["checkpoint"]),
                watts=_power(asked["watts"]),
                grid_gco2e_per_kwh=_grid(asked["grid"]),
                export=not asked["no_export"],
                seed=seed,
            )
            done = run(job, progress.phase)
            if not done.leads:
                return  # of several processes one tells
            text = pruned_text(job, done, stdout_canvas())
    emit(text)


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _preset(name: str, model: str, asked: Any) -> Any:
    """The sizes of a named pruning of this model."""
    from catx.frontend.clip.presets import PRUNINGS
    from catx.names import unknown_name

    if name not in PRUNINGS:
        raise unknown_name("preset", name, PRUNINGS, error=OptionError)
    if asked != type(asked)():
        raise OptionError("--preset has all sizes: leave out the others")
    if model.split(":")[:2] != PRUNINGS[name].model.split(":")[:2]:
        raise OptionError(f"--preset {name}: of {PRUNINGS[name].model}, not of {model}")
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
