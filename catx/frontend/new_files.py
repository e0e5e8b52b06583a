"""Files that must not be there yet: nothing is overwritten, and their place is kept while work goes on."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from catx.errors import Loc, OutputError

TAKEN = ".catx-writing"
"""In a folder that some process is going to write into."""


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

    A folder that is empty in the end is removed.

    Raises:
        OutputError: one of the files is there, the folder cannot be made or written to, or another process
            is going to write into it.
    """
    check_new(folder, names)
    mark = folder / TAKEN
    try:
        made = [one for one in (folder, *folder.parents) if not one.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with mark.open("x") as file:
            file.write(f"process {os.getpid()}\n")
    except FileExistsError:
        raise OutputError(
            "another process is going to write into this folder",
            loc=Loc(str(folder)),
            hint=f"give another folder to -o; if that process is no more, remove {mark}",
        ) from None
    except OSError as error:
        raise OutputError(f"cannot be written to: {error.strerror}", loc=Loc(str(folder))) from None
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)
        for one in made:
            with suppress(OSError):  # it holds results
                one.rmdir()
