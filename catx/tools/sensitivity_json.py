"""What `catx sensitivity --json` prints. Keys are stable: additions keep the number of the schema."""

import json
from typing import Any

from catx.mapper.binding import Fullness
from catx.mapper.sensitivity import Effect, Sensitivity
from catx.tools.report_json import scenario_object

Json = dict[str, Any]


def sensitivity_json(found: Sensitivity) -> str:
    """The answer as JSON text, with units in the keys."""
    base = found.base
    data: Json = {
        "schema": "catx.sensitivity/1",
        "catx_version": base.version,
        "objective": found.objective,
        "step": found.step,
        "accelerator": {"name": base.accelerator, "sha256": base.accelerator_sha256},
        "models": [{"name": model.name, "sha256": model.sha256} for model in base.models],
        "scenario": scenario_object(base.scenario),
        "base": {
            "latency_s": base.latency_s,
            "energy_j": base.energy_j,
            "edp_js": base.energy_j * base.latency_s,
            "objective_value": found.objective_value,
        },
        "resources": [_effect(effect) for effect in found.effects],
        "fullness": [_fullness(found, row) for row in found.fullness],
        "bound_by": [
            {"name": row.bound_by, "latency_s": row.latency_s, "latency_share": row.share}
            for row in found.bounds
        ],
        "notes": list(base.all_notes),
    }
    return json.dumps(data, indent=1, allow_nan=False) + "\n"


def _effect(effect: Effect) -> Json:
    resource = effect.resource
    return {
        "name": resource.name,
        "kind": resource.kind,
        "dtype": str(resource.dtype) if resource.dtype else None,
        "unit": resource.unit,
        "before": resource.value,
        "after": effect.after,
        "latency_s": effect.latency_s,
        "energy_j": effect.energy_j,
        "edp_js": effect.edp_js,
        "objective_value": effect.objective_value,
        "latency_change": effect.latency_change,
        "energy_change": effect.energy_change,
        "edp_change": effect.edp_change,
        "objective_change": effect.objective_change,
        "mappings": "new" if effect.new_mappings else "same",
    }


def _fullness(found: Sensitivity, row: Fullness) -> Json:
    layer = row.layer
    return {
        "memory": row.memory,
        "capacity_bytes": row.capacity_bytes,
        "needed_bytes": row.needed_bytes,
        "share": row.share,
        "layer": layer.names[0] if layer else None,
        "model": found.base.models[layer.model].name if layer else None,
    }
