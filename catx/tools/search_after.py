"""What `catx search` does with files of studies: the front as a file, pictures, and a comparison."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catx.errors import OptionError
from catx.tools.guard import guarded
from catx.tools.options import JsonList

if TYPE_CHECKING:
    from catx.search.findings import Findings

Groups = Annotated[
    list[str] | None,
    typer.Option(
        "--group",
        metavar="TEXT",
        help="Of a batch study, only models and scenarios with this in their name; repeatable.",
    ),
]

StudyFile = Annotated[str, typer.Argument(metavar="FILE.db", help="What `catx search` wrote.")]
StudyFiles = Annotated[
    list[str], typer.Argument(metavar="FILE.db...", help="One or more files of `catx search`.")
]


@guarded
def write_front(
    file: StudyFile,
    everything: Annotated[
        bool, typer.Option("--all", help="All points: infeasible and failed ones, too.")
    ] = False,
    kind: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="csv|parquet",
            help="Default parquet where -o names a .parquet, else csv.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="A new file; default standard output."),
    ] = None,
) -> None:
    """Write the front, or all points, as CSV or Parquet: values, and all numbers of each point."""
    from catx.search.findings import read_findings
    from catx.search.front_table import format_of, points_csv, points_parquet
    from catx.tools.outputs import write_new
    from catx.tools.streams import emit

    form = format_of(kind, output)
    found = read_findings(Path(file))
    if form == "csv" and output is None:
        emit(points_csv(found, everything=everything))
        return
    assert output is not None
    content = (
        points_csv(found, everything=everything).encode()
        if form == "csv"
        else points_parquet(found, everything=everything)
    )
    write_new(Path(output), content)
    emit(f"{len(found.points if everything else found.front)} points in {output}")


@guarded
def plot_studies(
    files: StudyFiles,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="DIR", help="Write the files into this folder.")
    ],
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Of parameter importance.", min=0, max=2**32 - 1)
    ] = 1,
    groups: Groups = None,
) -> None:
    """Draw fronts, parallel coordinates, hypervolumes, importance, and what changes along the front."""
    from catx.extras import need

    need("plot", "matplotlib", "sklearn")
    from catx.search.findings import labels
    from catx.tools.outputs import check_folder, write_files
    from catx.tools.picture import plain_text
    from catx.tools.progress import Progress
    from catx.tools.search_pictures import pictures_of
    from catx.tools.streams import emit

    folder = _folder(output)
    check_folder(folder, ())
    found = _found(files, groups)
    with Progress("drawing") as progress, plain_text():
        pictures = pictures_of(labels(found), found, seed, progress.phase)
    for place, written in pictures.files.items():
        check_folder(folder / place, written)
    for place, written in pictures.files.items():
        write_files(folder / place, written)
    names = [str(folder / place / name) for place, written in pictures.files.items() for name in written]
    emit("\n".join([*names, *pictures.notes]))


@guarded
def compare_files(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE.db...", help="Two or more files of `catx search`.")
    ],
    at: Annotated[
        list[str] | None,
        typer.Option(
            "--at",
            metavar="METRIC",
            help="Objective at whose levels fronts are compared; default the first; repeatable.",
        ),
    ] = None,
    groups: Groups = None,
    as_json: JsonList = False,
) -> None:
    """Compare studies of the same objectives: hypervolumes, who dominates whom, the best at equal level."""
    from catx.search.compare import compare_studies, objective_of
    from catx.search.findings import labels
    from catx.tools.search_compare_text import comparison_json, comparison_text
    from catx.tools.streams import emit

    found = _found(files, groups)
    if len(found) < 2:
        more = "widen --group, or give it again" if groups else "name two or more files, or a batch study"
        raise OptionError("one study has nothing to be compared with", hint=more)
    comparison = compare_studies(labels(found), found)
    names = [objective_of(comparison.goals, name) for name in at or [comparison.goals[0].metric]]
    if as_json:
        emit(comparison_json(comparison))
        return
    from catx.tools.canvas import stdout_canvas

    emit(comparison_text(comparison, names, stdout_canvas()))


def _found(files: list[str], groups: list[str] | None) -> list["Findings"]:
    """What the files hold: a study each, or the groups of a batch study."""
    from catx.search.findings import read_findings
    from catx.search.grid import Grid
    from catx.search.grid_groups import groups_of

    read = [read_findings(Path(file)) for file in files]
    if groups and not any(isinstance(one.study, Grid) for one in read):
        raise OptionError("--group: only batch studies have groups", hint="leave it out")
    return [group for one in read for group in groups_of(one, groups or ())]


def _folder(text: str) -> Path:
    if not text:
        raise OptionError("-o '': an empty path names no folder", hint="write `-o .` for the current folder")
    return Path(text)
