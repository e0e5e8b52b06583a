"""Whole designs: what a report must say beside its numbers."""

from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest
from onnx import TensorProto, helper, save

import catx
from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.frontend.hardware import load_accelerator
from catx.ir.einsum import ROLES, Einsum
from catx.ir.graph import Graph
from catx.ir.mapping import Loop, Mapping, Store
from catx.ir.tensor import Tensor
from catx.mapper.design import evaluate_design
from catx.mapper.objective import ObjectiveName
from catx.units import S_PER_YEAR
from tests.einsums import matmul
from tests.mapper.test_map_einsum import INT8


def one_product() -> Graph:
    """A graph of one matrix product."""
    shapes = {"a": (4, 8), "b": (8, 8), "c": (4, 8)}
    tensors = tuple(Tensor(name, shape, INT8, "activation") for name, shape in shapes.items())
    return Graph("one", tensors, (matmul(4, 8, 8),), ("a", "b"), ("c",))


def test_more_inferences_than_a_lifetime_holds_are_noted() -> None:
    graph = one_product()
    machine = load_accelerator("edge")
    usual = evaluate_design([graph], machine, scenario=DEFAULT_SCENARIO)
    assert not any("inferences take" in note for note in usual.notes)
    inferences = round(2.5 * DEFAULT_SCENARIO.lifetime_years * S_PER_YEAR / usual.latency_s)
    busy = evaluate_design([graph], machine, scenario=replace(DEFAULT_SCENARIO, inferences=inferences))
    assert any("take 2.5 times the time that one unit is powered" in note for note in busy.notes)


def pair(tanhs: Sequence[str], path: str) -> None:
    """Two products of one shape, the second with activations behind it."""
    nodes = [helper.make_node("MatMul", ["x", "v"], ["y"]), helper.make_node("MatMul", ["x", "w"], ["u0"])]
    nodes += [helper.make_node(kind, [f"u{i}"], [f"u{i + 1}"]) for i, kind in enumerate(tanhs)]
    outputs = ["y", f"u{len(tanhs)}"]
    graph = helper.make_graph(
        nodes,
        "pair",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [197, 256])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [197, 256]) for name in outputs],
        [helper.make_tensor(name, TensorProto.FLOAT, [256, 256], [0.5] * 256 * 256) for name in "vw"],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), path)


@pytest.mark.parametrize("machine", ["edge", "simba_like", "tpuv4i_like", "a100_like"])
def test_ops_of_one_einsum_take_one_mapping_whatever_is_fused_to_each(tmp_path, machine: str) -> None:
    # Fused work can outweigh the product's latency, so alone each of the two could want another mapping.
    path = str(tmp_path / "pair.onnx")
    pair(["Tanh", "Sigmoid"] * 8, path)
    for objective in get_args(ObjectiveName):
        report = catx.compile_model(path, machine, objective=objective)
        products = [layer for layer in report.layers if isinstance(layer.op, Einsum)]
        assert [len(layer.op.fused) for layer in products] == [0, 16]
        assert products[0].cost.mapping == products[1].cost.mapping


def test_notes_tell_badly_known_carbon_and_memories_beyond_their_component() -> None:
    graph = one_product()
    machine = load_accelerator("edge")
    usual = evaluate_design([graph], machine, scenario=DEFAULT_SCENARIO)
    assert not any("UNCERTAIN" in note or "bandwidth" in note for note in usual.notes)
    levels = tuple(
        replace(level, read_bytes_per_cycle=1e6) if level.name == "L2" else level for level in machine.levels
    )
    odd = replace(machine, levels=levels, technology=replace(machine.technology, node_nm=32))
    notes = evaluate_design([graph], odd, scenario=DEFAULT_SCENARIO).notes
    assert sum("UNCERTAIN: at 32 nm" in note for note in notes) == 1
    assert sum(note.startswith("L2: the bandwidth asked for is") for note in notes) == 1


def test_given_mappings_are_not_called_proved() -> None:
    graph = one_product()
    (op,) = graph.ops
    assert isinstance(op, Einsum)
    loops = [Loop(dim, 1) for dim in op.extents]
    stores = [Store(memory.name, role) for memory in load_accelerator("edge").memories for role in ROLES]
    slow = Mapping((*stores[:3], *loops, *stores[3:]))  # one unit works, and every operation goes out to DRAM
    report = catx.compile_model(graph, "edge", mappings={op: slow})
    (layer,) = report.layers
    assert layer.cost.certificate is not None
    assert (layer.cost.certificate.status, layer.cost.certificate.gap > 1) == ("gap", True)
