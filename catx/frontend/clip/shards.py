"""Pairs in WebDataset tar shards: an image and a text of the same name, read in order, one pass at a time."""

import io
import random
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from catx.errors import Loc, OptionError
from catx.extras import need
from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.pairs import ALL, Batch, Share
from catx.frontend.clip.pictures import BROKEN, IMAGE_SUFFIXES, picture_of
from catx.frontend.clip.tokens import tokenizer_of

SUFFIX = ".tar"
SHUFFLED = 2_000
"""Samples that wait in memory to be drawn from: order of a training epoch."""

_IMAGES = tuple(suffix.removeprefix(".") for suffix in IMAGE_SUFFIXES)
_TEXTS = ("txt", "caption", "text")


class ShardPairs:
    """Images and captions of shards such as `train-{0000..0099}.tar`.

    A sample without an image that can be read is counted in `broken` and left out. The first use reads all
    shards once.

    Args:
        name: of one shard, or of many by braces.
        config: of the model: image size, normalization and tokenizer.

    Raises:
        OptionError: a shard is missing, or no sample has both an image and a text.
    """

    def __init__(self, name: str, config: ClipConfig, *, most: int | None = None) -> None:
        need("clip", "webdataset", "PIL", "torchvision")
        from webdataset.shardlists import expand_urls

        self._urls = [str(url) for url in expand_urls(name)]
        for at, url in enumerate(self._urls):
            if not Path(url).is_file():
                raise OptionError("no such shard", loc=Loc(url))
            if url in self._urls[:at]:
                raise OptionError("the shard is named twice", loc=Loc(url))
        self.name = f"{name}, first {most}" if most else name
        self.broken, self.config = 0, config
        self._pattern, self._most = name, most
        self._tokenizer = tokenizer_of(config)
        self._good: dict[str, str] | None = None
        self._identities: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._captions())

    def identities(self) -> dict[str, str]:
        """Where each image is, by the hash of its bytes: what splits are compared by."""
        self._captions()
        return self._identities

    def head(self, count: int) -> "ShardPairs":
        """The first samples alone."""
        return ShardPairs(self._pattern, self.config, most=count)

    def sha256(self) -> str:
        """Hash of the images and captions."""
        found = sha256("".join(sorted(self.identities())).encode())
        for key, caption in self._captions().items():
            found.update(f"{key} {caption}".encode())
        return found.hexdigest()

    def batches(self, size: int, *, seed: int | None = None, share: Share = ALL) -> Iterator[Batch]:
        """All samples in batches; shuffled by a buffer of `SHUFFLED` samples where a seed is given.

        Every process reads all bytes; images of others, and of skipped batches, are not decoded.
        """
        samples = self._samples(seed)
        number = 0
        while whole := list(islice(samples, size)):
            rows = share.rows(len(whole))
            if number >= share.skipped and rows:
                mine = whole[rows.start : rows.stop]
                images = torch.stack([picture_of(io.BytesIO(image), self.config) for image, _ in mine])
                yield Batch(images, self._tokenizer([caption for _, caption in mine]))
            number += 1

    def images(self, size: int) -> Iterator[Tensor]:
        """All images in their order, in batches."""
        return (batch.images for batch in self.batches(size))

    def captions(self) -> tuple[Tensor, Tensor]:
        """All captions, one of each image."""
        texts = list(self._captions().values())
        return self._tokenizer(texts), torch.arange(len(texts))

    def _captions(self) -> dict[str, str]:
        """Captions of samples that can be read, by key; found in a first pass."""
        if self._good is None:
            good, places, seen = {}, {}, set()
            for sample in self._raw():
                key = _key(sample)
                if key in seen:
                    raise OptionError(
                        f"two samples of the shard are called {sample['__key__']!r}",
                        loc=Loc(str(sample.get("__url__", self._pattern))),
                        hint="files of one sample stand side by side in a shard",
                    )
                seen.add(key)
                found = _image_and_text(sample)
                if found is None or not self._readable(found[0]):
                    self.broken += 1
                    continue
                good[key] = found[1]
                places[sha256(found[0]).hexdigest()] = key
                if self._most and len(good) == self._most:
                    break
            if not good:
                raise OptionError("no sample has an image and a text", loc=Loc(self._pattern))
            self._good, self._identities = good, places
        return self._good

    def _readable(self, data: bytes) -> bool:
        try:
            picture_of(io.BytesIO(data), self.config)
        except BROKEN:
            return False
        return True

    def _samples(self, seed: int | None) -> Iterator[tuple[bytes, str]]:
        """Bytes and caption of each good sample."""
        good = self._captions()
        for sample in self._raw(seed):
            caption, found = good.get(_key(sample)), _image_and_text(sample)
            if caption is not None and found is not None:
                yield found[0], caption

    def _raw(self, seed: int | None = None) -> Iterator[dict[str, Any]]:
        import webdataset

        # every process reads all shards: `Share` says what it decodes of them
        data = webdataset.WebDataset(self._urls, shardshuffle=False, empty_check=False, nodesplitter=None)
        if seed is not None:
            data = data.shuffle(SHUFFLED, rng=random.Random(seed))
        try:
            yield from data
        except (tarfile.TarError, ValueError, EOFError) as error:
            what = str(error.args[0] if error.args else error).splitlines()[0]
            raise OptionError(f"a damaged shard: {what[:200]}", loc=Loc(self._pattern)) from error


def _key(sample: dict[str, Any]) -> str:
    return f"{sample.get('__url__', '')} {sample['__key__']}"


def _image_and_text(sample: dict[str, Any]) -> tuple[bytes, str] | None:
    """The bytes of a sample's image, and its caption."""
    image = next((sample[key] for key in _IMAGES if key in sample), None)
    text = next((sample[key] for key in _TEXTS if key in sample), None)
    if image is None or text is None:
        return None
    caption = text.decode("utf-8", "replace").strip()
    return (image, caption) if caption else None
