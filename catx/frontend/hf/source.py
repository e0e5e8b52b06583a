"""Which model of a Hugging Face family is meant: a named shape, a folder, or a name on the hub."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from catx.errors import Loc, ModelError
from catx.extras import need
from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.names import CONFIG, PREFIX, plain_config
from catx.frontend.hf.presets import PRESETS
from catx.frontend.hf.store import WEIGHTS, load_state
from catx.frontend.quiet import quiet
from catx.names import listed, nearest

HEADS_OF_MODELS = ("pooler.", "classifier.", "lm_head.")
"""What many checkpoints leave out: they were trained for something else."""


@dataclass(frozen=True, slots=True)
class Source:
    """A model: its config, the weights that it came with, where both are from, and what to know of it."""

    name: str
    config: ModelConfig
    state: Mapping[str, Tensor] | None
    told: str
    note: str = ""


def find_source(name: str) -> Source:
    """The model of a name.

    Raises:
        ModelError: there is no such model, it cannot be had, or it is of another family.
        SpecError: its config is damaged.
        ExtraError: transformers is missing.
    """
    need("hf", "torch", "transformers")
    bare = name.removeprefix(PREFIX)
    if bare in PRESETS:
        preset = PRESETS[bare]
        return Source(name, ModelConfig.of_plain(preset.plain, bare), None, preset.source)
    if os.path.isdir(bare):
        return _folder(name, Path(bare))
    if "/" not in bare:
        raise ModelError(
            f"no model {name!r}{nearest(bare, PRESETS)}",
            hint=f"write `{PREFIX}` before one of {', '.join(PRESETS)}, before a folder with a {CONFIG}, or "
            "before a name of the hub such as `google/vit-base-patch16-224`",
        )
    return _fetched(name, bare)


def _folder(name: str, folder: Path) -> Source:
    config = ModelConfig.load(folder / CONFIG)
    if (folder / WEIGHTS).is_file() and _is_saved_here(folder):
        return Source(name, config, load_state(folder / WEIGHTS), f"weights of {folder}")
    if any(folder.glob("*.safetensors")) or any(folder.glob("*.bin")):
        return _fetched(name, str(folder))
    return Source(name, _completed(str(folder)), None, f"shape of {folder / CONFIG}")


def _is_saved_here(folder: Path) -> bool:
    return "catx" in (plain_config(str(folder)) or {})


def _completed(where: str) -> ModelConfig:
    """A config with all that transformers adds by default."""
    import transformers

    return ModelConfig.of_plain(transformers.AutoConfig.from_pretrained(where).to_dict(), where)


def _fetched(name: str, where: str) -> Source:
    """A model with weights that transformers reads."""
    import transformers
    from safetensors import SafetensorError
    from transformers.utils import logging

    bars = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        with quiet("huggingface_hub", "transformers"):
            config = _completed(where)
            cls = getattr(transformers, config.family.model_class)
            model, told = cls.from_pretrained(where, dtype="float32", output_loading_info=True)
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"transformers does not read it: {line}",
            loc=Loc(where),
            hint="without a network give the path of a folder that holds config.json and weights",
        ) from error
    finally:
        if bars:
            logging.enable_progress_bar()
    return Source(
        name, config, model.state_dict(), f"weights of {where}", _missing(told["missing_keys"], where)
    )


def _missing(names: Iterable[str], where: str) -> str:
    """What to know of weights that a checkpoint does not have: heads alone may be missing.

    Raises:
        ModelError: another weight is missing.
    """
    missing = sorted(names)
    if others := [name for name in missing if not name.startswith(HEADS_OF_MODELS)]:
        raise ModelError(f"the checkpoint has no weights {listed(others, 3)}", loc=Loc(where))
    return f"the checkpoint has no {listed(missing)}: random" if missing else ""
