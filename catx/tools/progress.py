"""Progress on standard error, for work that takes over two seconds."""

import sys
import threading
import time
from contextlib import nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Self

from catx.tools.human import printable
from catx.tools.interrupt import ends_at_once
from catx.tools.streams import can_redraw, has_color, tell

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

PATIENCE_S = 2.0
LINE_EVERY_S = 10.0
_NAME_WIDTH = 48


class Progress:
    """Says nothing for two seconds; then a bar on a terminal, elsewhere a line now and then if there is news.

    A thread waits, so that work which never reports (compiling, reading a large file) is told of too. Ctrl-C
    ends such work at once, unless it has something to tidy up itself.
    """

    def __init__(self, what: str, *, patience_s: float = PATIENCE_S, tidies_up: bool = False) -> None:
        self._what, self._patience_s = what, patience_s
        self._done, self._total = 0, 0
        self._bar: RichProgress | None = None
        self._stopped = threading.Event()
        self._interrupt = nullcontext() if tidies_up else ends_at_once(self._stop)
        self._thread = threading.Thread(target=self._watch, name="catx-progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._interrupt.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interrupt.__exit__(kind, error, trace)
        self._stop()

    def _stop(self) -> None:
        """Take the bar off the terminal."""
        self._stopped.set()
        self._thread.join()

    def phase(self, what: str) -> None:
        """Say what is being done now."""
        self._what, self._done, self._total = what, 0, 0

    def step(self, done: int, total: int, what: str) -> None:
        """Say how far it is; fits as the `progress` argument of the library's functions."""
        self._what, self._done, self._total = what, done, total

    def _watch(self) -> None:
        if self._stopped.wait(self._patience_s):
            return
        if can_redraw(sys.stderr):
            self._show_bar()
        else:
            self._show_lines()

    def _show_lines(self) -> None:
        told = ""
        while True:
            count = f" ({self._done} of {self._total})" if self._done else ""
            line = f"catx: {printable(self._what)}{count} ..."
            if line != told:
                tell(line)
            told = line
            if self._stopped.wait(LINE_EVERY_S):
                return

    def _show_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(stderr=True, no_color=not has_color(sys.stderr))
        text = TextColumn("{task.description}", markup=False)
        columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, auto_refresh=False) as bar:
            task = bar.add_task("", total=None)
            started = time.monotonic() - self._patience_s
            bar.tasks[0].start_time = started
            while not self._stopped.wait(0.1):
                name = printable(self._what)[-_NAME_WIDTH:]
                bar.update(
                    task, description=name, completed=self._done, total=self._total or None, refresh=True
                )
