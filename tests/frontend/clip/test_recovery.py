"""Training: the same end with and without a break, and what it refuses."""

from pathlib import Path

import pytest
import torch

from catx.errors import OptionError, SpecError
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pairs import TensorPairs
from catx.frontend.clip.recovery import RecoveryConfig, recover
from catx.frontend.weights import weights_sha256
from tests.frontend.clip.small import inputs, pairs, small

CONFIG = RecoveryConfig(steps=10, batch=8, learning_rate=1e-2, warmup=2)


def fresh() -> Clip:
    return from_open_clip(small())


@pytest.mark.parametrize("distill", [0.0, 0.5])
def test_training_learns_and_repeats(distill: float) -> None:
    config = RecoveryConfig(steps=150, batch=16, learning_rate=1e-2, warmup=2, distill=distill)
    data, teacher = pairs(32), from_open_clip(small(seed=5))
    one, other = fresh(), fresh()
    first, again = (recover(model, data, config, teacher=teacher) for model in (one, other))
    assert weights_sha256(one) == weights_sha256(other)
    assert first.loss == again.loss
    assert (first.steps, first.samples) == (150, 2400)
    short = recover(fresh(), data, RecoveryConfig(steps=1, batch=16, distill=distill), teacher=teacher)
    assert first.loss < 0.8 * short.loss


def test_a_break_changes_nothing(tmp_path: Path) -> None:
    data, kept = pairs(24), tmp_path / "state.pt"
    whole = fresh()
    recover(whole, data, CONFIG)

    class StopError(Exception):
        pass

    def stop(step: int, steps: int, loss: float) -> None:
        if step == 7:
            raise StopError

    broken = fresh()
    with pytest.raises(StopError):
        recover(broken, data, CONFIG, checkpoint=kept, progress=stop)
    again = fresh()
    done = recover(again, data, CONFIG, checkpoint=kept)
    assert weights_sha256(again) == weights_sha256(whole)
    assert (done.steps, done.samples) == (10, 80)


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "state.pt"
    recover(fresh(), pairs(24), CONFIG, checkpoint=kept)
    with pytest.raises(OptionError, match="a checkpoint of another recovery"):
        recover(fresh(), pairs(16), CONFIG, checkpoint=kept)


def test_what_cannot_be_trained() -> None:
    images, texts = inputs(1)
    with pytest.raises(OptionError, match="two pairs at least"):
        recover(fresh(), TensorPairs("one", images, [texts]), CONFIG)
    with pytest.raises(SpecError, match="steps must be a whole number above 0"):
        RecoveryConfig(steps=0)
    with pytest.raises(OptionError, match="distill must be at most 1"):
        RecoveryConfig(steps=1, distill=2.0)
    with pytest.raises(OptionError, match="no image"):
        TensorPairs("none", torch.zeros(0, 3, 2, 2), [])
    with pytest.raises(OptionError, match="every image needs a caption"):
        TensorPairs("none", images, [texts[:0]])
