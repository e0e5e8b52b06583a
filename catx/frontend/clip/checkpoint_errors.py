"""What is wrong with a checkpoint that open_clip does not load: no checkpoint, or one of another model."""

import pickle
import re
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from catx.errors import Loc, ModelError
from catx.frontend.weights import difference
from catx.names import listed

NOT_LOADED = (
    *(OSError, EOFError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, AssertionError),
    *(StopIteration, pickle.UnpicklingError),
)
"""What open_clip and torch raise of such files; safetensors has an error of its own."""

_BLOCK = re.compile(r"resblocks\.(\d+)\.")
_MOST = 3
_RESIZED = ("visual.positional_embedding", "positional_embedding", "text.positional_embedding")


def checkpoint_error(path: Path, architecture: str, error: Exception) -> ModelError:
    """The error for a checkpoint that open_clip does not load as this architecture.

    Args:
        path: of the checkpoint.
        architecture: as open_clip calls it.
        error: what open_clip raised.
    """
    import open_clip

    try:
        state = _state(path)
    except ValueError as no_state:
        return ModelError(
            f"no checkpoint: {no_state}",
            loc=Loc(str(path)),
            hint="one is a .safetensors, or what `torch.save(model.state_dict(), FILE)` writes",
        )
    sizes = _sizes(state)
    with torch.device("meta"):  # shapes alone
        wanted = open_clip.create_model(architecture, load_weights=False, device="meta").state_dict()
    for name in _RESIZED:  # open_clip makes as many of them as a model has
        if name in state and name in wanted and state[name].shape[1:] == wanted[name].shape[1:]:
            del state[name], wanted[name]
    found = _models_like(sizes)
    seems = ""
    if found and architecture not in found:
        seems = f"it seems to be of {' or '.join(found[:_MOST])}"
    what = difference(state, wanted, architecture) or str(error).partition("\n")[0]
    return ModelError(f"the checkpoint is not one of {architecture}: {what}", loc=Loc(str(path)), hint=seems)


def _state(path: Path) -> dict[str, Tensor]:
    """The weights of a checkpoint by their names, as open_clip finds them.

    Raises:
        ValueError: there are none; it says what there is.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}") from error
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    except (*NOT_LOADED, struct.error) as error:
        more = zipfile.is_zipfile(path)
        raise ValueError(
            "it holds more than weights, such as a whole model" if more else "no file of torch"
        ) from error
    if isinstance(found, Mapping) and "state_dict" in found:
        found = found["state_dict"]
    if not isinstance(found, Mapping):
        raise ValueError(f"a file of torch that holds a {type(found).__name__}")
    weights = {
        str(key).removeprefix("module."): value for key, value in found.items() if isinstance(value, Tensor)
    }
    if not weights:
        raise ValueError(f"no weights: it holds {listed(map(str, found), 4) or 'nothing'}")
    return weights


def _models_like(sizes: tuple[object, ...] | None) -> list[str]:
    """Architectures of open_clip with these sizes; of ViTs alone."""
    import open_clip

    if sizes is None:
        return []
    configs = {name: open_clip.get_model_config(name) for name in open_clip.list_models()}
    return [name for name, config in configs.items() if _sizes_of(config) == sizes]


def _sizes(state: Mapping[str, Tensor]) -> tuple[object, ...] | None:
    """Sizes of both towers; None where they are no ViT and transformer as open_clip has them."""
    text = "text." if "text.token_embedding.weight" in state else ""
    patch, positions = (state.get(f"visual.{name}") for name in ("conv1.weight", "positional_embedding"))
    tokens, texts = (
        state.get(f"{text}{name}") for name in ("token_embedding.weight", "positional_embedding")
    )
    projection = state.get("visual.proj")
    if patch is None or positions is None or tokens is None or texts is None or projection is None:
        return None
    vision = (patch.shape[0], _layers(state, "visual.transformer."), patch.shape[-1], len(positions))
    return projection.shape[-1], vision, (tokens.shape[1], _layers(state, f"{text}transformer."), len(texts))


def _layers(state: Mapping[str, Tensor], start: str) -> int:
    found = [_BLOCK.search(name) for name in state if name.startswith(start)]
    return 1 + max((int(match[1]) for match in found if match), default=-1)


def _sizes_of(config: Mapping[str, Any]) -> tuple[object, ...]:
    """The same of a config of open_clip; its defaults are those of its classes."""
    from open_clip import CLIPTextCfg, CLIPVisionCfg

    vision = CLIPVisionCfg().__dict__ | config["vision_cfg"]
    text = CLIPTextCfg().__dict__ | config["text_cfg"]
    image, patch = vision["image_size"], vision["patch_size"]
    positions = (image // patch) ** 2 + 1 if isinstance(image, int) and isinstance(patch, int) else 0
    return (
        config["embed_dim"],
        (vision["width"], vision["layers"], patch, positions),
        (text["width"], text["layers"], text["context_length"]),
    )
