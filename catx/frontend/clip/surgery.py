"""Pruning: the parts of a model that stay, as a smaller model of its own.

Removing blocks, heads and hidden units is exact: the smaller model computes what the larger one does with
these parts silenced. A narrower residual stream changes the statistics of norms, and is not.
"""

from dataclasses import replace

import torch
from torch import Tensor

from catx.frontend.clip.config import BlockConfig, ClipConfig
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pruning import AnyTower
from catx.frontend.clip.ranking import Selection, TowerSelection

WIDTH, HEADS, FFN = "width", "heads", "ffn"

_VECTOR = (WIDTH,)
_NORMS = ("norm", "norm_before", "norm1", "norm2")
AXES: dict[str, tuple[str | None, ...]] = {
    "patch.weight": (WIDTH, None, None, None),
    "class_token": _VECTOR,
    "position": (None, WIDTH),
    "token.weight": (None, WIDTH),
    "projection.weight": (None, WIDTH),
    "projection.bias": (None,),
    **{f"{norm}.{key}": _VECTOR for norm in _NORMS for key in ("weight", "bias")},
    **{f"scale{at}.gamma": _VECTOR for at in (1, 2)},
    **{f"attention.{name}.weight": (HEADS, WIDTH) for name in "qkv"},
    **{f"attention.{name}.bias": (HEADS,) for name in "qkv"},
    "attention.o.weight": (WIDTH, HEADS),
    "attention.o.bias": _VECTOR,
    "mlp.up.weight": (FFN, WIDTH),
    "mlp.up.bias": (FFN,),
    "mlp.down.weight": (WIDTH, FFN),
    "mlp.down.bias": _VECTOR,
}
"""What each axis of a weight runs over, by its name inside of a tower or block; None: what stays."""


def place_of(name: str) -> tuple[str, int | None, str]:
    """Tower, block and inner name of a weight of `Clip`.

    Example:
        >>> place_of("text.blocks.3.mlp.up.weight")
        ('text', 3, 'mlp.up.weight')
    """
    tower, rest = name.split(".", 1)
    if not rest.startswith("blocks."):
        return tower, None, rest
    _, block, inner = rest.split(".", 2)
    return tower, int(block), inner


def config_of(config: ClipConfig, selection: Selection) -> ClipConfig:
    """The config of the model that stays."""
    return replace(
        config,
        text=_tower_config(config.text, selection.text),
        vision=_tower_config(config.vision, selection.vision),
    )


def _tower_config(tower: AnyTower, stays: TowerSelection) -> AnyTower:
    blocks = tuple(
        BlockConfig(heads=len(heads), ffn=len(ffn)) for heads, ffn in zip(stays.heads, stays.ffn, strict=True)
    )
    return replace(tower, width=len(stays.width), blocks=blocks)


def cut(model: Clip, selection: Selection) -> Clip:
    """The model that stays, with weights of its own.

    Args:
        model: is left as it is.
        selection: indices into it.
    """
    made = Clip(config_of(model.config, selection))
    before = model.state_dict()
    state: dict[str, Tensor] = {name: weight.clone() for name, weight in before.items() if "." not in name}
    for name in made.state_dict():
        if name in state:
            continue
        tower, block, inner = place_of(name)
        stays: TowerSelection = getattr(selection, tower)
        source = name if block is None else f"{tower}.blocks.{stays.layers[block]}.{inner}"
        keep = {WIDTH: stays.width}
        if block is not None:
            keep |= {
                HEADS: _channels(stays.heads[block], getattr(model.config, tower).head_dim),
                FFN: stays.ffn[block],
            }
        state[name] = _sliced(before[source], AXES[inner], keep)
    made.load_state_dict(state)
    return made.train(model.training)


def _channels(heads: tuple[int, ...], head_dim: int) -> tuple[int, ...]:
    return tuple(head * head_dim + channel for head in heads for channel in range(head_dim))


def _sliced(weight: Tensor, axes: tuple[str | None, ...], keep: dict[str, tuple[int, ...]]) -> Tensor:
    for axis, kind in enumerate(axes):
        if kind is not None:
            weight = weight.index_select(axis, torch.tensor(keep[kind], device=weight.device))
    return weight.clone()
