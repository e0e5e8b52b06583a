"""report.json follows its schema, keeps every number exactly, and has no NaN."""

import csv
import io
import json
from dataclasses import replace
from importlib.resources import files
from math import inf, isclose, nan
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from catx.api import compile_model
from catx.frontend.mapping_writer import dump_mappings
from catx.ir.report import Certificate
from catx.tools.layers_csv import COLUMNS, layers_csv
from catx.tools.report_json import report_json, report_object
from tests.frontend.onnx_models import UINT8, Of, const, model, node, save
from tests.tools.reports import report


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(files("catx.data").joinpath("report.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    return json.loads(report_json(report()))


def test_report_follows_the_schema(validator: jsonschema.Draft202012Validator, data: dict[str, Any]) -> None:
    validator.validate(data)


def test_keys_that_people_rely_on(data: dict[str, Any]) -> None:
    assert data["schema"] == "catx.report/1"
    assert data["totals"]["latency_s"] == report().latency_s
    assert data["totals"]["macs"] == report().macs
    assert data["totals"]["total_gco2e"] == report().carbon.total_gco2e
    assert data["coverage"] == {"costed": 40, "free": 2, "unknown": 0, "unknown_ops": []}
    assert [layer["count"] for layer in data["layers"]] == [1, 12, 12, 12, 1, 1]
    assert data["layers"][1]["names"][7] == "/visual/transformer/resblocks.7/attn/out_proj/MatMul"


def test_numbers_add_up(data: dict[str, Any]) -> None:
    totals, layers = data["totals"], data["layers"]
    for key in ("latency_s", "energy_j", "static_energy_j", "macs"):
        assert isclose(sum(layer[key] * layer["count"] for layer in layers), totals[key])
    assert isclose(sum(data["energy_by_part_j"].values()) + totals["static_energy_j"], totals["energy_j"])
    assert isclose(sum(row["latency_s"] for row in data["by_op"]), totals["latency_s"])
    assert isclose(sum(layer["latency_share"] for layer in layers), 1)
    assert isclose(totals["operational_gco2e"] + totals["embodied_gco2e"], totals["total_gco2e"])


def test_what_is_not_finite_is_null_and_noted(validator: jsonschema.Draft202012Validator) -> None:
    one = report()
    odd = Certificate(status="gap", gap=inf, bound=nan, evaluated=3, visited=5, mapspace=10**400)
    layers = (replace(one.layers[0], cost=replace(one.layers[0].cost, certificate=odd)), *one.layers[1:])
    data = report_object(replace(one, layers=layers, latency_s=0.0))
    validator.validate(data)
    assert data["totals"]["throughput_per_s"] is None
    assert data["layers"][0]["certificate"]["gap"] is None
    assert data["notes"][1:] == [
        "totals.throughput_per_s is null because it is not finite: inf",
        "layers[0].certificate.gap is null because it is not finite: inf",
        "layers[0].certificate.bound is null because it is not finite: nan",
        "layers[0].certificate.mapspace is null because it is not finite: inf",
    ]


@pytest.mark.parametrize("size", [12, 2**53, 2**53 + 1, 10**41])
def test_large_mapspaces_are_doubles(size: int) -> None:
    one = report()
    known = one.layers[0].cost.certificate
    assert known is not None
    cost = replace(one.layers[0].cost, certificate=replace(known, mapspace=size))
    data = report_object(replace(one, layers=(replace(one.layers[0], cost=cost), *one.layers[1:])))
    told = data["layers"][0]["certificate"]["mapspace"]
    assert told == float(size)
    assert isinstance(told, int) == (size <= 2**53)


def test_types_are_those_that_are_written(tmp_path: Path) -> None:
    """As mapping.yaml has them: an einsum of integers that are brought back to bytes writes bytes."""
    weights = [const("w", np.ones((8, 4)), np.uint8), const("s", 1.0, np.float32), const("z", 0, np.uint8)]
    nodes = [
        node("QLinearMatMul", ["x", "s", "z", "w", "s", "z", "s", "z"], ["q"]),
        node("Softmax", ["r"], ["y"]),
    ]
    inputs = {"x": Of(UINT8, (2, 8)), "r": (2, 8)}
    made = compile_model(save(model(nodes, inputs, ["q", "y"], weights), tmp_path), "edge")
    product, softmax = report_object(made)["layers"]
    assert product["dtypes"] == {"input": "uint8", "weight": "uint8", "output": "uint8"}
    assert product["fused"] == ["QLinearMatMul (quantize)"]
    assert "dtypes: {input: uint8, weight: uint8, output: uint8}" in dump_mappings(made)
    assert softmax["dtypes"] == {"inputs": ["int8"], "outputs": ["int8"]}


def test_csv_has_a_line_per_layer() -> None:
    rows = list(csv.DictReader(io.StringIO(layers_csv(report()))))
    assert tuple(rows[0])[: len(COLUMNS)] == COLUMNS
    assert [float(row["latency_s"]) for row in rows] == [layer.cost.latency_s for layer in report().layers]
    assert rows[0]["dram_read_bytes"] == "741120.0"
    assert rows[3]["buffer_write_bytes"] == "0.0"
    assert rows[1]["shape"] == "m=197 n=768 k=768"


def test_every_node_of_the_model_is_found(tmp_path: Path) -> None:
    """In a layer, fused or not, or among the free ones; coverage counts the same nodes."""
    nodes = [
        node("Conv", ["x", "w", "b"], ["c"]),
        node("Relu", ["c"], ["r"]),
        node("Conv", ["r", "v"], ["d"]),
        node("Sigmoid", ["d"], ["s"]),
        node("Flatten", ["s"], ["f"]),
        node("Conv", ["r", "u"], ["e"]),
        node("Sigmoid", ["e"], ["y"]),
    ]
    weights = [const(name, np.ones((4, c, 1, 1)), np.float32) for name, c in (("w", 3), ("v", 4), ("u", 4))]
    weights.append(const("b", np.ones(4), np.float32))
    path = save(model(nodes, {"x": (1, 3, 6, 6)}, ["y", "f"], weights), tmp_path)
    data = report_object(compile_model(path, "edge4"))
    (coverage,) = [entry["coverage"] for entry in data["models"]]
    listed = {name for layer in data["layers"] for name in layer["nodes"]}
    free = {entry["name"] for entry in coverage["free_nodes"]}
    assert len(listed) == coverage["costed"] + coverage["unknown"]
    assert listed | free == {made.name for made in nodes}
    assert data["layers"][0]["nodes"] == ["Conv_c", "Relu_r"]
    assert data["layers"][0]["fused"] == ["Conv (add)", "Relu"]
    assert data["layers"][1]["nodes"] == ["Conv_d", "Sigmoid_s", "Conv_e", "Sigmoid_y"]
