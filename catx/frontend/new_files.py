"""Files that must not be there yet: nothing is overwritten, and their place is kept while work goes on."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from catx.errors import Loc, OutputError
from catx.file_lock import HAS_LOCKS, take

TAKEN = ".catx-writing"
"""In a folder that some process is going to write into. One that a dead process left is taken over."""


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

    A folder that is empty in the end is removed. An interrupt is told which of the files are there by then.

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
        held = _held(mark)
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
        held.close()
        for one in made:
            with suppress(OSError):  # it holds results
                one.rmdir()


def _held(mark: Path) -> IO[bytes]:
    """The mark of this process, locked while it is open: the lock ends with the process, however that ends.

    Raises:
        OutputError: another process holds it.
        OSError: it cannot be written, or its file system has no locks.
    """
    if not HAS_LOCKS:
        return _new(mark)
    try:
        return os.fdopen(take(mark), "ab")
    except BlockingIOError:
        raise _taken(mark, "give another folder to -o") from None


def _new(mark: Path) -> IO[bytes]:
    """A mark where files have no locks that let them be removed: it must be new."""
    try:
        file = mark.open("xb")
    except FileExistsError:
        hint = f"give another folder to -o; if that process is no more, remove {mark}"
        raise _taken(mark, hint) from None
    file.close()
    return file


def _taken(mark: Path, hint: str) -> OutputError:
    return OutputError(
        "another process is going to write into this folder", loc=Loc(str(mark.parent)), hint=hint
    )
