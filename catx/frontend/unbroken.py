"""Short work that Ctrl-C must not break off: it is heard, and acts when the work is done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def unbroken() -> Iterator[None]:
    """Within, Ctrl-C waits for the end of the block; then its own handler gets it.

    Nothing to do in other threads than the main one: Python runs no handlers there.
    """
    own = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or own is None:  # None: not set by Python
        yield
        return
    heard = False

    def hear(_number: int, _frame: FrameType | None) -> None:
        nonlocal heard
        heard = True

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, own)
        if heard:
            signal.raise_signal(signal.SIGINT)
