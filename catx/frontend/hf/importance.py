"""Scores of the parts of a model of a Hugging Face family, from its weights alone."""

from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from catx.errors import OptionError
from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.family import FFN, HEADS, KV_HEADS, WIDTH
from catx.frontend.hf.ranking import Ranking
from catx.frontend.scores import Scores, groups_of
from catx.frontend.seeds import check_seed
from catx.frontend.weights import weights_sha256
from catx.version import VERSION

Method = Literal["magnitude", "index", "random"]
METHODS: tuple[Method, ...] = get_args(Method)


def rank(model: nn.Module, config: ModelConfig, method: Method = "magnitude", *, seed: int = 0) -> Ranking:
    """Score all parts of a model.

    Args:
        model: of the shape of `config`; is left as it is.
        config: of the model.
        method: `magnitude`: norms of the weights of a part; of a layer, of what it writes. `index`: the first
            parts stay, and of layers the outer ones. `random`: seeded, a baseline.
        seed: of `random`.

    Raises:
        OptionError: a method that there is not.
    """
    if method not in METHODS:
        raise OptionError(
            f"no method {method!r} for models of Hugging Face families",
            hint=f"there are {', '.join(METHODS)}; those that measure need a CLIP model",
        )
    check_seed(seed)
    made = {"magnitude": _magnitude, "index": _index, "random": _random}[method](model, config, seed)
    layers, heads, kv_heads, ffn, width = made
    return Ranking(
        method=method,
        seed=seed,
        weights_sha256=weights_sha256(model),
        version=VERSION,
        layers=layers,
        heads=heads,
        kv_heads=kv_heads,
        ffn=ffn,
        width=width,
    )


_Parts = tuple[Scores, tuple[Scores, ...], tuple[Scores, ...], tuple[Scores, ...], Scores]
"""Scores of layers, heads, heads of keys and values, groups of hidden units, and channels of the width."""


def _magnitude(model: nn.Module, config: ModelConfig, seed: int) -> _Parts:
    del seed
    sizes = config.sizes
    sums = {
        HEADS: torch.zeros(sizes.layers, sizes.heads),
        KV_HEADS: torch.zeros(sizes.layers, sizes.kv_heads),
        FFN: torch.zeros(sizes.layers, sizes.ffn),
    }
    width, layers = torch.zeros(sizes.width), torch.zeros(sizes.layers)
    for name, weight in model.named_parameters():
        block, inner = config.family.place(name)
        squares = weight.detach().float() ** 2
        axes = config.family.axes[inner]
        for axis, kind in enumerate(axes):
            along = _along(squares, axis)
            if kind == WIDTH:
                width += along
            elif kind is not None and block is not None:
                sums[kind][block] += along.reshape(sums[kind].shape[1], -1).sum(dim=1)
        if block is not None and squares.dim() == 2 and axes[0] == WIDTH:
            layers[block] += squares.sum()
    served = sums[KV_HEADS] + sums[HEADS].reshape(sizes.layers, sizes.kv_heads, -1).sum(dim=2)
    grouped = sums[FFN].reshape(sizes.layers, groups_of(sizes.ffn), -1).sum(dim=2)
    return (_row(layers), _rows(sums[HEADS]), _rows(served), _rows(grouped), _row(width))


def _along(values: Tensor, axis: int) -> Tensor:
    others = [other for other in range(values.dim()) if other != axis]
    return values.sum(dim=others) if others else values


def _row(squares: Tensor) -> Scores:
    return tuple(squares.sqrt().tolist())


def _rows(squares: Tensor) -> tuple[Scores, ...]:
    return tuple(_row(row) for row in squares)


def _index(model: nn.Module, config: ModelConfig, seed: int) -> _Parts:
    del model, seed
    sizes = config.sizes
    middle = (sizes.layers - 1) / 2

    def falling(count: int) -> Scores:
        return tuple(float(count - at) for at in range(count))

    return (
        tuple(abs(at - middle) for at in range(sizes.layers)),
        (falling(sizes.heads),) * sizes.layers,
        (falling(sizes.kv_heads),) * sizes.layers,
        (falling(groups_of(sizes.ffn)),) * sizes.layers,
        falling(sizes.width),
    )


def _random(model: nn.Module, config: ModelConfig, seed: int) -> _Parts:
    del model
    sizes = config.sizes
    generator = np.random.default_rng(seed)

    def drawn(count: int) -> Scores:
        return tuple(generator.random(count).tolist())

    def per_layer(count: int) -> tuple[Scores, ...]:
        return tuple(drawn(count) for _ in range(sizes.layers))

    return (
        drawn(sizes.layers),
        per_layer(sizes.heads),
        per_layer(sizes.kv_heads),
        per_layer(groups_of(sizes.ffn)),
        drawn(sizes.width),
    )
