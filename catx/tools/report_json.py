"""report.json: everything that a report knows, with units in the keys. The schema is in catx/data."""

import json
from dataclasses import asdict
from math import inf, isfinite
from typing import Any

from catx.frontend.mapping_writer import einsum_text, node_entry
from catx.ir.counts import Counts
from catx.ir.einsum import ROLES, Einsum
from catx.ir.graph import Op
from catx.ir.report import (
    CarbonReport,
    Certificate,
    Coverage,
    Layer,
    ModelInfo,
    Report,
    Traffic,
    energy_by_part_j,
)
from catx.ir.scenario import Scenario
from catx.ir.sheet import Row, Uncertainty
from catx.mapper.objective import OBJECTIVES
from catx.tools.labels import label
from catx.tools.summary import Totals, by_op, totals

SCHEMA = "catx.report/1"

Json = dict[str, Any]


def report_json(report: Report) -> str:
    """The report as JSON text."""
    return json.dumps(report_object(report), indent=1, allow_nan=False) + "\n"


def report_object(report: Report) -> Json:
    """The report as plain data. A number that is not finite is null, and a note says which and why."""
    whole = totals(report)
    data: Json = {
        "schema": SCHEMA,
        "catx_version": report.version,
        "objective": report.objective,
        "schedule": report.schedule,
        "accelerator": {"name": report.accelerator, "sha256": report.accelerator_sha256},
        "models": [model_object(model) for model in report.models],
        "scenario": scenario_object(report.scenario),
        "totals": asdict(whole),
        "by_op": [asdict(row) for row in by_op(report)],
        "traffic": _traffic(report.traffic),
        "energy_by_part_j": energy_by_part_j(report.layers),
        "area_by_part_mm2": dict(report.area_by_part_mm2),
        "static_by_part_w": dict(report.static_by_part_w),
        "peak_by_part_w": dict(report.peak_by_part_w),
        "carbon": _carbon(report.carbon),
        "coverage": _coverage_sum(report.models),
        "layers": [_layer(report, layer, whole) for layer in report.layers],
        "notes": list(report.all_notes),
    }
    nulls: list[str] = []
    clean: Json = _finite(data, "", nulls)
    clean["notes"] += nulls
    return clean


def model_object(model: ModelInfo) -> Json:
    """A model, and what its nodes became."""
    return {
        "name": model.name,
        "file": model.file,
        "sha256": model.sha256,
        "macs": model.macs,
        "parameters": model.parameters,
        "parameter_bytes": model.parameter_bytes,
        "coverage": {
            **_coverage(model.coverage),
            "free_nodes": [asdict(n) for n in model.coverage.free_nodes],
        },
    }


def _coverage(coverage: Coverage) -> Json:
    return {
        "costed": coverage.costed,
        "free": coverage.free,
        "unknown": coverage.unknown,
        "unknown_ops": list(coverage.unknown_ops),
    }


def _coverage_sum(models: tuple[ModelInfo, ...]) -> Json:
    parts = [model.coverage for model in models]
    unknown_ops = dict.fromkeys(op for part in parts for op in part.unknown_ops)
    return {
        "costed": sum(part.costed for part in parts),
        "free": sum(part.free for part in parts),
        "unknown": sum(part.unknown for part in parts),
        "unknown_ops": list(unknown_ops),
    }


def scenario_object(scenario: Scenario) -> Json:
    """A scenario with its sources."""
    sources = [{"of": what, "source": source} for what, source in scenario.sources]
    return {**asdict(scenario), "sources": sources}


def _carbon(carbon: CarbonReport) -> Json:
    return {
        "embodied_by_part_gco2e": dict(carbon.embodied_by_part_gco2e),
        "embodied_gco2e": carbon.embodied_gco2e,
        "operational_gco2e": carbon.operational_gco2e,
        "operational_per_inference_gco2e": carbon.operational_per_inference_gco2e,
        "embodied_per_inference_gco2e": carbon.embodied_per_inference_gco2e,
        "per_inference_gco2e": carbon.per_inference_gco2e,
        "total_per_inference_gco2e": carbon.total_per_inference_gco2e,
        "total_gco2e": carbon.total_gco2e,
        "idle_gco2e": carbon.idle_gco2e,
        "sheet": [_row(row) for row in carbon.sheet.rows],
        **({"uncertainty": uncertainty_object(carbon.uncertainty)} if carbon.uncertainty else {}),
        "assumptions": [
            {"of": what, "value": value, "source": source} for what, value, source in carbon.assumptions
        ],
    }


def uncertainty_object(found: Uncertainty) -> Json:
    """Percentiles and swings."""
    return {
        "samples": found.samples,
        "seed": found.seed,
        "percentiles": {
            name: dict(zip(("p5", "p50", "p95"), values, strict=True)) for name, values in found.percentiles
        },
        "tornado": [asdict(swing) for swing in found.swings],
    }


def _row(row: Row) -> Json:
    """A row of the calculation; a formula, a source and a spread where it has one."""
    return {key: value for key, value in asdict(row).items() if value not in ("", None)} | {"unit": row.unit}


def _traffic(traffic: tuple[Traffic, ...]) -> list[Json]:
    return [asdict(level) for level in traffic]


def _layer(report: Report, layer: Layer, whole: Totals) -> Json:
    cost, op = layer.cost, layer.op
    data: Json = {
        "name": layer.names[0],
        "names": list(dict.fromkeys(layer.names)),
        "model": report.models[layer.model].name,
        "op": op.op,
        "kind": "einsum" if isinstance(op, Einsum) else op.kind,
        "count": layer.count,
        "shape": dict(op.dims),
        "macs": op.macs,
        "latency_s": cost.latency_s,
        "energy_j": cost.energy_j,
        "static_energy_j": cost.static_energy_j,
        "latency_share": _share(cost.latency_s * layer.count, whole.latency_s),
        "energy_share": _share(cost.energy_j * layer.count, whole.energy_j),
        "bound_by": cost.bound_by,
        "utilization": cost.utilization,
        "roofline_s": cost.roofline_s,
        "traffic": _traffic(cost.traffic),
        "energy_by_part_j": dict(cost.energy_by_part_j),
        "fused": [label(part) for part in op.fused],
        "nodes": list(layer.nodes),
    }
    data |= operands_object(op)
    if cost.mapping is not None:
        data["mapping"] = [node_entry(node) for node in cost.mapping.nodes]
    if cost.counts is not None:
        data["counts"] = _counts(cost.counts)
    if cost.certificate is not None and report.objective in OBJECTIVES:  # else nobody knows of what it is
        data["certificate"] = _certificate(cost.certificate)
    return data


def operands_object(op: Op) -> Json:
    """The types of what an op reads and finally writes, and how the dims of an einsum index its operands.

    An einsum's result has the type that its last fused op writes, as in mapping.yaml. A vector op has a list
    of inputs and of results, those of fused ops left out but for what the last one writes.
    """
    if isinstance(op, Einsum):
        operands = op.as_written().operands
        types = {role: str(operand.dtype) for role, operand in zip(ROLES, operands, strict=True)}
        return {"einsum": einsum_text(op), "dtypes": types}
    last = op.fused[-1] if op.fused else op
    return {
        "dtypes": {
            "inputs": [str(operand.dtype) for operand in op.inputs],
            "outputs": [str(operand.dtype) for operand in last.outputs],
        }
    }


def _certificate(certificate: Certificate) -> Json:
    """A mapspace that no double holds exactly is rounded to one: many readers take no other number."""
    data, size = asdict(certificate), certificate.mapspace
    if size > 2**53:
        data["mapspace"] = float(size) if size.bit_length() < 1024 else inf
    return data


def _counts(counts: Counts) -> Json:
    data = asdict(counts)
    data["energy_j"] = dict(counts.energy_j)
    for key in ("memory", "link"):
        data["cycles"][key] = dict(data["cycles"][key])
    return data


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _finite(value: Any, path: str, nulls: list[str]) -> Any:
    """The value with null for numbers that JSON does not have; says what they were."""
    if isinstance(value, dict):
        return {key: _finite(item, f"{path}.{key}" if path else key, nulls) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item, f"{path}[{i}]", nulls) for i, item in enumerate(value)]
    if isinstance(value, float) and not isfinite(value):
        nulls.append(f"{path} is null because it is not finite: {value}")
        return None
    return value
