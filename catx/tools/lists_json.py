"""What the listing verbs print with --json. Keys are stable: additions keep the number of the schema."""

import json
from collections.abc import Iterable
from typing import Any

from catx.frontend.models import BuiltinModel
from catx.ir.coverage import model_info
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph, Op
from catx.ir.passes.rewrite import sources_of
from catx.ir.scenario import Scenario
from catx.tools.labels import label
from catx.tools.report_json import model_object, operands_object, scenario_object

Json = dict[str, Any]


def accelerators_json(machines: Iterable[tuple[str, str, str]], default: str) -> str:
    """Name, description and source of each."""
    rows = [
        {"name": name, "description": description, "source": source, "default": name == default}
        for name, description, source in machines
    ]
    return _text({"schema": "catx.accelerators/1", "accelerators": rows})


def models_json(models: Iterable[BuiltinModel]) -> str:
    """Built-in models with their files."""
    rows = [
        {
            "name": model.name,
            "description": model.description,
            "source": model.source,
            "files": [str(path) for path in model.files],
        }
        for model in models
    ]
    return _text({"schema": "catx.models/1", "models": rows})


def scenarios_json(scenarios: Iterable[Scenario], default: Scenario) -> str:
    """Scenarios as report.json has them."""
    rows = [{**scenario_object(scenario), "default": scenario.name == default.name} for scenario in scenarios]
    return _text({"schema": "catx.scenarios/1", "scenarios": rows})


def ops_json(graphs: Iterable[Graph]) -> str:
    """Models as report.json has them, each with its ops in the order they run."""
    rows = [{**model_object(model_info(graph)), "ops": list(map(_op, graph.ops))} for graph in graphs]
    return _text({"schema": "catx.ops/1", "models": rows})


def _op(op: Op) -> Json:
    return {
        "name": op.name,
        "op": op.op,
        "kind": "einsum" if isinstance(op, Einsum) else op.kind,
        "count": op.repeat,
        "shape": dict(op.dims),
        "macs": op.macs,
        "fused": [label(part) for part in op.fused],
        "nodes": list(sources_of([op])),
        **operands_object(op),
    }


def _text(data: Json) -> str:
    return json.dumps(data, indent=1, allow_nan=False) + "\n"
