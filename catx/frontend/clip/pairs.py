"""Images with captions: what training, ranking and measuring iterate over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import torch
from torch import Tensor

from catx.errors import OptionError


@dataclass(frozen=True, slots=True)
class Batch:
    """Images, (n, 3, height, width), and one caption of each as tokens, (n, context_length)."""

    images: Tensor
    texts: Tensor


class Pairs(Protocol):
    """A set of images, each with one caption or more; `broken` counts images that could not be read."""

    name: str
    broken: int

    def __len__(self) -> int:
        """How many images."""
        ...

    def sha256(self) -> str:
        """What the set holds, as a hash: provenance of what was measured on it."""
        ...

    def batches(self, size: int, *, seed: int | None = None) -> Iterator[Batch]:
        """All images in batches: in their order, or shuffled, each with a caption drawn at random."""
        ...

    def images(self, size: int) -> Iterator[Tensor]:
        """All images in their order, in batches."""
        ...

    def captions(self) -> tuple[Tensor, Tensor]:
        """All captions, (m, context_length), and the image of each, (m,)."""
        ...


class TensorPairs:
    """Images in memory.

    Args:
        name: what reports call it.
        images: (n, 3, height, width).
        tokens: captions of each image, (captions, context_length).
        texts: the same as texts.
    """

    def __init__(
        self, name: str, images: Tensor, tokens: Sequence[Tensor], texts: Sequence[Sequence[str]] = ()
    ) -> None:
        if not len(images):
            raise OptionError(f"{name}: no image")
        if len(images) != len(tokens) or not all(len(row) for row in tokens):
            raise OptionError(f"{name}: every image needs a caption")
        self.name, self.broken = name, 0
        self.texts = tuple(tuple(row) for row in texts)
        self._images, self._tokens = images, tuple(tokens)

    def __len__(self) -> int:
        return len(self._images)

    def sha256(self) -> str:
        """Hash of all images and tokens."""
        found = sha256(self._images.numpy().tobytes())
        for row in self._tokens:
            found.update(row.numpy().tobytes())
        return found.hexdigest()

    def batches(self, size: int, *, seed: int | None = None) -> Iterator[Batch]:
        """All images in batches; see `Pairs`."""
        generator = torch.Generator().manual_seed(seed or 0)
        count = len(self)
        order = torch.arange(count) if seed is None else torch.randperm(count, generator=generator)
        for start in range(0, count, size):
            chosen = order[start : start + size]
            yield Batch(
                self._images[chosen], torch.stack([self._one(int(at), seed, generator) for at in chosen])
            )

    def _one(self, at: int, seed: int | None, generator: torch.Generator) -> Tensor:
        rows = self._tokens[at]
        if seed is None or len(rows) == 1:
            return rows[0]
        return rows[int(torch.randint(len(rows), (1,), generator=generator))]

    def images(self, size: int) -> Iterator[Tensor]:
        """All images in batches."""
        return iter(self._images.split(size))

    def captions(self) -> tuple[Tensor, Tensor]:
        """All captions and their images."""
        owner = [torch.full((len(rows),), at) for at, rows in enumerate(self._tokens)]
        return torch.cat(self._tokens), torch.cat(owner)

    def head(self, count: int) -> "TensorPairs":
        """The first images alone."""
        return TensorPairs(
            f"{self.name}, first {count}", self._images[:count], self._tokens[:count], self.texts[:count]
        )

    def sample(self, count: int, seed: int) -> "TensorPairs":
        """So many images, drawn without repeats."""
        generator = torch.Generator().manual_seed(seed)
        chosen = torch.randperm(len(self), generator=generator)[:count]
        return TensorPairs(
            f"{self.name}, {len(chosen)} drawn with seed {seed}",
            self._images[chosen],
            [self._tokens[int(at)] for at in chosen],
            [self.texts[int(at)] for at in chosen] if self.texts else (),
        )
