"""`catx explain`: how a number of a report follows from what was given."""

from typing import Annotated

import typer

from catx.tools.guard import guarded

ReportFile = Annotated[str, typer.Argument(metavar="REPORT", help="A report.json of `catx compile -o DIR`.")]
NumberName = Annotated[
    str, typer.Argument(metavar="NUMBER", help="A row of its carbon, such as `embodied_gco2e`.")
]


@guarded
def explain_number(report: ReportFile, number: NumberName = "total_gco2e") -> None:
    """Walk a carbon number of a report back to what was given: formulas with values, units and sources."""
    from catx.costmodel.carbon.explain import explain
    from catx.frontend.report_file import load_carbon
    from catx.tools.canvas import stdout_canvas
    from catx.tools.explain_text import explain_text
    from catx.tools.streams import emit

    found = load_carbon(report)
    emit(explain_text(found.title, explain(found.sheet, number), stdout_canvas()))
