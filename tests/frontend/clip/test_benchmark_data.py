"""Data sets of clip_benchmark: a small MNIST in the files that torchvision reads, without a network."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from catx.errors import OptionError
from catx.frontend.clip.benchmark import BenchmarkClasses
from catx.frontend.clip.datasets import find_classes
from catx.frontend.clip.metrics import zero_shot
from catx.frontend.clip.pictures import fitted
from catx.frontend.clip.source import find_clip

IMAGES = 23


@pytest.fixture
def mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Images, (n, 28, 28); the class of image n is n modulo 10."""
    monkeypatch.setenv("CATX_CACHE_DIR", str(tmp_path))
    raw = tmp_path / "datasets" / "mnist" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (IMAGES, 28, 28), dtype=np.uint8)
    labels = (np.arange(IMAGES) % 10).astype(np.uint8)
    for split in ("t10k", "train"):
        (raw / f"{split}-images-idx3-ubyte").write_bytes(
            struct.pack(">iiii", 2051, IMAGES, 28, 28) + pixels.tobytes()
        )
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">ii", 2049, IMAGES) + labels.tobytes())
    return pixels


def test_a_data_set_by_name(mnist: np.ndarray) -> None:
    model = find_clip("open_clip:ViT-S-32-alt")
    found = find_classes("clip_benchmark:mnist", model.config)
    assert isinstance(found, BenchmarkClasses)
    assert len(found.classes) == len(found.prompts) == 10
    assert all(len(rows) >= 1 for rows in found.prompts)
    batches = list(found.batches(10))
    assert [len(images) for images, _ in batches] == [10, 10, 3]
    assert torch.cat([labels for _, labels in batches]).tolist() == [at % 10 for at in range(IMAGES)]
    expected = fitted(Image.fromarray(mnist[12], mode="L"), model.config)
    torch.testing.assert_close(batches[1][0][2], expected)
    measured = zero_shot(model, found.batches(8), found.prompts, found.name)
    assert (measured.images, measured.classes) == (IMAGES, 10)
    assert 0 <= measured.top1 <= measured.top5 <= 1


def test_a_data_set_that_there_is_not(mnist: np.ndarray) -> None:
    config = find_clip("open_clip:ViT-S-32-alt").config
    with pytest.raises(OptionError, match="mnits: clip_benchmark does not bring it: Unsupported"):
        BenchmarkClasses("clip_benchmark:mnits", config)
