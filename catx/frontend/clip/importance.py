"""Methods that score the parts of a CLIP model: one interface, from weights alone to measured accuracy."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from catx.errors import OptionError
from catx.frontend.clip.config import TowerConfig
from catx.frontend.clip.metrics import embed_images, embed_texts, recall_of
from catx.frontend.clip.model import Attention, Block, Clip, Mlp, TextTower, VisionTower
from catx.frontend.clip.pairs import Pairs, in_memory
from catx.frontend.clip.pruning import TOWERS, Tower
from catx.frontend.clip.ranking import Ranking, TowerRanking
from catx.frontend.clip.surgery import AXES, FFN, HEADS, WIDTH, place_of
from catx.frontend.scores import Scores, groups_of
from catx.frontend.seeds import check_seed
from catx.frontend.weights import weights_sha256
from catx.version import VERSION

Method = Literal["magnitude", "taylor", "module", "index", "random"]
METHODS: tuple[Method, ...] = get_args(Method)

NEEDS_DATA: tuple[Method, ...] = ("taylor", "module")
BASELINES: tuple[Method, ...] = ("index", "random")
BATCH = 128


class Store(Protocol):
    """Where measured values are kept between runs, by a text that says what was measured."""

    def get(self, key: str) -> float | None:
        """The value, None where it was not measured yet."""
        ...

    def put(self, key: str, value: float) -> None:
        """Keep a value."""
        ...


Part = Block | Attention | Mlp
"""What has a gate."""

Progress = Callable[[str, int, int], None]
"""Told what is measured, how many are done, and of how many."""


def rank(
    model: Clip,
    method: Method,
    pairs: Pairs | None = None,
    *,
    seed: int = 0,
    store: Store | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Score all parts of a model.

    Args:
        model: is left as it is.
        method: `magnitude`: norms of weights. `taylor`: what the loss changes as a head or a hidden unit
            fades, to first order, added up over batches and the units of a group. `module`: what recall@1
            loses without it. `index`: the first parts stay, and of layers the outer ones, as in the paper.
            `random`: seeded, a baseline.
        pairs: calibration data. With it, every method but `index` and `random` ranks layers by what recall@1
            loses without them.
        seed: of `random`.
        store: keeps what `module` measured.
        progress: is told of measurements.

    Raises:
        OptionError: a method that there is not, one that needs data, data whose captions are all the same, or
            a seed that is none.
    """
    if method not in METHODS:
        raise OptionError(f"no method {method!r}", hint=f"there are {', '.join(METHODS)}")
    if method in NEEDS_DATA and pairs is None:
        raise OptionError(f"the method {method} needs calibration data")
    check_seed(seed)
    weights = weights_sha256(model)
    model = deepcopy(model).eval().requires_grad_(True)
    measured, data = None, "none"
    if pairs is not None and method not in BASELINES:
        pairs = in_memory(pairs)
        if len(torch.unique(pairs.captions()[0], dim=0)) < 2:
            raise OptionError(
                f"{pairs.name}: all captions are the same, so none tells which part of the model matters",
                hint="give captions that tell images apart, or rank without data",
            )
        data = f"{pairs.name}, sha256 {pairs.sha256()[:12]}"
        measured = _Measured(model, pairs, weights, store, progress)
    towers = {name: _METHODS[method](model, name, measured, seed) for name in TOWERS}
    return Ranking(method=method, data=data, seed=seed, weights_sha256=weights, version=VERSION, **towers)


def _tower(model: Clip, name: Tower) -> VisionTower | TextTower:
    return model.text if name == "text" else model.vision


def _config(model: Clip, name: Tower) -> TowerConfig:
    return model.config.text if name == "text" else model.config.vision


def _blocks(model: Clip, name: Tower) -> list[Block]:
    return [block for block in _tower(model, name).blocks if isinstance(block, Block)]


def _grouped(units: Tensor) -> Tensor:
    """Sums over the groups of hidden units."""
    return units.reshape(groups_of(len(units)), -1).sum(dim=1)


def loss(model: Clip, pairs: Pairs) -> Iterator[Tensor]:
    """The contrastive loss of each batch; the same batches every time."""
    device = model.logit_scale.device
    for batch in pairs.batches(BATCH, seed=0):
        if len(batch.images) < 2:
            continue
        one, other, scale = model(batch.images.to(device), batch.texts.to(device))
        logits, own = scale * one @ other.T, torch.arange(len(one), device=device)
        yield (functional.cross_entropy(logits, own) + functional.cross_entropy(logits.T, own)) / 2


def _floats(values: Iterable[float] | Tensor) -> Scores:
    return tuple(float(value) for value in values)


# --- weights alone


def _magnitude(model: Clip, name: Tower, measured: "_Measured | None", seed: int) -> TowerRanking:
    """Norms of all weights that go with a part."""
    del seed
    heads, ffn, width = _sums(
        model, name, {key: weight.detach() ** 2 for key, weight in model.named_parameters()}
    )
    layers = [
        (block.attention.o.weight.norm() + block.mlp.down.weight.norm()).item()
        for block in _blocks(model, name)
    ]
    return TowerRanking(
        layers=measured.layers(name) if measured else _floats(layers),
        heads=tuple(_floats(row.sqrt()) for row in heads),
        ffn=tuple(_floats(_grouped(row).sqrt()) for row in ffn),
        width=_floats(width.sqrt()),
    )


def _sums(model: Clip, name: Tower, values: dict[str, Tensor]) -> tuple[list[Tensor], list[Tensor], Tensor]:
    """Values of all weights, added up by head, by hidden unit, and by channel of the width."""
    config = _config(model, name)
    heads = [torch.zeros(block.heads) for block in config.blocks]
    ffn = [torch.zeros(block.ffn) for block in config.blocks]
    width = torch.zeros(config.width)
    for key, value in values.items():
        if not key.startswith(f"{name}."):
            continue
        _, at, inner = place_of(key)
        for axis, kind in enumerate(AXES[inner]):
            others = [other for other in range(value.ndim) if other != axis]
            along = (value.sum(dim=others) if others else value).cpu()
            if kind == WIDTH:
                width += along
            elif kind == HEADS and at is not None:
                heads[at] += along.reshape(-1, config.head_dim).sum(dim=1)
            elif kind == FFN and at is not None:
                ffn[at] += along
    return heads, ffn, width


# --- gradients


def _taylor(model: Clip, name: Tower, measured: "_Measured | None", seed: int) -> TowerRanking:
    """|dL/dg| of a gate g on each head and hidden unit, |sum of w dL/dw| of each channel, over batches.

    A group of hidden units has the sum of what its units have.
    """
    del seed
    assert measured is not None
    config, blocks = _config(model, name), _blocks(model, name)
    heads = [torch.zeros(block.heads) for block in config.blocks]
    ffn = [torch.zeros(block.ffn) for block in config.blocks]
    width = torch.zeros(config.width)
    device = model.logit_scale.device
    gates = [
        tuple(torch.ones(len(of), requires_grad=True, device=device) for of in both)
        for both in zip(heads, ffn, strict=True)
    ]
    for block, (of_heads, of_ffn) in zip(blocks, gates, strict=True):
        block.attention.gate, block.mlp.gate = of_heads, of_ffn
    for value in loss(model, measured.pairs):
        model.zero_grad(set_to_none=True)
        for pair in gates:
            for gate in pair:
                gate.grad = None
        value.backward()
        for at, (of_heads, of_ffn) in enumerate(gates):
            heads[at] += _grad(of_heads).abs().cpu()
            ffn[at] += _grad(of_ffn).abs().cpu()
        products = {
            key: weight.detach() * weight.grad
            for key, weight in model.named_parameters()
            if weight.grad is not None
        }
        width += _sums(model, name, products)[2].abs()
    model.zero_grad(set_to_none=True)
    for block in blocks:
        block.attention.gate = block.mlp.gate = None
    return TowerRanking(
        layers=measured.layers(name),
        heads=tuple(_floats(row) for row in heads),
        ffn=tuple(_floats(_grouped(row)) for row in ffn),
        width=_floats(width),
    )


def _grad(gate: Tensor) -> Tensor:
    assert gate.grad is not None
    return gate.grad


# --- measured accuracy


def _module(model: Clip, name: Tower, measured: "_Measured | None", seed: int) -> TowerRanking:
    """What recall@1 loses without a part; width by first order, as channels are in all blocks at once."""
    assert measured is not None
    config = _config(model, name)
    return TowerRanking(
        layers=measured.layers(name),
        heads=tuple(measured.heads(name, at, block.heads) for at, block in enumerate(config.blocks)),
        ffn=tuple(measured.ffn(name, at, block.ffn) for at, block in enumerate(config.blocks)),
        width=_taylor(model, name, measured, seed).width,
    )


@dataclass(frozen=True, slots=True)
class _Accuracy:
    """Mean recall@1 and contrastive loss."""

    recall: float
    loss: float


class _Measured:
    """Accuracy without one part at a time, on calibration pairs; measured once, kept in a store."""

    def __init__(
        self, model: Clip, pairs: Pairs, weights: str, store: Store | None, progress: Progress | None
    ) -> None:
        self.model, self.pairs, self.store, self.progress = model, pairs, store, progress
        self.key = f"{weights} {pairs.sha256()}"
        self.texts, self.owners = pairs.captions()
        self.same = torch.unique(self.texts, dim=0, return_inverse=True)[1]
        self._base: dict[Tower, Tensor] = {}
        self._layers: dict[Tower, Scores] = {}

    def layers(self, name: Tower) -> Scores:
        """What is lost without each block."""
        if name not in self._layers:
            blocks = _blocks(self.model, name)
            self._layers[name] = self._without(name, "layer", [(block, 0, 1) for block in blocks])
        return self._layers[name]

    def heads(self, name: Tower, at: int, count: int) -> Scores:
        """What is lost without each head of a block."""
        attention = _blocks(self.model, name)[at].attention
        return self._without(name, f"layer {at} head", [(attention, head, count) for head in range(count)])

    def ffn(self, name: Tower, at: int, count: int) -> Scores:
        """What is lost without each group of hidden units of a block."""
        mlp, groups = _blocks(self.model, name)[at].mlp, groups_of(count)
        return self._without(name, f"layer {at} ffn", [(mlp, group, groups) for group in range(groups)])

    def _without(self, name: Tower, what: str, parts: Sequence[tuple[Part, int, int]]) -> Scores:
        """Loss of accuracy without each part, ordered by recall and, where that is equal, by the loss.

        A score is what mean recall@1 loses, plus less than its least step by the rank of the loss.
        """
        whole = self._accuracy(name, "whole", None, 0, 1)
        found = []
        for number, (part, at, of) in enumerate(parts):
            found.append(self._accuracy(name, f"{what} {number}", part, at, of))
            if self.progress:
                self.progress(f"{name} {what}", number + 1, len(parts))
        order = np.argsort(np.argsort([one.loss for one in found], kind="stable"), kind="stable")
        step = 1.0 / (2 * max(len(self.pairs), len(self.texts)) * (len(found) + 1))
        return tuple(whole.recall - one.recall + step * int(at) for one, at in zip(found, order, strict=True))

    def _accuracy(self, name: Tower, what: str, part: Part | None, at: int, of: int) -> _Accuracy:
        keys = [f"{self.key} {name} {what} of {of} {value}" for value in ("recall", "loss")]
        if self.store:
            known = [self.store.get(key) for key in keys]
            if known[0] is not None and known[1] is not None:
                return _Accuracy(known[0], known[1])
        if part is not None:
            part.gate = _gate(part, at, of).to(self.model.logit_scale.device)
        try:
            found = self._measure(name)
        finally:
            if part is not None:
                part.gate = None
        if self.store:
            self.store.put(keys[0], found.recall)
            self.store.put(keys[1], found.loss)
        return found

    @torch.no_grad()
    def _measure(self, name: Tower) -> _Accuracy:
        other: Tower = "vision" if name == "text" else "text"
        if other not in self._base:
            self._base[other] = self._embedded(other)
        both = {name: self._embedded(name), other: self._base[other]}
        images, texts = both["vision"], both["text"]
        scores = self.model.logit_scale.exp() * images[self.owners] @ texts.T
        own = torch.arange(len(texts), device=texts.device)
        lost = (functional.cross_entropy(scores, own) + functional.cross_entropy(scores.T, own)) / 2
        found = recall_of(images, texts, self.owners, same=self.same)
        return _Accuracy(found.mean_at_1, float(lost))

    def _embedded(self, name: Tower) -> Tensor:
        return embed_texts(self.model, self.texts) if name == "text" else embed_images(self.model, self.pairs)


def _gate(part: Part, at: int, of: int) -> Tensor:
    """A gate that silences one of so many equal groups of a part; of a block, all that it adds."""
    if isinstance(part, Block):
        return torch.tensor(0.0)
    units = part.heads if isinstance(part, Attention) else part.up.out_features
    gate = torch.ones(units)
    size = units // of
    gate[at * size : (at + 1) * size] = 0.0
    return gate


# --- baselines


def _index(model: Clip, name: Tower, measured: "_Measured | None", seed: int) -> TowerRanking:
    """The first parts stay; of the layers, those in the middle go first."""
    del measured, seed
    config = _config(model, name)
    middle = (config.layers - 1) / 2
    return TowerRanking(
        layers=tuple(abs(at - middle) for at in range(config.layers)),
        heads=tuple(_falling(block.heads) for block in config.blocks),
        ffn=tuple(_falling(groups_of(block.ffn)) for block in config.blocks),
        width=_falling(config.width),
    )


def _falling(count: int) -> Scores:
    return tuple(float(count - at) for at in range(count))


def _random(model: Clip, name: Tower, measured: "_Measured | None", seed: int) -> TowerRanking:
    del measured
    config = _config(model, name)
    generator = np.random.default_rng((seed, TOWERS.index(name)))
    return TowerRanking(
        layers=_floats(generator.random(config.layers)),
        heads=tuple(_floats(generator.random(block.heads)) for block in config.blocks),
        ffn=tuple(_floats(generator.random(groups_of(block.ffn))) for block in config.blocks),
        width=_floats(generator.random(config.width)),
    )


_METHODS: dict[Method, Callable[[Clip, Tower, _Measured | None, int], TowerRanking]] = {
    "magnitude": _magnitude,
    "taylor": _taylor,
    "module": _module,
    "index": _index,
    "random": _random,
}
