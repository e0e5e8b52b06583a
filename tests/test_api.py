"""The Python API: an einsum of a model can be mapped, costed, edited and given back as it is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import catx
from catx.errors import MappingError, ModelError, OptionError
from tests.frontend.onnx_models import model, node, save, weight


@pytest.fixture(scope="module")
def graph() -> catx.Graph:
    return catx.load_model("clip_vit_b16_text")


def einsum_of(graph: catx.Graph, *, fused: bool) -> catx.Einsum:
    return next(op for op in graph.ops if isinstance(op, catx.Einsum) and bool(op.fused) is fused)


@pytest.mark.parametrize("fused", [False, True])
def test_a_floating_point_einsum_is_costed_as_compile_does(graph: catx.Graph, fused: bool) -> None:
    einsum = einsum_of(graph, fused=fused)
    assert einsum.inputs[0].dtype is catx.DType.FP32
    report = catx.compile_model(graph, "edge4", objective="energy")
    layer = next(layer for layer in report.layers if einsum.name in layer.names)
    assert layer.cost.mapping is not None
    found = catx.find_mapping(einsum, "edge4", "energy")
    assert (found.mapping, found.counts) == (layer.cost.mapping, layer.cost.counts)
    assert found.certificate == layer.cost.certificate
    for machine in ("edge4", catx.load_accelerator("edge4")):
        assert catx.evaluate_mapping(einsum, found.mapping, machine) == layer.cost.counts
        assert isinstance(layer.op, catx.Einsum)
        assert catx.evaluate_mapping(layer.op, found.mapping, machine) == layer.cost.counts


def test_a_front_has_the_best_of_every_objective(graph: catx.Graph) -> None:
    einsum, machine = einsum_of(graph, fused=True), catx.load_accelerator("edge4")
    front = catx.find_front(einsum, machine)
    costs = [(point.energy_j(machine), point.latency_s(machine)) for point in front.points]
    assert costs == sorted(costs, reverse=True)
    assert catx.find_mapping(einsum, machine, "energy").counts == front.points[-1].counts
    assert catx.find_mapping(einsum, machine, "latency").counts == front.points[0].counts


def test_mappings_are_found_by_any_equal_einsum(graph: catx.Graph) -> None:
    first = catx.compile_model(graph, "edge4")
    nests = {op: catx.find_mapping(op, "edge4").mapping for op in graph.ops if isinstance(op, catx.Einsum)}
    again = catx.compile_model(graph, "edge4", mappings=nests)
    assert (again.latency_s, again.energy_j) == (first.latency_s, first.energy_j)


def test_without_precision_types_stay(graph: catx.Graph) -> None:
    machine = replace(catx.load_accelerator("edge4"), precision=None)
    with pytest.raises(MappingError, match=r"multiplies fp32, .* computes int8\n  hint: set `precision:`"):
        catx.find_mapping(einsum_of(graph, fused=True), machine)


def test_an_illegal_mapping_names_its_node(graph: catx.Graph) -> None:
    einsum = einsum_of(graph, fused=True)
    mapping = catx.find_mapping(einsum, "edge4").mapping
    for index, loop in enumerate(mapping.nodes):
        if isinstance(loop, catx.Loop):
            nodes = (*mapping.nodes[:index], replace(loop, tile=10**6), *mapping.nodes[index + 1 :])
            with pytest.raises(MappingError, match="the tile must lie in") as caught:
                catx.evaluate_mapping(einsum, catx.Mapping(nodes), "edge4")
            assert caught.value.node == index


MODEL = "clip_vit_b16_text"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda op: catx.compile_model(5), "model: expected a Graph, .* or several of them in a list, not 5"),
        (lambda op: catx.compile_model(None), "model: .*, not None"),
        (lambda op: catx.compile_model({"a": 1}), "model: .*, not a dict of 1"),
        (lambda op: catx.compile_model(b"x.onnx"), "model: .*, not b'x.onnx'"),
        (lambda op: catx.compile_model([MODEL, 5]), r"model\[1\]: .*, not 5"),
        (lambda op: catx.compile_model([]), "no model was given"),
        (lambda op: catx.compile_model(MODEL, None), "accelerator: expected an Accelerator, .*, not None"),
        (lambda op: catx.compile_model(MODEL, op), "accelerator: .*, not an object of the class Einsum"),
        (
            lambda op: catx.compile_model(MODEL, objective=5),
            "objective: expected one of 'latency', .*, not 5",
        ),
        (lambda op: catx.compile_model(MODEL, objective="edpp"), "unknown objective 'edpp'; did you mean"),
        (lambda op: catx.compile_model(MODEL, scenario=None), "scenario: expected a Scenario, .*, not None"),
        (lambda op: catx.compile_model(MODEL, allow_unknown="no"), "allow_unknown: .*, not 'no'"),
        (lambda op: catx.compile_model(MODEL, progress=True), "progress: expected a function .*, not True"),
        (lambda op: catx.compile_model(MODEL, mappings=[1]), "mappings: expected a dict .*, not a list of 1"),
        (lambda op: catx.compile_model(MODEL, mapper_budget=-1), "mapper budget: .* from 0 to .*, not -1"),
        (
            lambda op: catx.compile_model(MODEL, mapper_budget=10**30),
            "mapper budget: .* from 0 to .*, not 10",
        ),
        (lambda op: catx.find_mapping(op, "edge", mapper_budget=True), "mapper budget: .*, not True"),
        (lambda op: catx.compile_model(MODEL, mappings={"a": 1}), "a key of mappings: .*, not 'a'"),
        (
            lambda op: catx.compile_model(MODEL, mappings={op: 1}),
            r"mappings\[.*\]: expected a Mapping, not 1",
        ),
        (lambda op: catx.load_model(5), "model: expected the path of an .onnx file .*, not 5"),
        (lambda op: catx.load_models(op), "model: .*, not an object of the class Einsum"),
        (lambda op: catx.load_accelerator(5), "accelerator: expected the path of a hw.yaml .*, not 5"),
        (lambda op: catx.load_scenario(2.5), "scenario: expected the path of a YAML file .*, not 2.5"),
        (
            lambda op: catx.evaluate_mapping("q", catx.Mapping((catx.Loop("m", 1),)), "edge"),
            "einsum: .* an Einsum, not 'q'",
        ),
        (lambda op: catx.evaluate_mapping(op, [op], "edge"), "mapping: .* a Mapping, not a list of 1"),
        (lambda op: catx.find_front("q", "edge"), "einsum: expected an Einsum, not 'q'"),
        (lambda op: catx.find_front(op, "edge").points[0].latency_s("edge"), "accelerator: .*, not 'edge'"),
        (lambda op: catx.find_mapping(None, "edge"), "einsum: expected an Einsum, not None"),
        (lambda op: catx.find_mapping(op, catx.Accelerator), "accelerator: .*, not the class Accelerator"),
        (lambda op: catx.find_mapping(op, "edge", None), "objective: expected one of .*, not None"),
        (lambda op: catx.find_mapping(op, "edge", scenario=3), "scenario: expected a Scenario, .*, not 3"),
        (lambda op: catx.plain_axes(["m", "k"]), r"dims\[0\]: expected the name of a dim, not a list of 2"),
    ],
)
def test_an_argument_of_the_wrong_type_is_named(
    graph: catx.Graph, call: Callable[[Any], object], message: str
) -> None:
    with pytest.raises(OptionError, match=f"^{message}"):
        call(einsum_of(graph, fused=False))


@pytest.mark.parametrize(
    ("dims", "message"),
    [
        ([1], "dims: expected a dict from names of dimensions to sizes, not a list of 1"),
        ({1: 1}, "a key of dims: expected the name of a dimension, not 1"),
        ({"batch": "x"}, r"dims\['batch'\]: expected a positive integer up to 2\^48, not 'x'"),
        ({"batch": -1}, r"dims\['batch'\]: .*, not -1"),
        ({"batch": 1.5}, r"dims\['batch'\]: .*, not 1.5"),
        ({"batch": True}, r"dims\['batch'\]: .*, not True"),
        ({"batch": np.int64(0)}, r"dims\['batch'\]: .*, not 0"),
        ({"batch": 2**48 + 1}, r"dims\['batch'\]: .*, not 281474976710657"),
        ({"batch": 10**5000}, r"dims\['batch'\]: .*, not a number of thousands of digits"),
    ],
)
def test_sizes_are_positive_integers(dims: Any, message: str) -> None:
    for call in (catx.load_model, catx.load_models, catx.compile_model):
        with pytest.raises(OptionError, match=f"^{message}"):
            call("missing.onnx", dims=dims)


def test_sizes_of_numpy_count() -> None:
    with pytest.raises(ModelError, match="no such file"):
        catx.load_model(Path("missing.onnx"), dims={"batch": np.int64(3)})


def test_sizes_for_a_graph_are_too_late(graph: catx.Graph) -> None:
    with pytest.raises(OptionError, match="every model is a graph"):
        catx.compile_model(graph, dims={"batch": 1})


def test_nodes_of_a_mapping_are_loops_and_stores() -> None:
    with pytest.raises(MappingError, match="expected a Loop or a Store, not 'm'") as caught:
        catx.Mapping((catx.Loop("m", 1), "m"))  # type: ignore[arg-type]
    assert caught.value.node == 1


def test_each_model_takes_the_sizes_that_it_has(graph: catx.Graph, tmp_path: Path) -> None:
    for name, dim in (("one", "a"), ("two", "b")):
        nodes = [node("MatMul", ["x", "w"], ["y"], name="fc")]
        save(model(nodes, {"x": (dim, 8)}, {"y": None}, [weight("w", 8, 8)]), tmp_path, f"{name}.onnx")
    files = [tmp_path / "one.onnx", str(tmp_path / "two.onnx")]
    report = catx.compile_model([files[0], graph, files[1], MODEL], "edge4", dims={"a": 2, "b": 5})
    assert [info.macs for info in report.models] == [128, graph.macs, 320, graph.macs]
    with pytest.raises(OptionError, match=r"none of the models has such a dimension\n.*dimensions are a, b"):
        catx.compile_model(files, "edge4", dims={"a": 2, "c": 5})
