"""Data by name: `digits`, a CSV file of images and captions, or tar shards, as splits that share no image."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from itertools import combinations
from pathlib import Path

import torch
from torch import Tensor

from catx.errors import Loc, OptionError
from catx.extras import need
from catx.frontend.clip.benchmark import PREFIX, BenchmarkClasses
from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.digits import NAME as DIGITS
from catx.frontend.clip.digits import digit_pairs
from catx.frontend.clip.metrics import check_measurable
from catx.frontend.clip.pairs import ALL, Batch, Pairs, Share, draws
from catx.frontend.clip.pictures import BROKEN, IMAGE_SUFFIXES, picture_of
from catx.frontend.clip.shards import SUFFIX, ShardPairs
from catx.frontend.clip.tokens import tokenizer_of
from catx.names import listed, nearest

RANKING_IMAGES = 800
"""Images of the training split that a model is ranked on: enough for steps of 0.1 % in recall."""

HELD_BYTES = 2 * 2**30
"""Decoded images of one file that are held in memory: searches read them hundreds of times [byte]."""

TEMPLATE = "a photo of a {}"

PATHS = ("image", "filepath", "path")
CAPTIONS = ("caption", "title", "text")
"""Names of columns; the second of each is open_clip's default."""


@dataclass(frozen=True, slots=True)
class Splits:
    """Data of a job. `ranking` is a part of `train`; the others share no image with it, or with each other.

    What chooses between models looks at `validation`; `test` tells what the chosen one is worth.
    """

    train: Pairs
    ranking: Pairs
    test: Pairs
    validation: Pairs | None = None

    def check(self) -> None:
        """Raise an OptionError where there is too little to train on or to measure with."""
        if len(self.train) < 2:
            raise OptionError(f"{self.train.name}: contrastive learning needs two images at least")
        for pairs in (self.test, self.validation):
            if pairs is not None:
                check_measurable(pairs)

    @property
    def broken(self) -> int:
        """Images that could not be read."""
        return sum(one.broken for one in self._all)

    @property
    def uncaptioned(self) -> int:
        """Images without a caption."""
        return sum(one.uncaptioned for one in self._all)

    @property
    def _all(self) -> tuple[Pairs, ...]:
        return tuple(one for one in (self.train, self.test, self.validation) if one is not None)


def find_splits(train: str, test: str | None, config: ClipConfig, *, validation: str | None = None) -> Splits:
    """Splits by name.

    Args:
        train: `digits`, a CSV file, or tar shards.
        test: another file of the same kind; of `digits` its own test split.
        config: of the model: image size, normalization and tokenizer.
        validation: one more; `digits` has its own.

    Raises:
        OptionError: a file that is none, has no captions, too few images, or two of them share an image.
        ExtraError: a package is missing.
    """
    if train == DIGITS:
        if test not in (None, DIGITS) or validation not in (None, DIGITS):
            raise OptionError("digits have splits of their own", hint="leave out --test and --validation")
        if config.tokenizer != DIGITS:
            raise OptionError("the data `digits` is for the model `digits`", hint="give a CSV file")
        whole = digit_pairs("train")
        return Splits(whole, whole.head(RANKING_IMAGES), digit_pairs("test"), digit_pairs("validation"))
    if test is None:
        raise OptionError(
            f"data {train!r} come without test data{nearest(train, [DIGITS])}: accuracy is measured on data "
            "that no ranking or training has seen",
            hint=f"name another file with `--test`, or `test:` in a study; only {DIGITS!r} have their own",
        )
    named = {"train": train, "test": test} | ({"validation": validation} if validation else {})
    found = {split: _pairs(name, config) for split, name in named.items()}
    for one, other in combinations(found, 2):
        _refuse_shared(one, found[one], other, found[other])
    ranking = found["train"].head(RANKING_IMAGES)
    splits = Splits(found["train"], ranking, found["test"], found.get("validation"))
    splits.check()
    return splits


def _refuse_shared(
    one: str, of_one: "CsvPairs | ShardPairs", other: str, of_other: "CsvPairs | ShardPairs"
) -> None:
    places, others = of_one.identities(), of_other.identities()
    if shared := [image for image in places if image in others]:
        first = f"{places[shared[0]]} is {others[shared[0]]}"
        raise OptionError(
            f"{one} and {other} share {len(shared)} image{'s' * (len(shared) > 1)}: {first}"
            + (", and others" if len(shared) > 1 else ""),
            hint="a split that trains or ranks must not measure, nor choose",
        )


def _pairs(name: str, config: ClipConfig) -> "CsvPairs | ShardPairs":
    return ShardPairs(name, config) if name.endswith(SUFFIX) else CsvPairs(Path(name), config)


class CsvPairs:
    """Images of a CSV file (or `.tsv`) with a column of paths and one of captions.

    Rows of one path are captions of one image; paths are relative to the file. A caption with a comma or a
    break of lines stands in quotes, and the break becomes a blank; in a `.tsv`, quotes are letters like
    others. An image that cannot be read is counted in `broken` and left out.

    Raises:
        OptionError: no such file, a column is missing or stands twice, a row has other fields than the first
            one names, a caption is empty, or there is no row.
    """

    def __init__(self, path: Path, config: ClipConfig, *, rows: dict[Path, list[str]] | None = None) -> None:
        need("clip", "PIL", "torchvision")
        self.path, self.config = path, config
        self.name, self.broken, self.uncaptioned = path.name, 0, 0
        self._rows = _read_rows(path) if rows is None else rows
        self._tokenizer = tokenizer_of(config)
        self._hashes: dict[Path, str] | None = None
        self._pictures: dict[Path, Tensor] = {}

    def __len__(self) -> int:
        self._check()
        return len(self._rows)

    def identities(self) -> dict[str, str]:
        """Where each image is, by the hash of its bytes: what splits are compared by."""
        return {seen: str(path) for path, seen in self._check().items()}

    def head(self, count: int) -> "CsvPairs":
        """The first images alone."""
        hashes = self._check()
        found = CsvPairs(self.path, self.config, rows=dict(list(self._rows.items())[:count]))
        found._hashes = {path: hashes[path] for path in found._rows}
        found._pictures = self._pictures
        found.name = f"{self.name}, first {len(found._rows)}"
        return found

    def sha256(self) -> str:
        """Hash of the images' bytes and captions, in their order."""
        found = sha256()
        for path, seen in self._check().items():
            found.update(f"{seen} {self._rows[path]}".encode())
        return found.hexdigest()

    def batches(self, size: int, *, seed: int | None = None, share: Share = ALL) -> Iterator[Batch]:
        """All images in batches; see `Pairs`."""
        self._check()
        rows = list(self._rows.items())
        for drawn in draws([len(captions) for _, captions in rows], size, seed, share):
            images = torch.stack([self._picture(rows[at][0]) for at, _ in drawn])
            yield Batch(images, self._tokenizer([rows[at][1][caption] for at, caption in drawn]))

    def images(self, size: int) -> Iterator[Tensor]:
        """All images in batches."""
        self._check()
        paths = list(self._rows)
        for start in range(0, len(paths), size):
            yield torch.stack([self._picture(path) for path in paths[start : start + size]])

    def captions(self) -> tuple[Tensor, Tensor]:
        """All captions and their images."""
        self._check()
        owners = [at for at, captions in enumerate(self._rows.values()) for _ in captions]
        texts = [caption for captions in self._rows.values() for caption in captions]
        return self._tokenizer(texts), torch.tensor(owners)

    def _picture(self, path: Path) -> Tensor:
        """An image as the model wants it, from memory where all of them have room."""
        if path in self._pictures:
            return self._pictures[path]
        return self._held(path, picture_of(path, self.config))

    def _held(self, path: Path, picture: Tensor) -> Tensor:
        """The picture, from now on in memory if there is room for all."""
        if picture.nbytes * len(self._rows) <= HELD_BYTES:
            self._pictures[path] = picture
        return picture

    def _check(self) -> dict[Path, str]:
        """Read and decode every image, for its hash; those that cannot be are left out from now on."""
        if self._hashes is None:
            hashes = {}
            for path in self._rows:
                try:
                    data = path.read_bytes()
                    self._held(path, picture_of(BytesIO(data), self.config))
                    hashes[path] = sha256(data).hexdigest()
                except BROKEN:
                    self.broken += 1
            if not hashes:
                raise OptionError("no image can be read", loc=Loc(str(self.path)))
            self._rows = {path: self._rows[path] for path in hashes}
            self._hashes = hashes
        return self._hashes


def find_classes(name: str, config: ClipConfig, template: str = TEMPLATE) -> "Classes":
    """Images with classes: a folder, or a name of clip_benchmark, whose own prompts replace `template`."""
    if name.startswith(PREFIX):
        return BenchmarkClasses(name, config)
    return ClassFolder(Path(name), config, template)


class ClassFolder:
    """Images of a folder whose subfolders are classes, by their names.

    An image that cannot be read is counted in `broken` and left out.

    Args:
        path: of the folder.
        config: of the model: image size, normalization and tokenizer.
        template: a prompt with `{}` where the class's name goes; underscores of names become blanks.

    Raises:
        OptionError: no such folder, no classes, one without an image, or a template without a place for the
            name.
    """

    def __init__(self, path: Path, config: ClipConfig, template: str = TEMPLATE) -> None:
        need("clip", "PIL", "torchvision")
        if not path.is_dir():
            raise OptionError("no such folder", loc=Loc(str(path)))
        if "{}" not in template:
            raise OptionError(f"the template {template!r} has no {{}} for the name of a class")
        self.name, self.broken, self.config = path.name, 0, config
        folders = sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith("."))
        if len(folders) < 2:
            hint = "a folder per class, with its images"
            raise OptionError(f"{len(folders)} subfolders", loc=Loc(str(path)), hint=hint)
        self.classes = tuple(folder.name.replace("_", " ") for folder in folders)
        self.prompts = list(
            tokenizer_of(config)([template.replace("{}", name) for name in self.classes]).split(1)
        )
        self._files = [
            (file, label)
            for label, folder in enumerate(folders)
            for file in sorted(folder.iterdir())
            if file.suffix.lower() in IMAGE_SUFFIXES
        ]
        full = {label for _, label in self._files}
        if empty := [folder.name for label, folder in enumerate(folders) if label not in full]:
            raise OptionError(
                f"no image ({', '.join(IMAGE_SUFFIXES)}) of {listed(empty, 5)}",
                loc=Loc(str(path)),
                hint="each subfolder is a class: remove those that are none",
            )

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Images, (n, 3, height, width), and their classes, (n,)."""
        self.broken = 0
        for start in range(0, len(self._files), size):
            images, labels = [], []
            for path, label in self._files[start : start + size]:
                try:
                    images.append(picture_of(path, self.config))
                    labels.append(label)
                except BROKEN:
                    self.broken += 1
            if images:
                yield torch.stack(images), torch.tensor(labels)


Classes = ClassFolder | BenchmarkClasses


def _read_rows(path: Path) -> dict[Path, list[str]]:
    """Captions by image."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise OptionError(f"cannot be read: {error.strerror}", loc=Loc(str(path))) from None
    except UnicodeDecodeError:
        raise OptionError("not UTF-8 text", loc=Loc(str(path))) from None
    tabs = path.suffix.lower() == ".tsv"
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter="\t" if tabs else ",",
        quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
        strict=True,
    )
    line = 1  # where a row starts: one with a quote that is not closed ends with the file
    try:
        columns = [name.strip().lower() for name in next(reader, [])]
        image, caption = _columns(columns, path)
        rows: dict[Path, list[str]] = {}
        line = reader.line_num + 1
        for row in reader:
            loc, line = Loc(str(path), line=line), reader.line_num + 1
            if not row:
                continue
            if len(row) != len(columns):
                quotes = 'a caption with a comma stands in quotes: "a red one, and a blue one"'
                raise OptionError(
                    f"fields: {len(row)}, and the first row names {len(columns)}",
                    loc=loc,
                    hint=quotes if len(row) > len(columns) and not tabs else "",
                )
            name, told = row[image].strip(), " ".join(row[caption].split())
            if not name or not told:
                raise OptionError("an image without a caption", loc=loc)
            rows.setdefault(path.parent / name, []).append(told)
    except csv.Error as error:
        raise OptionError(
            f"no CSV: {error}",
            loc=Loc(str(path), line=line),
            hint="a quote that opens a field of this row must be closed at the field's end"
            if not tabs
            else "",
        ) from None
    if not rows:
        raise OptionError("no row", loc=Loc(str(path)))
    return rows


def _columns(columns: list[str], path: Path) -> tuple[int, int]:
    """Where images and captions are among the columns."""
    if twice := [name for at, name in enumerate(columns) if name and name in columns[:at]]:
        raise OptionError(f"two columns are called {twice[0]}", loc=Loc(str(path), line=1))
    found = []
    for what, names in (("images", PATHS), ("captions", CAPTIONS)):
        at = next((columns.index(name) for name in names if name in columns), None)
        if at is None:
            raise OptionError(
                f"no column of {what}: its first row has {', '.join(columns) or 'nothing'}",
                loc=Loc(str(path)),
                hint=f"name one of {', '.join(names)}; fields are separated by a comma, in a .tsv by a tab",
            )
        found.append(at)
    return found[0], found[1]
