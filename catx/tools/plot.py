"""`catx plot`: carbon by part and over a unit's life, as PNG files and as the numbers in them."""

from typing import Annotated

import typer

from catx.errors import OptionError
from catx.tools.guard import guarded
from catx.tools.options import Seed, Uncertainty, output_folder

Reports = Annotated[
    list[str], typer.Argument(metavar="REPORT...", help="One or more report.json of `catx compile -o DIR`.")
]
PlotDir = Annotated[
    str, typer.Option("--output", "-o", metavar="DIR", help="Write the files into this folder.")
]


@guarded
def plot_reports(reports: Reports, output: PlotDir, uncertainty: Uncertainty = 1000, seed: Seed = 1) -> None:
    """Draw carbon by part, and over the life with break-even points and bands of uncertainty."""
    from catx.frontend.report_file import load_carbon

    folder = output_folder(output)
    assert folder is not None
    try:
        from catx.tools.plot_files import plot_files
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "matplotlib":
            raise OptionError(
                "plots need matplotlib, which is not installed", hint="python -m pip install 'catx[plot]'"
            ) from None
        raise
    from catx.tools.outputs import write_files
    from catx.tools.streams import emit

    designs = [load_carbon(path) for path in reports]
    files = plot_files(designs, uncertainty, seed)
    write_files(folder, files)
    notes = dict.fromkeys(f"note: {design.file}: {note}" for design in designs for note in design.notes)
    emit("\n".join([*(str(folder / name) for name in files), *notes]))
