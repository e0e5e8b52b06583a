"""What pruning did to a model, for a terminal."""

from collections.abc import Sequence

from catx.frontend.clip.metrics import Recall
from catx.frontend.clip.workflow import Figures, Pruned, PruneJob
from catx.frontend.torch_export import Exported
from catx.tools.canvas import Canvas, Column
from catx.tools.human import grams, percent, si


def pruned_text(job: PruneJob, found: Pruned, canvas: Canvas) -> str:
    """Sizes and accuracy before and after, the exported files, and what to know."""
    _figures(job, found, canvas)
    canvas.facts((name, "", text) for name, text in _towers(found))
    if (test := found.after.recall) is not None:
        canvas.paragraph(f"recall of {test.images:,} images and {test.captions:,} captions: {test.data}")
    if (shot := found.after.zero_shot) is not None:
        canvas.paragraph(f"zero-shot of {shot.images:,} images of {shot.classes:,} classes: {shot.data}")
    if found.recovered:
        done = found.recovered
        canvas.paragraph(f"recovery: {done.steps:,} steps, {done.samples:,} pairs, {done.seconds:.1f} s")
    if found.footprint:
        energy = si(found.footprint.energy_j, "J")
        canvas.paragraph(
            f"it took {energy} and emitted {grams(found.footprint.gco2e)}: {found.footprint.source}"
        )
    for note in found.notes:
        canvas.paragraph(f"note: {note}", "yellow")
    if found.exported:
        exported_text(found.exported, canvas)
    canvas.paragraph(f"`catx compile {job.folder}` maps it" if found.exported else f"written to {job.folder}")
    return canvas.text


def _figures(job: PruneJob, found: Pruned, canvas: Canvas) -> None:
    """Sizes and accuracy; side by side where something was cut."""
    whole = found.cut.parameters == found.before.parameters
    if whole:
        canvas.title("Not pruned", f"{job.model}: all parts stay")
        columns = [("as it is", found.before)]
    else:
        canvas.title("Pruned", f"{job.model} by {found.ranked}")
        columns = [("before", found.before), ("pruned", found.cut)]
    if found.recovered:
        columns.append(("trained" if whole else "recovered", found.after))
    names = [name for name, _ in columns] + ([] if whole else ["of before"])
    figures = [one for _, one in columns]
    rows = [*_sizes(figures, compared=not whole), *_accuracy(figures, compared=not whole)]
    canvas.table((Column("number"), *(Column(name, number=True) for name in names)), rows)


def exported_text(exported: Sequence[Exported], canvas: Canvas) -> str:
    """Files, their size, and how far onnxruntime is from torch."""
    canvas.title("Exported", "largest difference of outputs in onnxruntime from torch")
    rows = [[one.name, str(one.path), si(one.bytes, "B"), _told(one.difference)] for one in exported]
    head = (Column("graph"), Column("file"), Column("size", number=True), Column("difference", number=True))
    canvas.table(head, rows)
    return canvas.text


def _told(difference: float | None) -> str:
    return "not run: no weights" if difference is None else f"{difference:.1e}"


def _sizes(columns: Sequence[Figures], *, compared: bool) -> list[list[str]]:
    numbers = (
        ("parameters", [one.parameters for one in columns], ""),
        ("MACs, an image and a text", [one.macs for one in columns], ""),
        ("weights as fp32", [one.weight_bytes for one in columns], "B"),
    )
    return [
        [
            name,
            *(si(value, unit) for value in values),
            *([percent(values[1] / values[0])] if compared else []),
        ]
        for name, values, unit in numbers
    ]


def _accuracy(columns: Sequence[Figures], *, compared: bool) -> list[list[str]]:
    rows, last = [], [""] if compared else []
    recalls = [one.recall for one in columns if one.recall is not None]
    if recalls:
        names = ("mean recall", "image to text @1", "text to image @1")
        rows += [[name, *(percent(_value(one, name)) for one in recalls), *last] for name in names]
    if chosen := [one.validation for one in columns if one.validation is not None]:
        rows.append(["mean recall, validation", *(percent(one.mean) for one in chosen), *last])
    shots = [one.zero_shot for one in columns if one.zero_shot is not None]
    if shots:
        rows.append(["zero-shot top-1", *(percent(one.top1) for one in shots), *last])
        if five := [one.top5 for one in shots if one.top5 is not None]:
            rows.append(["zero-shot top-5", *map(percent, five), *last])
    return rows


def _value(found: Recall, name: str) -> float:
    if name == "mean recall":
        return found.mean
    return (found.image_to_text if name.startswith("image") else found.text_to_image)[0]


def _towers(found: Pruned) -> list[tuple[str, str]]:
    rows = []
    for name, tower in (("text", found.config.text), ("vision", found.config.vision)):
        heads, ffn = ({getattr(block, key) for block in tower.blocks} for key in ("heads", "ffn"))
        rows.append(
            (name, f"{tower.layers} layers, width {tower.width}, heads {_listed(heads)}, ffn {_listed(ffn)}")
        )
    return rows


def _listed(values: set[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
