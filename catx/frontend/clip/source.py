"""Which CLIP model is meant: `open_clip:NAME[:TAG or checkpoint]`, a named one, or a folder of catx."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import nn

from catx.content_cache import Shelf
from catx.errors import Loc, ModelError
from catx.extras import need
from catx.frontend.clip.checkpoint_errors import NOT_LOADED, checkpoint_error
from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.digits import NAME as DIGITS
from catx.frontend.clip.model import Clip
from catx.frontend.clip.presets import MODELS
from catx.frontend.clip.store import load_clip
from catx.frontend.hf.names import PREFIX as HUGGING_FACE
from catx.frontend.hf.presets import PRESETS as FAMILY_MODELS
from catx.frontend.quiet import quiet
from catx.frontend.seeds import check_seed
from catx.names import nearest

_CONFIGS = Shelf("clip-configs", ("frontend/clip/*.py",), ("open_clip_torch",))

OPEN_CLIP = "open_clip:"
RANDOM = "random weights: no tag and no checkpoint was given"


@dataclass(frozen=True, slots=True)
class Source:
    """A model before it becomes catx's own: `raw` is open_clip's, None where it is catx's already."""

    name: str
    raw: nn.Module | None
    clip: Clip | None
    note: str = ""


def find_clip(name: str, *, seed: int = 0) -> Clip:
    """The model of a name, as catx's own.

    Raises:
        ModelError: there is no such model, its weights cannot be had, or a tower is of another kind.
        OptionError: a seed that is none.
        ExtraError: open_clip is missing.
    """
    return clip_of(find_source(name, seed=seed))


def clip_of(source: Source) -> Clip:
    """The model of a source, as catx's own.

    Raises:
        ModelError: a tower is of another kind.
    """
    if source.clip is not None:
        return source.clip
    assert source.raw is not None
    tokenizer = ":".join(source.name.split(":")[:2])
    with _seeded(0):  # a module has random weights before it is given its own
        return from_open_clip(source.raw, source.name, tokenizer=tokenizer).eval()


def find_config(name: str) -> ClipConfig:
    """The shape of the model of a name, without its weights; see `find_clip`.

    Shapes of open_clip's architectures are kept on disk, so that a model is built for it once.
    """
    if not name.startswith(OPEN_CLIP):
        return find_clip(name).config
    architecture = ":".join(name.split(":")[:2])
    kept = _CONFIGS.load(architecture)
    if kept is not None:
        return ClipConfig.from_json(kept)
    config = find_clip(architecture).config
    _CONFIGS.save(architecture, config.to_json())
    return config


def find_source(name: str, *, seed: int = 0) -> Source:
    """The model of a name, of whatever kind its towers are; see `find_clip`."""
    check_seed(seed)
    if name == DIGITS:
        with_files = files("catx.data").joinpath("clip").joinpath("digits")
        return Source(name, None, _loaded(Path(str(with_files))))
    if name.startswith(OPEN_CLIP):
        return _open_clip(name, seed)
    if name in MODELS:
        with _seeded(seed):
            return Source(name, None, Clip(MODELS[name]).eval(), RANDOM)
    if os.path.isdir(name):
        return Source(name, None, _loaded(Path(name)))
    raise ModelError(
        f"no CLIP model {name!r}{_meant(name)}",
        hint=f"write `{OPEN_CLIP}ViT-B-16`, `{OPEN_CLIP}ViT-B-16:TAG`, `{OPEN_CLIP}ViT-B-16:checkpoint.pt`, "
        f"`{DIGITS}`, {', '.join(f'`{one}`' for one in MODELS)}, "
        f"the folder of a model that catx saved, or `{HUGGING_FACE}bert-base` for BERT, ViT and Llama",
    )


def _meant(name: str) -> str:
    """A question after the model that may be meant, with its prefix; nothing if none is near."""
    known = [DIGITS, *MODELS, *(f"{HUGGING_FACE}{one}" for one in FAMILY_MODELS)]
    if find_spec("open_clip"):
        import open_clip

        known += [f"{OPEN_CLIP}{one}" for one in open_clip.list_models()]
    bare = [one for one in known if one.partition(":")[2].lower() == name.lower()]
    return f"; did you mean {bare[0]!r}?" if bare else nearest(name, known)


def _loaded(folder: Path) -> Clip:
    with _seeded(0):  # as in `clip_of`
        return load_clip(folder)


def _open_clip(name: str, seed: int) -> Source:
    need("clip", "open_clip")
    import open_clip

    _, architecture, *rest = name.split(":", 2)
    known = open_clip.list_models()
    if architecture not in known:
        raise ModelError(
            f"open_clip has no model {architecture!r}{nearest(architecture, known)}",
            hint="`python -c 'import open_clip; print(open_clip.list_models())'` lists them",
        )
    weights = rest[0] if rest else ""
    if weights and _is_path(weights) and not Path(weights).is_file():
        raise ModelError("no such checkpoint", loc=Loc(weights))
    if weights and not _is_path(weights):
        _check_tag(architecture, weights)
    with _seeded(seed):
        model = _created(architecture, weights)
    return Source(name, model.eval(), None, "" if weights else RANDOM)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Torch's generator of the CPU starts at a seed, and afterwards goes on as if nothing had been."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reseed those of GPUs for good
        yield


def _is_path(weights: str) -> bool:
    return Path(weights).suffix in (".pt", ".pth", ".bin", ".safetensors") or Path(weights).exists()


def _check_tag(architecture: str, tag: str) -> None:
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if tag not in tags:
        raise ModelError(
            f"open_clip has no weights {tag!r} of {architecture}{nearest(tag, tags)}",
            hint=f"it has {', '.join(tags) or 'none'}; a checkpoint of your own is a path to a .pt file",
        )


def _created(architecture: str, weights: str) -> Any:
    """The model; what fails while its weights are fetched or read is one error that says so."""
    import open_clip
    from safetensors import SafetensorError

    try:
        with quiet("", "huggingface_hub"):  # warnings of random weights, and of each try of a download
            return open_clip.create_model(
                architecture, pretrained=weights or None, load_weights=bool(weights)
            )
    except (*NOT_LOADED, SafetensorError) as error:
        if not weights:
            raise ModelError(f"open_clip does not build {architecture}: {_first_line(error)}") from error
        if _is_path(weights):
            with quiet(""):
                raise checkpoint_error(Path(weights), architecture, error) from error
        raise ModelError(
            f"the weights {weights!r} of {architecture} cannot be fetched: {_first_line(error)}",
            hint=f"without a network give a checkpoint: `{OPEN_CLIP}{architecture}:checkpoint.pt`",
        ) from error


def _first_line(error: Exception) -> str:
    """What an error says, cut after about two lines of a terminal."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    if isinstance(error, LookupError):  # its text is the bare key
        line = f"{type(error).__name__} {line}"
    return line if len(line) <= 160 else line[:160].rsplit(" ", 1)[0] + " ..."
