"""Small models of each family with random weights, as transformers builds them."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from torch import Tensor, nn

_SIZES = {"hidden_size": 48, "num_attention_heads": 6, "intermediate_size": 64, "num_hidden_layers": 3}

CONFIGS: dict[str, dict[str, Any]] = {
    "bert": {**_SIZES, "model_type": "bert", "vocab_size": 99, "max_position_embeddings": 40},
    "vit": {
        **_SIZES,
        "model_type": "vit",
        "image_size": 32,
        "patch_size": 8,
        "num_channels": 3,
        "num_labels": 7,
    },
    "llama": {
        **_SIZES,
        "model_type": "llama",
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": 99,
        "max_position_embeddings": 64,
        "tie_word_embeddings": False,
    },
    "llama_tied": {
        **_SIZES,
        "model_type": "llama",
        "num_key_value_heads": 6,
        "vocab_size": 99,
        "max_position_embeddings": 64,
        "tie_word_embeddings": True,
    },
}
FAMILIES = tuple(CONFIGS)

_CLASSES = {"bert": "BertModel", "vit": "ViTForImageClassification", "llama": "LlamaForCausalLM"}


def original(name: str) -> nn.Module:
    """Transformers' own model, no weight of it 0 or 1."""
    plain = CONFIGS[name]
    cls = getattr(transformers, _CLASSES[plain["model_type"]])
    torch.manual_seed(0)
    model: nn.Module = cls(cls.config_class.from_dict(plain)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn(weight.shape))
    return model


def saved(name: str, folder: Path) -> Path:
    """A folder of transformers with such a model."""
    original(name).save_pretrained(folder)  # type: ignore[operator]  # of every transformers model
    return folder


def plain_folder(name: str, folder: Path) -> Path:
    """A folder with a config alone."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIGS[name]))
    return folder


def inputs(name: str, tokens: int = 9) -> Tensor:
    """Something that the model reads."""
    generator = torch.Generator().manual_seed(1)
    if name == "vit":
        return torch.randn(2, 3, 32, 32, generator=generator)
    return torch.randint(99, (2, tokens), generator=generator)


@torch.no_grad()
def output(model: nn.Module, x: Tensor) -> Tensor:
    """The first output."""
    found: Tensor = model(x)[0]
    return found
