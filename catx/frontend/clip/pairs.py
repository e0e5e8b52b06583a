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


@dataclass(frozen=True, slots=True)
class Share:
    """What one of many processes loads of the batches of a pass.

    `skipped` batches of the pass are not loaded at all: a training that goes on has seen them.
    """

    rank: int = 0
    world: int = 1
    skipped: int = 0

    def rows(self, batch: int) -> range:
        """Rows of a batch that are this process's: as many as all others have; a few may be left over."""
        each = batch // self.world
        return range(self.rank * each, (self.rank + 1) * each)


ALL = Share()

_DECODED_AT_ONCE = 64


class Pairs(Protocol):
    """A set of images, each with one caption or more.

    `broken` counts images that could not be read, `uncaptioned` those without a caption: both are left out.
    """

    name: str
    broken: int
    uncaptioned: int

    def __len__(self) -> int:
        """How many images."""
        ...

    def sha256(self) -> str:
        """What the set holds, as a hash: provenance of what was measured on it."""
        ...

    def batches(self, size: int, *, seed: int | None = None, share: Share = ALL) -> Iterator[Batch]:
        """All images in batches: in their order, or shuffled, each with a caption drawn at random.

        Of each batch of `size` images, a process gets the rows of its share, drawn as without sharing; a
        batch that has no row for it is left out.
        """
        ...

    def images(self, size: int) -> Iterator[Tensor]:
        """All images in their order, in batches."""
        ...

    def captions(self) -> tuple[Tensor, Tensor]:
        """All captions, (m, context_length), and the image of each, (m,)."""
        ...


def draws(
    captions: Sequence[int], size: int, seed: int | None, share: Share = ALL
) -> Iterator[list[tuple[int, int]]]:
    """Image and caption of each row of each batch of a pass, as `Pairs.batches` loads them.

    Args:
        captions: how many each image has.
        size: images of a batch, over all processes.
        seed: of the order, and of which caption is taken; without it both are the first ones.
        share: what this process gets.

    Example:
        >>> list(draws([1, 1, 1], 2, None)), list(draws([1, 1, 1], 2, None, Share(1, 2)))
        ([[(0, 0), (1, 0)], [(2, 0)]], [[(1, 0)]])
    """
    generator = torch.Generator().manual_seed(seed or 0)
    count = len(captions)
    order = (torch.arange(count) if seed is None else torch.randperm(count, generator=generator)).tolist()
    for number, start in enumerate(range(0, count, size)):
        whole = []
        for at in order[start : start + size]:
            drawn = seed is not None and captions[at] > 1
            whole.append((at, int(torch.randint(captions[at], (1,), generator=generator)) if drawn else 0))
        rows = share.rows(len(whole))
        if number >= share.skipped and rows:
            yield whole[rows.start : rows.stop]


def in_memory(pairs: Pairs) -> "TensorPairs":
    """The same pairs with decoded images held in memory: for what reads them again and again."""
    if isinstance(pairs, TensorPairs):
        return pairs
    tokens, owners = pairs.captions()
    images = torch.cat(list(pairs.images(_DECODED_AT_ONCE)))
    return TensorPairs(pairs.name, images, [tokens[owners == at] for at in range(len(images))])


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
        self.name, self.broken, self.uncaptioned = name, 0, 0
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

    def batches(self, size: int, *, seed: int | None = None, share: Share = ALL) -> Iterator[Batch]:
        """All images in batches; see `Pairs`."""
        for drawn in draws([len(rows) for rows in self._tokens], size, seed, share):
            chosen = torch.tensor([at for at, _ in drawn])
            yield Batch(
                self._images[chosen], torch.stack([self._tokens[at][caption] for at, caption in drawn])
            )

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
