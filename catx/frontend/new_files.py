"""Files that must not be there yet: nothing is overwritten, and their place is kept while work goes on."""

import os
import platform
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catx.errors import Loc, OutputError

TAKEN = ".catx-writing"
"""In a folder that some process is going to write into; it names that process."""

_MARK = re.compile(r"process (\d+) on (.*)\n")


def check_new(folder: Path, names: Iterable[str]) -> None:
    """Check that a folder holds none of the files.

    Raises:
        OutputError: it does, or is no folder.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError("is a file, not a folder", loc=Loc(str(folder)))
    for name in names:
        if (folder / name).exists():
            hint = "give another folder to -o"
            raise OutputError(
                "exists already: nothing is overwritten", loc=Loc(str(folder / name)), hint=hint
            )


@contextmanager
def kept_free(folder: Path, names: Iterable[str]) -> Iterator[None]:
    """Make a folder, and keep other processes of catx from writing these files into it, while work goes on.

    A folder that is empty in the end is removed. The mark of a process of this machine that is no more is
    taken over. An interrupt is told which of the files are there by then.

    Raises:
        OutputError: one of the files is there, the folder cannot be made or written to, or another process
            is going to write into it.
    """
    names = tuple(names)
    check_new(folder, names)
    mark = folder / TAKEN
    try:
        made = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        _mark(mark)
    except OSError as error:
        raise OutputError(f"cannot be written to: {error.strerror}", loc=Loc(str(folder))) from None
    try:
        check_new(folder, names)  # a process that has ended since may have written them
        yield
    except KeyboardInterrupt as stopped:
        if there := [name for name in names if (folder / name).exists()]:
            stopped.add_note(f"{', '.join(there)} stay in {folder}: give another folder to -o next time")
        raise
    finally:
        mark.unlink(missing_ok=True)
        for one in made:
            with suppress(OSError):  # it holds results
                one.rmdir()


def _mark(mark: Path) -> None:
    """Put the mark of this process into a folder.

    Raises:
        OutputError: that of another one is there, which may be alive.
    """
    own = f"process {os.getpid()} on {platform.node()}\n"
    try:
        with mark.open("x", encoding="utf-8") as file:
            file.write(own)
    except FileExistsError:
        if not _taken_over(mark, own):
            raise OutputError(
                "another process is going to write into this folder",
                loc=Loc(str(mark.parent)),
                hint=f"give another folder to -o; if that process is no more, remove {mark}",
            ) from None


def _taken_over(mark: Path, own: str) -> bool:
    """Write this process into the mark of one that is no more; False where that may be alive."""
    if os.name != "posix":
        return False  # there, no process can be asked for without being ended
    import fcntl

    try:
        with mark.open("r+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # of two that find it, one gets it
            same = os.path.samestat(os.fstat(file.fileno()), mark.stat())  # not removed since
            if not same or not _is_over(file.read()):
                return False
            file.seek(0)
            file.truncate()
            file.write(own)
    except (FileNotFoundError, BlockingIOError):
        return False
    return True


def _is_over(text: str) -> bool:
    """Whether a mark is of a process of this machine that is no more."""
    found = _MARK.fullmatch(text)
    if found is None or found[2] != platform.node():
        return False
    try:
        os.kill(int(found[1]), 0)  # asks, and sends nothing
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # it is another user's
        return False
    return False
