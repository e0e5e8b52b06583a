"""Pairs in WebDataset tar shards: an image and a text of the same name, read in order, one pass at a time."""

import io
import lzma
import random
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
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

_CAPTION = f"caption ({', '.join(_TEXTS)}) of UTF-8 text"
_BRACES = "shards are named by braces, such as `train-{000..009}.tar`, in quotes"

_AFTER_THE_END = 2**20
"""What is read after the last file of a shard: more than the zeros that fill a record of tar [byte]."""


class ShardPairs:
    """Images and captions of shards such as `train-{0000..0099}.tar`.

    A sample without an image that can be read is counted in `broken`, one without a caption of UTF-8 text in
    `uncaptioned`; both are left out. The first use reads all shards once.

    Args:
        name: of one shard, or of many by braces.
        config: of the model: image size, normalization and tokenizer.

    Raises:
        OptionError: a shard is missing, damaged or named twice, two of its samples have one name, or no
            sample has both an image and a text.
    """

    def __init__(self, name: str, config: ClipConfig) -> None:
        need("clip", "webdataset", "PIL", "torchvision")
        from webdataset.shardlists import expand_urls

        self._urls = [str(url) for url in expand_urls(name)]
        for at, url in enumerate(self._urls):
            if not Path(url).is_file():
                raise OptionError(
                    "no such shard", loc=Loc(url), hint=_BRACES if set(url) & set("*?[") else ""
                )
            if url in self._urls[:at]:
                raise OptionError("the shard is named twice", loc=Loc(url))
        self.name, self.broken, self.uncaptioned, self.config = name, 0, 0, config
        self._pattern = name
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
        good = dict(islice(self._captions().items(), count))
        found = ShardPairs(self._pattern, self.config)
        found._good = good
        found._identities = {seen: key for seen, key in self._identities.items() if key in good}
        found.name = f"{self.name}, first {len(good)}"
        return found

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
            good: dict[str, str] = {}
            places: dict[str, str] = {}
            seen: set[str] = set()
            for url in self._urls:
                _check_shard(url)
            for sample in self._raw():
                key = _key(sample)
                if key in seen:
                    raise OptionError(
                        f"two samples of the shard are called {sample['__key__']!r}",
                        loc=Loc(sample["__url__"]),
                        hint="files of one sample stand side by side in a shard, and samples have names of "
                        "their own",
                    )
                seen.add(key)
                image, caption = _first(sample, _IMAGES), _caption(sample)
                if not caption:
                    self.uncaptioned += 1
                elif image is None or not self._readable(image):
                    self.broken += 1
                else:
                    good[key] = caption
                    places.setdefault(sha256(image).hexdigest(), key)
            if not good:
                raise self._nothing()
            self._good, self._identities = good, places
        return self._good

    def _nothing(self) -> OptionError:
        """The error for shards of which all samples are left out."""
        told = [f"{self.uncaptioned} have no {_CAPTION}"] if self.uncaptioned else []
        told += [f"{self.broken} have no image that can be read"] if self.broken else []
        return OptionError(
            f"no sample has an image and a caption: {' and '.join(told) or 'there is none'}",
            loc=Loc(self._pattern),
            hint=f"a sample is an image ({', '.join(_IMAGES)}) and a text ({', '.join(_TEXTS)}) of one name",
        )

    def _readable(self, data: bytes) -> bool:
        try:
            picture_of(io.BytesIO(data), self.config)
        except BROKEN:
            return False
        return True

    def _samples(self, seed: int | None) -> Iterator[tuple[bytes, str]]:
        """Bytes and caption of each good sample."""
        good = self._captions()
        left = len(good)
        for sample in self._raw(seed):
            caption, image = good.get(_key(sample)), _first(sample, _IMAGES)
            if caption is not None and image is not None:
                yield image, caption
                left -= 1
                if not left:  # the first ones alone are asked for: further shards need no reading
                    return

    def _raw(self, seed: int | None = None) -> Iterator[dict[str, Any]]:
        from webdataset.filters import shuffle

        # every process reads all shards: `Share` says what it decodes of them
        samples = (sample for url in self._urls for sample in _samples_of(url))
        if seed is None:
            return samples
        shuffled: Iterator[dict[str, Any]] = shuffle(SHUFFLED, rng=random.Random(seed))(samples)
        return shuffled


def _samples_of(url: str) -> Iterator[dict[str, Any]]:
    """Samples of one shard, in order: files of one name, by their suffixes."""
    from webdataset.tariterators import group_by_keys, tar_file_expander

    with _damage_named(url), open(url, "rb") as stream:
        yield from group_by_keys(tar_file_expander([{"url": url, "stream": stream}]))


def _check_shard(url: str) -> None:
    """Raise an OptionError where a shard is cut off or damaged, or has two files of one name.

    Headers alone are read. webdataset takes one that is damaged for the end of the shard, and leaves out
    what follows.
    """
    from webdataset.tariterators import base_plus_ext

    names: set[tuple[str, str]] = set()
    with _damage_named(url), tarfile.open(url) as tar:
        for member in tar:
            key, suffix = base_plus_ext(member.name)
            if key is None or not member.isreg():
                continue
            name = (key, suffix.lower())
            if name in names:
                raise OptionError(
                    f"two files of the shard are called {member.name!r}",
                    loc=Loc(url),
                    hint="give the samples of a shard names of their own",
                )
            names.add(name)
        stream = tar.fileobj
        assert stream is not None  # it is open
        stream.seek(tar.offset)
        end = stream.read(_AFTER_THE_END)
        if len(end) < tarfile.BLOCKSIZE or end.strip(b"\0"):
            raise tarfile.ReadError(f"no end of the archive after {len(names)} files")


@contextmanager
def _damage_named(url: str) -> Iterator[None]:
    """Make an OptionError of what tarfile and webdataset raise of a shard that cannot be read."""
    try:
        yield
    except (tarfile.TarError, ValueError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise OptionError(f"cannot be read: {error.strerror}", loc=Loc(url)) from error
        # webdataset adds arguments of its own; tarfile tells of each compression on a line of its own
        what = str(error.args[0] if error.args else type(error).__name__).partition("\n")[0].rstrip(":")
        raise OptionError(
            f"a damaged shard: {what}", loc=Loc(url), hint="fetch or write this tar file again"
        ) from error


def _key(sample: dict[str, Any]) -> str:
    return f"{sample['__url__']} {sample['__key__']}"


def _first(sample: dict[str, Any], suffixes: tuple[str, ...]) -> bytes | None:
    """The first of a sample's files that has one of the suffixes."""
    found: bytes | None = next((sample[suffix] for suffix in suffixes if suffix in sample), None)
    return found


def _caption(sample: dict[str, Any]) -> str:
    """The caption of a sample, empty where it has none, or none that is text."""
    try:
        return (_first(sample, _TEXTS) or b"").decode("utf-8").strip()
    except UnicodeDecodeError:
        return ""
