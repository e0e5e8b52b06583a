"""What all pictures of a search share: colours, axes, and their bytes."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

MARK = "catx search plot"
"""Written into each PNG: what it is told by later."""

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Told apart by people who are colour-blind (Okabe and Ito)."""

LINES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
FAINT, INFEASIBLE, BOUND = "0.7", "0.55", "#CC79A7"
COLORMAP = "cividis"
SMALL = "small"

_WIDE, _VERY_WIDE = 20.0, 2000.0
"""Axes whose values span the first factor are logarithmic; below the second one they have ticks between."""

Axes = Any
"""matplotlib's, whose methods have types of their own that say little here."""


@contextmanager
def plain_text() -> Iterator[None]:
    """While this lasts texts are drawn as they are: a name with dollars is no formula."""
    with rc_context({"text.parse_math": False}):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty picture [inches], whose parts are laid out without overlaps."""
    return Figure(figsize=(width, height), layout="constrained")


def png(figure: Figure) -> bytes:
    """The picture as PNG."""
    FigureCanvasAgg(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150, metadata={"Software": MARK})
    return stream.getvalue()


def legend_below(figure: Figure, axes: Iterable[Axes]) -> None:
    """One legend below everything, each entry once."""
    entries: dict[str, Any] = {}
    for one in axes:
        handles, labels = one.get_legend_handles_labels()
        entries.update(zip(labels, handles, strict=True))
    figure.legend(
        handles=list(entries.values()),
        labels=list(entries),
        loc="outside lower center",
        ncols=3,
        fontsize=SMALL,
        frameon=False,
    )


def is_wide(values: Sequence[float]) -> bool:
    """Whether values are positive and so far apart that they are drawn by their logarithms."""
    return min(values) > 0 and max(values) / min(values) > _WIDE


def spread(values: Sequence[float], count: int) -> list[float]:
    """Numbers from the least to the greatest, as many, evenly apart as the values are drawn; one if alike."""
    low, high = min(values), max(values)
    if low == high:
        return [low]
    return [float(value) for value in (np.geomspace if is_wide(values) else np.linspace)(low, high, count)]


def scale_axis(axes: Axes, which: Literal["x", "y"], values: Sequence[float]) -> None:
    """Make an axis as wide as values need, logarithmic where they are far apart, with plain numbers."""
    low, high = min(values), max(values)
    wide = is_wide(values)
    axis = axes.xaxis if which == "x" else axes.yaxis
    limits = axes.set_xlim if which == "x" else axes.set_ylim
    if wide:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        subs = (1.0, 2.0, 5.0) if high / low < _VERY_WIDE else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs, numticks=15))
        axis.set_minor_locator(NullLocator())
        room = (high / low) ** 0.06
        limits(low / room, high * room)
    else:
        room = (high - low) * 0.06 or abs(high) * 0.06 or 1.0
        limits(low - room, high + room)
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.6g}"))
