"""Two processes train as one does with twice the batch."""

import os
import subprocess
import sys
from pathlib import Path

import torch

from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.distributed import process_group
from catx.frontend.clip.model import Clip
from catx.frontend.clip.recovery import RecoveryConfig, recover
from tests.frontend.clip.small import pairs, small

ROOT = Path(__file__).parents[3]
STEPS = 6


def config(batch: int) -> RecoveryConfig:
    return RecoveryConfig(steps=STEPS, batch=batch, learning_rate=1e-3, warmup=2, distill=0.5)


def trained(batch: int) -> Clip:
    model = from_open_clip(small()).double()
    data = pairs(32)
    data._images = data._images.double()
    recover(model, data, config(batch), teacher=from_open_clip(small(seed=5)).double())
    return model


def main(place: str) -> None:
    """What each process does."""
    with process_group():
        model = trained(4)
    if os.environ["RANK"] == "0":
        torch.save(model.state_dict(), place)


def test_two_processes_are_one_with_twice_the_batch(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=0"]
    words += ["--standalone", "-m", "tests.frontend.clip.test_distributed", str(tmp_path / "state.pt")]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    found = torch.load(tmp_path / "state.pt", weights_only=True)
    for name, weight in trained(8).state_dict().items():
        assert torch.allclose(weight, found[name], rtol=1e-6, atol=1e-9), name


if __name__ == "__main__":
    main(sys.argv[1])
