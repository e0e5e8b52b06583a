"""Points of a study as designs in folders, each with all that it needs to be run again."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from catx.errors import Loc, OptionError, OutputError
from catx.frontend.constraint_text import FILE as CONSTRAINTS
from catx.frontend.constraint_text import constraints_text
from catx.frontend.new_files import TAKEN, kept_free
from catx.ir.report import Report
from catx.mapper.options import BUDGET, Budget
from catx.search.evaluation import Design, Evaluates
from catx.search.front_files import front_csv, point_json
from catx.search.grid import AnyStudy
from catx.search.points import Point, front

WriteReport = Callable[[Path, Report], None]
"""Writes a report into a folder."""


def chosen_points(points: Sequence[Point], numbers: Sequence[int] = ()) -> list[Point]:
    """The points of some numbers, each once; without numbers those of the front.

    Raises:
        OptionError: a number of no point that has a result, or a front without points.
    """
    if not numbers:
        if found := front(points):
            return found
        raise OptionError(
            "the front is empty: no point obeys the constraints",
            hint="`--number N` writes any point; `catx search front FILE.db --all` lists them",
        )
    known = {point.number: point for point in points if point.costs is not None}
    if unknown := [one for one in numbers if one not in known]:
        raise OptionError(f"--number: there is no evaluated point {unknown[0]}")
    return [known[one] for one in dict.fromkeys(numbers)]


def check_new_folder(folder: Path) -> None:
    """Check that there is nothing in a folder.

    Raises:
        OutputError: there is, or it is none.
    """
    if folder.exists() and not (folder.is_dir() and all(one.name == TAKEN for one in folder.iterdir())):
        raise OutputError(
            "is there already: nothing is overwritten", loc=Loc(str(folder)), hint="name a new folder"
        )


def export(
    study: AnyStudy,
    points: Sequence[Point],
    evaluator: Evaluates,
    folder: Path,
    write_report: WriteReport,
    *,
    budget: Budget | None = None,
    watch: Callable[[int, Point], None] = lambda at, point: None,
) -> None:
    """Write points as designs, and a table of them; nothing is there unless all of them are.

    Args:
        study: of the points.
        points: what is written.
        evaluator: of the study.
        folder: a new one, which gets `front.csv` and a folder per point.
        write_report: into the folder of a point.
        budget: of the mapper per einsum; None: the study's own, or catx's where that takes pools.
        watch: is told which point comes next.

    Raises:
        CatxError: the folder is none that can be written to, or a point has no mapping with this budget.
    """
    with _written_at_once(folder) as there:
        for at, point in enumerate(points):
            watch(at, point)
            place = there / f"point-{point.number}"
            place.mkdir()
            design = evaluator.design(point.genome)
            for name, text in design_files(study, design, point).items():
                (place / name).write_text(text, encoding="utf-8")
            own = BUDGET if design.evaluator.budget is None else design.evaluator.budget
            write_report(place, design.report(own if budget is None else budget))
        (there / "front.csv").write_text(front_csv(study.space, points), encoding="utf-8")


def design_files(study: AnyStudy, design: Design, point: Point) -> dict[str, str]:
    """Files by name: the accelerator, the scenario, constraints of mappings, and what is known of a point.

    Raises:
        OptionError: the scenario is none that a file can say.
    """
    from catx.frontend.scenario_text import scenario_files  # pydantic is slow to import

    files = {"hw.yaml": design.hw_yaml, "point.json": point_json(study, design, point)}
    files |= scenario_files(design.evaluator.scenario)
    if design.evaluator.constraints:
        files[CONSTRAINTS] = constraints_text(design.evaluator.constraints)
    return files


@contextmanager
def _written_at_once(folder: Path) -> Iterator[Path]:
    """A folder whose content becomes that of `folder` in the end, and is removed if there is an error."""
    check_new_folder(folder)
    with kept_free(folder, ()), TemporaryDirectory(dir=folder, prefix=".catx-export-") as name:
        there = Path(name)
        try:
            yield there
            for one in sorted(there.iterdir()):
                one.rename(folder / one.name)
        except OSError as error:
            raise OutputError(f"cannot be written to: {error.strerror}", loc=Loc(str(folder))) from None
