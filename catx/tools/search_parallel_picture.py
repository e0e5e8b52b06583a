"""The front in parallel coordinates: a line per point through its genes and objectives."""

from collections.abc import Sequence
from math import log
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from catx.search.findings import Findings
from catx.search.space import Gene
from catx.tools.metric_text import Scale, broken, gene_words, words
from catx.tools.picture import COLORMAP, SMALL, Axes, is_wide, new_figure, spread
from catx.tools.search_front_picture import scales_of
from catx.tools.search_numbers import Json, front_json, goals_json, values_of

_TICKS = 9
"""Values of a gene that are written beside its axis."""

_SPREAD = 0.05
"""How far lines through the same value of a gene are spread, of the axis' height."""

_MANY = 60
_FEW: dict[str, Any] = {"linewidths": 1.4, "alpha": 0.85}
_THIN: dict[str, Any] = {"linewidths": 0.8, "alpha": 0.45}
"""How lines look, and of more than that many."""


def parallel_picture(name: str, found: Findings) -> tuple[Figure, Json]:
    """A line per point of the front through its genes and objectives, and the numbers in it."""
    goals, genes = found.study.objectives, [gene for _, gene in found.varying]
    scales = scales_of([found], goals)
    heads = [gene_words(gene) for gene in genes] + [broken(scale.label) for scale in scales]
    figure = new_figure(max(6.0, 1.6 + 1.05 * len(heads)), 5.0)
    axes = figure.subplots()
    first = [scales[0].of(value) for value in values_of(found, goals[0])]
    lines = [list(enumerate(row)) for row in _heights(found)]
    look = _FEW if len(lines) <= _MANY else _THIN
    bundle = LineCollection(lines, cmap=COLORMAP, norm=_norm(first), **look)
    bundle.set_array(np.asarray(first))
    axes.add_collection(bundle)
    _ticks(axes, found, genes, scales)
    axes.set_xlim(-0.5, len(heads) - 0.4)
    axes.set_ylim(-0.06, 1.06)
    axes.set_xticks(range(len(heads)), heads, rotation=35, ha="right", rotation_mode="anchor", fontsize=SMALL)
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="x", length=0)
    told = ", ".join(f"{goal.best} {words(goal.metric)}" for goal in goals)
    axes.set_title(f"{name}: front of {len(found.front)}; {told}", fontsize="medium")
    if min(first) < max(first):
        figure.colorbar(bundle, ax=axes, label=scales[0].label, pad=0.02, aspect=30, format="%g")
    return figure, {
        "objectives": goals_json(goals),
        "genes": [{"name": gene.name, "values": list(gene.values)} for gene in genes],
        "points": front_json(found),
    }


def _ticks(axes: Axes, found: Findings, genes: Sequence[Gene], scales: Sequence[Scale]) -> None:
    """A vertical axis for each gene, with its values, and for each objective."""
    marks = []
    for gene in genes:
        picked = np.unique(np.linspace(0, len(gene.values) - 1, _TICKS).round().astype(int))
        marks.append([(_place(int(at), gene), str(gene.values[at])) for at in picked])
    for goal, scale in zip(found.study.objectives, scales, strict=True):
        values = values_of(found, goal)
        marks.append([(_height(mark, values), f"{scale.of(mark):.3g}") for mark in spread(values, 5)])
    look: dict[str, Any] = {"ha": "right", "va": "center", "fontsize": "x-small", "zorder": 5}
    look["bbox"] = {"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 0.6}
    for at, column in enumerate(marks):
        axes.axvline(at, ymin=0.05, ymax=0.95, color="0.8", linewidth=1, zorder=0)
        for height, text in column:
            axes.text(at - 0.05, height, text, **look)


def _heights(found: Findings) -> list[list[float]]:
    """Where each line passes each axis, 0 to 1; lines through the same value lie a little apart."""
    count = len(found.front)
    columns = [values_of(found, goal) for goal in found.study.objectives]
    rows = []
    for rank, point in enumerate(found.front):
        shift = _SPREAD * (rank / (count - 1) - 0.5) if count > 1 else 0.0
        row = [_place(point.genome[at], gene) + shift for at, gene in found.varying]
        rows.append(row + [_height(values[rank], values) for values in columns])
    return rows


def _place(at: int, gene: Gene) -> float:
    """The height of a choice of a gene: 0 to 1, with room at both ends for lines that lie apart."""
    return _SPREAD / 2 + (1 - _SPREAD) * at / (len(gene.values) - 1)


def _height(value: float, values: Sequence[float]) -> float:
    """Where a value stands between the least and the greatest, 0 to 1, as `spread` does."""
    low, high = min(values), max(values)
    if low == high:
        return 0.5
    return log(value / low) / log(high / low) if is_wide(values) else (value - low) / (high - low)


def _norm(values: Sequence[float]) -> Normalize:
    """How values become colours."""
    low, high = min(values), max(values)
    if low == high:
        return Normalize(low - 0.5, low + 0.5)
    return LogNorm(low, high) if is_wide(values) else Normalize(low, high)
