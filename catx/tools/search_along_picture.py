"""What changes along the front: where the accelerator grows, and where the model shrinks."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from catx.search.findings import Findings
from catx.search.space import HARDWARE_PREFIX, MODEL_PREFIX, Gene
from catx.tools.metric_text import Scale, broken, gene_words, words
from catx.tools.picture import COLORS, SMALL, Axes, is_wide, new_figure, spread
from catx.tools.search_front_picture import scales_of
from catx.tools.search_numbers import Json, front_json, goals_json, values_of

_TICKS = 5
"""Values of a gene that are written beside its line."""

_LETTERS = 12
"""Of a title, per inch."""

MANY, REACH = 40, 0.05
"""From so many points on a line shows means, over this share of the points to each side."""

Placed = tuple[int, Gene]


def along_picture(name: str, found: Findings) -> tuple[Figure, Json]:
    """Objectives, and genes that differ, along the front from the best of the first objective on.

    Genes of the model and of the hardware stand side by side, each below the objectives.
    """
    goals = found.study.objectives
    scales = scales_of([found], goals)
    changing = [(at, gene) for at, gene in found.varying if len({p.genome[at] for p in found.front}) > 1]
    same = [gene for at, gene in found.varying if (at, gene) not in changing]
    sides = [
        [one for one in changing if one[1].name.startswith(kind)] for kind in (MODEL_PREFIX, HARDWARE_PREFIX)
    ]
    sides = [side for side in sides if side] or [[]]
    rows, width = len(goals) + max(map(len, sides)), 6.4 if len(sides) == 1 else 11.0
    figure = new_figure(width, 1.2 + 0.95 * rows)
    grid = figure.subplots(rows, len(sides), sharex=True, squeeze=False)
    for column, side in enumerate(sides):
        _column([row[column] for row in grid], found, scales, side)
    grid[0][0].set_xlim(0.4, len(found.front) + 0.6)
    figure.align_ylabels(grid)
    figure.supxlabel(f"points of the front by {words(goals[0].metric)}, best first", fontsize="medium")
    kept = {gene.name: found.values(found.front[0])[gene.name] for gene in same}
    told = ", ".join(f"{gene_words(gene)} {kept[gene.name]}" for gene in same)
    title = f"{name}: along the front" + (f"; the same at all its points: {told}" if same else "")
    if len(found.front) >= MANY:
        title += "; black: mean of neighbours"
    figure.suptitle(fill(title, int(_LETTERS * width)), fontsize="medium")
    return figure, {
        "objectives": goals_json(goals),
        "varies": [gene.name for _, gene in changing],
        "same": kept,
        "mean_of_neighbours_to_each_side": _reach(len(found.front)) if len(found.front) >= MANY else None,
        "points": front_json(found),
    }


def _reach(count: int) -> int:
    return max(1, round(REACH * count))


def smooth(values: Sequence[float]) -> list[float]:
    """Means over neighbours: `REACH` of all points to each side, fewer at the ends."""
    reach = _reach(len(values))
    return [float(np.mean(values[max(0, at - reach) : at + reach + 1])) for at in range(len(values))]


def _column(panels: Sequence[Any], found: Findings, scales: Sequence[Scale], side: Sequence[Placed]) -> None:
    """Objectives and some genes below each other; panels that are left stay empty."""
    goals = found.study.objectives
    for panel, goal, scale in zip(panels, goals, scales, strict=False):
        _objective(panel, [scale.of(value) for value in values_of(found, goal)], scale.label)
    for panel, (at, gene) in zip(panels[len(goals) :], side, strict=False):
        _gene(panel, [point.genome[at] for point in found.front], gene)
    last = len(goals) + len(side)
    panels[last - 1].tick_params(labelbottom=True)
    for panel in panels[last:]:
        panel.set_visible(False)


def _objective(panel: Axes, values: Sequence[float], label: str) -> None:
    _steps(panel, values, broken(label), COLORS[0])
    if is_wide(values):
        panel.set_yscale("log")
        panel.yaxis.set_minor_locator(NullLocator())
    marks = spread(values, 3)
    panel.set_yticks(marks, [f"{mark:.3g}" for mark in marks])


def _gene(panel: Axes, places: Sequence[int], gene: Gene) -> None:
    _steps(panel, places, gene_words(gene), COLORS[1])
    used = sorted(set(places))
    some = np.unique(np.linspace(0, len(used) - 1, _TICKS).round().astype(int))
    panel.set_yticks([used[i] for i in some], [str(gene.values[used[i]]) for i in some])
    panel.set_ylim(used[0] - 0.4, used[-1] + 0.4)


def _steps(panel: Axes, values: Sequence[float], label: str, color: str) -> None:
    """One line of the small multiples."""
    count = range(1, len(values) + 1)
    many = len(values) >= MANY
    panel.step(count, values, where="mid", color=color, linewidth=1.3, alpha=0.4 if many else 1.0)
    if many:
        panel.plot(count, smooth(values), color="black", linewidth=1.3)
    else:
        panel.plot(count, values, ".", color=color, markersize=4)
    panel.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=SMALL)
    panel.grid(axis="y", color="0.9")
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=SMALL)
    panel.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
