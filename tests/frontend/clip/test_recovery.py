"""Training: the same end with and without a break, and what it refuses."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from catx.errors import OptionError, SpecError
from catx.frontend.clip import recovery
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pairs import Share, TensorPairs, draws
from catx.frontend.clip.recovery import RecoveryConfig, default_learning_rate, recover
from catx.frontend.clip.source import find_clip
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


@pytest.mark.parametrize("stopped_at", [1, 2, 4, 8])
def test_a_break_within_a_pass_changes_nothing(
    stopped_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images with several captions, a last batch that is smaller, two passes and a bit."""
    monkeypatch.setattr(recovery, "CHECKPOINT_S", 0.0)
    images, texts = inputs(27)
    data = TensorPairs("many", images, [torch.stack([row, row.flip(0)]) for row in texts])
    whole, kept = fresh(), tmp_path / "state.pt"
    recover(whole, data, CONFIG)

    class StopError(Exception):
        pass

    def stop(step: int, steps: int, loss: float) -> None:
        if step > stopped_at:
            raise StopError

    with pytest.raises(StopError):
        recover(fresh(), data, CONFIG, checkpoint=kept, progress=stop)
    assert torch.load(kept, weights_only=True)["at"][0] == stopped_at
    again = fresh()
    done = recover(again, data, CONFIG, checkpoint=kept)
    assert weights_sha256(again) == weights_sha256(whole)
    assert done.steps == 10


def test_bf16_trains_weights_of_fp32() -> None:
    data, model = pairs(32), fresh()
    seen = []
    model.vision.blocks[0].mlp.up.register_forward_hook(lambda *found: seen.append(found[2].dtype))  # type: ignore[union-attr,operator]
    config = RecoveryConfig(steps=60, batch=16, learning_rate=1e-2, warmup=2, precision="bf16")
    first: list[float] = []
    done = recover(model, data, config, progress=lambda step, steps, loss: first.append(loss))
    assert set(seen) == {torch.bfloat16}
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert done.loss < 0.8 * first[0]


def test_wider_models_learn_slower_by_default() -> None:
    model = fresh()
    width = max(model.config.text.width, model.config.vision.width)
    assert default_learning_rate(model.config) == 1e-3 * 64 / max(64, width)
    b16 = find_clip("open_clip:ViT-B-16").config
    assert default_learning_rate(b16) == pytest.approx(1e-3 / 12)
    done = recover(model, pairs(8), RecoveryConfig(steps=1, batch=4))
    assert done.learning_rate == default_learning_rate(model.config)


@given(st.data())
def test_shares_are_the_rows_of_one_process(data: st.DataObject) -> None:
    captions = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=20))
    size, world = data.draw(st.integers(1, 8)), data.draw(st.integers(1, 3))
    seed, skipped = data.draw(st.integers(0, 9)), data.draw(st.integers(0, 3))
    whole = list(draws(captions, size, seed))
    assert sorted(at for batch in whole for at, _ in batch) == list(range(len(captions)))
    assert all(0 <= caption < captions[at] for batch in whole for at, caption in batch)
    parts = [list(draws(captions, size, seed, Share(rank, world, skipped))) for rank in range(world)]
    together = [[row for rows in batch for row in rows] for batch in zip(*parts, strict=True)]
    full = [batch[: len(batch) // world * world] for batch in whole[skipped:]]
    assert together == [batch for batch in full if batch]


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
    with pytest.raises(OptionError, match="precision 'fp8'"):
        RecoveryConfig(steps=1, precision="fp8")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="no image"):
        TensorPairs("none", torch.zeros(0, 3, 2, 2), [])
    with pytest.raises(OptionError, match="every image needs a caption"):
        TensorPairs("none", images, [texts[:0]])
