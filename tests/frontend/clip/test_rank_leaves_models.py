"""What ranking and choosing must not do: change the model, torch's generator, or blocks that differ."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from catx.errors import OptionError
from catx.frontend.amounts import count_of, size_of
from catx.frontend.clip import PruningConfig, find_clip
from catx.frontend.clip.config import BlockConfig
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.importance import rank
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pairs import Batch, TensorPairs
from catx.frontend.clip.ranking import select
from catx.frontend.clip.surgery import cut
from tests.frontend.clip.small import pairs, small


def state(model: Clip) -> tuple[object, ...]:
    gates = [block.attention.gate for block in model.vision.blocks]  # type: ignore[union-attr]
    grads = [None if one.grad is None else one.grad.clone() for one in model.parameters()]
    return model.training, [one.requires_grad for one in model.parameters()], gates, grads


class Interrupted(TensorPairs):
    """Pairs that end in an interrupt."""

    def batches(self, *args: object, **options: object):  # type: ignore[no-untyped-def]
        raise KeyboardInterrupt
        yield Batch


@pytest.mark.parametrize("method", ["taylor", "module"])
@pytest.mark.parametrize("broken", [False, True])
def test_a_model_is_left_as_it_is(method: str, broken: bool) -> None:
    model, data = from_open_clip(small()).train(), pairs(16)
    sum(weight.sum() for weight in model.parameters()).backward()  # type: ignore[union-attr]
    model.vision.class_token.requires_grad_(False)
    before = state(model)
    if broken:
        data = Interrupted(data.name, data._images, data._tokens)
        with pytest.raises(KeyboardInterrupt):
            rank(model, method, data)  # type: ignore[arg-type]
    else:
        rank(model, method, data)  # type: ignore[arg-type]
    after = state(model)
    assert before[:3] == after[:3]
    for one, other in zip(before[3], after[3], strict=True):  # type: ignore[call-overload]
        assert (one is None and other is None) or torch.equal(one, other)


def test_frozen_models_are_ranked_alike() -> None:
    data = pairs(16)
    free, frozen = from_open_clip(small()), from_open_clip(small()).requires_grad_(False)
    assert rank(free, "taylor", data) == rank(frozen, "taylor", data)


@pytest.mark.parametrize("name", ["open_clip:ViT-S-32-alt", "tinyclip:ViT-8M-16-Text-3M"])
def test_random_weights_leave_the_generator(name: str) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    find_clip(name)
    assert torch.equal(torch.rand(4), expected)


def test_blocks_that_differ_keep_their_own_sizes() -> None:
    whole = from_open_clip(small())
    layers = whole.config.vision.layers
    sizes = [BlockConfig(heads=1 + at % 2, ffn=8 * (1 + at)) for at in range(layers)]
    config = replace(whole.config, vision=replace(whole.config.vision, blocks=tuple(sizes)))
    model = Clip(config)
    ranking = rank(model, "index")
    scores = tuple(float(at) for at in range(layers))  # the last ones matter most
    ranking = replace(ranking, vision=replace(ranking.vision, layers=scores))
    pruning = PruningConfig(vision_layers=2)
    small_one = cut(model, select(config, pruning, ranking))
    assert small_one.config.vision.blocks == tuple(sizes[-2:])
    with pytest.raises(OptionError, match=r"vision heads: the model has"):
        select(config, PruningConfig(vision_layers=2, vision_heads=2), ranking)


@pytest.mark.parametrize("make", [np.int64, np.int32, int])
def test_whole_numbers_of_numpy(make: Callable[[int], int]) -> None:
    assert count_of(make(2), 4, "heads") == size_of(make(2), 4, "width") == 2
    assert type(count_of(make(2), 4, "heads")) is int
    assert size_of(np.float32(0.5), 4, "width") == 2  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="must be a whole number"):
        count_of(True, 4, "heads")
