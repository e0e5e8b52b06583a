"""`catx search`: co-search of pruning and hardware; its results as tables and files."""

import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catx.errors import OptionError
from catx.tools.app import Verb, Verbs
from catx.tools.guard import guarded
from catx.tools.search_after import StudyFile, compare_files, plot_studies, write_front

if TYPE_CHECKING:
    from collections.abc import Callable

    from catx.search.grid import AnyStudy
    from catx.search.store import Store

RUN = "run"


class SearchVerbs(Verbs):
    """A group in which `catx search STUDY` is short for `catx search run STUDY`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` before what is neither a command nor an option."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = [RUN, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=SearchVerbs, no_args_is_help=True)

StudyName = Annotated[
    str, typer.Argument(metavar="STUDY", help="A study file, or a name of `catx search list`.")
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE.db",
        help="Where evaluations are kept; default the study's name.",
        show_default=False,
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a file that is there.")]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers", metavar="N", help="Processes; default one per core.", min=1, show_default=False
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        help="Evaluate on the workers of a Dask cluster, such as tcp://HOST:8786.",
        show_default=False,
    ),
]
Evaluations = Annotated[
    int | None,
    typer.Option(
        "--evaluations", metavar="N", help="How many, instead of the file's.", min=1, show_default=False
    ),
]
Sampler = Annotated[
    str | None,
    typer.Option(
        "--sampler", metavar="NAME", help="nsga2, nsga3, pymoo, qnehvi, random or grid.", show_default=False
    ),
]
SearchSeed = Annotated[
    int | None,
    typer.Option("--seed", metavar="N", help="Instead of the file's.", min=0, show_default=False),
]


@app.callback()
def _search() -> None:
    """Search models and accelerators together: `catx search STUDY` is `catx search run STUDY`."""


@app.command(RUN, cls=Verb)
@guarded
def run_study(
    study: StudyName,
    output: Output = None,
    resume: Resume = False,
    workers: Workers = None,
    scheduler: Scheduler = None,
    evaluations: Evaluations = None,
    sampler: Sampler = None,
    seed: SearchSeed = None,
) -> None:
    """Search a study's space, and keep every evaluation; Ctrl-C stops, --resume goes on."""
    from catx.extras import need

    need("search", "moocore")
    from catx.search.open_study import with_plan
    from catx.search.study_file import load_study

    asked = with_plan(load_study(study), {"evaluations": evaluations, "sampler": sampler, "seed": seed})
    run_any(asked, output, resume=resume, workers=workers, scheduler=scheduler)


def run_any(
    asked: "AnyStudy", output: str | None, *, resume: bool, workers: int | None, scheduler: str | None
) -> None:
    """Run a study into its file, and print what it found."""
    from catx.search.choose_sampler import need_sampler
    from catx.search.open_study import begin
    from catx.search.open_study import resume as go_on
    from catx.search.points import found_in
    from catx.search.store import check_new
    from catx.tools.streams import emit, tell, tell_note

    need_sampler(asked.plan.sampler)
    _check(scheduler, workers)
    path = Path(output or f"{asked.name}.db")
    if not resume:
        check_new(path)
    stores = [go_on(asked, path, tell_note)] if resume else []

    def store() -> "Store":
        if not stores:
            stores.append(begin(asked, path))
        return stores[0]

    try:
        _run(asked, store, workers, scheduler)
        found = found_in(asked, store())
    except KeyboardInterrupt:
        if stores:
            tell(f"what was evaluated is kept in {path}: the same command with --resume goes on")
        raise
    finally:
        for opened in stores:
            opened.close()
    from catx.tools.canvas import stdout_canvas
    from catx.tools.search_text import study_text

    emit(study_text(asked, found, path, stdout_canvas()))
    failed = [point.evaluation.error for point in found.points if point.evaluation.error]
    if failed and len(failed) == len(found.points):
        raise OptionError(f"all {len(failed)} points failed, the first one: {failed[0]}")


def _run(study: "AnyStudy", store: "Callable[[], Store]", workers: int | None, scheduler: str | None) -> None:
    """Search, and show how far it is."""
    from catx.tools.progress import Progress

    with Progress("starting", tidies_up=True) as progress:
        from catx.search.runner import run
        from catx.tools.search_text import told

        run(
            study,
            store,
            workers=None if scheduler else workers or os.cpu_count() or 1,
            scheduler=scheduler,
            watch=lambda now: progress.step(now.done, now.total, told(now)),
            tell=progress.phase,
        )


def _check(scheduler: str | None, workers: int | None) -> None:
    """Check the cluster, so that no file is begun that nothing can be written to."""
    if scheduler is None:
        return
    if workers is not None:
        raise OptionError(
            "--scheduler and --workers exclude each other",
            hint="a cluster has workers of its own; without it --workers is how many run on this machine",
        )
    from catx.tools.progress import Progress

    with Progress(f"connecting to {scheduler}") as progress:
        from catx.search.dask_cluster import check_cluster

        check_cluster(scheduler, progress.phase)


@app.command("list", cls=Verb)
@guarded
def list_studies() -> None:
    """List the built-in studies, and the verb of `catx` that runs each."""
    from catx.search.grid import Grid
    from catx.search.study_file import builtin_studies, load_any
    from catx.tools.canvas import Column, stdout_canvas
    from catx.tools.streams import emit

    canvas = stdout_canvas()
    rows = []
    for name in builtin_studies():
        study = load_any(name)
        goals = ", ".join(goal.metric for goal in study.objectives)
        grid = isinstance(study, Grid)
        models = [label for label, _ in study.models] if isinstance(study, Grid) else study.models.names
        bounds = ", ".join(map(str, study.constraints))
        rows.append([name, "study" if grid else "search", ", ".join(models), goals, bounds])
    canvas.table(
        [Column("study"), Column("verb"), Column("model"), Column("objectives"), Column("constraints")], rows
    )
    emit(canvas.text)


@app.command("show", cls=Verb)
@guarded
def show_study(study: StudyName) -> None:
    """Print a study file, or what a FILE.db holds so far."""
    from catx.search.study_file import study_text as written
    from catx.tools.streams import emit

    if not study.endswith(".db"):
        emit(written(study)[0])
        return
    from catx.search.open_study import read
    from catx.search.points import found_in
    from catx.tools.canvas import stdout_canvas
    from catx.tools.search_text import study_text

    store, asked = read(Path(study))
    with closing(store):
        found = found_in(asked, store)
    emit(study_text(asked, found, Path(study), stdout_canvas()))


ExportBudget = Annotated[
    str | None,
    typer.Option(
        "--mapper-budget",
        metavar="STEPS|TIME",
        help="As of `catx compile`; default the study's own, or 20000.",
        show_default=False,
    ),
]


app.command("front", cls=Verb)(write_front)
app.command("plot", cls=Verb)(plot_studies)
app.command("compare", cls=Verb)(compare_files)


@app.command("export", cls=Verb)
@guarded
def export_front(
    file: StudyFile,
    output: Annotated[str, typer.Option("--output", "-o", metavar="DIR", help="A new folder.")],
    number: Annotated[
        list[int] | None,
        typer.Option("--number", metavar="N", help="This point; default all of the front; repeatable."),
    ] = None,
    mapper_budget: ExportBudget = None,
) -> None:
    """Write points as designs that can be run again: hw.yaml, scenario.yaml, report.json, and the model."""
    from catx.mapper.options import parse_budget
    from catx.search.build import evaluator_of
    from catx.search.export import check_new_folder, chosen_points, export
    from catx.search.open_study import check_inputs, read
    from catx.search.points import found_in
    from catx.tools.options import named_folder
    from catx.tools.outputs import write_files
    from catx.tools.progress import Progress
    from catx.tools.report_json import report_json
    from catx.tools.streams import emit

    budget, folder = None if mapper_budget is None else parse_budget(mapper_budget), named_folder(output)
    check_new_folder(folder)
    store, study = read(Path(file))
    with closing(store):
        check_inputs(store, study)
        chosen = chosen_points(found_in(study, store).points, number or ())
    with Progress("reading the models") as progress:
        export(
            study,
            chosen,
            evaluator_of(study, progress.phase, measures=False),
            folder,
            lambda place, report: write_files(place, {"report.json": report_json(report)}),
            budget=budget,
            watch=lambda at, point: progress.step(at, len(chosen), f"point {point.number}"),
        )
    emit(f"{len(chosen)} points in {folder}")
