"""Towers whose blocks differ: each block that a ranking chooses is cut from its own sizes."""

from dataclasses import replace

import pytest

from catx.errors import OptionError
from catx.frontend.clip.config import BlockConfig, ClipConfig
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.importance import rank
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pruned import prune
from catx.frontend.clip.pruning import PruningConfig
from catx.frontend.clip.ranking import Ranking
from tests.frontend.clip.small import small

FFN = (64, 256, 256, 256)


@pytest.fixture(scope="module")
def model() -> Clip:
    config = from_open_clip(small()).config
    blocks = tuple(BlockConfig(heads=config.vision.blocks[0].heads, ffn=ffn) for ffn in FFN)
    return Clip(replace(config, vision=replace(config.vision, blocks=blocks)))


def ranked(model: Clip, *layers: float) -> Ranking:
    ranking = rank(model, "index")
    return replace(ranking, vision=replace(ranking.vision, layers=layers))


def sizes(config: ClipConfig) -> tuple[int, ...]:
    return tuple(block.ffn for block in config.vision.blocks)


@pytest.mark.parametrize(
    ("ffn", "expected"), [(None, (256, 256)), (0.5, (128, 128)), (128, (128, 128)), (256, (256, 256))]
)
def test_the_best_blocks_have_their_own_sizes(
    model: Clip, ffn: int | float | None, expected: tuple[int, ...]
) -> None:
    asked = PruningConfig(vision_layers=2, vision_ffn=ffn)
    assert sizes(prune(model, asked, ranked(model, 0, 1, 2, 3)).config) == expected


def test_the_small_block_keeps_what_it_has(model: Clip) -> None:
    asked = PruningConfig(vision_layers=2, vision_ffn=0.5)
    assert sizes(prune(model, asked, ranked(model, 3, 0, 0, 2)).config) == (32, 128)
    assert sizes(asked.of(model.config)) == (32, 128)
    with pytest.raises(OptionError, match="vision ffn: the model has 64"):
        prune(model, replace(asked, vision_ffn=128), ranked(model, 3, 0, 0, 2))


@pytest.mark.parametrize(("layers", "ffn", "there"), [(None, 128, 64), (4, 128, 64), (2, 300, 64)])
def test_sizes_that_too_few_blocks_have(model: Clip, layers: int | None, ffn: int, there: int) -> None:
    with pytest.raises(OptionError, match=f"vision ffn: the model has {there}"):
        PruningConfig(vision_layers=layers, vision_ffn=ffn).of(model.config)
