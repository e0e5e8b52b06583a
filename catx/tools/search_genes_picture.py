"""What the front is made of: its genes beside its objectives, how they change along it, and which matter."""

from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from catx.search.findings import Findings
from catx.search.importance import TRUSTED, Importance
from catx.search.space import Gene
from catx.search.study import Goal
from catx.tools.metric_text import words
from catx.tools.picture import COLORMAP, COLORS, SMALL, Axes, is_wide, new_figure, spread
from catx.tools.search_front_picture import scales_of

Json = dict[str, Any]

_TICKS = 9
"""Values of a gene that are written beside its axis."""

_SPREAD = 0.05
"""How far lines through the same value of a gene are spread, of the axis' height."""


def parallel_picture(name: str, found: Findings) -> tuple[Figure, Json]:
    """A line per point of the front through its genes and objectives, and the numbers in it."""
    genes, goals = found.varying, found.study.objectives
    scales = scales_of([found], goals)
    heads = [_short(gene) for _, gene in genes] + [scale.label.replace(" [", "\n[") for scale in scales]
    figure = new_figure(max(6.0, 1.6 + 1.05 * len(heads)), 5.0)
    axes = figure.subplots()
    heights = _heights(found)
    lines = [list(enumerate(row)) for row in heights]
    first = [scales[0].of(point.evaluation.numbers[goals[0].metric]) for point in found.front]
    bundle = LineCollection(lines, cmap=COLORMAP, norm=_norm(first), linewidths=1.4, alpha=0.85)
    bundle.set_array(np.asarray(first))
    axes.add_collection(bundle)
    for at, (_, gene) in enumerate(genes):
        _ticks(axes, at, [(_place(i, gene), str(value)) for i, value in _some(gene)])
    for at, (goal, scale) in enumerate(zip(goals, scales, strict=True), len(genes)):
        values = _of_front(found, goal)
        _ticks(axes, at, [(_height(mark, values), f"{scale.of(mark):.3g}") for mark in spread(values, 5)])
    axes.set_xlim(-0.5, len(heads) - 0.4)
    axes.set_ylim(-0.06, 1.06)
    axes.set_xticks(range(len(heads)), heads, rotation=35, ha="right", rotation_mode="anchor", fontsize=SMALL)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", length=0)
    told = ", ".join(f"{goal.best} {words(goal.metric)}" for goal in goals)
    axes.set_title(f"{name}: front of {len(found.front)} points; {told}", fontsize="medium")
    figure.colorbar(bundle, ax=axes, label=scales[0].label, pad=0.02, aspect=30, format="%g")
    return figure, {
        "objectives": [{"metric": goal.metric, "best": goal.best} for goal in goals],
        "genes": [{"name": gene.name, "values": list(gene.values)} for _, gene in genes],
        "points": front_rows(found),
    }


def along_picture(name: str, found: Findings) -> tuple[Figure, Json]:
    """Objectives, and genes that differ, along the front from the best of the first objective on."""
    goals, scales = found.study.objectives, scales_of([found], found.study.objectives)
    changing = [(at, gene) for at, gene in found.varying if len({p.genome[at] for p in found.front}) > 1]
    sides = [
        [(at, gene) for at, gene in changing if gene.name.startswith(kind)] for kind in ("model.", "hw.")
    ]
    sides = [side for side in sides if side] or [[]]
    rows = len(goals) + max(map(len, sides))
    figure = new_figure(6.4 if len(sides) == 1 else 11.0, 1.0 + 0.95 * rows)
    grid = figure.subplots(rows, len(sides), sharex=True, squeeze=False)
    count = range(1, len(found.front) + 1)
    for column, side in enumerate(sides):
        for row, (goal, scale) in enumerate(zip(goals, scales, strict=True)):
            values = [scale.of(point.evaluation.numbers[goal.metric]) for point in found.front]
            panel = grid[row][column]
            _panel(panel, count, values, scale.label, COLORS[0])
            if is_wide(values):
                panel.set_yscale("log")
                panel.yaxis.set_minor_locator(NullLocator())
            marks = spread(values, 3)
            panel.set_yticks(marks, [f"{mark:.3g}" for mark in marks])
        for row, (at, gene) in enumerate(side, len(goals)):
            panel = grid[row][column]
            _panel(panel, count, [point.genome[at] for point in found.front], _short(gene), COLORS[1])
            used = sorted({point.genome[at] for point in found.front})
            some = (
                used
                if len(used) <= 5
                else [used[i] for i in np.linspace(0, len(used) - 1, 5).round().astype(int)]
            )
            panel.set_yticks(some, [str(gene.values[i]) for i in some], fontsize=SMALL)
            panel.set_ylim(used[0] - 0.4, used[-1] + 0.4)
        last = len(goals) + len(side) - 1
        grid[last][column].tick_params(labelbottom=True)
        for row in range(last + 1, rows):
            grid[row][column].set_visible(False)
    grid[0][0].set_xlim(0.4, len(found.front) + 0.6)
    figure.align_ylabels(grid)
    figure.supxlabel(f"points of the front by {words(goals[0].metric)}, best first", fontsize="medium")
    same = [gene for at, gene in found.varying if (at, gene) not in changing]
    constant = ", ".join(f"{_short(gene)} {found.values(found.front[0])[gene.name]}" for gene in same)
    figure.suptitle(
        f"{name}: along the front" + (f"\nthe same at all points: {constant}" if same else ""),
        fontsize="medium",
        wrap=True,
    )
    return figure, {
        "objectives": [{"metric": goal.metric, "best": goal.best} for goal in goals],
        "varies": [gene.name for _, gene in changing],
        "same": {gene.name: found.values(found.front[0])[gene.name] for gene in same},
        "points": front_rows(found),
    }


def importance_picture(name: str, found: Findings, matter: Sequence[Importance]) -> tuple[Figure, Json]:
    """A heat map of genes and metrics, and the numbers in it."""
    genes = [gene for _, gene in found.varying]
    figure = new_figure(2.8 + 1.35 * len(matter), 2.4 + 0.38 * len(genes))
    axes = figure.subplots()
    cells = np.array([[np.nan] * len(genes) if one.shares is None else one.shares for one in matter]).T
    image = axes.imshow(100 * cells, cmap=COLORMAP, vmin=0, vmax=100, aspect="auto")
    for (row, column), value in np.ndenumerate(cells):
        if np.isfinite(value):
            look = {"color": "white" if value < 0.55 else "black", "fontsize": SMALL}
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", **look)
    for column, one in enumerate(matter):
        if one.note:
            axes.add_patch(_hatched(column, len(genes)))
    axes.set_yticks(range(len(genes)), [_short(gene) for gene in genes])
    axes.set_xticks(range(len(matter)), [_head(one) for one in matter], fontsize=SMALL)
    axes.tick_params(length=0)
    figure.colorbar(image, ax=axes, label="importance [%]", aspect=25)
    doubtful = "; hatched: not to be trusted" if any(one.note for one in matter) else ""
    figure.suptitle(f"{name}: which gene matters{doubtful}", fontsize="medium")
    return figure, {
        "points": len(found.evaluated),
        "trusted_from_r2": TRUSTED,
        "genes": [gene.name for gene in genes],
        "metrics": [
            {
                "metric": one.metric,
                "logarithm": one.logarithm,
                "r2": one.r2,
                "importance": None if one.drops is None else list(one.drops),
                "share": None if one.shares is None else list(one.shares),
                "deviation": None if one.deviations is None else list(one.deviations),
                "note": one.note,
            }
            for one in matter
        ],
    }


def front_rows(found: Findings) -> list[Json]:
    """Points of the front, best of the first objective first, in base units."""
    return [
        {
            "number": point.number,
            "values": found.values(point),
            **{goal.metric: point.evaluation.numbers[goal.metric] for goal in found.study.objectives},
        }
        for point in found.front
    ]


def _short(gene: Gene) -> str:
    """The gene's name for an axis."""
    return gene.name.replace("_", " ").removeprefix("model.").removeprefix("hw.")


def _place(at: float, gene: Gene) -> float:
    """The height of a choice of a gene, 0 to 1."""
    return at / (len(gene.values) - 1)


def _some(gene: Gene) -> list[tuple[int, Any]]:
    """Values of a gene that are written: all, or evenly spread ones."""
    picked = np.unique(np.linspace(0, len(gene.values) - 1, _TICKS).round().astype(int))
    return [(int(at), gene.values[at]) for at in picked]


def _ticks(axes: Axes, at: int, marks: Sequence[tuple[float, str]]) -> None:
    """A vertical axis of a gene or objective."""
    axes.axvline(at, ymin=0.05, ymax=0.95, color="0.8", linewidth=1, zorder=0)
    for height, text in marks:
        axes.text(
            at - 0.05, height, text, ha="right", va="center", fontsize="x-small", zorder=5,
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6},
        )  # fmt: skip


def _of_front(found: Findings, goal: Goal) -> list[float]:
    """An objective's values on the front."""
    return [point.evaluation.numbers[goal.metric] for point in found.front]


def _height(value: float, values: Sequence[float]) -> float:
    """Where a value stands between the least and the greatest, 0 to 1, as `spread` does."""
    low, high = min(values), max(values)
    if low == high:
        return 0.5
    return log(value / low) / log(high / low) if is_wide(values) else (value - low) / (high - low)


def _heights(found: Findings) -> list[list[float]]:
    """Where each line passes each axis, 0 to 1; lines through the same value lie a little apart."""
    count = len(found.front)
    rows = []
    for rank, point in enumerate(found.front):
        shift = _SPREAD * (rank / (count - 1) - 0.5) if count > 1 else 0.0
        row = [_place(point.genome[at], gene) + shift for at, gene in found.varying]
        row += [
            _height(point.evaluation.numbers[goal.metric], _of_front(found, goal))
            for goal in found.study.objectives
        ]
        rows.append(row)
    return rows


def _norm(values: Sequence[float]) -> Normalize:
    low, high = min(values), max(values)
    if low == high:
        return Normalize(low - 0.5, low + 0.5)
    return LogNorm(low, high) if is_wide(values) else Normalize(low, high)


def _panel(panel: Axes, count: range, values: Sequence[float], label: str, color: str) -> None:
    """One line of small multiples."""
    panel.step(count, values, where="mid", color=color, linewidth=1.3)
    panel.plot(count, values, ".", color=color, markersize=4)
    panel.set_ylabel(label.replace(" [", "\n["), rotation=0, ha="right", va="center", fontsize=SMALL)
    panel.grid(axis="y", color="0.9")
    panel.spines[["top", "right"]].set_visible(False)
    panel.tick_params(labelsize=SMALL)
    panel.xaxis.get_major_locator().set_params(integer=True)


def _head(one: Importance) -> str:
    r2 = "constant" if one.r2 is None else f"R\N{SUPERSCRIPT TWO} {one.r2:.2f}"
    return f"{words(one.metric).replace(' ', chr(10), 1)}\n{r2}"


def _hatched(column: int, rows: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((column - 0.5, -0.5), 1, rows, fill=False, hatch="///", edgecolor="0.6", linewidth=0)
