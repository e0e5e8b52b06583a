"""What a search found, for a terminal."""

import math
from collections.abc import Sequence
from pathlib import Path

from catx.search.grid import AnyStudy, Grid
from catx.search.metrics import ACCURACY
from catx.search.points import Found, Point, front
from catx.search.runner import Progress
from catx.search.screening import Measurements
from catx.search.study import Study
from catx.search.volume import share_of
from catx.tools.canvas import Canvas, Column
from catx.tools.human import plural, significant
from catx.tools.metric_text import in_unit

_MOST = 40
"""Points of a front that are listed."""


def told(now: Progress) -> str:
    """How far a run is, in a line."""
    rate = now.new / now.seconds if now.seconds else 0.0
    pace = f", {rate:.1f}/s, {(now.total - now.done) / rate:.0f} s left" if rate else ""
    failed = f", {now.failed} failed" if now.failed else ""
    if now.measured is not None:
        failed += f", {plural(now.measured, 'model')} measured"
    found = f"front {now.front}{_volume(now.hypervolume)}{failed}"
    return f"{found}{pace}"


def study_text(study: AnyStudy, found: Found, path: Path, canvas: Canvas) -> str:
    """The front as a table, and what became of all points."""
    points = found.points
    best = sorted(front(points), key=lambda point: point.costs or ())
    failed = [point for point in points if point.costs is None]
    feasible = [point for point in points if point.feasible]
    goals = ", ".join(f"{goal.best} {goal.metric}" for goal in study.objectives)
    how = f"{study.plan.sampler}, seed {study.plan.seed}" if isinstance(study, Study) else "all points"
    canvas.title(study.name, f"{goals}; {how}")
    canvas.facts(
        [
            ("evaluated", f"{len(points):,}", _wanted(study)),
            ("feasible", f"{len(feasible):,}", ", ".join(map(str, study.constraints)) or "no constraint"),
            ("front", f"{len(best):,}", _volume_told(share_of(points, best)) if best else ""),
            *(
                [("waiting", f"{found.pending:,}", "for the accuracy of their models")]
                if found.pending
                else []
            ),
            *([("failed", f"{len(failed):,}", failed[0].evaluation.error)] if failed else []),
        ]
    )
    if not best:
        canvas.paragraph(_nearest(study, points), "yellow")
        return canvas.text
    is_short = isinstance(study, Grid) and len(points) <= _MOST
    _table(
        study, [point for point in points if point.costs] if is_short else best[:_MOST], best, canvas, path
    )
    if isinstance(study, Grid):
        canvas.paragraph("* no other point of its model and scenario beats it")
    if len(best) > _MOST and not is_short:
        canvas.paragraph(f"and {plural(len(best) - _MOST, 'more point')}: `catx search front {path}`")
    if note := _accuracy_note(best, found.models, scored=_is_scored(study)):
        canvas.paragraph(note, "yellow")
    if study.pooled:
        canvas.paragraph(
            "mapped from pools of nests, a few percent above what `catx compile` finds: "
            f"`catx search export {path} -o DIR` maps the front's points in full"
        )
    return canvas.text


def _wanted(study: AnyStudy) -> str:
    wanted, there = study.plan.evaluations, study.space.size
    return (
        f"all {there:,} that there are"
        if wanted >= there
        else f"of {wanted:,} wanted, {there:,} that there are"
    )


def _nearest(study: AnyStudy, points: Sequence[Point]) -> str:
    """That no point is feasible, and by how much the nearest one is not."""
    known = [point for point in points if point.costs is not None]
    if not known:
        return "no point could be evaluated" if points else "no point is evaluated yet"
    nearest = min(known, key=lambda point: point.violation)
    told = ", ".join(
        f"{limit.metric} {in_unit(limit.metric, nearest.evaluation.numbers[limit.metric])}"
        for limit, excess in zip(study.constraints, nearest.excesses, strict=True)
        if excess > 0
    )
    return f"no feasible point was found; nearest is point {nearest.number}: {told}"


def _accuracy_note(best: Sequence[Point], models: Measurements | None, *, scored: bool) -> str:
    """How the accuracy of the points of a front is known."""
    known = [point.evaluation.measured for point in best if ACCURACY.name in point.evaluation.numbers]
    if not known or all(known):
        return ""
    if models is None:
        if scored:
            return "accuracy is a score, what is left of the model: no table calibrates it"
        return "accuracy is predicted, not measured"
    error = "an unknown amount" if math.isnan(models.error) else significant(models.error)
    return (
        f"accuracy is measured of {sum(known)} points and predicted of {len(known) - sum(known)}; "
        f"predictions are off by {error} on average, over {plural(models.measured, 'measured model')}"
    )


def _is_scored(study: AnyStudy) -> bool:
    """Whether accuracy is predicted, and nothing says on which scale."""
    accuracy = study.accuracy if isinstance(study, Study) else None
    return accuracy is not None and accuracy.is_score


def _volume(share: float | None) -> str:
    return "" if share is None else f", hypervolume {100 * share:.2f} %"


def _volume_told(share: float | None) -> str:
    if share is None:
        return ""
    return f"hypervolume {100 * share:.2f} % of the box from the best to the worst feasible values"


def _table(
    study: AnyStudy, shown: Sequence[Point], best: Sequence[Point], canvas: Canvas, path: Path
) -> None:
    marked = {point.number for point in best} if isinstance(study, Grid) else set()
    space = study.space
    genes = [gene for gene in space.genes if len(gene.values) > 1]
    names = [goal.metric for goal in study.objectives]
    names += [limit.metric for limit in study.constraints if limit.metric not in names]
    head = [Column("point", number=True), *(Column(name, number=True) for name in names)]
    head += [
        Column(gene.name.split(".", 1)[-1], number="." in gene.name, spare=at + 1)
        for at, gene in enumerate(genes)
    ]
    rows = []
    for point in shown:
        values, numbers = space.values(point.genome), point.evaluation.numbers
        told = [in_unit(name, numbers[name]) for name in names]
        mark = " *" if point.number in marked else ""
        rows.append([f"{point.number}{mark}", *told, *(str(values.get(gene.name, "")) for gene in genes)])
    if hidden := canvas.table(head, rows):
        canvas.paragraph(f"no room for {', '.join(hidden)}: a wider terminal, or `catx search front {path}`")
