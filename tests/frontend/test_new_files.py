from pathlib import Path

import pytest

from catx.errors import OutputError
from catx.frontend.new_files import TAKEN, check_new, kept_free


def test_a_place_is_kept_for_one(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with kept_free(folder, ["x"]):
        with (
            pytest.raises(OutputError, match="another process is going to write") as raised,
            kept_free(folder, ["x"]),
        ):
            pass
        assert TAKEN in raised.value.hint
        (folder / "x").write_text("mine")
    assert [path.name for path in folder.iterdir()] == ["x"]
    with pytest.raises(OutputError, match="nothing is overwritten"), kept_free(folder, ["x"]):
        pass
    assert (folder / "x").read_text() == "mine"


def test_a_folder_without_results_is_not_left_behind(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), kept_free(tmp_path / "a" / "b", ["x"]):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    with kept_free(tmp_path / "mine", ["x"]):
        pass
    assert (tmp_path / "mine").is_dir()


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (Path("/proc/none/x"), tmp_path / "file" / "sub"):
        with pytest.raises(OutputError, match="cannot be written to"), kept_free(place, ["x"]):
            pass
    with pytest.raises(OutputError, match="is a file"):
        check_new(tmp_path / "file", [])
