"""Short work that a signal must not break off: it is heard, and acts when the work is done."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def unbroken() -> Iterator[None]:
    """Within, Ctrl-C and SIGTERM wait for the end of the block; then their own handlers get them.

    Nothing to do in other threads than the main one: Python runs no handlers there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard: list[int] = []

    def hear(number: int, _frame: FrameType | None) -> None:
        heard.append(number)

    # None: a handler that Python did not set, and cannot put back
    handlers = {one: handler for one in SIGNALS if (handler := signal.getsignal(one)) is not None}
    for one in handlers:
        signal.signal(one, hear)
    try:
        yield
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
        if heard:
            signal.raise_signal(heard[0])
