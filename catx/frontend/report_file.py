"""Read the carbon of a report.json again: its sheet, and what it is of."""

import json
from dataclasses import dataclass
from math import isclose, isfinite
from pathlib import Path
from typing import Any, get_args

from catx.costmodel.carbon.compare import METRICS
from catx.costmodel.carbon.formulas import names_in, solve
from catx.errors import Loc, SpecError
from catx.frontend.file_kind import REPORT
from catx.frontend.text_file import read_text
from catx.ir.sheet import Row, Shape, Sheet, Spread

SCHEMA = "catx.report/1"
MAX_REPORT = 1 << 28
"""Bytes of a report; those of large models have some ten megabytes."""

MAX_ROWS = 500
"""Of a sheet; those of catx have some 60, and 12 more for each die."""

_AGAIN = "compile the model again"

REQUIRED = (*METRICS, "inference_gco2e", "inferences", "lifetime_years")
"""Rows that comparisons and plots use."""


@dataclass(frozen=True, slots=True)
class CarbonOf:
    """What a report is of, and its calculation of carbon."""

    file: str
    accelerator: str
    models: tuple[str, ...]
    scenario: str
    assumed: dict[str, Any]
    notes: tuple[str, ...]
    sheet: Sheet

    @property
    def title(self) -> str:
        """In one line."""
        return f"{' + '.join(self.models)} on {self.accelerator}, scenario {self.scenario}"


def load_carbon(path: str | Path) -> CarbonOf:
    """The calculation of carbon in a report.json.

    Raises:
        SpecError: it is no report of catx, one of a version without the calculation, or a damaged one.
    """
    loc = Loc(str(path))
    try:
        data = json.loads(read_text(path, MAX_REPORT, REPORT))
    except ValueError as error:
        raise SpecError(
            f"not JSON: {error}", loc=loc, hint="`catx compile -o DIR` writes report.json"
        ) from error
    if not isinstance(data, dict) or not str(data.get("schema", "")).startswith("catx.report/"):
        raise SpecError("not a report of catx", loc=loc, hint="`catx compile -o DIR` writes report.json")
    if data["schema"] != SCHEMA:
        raise SpecError(
            f"a report of schema {data['schema']!r}, and this catx reads {SCHEMA!r}",
            loc=loc,
            hint="compile the model again",
        )
    try:
        rows = data["carbon"].get("sheet")
        if rows is None:
            raise SpecError(
                "this report has no sheet: an older catx wrote it", loc=loc, hint="compile the model again"
            )
        return CarbonOf(
            str(path),
            str(data["accelerator"]["name"]),
            tuple(str(model["name"]) for model in data["models"]),
            str(data["scenario"]["name"]),
            {key: value for key, value in data["scenario"].items() if key not in ("name", "sources")},
            tuple(_text(note) for note in data["notes"]),
            _sheet([_row(row) for row in rows]),
        )
    except KeyError as error:
        raise SpecError(f"a damaged report: {error} is missing", loc=loc, hint=_AGAIN) from error
    except (TypeError, AttributeError, ValueError, OverflowError) as error:
        raise SpecError(f"a damaged report: {error}", loc=loc, hint=_AGAIN) from error
    except SpecError as error:
        raise SpecError(error.args[0], loc=error.loc or loc, hint=error.hint) from error


def _row(data: Any) -> Row:
    try:
        return _read_row(data)
    except (TypeError, AttributeError, ValueError) as error:
        name = data.get("name") if isinstance(data, dict) else data
        raise ValueError(f"row {name!r} of its sheet: {error}") from error


def _read_row(data: Any) -> Row:
    spread = data.get("spread")
    return Row(
        name=_text(data["name"]),
        unit=_text(data["unit"]),
        value=_number(data["value"]),
        formula=_text(data.get("formula", "")),
        source=_text(data.get("source", "")),
        spread=_spread(spread) if spread else None,
    )


def _spread(data: Any) -> Spread:
    if data["shape"] not in get_args(Shape):
        raise ValueError(f"unknown shape {data['shape']!r}")
    low, high = _number(data["low"]), _number(data["high"])
    if not 0 <= low <= 1 <= high or (data["shape"] != "uniform" and low <= 0):
        raise ValueError(f"a spread from {low} to {high}")
    return Spread(
        shape=data["shape"], low=low, high=high, key=_text(data["key"]), source=_text(data["source"])
    )


def _sheet(rows: list[Row]) -> Sheet:
    """Rows of which each formula uses only rows above."""
    if len(rows) > MAX_ROWS:
        raise SpecError(f"a sheet of {len(rows):,} rows: at most {MAX_ROWS} are read")
    if missing := [name for name in REQUIRED if name not in {row.name for row in rows}]:
        raise SpecError(f"the sheet lacks {', '.join(missing)}")
    seen: set[str] = set()
    for row in rows:
        used = names_in(row.formula) if row.formula else ()
        if unknown := [name for name in used if name not in seen]:
            raise SpecError(f"{row.name} uses {unknown[0]}, which no row above it has")
        if row.name in seen:
            raise SpecError(f"two rows have the name {row.name}")
        seen.add(row.name)
    sheet = Sheet(tuple(rows))
    for name in ("inferences", "lifetime_years", "latency_s"):
        if sheet[name] < 0 or (name != "latency_s" and not sheet[name]):
            raise SpecError(f"{name} is {sheet[name]:g}")
    if not next(row.formula for row in rows if row.name == "embodied_gco2e"):
        raise SpecError("embodied_gco2e has no formula: its parts are not known")
    values = solve(sheet, {})
    for row in rows:
        computed = float(values[row.name])
        if not isclose(computed, row.value, rel_tol=1e-9, abs_tol=1e-300):
            raise SpecError(
                f"{row.name} is {row.value:.7g}, but its formula gives {computed:.7g}: was the report edited?"
            )
    return sheet


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a text, not {value!r}")
    return value


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise ValueError(f"expected a finite number, not {value!r}")
    return float(value)
