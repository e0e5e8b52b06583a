"""A lock that is a file: it ends with the process that holds it, however that ends."""

import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

HAS_LOCKS = fcntl is not None
"""Whether `take` works on this system."""


def take(path: Path) -> int:
    """A handle of a lock file, made if it is not there and locked until the handle is closed.

    Who lets go removes the file first: one that a dead process left is as good as none.

    Raises:
        BlockingIOError: another one holds it.
        OSError: it cannot be made, or its file system has no locks.
    """
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
