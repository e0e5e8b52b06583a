"""Images are prepared as open_clip prepares them."""

from dataclasses import replace

import numpy as np
import open_clip
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from catx.errors import SpecError
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.pictures import fitted
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
