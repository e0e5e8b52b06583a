"""Walk a row of a sheet back to what was given: formula by formula, with values."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from catx.costmodel.carbon.formulas import names_in
from catx.errors import SpecError
from catx.ir.sheet import Row, Sheet

_UNITS = ("gco2e", "s", "j", "w", "mm2", "gb", "gco2e_s", "gco2e_j", "gco2e2_j", "gco2e_j2", "j_s")
"""Endings of names that may be left out, carbon before others."""


@dataclass(frozen=True, slots=True)
class Step:
    """A row on the way, and how many formulas lie between it and the one that is explained."""

    depth: int
    row: Row
    uses: tuple[str, ...]
    told: bool  # further up already: its own steps are not repeated


def explain(sheet: Sheet, name: str) -> list[Step]:
    """The row and everything that it follows from, each right below what uses it first.

    A name needs no unit: `total` and `total_carbon` are `total_gco2e`, `latency` is `latency_s`.

    Raises:
        SpecError: no row of that name; the message tells the nearest one.
    """
    rows = {row.name: row for row in sheet.rows}
    short = name.removesuffix("_carbon")
    longer = [row for unit in _UNITS if (row := f"{short}_{unit}") in rows]
    if name not in rows and not longer:
        near = get_close_matches(short, rows, n=6, cutoff=0.4) or [row for row in rows if short in row][:6]
        told = f"near are {', '.join(near)}; " if near else ""
        raise SpecError(
            f"no number {name!r} in the report",
            hint=f"{told}`carbon.sheet` of the report has all {len(rows)}",
        )
    return list(_walk(rows, name if name in rows else longer[0], 0, set()))


def _walk(rows: dict[str, Row], name: str, depth: int, told: set[str]) -> Iterator[Step]:
    row, again = rows[name], name in told
    told.add(name)
    uses = names_in(row.formula) if row.formula else ()
    yield Step(depth, row, uses, again)
    if not again:
        for used in uses:
            yield from _walk(rows, used, depth + 1, told)
