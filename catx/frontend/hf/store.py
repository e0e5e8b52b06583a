"""A pruned model of a Hugging Face family as a folder: weights, config, and where it came from."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from catx.errors import Loc, ModelError
from catx.extras import need
from catx.frontend.hf.build import shape_of, with_state
from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.names import CONFIG
from catx.frontend.weights import save_weights

WEIGHTS, ORIGIN = "model.safetensors", "origin.json"


def save_model(model: nn.Module, config: ModelConfig, folder: Path) -> None:
    """Write weights and config into a folder that is there and holds neither.

    Tied weights are written once. `from_pretrained` of transformers reads every ViT, too, a Llama whose width
    is a multiple of its heads, and a BERT whose width is heads times head dim; `load_model` reads them all.
    """
    need("hf", "safetensors")
    weights = {name: weight.detach() for name, weight in model.named_parameters()}
    save_weights(weights, folder / WEIGHTS, {"format": "pt"})
    write_new(folder / CONFIG, config.as_plain())


def write_new(path: Path, data: Mapping[str, Any]) -> None:
    """Write JSON to a new file."""
    with path.open("x", encoding="utf-8") as file:
        json.dump(data, file, indent=1)


def load_model(folder: Path | str) -> nn.Module:
    """A model that was saved, as a module of transformers, without the one that it was made of.

    Raises:
        ModelError: a file is missing or damaged, or weights do not fit the config.
        SpecError: the config is none.
    """
    folder = Path(folder)
    config = ModelConfig.load(folder / CONFIG)
    return with_state(shape_of(config), load_state(folder / WEIGHTS), str(folder / WEIGHTS))


def load_state(path: Path) -> dict[str, Tensor]:
    """Weights by name.

    Raises:
        ModelError: the file cannot be read.
    """
    need("hf", "safetensors")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state: dict[str, Tensor] = load_file(path)
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror or error}", loc=Loc(str(path))) from error
    except SafetensorError as error:
        raise ModelError(f"damaged weights: {error}", loc=Loc(str(path))) from error
    return state
