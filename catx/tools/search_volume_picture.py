"""How runs went: hypervolumes over evaluations."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from catx.search.findings import Findings
from catx.search.volume import Box, VolumeCurve, volume_curve
from catx.tools.metric_text import in_unit, words
from catx.tools.picture import (
    COLORS,
    LINES,
    SMALL,
    legend_below,
    new_figure,
)
from catx.tools.search_numbers import Json, goals_json

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
        "objectives": goals_json(goals),
        "reference": reference,
        "best": [goal.sign * cost for goal, cost in zip(goals, box.best, strict=True)],
        "studies": [_numbers(name, curve, box) for name, curve in zip(names, curves, strict=True)],
    }


def _numbers(name: str, curve: VolumeCurve, box: Box) -> Json:
    return {
        "name": name,
        "evaluations": list(curve.evaluations),
        "hypervolume": list(curve.volumes),
        "share": [box.share(volume) for volume in curve.volumes],
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
