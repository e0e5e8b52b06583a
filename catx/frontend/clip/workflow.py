"""From a named model to a folder with a pruned one: rank, cut, recover, measure, save, export, check."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from catx.errors import Loc, OptionError, SpecError
from catx.extras import need
from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.datasets import TEMPLATE, Classes, Splits, find_classes, find_splits
from catx.frontend.clip.distributed import device, process_group, rank, world_size
from catx.frontend.clip.export import (
    example_image,
    example_text,
    export_tower,
    random_image,
    text_of,
)
from catx.frontend.clip.footprint import Footprint, footprint
from catx.frontend.clip.importance import METHODS, NEEDS_DATA, Method
from catx.frontend.clip.importance import rank as rank_parts
from catx.frontend.clip.measured_store import ShelfStore
from catx.frontend.clip.metrics import BATCH, Recall, ZeroShot, recall, zero_shot
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pairs import Pairs
from catx.frontend.clip.pruning import PruningConfig
from catx.frontend.clip.ranking import Ranking, select
from catx.frontend.clip.recovery import Recovered, RecoveryConfig, check_checkpoint, recover
from catx.frontend.clip.source import clip_of, find_source
from catx.frontend.clip.store import CONFIG, ORIGIN, WEIGHTS, save_clip
from catx.frontend.clip.surgery import cut
from catx.frontend.new_files import kept_free
from catx.frontend.torch_export import Exported
from catx.frontend.training import origin_of
from catx.frontend.weights import weights_sha256
from catx.names import unknown_name
from catx.version import VERSION

RANKING, VISION, TEXT = "ranking.json", "vision.onnx", "text.onnx"
FILES = (WEIGHTS, CONFIG, ORIGIN, RANKING, VISION, TEXT)

Tell = Callable[[str], None]
"""Told what is going on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneJob:
    """What is to be done.

    `data`, `validation` and `test` name what it is ranked and trained on, what is to choose between models,
    and what the chosen one is measured on (see `datasets.find_splits`); without data a model is ranked by its
    weights and not measured. `ranking` is used instead of one that `method` finds.
    """

    model: str
    pruning: PruningConfig
    folder: Path
    method: Method = "magnitude"
    ranking: Path | None = None
    data: str | None = None
    test: str | None = None
    validation: str | None = None
    zero_shot: str | None = None
    template: str = TEMPLATE
    recovery: RecoveryConfig | None = None
    checkpoint: Path | None = None
    watts: float | None = None
    grid_gco2e_per_kwh: float | None = None
    export: bool = True
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Size of a model: parameters, multiply-accumulates of one image and one text, weights as fp32 [byte].

    `recall` is of the test split.
    """

    parameters: int
    macs: int
    weight_bytes: int
    recall: Recall | None = None
    validation: Recall | None = None
    zero_shot: ZeroShot | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What came of a job; `cut` is right after the cut, `after` after recovery.

    Of several processes, that which wrote it `leads`.
    """

    config: ClipConfig
    before: Figures
    cut: Figures
    after: Figures
    ranked: str
    recovered: Recovered | None
    footprint: Footprint | None
    exported: tuple[Exported, ...]
    notes: tuple[str, ...]
    leads: bool = True


def run(job: PruneJob, tell: Tell = lambda _: None) -> Pruned:
    """Do a job; everything that can be checked is checked before the first long step.

    Under torchrun all processes do it together, and the first one writes.

    Raises:
        CatxError: of any kind.
    """
    _check(job)
    with process_group():
        if rank() > 0:
            return _run(job, lambda _: None)
        with kept_free(job.folder, FILES):
            return _run(job, tell)


def _check(job: PruneJob) -> None:
    """Raise what is wrong with a job, as far as that can be told at once."""
    if job.data is None and (job.recovery or job.test or job.validation):
        raise OptionError("recovery and accuracy need data to train and rank on", hint="give `--data`")
    if job.method not in METHODS:
        raise unknown_name("method", job.method, METHODS, error=OptionError)
    if job.method in NEEDS_DATA and job.data is None and job.ranking is None:
        raise OptionError(f"the method {job.method} needs calibration data", hint="give `--data`")
    if job.checkpoint:
        check_checkpoint(job.checkpoint)
    need("clip", "safetensors", *(("onnxscript", "onnxruntime") if job.export else ()))


def _run(job: PruneJob, tell: Tell) -> Pruned:
    tell("reading the model")
    source = find_source(job.model, seed=job.seed)
    whole = clip_of(source)
    job.pruning.of(whole.config)
    classes = find_classes(job.zero_shot, whole.config, job.template) if job.zero_shot else None
    ranking = _given_ranking(job.ranking, whole) if job.ranking else None
    before_it = origin_of(Path(job.model))
    splits = find_splits(job.data, job.test, whole.config, validation=job.validation) if job.data else None
    if splits:
        splits.check()
    whole.to(device())
    if ranking is None:
        tell(f"ranking by {job.method}")
        pairs = splits.ranking if splits else None
        ranking = _ranked(whole, job, pairs, tell)
    small = cut(whole, select(whole.config, job.pruning, ranking))
    before, right_after = (_figures(model, splits, classes, tell) for model in (whole, small))
    recovered, emitted, after = None, None, right_after
    if job.recovery and splits:
        for model in (small, whole):
            model.to(device())
        recovered = recover(
            small, splits.train, job.recovery, teacher=whole, progress=_steps(tell), checkpoint=job.checkpoint
        )
        emitted = footprint(
            recovered.seconds,
            watts=job.watts,
            grid_gco2e_per_kwh=job.grid_gco2e_per_kwh,
            machines=recovered.machines,
        )
        after = _figures(small, splits, classes, tell)
    notes = [source.note] if source.note else []
    if job.recovery and splits and job.recovery.batch * world_size() > len(splits.train):
        notes.append(
            f"{job.recovery.batch} pairs of a step were asked for, and the data has {len(splits.train)}"
        )
    if broken := (splits.broken if splits else 0) + (classes.broken if classes else 0):
        notes.append(f"{broken} image{'s' if broken > 1 else ''} could not be read, left out")
    if lacking := splits.uncaptioned if splits else 0:
        notes.append(
            f"{lacking} sample{'s' if lacking > 1 else ''} without a caption of UTF-8 text, left out"
        )
    small.cpu()
    if rank() == 0:
        origin = {
            "catx": VERSION,
            "model": job.model,
            "seed": job.seed,
            "pruning": {f.name: getattr(job.pruning, f.name) for f in fields(job.pruning)},
            "ranking": {
                "method": ranking.method,
                "data": ranking.data,
                "weights_sha256": ranking.weights_sha256,
                "file": str(job.ranking) if job.ranking else None,
            },
            "data": _told_data(splits),
            "recovery": asdict(job.recovery) if job.recovery else None,
            "recovered": asdict(recovered) if recovered else None,
            "footprint": asdict(emitted) if emitted else None,
            "figures": {"before": asdict(before), "cut": asdict(right_after), "after": asdict(after)},
            "weights_sha256": weights_sha256(small),
            "notes": notes,
            "before": before_it,
        }
        save_clip(small, job.folder, origin)
        ranking.save(job.folder / RANKING)
    exported = export_clip(small, job.folder, tell) if job.export and rank() == 0 else ()
    told = f"{ranking.method}, data: {ranking.data}"
    return Pruned(
        config=small.config,
        before=before,
        cut=right_after,
        after=after,
        ranked=told,
        recovered=recovered,
        footprint=emitted,
        exported=exported,
        notes=tuple(notes),
        leads=rank() == 0,
    )


def _given_ranking(path: Path, whole: Clip) -> Ranking:
    """The ranking in a file, which must be of this model.

    Raises:
        SpecError: it is no ranking, or one of a model of other sizes or weights.
    """
    found = Ranking.load(path)
    found.check(whole.config)
    if found.weights_sha256 != weights_sha256(whole):
        raise SpecError(
            "the ranking is of other weights than this model has",
            loc=Loc(str(path)),
            hint="leave it out: --importance makes one",
        )
    return found


def _told_data(splits: Splits | None) -> dict[str, dict[str, str]]:
    """Name and hash of what each split holds."""
    if splits is None:
        return {}
    named = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    return {name: {"name": pairs.name, "sha256": pairs.sha256()} for name, pairs in named.items() if pairs}


def export_as_it_is(
    name: str, folder: Path, *, seed: int = 0, tell: Tell = lambda _: None
) -> tuple[Exported, ...]:
    """Export both towers of a model without pruning it, whatever kind of towers it has.

    Raises:
        CatxError: no such model, or a file is there already.
    """
    with kept_free(folder, (VISION, TEXT)):
        return _exported_as_it_is(name, folder, seed, tell)


def _exported_as_it_is(name: str, folder: Path, seed: int, tell: Tell) -> tuple[Exported, ...]:
    tell("reading the model")
    source = find_source(name, seed=seed)
    if source.clip is not None:
        return export_clip(source.clip, folder, tell)
    raw: Any = source.raw
    size = raw.visual.image_size
    height, width = size if isinstance(size, tuple | list) else (size, size)
    length = int(getattr(raw, "context_length", 0) or raw.text.context_length)
    vision = _Method(raw, "encode_image")
    text = _Method(raw, "encode_text")
    image, tokens = random_image(height, width), text_of(length, 2)
    return _export_both(vision, image, text, tokens, folder, tell)


class _Method(nn.Module):
    """A model seen through one of its methods."""

    def __init__(self, model: nn.Module, name: str) -> None:
        super().__init__()
        self.model, self.name = model, name

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = getattr(self.model, self.name)(x)
        return found


def _ranked(whole: Clip, job: PruneJob, pairs: Pairs | None, tell: Tell) -> Ranking:
    """A ranking; what `module` measures is kept, so that an interrupted one goes on."""
    store = (
        ShelfStore(f"{weights_sha256(whole)} {pairs.sha256()}") if pairs and job.method == "module" else None
    )

    def told(what: str, done: int, of: int) -> None:
        tell(f"ranking by {job.method}: {what}, {done} of {of}")

    return rank_parts(whole, job.method, pairs, seed=job.seed, store=store, progress=told)


def _figures(model: Clip, splits: Splits | None, classes: Classes | None, tell: Tell) -> Figures:
    measured, chosen_by, shot = None, None, None
    if splits is not None:
        tell("measuring recall")
        measured = recall(model, splits.test)
        chosen_by = recall(model, splits.validation) if splits.validation else None
    if classes is not None:
        tell("measuring zero-shot accuracy")
        shot = zero_shot(model, classes.batches(BATCH), classes.prompts, classes.name)
    parameters = sum(weight.numel() for weight in model.parameters())
    return Figures(
        parameters=parameters,
        macs=model.config.macs,
        weight_bytes=4 * parameters,
        recall=measured,
        validation=chosen_by,
        zero_shot=shot,
    )


def _steps(tell: Tell) -> Callable[[int, int, float], None]:
    def told(step: int, steps: int, loss: float) -> None:
        if step % 10 == 0 or step == steps:
            tell(f"recovering, step {step} of {steps}, loss {loss:.3f}")

    return told


def export_clip(model: Clip, folder: Path, tell: Tell = lambda _: None) -> tuple[Exported, ...]:
    """Both towers into a folder, each checked in onnxruntime; see `export.export_tower`."""
    image, text = example_image(model.config), example_text(model.config)
    return _export_both(model.vision, image, model.text, text, folder, tell)


def _export_both(
    vision: nn.Module, image: Tensor, text: nn.Module, tokens: Tensor, folder: Path, tell: Tell
) -> tuple[Exported, ...]:
    tell("exporting the image tower")
    one = export_tower("vision", vision, image, folder / VISION)
    tell("exporting the text tower")
    return one, export_tower("text", text, tokens, folder / TEXT)
