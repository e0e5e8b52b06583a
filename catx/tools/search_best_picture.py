"""How runs for one objective went: all values, and the best so far, over evaluations."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from catx.search.findings import Findings
from catx.search.points import Point
from catx.search.study import Goal
from catx.tools.metric_text import Scale
from catx.tools.picture import (
    COLORS,
    FAINT,
    INFEASIBLE,
    LINES,
    Axes,
    legend_below,
    new_figure,
    scale_axis,
)
from catx.tools.search_front_picture import scales_of
from catx.tools.search_numbers import Json, goals_json


def best_picture(names: Sequence[str], found: Sequence[Findings]) -> tuple[Figure, Json]:
    """Values of the one objective over evaluations, with the best so far, and the numbers in it."""
    (goal,) = found[0].study.objectives
    (scale,) = scales_of(found, [goal])
    figure = new_figure(7.2, 4.8)
    axes = figure.subplots()
    shown = [scale.of(point.evaluation.numbers[goal.metric]) for one in found for point in one.evaluated]
    scale_axis(axes, "y", shown)
    for at, (name, one) in enumerate(zip(names, found, strict=True)):
        color = COLORS[at % len(COLORS)]
        _cloud(axes, one, goal, scale, color if len(found) > 1 else "")
        steps = best_so_far(one.points, goal)
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
        "axes": goals_json([goal]),
        "studies": [_run_numbers(name, one, goal) for name, one in zip(names, found, strict=True)],
    }


def _cloud(axes: Axes, found: Findings, goal: Goal, scale: Scale, color: str) -> None:
    """All points over the count of evaluations; in a study's colour where there are several."""
    order = {point.number: count for count, point in enumerate(found.points, 1)}
    infeasible = [point for point in found.evaluated if not point.feasible]
    for points, marker, look, told in (
        (infeasible, "x", INFEASIBLE, "infeasible"),
        (found.feasible, "o", FAINT, "feasible"),
    ):
        if points:
            axes.plot(
                [order[point.number] for point in points],
                [scale.of(point.evaluation.numbers[goal.metric]) for point in points],
                marker,
                markersize=4,
                color=color or look,
                alpha=0.4 if color else 1.0,
                label=None if color else told,
            )


def best_so_far(points: Sequence[Point], goal: Goal) -> list[tuple[int, float]]:
    """After how many evaluations the best feasible value was which, and at the end."""
    best: list[tuple[int, float]] = []
    for count, point in enumerate(points, 1):
        if point.feasible:
            value = point.evaluation.numbers[goal.metric]
            if not best or goal.sign * value < goal.sign * best[-1][1]:
                best.append((count, value))
    return [*best, (len(points), best[-1][1])] if best and best[-1][0] < len(points) else best


def _run_numbers(name: str, found: Findings, goal: Goal) -> Json:
    steps = best_so_far(found.points, goal)
    return {
        "name": name,
        "numbers": [point.number for point in found.evaluated],
        goal.metric: [point.evaluation.numbers[goal.metric] for point in found.evaluated],
        "feasible": [point.feasible for point in found.evaluated],
        "best_evaluations": [count for count, _ in steps],
        "best": [value for _, value in steps],
    }
