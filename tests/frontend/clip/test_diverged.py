"""Models whose numbers are none find nothing, and trainings that go there end with an error."""

import math
from pathlib import Path

import pytest
import torch

from catx.errors import OptionError
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.metrics import recall, recall_of, zero_shot
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pairs import TensorPairs
from catx.frontend.clip.recovery import RecoveryConfig, recover
from tests.frontend.clip.small import inputs, pairs, small


def broken() -> Clip:
    model = from_open_clip(small())
    with torch.no_grad():
        model.vision.projection.weight.fill_(math.nan)
    return model


def test_a_model_without_numbers_finds_nothing() -> None:
    model = broken()
    found = recall(model, pairs(12))
    assert found.mean == 0.0
    images, texts = inputs(6)
    prompts = [row.unsqueeze(0) for row in texts]
    shot = zero_shot(model, [(images, torch.arange(6))], prompts)
    assert (shot.top1, shot.top5) == (0.0, 0.0)


def test_a_single_score_that_is_no_number_is_lost() -> None:
    one, other = torch.eye(12), torch.eye(12)
    one[3] = math.nan
    found = recall_of(one, other, torch.arange(12))
    assert found.image_to_text[0] == 11 / 12
    assert found.text_to_image[0] == 0.0  # each text has a score with picture 3 that is no number


def test_five_classes_have_no_top_five() -> None:
    images, texts = inputs(6)
    prompts = [row.unsqueeze(0) for row in texts]
    labels = torch.arange(6) % 5
    assert zero_shot(from_open_clip(small()), [(images, labels)], prompts[:5]).top5 is None


def test_equal_captions_match_all_their_images() -> None:
    """Twenty images, of which pairs share a caption: a model that tells captions apart finds all."""
    names = torch.arange(10).repeat(2)
    vectors = torch.eye(10)[names]
    alone = recall_of(vectors, vectors, torch.arange(20))
    assert alone.mean_at_1 == 0.0
    together = recall_of(vectors, vectors, torch.arange(20), same=names)
    assert together.mean_at_1 == 1.0


def test_recall_of_pairs_knows_equal_captions() -> None:
    model = from_open_clip(small())
    images, texts = inputs(12)
    with torch.no_grad():
        best = (model.encode_image(images) @ model.encode_text(texts).T).argmax(dim=1)
    data = TensorPairs("12", images, [texts[at].unsqueeze(0) for at in best])
    assert recall(model, data).image_to_text[0] == 1.0


@pytest.mark.parametrize("kept", [False, True])
def test_a_training_that_diverges_is_an_error(tmp_path: Path, kept: bool) -> None:
    config = RecoveryConfig(steps=60, batch=8, learning_rate=1e6, warmup=1)
    checkpoint = tmp_path / "state.pt" if kept else None
    with pytest.raises(OptionError, match="the training diverged: the loss is nan at step") as raised:
        recover(from_open_clip(small()), pairs(16), config, checkpoint=checkpoint)
    assert "below 1e+06" in raised.value.hint
    assert not (tmp_path / "state.pt").exists()
