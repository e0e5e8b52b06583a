"""How a run went: hypervolume over evaluations, and the best value of one objective."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure

from catx.search.findings import Findings
from catx.search.runner import Point
from catx.search.study import Goal
from catx.search.volume import Box, VolumeCurve, volume_curve
from catx.tools.metric_text import in_unit, words
from catx.tools.picture import (
    COLORS,
    FAINT,
    INFEASIBLE,
    LINES,
    SMALL,
    legend_below,
    new_figure,
    scale_axis,
)
from catx.tools.search_front_picture import scales_of

Json = dict[str, Any]

_BEGIN = 0.03
"""Share of the evaluations whose hypervolumes may lie below the axis."""


def volume_picture(names: Sequence[str], found: Sequence[Findings], box: Box) -> tuple[Figure, Json]:
    """Hypervolumes of studies of the same objectives over evaluations, and the numbers in it.

    Args:
        names: of the studies.
        found: the studies; objectives are those of the first one.
        box: of all their feasible points; its worst corner is the reference point.
    """
    goals = found[0].study.objectives
    curves = [volume_curve(one.points, box.worst) for one in found]
    figure = new_figure(7.2, 4.6)
    axes = figure.subplots()
    for at, (name, curve) in enumerate(zip(names, curves, strict=True)):
        start = next((i for i, volume in enumerate(curve.volumes) if volume > 0), len(curve.volumes) - 1)
        axes.step(
            curve.evaluations[start:],
            [100 * (box.share(volume) or 0.0) for volume in curve.volumes[start:]],
            where="post",
            color=COLORS[at % len(COLORS)],
            linestyle=LINES[at % len(LINES)],
            label=name,
        )
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=_bottom(curves, box))
    axes.set_xlabel("evaluations")
    axes.set_ylabel("hypervolume [% of the box best to worst]")
    reference = [goal.sign * cost for goal, cost in zip(goals, box.worst, strict=True)]
    told = [
        f"{words(goal.metric)} {in_unit(goal.metric, value)}"
        for goal, value in zip(goals, reference, strict=True)
    ]
    where = "of all runs" if len(found) > 1 else "of the whole run"
    axes.set_title(f"reference point: worst feasible values {where}\n{', '.join(told)}", fontsize=SMALL)
    if len(found) > 1:
        legend_below(figure, [axes])
    return figure, {
        "objectives": [{"metric": goal.metric, "best": goal.best} for goal in goals],
        "reference": reference,
        "best": [goal.sign * cost for goal, cost in zip(goals, box.best, strict=True)],
        "studies": [
            {
                "name": name,
                "evaluations": list(curve.evaluations),
                "hypervolume": list(curve.volumes),
                "share": [box.share(volume) for volume in curve.volumes],
            }
            for name, curve in zip(names, curves, strict=True)
        ],
    }


def _bottom(curves: Sequence[VolumeCurve], box: Box) -> float:
    """Where the axis begins [%]: the first few points, which any run passes quickly, may lie below."""
    begins, ends = [], []
    for curve in curves:
        counts = [count for count in curve.evaluations if count <= _BEGIN * curve.evaluations[-1]]
        begins.append(curve.volumes[len(counts) - 1])
        ends.append(curve.volumes[-1])
    low, high = (100 * (box.share(volume) or 0.0) for volume in (min(begins), max(ends)))
    return max(0.0, low - 0.06 * (high - low or 1.0))


def best_picture(names: Sequence[str], found: Sequence[Findings]) -> tuple[Figure, Json]:
    """Values of the one objective over evaluations, with the best so far, and the numbers in it."""
    (goal,) = found[0].study.objectives
    (scale,) = scales_of(found, [goal])
    figure = new_figure(7.2, 4.8)
    axes = figure.subplots()
    shown = [scale.of(point.evaluation.numbers[goal.metric]) for one in found for point in one.evaluated]
    scale_axis(axes, "y", shown)
    several = len(found) > 1
    for at, (name, one) in enumerate(zip(names, found, strict=True)):
        order = {point.number: count for count, point in enumerate(one.points, 1)}
        color = COLORS[at % len(COLORS)]
        for points, marker, look, told in (
            ([point for point in one.evaluated if not point.feasible], "x", INFEASIBLE, "infeasible"),
            (one.feasible, "o", FAINT, "feasible"),
        ):
            where = [order[point.number] for point in points]
            values = [scale.of(point.evaluation.numbers[goal.metric]) for point in points]
            axes.plot(
                where,
                values,
                marker,
                markersize=4,
                color=color if several else look,
                alpha=0.4 if several else 1.0,
                label=told if points and not several else None,
            )
        steps = _best_so_far(one.points, goal)
        if steps:
            axes.step(
                [count for count, _ in steps],
                [scale.of(value) for _, value in steps],
                where="post",
                color=color,
                linestyle=LINES[at % len(LINES)],
                label=f"{name}: {goal.best} feasible so far",
            )
    axes.set_xlabel("evaluations")
    axes.set_ylabel(f"{scale.label}, {goal.best} is best")
    if not any(one.feasible for one in found):
        axes.set_title("no feasible point was found", fontsize="medium")
    legend_below(figure, [axes])
    return figure, {
        "axes": [{"metric": goal.metric, "best": goal.best}],
        "studies": [_run_numbers(name, one, goal) for name, one in zip(names, found, strict=True)],
    }


def _best_so_far(points: Sequence[Point], goal: Goal) -> list[tuple[int, float]]:
    """After how many evaluations the best feasible value was which, and at the end."""
    best: list[tuple[int, float]] = []
    for count, point in enumerate(points, 1):
        if point.feasible:
            value = point.evaluation.numbers[goal.metric]
            if not best or goal.sign * value < goal.sign * best[-1][1]:
                best.append((count, value))
    return [*best, (len(points), best[-1][1])] if best and best[-1][0] < len(points) else best


def _run_numbers(name: str, found: Findings, goal: Goal) -> Json:
    steps = _best_so_far(found.points, goal)
    return {
        "name": name,
        "numbers": [point.number for point in found.evaluated],
        goal.metric: [point.evaluation.numbers[goal.metric] for point in found.evaluated],
        "feasible": [point.feasible for point in found.evaluated],
        "best_evaluations": [count for count, _ in steps],
        "best": [value for _, value in steps],
    }
