"""Fronts in the plane of two objectives."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from matplotlib.figure import Figure

from catx.search.findings import Findings
from catx.search.metrics import ACCURACY
from catx.search.pareto import front_of
from catx.search.points import Point
from catx.search.study import Goal
from catx.tools.metric_text import Scale, scale_for
from catx.tools.picture import (
    BOUND,
    COLORS,
    FAINT,
    INFEASIBLE,
    LINES,
    MARKERS,
    Axes,
    legend_below,
    new_figure,
    scale_axis,
)
from catx.tools.search_numbers import Json, goals_json

Pair = tuple[Goal, Goal]

_DOT, _BEST = 14, 26
"""Areas of markers [points squared]."""


def front_picture(names: Sequence[str], found: Sequence[Findings], pair: Pair) -> tuple[Figure, Json]:
    """All points and the front of studies in the plane of two objectives, and the numbers in it."""
    figure = new_figure(7.2, 5.0)
    axes = figure.subplots()
    scales = scales_of(found, pair)
    for which, goal, scale in zip(("x", "y"), pair, scales, strict=True):
        shown = _values([point for one in found for point in one.evaluated], goal, scale)
        scale_axis(axes, which, shown)  # type: ignore[arg-type]  # one of both
    several = len(found) > 1
    for at, (name, one) in enumerate(zip(names, found, strict=True)):
        _cloud(axes, one, pair, scales, COLORS[at % len(COLORS)] if several else "")
        _front(axes, one, pair, scales, at, f"{name}: " if several else "")
    if several:  # clouds have the colour of their front, so their shapes are told without one
        if any(len(one.evaluated) > len(one.feasible) for one in found):
            axes.scatter([], [], s=_DOT, marker="x", color=INFEASIBLE, label="infeasible")
        axes.scatter([], [], s=_DOT, color=FAINT, label="feasible")
    _bounds(axes, found, scales)
    axes.set_xlabel(f"{scales[0].label}, {pair[0].best} is best")
    axes.set_ylabel(f"{scales[1].label}, {pair[1].best} is best")
    if not any(one.feasible for one in found):
        axes.set_title("no feasible point was found", fontsize="medium")
    legend_below(figure, [axes])
    return figure, {
        "axes": goals_json(pair),
        "studies": [_numbers(name, one, pair) for name, one in zip(names, found, strict=True)],
    }


def scales_of(found: Sequence[Findings], goals: Sequence[Goal]) -> list[Scale]:
    """Units of objectives: those that suit the front, or all points where there is none.

    The label of accuracies that are not measured says so.
    """
    points = [point for one in found for point in one.front]
    points = points or [point for one in found for point in one.evaluated]
    scales = [
        scale_for(goal.metric, [point.evaluation.numbers[goal.metric] for point in points]) for goal in goals
    ]
    each = [one.accuracy_told for one in found]
    told = "; ".join(dict.fromkeys(each)) if all(each) else ""
    return [
        replace(scale, label=f"{scale.label} ({told})") if told and scale.name == ACCURACY.name else scale
        for scale in scales
    ]


def stairs(points: Sequence[Point], pair: Pair) -> list[tuple[float, float]]:
    """Corners of the line that bounds what the points beat in a plane, in base units.

    A point beats what is worse than it in both objectives: the line goes from a point to the next one's
    first value at the level of its own second value, and then to the next point.
    """
    costs = [tuple(goal.sign * point.evaluation.numbers[goal.metric] for goal in pair) for point in points]
    best = sorted({costs[at] for at in front_of(costs)})
    corners = best[:1]
    for one, other in pairwise(best):
        corners += [(other[0], one[1]), other]
    return [(pair[0].sign * x, pair[1].sign * y) for x, y in corners]


def _values(points: Sequence[Point], goal: Goal, scale: Scale) -> list[float]:
    return [scale.of(point.evaluation.numbers[goal.metric]) for point in points]


def _cloud(axes: Axes, found: Findings, pair: Pair, scales: Sequence[Scale], color: str) -> None:
    """All points but the front: feasible ones faint, infeasible ones as crosses."""
    best = {point.number for point in found.front}
    infeasible = [point for point in found.evaluated if not point.feasible]
    feasible = [point for point in found.feasible if point.number not in best]
    if infeasible:
        axes.scatter(
            *(_values(infeasible, goal, scale) for goal, scale in zip(pair, scales, strict=True)),
            s=_DOT,
            marker="x",
            linewidths=0.8,
            color=color or INFEASIBLE,
            alpha=0.5 if color else 0.8,
            label=None if color else "infeasible",
            zorder=1,
        )
    for points, hollow, told in _by_accuracy(feasible, pair):
        axes.scatter(
            *(_values(points, goal, scale) for goal, scale in zip(pair, scales, strict=True)),
            s=_DOT,
            facecolors="none" if hollow else (color or FAINT),
            edgecolors=color or FAINT,
            linewidths=0.8,
            alpha=0.35 if color else 1.0,
            label=None if color else f"feasible{told}",
            zorder=2,
        )


def _front(axes: Axes, found: Findings, pair: Pair, scales: Sequence[Scale], at: int, prefix: str) -> None:
    """The front's points, and as steps those that are best in this plane."""
    color = COLORS[at % len(COLORS)]
    corners = stairs(found.front, pair)
    if corners:
        axes.plot(
            *(
                [scale.of(value) for value in side]
                for scale, side in zip(scales, zip(*corners, strict=True), strict=True)
            ),
            color=color,
            linestyle=LINES[at % len(LINES)],
            linewidth=1.3,
            label=f"{prefix}front of these two" if len(found.study.objectives) > 2 else None,
            zorder=3,
        )
    for points, hollow, told in _by_accuracy(found.front, pair):
        axes.scatter(
            *(_values(points, goal, scale) for goal, scale in zip(pair, scales, strict=True)),
            s=_BEST,
            marker=MARKERS[at % len(MARKERS)],
            facecolors="white" if hollow else color,
            edgecolors=color,
            linewidths=1.2,
            label=f"{prefix}front{told}",
            zorder=4,
        )


def _by_accuracy(points: Sequence[Point], pair: Pair) -> list[tuple[list[Point], bool, str]]:
    """Points by whether their accuracy is predicted, and words for it; all alike where it is no axis."""
    if not points:
        return []
    if all(goal.metric != ACCURACY.name for goal in pair):
        return [(list(points), False, "")]
    parts = [
        ([point for point in points if point.evaluation.measured], False, ", accuracy measured"),
        ([point for point in points if not point.evaluation.measured], True, ", accuracy predicted"),
    ]
    return [part for part in parts if part[0]]


def _bounds(axes: Axes, found: Sequence[Findings], scales: Sequence[Scale]) -> None:
    """Constraints whose metric is an axis; of those that lie beyond the points only the legend tells."""
    limits = dict.fromkeys(limit for one in found for limit in one.study.constraints)
    lines = ("--", ":")
    for place, (scale, draw) in enumerate(zip(scales, (axes.axvline, axes.axhline), strict=True)):
        low, high = axes.get_xlim() if place == 0 else axes.get_ylim()
        for limit in limits:
            if limit.metric != scale.name:
                continue
            bound = scale.of(limit.bound)
            if low <= bound <= high:
                draw(
                    bound,
                    color=BOUND,
                    linestyle=lines[place],
                    linewidth=1.5,
                    label=scale.bound(limit),
                    zorder=0,
                )
            else:
                axes.plot([], [], linestyle="", label=f"{scale.bound(limit)} (beyond the axis)")


def _numbers(name: str, found: Findings, pair: Pair) -> Json:
    """The points of a study in base units."""
    best = {point.number for point in found.front}
    points = found.evaluated
    return {
        "name": name,
        "numbers": [point.number for point in points],
        **{goal.metric: [point.evaluation.numbers[goal.metric] for point in points] for goal in pair},
        "feasible": [point.feasible for point in points],
        "front": [point.number in best for point in points],
        "accuracy_is_measured": [point.evaluation.measured for point in points],
        "stairs": [list(corner) for corner in stairs(found.front, pair)],
        "constraints": [
            {"metric": limit.metric, "side": limit.side, "bound": limit.bound}
            for limit in found.study.constraints
            if limit.metric in [goal.metric for goal in pair]
        ],
    }
