"""Image files into what a model takes."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from catx.frontend.clip.config import ClipConfig

if TYPE_CHECKING:
    from PIL.Image import Image

BROKEN = (OSError, SyntaxError, ValueError)
"""What PIL raises of files that are no images; its own error is an OSError."""

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def picture_of(file: Path | BytesIO, config: ClipConfig) -> Tensor:
    """An image file as a model wants it; see `fitted`."""
    from PIL import Image

    with Image.open(file) as image:
        return fitted(image, config)


def fitted(image: "Image", config: ClipConfig) -> Tensor:
    """An image as a model wants it: scaled to fill, cut in the middle, normalized, (3, height, width)."""
    from PIL.Image import Resampling
    from torchvision.transforms.functional import normalize, to_tensor

    height, width = config.vision.image_size
    picture = image.convert("RGB")
    scale = max(height / picture.height, width / picture.width)
    large = (max(width, round(picture.width * scale)), max(height, round(picture.height * scale)))
    picture = picture.resize(large, Resampling.BICUBIC)
    left, top = (large[0] - width) // 2, (large[1] - height) // 2
    picture = picture.crop((left, top, left + width, top + height))
    found: Tensor = normalize(to_tensor(picture), list(config.image_mean), list(config.image_std))
    return found
