"""Ctrl-C while compiled code works: it ends the process at once, as that code cannot be interrupted."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from catx.tools.streams import tell

INTERRUPTED = 130
"""Exit code: 128 + the signal's number, as shells report it."""


@contextmanager
def ends_at_once(tidy: Callable[[], None]) -> Iterator[None]:
    """Within, Ctrl-C tidies up and ends the process, instead of waiting half a minute for worker threads.

    For work that writes nothing of the user's: files of the cache are whole or not there at any time. A
    handler of whoever called catx stays.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def end(_signal: int, _frame: FrameType | None) -> None:
        tidy()
        tell("interrupted")
        os._exit(INTERRUPTED)

    signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
