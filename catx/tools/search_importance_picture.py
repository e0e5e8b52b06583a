"""Which gene matters for which metric, as a heat map."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from catx.search.findings import Findings
from catx.search.importance import TRUSTED, Importance
from catx.tools.metric_text import gene_words, words
from catx.tools.picture import COLORMAP, SMALL, Axes, new_figure
from catx.tools.search_numbers import Json

_LIGHT = 0.55
"""Cells from this part of the largest share on are light, and written on in black."""


def importance_picture(name: str, found: Findings, matter: Sequence[Importance]) -> tuple[Figure, Json]:
    """A heat map of genes and metrics, and the numbers in it."""
    genes = [gene for _, gene in found.varying]
    figure = new_figure(max(5.6, 2.8 + 1.35 * len(matter)), 2.4 + 0.38 * len(genes))
    axes = figure.subplots()
    cells = np.array([[np.nan] * len(genes) if one.shares is None else one.shares for one in matter]).T
    top = float(np.nanmax(cells, initial=0.01))
    image = axes.imshow(100 * cells, cmap=COLORMAP, vmin=0, vmax=100 * top, aspect="auto")
    for (row, column), share in np.ndenumerate(cells):
        if np.isfinite(share):
            color = "black" if share >= _LIGHT * top else "white"
            text = f"{100 * share:.0f}"
            axes.text(column, row, text, ha="center", va="center", color=color, fontsize=SMALL)
    for column, one in enumerate(matter):
        if one.note:
            _hatch(axes, column, len(genes))
    axes.set_yticks(range(len(genes)), [gene_words(gene) for gene in genes])
    axes.set_xticks(range(len(matter)), [_head(one) for one in matter], fontsize=SMALL)
    axes.tick_params(length=0)
    figure.colorbar(image, ax=axes, label="importance [%]", aspect=25)
    doubtful = "\nhatched: not to be trusted, or nothing to tell" if any(one.note for one in matter) else ""
    figure.suptitle(f"{name}: which gene matters{doubtful}", fontsize="medium")
    return figure, {
        "points": len(found.evaluated),
        "trusted_from_r2": TRUSTED,
        "genes": [gene.name for gene in genes],
        "metrics": [_numbers(one) for one in matter],
    }


def _head(one: Importance) -> str:
    r2 = "constant" if one.r2 is None else f"R\N{SUPERSCRIPT TWO} {one.r2:.2f}"
    return f"{words(one.metric).replace(' ', chr(10), 1)}\n{r2}"


def _hatch(axes: Axes, column: int, rows: int) -> None:
    axes.add_patch(
        Rectangle((column - 0.5, -0.5), 1, rows, fill=False, hatch="///", edgecolor="0.6", linewidth=0)
    )


def _numbers(one: Importance) -> Json:
    return {
        "metric": one.metric,
        "logarithm": one.logarithm,
        "r2": one.r2,
        "share": None if one.shares is None else list(one.shares),
        "fall_of_r2": None if one.drops is None else list(one.drops),
        "deviation": None if one.deviations is None else list(one.deviations),
        "note": one.note,
    }
