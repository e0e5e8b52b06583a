"""One writer for a file: a lock beside it that ends with the process that holds it, however it ends."""

import os
import weakref
from pathlib import Path

from catx.errors import Loc, OptionError, OutputError
from catx.file_lock import HAS_LOCKS, take


class WriterLock:
    """Who may write a file.

    The lock is on a file of its own, FILE.lock: SQLite has locks on the file itself, which a process loses
    when it closes any handle of it. On a system without locks two runs of one file are not told apart.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Args:
            path: of the file that is to be written.

        Raises:
            OptionError: another one has it.
            OutputError: it cannot be made.
        """
        if not HAS_LOCKS:
            return
        beside = path.with_name(f"{path.name}.lock")
        try:
            held = take(beside)
        except BlockingIOError:
            raise OptionError(
                "another run is writing to it",
                loc=Loc(str(path)),
                hint="wait until that run ends, or name another file with -o",
            ) from None
        except OSError as error:
            raise OutputError(f"cannot be written: {error.strerror}", loc=Loc(str(beside))) from None
        self._release = weakref.finalize(self, _let_go, held, beside, os.getpid())

    def release(self) -> None:
        """Let others write; more than once is once."""
        if HAS_LOCKS:
            self._release()


def _let_go(handle: int, path: Path, owner: int) -> None:
    if os.getpid() == owner:  # else this is a fork of the one that holds it
        path.unlink(missing_ok=True)
    os.close(handle)
