"""Ctrl-C: a recovery keeps its state, marks go, and the same command goes on."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from catx.frontend.clip import workflow
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.recovery import RecoveryConfig, recover
from catx.frontend.unbroken import unbroken
from catx.frontend.weights import weights_sha256
from catx.tools import cli
from tests.frontend.clip.small import pairs, small

CONFIG = RecoveryConfig(steps=7, batch=8, learning_rate=1e-2, warmup=2)


def stop_at(last: int) -> Callable[[int, int, float], None]:
    def progress(step: int, _steps: int, _loss: float) -> None:
        if step == last:
            signal.raise_signal(signal.SIGINT)

    return progress


@pytest.mark.parametrize("last", [1, 2, 5])  # of two steps a pass
def test_the_state_after_the_last_whole_step_is_kept(tmp_path: Path, last: int) -> None:
    kept = tmp_path / "state.pt"
    through, broken, again = (from_open_clip(small()) for _ in range(3))
    recover(through, pairs(16), CONFIG)
    with pytest.raises(KeyboardInterrupt) as raised:
        recover(broken, pairs(16), CONFIG, checkpoint=kept, progress=stop_at(last))
    assert raised.value.__notes__ == [f"{kept} keeps {last} of 7 steps: the same command goes on"]
    steps: list[int] = []
    recover(again, pairs(16), CONFIG, checkpoint=kept, progress=lambda step, of, loss: steps.append(step))
    assert steps == list(range(last + 1, 8))
    assert weights_sha256(again) == weights_sha256(through)


def test_before_the_first_step_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = from_open_clip(small())
    monkeypatch.setattr(model, "forward", lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt) as raised:
        recover(model, pairs(16), CONFIG, checkpoint=tmp_path / "state.pt")
    assert raised.value.__notes__ == ["no step of the recovery was finished: nothing is kept"]
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_waits_for_the_end_of_unbroken_work() -> None:
    done = []

    def work() -> None:
        with unbroken():
            signal.raise_signal(signal.SIGINT)
            done.append("work")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["work"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_command_tells_what_is_kept_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, folder = tmp_path / "state.pt", tmp_path / "small"
    command = ["prune", "digits", "--text-heads", "2", "--data", "digits", "--recover", "4", "--batch", "16"]
    command += ["--importance", "index", "--no-export", "--checkpoint", str(kept), "-o", str(folder)]

    def call() -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            cli.catx(command, prog_name="catx")
        return int(ended.value.code or 0), capsys.readouterr().err

    with monkeypatch.context() as patched:
        patched.setattr(workflow, "_steps", lambda tell: stop_at(3))
        code, err = call()
    assert code == 130
    assert err.endswith(f"interrupted\n{kept} keeps 3 of 4 steps: the same command goes on\n")
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
    assert call()[0] == 0
    assert (folder / "model.safetensors").exists()
