"""Whole designs: what a report must say beside its numbers."""

from dataclasses import replace

from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.frontend.hardware import load_accelerator
from catx.ir.graph import Graph
from catx.ir.tensor import Tensor
from catx.mapper.design import evaluate_design
from catx.units import S_PER_YEAR
from tests.mapper.test_map_einsum import INT8, matmul


def test_more_inferences_than_a_lifetime_holds_are_noted() -> None:
    op = matmul(4, 8, 8)
    shapes = {"a": (4, 8), "b": (8, 8), "c": (4, 8)}
    tensors = tuple(Tensor(name, shape, INT8, "activation") for name, shape in shapes.items())
    graph = Graph("one", tensors, (op,), ("a", "b"), ("c",))
    machine = load_accelerator("edge")
    usual = evaluate_design([graph], machine, scenario=DEFAULT_SCENARIO)
    assert not any("lifetimes" in note for note in usual.notes)
    inferences = 2.5 * DEFAULT_SCENARIO.lifetime_years * S_PER_YEAR / usual.latency_s
    busy = evaluate_design([graph], machine, scenario=replace(DEFAULT_SCENARIO, inferences=inferences))
    assert any("take 2.5 lifetimes of one unit" in note for note in busy.notes)
