"""catx's module equals open_clip's, and what is cut equals the original with these parts silenced."""

import copy
from typing import Any

import open_clip
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.errors import ModelError, OptionError, SpecError
from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.importance import METHODS, rank
from catx.frontend.clip.pruned import prune
from catx.frontend.clip.pruning import TOWERS, PruningConfig
from catx.frontend.clip.ranking import Selection, TowerSelection, select
from catx.frontend.clip.surgery import cut
from catx.frontend.scores import best
from tests.frontend.clip.small import SHAPES, both, inputs, pairs, small


def near(one: tuple[torch.Tensor, ...], other: tuple[torch.Tensor, ...], most: float = 1e-5) -> bool:
    return all(float((a - b).abs().max()) <= most for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_converted_model_is_the_same(shape: str) -> None:
    raw = small(shape)
    made = from_open_clip(raw)
    assert near(both(raw, *inputs()), both(made, *inputs()))
    count = sum(weight.numel() for weight in made.parameters())
    assert count == made.config.parameters == sum(weight.numel() for weight in raw.parameters())
    assert float(made.logit_scale) == pytest.approx(float(raw.logit_scale))
    assert ClipConfig.from_json(made.config.to_json()) == made.config


@pytest.mark.parametrize("name", ["ViT-B-32", pytest.param("ViT-B-16", marks=pytest.mark.slow)])
def test_a_real_architecture(name: str) -> None:
    raw = open_clip.create_model(name, load_weights=False).eval()
    made = from_open_clip(raw)
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    texts = open_clip.get_tokenizer(name)(["a photo of a cat"])
    assert near(both(raw, images, texts), both(made, images, texts))
    assert sum(weight.numel() for weight in raw.parameters()) == made.config.parameters


def silenced(raw: Any, selection: Selection) -> Any:
    """open_clip's model, dense as it was, with weights of what goes set to 0: the slow twin of the cut."""
    found = copy.deepcopy(raw)
    for name in TOWERS:
        stays: TowerSelection = getattr(selection, name)
        tower = found.visual if name == "vision" else getattr(found, "text", found)
        blocks = tower.transformer.resblocks
        for at, block in enumerate(blocks):
            if at not in stays.layers:
                for weight in (*block.attn.out_proj.parameters(), *block.mlp.c_proj.parameters()):
                    weight.data.zero_()
                continue
            kept = stays.layers.index(at)
            dim = block.attn.head_dim
            for head in set(range(block.attn.num_heads)) - set(stays.heads[kept]):
                block.attn.out_proj.weight.data[:, head * dim : (head + 1) * dim] = 0
            for unit in set(range(block.mlp.c_fc.out_features)) - set(stays.ffn[kept]):
                block.mlp.c_proj.weight.data[:, unit] = 0
    return found


@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_cut_is_exact_surgery(shape: str, data: st.DataObject) -> None:
    raw = small(shape, seed=data.draw(st.integers(0, 3)))
    clip = from_open_clip(raw)
    chosen = {}
    for name in TOWERS:
        tower = getattr(clip.config, name)
        layers = sorted(data.draw(st.sets(st.integers(0, tower.layers - 1), min_size=1)))
        some = st.sets(st.integers(0, tower.blocks[0].heads - 1), min_size=1)
        units = st.sets(st.integers(0, tower.blocks[0].ffn - 1), min_size=1, max_size=40)
        chosen[name] = TowerSelection(
            layers=tuple(layers),
            heads=tuple(tuple(sorted(data.draw(some))) for _ in layers),
            ffn=tuple(tuple(sorted(data.draw(units))) for _ in layers),
            width=tuple(range(tower.width)),
        )
    selection = Selection(**chosen)
    made = cut(clip, selection)
    assert near(both(silenced(raw, selection), *inputs()), both(made, *inputs()))
    assert sum(weight.numel() for weight in made.parameters()) == made.config.parameters
    assert all(
        float(a.detach().sum()) == float(b.detach().sum())
        for a, b in zip(clip.parameters(), from_open_clip(raw).parameters(), strict=True)
    )


def test_a_narrower_model_runs_and_has_the_channels_that_rank_best() -> None:
    clip = from_open_clip(small())
    ranking = rank(clip, "magnitude")
    made = prune(clip, PruningConfig(text_width=0.5, vision_width=20), ranking)
    assert (made.config.text.width, made.config.vision.width) == (24, 20)
    kept = list(best(ranking.vision.width, 20))
    assert torch.equal(made.vision.class_token, clip.vision.class_token[kept])
    assert torch.equal(made.vision.blocks[1].mlp.up.weight, clip.vision.blocks[1].mlp.up.weight[:, kept])
    assert both(made, *inputs())[0].shape == (4, 24)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_fills_the_sizes(method: str) -> None:
    clip = from_open_clip(small())
    asked = PruningConfig(text_layers=2, text_heads=3, vision_ffn=0.5, vision_width=24)
    ranking = rank(clip, method, pairs(), seed=3)  # type: ignore[arg-type]
    assert ranking == rank(clip, method, pairs(), seed=3)  # type: ignore[arg-type]
    made = cut(clip, select(clip.config, asked, ranking))
    assert made.config == asked.of(clip.config)
    assert ranking.method == method
    assert len(ranking.weights_sha256) == 64


@pytest.mark.parametrize(
    ("pruning", "message"),
    [
        (PruningConfig(text_heads=0), "text heads: the model has 4, so 1 to 4 can stay, not 0"),
        (PruningConfig(vision_layers=4), "vision layers: the model has 3"),
        (PruningConfig(vision_layers=True), "must be a whole number"),
        (PruningConfig(text_ffn=1.5), "a share must be above 0 and at most 1"),
        (PruningConfig(text_width=0.3), "0.3 of 48 is 14.4, no whole number"),
        (PruningConfig(vision_ffn=200), "vision ffn: the model has 128"),
    ],
)
def test_sizes_that_cannot_be(pruning: PruningConfig, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        prune(from_open_clip(small()), pruning)


def test_a_ranking_of_another_model() -> None:
    other = rank(from_open_clip(small()), "index")
    wide = prune(from_open_clip(small()), PruningConfig(text_width=24))
    with pytest.raises(SpecError, match="the ranking is of another model: its text tower"):
        prune(wide, PruningConfig(text_heads=2), other)


def test_resnets_are_refused() -> None:
    raw = open_clip.create_model("RN50", load_weights=False)
    with pytest.raises(ModelError, match="the image tower is a ModifiedResNet") as caught:
        from_open_clip(raw)
    assert "--no-prune" in caught.value.hint


def test_attentional_pooling_is_refused() -> None:
    raw = open_clip.CLIP(
        24,
        open_clip.CLIPVisionCfg(
            layers=1, width=32, head_width=8, patch_size=8, image_size=16, attentional_pool=True
        ),
        open_clip.CLIPTextCfg(layers=1, width=48, heads=4, context_length=6, vocab_size=30),
    )
    with pytest.raises(ModelError, match="pools by attention"):
        from_open_clip(raw)


def test_class_tokens_of_texts_are_refused() -> None:
    raw = open_clip.CustomTextCLIP(
        24,
        open_clip.CLIPVisionCfg(layers=1, width=32, head_width=8, patch_size=8, image_size=16),
        open_clip.CLIPTextCfg(layers=1, width=48, heads=4, context_length=6, vocab_size=30, embed_cls=True),
    )
    with pytest.raises(ModelError, match="class token of its own"):
        from_open_clip(raw)
    with pytest.raises(ModelError, match="Linear is no CLIP of two towers"):
        from_open_clip(torch.nn.Linear(2, 2))
