"""A comparison of studies for people and for scripts."""

import json
from typing import Any

from catx.search.compare import StudyComparison
from catx.tools.canvas import Canvas, Column
from catx.tools.human import percent, significant
from catx.tools.metric_text import in_unit

NONE = "-"


def comparison_text(found: StudyComparison, at: list[str], canvas: Canvas) -> str:
    """For a terminal.

    Args:
        found: the comparison.
        at: objectives at whose levels the others are told.
        canvas: to write on.
    """
    goals = ", ".join(f"{goal.best} {goal.metric}" for goal in found.goals)
    canvas.title("Studies", goals)
    canvas.facts((name, "", str(one.path)) for name, one in zip(found.names, found.found, strict=True))
    for name, differ in zip(found.names, found.differ, strict=True):
        if differ:
            canvas.paragraph(
                f"note: {name} is not the same study as {found.names[0]}: {', '.join(differ)}", "yellow"
            )
    heads = (Column(""), *(Column(name, number=True) for name in found.names))
    canvas.table(heads, _rows(found))
    worst = ", ".join(
        f"{goal.metric} {in_unit(goal.metric, value)}"
        for goal, value in zip(found.goals, found.reference, strict=True)
    )
    canvas.paragraph(
        f"hypervolume: up to the worst feasible values of all, {worst}; "
        "as a share of the box from there to the best ones"
    )
    if any(one.predicts for one in found.found):
        canvas.paragraph("accuracy is predicted, not measured", "yellow")
    canvas.title("Who dominates whom", "share of the column's front that a point of the row's beats")
    canvas.table(
        heads,
        [
            [name, *(NONE if one == other else _percent(share) for other, share in enumerate(row))]
            for one, (name, row) in enumerate(zip(found.names, found.dominated, strict=True))
        ],
    )
    for name in at if len(found.goals) > 1 else []:
        _levels(found, name, canvas)
    return canvas.text


def _rows(found: StudyComparison) -> list[list[str]]:
    """What there is of each study."""
    studies = found.found
    shares = [
        significant(volume) if share is None else f"{100 * share:.2f} %"
        for volume, share in zip(found.volumes, found.shares, strict=True)
    ]
    rows = [
        ["sampler", *(one.study.plan.sampler for one in studies)],
        ["seed", *(str(one.study.plan.seed) for one in studies)],
        ["points", *(f"{len(one.points):,}" for one in studies)],
        ["failed", *(f"{len(one.points) - len(one.evaluated):,}" for one in studies)],
        ["feasible", *(f"{len(one.feasible):,}" for one in studies)],
        ["front", *(f"{len(one.front):,}" for one in studies)],
        ["hypervolume", *shares],
    ]
    for goal, bests in zip(found.goals, found.bests, strict=True):
        told = [NONE if best is None else in_unit(goal.metric, best) for best in bests]
        rows.append([f"{goal.best} {goal.metric}", *told])
    return rows


def _levels(found: StudyComparison, name: str, canvas: Canvas) -> None:
    """The other objectives at levels of one."""
    best = {goal.metric: goal.best for goal in found.goals}
    bound = "at most" if best[name] == "least" else "at least"
    levels = [level for level in found.levels if level.of == name]
    for other in dict.fromkeys(level.other for level in levels):
        canvas.title(
            f"{best[other].capitalize()} {other} at equal {name}",
            f"of points that were evaluated; in brackets against {found.names[0]}",
        )
        heads = [Column(f"{name} {bound}", number=True)]
        heads += [Column(study, number=True) for study in found.names]
        rows = [
            [in_unit(name, level.level), *_against(level.other, level.values)]
            for level in levels
            if level.other == other
        ]
        canvas.table(heads, rows)


def _against(name: str, values: tuple[float | None, ...]) -> list[str]:
    """Values in their unit; of all but the first, how far above or below it they are."""
    first = values[0]
    told = []
    for at, value in enumerate(values):
        if value is None:
            told.append(NONE)
        elif at and first:
            told.append(f"{in_unit(name, value)} ({100 * (value - first) / abs(first):+.1f} %)")
        else:
            told.append(in_unit(name, value))
    return told


def _percent(share: float | None) -> str:
    return NONE if share is None else percent(share)


def comparison_json(found: StudyComparison) -> str:
    """For scripts; all numbers in base units, none is null."""
    names = [goal.metric for goal in found.goals]
    data: dict[str, Any] = {
        "schema": "catx.search-comparison/1",
        "objectives": [{"metric": goal.metric, "best": goal.best} for goal in found.goals],
        "reference": dict(zip(names, found.reference, strict=True)),
        "studies": [
            {
                "name": name,
                "file": str(one.path),
                "study": one.study.name,
                "differs_in": list(found.differ[at]),
                "sampler": one.study.plan.sampler,
                "seed": one.study.plan.seed,
                "points": len(one.points),
                "failed": len(one.points) - len(one.evaluated),
                "feasible": len(one.feasible),
                "front": len(one.front),
                "hypervolume": found.volumes[at],
                "hypervolume_share": found.shares[at],
                "best": {metric: bests[at] for metric, bests in zip(names, found.bests, strict=True)},
                "accuracy_is_predicted": one.predicts,
            }
            for at, (name, one) in enumerate(zip(found.names, found.found, strict=True))
        ],
        "dominated": [list(row) for row in found.dominated],
        "covered": [list(row) for row in found.covered],
        "levels": [
            {"of": one.of, "level": one.level, "other": one.other, "values": list(one.values)}
            for one in found.levels
        ],
    }
    return json.dumps(data, indent=1, allow_nan=False) + "\n"
