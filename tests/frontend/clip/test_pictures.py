"""Images are prepared as open_clip prepares them."""

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from catx.errors import SpecError
from catx.frontend.clip.benchmark import BenchmarkClasses
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.datasets import ClassFolder, CsvPairs
from catx.frontend.clip.pictures import BROKEN, fitted, picture_of
from tests.frontend.clip.small import small

CONFIG = from_open_clip(small()).config


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3))
    return Image.fromarray(pixels.astype(np.uint8)).convert(mode)


@pytest.mark.parametrize("size", [(64, 64), (640, 480), (333, 500), (20, 31), (1000, 61)])
@pytest.mark.parametrize("resize", ["shortest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("wanted", [(32, 32), (16, 32)])
def test_as_open_clip(
    size: tuple[int, int], resize: str, interpolation: str, wanted: tuple[int, int]
) -> None:
    if wanted[0] != wanted[1] and interpolation == "bilinear" and resize == "shortest":
        interpolation = "bicubic"  # open_clip ignores it there
    config = replace(
        CONFIG, resize=resize, interpolation=interpolation, vision=replace(CONFIG.vision, image_size=wanted)
    )
    theirs = image_transform_v2(
        PreprocessCfg(
            size=wanted,
            mean=CONFIG.image_mean,
            std=CONFIG.image_std,
            interpolation=interpolation,
            resize_mode=resize,
        ),
        is_train=False,
    )
    assert torch.equal(fitted(picture(*size), config), theirs(picture(*size)))


def test_what_a_model_says_of_its_images() -> None:
    model = open_clip.create_model("ViT-S-32-alt", load_weights=False)
    model.visual.preprocess_cfg = {**model.visual.preprocess_cfg, "resize_mode": "squash"}
    assert from_open_clip(model).config.resize == "squash"
    with pytest.raises(SpecError, match="resize must be one of shortest, squash"):
        replace(CONFIG, resize="longest")


def packed(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def test_pictures_too_large_to_be_true_are_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = replace(CONFIG, tokenizer="digits")
    for name in ("red", "blue"):
        (tmp_path / name).mkdir()
    picture(20, 30).save(tmp_path / "red" / "small.png")
    picture(90, 90).save(tmp_path / "blue" / "large.png")
    Image.new("RGB", (1, 9_000_000)).save(tmp_path / "blue" / "long.png")
    (tmp_path / "a.csv").write_text(
        "image,caption\nred/small.png,a red one\nblue/large.png,a two\nblue/long.png,a two\n"
    )
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4_000)
    pairs = CsvPairs(tmp_path / "a.csv", config)
    assert (len(pairs), pairs.broken) == (1, 2)
    classes = ClassFolder(tmp_path, config, "a {}")
    assert [labels.tolist() for _, labels in classes.batches(3)] == [[1]]
    assert classes.broken == 2
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(ValueError, match="1 x 9000000 pixels are too long and thin"):
        picture_of(tmp_path / "blue" / "long.png", config)
    pairs = CsvPairs(tmp_path / "a.csv", config)
    assert (len(pairs), pairs.broken) == (2, 1)


def test_pictures_of_a_benchmark_too_large_to_be_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(20, 30).save(tmp_path / "small.png")
    picture(90, 90).save(tmp_path / "large.png")

    class Files:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, at: int) -> tuple[torch.Tensor, int]:
            with Image.open(tmp_path / ("large.png", "small.png")[at]) as image:
                return fitted(image, CONFIG), at

    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4_000)
    found: Any = BenchmarkClasses.__new__(BenchmarkClasses)
    found._data = Files()
    assert [labels.tolist() for _, labels in found.batches(2)] == [[1]]
    assert found.broken == 1


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "bmp", "gif", "tiff", "avif", "dds", "ico"])
def test_damaged_files_raise_nothing_else(kind: str) -> None:
    """Cut files, and files with a few wrong bytes, at the head or anywhere."""
    whole = packed(picture(40, 24), kind)
    generator = np.random.default_rng(7)
    raised = 0
    for number in range(150):
        damaged = bytearray(whole)
        if number % 3 == 0:
            damaged = damaged[: generator.integers(len(whole))]
        else:
            top = len(whole) if number % 3 == 1 else min(80, len(whole))
            for at in generator.integers(0, top, 4):
                damaged[at] = generator.integers(256)
        try:
            picture_of(io.BytesIO(bytes(damaged)), CONFIG)
        except BROKEN:
            raised += 1
    assert raised > 20


def test_pictures_load_no_package_of_an_extra() -> None:
    code = "import sys, catx.frontend.clip.pictures; assert 'PIL' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
