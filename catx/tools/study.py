"""`catx study`: every combination of models, accelerators, scenarios and mapper options."""

from typing import Annotated

import typer

from catx.tools.guard import guarded
from catx.tools.search import Output, Resume, Scheduler, Workers, run_any

GridName = Annotated[
    str, typer.Argument(metavar="GRID", help="A grid file, or a name of `catx search list`.")
]


@guarded
def run_grid(
    grid: GridName,
    output: Output = None,
    resume: Resume = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> None:
    """Evaluate all points of a batch study; `catx search show|front|export` read what it writes."""
    from catx.extras import need

    need("search", "moocore")
    from catx.search.study_file import load_grid

    run_any(load_grid(grid), output, resume=resume, workers=workers, scheduler=scheduler)
