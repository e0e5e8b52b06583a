"""The embedded default: a small CLIP model of pictures of two coloured digits, and its data.

The digits are real handwriting: 1,797 scans of 8 x 8 that come with scikit-learn (E. Alpaydin, C. Kaynak,
"Optical recognition of handwritten digits", UCI, 1998; 43 writers). A picture has two of them side by side,
each in a colour; its caption names both. The digits of training, validation and test are different scans.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch

from catx.errors import OptionError
from catx.extras import need
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.model import Clip
from catx.frontend.clip.pairs import TensorPairs

COLOURS = {
    "red": (1.0, 0.1, 0.1),
    "green": (0.1, 0.9, 0.1),
    "blue": (0.2, 0.3, 1.0),
    "yellow": (1.0, 0.9, 0.1),
}
"""Names of captions and what they look like (red, green, blue, each 0..1)."""

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
WORDS = ("<pad>", *("a", "and"), *COLOURS, *NUMBERS, "<end>")
"""The vocabulary; the end has the highest id, which pooling looks for."""

CONTEXT = 8
"""a red three and a blue seven <end>"""

IMAGE = (16, 32)
"""Two digits of 8 x 8, each scaled to 16 x 16 [pixel]."""

NAME = "digits"
"""What the embedded model, its data and its tokenizer are called."""

Split = Literal["train", "validation", "test"]
SHARES: dict[Split, tuple[float, float]] = {
    "train": (0.0, 0.6),
    "validation": (0.6, 0.8),
    "test": (0.8, 1.0),
}
"""Which scans each split draws from, as parts of a fixed shuffle."""

PICTURES: dict[Split, int] = {"train": 6_400, "validation": 800, "test": 1_600}
"""Pictures of each split. Validation and test have every caption at most once: 1,600 there are."""

SEED = 20_261_126


@dataclass(frozen=True, slots=True)
class _Picture:
    """Two digits and their colours, as indices."""

    digits: tuple[int, int]
    colours: tuple[int, int]

    @property
    def caption(self) -> str:
        names = list(COLOURS)
        one, other = (f"a {names[c]} {NUMBERS[d]}" for d, c in zip(self.digits, self.colours, strict=True))
        return f"{one} and {other}"


def tokenize(caption: str) -> list[int]:
    """Ids of a caption's words, the end, and padding, (CONTEXT,).

    Raises:
        OptionError: a word that the embedded model does not know, or too many of them.
    """
    words = caption.lower().split()
    if unknown := [word for word in words if word not in WORDS]:
        raise OptionError(
            f"the embedded model does not know the word {unknown[0]!r}",
            hint=f"it knows {' '.join(WORDS[1:-1])}",
        )
    if len(words) >= CONTEXT:
        raise OptionError(f"at most {CONTEXT - 1} words, not {len(words)}")
    ids = [*(WORDS.index(word) for word in words), len(WORDS) - 1]
    return ids + [0] * (CONTEXT - len(ids))


def untrained(seed: int) -> Clip:
    """The embedded model before its training: open_clip's CLIP of a small size, with open_clip's weights.

    Raises:
        ExtraError: open_clip is missing.
    """
    need("clip", "open_clip")
    import open_clip

    torch.manual_seed(seed)
    model = open_clip.CLIP(
        64,
        open_clip.CLIPVisionCfg(layers=4, width=64, head_width=16, patch_size=8, image_size=IMAGE),
        open_clip.CLIPTextCfg(layers=3, width=64, heads=4, context_length=CONTEXT, vocab_size=len(WORDS)),
    )
    made = from_open_clip(model, "catx: two coloured digits")
    half = (0.5, 0.5, 0.5)
    config = replace(made.config, tokenizer=NAME, image_mean=half, image_std=half)
    told = Clip(config)
    told.load_state_dict(made.state_dict())
    return told


def digit_pairs(split: Split, pictures: int | None = None) -> TensorPairs:
    """Pictures of one split and their captions; the same every time.

    Args:
        split: train, validation or test.
        pictures: how many; default as `PICTURES`.

    Raises:
        ExtraError: scikit-learn is missing.
    """
    scans, labels = _scans(split)
    generator = np.random.default_rng((SEED, list(SHARES).index(split)))
    count = pictures or PICTURES[split]
    drawn = _drawn(generator, count, distinct=split != "train")
    images = np.stack([_image(picture, scans, labels, generator) for picture in drawn])
    tokens = torch.tensor([tokenize(picture.caption) for picture in drawn])
    return TensorPairs(
        f"digits, {split}: {count} pictures",
        torch.from_numpy(images),
        [row.unsqueeze(0) for row in tokens],
        [[picture.caption] for picture in drawn],
    )


def _scans(split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Scans of the split, 0..1, and what they show: (n, 8, 8), (n,)."""
    need("clip", "sklearn")
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(SEED).permutation(len(data.target))
    low, high = (round(share * len(order)) for share in SHARES[split])
    kept = order[low:high]
    return data.images[kept] / 16.0, data.target[kept]


def _drawn(generator: np.random.Generator, count: int, *, distinct: bool) -> list[_Picture]:
    total = (len(NUMBERS) * len(COLOURS)) ** 2
    if distinct and count > total:
        raise OptionError(f"there are {total} different captions, not {count}")
    codes = generator.permutation(total)[:count] if distinct else generator.integers(0, total, count)
    return [_decoded(int(code)) for code in codes]


def _decoded(code: int) -> _Picture:
    code, first = divmod(code, len(NUMBERS))
    code, second = divmod(code, len(NUMBERS))
    one, other = divmod(code, len(COLOURS))
    return _Picture((first, second), (one, other))


def _image(
    picture: _Picture, scans: np.ndarray, labels: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """The picture as red, green, blue from -1 to 1, (3, 16, 32)."""
    halves = []
    for digit, colour in zip(picture.digits, picture.colours, strict=True):
        scan = scans[generator.choice(np.flatnonzero(labels == digit))]
        large = np.kron(scan, np.ones((2, 2)))
        halves.append(large[None] * np.array(list(COLOURS.values())[colour])[:, None, None])
    return (np.concatenate(halves, axis=2) * 2.0 - 1.0).astype(np.float32)
