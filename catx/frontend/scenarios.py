"""Scenarios: a built-in name, or a YAML file, becomes what carbon totals assume."""

import csv
import os
from pathlib import Path

from catx.costmodel.carbon.scenarios import SCENARIOS
from catx.errors import Loc, SpecError
from catx.frontend.file_kind import SCENARIO
from catx.frontend.hardware.document import Document, Format, read_document
from catx.frontend.text_file import is_missing, read_text
from catx.ir.scenario import Profile, Scenario
from catx.names import nearest

FORM = Format(
    "one scenario", "a scenario file has keys such as `base: edge-default` and `grid: 24 g/kWh`", SCENARIO
)
MAX_PROFILE = 1 << 20
"""Bytes of a profile."""
MAX_INTENSITY = 100_000
"""As of `grid` itself [gCO2e/kWh]: beyond is a slip of the unit."""
SUFFIXES = (".yaml", ".yml")


def load_scenario(path_or_name: str | Path) -> Scenario:
    """A built-in scenario by its name, or the one that a file describes (docs/carbon.md).

    Example:
        >>> load_scenario("edge-default").lifetime_years
        3.0

    Raises:
        SpecError: no such scenario or file, or everything that is wrong in the file, by line.
    """
    name = os.fspath(path_or_name)
    if name in SCENARIOS:
        return SCENARIOS[name]
    is_file = isinstance(path_or_name, Path) or Path(name).suffix in SUFFIXES or not is_missing(name)
    if not is_file:
        raise SpecError(
            f"no built-in scenario {name!r}{nearest(name, SCENARIOS)}",
            hint=f"built in are {', '.join(SCENARIOS)}; files end in .yaml",
        )
    return parse_scenario(read_text(path_or_name, FORM.max_bytes, SCENARIO), name)


def parse_scenario(text: str, file: str = "<text>") -> Scenario:
    """The scenario that YAML text describes; `file` is what messages call it, and where profiles are.

    Raises:
        SpecError: listing everything that is wrong, with lines.
    """
    return scenario_of_document(read_document(text, file, FORM))


def scenario_of_document(document: Document) -> Scenario:
    """The scenario that a document describes.

    Raises:
        SpecError: listing everything that is wrong, with lines.
    """
    from catx.frontend.scenario_spec import scenario_of  # pydantic is slow to import

    return scenario_of(document, lambda name: _profile(Path(document.file).parent / name))


def _profile(path: Path) -> Profile:
    """A grid by the hour from a CSV file: the last column of each row, a first row of names left out.

    Raises:
        SpecError: the file cannot be read, has a row without a number, or not 24 or 8,760 of them.
    """
    rows = [row for row in csv.reader(read_text(path, MAX_PROFILE, SCENARIO).splitlines()) if row]
    values = []
    for line, row in enumerate(rows, 1):
        loc = Loc(str(path), line=line)
        if len(row) != len(rows[0]) or ";" in "".join(row):
            raise SpecError(
                f"{len(row)} columns, and {len(rows[0])} in the first row: {','.join(row)[:60]!r}",
                loc=loc,
                hint="columns are separated by commas, and numbers have a point: 450.25",
            )
        if value := _intensity(row[-1], loc, header=line == 1):
            values.append(value[0])
    if not values:
        raise SpecError("no row has an intensity", loc=Loc(str(path)))
    try:
        return Profile(gco2e_per_kwh=tuple(values), source=path.name)
    except SpecError as error:
        raise SpecError(error.args[0], loc=Loc(str(path)), hint="one row per hour, in g/kWh") from error


def _intensity(text: str, loc: Loc, *, header: bool) -> tuple[float, ...]:
    """The value of a row [gCO2e/kWh]; none of a first row that names columns."""
    try:
        value = float(text)
    except ValueError:
        if header and "kg" not in text.lower():
            return ()
        what = "a column in g/kWh" if header else "an intensity in g/kWh"
        raise SpecError(f"expected {what}, not {text!r}", loc=loc) from None
    if not 0 <= value <= MAX_INTENSITY:
        raise SpecError(f"{text} g/kWh is outside of 0 to {MAX_INTENSITY:,}", loc=loc)
    return (value,)
