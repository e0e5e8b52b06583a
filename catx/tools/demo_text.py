"""The demonstration of pruned CLIP models: its runs, and its table."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from catx.api import compile_model
from catx.frontend.clip.pruning import PruningConfig
from catx.frontend.clip.recovery import RecoveryConfig
from catx.frontend.clip.workflow import Figures, Pruned, PruneJob, run
from catx.ir.report import Report
from catx.tools.canvas import Canvas, Column
from catx.tools.human import grams, percent, si

HALF = PruningConfig(text_heads=2, text_ffn=0.5, vision_heads=2, vision_ffn=0.5)
"""Half of the heads and of the hidden units of the embedded model."""


@dataclass(frozen=True, slots=True)
class Demo:
    """The embedded model, the pruned one, and both on an accelerator."""

    pruned: Pruned
    whole_report: Report
    pruned_report: Report


def run_clip(hw: str, folder: Path, steps: int, tell: Callable[[str], None]) -> Demo:
    """Prune, recover, measure, export and map.

    Args:
        hw: accelerator, as of `catx compile`.
        folder: gets the models, in `whole` and `pruned`.
        steps: of recovery.
        tell: is told what is going on.
    """
    whole, pruned = folder / "whole", folder / "pruned"
    run(PruneJob(model="digits", pruning=PruningConfig(), folder=whole), tell)
    recovery = RecoveryConfig(steps=steps)
    job = PruneJob(
        model="digits", pruning=HALF, folder=pruned, method="taylor", data="digits", recovery=recovery
    )
    found = run(job, tell)
    reports = []
    for place in (whole, pruned):
        tell(f"mapping {place.name}")
        reports.append(compile_model(place, hw))
    return Demo(found, *reports)


def demo_text(found: Demo, hw: str, folder: Path | None, canvas: Canvas) -> str:
    """Accuracy, sizes, and what both models cost on the accelerator."""
    canvas.title("A CLIP model, and the same one pruned", f"both towers on {hw}")
    before, cut, after = found.pruned.before, found.pruned.cut, found.pruned.after
    reports = (found.whole_report, found.pruned_report)
    rows = [
        ["recall@1, right after the cut", _accuracy(before), _accuracy(cut), ""],
        ["recall@1, recovered", _accuracy(before), _accuracy(after), ""],
        _row("parameters", before.parameters, after.parameters, ""),
        _row("MACs, an image and a text", before.macs, after.macs, ""),
        _row("latency", found.whole_report.latency_s, found.pruned_report.latency_s, "s"),
        _row("energy", found.whole_report.energy_j, found.pruned_report.energy_j, "J"),
        ["operational carbon", *(grams(report.carbon.operational_gco2e) for report in reports), ""],
        ["training carbon", *(grams(report.carbon.sheet["training_share_gco2e"]) for report in reports), ""],
    ]
    head = (Column("number"), *(Column(name, number=True) for name in ("whole", "pruned", "of whole")))
    canvas.table(head, rows)
    assert after.recall is not None
    canvas.paragraph(f"recall of {after.recall.images:,} pictures that neither ranking nor training saw")
    if found.pruned.recovered:
        seconds = found.pruned.recovered.seconds
        canvas.paragraph(
            f"half of the heads and hidden units, ranked by taylor; recovery took {seconds:.1f} s"
        )
    if folder:
        canvas.paragraph(f"both models are in {folder}; `catx compile {folder / 'pruned'}` maps one again")
    return canvas.text


def _row(name: str, whole: float, pruned: float, unit: str) -> list[str]:
    return [name, si(whole, unit), si(pruned, unit), percent(pruned / whole)]


def _accuracy(figures: Figures) -> str:
    assert figures.recall is not None
    return percent(figures.recall.mean_at_1)
