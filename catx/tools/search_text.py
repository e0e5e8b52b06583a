"""What a search found, for a terminal."""

from collections.abc import Sequence
from pathlib import Path

from catx.search.build import space_of
from catx.search.runner import Point, Progress, front, front_volume
from catx.search.study import Study
from catx.tools.canvas import Canvas, Column
from catx.tools.human import plural, significant
from catx.tools.metric_text import in_unit

_MOST = 40
"""Points of a front that are listed."""


def told(now: Progress) -> str:
    """How far a run is, in a line."""
    rate = now.new / now.seconds if now.seconds else 0.0
    left = (now.total - now.done) / rate if rate else 0.0
    failed = f", {now.failed} failed" if now.failed else ""
    found = f"front {now.front}, hypervolume {significant(now.hypervolume)}{failed}"
    return f"{found}, {rate:.1f}/s, {left:.0f} s left"


def study_text(study: Study, points: Sequence[Point], path: Path, canvas: Canvas) -> str:
    """The front as a table, and what became of all points."""
    best = sorted(front(points), key=lambda point: point.costs or ())
    failed = [point for point in points if point.costs is None]
    feasible = [point for point in points if point.feasible]
    goals = ", ".join(f"{goal.best} {goal.metric}" for goal in study.objectives)
    canvas.title(study.name, f"{goals}; {study.plan.sampler}, seed {study.plan.seed}")
    canvas.facts(
        [
            ("evaluated", f"{len(points):,}", f"of {study.plan.evaluations:,} wanted"),
            ("feasible", f"{len(feasible):,}", ", ".join(map(str, study.constraints)) or "no constraint"),
            ("front", f"{len(best):,}", f"hypervolume {significant(front_volume(points, best))}"),
            *([("failed", f"{len(failed):,}", failed[0].evaluation.error)] if failed else []),
        ]
    )
    if not best:
        canvas.paragraph("no feasible point was found", "yellow")
        return canvas.text
    _table(study, best[:_MOST], canvas)
    if len(best) > _MOST:
        canvas.paragraph(f"and {plural(len(best) - _MOST, 'more point')}: `catx search front {path}`")
    if any("accuracy" in point.evaluation.numbers and not point.evaluation.measured for point in best):
        canvas.paragraph("accuracy is predicted, not measured", "yellow")
    if study.mapper_budget is None:
        canvas.paragraph(
            "mapped from pools of nests, a few percent above what `catx compile` finds: "
            f"`catx search export {path} -o DIR` maps the front's points in full"
        )
    return canvas.text


def _table(study: Study, best: Sequence[Point], canvas: Canvas) -> None:
    space = space_of(study)
    genes = [gene for gene in space.genes if len(gene.values) > 1]
    names = [goal.metric for goal in study.objectives]
    names += [limit.metric for limit in study.constraints if limit.metric not in names]
    head = [Column("point", number=True), *(Column(name, number=True) for name in names)]
    head += [Column(gene.name.split(".", 1)[1], number=True, spare=at + 1) for at, gene in enumerate(genes)]
    rows = []
    for point in best:
        values, numbers = space.values(point.genome), point.evaluation.numbers
        shown = [in_unit(name, numbers[name]) for name in names]
        rows.append([str(point.number), *shown, *(str(values[gene.name]) for gene in genes)])
    canvas.table(head, rows)
