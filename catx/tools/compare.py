"""`catx compare`: designs side by side, break-even, and which one is best for an unknown life."""

from typing import Annotated

import typer

from catx.errors import OptionError
from catx.tools.guard import guarded
from catx.tools.options import JsonList, Seed, Uncertainty

Reports = Annotated[
    list[str], typer.Argument(metavar="REPORT...", help="Two or more report.json of `catx compile -o DIR`.")
]


@guarded
def compare_reports(
    reports: Reports, uncertainty: Uncertainty = 0, seed: Seed = 1, as_json: JsonList = False
) -> None:
    """Compare designs by carbon: totals, metrics, break-even, and which is best for an unknown life."""
    from catx.frontend.report_file import load_carbon
    from catx.tools.compare_text import comparison, comparison_json, comparison_text
    from catx.tools.streams import emit

    if len(reports) < 2:
        raise OptionError("one report has nothing to be compared with", hint="name two or more")
    found = comparison([load_carbon(path) for path in reports], uncertainty, seed)
    if as_json:
        emit(comparison_json(found))
        return
    from catx.tools.canvas import stdout_canvas

    emit(comparison_text(found, stdout_canvas()))
