"""Ctrl-C and SIGTERM: compiled code ends at once, as it cannot be interrupted; other work ends in order."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from catx.tools.streams import tell

INTERRUPTED = 130
TERMINATED = 143
"""Exit codes: 128 + the signal's number, as shells report it."""


class Terminated(KeyboardInterrupt):  # noqa: N818 - as its base, it is no error
    """SIGTERM, within `ends_in_order`."""


def exit_code(stopped: KeyboardInterrupt) -> int:
    """What a process that was stopped ends with."""
    return TERMINATED if isinstance(stopped, Terminated) else INTERRUPTED


def tell_interrupted(stopped: KeyboardInterrupt) -> None:
    """Say that work was broken off, and what is left of it."""
    tell("terminated" if isinstance(stopped, Terminated) else "interrupted")
    for note in getattr(stopped, "__notes__", ()):
        tell(note)


@contextmanager
def ends_at_once(tidy: Callable[[], None]) -> Iterator[None]:
    """Within, Ctrl-C tidies up and ends the process, instead of waiting half a minute for worker threads.

    For work that writes nothing of the user's: files of the cache are whole or not there at any time. A
    handler of whoever called catx stays.
    """
    if not _is_ours(signal.SIGINT, signal.default_int_handler):
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


@contextmanager
def ends_in_order() -> Iterator[None]:
    """Within, SIGTERM is an exception as Ctrl-C is, so that what was begun is tidied up.

    A second signal while that goes on ends the process at once. Handlers of whoever called catx stay.
    """
    defaults = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    ours = [one for one, default in defaults.items() if _is_ours(one, default)]
    stopped = False

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        if stopped:
            os._exit(128 + number)
        stopped = True
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    for one in ours:
        signal.signal(one, stop)
    try:
        yield
    finally:
        for one in ours:
            signal.signal(one, defaults[one])


def _is_ours(number: signal.Signals, default: object) -> bool:
    """Whether a signal has nobody else's handler, and this thread may set one."""
    return threading.current_thread() is threading.main_thread() and signal.getsignal(number) == default
