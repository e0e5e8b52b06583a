"""layers.csv: one line per unique layer, for spreadsheets. Costs are per run; multiply by `count`."""

import csv
import io

from catx.ir.einsum import Einsum
from catx.ir.report import Layer, Report

COLUMNS = (
    "model",
    "layer",
    "op",
    "kind",
    "count",
    "shape",
    "macs",
    "latency_s",
    "energy_j",
    "static_energy_j",
    "latency_share",
    "energy_share",
    "bound_by",
    "utilization",
    "roofline_s",
)
"""The fixed columns; bytes read and written follow, two columns for each memory."""


def layers_csv(report: Report) -> str:
    """The text of layers.csv, in the model's order."""
    memories = list(dict.fromkeys(level.memory for level in report.traffic))
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow((*COLUMNS, *(f"{m}_{way}_bytes" for m in memories for way in ("read", "write"))))
    for layer in report.layers:
        table.writerow(_row(report, layer, memories))
    return text.getvalue()


def _row(report: Report, layer: Layer, memories: list[str]) -> list[object]:
    cost, op = layer.cost, layer.op
    moved = {level.memory: (level.read_bytes, level.write_bytes) for level in cost.traffic}
    latency, energy = cost.latency_s * layer.count, cost.energy_j * layer.count
    return [
        report.models[layer.model].name,
        layer.names[0],
        op.op,
        "einsum" if isinstance(op, Einsum) else op.kind,
        layer.count,
        " ".join(f"{dim}={extent}" for dim, extent in op.dims),
        op.macs,
        cost.latency_s,
        cost.energy_j,
        cost.static_energy_j,
        latency / report.latency_s if report.latency_s else 0.0,
        energy / report.energy_j if report.energy_j else 0.0,
        cost.bound_by,
        cost.utilization,
        cost.roofline_s,
        *(float(number) for memory in memories for number in moved.get(memory, (0.0, 0.0))),
    ]
