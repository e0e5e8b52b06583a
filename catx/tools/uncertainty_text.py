"""Uncertain carbon for a terminal: percentiles of totals, and which input matters."""

from collections.abc import Sequence

from catx.ir.sheet import Swing, Uncertainty
from catx.tools.canvas import Canvas, Column
from catx.tools.human import grams

SWINGS = 8
"""Inputs that are listed."""


def percentile_table(canvas: Canvas, found: Sequence[tuple[str, Uncertainty]]) -> None:
    """Percentiles of the totals of one or more designs, each with what it is called."""
    columns = (Column("number"), *(Column(head, number=True) for head in ("p5", "p50", "p95")))
    rows = [
        [name, *(grams(value) for value in values)]
        for _, uncertainty in found
        for name, values in uncertainty.percentiles
    ]
    if len(found) > 1:
        columns = (Column("of"), *columns)
        labels = [label for label, uncertainty in found for _ in uncertainty.percentiles]
        rows = [[label, *row] for label, row in zip(labels, rows, strict=True)]
    canvas.table(columns, rows)


def swing_table(canvas: Canvas, swings: Sequence[Swing]) -> None:
    """The total where one input alone is at its 5th and 95th percentile."""
    canvas.table(
        (Column("input"), Column("5 %", number=True), Column("95 %", number=True)),
        [[swing.name, grams(swing.low), grams(swing.high)] for swing in swings[:SWINGS]],
    )


SWINGS_ASIDE = "total where one input alone is at its 5th and 95th percentile"
