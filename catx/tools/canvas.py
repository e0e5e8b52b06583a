"""Tables and paragraphs as text: for a terminal of some width, in colour or plain. Rich does the layout."""

import io
import os
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from rich.box import Box
from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from catx.tools.human import printable
from catx.tools.streams import has_color, is_terminal

PIPE_WIDTH = 100
NARROWEST = 40
"""Text is wrapped to the terminal; below this many columns to these."""

_RULE = Box("    \n    \n ── \n    \n    \n ── \n    \n    \n")
_INDENT = (0, 0, 0, 2)
_SHORTEST_NAME = 14
_LONGEST_WORD = 20
_CUT = "\u2026"


@dataclass(frozen=True, slots=True)
class Column:
    """A table column. Numbers stand right and are never cut; text wraps.

    A `name` has one line: those that do not fit lose the beginning that they share, then their middle. Where
    a table does not fit at all, it goes without `spare` columns, those with the largest number first.
    """

    head: str
    number: bool = False
    name: bool = False
    spare: int = 0


class Canvas:
    """Collects paragraphs and tables; `text` is all of it."""

    def __init__(self, width: int, *, color: bool) -> None:
        self.width = max(width, NARROWEST)
        self._file = io.StringIO()
        self._console = Console(
            file=self._file,
            width=self.width,
            force_terminal=color,
            color_system="standard" if color else None,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
        )

    @property
    def text(self) -> str:
        """Everything so far, without blanks at the ends of lines."""
        return "\n".join(line.rstrip() for line in self._file.getvalue().splitlines()) + "\n"

    def title(self, text: str, aside: str = "") -> None:
        """A heading, with a remark in a lighter tone beside it or, for want of room, below it."""
        line = Text(printable(text), style="bold")
        remark = Text(printable(aside), style="not bold dim")
        fits = line.cell_len + remark.cell_len + 2 <= self.width
        self._console.print()
        self._console.print(Text.assemble(line, "  ", remark) if aside and fits else line)
        if aside and not fits:
            self._console.print(Padding(remark, _INDENT))

    def paragraph(self, text: str, style: str = "", *, indent: int = 0) -> None:
        """Wrapped text below a heading, moved in by some columns more."""
        left = min(_INDENT[3] + indent, self.width // 2)
        self._console.print(Padding(Text(printable(text), style=style), (0, 0, 0, left)))

    def facts(self, facts: Iterable[tuple[str, str, str]]) -> None:
        """Name, value and remark, one a line."""
        grid = Table.grid(padding=(0, 3, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, justify="right", style="bold")
        grid.add_column(style="dim", overflow="fold")
        for row in facts:
            grid.add_row(*(Text(printable(cell)) for cell in row))
        self._console.print(Padding(grid, _INDENT))

    def table(
        self, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, total: Sequence[str] = ()
    ) -> list[str]:
        """A table; `total` is its last row. Returns the heads of spare columns for which there is no room."""
        cells = [[printable(cell) for cell in row] for row in (*rows, *([total] if total else []))]
        gap = 2 if self.width >= PIPE_WIDTH else 1
        room = self.width - _INDENT[3]
        whole = columns
        columns, cells = _without_spare(columns, cells, gap, room)
        cells = _cut_names(columns, cells, room - gap * (len(columns) - 1))
        widths = _widths(columns, cells, room - gap * (len(columns) - 1))
        table = Table(
            box=_RULE, padding=(0, gap - 1, 0, 0), pad_edge=False, show_edge=False, show_footer=bool(total)
        )
        footer = cells.pop() if total else [""] * len(columns)
        for column, end, width in zip(columns, footer, widths, strict=True):
            table.add_column(
                Text(column.head, style="bold"),
                Text(end),
                justify="right" if column.number else "left",
                width=width,
                no_wrap=column.number or column.name,
                overflow="fold",
            )
        for row in cells:
            table.add_row(*map(Text, row))
        needed = sum(widths) + gap * (len(widths) - 1) + _INDENT[3]
        self._console.width = max(self.width, needed)  # a table that cannot be narrower is not cut
        self._console.print(Padding(table, _INDENT))
        self._console.width = self.width
        return [column.head for column in whole if column not in columns]


def _without_spare(
    columns: Sequence[Column], rows: list[list[str]], gap: int, room: int
) -> tuple[list[Column], list[list[str]]]:
    """The columns that there is room for, and their cells."""
    widths = [_least(column, [row[i] for row in rows]) for i, column in enumerate(columns)]
    kept = list(range(len(columns)))
    for index in sorted(kept, key=lambda i: -columns[i].spare):
        needed = sum(widths[i] for i in kept) + gap * (len(kept) - 1)
        if needed > room and columns[index].spare:
            kept.remove(index)
    return [columns[i] for i in kept], [[row[i] for i in kept] for row in rows]


def _widths(columns: Sequence[Column], rows: list[list[str]], room: int) -> list[int]:
    """Widths of columns: what they need, or where they do not fit, texts share what numbers leave."""
    cells = [[column.head, *(row[i] for row in rows)] for i, column in enumerate(columns)]
    wanted = [max(map(cell_len, column)) for column in cells]
    widths = [
        width if column.name else _least(column, texts)
        for column, width, texts in zip(columns, wanted, cells, strict=True)
    ]
    left = max(0, room - sum(widths))
    short = sorted((want - width, i) for i, (want, width) in enumerate(zip(wanted, widths, strict=True)))
    for place, (missing, i) in enumerate(short):
        given = min(missing, left // (len(short) - place))
        widths[i] += given
        left -= given
    return widths


def _least(column: Column, cells: Iterable[str]) -> int:
    """The least width of a column: its longest number or word; names can be cut, very long words folded."""
    parts = [part for cell in (column.head, *cells) for part in ([cell] if column.number else cell.split())]
    width = max(map(cell_len, parts), default=0)
    return width if column.number else min(width, _SHORTEST_NAME if column.name else _LONGEST_WORD)


def _cut_names(columns: Sequence[Column], rows: list[list[str]], room: int) -> list[list[str]]:
    """Rows whose names leave enough room for everything else in one line."""
    widths = [
        max(map(cell_len, (column.head, *(row[i] for row in rows)))) for i, column in enumerate(columns)
    ]
    taken = sum(width for width, column in zip(widths, columns, strict=True) if not column.name)
    fits = max(_SHORTEST_NAME, room - taken)
    names = [i for i, column in enumerate(columns) if column.name]
    short = {i: _shortened([row[i] for row in rows], fits) for i in names}
    return [
        [short[i][place] if i in short else cell for i, cell in enumerate(row)]
        for place, row in enumerate(rows)
    ]


def _shortened(names: Sequence[str], room: int) -> list[str]:
    """Names of at most `room` cells, still told apart where that is possible: by both of their ends."""
    long: dict[str, list[str]] = {}
    for name in names:
        if cell_len(name) > room:
            long.setdefault(_root(name), []).append(name)
    start = {root: _dropped(group, room) for root, group in long.items()}
    return [_cut(name, start[_root(name)], room) if cell_len(name) > room else name for name in names]


def _root(name: str) -> str:
    """The first part of a name: those of a model mostly share theirs."""
    return re.split("[/.]", name.lstrip("/."))[0]


def _dropped(names: Sequence[str], room: int) -> int:
    """How long a beginning names lose: parts, up to a `/` or a `.`, that all share, no more than needed."""
    shared = (
        takewhile(lambda chars: len(set(chars)) == 1, zip(*names, strict=False)) if len(names) > 1 else ()
    )
    ends = [i + 1 for i, chars in enumerate(shared) if chars[0] in "/."] or [0]
    return next((end for end in ends if all(cell_len(name[end:]) < room for name in names)), ends[-1])


def _cut(name: str, start: int, room: int) -> str:
    """The name without its first `start` characters, and without its middle where that is not enough."""
    rest = f"{_CUT}{name[start:]}" if start > 1 else name
    if cell_len(rest) <= room:
        return rest
    end = room // 2
    return rest[: room - end - 1] + _CUT + rest[-end:]


def stdout_canvas() -> Canvas:
    """A canvas as wide as the terminal; of a pipe as wide as $COLUMNS or 100 columns, and plain."""
    fallback = (PIPE_WIDTH, 24)
    if is_terminal(sys.stdout) or os.environ.get("COLUMNS"):
        width = shutil.get_terminal_size(fallback).columns
    else:
        width = PIPE_WIDTH
    return Canvas(width, color=has_color(sys.stdout))
