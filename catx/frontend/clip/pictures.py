"""Image files into what a model takes."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from catx.frontend.clip.config import ClipConfig

if TYPE_CHECKING:
    from PIL.Image import Image

BROKEN = (OSError, SyntaxError, ValueError, OverflowError, EOFError, IndexError, struct.error)
"""What PIL raises of files that are no images, or damaged ones; its own error is an OSError. The rest is made
a ValueError by `as_broken`."""

LARGEST = 2 * 89_478_485
"""What a picture may have when it is scaled: as many as PIL opens [pixels]."""

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def picture_of(file: Path | BytesIO, config: ClipConfig) -> Tensor:
    """An image file as a model wants it; see `fitted`. Raises one of `BROKEN`."""
    with opened(file) as image:
        return fitted(image, config)


@contextmanager
def opened(file: Path | BytesIO) -> "Iterator[Image]":
    """An image file, read whole. Raises one of `BROKEN`."""
    from PIL import Image

    with as_broken(), Image.open(file) as image:
        image.load()
        yield image


@contextmanager
def as_broken() -> Iterator[None]:
    """Make a ValueError, one of `BROKEN`, of what PIL raises besides them.

    That is of pictures too large to be true, and a RuntimeError of damaged AVIF files.
    """
    from PIL.Image import DecompressionBombError

    try:
        yield
    except (DecompressionBombError, RuntimeError) as error:
        raise ValueError(str(error)) from error


def fitted(image: "Image", config: ClipConfig) -> Tensor:
    """An image as a model wants it, (3, height, width), normalized: as open_clip's own transform makes it.

    Either it fills the model's size and is cut in the middle, or it is squashed into it.

    Raises:
        ValueError: it is so long and thin that it would have more than `LARGEST` pixels before it is cut.
    """
    from PIL.Image import Resampling
    from torchvision.transforms.functional import center_crop, normalize, to_tensor

    height, width = config.vision.image_size
    filter_of = {"bicubic": Resampling.BICUBIC, "bilinear": Resampling.BILINEAR}
    picture = image.convert("RGB")
    size = (width, height) if config.resize == "squash" else _filling(picture.size, (width, height))
    if size[0] * size[1] > LARGEST:
        raise ValueError(f"{image.width} x {image.height} pixels are too long and thin to be scaled")
    picture = picture.resize(size, filter_of[config.interpolation])
    picture = center_crop(picture, [height, width])
    found: Tensor = normalize(to_tensor(picture), list(config.image_mean), list(config.image_std))
    return found


def _filling(there: tuple[int, int], wanted: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a picture that just fills another one, rounded as torchvision and open_clip do."""
    if wanted[0] == wanted[1]:
        short, side = min(there), wanted[0]
        long = int(side * max(there) / short)
        return (side, long) if there[0] <= there[1] else (long, side)
    ratio = min(one / other for one, other in zip(there, wanted, strict=True))
    width, height = (round(one / ratio) for one in there)
    return width, height
