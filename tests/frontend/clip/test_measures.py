"""Recall and importance against slow twins."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.errors import Loc, OptionError, SpecError
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.importance import loss, rank
from catx.frontend.clip.metrics import recall, recall_of, zero_shot
from catx.frontend.clip.pairs import TensorPairs
from catx.frontend.clip.ranking import Ranking
from tests.frontend.clip.small import inputs, pairs, small


def slow_recall(scores: np.ndarray, owners: list[int]) -> tuple[list[float], list[float]]:
    """Both directions at 1, 5 and 10, by counting; equal scores of others come first."""
    n, m = scores.shape
    image_ranks = []
    for image in range(n):
        own = max(scores[image, text] for text in range(m) if owners[text] == image)
        image_ranks.append(sum(scores[image, t] >= own for t in range(m) if owners[t] != image))
    text_ranks = [
        sum(scores[i, text] >= scores[owners[text], text] for i in range(n) if i != owners[text])
        for text in range(m)
    ]
    at = (1, 5, 10)
    return [np.mean([r < k for r in image_ranks]) for k in at], [
        np.mean([r < k for r in text_ranks]) for k in at
    ]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), images=st.integers(2, 14), each=st.integers(1, 3), coarse=st.booleans())
def test_recall_is_what_counting_says(seed: int, images: int, each: int, coarse: bool) -> None:
    generator = torch.Generator().manual_seed(seed)
    one = torch.randn(images, 3, generator=generator)
    other = torch.randn(images * each, 3, generator=generator)
    if coarse:
        one, other = one.round(), other.round()
    owners = torch.arange(images * each) % images
    found = recall_of(one, other, owners)
    expected = slow_recall((one @ other.T).numpy(), owners.tolist())
    assert list(found.image_to_text) == pytest.approx(expected[0])
    assert list(found.text_to_image) == pytest.approx(expected[1])
    assert found.mean == pytest.approx((sum(expected[0]) + sum(expected[1])) / 6)


def test_a_model_that_says_the_same_of_all_finds_nothing() -> None:
    found = recall_of(torch.ones(20, 4), torch.ones(20, 4), torch.arange(20))
    assert found.image_to_text == found.text_to_image == (0, 0, 0)


def test_too_few_images() -> None:
    with pytest.raises(OptionError, match="too few"):
        recall(from_open_clip(small()), pairs(9))


def test_zero_shot_of_a_model_that_knows_its_classes() -> None:
    clip = from_open_clip(small())
    images, texts = inputs(6)
    with torch.no_grad():
        nearest = (clip.encode_image(images) @ clip.encode_text(texts).T).argmax(dim=1)
    prompts = [row.unsqueeze(0) for row in texts]
    found = zero_shot(clip, [(images[:4], nearest[:4]), (images[4:], nearest[4:])], prompts)
    assert found.images == 6
    assert (found.top1, found.top5, found.classes) == (1.0, 1.0, 6)
    wrong = zero_shot(clip, [(images, (nearest + 1) % 6)], prompts)
    assert wrong.top1 == 0
    for batches, many, message in (
        ([], prompts, "no image"),
        ([(images, nearest)], prompts[:1], "two are needed"),
    ):
        with pytest.raises(OptionError, match=message):
            zero_shot(clip, batches, many)


def test_taylor_scores_are_slopes_of_the_loss() -> None:
    """|dL/dg| of each gate by finite differences, with a single batch."""
    clip = from_open_clip(small()).double()
    images, texts = inputs(12)
    data = TensorPairs("12", images.double(), [row.unsqueeze(0) for row in texts])
    ranking = rank(clip, "taylor", data)
    attention = clip.vision.blocks[1].attention
    for head in range(attention.heads):
        slopes = []
        for step in (1e-4, -1e-4):
            attention.gate = torch.ones(attention.heads, dtype=torch.float64)
            attention.gate[head] += step
            slopes.append(sum(float(value.detach()) for value in loss(clip, data)))
        attention.gate = None
        slope = abs(slopes[0] - slopes[1]) / 2e-4
        assert ranking.vision.heads[1][head] == pytest.approx(slope, rel=1e-3, abs=1e-7)


def test_module_scores_are_losses_of_recall_and_are_measured_once() -> None:
    clip, data = from_open_clip(small()), pairs(40)
    kept: dict[str, float] = {}

    class Store:
        reads = 0

        def get(self, key: str) -> float | None:
            self.reads += key in kept
            return kept.get(key)

        def put(self, key: str, value: float) -> None:
            kept[key] = value

    store, told = Store(), []
    first = rank(
        clip, "module", data, store=store, progress=lambda what, done, of: told.append((what, done, of))
    )
    measured = len(kept)
    assert rank(clip, "module", data, store=store) == first
    assert len(kept) == measured
    assert ("vision layer", 3, 3) in told
    whole = recall(clip, data).mean_at_1
    attention = clip.text.blocks[0].attention
    for head, score in enumerate(first.text.heads[0]):
        attention.gate = torch.ones(attention.heads)
        attention.gate[head] = 0
        lost = whole - recall(clip, data).mean_at_1
        attention.gate = None
        assert lost <= score < lost + 1 / (2 * 40)


def test_methods_that_need_data_say_so() -> None:
    with pytest.raises(OptionError, match="taylor needs calibration data"):
        rank(from_open_clip(small()), "taylor")
    with pytest.raises(OptionError, match="no method 'magic'"):
        rank(from_open_clip(small()), "magic")  # type: ignore[arg-type]


def test_a_ranking_with_a_score_that_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "ranking.json"
    rank(from_open_clip(small()), "index").save(path)
    data = json.loads(path.read_text())
    data["vision"]["heads"][2][1] = math.nan
    path.write_text(json.dumps(data))
    with pytest.raises(SpecError, match=re.escape("vision.heads[2][1] is nan, no finite number")) as raised:
        Ranking.load(path)
    assert raised.value.loc == Loc(str(path))
    del data["text"]["width"]
    path.write_text(json.dumps(data | {"vision": data["text"]}))
    with pytest.raises(SpecError, match="it has no 'width'"):
        Ranking.load(path)
