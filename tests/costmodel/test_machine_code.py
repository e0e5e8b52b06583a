"""Kernels' machine code on disk: it is found again; what happens to its files costs time, not results."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from catx import content_cache
from catx.costmodel.jit import kernel
from catx.costmodel.kernel_cache import SHELF

TOY = """
import sys, types
from catx.costmodel.jit import kernel

module = sys.modules["catx.costmodel.toy_kernel"] = types.ModuleType("catx.costmodel.toy_kernel")
exec("def scaled(x):\\n    return x * 2", module.__dict__)
scaled = kernel(module.scaled)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "cache"
    monkeypatch.setenv("CATX_CACHE_DIR", str(folder))
    yield folder
    if folder.is_dir():
        folder.chmod(0o755)


def toy() -> Any:
    """A new kernel without code in memory, as another process would have it."""
    scope: dict[str, Any] = {}
    exec(TOY, scope)
    return scope["scaled"]


def hits(function: Any) -> int:
    return sum(function.stats.cache_hits.values())


def the_file() -> Path:
    (path,) = (SHELF.folder / "costmodel").iterdir()
    return path


def test_code_is_found_again() -> None:
    first = toy()
    assert (first(21), hits(first)) == (42, 0)
    again = toy()
    assert (again(21), hits(again)) == (42, 1)
    assert (again(1.5), hits(again)) == (3.0, 1)  # other types, other code
    assert sorted(path.suffix for path in (SHELF.folder / "costmodel").iterdir()) == [".nbc", ".nbc"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:30],
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :],
        lambda data: b"\xff" * len(data),
        lambda data: data + b"x",
    ],
    ids=["empty", "head", "cut", "bit", "junk", "longer"],
)
def test_damaged_code_is_compiled_again(damage: Callable[[bytes], bytes]) -> None:
    toy()(21)
    whole = the_file().read_bytes()
    the_file().write_bytes(damage(whole))
    mended = toy()
    assert (mended(21), hits(mended)) == (42, 0)
    again = toy()
    assert (again(21), hits(again)) == (42, 1)


def test_code_under_another_name_is_not_run() -> None:
    toy()(21)
    code = the_file().read_bytes()
    place = the_file()
    place.unlink()
    toy()(1.5)
    the_file().write_bytes(code)  # code for integers where that for floats is looked for
    other = toy()
    assert (other(1.5), hits(other)) == (3.0, 0)


def test_a_file_in_place_of_the_folder(cache: Path) -> None:
    cache.write_text("mine")
    assert [toy()(21), toy()(1.5)] == [42, 3.0]
    assert cache.read_text() == "mine"


def test_a_folder_in_place_of_the_file() -> None:
    toy()(21)
    place = the_file()
    place.unlink()
    place.mkdir()
    assert toy()(21) == 42
    assert list((SHELF.folder / "costmodel").iterdir()) == [place]


def test_a_folder_that_may_not_be_written(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.mkdir()
    cache.chmod(0o555)
    if os.geteuid() == 0:  # whom the mode does not stop

        def refuse(**_: Any) -> tuple[int, str]:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(content_cache.tempfile, "mkstemp", refuse)
    assert [toy()(21), toy()(1.5)] == [42, 3.0]
    left = [path for path in cache.rglob("*") if path.is_file() or os.geteuid() != 0]
    assert not left


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(content_cache.os, "replace", full)
    assert toy()(21) == 42
    assert list((SHELF.folder / "costmodel").iterdir()) == []


def test_processes_that_compile_at_once(cache: Path) -> None:
    command = [sys.executable, "-c", TOY + "print(scaled(21), scaled(1.5))"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [process.communicate(timeout=60)[0] for process in running] == ["42 3.0\n"] * 3
    assert len(list((SHELF.folder / "costmodel").iterdir())) == 2
    after = toy()
    assert (after(21), after(1.5), hits(after)) == (42, 3.0, 2)


def test_code_can_be_forgotten() -> None:
    function = toy()
    function(21)
    function.recompile()
    assert (function(21), hits(function)) == (42, 0)


def test_kernels_live_in_kernel_files() -> None:
    def scaled(x: float) -> float:
        return x * 2

    with pytest.raises(AssertionError, match="the cache folder is named after"):
        kernel(scaled)
