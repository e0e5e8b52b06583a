"""A comparison of designs for people and for scripts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from catx.costmodel.carbon.compare import (
    METRICS,
    BreakEven,
    Interval,
    break_even,
    equals_of,
    probability_better,
    robust_set,
)
from catx.costmodel.carbon.uncertainty import uncertainty
from catx.frontend.report_file import CarbonOf
from catx.ir.sheet import Uncertainty
from catx.tools.canvas import Canvas, Column
from catx.tools.human import percent, significant
from catx.tools.report_json import uncertainty_object
from catx.tools.uncertainty_text import SWINGS_ASIDE, percentile_table, swing_table


@dataclass(frozen=True, slots=True)
class Comparison:
    """Designs, what follows from two of them at a time, and what samples say.

    `breaks` is by pairs of positions, and so is `better`: how likely the first one's total is lower, and how
    likely it is the same.
    """

    designs: tuple[CarbonOf, ...]
    breaks: dict[tuple[int, int], BreakEven]
    robust: tuple[Interval, ...]
    samples: int
    seed: int
    uncertain: tuple[Uncertainty, ...]
    better: dict[tuple[int, int], tuple[float, float]]


def comparison(designs: Sequence[CarbonOf], samples: int, seed: int) -> Comparison:
    """Everything that there is to say of some designs."""
    sheets = [design.sheet for design in designs]
    pairs = [(i, j) for i in range(len(sheets)) for j in range(i + 1, len(sheets))]
    return Comparison(
        tuple(designs),
        {(i, j): break_even(sheets[i], sheets[j]) for i, j in pairs},
        tuple(robust_set(sheets)),
        samples,
        seed,
        tuple(uncertainty(sheet, samples, seed) for sheet in sheets if samples),
        {
            (i, j): probability_better(sheets[i], sheets[j], "total_gco2e", samples, seed)
            for i, j in pairs
            if samples
        },
    )


def comparison_text(found: Comparison, canvas: Canvas) -> str:
    """For a terminal."""
    labels = [chr(ord("A") + index) if index < 26 else f"#{index + 1}" for index in range(len(found.designs))]
    canvas.title("Designs")
    canvas.facts((label, "", design.title) for label, design in zip(labels, found.designs, strict=True))
    if differing := _assumed_otherwise(found.designs):
        canvas.paragraph(f"note: their scenarios differ in {', '.join(differing)}", "yellow")
    if len({design.models for design in found.designs}) > 1:
        canvas.paragraph("note: they run different models", "yellow")
    for note, of in _notes(found.designs, labels):
        canvas.paragraph(f"note: {of}: {note}", "yellow")
    canvas.title("Side by side", "docs/carbon.md has the metrics")
    rows = []
    for name in METRICS:
        units = {row.unit for design in found.designs for row in design.sheet.rows if row.name == name}
        values = [significant(design.sheet[name], 4) for design in found.designs]
        rows.append([name, *values, ", ".join(sorted(units))])
    canvas.table((Column("number"), *(Column(label, number=True) for label in labels), Column("unit")), rows)
    canvas.title("Break-even")
    for (i, j), point in found.breaks.items():
        canvas.paragraph(_break_even(labels[i], labels[j], point))
    canvas.title(
        "Best for an unknown life and grid",
        "operational carbon times beta, 1 as in the scenario; carbon x delay",
    )
    canvas.facts(
        (labels[part.design], "", f"beta from {part.low:.3g} to {part.high:.3g}") for part in found.robust
    )
    sheets = [design.sheet for design in found.designs]
    best = {part.design for part in found.robust}
    same = {design: equals_of(sheets, design) for design in sorted(best)}
    for design, others in same.items():
        if others:
            names = ", ".join(labels[other] for other in others)
            canvas.paragraph(f"the same as {labels[design]}: {names}")
    never = sorted(set(range(len(labels))) - best - {other for others in same.values() for other in others})
    if never:
        canvas.paragraph(f"best for no beta: {', '.join(labels[index] for index in never)}")
    if found.samples:
        _uncertainty(canvas, found, labels)
    return canvas.text


def _notes(designs: Sequence[CarbonOf], labels: Sequence[str]) -> list[tuple[str, str]]:
    """What the reports say that a reader must know, and of which designs."""
    found: dict[str, list[str]] = {}
    for design, label in zip(designs, labels, strict=True):
        for note in design.notes:
            found.setdefault(note, []).append(label)
    return [(note, ", ".join(of)) for note, of in found.items()]


def _assumed_otherwise(designs: Sequence[CarbonOf]) -> list[str]:
    """Assumptions of the scenario that are not the same for all designs."""
    first, *others = (design.assumed for design in designs)
    return sorted(
        {key for other in others for key in first.keys() | other.keys() if first.get(key) != other.get(key)}
    )


def _break_even(first: str, second: str, point: BreakEven) -> str:
    if point.greener_before is None:
        return f"{first} and {second} emit the same"
    ahead = (first, second)[point.greener_before]
    if point.inferences is None:
        return f"{first} and {second}: {ahead} is ahead from the first inference on"
    other = (second, first)[point.greener_before]
    return f"{first} and {second}: {ahead} is ahead up to {point.inferences:,.0f} inferences, then {other}"


def _uncertainty(canvas: Canvas, found: Comparison, labels: Sequence[str]) -> None:
    canvas.title("Uncertainty", f"{found.samples:,} samples, seed {found.seed}; the same draws for all")
    percentile_table(canvas, list(zip(labels, found.uncertain, strict=True)))
    for (i, j), (less, same) in found.better.items():
        equal = f", the same in {percent(same)}" if same else ""
        canvas.paragraph(f"{labels[i]} emits less than {labels[j]} in {percent(less)} of the samples{equal}")
    for label, uncertain in zip(labels, found.uncertain, strict=True):
        canvas.title(f"What matters for {label}", SWINGS_ASIDE)
        swing_table(canvas, uncertain.swings)


def comparison_json(found: Comparison) -> str:
    """For scripts; a number that is not finite is null."""
    pairs = [
        {
            "designs": list(pair),
            "break_even_inferences": point.inferences,
            "ahead_before": point.greener_before,
            **(
                dict(zip(("probability_first_lower", "probability_equal"), found.better[pair], strict=True))
                if found.samples
                else {}
            ),
        }
        for pair, point in found.breaks.items()
    ]
    data: dict[str, Any] = {
        "schema": "catx.comparison/1",
        "designs": [
            {
                "file": design.file,
                "accelerator": design.accelerator,
                "models": list(design.models),
                "scenario": design.scenario,
                "notes": list(design.notes),
                **{name: _finite(design.sheet[name]) for name in METRICS},
            }
            for design in found.designs
        ],
        "pairs": pairs,
        "scenarios_differ_in": _assumed_otherwise(found.designs),
        "robust": [
            {"design": part.design, "beta_from": part.low, "beta_to": _finite(part.high)}
            for part in found.robust
        ],
    }
    if found.samples:
        data["uncertainty"] = [uncertainty_object(uncertain) for uncertain in found.uncertain]
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
