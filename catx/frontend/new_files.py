"""Files that must not be there yet: nothing is overwritten."""

from collections.abc import Iterable
from pathlib import Path

from catx.errors import Loc, OutputError


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
