"""The parts of a model of a Hugging Face family that stay, as a smaller model.

Removing heads and hidden units is exact, and so is removing blocks of ViT and Llama: the smaller model
computes what the larger one does with these parts silenced. BERT has norms on its residual stream, which go
with their block, and a narrower residual stream changes the statistics of norms: neither is exact.
"""

import torch
from torch import Tensor, nn

from catx.frontend.hf.build import shape_of, with_state
from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.family import FFN, HEADS, KV_HEADS, WIDTH
from catx.frontend.hf.ranking import Selection
from catx.frontend.hf.sizes import Sizes


def cut(model: nn.Module, config: ModelConfig, stays: Sizes, selection: Selection) -> nn.Module:
    """The model that stays, with weights of its own.

    Args:
        model: of the shape of `config`; is left as it is.
        config: of the model.
        stays: sizes of the smaller model.
        selection: indices into the model, as many as `stays` says.
    """
    made = shape_of(config.with_sizes(stays))
    before = model.state_dict()
    state: dict[str, Tensor] = {}
    for name, _ in made.named_parameters():
        block, inner = config.family.place(name)
        keep: dict[str | None, tuple[int, ...]] = {WIDTH: selection.width}
        source = name
        if block is not None:
            source = f"{config.family.blocks}{selection.layers[block]}.{inner}"
            keep |= {
                HEADS: _channels(selection.heads[block], stays.head_dim),
                KV_HEADS: _channels(selection.kv_heads[block], stays.head_dim),
                FFN: selection.ffn[block],
            }
        weight = before[source]
        for axis, kind in enumerate(config.family.axes[inner]):
            if kind is not None:
                weight = weight.index_select(axis, torch.tensor(keep[kind]))
        state[name] = weight.clone()
    return with_state(made, state, "the model before")


def _channels(heads: tuple[int, ...], head_dim: int) -> tuple[int, ...]:
    return tuple(head * head_dim + channel for head in heads for channel in range(head_dim))
