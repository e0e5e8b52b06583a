"""A calculation for a terminal: each formula with its values, and each given number with its source."""

import re
from collections.abc import Iterator, Sequence

from catx.costmodel.carbon.explain import Step
from catx.ir.sheet import Row
from catx.tools.canvas import Canvas

_NAME = re.compile(r"[A-Za-z_]\w*")
_STEP = 2
"""Columns that what a formula uses is moved in."""


def explain_text(title: str, steps: Sequence[Step], canvas: Canvas) -> str:
    """The steps, moved in below what uses them."""
    values = {step.row.name: step.row.value for step in steps}
    canvas.title(steps[0].row.name, title)
    for step in steps:
        row, left = step.row, _STEP * step.depth
        again = ", as above" if step.told else ""
        canvas.paragraph(f"{row.name} = {amount(row)}{again}", "bold" if row.formula else "", indent=left)
        if not step.told:
            for line, style in _why(row, values):
                canvas.paragraph(line, style, indent=left + _STEP)
    return canvas.text


def _why(row: Row, values: dict[str, float]) -> Iterator[tuple[str, str]]:
    """Where a number comes from, line by line, each with its style."""
    if row.formula:
        yield f"= {row.formula}", "dim"
        yield f"= {_NAME.sub(lambda found: _filled(found[0], values), row.formula)}", ""
    if row.source:
        yield row.source, "dim"
    if spread := row.spread:
        yield f"{spread.shape}, x {spread.low:.3g} to x {spread.high:.3g}: {spread.source}", "dim"


def amount(row: Row) -> str:
    """A value with its unit, to seven digits: enough to redo the sum on paper."""
    return f"{row.value:.7g} {row.unit}".rstrip()


def _filled(name: str, values: dict[str, float]) -> str:
    """The value of a row that a formula names; functions and constants stay."""
    return f"{values[name]:.7g}" if name in values else name
