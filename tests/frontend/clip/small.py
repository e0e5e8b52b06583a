"""Small models of open_clip in many shapes, and data to go with them."""

from typing import Any

import open_clip
import torch

from catx.frontend.clip.model import Clip
from catx.frontend.clip.pairs import TensorPairs

SHAPES: dict[str, dict[str, Any]] = {
    "plain": {},
    "average": {"vision": {"pool_type": "avg", "final_ln_after_pool": True, "no_ln_pre": True}},
    "quick": {"quick_gelu": True},
    "tanh": {
        "vision": {"act_kwargs": {"approximate": "tanh"}},
        "text": {"act_kwargs": {"approximate": "tanh"}},
    },
    "scaled": {"vision": {"ls_init_value": 0.5}, "text": {"ls_init_value": 0.5}},
    "first": {"text": {"pool_type": "first", "no_causal_mask": True, "proj_bias": True}},
    "eos": {"text": {"pool_type": "eos", "eos_id": 29}},
    "custom": {"custom": True},
    "bias": {"init_logit_bias": -10.0},
}


def small(shape: str = "plain", seed: int = 0) -> Any:
    """A model of open_clip with random weights, biases and norms included."""
    options = dict(SHAPES[shape])
    vision, text = options.pop("vision", {}), options.pop("text", {})
    kind = open_clip.CustomTextCLIP if options.pop("custom", False) else open_clip.CLIP
    torch.manual_seed(seed)
    model = kind(
        24,
        open_clip.CLIPVisionCfg(
            layers=3, width=32, head_width=8, patch_size=8, image_size=(16, 24), **vision
        ),
        open_clip.CLIPTextCfg(layers=3, width=48, heads=4, context_length=6, vocab_size=30, **text),
        **options,
    )
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return model.eval()


def inputs(count: int = 4, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    texts = torch.randint(1, 28, (count, 6), generator=generator)
    texts[:, 4] = 29
    return torch.randn(count, 3, 16, 24, generator=generator), texts


def pairs(count: int = 16) -> TensorPairs:
    images, texts = inputs(count, seed=2)
    return TensorPairs("random", images, [row.unsqueeze(0) for row in texts])


def both(model: Any, images: torch.Tensor, texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings, not normalized."""
    with torch.no_grad():
        if isinstance(model, Clip):
            return model.encode_image(images, normalize=False), model.encode_text(texts, normalize=False)
        return model.encode_image(images), model.encode_text(texts)
