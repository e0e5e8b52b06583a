"""Standard output and standard error: the only places where catx writes for people to read."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from catx.errors import CatxError, OutputError
from catx.tools.human import printable

_PLAIN = str.maketrans({"\u2500": "-", "\u2026": "~"})
_RED, _YELLOW, _RESET = "\x1b[1;31m", "\x1b[33m", "\x1b[0m"


def emit(text: str) -> None:
    """Write a result to standard output, all of it.

    Raises:
        OutputError: the text cannot be written. A reader that has gone away is a BrokenPipeError instead.
    """
    with writes_output():
        assert sys.stdout is not None
        sys.stdout.write(_encodable(text if text.endswith("\n") else text + "\n", sys.stdout))


@contextmanager
def writes_output() -> Iterator[None]:
    """Turn what goes wrong while standard output is written to into the error that `emit` tells of."""
    if sys.stdout is None:
        raise OutputError("standard output is closed")
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        _silence(sys.stdout)
        raise OutputError(f"cannot write to standard output: {error.strerror}") from None


def tell(text: str) -> None:
    """Write a line about the work to standard error; a closed one is no reason to stop."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(_encodable(text + "\n", sys.stderr))
        sys.stderr.flush()
    except OSError:
        _silence(sys.stderr)


def tell_error(error: CatxError) -> None:
    """Write one block: file, place, what, hint."""
    red, reset = (_RED, _RESET) if has_color(sys.stderr) else ("", "")
    body = "\n".join(printable(line) for line in str(error).split("\n"))
    tell(f"{red}error:{reset} {body}")


def tell_note(text: str) -> None:
    """Write something that a reader must know beside the result."""
    yellow, reset = (_YELLOW, _RESET) if has_color(sys.stderr) else ("", "")
    tell(f"{yellow}note:{reset} {printable(text)}")


def has_color(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal that may be coloured (https://no-color.org)."""
    if stream is None or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return is_terminal(stream)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person reads along."""
    return stream is not None and not stream.closed and stream.isatty()


def can_redraw(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal that can move its cursor, as a bar that grows needs."""
    return is_terminal(stream) and os.environ.get("TERM") not in ("dumb", "unknown")


def drop_output() -> None:
    """Send what is still unwritten nowhere, so that the interpreter ends in silence."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            _silence(stream)


def _silence(stream: TextIO) -> None:
    """Point the stream's file descriptor at the null device; text in its buffer goes there."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except OSError:  # the stream has no file descriptor: nothing will be flushed at the end
        return


def _encodable(text: str, stream: TextIO) -> str:
    """The text, with what the stream's encoding lacks written as plain characters or escapes."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "backslashreplace").decode(encoding)
    return text
