"""Read a text file that a user names: regular, bounded, UTF-8."""

import errno
import os
import stat
from pathlib import Path

from catx.errors import Loc, SpecError
from catx.frontend.file_kind import HEAD_BYTES, Kind, check_head


def is_missing(path: str | Path) -> bool:
    """Whether there is nothing of that name. What may not be looked at counts as there: reading tells why."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a null character
        return True
    except OSError as error:
        return error.errno == errno.ENAMETOOLONG
    return False


def read_text(path: str | Path, max_bytes: int, wanted: Kind) -> str:
    """The text of a file.

    Raises:
        SpecError: there is no such regular file, it cannot be read, looks like another kind of file, is too
            large, or is not UTF-8 text.
    """
    name = os.fspath(path)
    if not name:
        raise SpecError("an empty path names no file")
    loc = Loc(name)
    try:
        if not stat.S_ISREG(os.stat(name).st_mode):
            raise SpecError("not a regular file", loc=loc)
        with open(name, "rb") as stream:
            data = stream.read(max_bytes + 1)
    except FileNotFoundError:
        raise SpecError("no such file", loc=loc) from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SpecError(f"cannot be read: {reason}", loc=loc) from None
    check_head(name, data[:HEAD_BYTES], wanted)
    if len(data) > max_bytes:
        raise SpecError(f"the file is larger than {max_bytes} bytes", loc=loc)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"not UTF-8 text (byte {error.start})", loc=loc) from None
