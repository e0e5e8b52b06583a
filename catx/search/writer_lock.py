"""One writer for a file: a lock beside it that ends with the process that holds it, however it ends."""

import os
import weakref
from pathlib import Path

from catx.errors import Loc, OptionError, OutputError

try:
    import fcntl
except ImportError:  # not a POSIX system: two runs of one file are not told apart there
    fcntl = None  # type: ignore[assignment]


class WriterLock:
    """Who may write a file.

    The lock is on a file of its own, FILE.lock: SQLite has locks on the file itself, which a process loses
    when it closes any handle of it. It is removed when the lock is released; one that a killed process left
    is as good as none.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock.

        Args:
            path: of the file that is to be written.

        Raises:
            OptionError: another one has it.
            OutputError: it cannot be made.
        """
        if fcntl is None:
            return
        beside = path.with_name(f"{path.name}.lock")
        try:
            held = _take(beside)
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
        if fcntl is not None:
            self._release()


def _take(path: Path) -> int:
    """A handle of a lock file, locked."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            there = path.stat()
        except FileNotFoundError:
            os.close(handle)  # its last holder removed it meanwhile
            continue
        except OSError:
            os.close(handle)
            raise
        if os.path.samestat(there, os.fstat(handle)):
            return handle
        os.close(handle)


def _let_go(handle: int, path: Path, owner: int) -> None:
    if os.getpid() == owner:  # else this is a fork of the one that holds it
        path.unlink(missing_ok=True)
    os.close(handle)
