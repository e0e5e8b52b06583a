"""Libraries that warn of what catx says itself."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet(*loggers: str) -> Iterator[None]:
    """Nothing of these loggers is shown; an empty name is the root logger."""
    found = [logging.getLogger(name) for name in loggers]
    levels = [one.level for one in found]
    for one in found:
        one.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for one, level in zip(found, levels, strict=True):
            one.setLevel(level)
