"""Data by name: splits share nothing, and bad files are one error each."""

import bz2
import gzip
import io
import lzma
import re
import shutil
import tarfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from catx.errors import OptionError
from catx.frontend.clip import datasets, digits
from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.convert import from_open_clip
from catx.frontend.clip.datasets import ClassFolder, CsvPairs, _read_rows, find_splits
from catx.frontend.clip.digits import CONTEXT, PICTURES, SHARES, WORDS, digit_pairs, tokenize
from catx.frontend.clip.pictures import picture_of
from catx.frontend.clip.shards import ShardPairs
from catx.frontend.clip.source import find_clip
from tests.frontend.clip.small import small

CONFIG = from_open_clip(small(), tokenizer="digits").config


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generator = np.random.default_rng(0)
    for number in range(16):
        array = generator.integers(0, 255, (20 + number, 40, 3), dtype=np.uint8)
        Image.fromarray(array).save(tmp_path / f"{number}.png")
    return tmp_path


TEN = "".join(f"{number}.png,a red one\n" for number in range(6, 16))
"""Rows of enough images to measure on, none of them among the first six."""


def write(folder: Path, text: str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_images_and_captions_of_a_csv(folder: Path) -> None:
    rows = "image,caption\n0.png,a red one\n1.png,a blue two\n0.png,a red zero\n"
    found = CsvPairs(write(folder, rows), CONFIG)
    assert (len(found), found.broken) == (2, 0)
    texts, owners = found.captions()
    assert owners.tolist() == [0, 0, 1]
    assert texts[1].tolist() == tokenize("a red zero")
    (images,) = found.images(8)
    assert images.shape == (2, 3, *CONFIG.vision.image_size)
    (batch,) = found.batches(8, seed=1)
    assert batch.images.shape == images.shape
    tabs = write(folder, rows.replace(",", "\t").replace("image\tcaption", "filepath\ttitle"), "data.tsv")
    other = CsvPairs(tabs, CONFIG)
    assert torch.equal(other.captions()[0], texts)
    assert found.sha256() == CsvPairs(write(folder, rows, "again.csv"), CONFIG).sha256()


def test_a_picture_is_scaled_and_cut_in_the_middle(tmp_path: Path) -> None:
    height, width = CONFIG.vision.image_size
    array = np.zeros((height, 3 * width, 3), dtype=np.uint8)
    array[:, width : 2 * width] = 255
    Image.fromarray(array).save(tmp_path / "wide.png")
    found = CsvPairs(write(tmp_path, "image,caption\nwide.png,a red one\n"), CONFIG)
    (images,) = found.images(1)
    white = (1.0 - torch.tensor(CONFIG.image_mean)) / torch.tensor(CONFIG.image_std)
    assert torch.allclose(images[0], white[:, None, None].expand_as(images[0]), atol=1e-5)


def test_broken_images_are_counted_and_left_out(folder: Path) -> None:
    (folder / "1.png").write_bytes(b"no picture")
    rows = "image,caption\n0.png,a red one\n1.png,a blue two\nmissing.png,a red two\n2.png,a red zero\n"
    found = CsvPairs(write(folder, rows), CONFIG)
    assert len(found) == 2
    assert found.broken == 2
    assert found.captions()[1].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "no column of images: its first row has nothing"),
        ("image,words\n0.png,a red one\n", "no column of captions"),
        ("image,caption\n", "no row"),
        ("image,caption\n0.png,\n", r"data\.csv:2: an image without a caption"),
        ("image,caption\nmissing.png,a red one\n", "no image can be read"),
        (
            "image,caption\n0.png,a red one, and a two\n",
            r"csv:2: fields: 3, .* names 2\n  hint: .* in quotes",
        ),
        ('image,caption\n0.png,"a red one\n1.png,a two\n', r"data\.csv:2: no CSV: unexpected end of data"),
        ('image,caption\n0.png,"a\ntwo"\n\n1.png,"a" b\n', r"data\.csv:5: no CSV: ',' expected after '\"'"),
        ('image,caption\n0.png,"a\ntwo"\n\n1.png\n', r"data\.csv:5: fields: 1, .* names 2$"),
        ("image,caption\n0.png," + "x" * 140_000 + "\n", r"data\.csv:2: no CSV: field larger"),
        ("image,caption,caption\n0.png,a,b\n", "two columns are called caption"),
        ("image,caption\n0.png,a purple one\n", "does not know the word 'purple'"),
    ],
)
def test_bad_files(folder: Path, rows: str, message: str) -> None:
    with pytest.raises(OptionError, match=message) as error:
        CsvPairs(write(folder, rows), CONFIG).captions()
    assert len(str(error.value)) < 300
    with pytest.raises(OptionError, match="cannot be read"):
        CsvPairs(folder / "none.csv", CONFIG)


def test_captions_of_several_lines_and_odd_ends_of_lines(folder: Path) -> None:
    rows = 'image,caption\n0.png,"a red\none"\n\n1.png,a\u2028blue two\n2.png,a\x0cred six\n'
    texts, _ = CsvPairs(write(folder, rows), CONFIG).captions()
    assert texts.tolist() == [tokenize(text) for text in ("a red one", "a blue two", "a red six")]


def test_columns_without_a_name_are_passed_over(folder: Path) -> None:
    found = CsvPairs(write(folder, "image,caption,,\n0.png,a red one,,\n"), CONFIG)
    assert found.captions()[0].tolist() == [tokenize("a red one")]


@pytest.mark.parametrize("name", ["a.tsv", "A.TSV"])
def test_quotes_of_a_tsv_are_letters(folder: Path, name: str) -> None:
    rows = 'image\tcaption\n0.png\t"a red one\n1.png\ta 2" two, "blue"\n2.png\t"a red six"\n'
    found = _read_rows(write(folder, rows, name))
    assert list(found.values()) == [['"a red one'], ['a 2" two, "blue"'], ['"a red six"']]
    with pytest.raises(OptionError, match=r":2: fields: 3, and the first row names 2$"):
        _read_rows(write(folder, "image\tcaption\n0.png\ta\tb\n", name))


def test_pictures_are_decoded_once_where_they_have_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(folder, "image,caption\n0.png,a red one\n1.png,a blue two\n")
    (expected,) = CsvPairs(path, CONFIG).images(2)
    two = expected.nbytes
    for held, decoded in ((datasets.HELD_BYTES, 2), (two, 2), (two - 1, 2 + 6), (0, 2 + 6)):
        calls: list[Path | io.BytesIO] = []

        def counted(
            file: Path | io.BytesIO, config: ClipConfig, calls: list[Path | io.BytesIO] = calls
        ) -> torch.Tensor:
            calls.append(file)
            return picture_of(file, config)

        monkeypatch.setattr(datasets, "HELD_BYTES", held)
        monkeypatch.setattr(datasets, "picture_of", counted)
        found = CsvPairs(path, CONFIG)
        for _ in range(2):
            assert torch.equal(next(iter(found.images(2))), expected)
        (batch,) = found.batches(2)
        assert torch.equal(batch.images, expected)
        assert len(calls) == decoded
        assert len(found._pictures) == (2 if decoded == 2 else 0)
        assert torch.equal(next(iter(found.head(1).images(2)))[0], expected[0])


def test_a_folder_of_classes(folder: Path) -> None:
    for number, name in ((0, "red"), (1, "red"), (2, "blue")):
        (folder / "classes" / name).mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.png").rename(folder / "classes" / name / f"{number}.png")
    (folder / "classes" / "red" / "bad.png").write_bytes(b"no picture")
    (folder / "classes" / "red" / "notes.txt").write_text("no image")
    found = ClassFolder(folder / "classes", CONFIG, "a {} one")
    assert found.classes == ("blue", "red")
    assert [row[0].tolist() for row in found.prompts] == [tokenize("a blue one"), tokenize("a red one")]
    batches = list(found.batches(2))
    assert torch.cat([labels for _, labels in batches]).tolist() == [0, 1, 1]
    assert found.broken == 1
    twice = ClassFolder(folder / "classes", CONFIG, "a {} {} one")
    assert twice.prompts[0][0].tolist() == tokenize("a blue blue one")
    (folder / "one" / "only").mkdir(parents=True)
    (folder / "two" / "a").mkdir(parents=True)
    (folder / "two" / "red").mkdir()
    (folder / "three" / "red").mkdir(parents=True)
    (folder / "three" / "blue").mkdir()
    shutil.copytree(folder / "classes" / "blue", folder / "four" / "blue")
    (folder / "four" / "red").mkdir()
    for path, template, message in (
        ("none", "a {}", "no such folder"),
        ("one", "a {}", "1 subfolders"),
        ("classes", "a photo", "has no {} for the name"),
        ("two", "a {}z", "does not know the word"),
        ("classes", "a {} {x}", "does not know the word '{x}'"),
        ("classes", "a {} {", "does not know the word '{'"),
        ("classes", "a {} {0!z}", "does not know the word '{0!z}'"),
        ("three", "a {}", "of blue, red\n"),
        ("four", "a {}", "of red\n"),
    ):
        with pytest.raises(OptionError, match=re.escape(message)):
            ClassFolder(folder / path, CONFIG, template)


def test_splits_share_no_image(folder: Path) -> None:
    one = write(folder, "image,caption\n0.png,a red one\n1.png,a blue two\n", "train.csv")
    other = write(folder, f"image,caption\n{TEN}", "test.csv")
    for number in range(6, 16):
        array = np.full((20, 40, 3), number, dtype=np.uint8)
        Image.fromarray(array).save(folder / f"third-{number}.png")
    third = write(folder, f"image,caption\n{re.sub(r'(?m)^', 'third-', TEN.rstrip())}\n", "third.csv")
    mixed = write(folder, "image,caption\n1.png,a red one\n", "mixed.csv")
    (folder / "other.png").write_bytes((folder / "6.png").read_bytes())
    renamed = write(folder, "image,caption\nother.png,a red one\n", "renamed.csv")
    splits = find_splits(str(one), str(other), CONFIG)
    assert (len(splits.train), len(splits.test)) == (2, 10)
    assert splits.validation is None
    chosen = find_splits(str(one), str(other), CONFIG, validation=str(third)).validation
    assert chosen is not None
    assert len(chosen) == 10
    with pytest.raises(OptionError, match=r"train and test share 1 image: .*1\.png is .*1\.png"):
        find_splits(str(one), str(mixed), CONFIG)
    with pytest.raises(OptionError, match="train and validation share 1 image:"):
        find_splits(str(one), str(other), CONFIG, validation=str(mixed))
    with pytest.raises(OptionError, match=r"test and validation share 1 image: .*6\.png is .*other\.png"):
        find_splits(str(one), str(other), CONFIG, validation=str(renamed))
    with pytest.raises(OptionError, match="no ranking or training has seen"):
        find_splits(str(one), None, CONFIG)
    with pytest.raises(OptionError, match="the data `digits` is for the model `digits`"):
        find_splits("digits", None, from_open_clip(small()).config)


def test_splits_are_large_enough_to_measure_on(folder: Path) -> None:
    train = str(write(folder, "image,caption\n0.png,a red one\n1.png,a blue two\n", "train.csv"))
    single = str(write(folder, "image,caption\n0.png,a red one\n", "single.csv"))
    few = str(write(folder, "image,caption\n2.png,a red one\n3.png,a red two\n", "few.csv"))
    nine = str(write(folder, "image,caption\n" + TEN.partition("\n")[2], "nine.csv"))
    ten = str(write(folder, f"image,caption\n{TEN}", "ten.csv"))
    assert len(find_splits(train, ten, CONFIG).test) == 10
    with pytest.raises(OptionError, match=r"nine\.csv: 9 images are too few for recall at 10"):
        find_splits(train, nine, CONFIG)
    with pytest.raises(OptionError, match=r"few\.csv: 2 images are too few for recall at 10"):
        find_splits(train, ten, CONFIG, validation=few)
    with pytest.raises(OptionError, match=r"single\.csv: contrastive learning needs two images"):
        find_splits(single, ten, CONFIG)


def test_digits_are_the_same_every_time_and_splits_share_no_scan() -> None:
    assert digit_pairs("test", 50).sha256() == digit_pairs("test", 50).sha256()
    scans = {split: {scan.tobytes() for scan in digits._scans(split)[0]} for split in SHARES}
    assert all(len(found) > 300 for found in scans.values())
    assert not any(scans[one] & scans[other] for one, other in combinations(scans, 2))
    test = digit_pairs("test")
    assert len(test) == PICTURES["test"] == len({row[0] for row in test.texts})
    assert len(tokenize("a red one and a blue two")) == CONTEXT
    assert WORDS[tokenize("a red one")[3]] == "<end>"


def test_the_embedded_model_is_as_accurate_as_it_says() -> None:
    import json
    from importlib.resources import files

    from catx.frontend.clip.metrics import recall

    origin = json.loads(
        files("catx.data").joinpath("clip").joinpath("digits").joinpath("origin.json").read_text()
    )
    found, told = recall(find_clip("digits"), digit_pairs("test")), origin["recall"]["test"]
    assert list(found.image_to_text) == pytest.approx(told["image_to_text"], abs=0.003)
    assert list(found.text_to_image) == pytest.approx(told["text_to_image"], abs=0.003)
    assert found.mean_at_1 > 0.95


def shard(path: Path, samples: dict[str, tuple[bytes, str | None]]) -> str:
    with tarfile.open(path, "w") as tar:
        for key, (image, text) in samples.items():
            files = {f"{key}.png": image} | ({f"{key}.txt": text.encode()} if text is not None else {})
            for name, data in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return str(path)


def test_pairs_of_shards(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = [(folder / f"{number}.png").read_bytes() for number in range(16)]
    shard(folder / "a-0.tar", {"0": (images[0], "a red one"), "1": (b"no picture", "a red two")})
    shard(
        folder / "a-1.tar",
        {"0": (images[1], "a blue two"), "2": (images[2], None), "3": (images[3], "a red six")},
    )
    found = ShardPairs(str(folder / "a-{0..1}.tar"), CONFIG)
    assert (len(found), found.broken, found.uncaptioned) == (3, 1, 1)
    texts, owners = found.captions()
    assert owners.tolist() == [0, 1, 2]
    assert texts[1].tolist() == tokenize("a blue two")
    plain = CsvPairs(
        write(folder, "image,caption\n0.png,a red one\n1.png,a blue two\n3.png,a red six\n"), CONFIG
    )
    assert torch.equal(torch.cat(list(found.images(2))), torch.cat(list(plain.images(2))))
    one, again = ([batch.texts.tolist() for batch in found.batches(3, seed=4)] for _ in range(2))
    assert one == again
    assert sorted(map(tuple, one[0])) == sorted(map(tuple, texts.tolist()))
    head = found.head(2)
    assert (len(head), head.name) == (2, f"{found.name}, first 2")
    assert torch.equal(torch.cat(list(head.images(1))), torch.cat(list(plain.images(3)))[:2])
    assert sorted(head.identities().values()) == sorted(found.identities().values())[:2]
    with monkeypatch.context() as patch:
        patch.setenv("RANK", "1")
        patch.setenv("WORLD_SIZE", "2")
        assert len(list(found.images(1))) == 3
    assert found.sha256() == ShardPairs(str(folder / "a-{0..1}.tar"), CONFIG).sha256()
    other = shard(folder / "b.tar", {str(at): (images[at], "a red one") for at in range(6, 16)})
    mixed = shard(folder / "c.tar", {"7": (images[0], "a red one")})
    assert len(find_splits(str(folder / "a-{0..1}.tar"), other, CONFIG).test) == 10
    with pytest.raises(OptionError, match=r"train and test share 1 image: .* 0 is .* 7"):
        find_splits(str(folder / "a-{0..1}.tar"), mixed, CONFIG)
    with pytest.raises(OptionError, match=r"train and test share 3 images: .*, and others"):
        find_splits(str(folder / "a-{0..1}.tar"), str(folder / "data.csv"), CONFIG)
    with pytest.raises(OptionError, match="no such shard"):
        ShardPairs(str(folder / "a-{0..2}.tar"), CONFIG)
    with pytest.raises(OptionError, match=r"a-0\.tar: the shard is named twice"):
        ShardPairs(str(folder / "{a-0,a-1,a-0}.tar"), CONFIG)
    empty = shard(folder / "d.tar", {"7": (b"x", "a red one")})
    with pytest.raises(OptionError, match=r"no sample .*: 1 have no image that can be read"):
        len(ShardPairs(empty, CONFIG))


def test_shards_without_captions_say_so(folder: Path) -> None:
    image = [(folder / f"{number}.png").read_bytes() for number in range(4)]
    bare = shard(folder / "bare.tar", {str(at): (image[at], None) for at in range(3)})
    with pytest.raises(
        OptionError, match=r"bare\.tar: no sample .*: 3 have no caption \(txt, caption, text\)"
    ):
        len(ShardPairs(bare, CONFIG))
    files = [("0.png", image[0]), ("0.txt", b"a red one"), ("1.png", image[1]), ("1.txt", b"a \xff\xfe two")]
    files += [("2.png", image[2]), ("2.txt", b" \n"), ("3.png", b"none"), ("3.txt", "ein Grün".encode())]
    found = ShardPairs(tar(folder / "mixed.tar", files), CONFIG)
    assert (len(found), found.uncaptioned, found.broken) == (1, 2, 1)
    with pytest.raises(OptionError, match=r"no such shard\n  hint: shards are named by braces"):
        ShardPairs(str(folder / "mi*.tar"), CONFIG)


def tar(path: Path, files: list[tuple[str, bytes]]) -> str:
    with tarfile.open(path, "w") as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return str(path)


def test_samples_of_one_name_would_shift_captions(folder: Path) -> None:
    image = [(folder / f"{number}.png").read_bytes() for number in range(3)]
    one, two = (("x/0.png", image[0]), ("x/0.txt", b"a red one")), (("1.png", image[1]), ("1.txt", b"a two"))
    again = (("x/0.PNG", image[2]), ("x/0.txt", b"a red six"))
    ok = tar(folder / "ok.tar", [*one, *two])
    assert len(ShardPairs(ok, CONFIG)) == 2
    for name, files, message in (
        ("a.tar", [*one, *two, *again], "two files of the shard are called 'x/0.PNG'"),
        ("b.tar", [*one, *again], "two files of the shard are called 'x/0.PNG'"),
        ("c.tar", [*one, *two, ("x/0.jpg", image[2]), ("x/0.caption", b"a red six")], "samples .* 'x/0'"),
    ):
        tar(folder / name, files)
        with pytest.raises(OptionError, match=rf"/{name}: two .*{message.removeprefix('two ')}"):
            len(ShardPairs(f"{ok}::{folder / name}", CONFIG))
        with pytest.raises(OptionError, match="names of their own"):
            ShardPairs(str(folder / name), CONFIG).head(1)


def test_damaged_shards_name_the_shard_and_lose_nothing(folder: Path) -> None:
    image = [(folder / f"{number}.png").read_bytes() for number in range(3)]
    samples: dict[str, tuple[bytes, str | None]] = {str(at): (image[at], "a red one") for at in range(3)}
    ok = shard(folder / "ok.tar", samples)
    data, two = Path(ok).read_bytes(), Path(shard(folder / "two.tar", samples)).read_bytes()
    with tarfile.open(ok) as archive:
        last = archive.getmembers()[-2]
    junk = bytearray(data)
    junk[last.offset : last.offset + 100] = b"j" * 100
    for packed in (bytes, gzip.compress, bz2.compress, lzma.compress):
        Path(ok).write_bytes(packed(data))
        assert len(ShardPairs(ok, CONFIG)) == 3
    damaged = {
        "empty": b"",
        "junk": b"junk" * 1000,
        "zeros": b"\0" * 511,
        "cut in a header": data[: last.offset + 100],
        "cut between files": data[: last.offset],
        "cut in a file": data[: last.offset_data + 10],
        "a header of junk": bytes(junk),
        "one after another": data + two,
        "cut gz": gzip.compress(data)[:-1000],
        "gz head": gzip.compress(data)[:3],
        "gz sum": gzip.compress(data)[:-8] + b"\0" * 8,
        "cut bz2": bz2.compress(data)[:-1000],
        "cut xz": lzma.compress(data)[:-1000],
    }
    for name, held in damaged.items():
        (folder / f"{name}.tar").write_bytes(held)
        found = ShardPairs(f"{ok}::{folder / name}.tar", CONFIG)
        with pytest.raises(
            OptionError, match=rf"/{name}\.tar: a damaged shard: [^<]+\n  hint: fetch or write"
        ):
            len(found)
    wrong = lzma.compress(data)
    for at in range(20, len(wrong), len(wrong) // 40):
        (folder / "wrong.tar").write_bytes(wrong[:at] + bytes([wrong[at] ^ 255]) + wrong[at + 1 :])
        with pytest.raises(OptionError, match=r"/wrong\.tar: a damaged shard: "):
            len(ShardPairs(str(folder / "wrong.tar"), CONFIG))
    found = ShardPairs(ok, CONFIG)
    assert len(found) == 3
    Path(ok).write_bytes(data[:-3000][: last.offset_data + 10])
    with pytest.raises(OptionError, match=r"/ok\.tar: a damaged shard: unexpected end of data"):
        list(found.images(3))
