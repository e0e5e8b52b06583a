"""Result files appear whole or not at all, and nothing of the user's is ever replaced."""

import errno
import os
from pathlib import Path

import pytest

from catx.errors import OutputError
from catx.tools.outputs import MARKS, WRITTEN, check_folder, write_files

FILES = {name: mark.decode() + "...\n" for name, mark in MARKS.items()}


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.name != WRITTEN}


def test_files_are_written_and_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    write_files(folder, FILES)
    assert content(folder) == FILES
    (folder / "mine.txt").write_text("mine")
    newer = {name: text + "newer\n" for name, text in FILES.items()}
    write_files(folder, newer)
    assert content(folder) == newer | {"mine.txt": "mine"}


def test_what_the_user_changed_stays(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    edited = FILES["mapping.yaml"] + "# my edit\n"
    (tmp_path / "mapping.yaml").write_text(edited)
    with pytest.raises(OutputError, match=r"mapping\.yaml: exists, and is not as catx wrote it"):
        write_files(tmp_path, FILES | {"report.json": FILES["report.json"] + "newer"})
    assert content(tmp_path) == FILES | {"mapping.yaml": edited}
    write_files(tmp_path, {"report.json": FILES["report.json"] + "newer"})
    (tmp_path / "mapping.yaml").unlink()
    write_files(tmp_path, FILES)
    (tmp_path / WRITTEN).write_text("damaged")
    with pytest.raises(OutputError, match="not as catx wrote it"):
        write_files(tmp_path, FILES)


def test_files_get_the_usual_permissions(tmp_path: Path) -> None:
    write_files(tmp_path, FILES)
    (tmp_path / "usual").write_text("")
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize("name", MARKS)
@pytest.mark.parametrize("mine", ["", "mine\n", '{"schema": "other/1"}'])
def test_files_of_the_user_stay(tmp_path: Path, name: str, mine: str) -> None:
    (tmp_path / name).write_text(mine)
    with pytest.raises(OutputError, match="not written by catx"):
        write_files(tmp_path, FILES)
    assert content(tmp_path) == {name: mine}


def test_links_and_folders_stay(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text(FILES["report.json"])
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.json").symlink_to(target)
    with pytest.raises(OutputError, match="not written by catx"):
        write_files(folder, FILES)
    (folder / "report.json").unlink()
    (folder / "layers.csv").mkdir()
    with pytest.raises(OutputError, match="not written by catx"):
        write_files(folder, FILES)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, FILES)
    calls = []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_files(tmp_path, {name: text + "newer" for name, text in FILES.items()})
    assert content(tmp_path) == FILES


def test_an_interrupt_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(handle: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_files(tmp_path, FILES)
    assert content(tmp_path) == {}


def test_folders_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300), Path("/proc/x")):
        with pytest.raises(OutputError):
            write_files(folder, FILES)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="cannot write into"):
        check_folder(tmp_path)


def test_checking_changes_nothing(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b")
    assert content(tmp_path) == {}
