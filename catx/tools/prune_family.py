"""`catx prune hf:...`: smaller BERT, ViT and Llama models, and their ONNX files."""

from catx.frontend.hf.workflow import Figures, Pruned, PruneJob
from catx.tools.canvas import Canvas, Column
from catx.tools.human import percent, si
from catx.tools.prune_text import exported_text


def family_text(job: PruneJob, found: Pruned, canvas: Canvas) -> str:
    """Sizes before and after, the exported files, and what to know."""
    if found.before == found.after:
        canvas.title("Not pruned", f"{job.model}: all parts stay, {found.ranked}")
    else:
        canvas.title("Pruned", f"{job.model} by {found.ranked}")
    head = (Column("number"), *(Column(name, number=True) for name in ("before", "pruned", "of before")))
    canvas.table(head, [*_shape(found.before, found.after), *_costs(found.before, found.after)])
    for note in found.notes:
        canvas.paragraph(f"note: {note}", "yellow")
    if found.exported:
        exported_text(found.exported, canvas)
    canvas.paragraph(f"`catx compile {job.folder}` maps it" if found.exported else f"written to {job.folder}")
    return canvas.text


def _shape(before: Figures, after: Figures) -> list[list[str]]:
    names = {
        "layers": "layers",
        "width": "width",
        "heads": "heads",
        "kv_heads": "heads of keys and values",
        "ffn": "hidden units",
    }
    rows = []
    for key, told in names.items():
        old, new = getattr(before.sizes, key), getattr(after.sizes, key)
        if key == "kv_heads" and before.sizes.group == 1:
            continue
        rows.append([told, f"{old:,}", f"{new:,}", percent(new / old)])
    return rows


def _costs(before: Figures, after: Figures) -> list[list[str]]:
    numbers = [
        ("parameters", before.parameters, after.parameters, ""),
        ("weights as fp32", before.weight_bytes, after.weight_bytes, "B"),
    ]
    for old, new in zip(before.graphs, after.graphs, strict=True):
        numbers.append((f"MACs, {old.told}", old.macs, new.macs, ""))
    return [[name, si(old, unit), si(new, unit), percent(new / old)] for name, old, new, unit in numbers]
