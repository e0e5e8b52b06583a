"""A pruned model as a folder: weights, the config that rebuilds it, and where it came from."""

import json
from pathlib import Path
from typing import Any

from catx.errors import Loc, ModelError, OutputError
from catx.extras import need
from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.model import Clip
from catx.frontend.weights import difference, save_weights
from catx.names import listed

WEIGHTS, CONFIG, ORIGIN = "model.safetensors", "config.json", "origin.json"


def save_clip(model: Clip, folder: Path, origin: dict[str, Any] | None = None) -> None:
    """Write a model into a folder that holds none yet.

    Args:
        model: what is saved.
        folder: is made where it is missing.
        origin: how the model came to be, for `origin.json`.

    Raises:
        OutputError: one of the files is there already.
    """
    need("clip", "safetensors")

    folder.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS, CONFIG, ORIGIN):
        if (folder / name).exists():
            raise OutputError("exists already: nothing is overwritten", loc=Loc(str(folder / name)))
    model.config.save(folder / CONFIG)
    if origin is not None:
        with (folder / ORIGIN).open("x", encoding="utf-8") as file:
            json.dump(origin, file, indent=1)
    save_weights(model.state_dict(), folder / WEIGHTS)


def load_clip(folder: Path) -> Clip:
    """A model that was saved, without the one that it was made of.

    Raises:
        ModelError: a file is missing or damaged, or weights do not fit the config.
        SpecError: the config is none.
    """
    need("clip", "safetensors")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        text = (folder / CONFIG).read_text(encoding="utf-8")
        state = load_file(folder / WEIGHTS)
    except OSError as error:
        lacks = [name for name in (CONFIG, WEIGHTS) if not (folder / name).exists()]
        raise ModelError(
            f"no saved CLIP model: {f'it has no {listed(lacks)}' if lacks else error.strerror or error}",
            loc=Loc(str(folder)),
            hint=f"`catx prune MODEL -o DIR` writes {CONFIG} and {WEIGHTS}",
        ) from error
    except SafetensorError as error:
        raise ModelError(f"damaged weights: {error}", loc=Loc(str(folder / WEIGHTS))) from error
    model = Clip(ClipConfig.from_json(text, str(folder / CONFIG)))
    if what := difference(state, model.state_dict(), CONFIG):
        raise ModelError(f"weights of another model: {what}", loc=Loc(str(folder / WEIGHTS)))
    model.load_state_dict(state)
    return model.eval()
