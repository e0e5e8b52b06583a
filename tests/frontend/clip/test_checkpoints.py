"""Checkpoints belong to one training, and files that are none are refused before it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from catx.errors import OptionError
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.model import Clip
from catx.frontend.clip.recovery import RecoveryConfig, check_checkpoint, recover
from catx.frontend.weights import weights_sha256
from tests.frontend.clip.small import pairs, small

CONFIG = RecoveryConfig(steps=6, batch=8, learning_rate=1e-2, warmup=2)


def model(seed: int = 0) -> Clip:
    return from_open_clip(small(seed=seed))


def test_a_finished_training_is_not_done_again(tmp_path: Path) -> None:
    kept = tmp_path / "state.pt"
    one, again = model(), model()
    recover(one, pairs(16), CONFIG, checkpoint=kept)
    steps: list[int] = []
    recover(again, pairs(16), CONFIG, checkpoint=kept, progress=lambda step, of, loss: steps.append(step))
    assert steps == []
    assert weights_sha256(one) == weights_sha256(again)
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


@pytest.mark.parametrize(
    ("seed", "teacher", "steps", "what"),
    [(5, None, 6, "start differs"), (0, 3, 6, "teacher differs"), (0, None, 7, "config differs")],
)
def test_of_another_model_teacher_or_config(
    tmp_path: Path, seed: int, teacher: int | None, steps: int, what: str
) -> None:
    kept = tmp_path / "state.pt"
    recover(model(), pairs(16), CONFIG, checkpoint=kept)
    other = model(seed)
    before = weights_sha256(other)
    config = RecoveryConfig(steps=steps, batch=8, learning_rate=1e-2, warmup=2)
    with pytest.raises(OptionError, match=f"a checkpoint of another recovery: its {what}"):
        recover(
            other, pairs(16), config, teacher=None if teacher is None else model(teacher), checkpoint=kept
        )
    assert weights_sha256(other) == before


def junk(path: Path) -> None:
    path.write_bytes(b"no file of torch")


def weights(path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (junk, "no checkpoint of a recovery"),
        (weights, "no checkpoint of a recovery: another file of torch"),
        (empty, "no checkpoint of a recovery"),
        (Path.mkdir, "no checkpoint of a recovery"),
    ],
)
def test_what_is_no_checkpoint(tmp_path: Path, make: Callable[[Path], None], message: str) -> None:
    path = tmp_path / "state.pt"
    make(path)
    with pytest.raises(OptionError, match=re.escape(message)):
        check_checkpoint(path)
    with pytest.raises(OptionError, match="folder does not exist"):
        check_checkpoint(tmp_path / "none" / "state.pt")
