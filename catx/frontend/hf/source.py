"""Which model of a Hugging Face family is meant: a named shape, a folder, or a name on the hub."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from catx.errors import Loc, ModelError
from catx.extras import need
from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.presets import PRESETS
from catx.frontend.hf.store import CONFIG, WEIGHTS, load_state
from catx.frontend.quiet import quiet
from catx.names import nearest

PREFIX = "hf:"


@dataclass(frozen=True, slots=True)
class Source:
    """A model: its config, the weights that it came with, and where both are from."""

    name: str
    config: ModelConfig
    state: Mapping[str, Tensor] | None
    told: str


def is_hugging_face(name: str) -> bool:
    """Whether a name is meant for this: `hf:...`, or a folder with a config of transformers."""
    return name.startswith(PREFIX) or _plain_config(name) is not None


def _plain_config(folder: str) -> Any:
    """The config in a folder, None where there is none of transformers' kind."""
    try:
        data = json.loads((Path(folder) / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # a folder that is no such model: whoever reads it next says what is wrong
    return data if isinstance(data, dict) and "model_type" in data else None


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
    return "catx" in (_plain_config(str(folder)) or {})


def _completed(where: str) -> ModelConfig:
    """A config with all that transformers adds by default."""
    import transformers

    return ModelConfig.of_plain(transformers.AutoConfig.from_pretrained(where).to_dict(), where)


def _fetched(name: str, where: str) -> Source:
    """A model with weights that transformers reads."""
    import transformers

    try:
        with quiet("huggingface_hub", "transformers"):
            config = _completed(where)
            cls = getattr(transformers, config.family.model_class)
            model = cls.from_pretrained(where, dtype="float32")
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"transformers does not read it: {line}",
            loc=Loc(where),
            hint="without a network give the path of a folder that holds config.json and weights",
        ) from error
    return Source(name, config, model.state_dict(), f"weights of {where}")
