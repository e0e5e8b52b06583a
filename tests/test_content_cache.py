"""The cache on disk: what was saved comes back, what is damaged does not, other code has other entries."""

import json
from math import inf
from pathlib import Path

import pytest

from catx import content_cache
from catx.content_cache import Shelf, code_digest

SHELF = Shelf("things", ("errors.py",))
DATA = {"list": [1, 2.5, inf, "x", None], "text": "\u00e9\n"}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CATX_CACHE_DIR", str(tmp_path / "cache"))


def _only_file() -> Path:
    (path,) = SHELF.folder.iterdir()
    return path


def test_what_was_saved_comes_back() -> None:
    assert SHELF.load("key") is None
    SHELF.save("key", DATA)
    assert SHELF.load("key") == DATA
    assert SHELF.load("other key") is None
    SHELF.save("key", [])
    assert SHELF.load("key") == []


def test_every_damage_is_noticed() -> None:
    SHELF.save("key", DATA)
    whole = _only_file().read_bytes()
    for end in range(len(whole)):
        _only_file().write_bytes(whole[:end])
        assert SHELF.load("key") is None
    for place in range(len(whole)):
        _only_file().write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert SHELF.load("key") is None
    _only_file().write_bytes(whole + b" ")
    assert SHELF.load("key") is None


def test_a_cache_that_cannot_be_used_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    SHELF.save("key", DATA)
    assert SHELF.load("key") is None


def test_nothing_is_left_of_a_failed_write(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, target: Path) -> None:
        raise PermissionError(f"{source} {target}")

    monkeypatch.setattr(content_cache.os, "replace", refuse)
    SHELF.save("key", DATA)
    assert list(SHELF.folder.iterdir()) == []


def test_other_code_and_other_libraries_have_other_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content_cache, "_PACKAGE", tmp_path)
    file = tmp_path / "room.py"
    folders = set()
    for text in ("one", "two"):
        file.write_text(text)
        for number in ("1.0", "2.0"):
            monkeypatch.setattr(content_cache, "version", lambda name, number=number: f"{name} {number}")
            code_digest.cache_clear()
            folders.add(Shelf("things", ("*.py",), ("library",)).folder)
    code_digest.cache_clear()
    assert len(folders) == 4


def test_a_pattern_without_files_is_a_bug() -> None:
    with pytest.raises(AssertionError, match="no file matches"):
        Shelf("things", ("no-such-room/*.py",)).load("key")


def test_files_hold_a_seal_and_json() -> None:
    SHELF.save("key", DATA)
    assert json.loads(_only_file().read_bytes().split(b"\n", 1)[1]) == DATA
