"""Plots of carbon as PNG, and their series as JSON."""

import io
import json
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from catx.costmodel.carbon.compare import break_even
from catx.costmodel.carbon.curves import Curve, carbon_parts, over_life
from catx.frontend.report_file import CarbonOf

Json = dict[str, Any]

MARK = "catx carbon plot"
"""Written into each PNG: what it is told by later."""

PARTS, LIFE, SERIES = "carbon_parts.png", "carbon_lifetime.png", "carbon_plots.json"
_KG = 1000.0


def plot_files(designs: Sequence[CarbonOf], samples: int, seed: int) -> dict[str, str | bytes]:
    """Files by name: two pictures, and the numbers in them."""
    labels = _labels(designs)
    parts = [carbon_parts(design.sheet) for design in designs]
    curves = [over_life(design.sheet, samples, seed) for design in designs]
    crossings = _crossings(designs)
    return {
        PARTS: _parts_png(labels, parts),
        LIFE: _life_png(labels, designs, curves, crossings),
        SERIES: _json(designs, parts, curves, crossings, samples, seed),
    }


def _labels(designs: Sequence[CarbonOf]) -> list[str]:
    """Accelerators, where they tell designs apart, or their scenarios; else the files."""
    ways = (
        [design.accelerator for design in designs],
        [f"{design.accelerator}, {design.scenario}" for design in designs],
        [design.file for design in designs],
    )
    names = next((way for way in ways if len(set(way)) == len(way)), ways[-1])
    return [name if names.count(name) == 1 else f"{name} ({at})" for at, name in enumerate(names, 1)]


def _crossings(designs: Sequence[CarbonOf]) -> list[tuple[int, int, float]]:
    """Positions of two designs, and the age at which they have emitted the same [years]."""
    found = []
    for (i, one), (j, other) in combinations(enumerate(designs), 2):
        if one.sheet["inferences"] != other.sheet["inferences"]:
            continue  # their ages do not count the same work
        if one.sheet["lifetime_years"] != other.sheet["lifetime_years"]:
            continue
        count = break_even(one.sheet, other.sheet).inferences
        if count is not None:
            found.append((i, j, count / one.sheet["inferences"] * one.sheet["lifetime_years"]))
    return found


def _parts_png(labels: Sequence[str], parts: Sequence[dict[str, float]]) -> bytes:
    """Stacked bars, one per design."""
    figure = Figure(figsize=(2.5 + 1.3 * len(labels), 4.5), layout="constrained")
    axes = figure.subplots()
    bottoms = [0.0] * len(labels)
    for name in dict.fromkeys(name for of in parts for name in of):
        heights = [of.get(name, 0.0) / _KG for of in parts]
        if any(heights):
            axes.bar(labels, heights, bottom=bottoms, label=name.removesuffix("_gco2e").replace("_", " "))
            bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    axes.set_ylabel("carbon of one unit [kgCO2e]")
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.tick_params(axis="x", labelrotation=20)
    return _png(figure)


def _life_png(
    labels: Sequence[str],
    designs: Sequence[CarbonOf],
    curves: Sequence[Curve],
    crossings: Sequence[tuple[int, int, float]],
) -> bytes:
    """Totals over the age, with bands, the lifetime and break-even points."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    for label, curve in zip(labels, curves, strict=True):
        (line,) = axes.plot(curve.years, [total / _KG for total in curve.total_gco2e], label=label)
        if curve.bands_gco2e:
            low, high = ([band[at] / _KG for band in curve.bands_gco2e] for at in (0, 2))
            axes.fill_between(curve.years, low, high, alpha=0.15, color=line.get_color())
    for years in sorted({design.sheet["lifetime_years"] for design in designs}):
        axes.axvline(years, color="0.6", linestyle=":", linewidth=1)
    for i, _, years in crossings:
        curve = curves[i]
        if years <= curve.years[-1]:
            start, end = curve.total_gco2e[0], curve.total_gco2e[-1]
            axes.plot([years], [(start + (end - start) * years / curve.years[-1]) / _KG], "ko", markersize=4)
    axes.set_xlabel("age [years]; dotted: the lifetime" + (", dots: break-even" if crossings else ""))
    axes.set_ylabel("carbon of one unit [kgCO2e]")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")
    return _png(figure)


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=150, metadata={"Software": MARK})
    return stream.getvalue()


def _json(
    designs: Sequence[CarbonOf],
    parts: Sequence[dict[str, float]],
    curves: Sequence[Curve],
    crossings: Sequence[tuple[int, int, float]],
    samples: int,
    seed: int,
) -> str:
    rows: list[Json] = [
        {
            "file": design.file,
            "accelerator": design.accelerator,
            "notes": list(design.notes),
            "parts_gco2e": of,
            "years": list(curve.years),
            "total_gco2e": list(curve.total_gco2e),
            **({"p5_p50_p95_gco2e": [list(band) for band in curve.bands_gco2e]} if samples else {}),
        }
        for design, of, curve in zip(designs, parts, curves, strict=True)
    ]
    data: Json = {
        "schema": "catx.plots/1",
        "samples": samples,
        "seed": seed,
        "designs": rows,
        "break_even": [{"designs": [i, j], "years": years} for i, j, years in crossings],
    }
    return json.dumps(data, indent=1, allow_nan=False) + "\n"
