"""Reading a model leaves torch's generator as it was."""

from pathlib import Path

import pytest
import torch

from catx.frontend.clip import find_clip
from catx.frontend.clip.store import save_clip


@pytest.mark.parametrize("name", ["digits", "folder", "open_clip:ViT-S-32-alt", "tinyclip:ViT-8M-16-Text-3M"])
def test_the_generator_goes_on_as_if_nothing_had_been(name: str, tmp_path: Path) -> None:
    if name == "folder":
        save_clip(find_clip("digits"), tmp_path / "saved")
        name = str(tmp_path / "saved")
    before = torch.get_rng_state()
    find_clip(name, seed=5)
    assert torch.equal(torch.get_rng_state(), before)
