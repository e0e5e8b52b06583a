import signal
import subprocess
import sys
from pathlib import Path

import pytest

from catx.errors import OutputError
from catx.frontend.new_files import TAKEN, check_new, kept_free

ROOT = Path(__file__).parents[2]


def test_a_place_is_kept_for_one(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with kept_free(folder, ["x"]):
        with pytest.raises(OutputError, match="another process is going to write"), kept_free(folder, ["x"]):
            pass
        assert (folder / TAKEN).exists()
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


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_place_of_a_process_that_was_killed_is_taken_over(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "a"
    work = (
        "import sys, time\nfrom pathlib import Path\nfrom catx.frontend.new_files import kept_free\n"
        "with kept_free(Path(sys.argv[1]), ['x']):\n    print('at work', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", work, str(folder)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "at work\n"
        with pytest.raises(OutputError, match="another process is going to write"), kept_free(folder, ["x"]):
            pass
        other.send_signal(number)
    assert (folder / TAKEN).exists()
    with kept_free(folder, ["x"]):
        (folder / "x").write_text("mine")
    assert [path.name for path in folder.iterdir()] == ["x"]


def test_an_interrupt_takes_the_mark_away_and_tells_what_stays(tmp_path: Path) -> None:
    def work(*written: str) -> None:
        with kept_free(tmp_path / "a", ["x", "y"]):
            for name in written:
                (tmp_path / "a" / name).write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        work()
    assert not (tmp_path / "a").exists()
    assert not hasattr(raised.value, "__notes__")
    with pytest.raises(KeyboardInterrupt) as raised:
        work("y")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["y"]
    assert raised.value.__notes__ == [f"y stay in {tmp_path / 'a'}: give another folder to -o next time"]


def test_places_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (Path("/proc/none/x"), tmp_path / "file" / "sub"):
        with pytest.raises(OutputError, match="cannot be written to"), kept_free(place, ["x"]):
            pass
    with pytest.raises(OutputError, match="is a file"):
        check_new(tmp_path / "file", [])
