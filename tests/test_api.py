"""The Python API: an einsum of a model can be mapped, costed, edited and given back as it is."""

from dataclasses import replace

import pytest

import catx
from catx.errors import MappingError


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
    for index, node in enumerate(mapping.nodes):
        if isinstance(node, catx.Loop):
            nodes = (*mapping.nodes[:index], replace(node, tile=10**6), *mapping.nodes[index + 1 :])
            with pytest.raises(MappingError, match="the tile must lie in") as caught:
                catx.evaluate_mapping(einsum, catx.Mapping(nodes), "edge4")
            assert caught.value.node == index
