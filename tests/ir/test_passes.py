from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.errors import GraphError, OptionError
from catx.frontend.onnx.resolved import ResolvedModel
from catx.ir import pipeline
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph
from catx.ir.passes import PASSES, set_precision
from catx.ir.passes.registry import register
from catx.ir.vector_op import VectorOp
from tests.frontend.resolved_models import Of, accounted, lowered, node, weight
from tests.ir.graphs import graph_of, models

NAMES = sorted(PASSES)


def test_passes_have_the_names_that_are_documented() -> None:
    assert set(pipeline.DEFAULT) == PASSES.keys()
    assert all(fn.__doc__ for fn in PASSES.values())


@pytest.mark.parametrize("name", NAMES)
@given(resolved=models())
def test_pass_keeps_what_it_must(name: str, resolved: ResolvedModel) -> None:
    before = graph_of(resolved)
    after = PASSES[name](before)
    if name == "remove-dead":
        before = after
    assert (after.name, after.inputs, after.outputs) == (before.name, before.inputs, before.outputs)
    assert after.macs == before.macs
    accounted(after, resolved)
    assert {tensor.name for tensor in after.tensors} >= {*after.inputs, *after.outputs}


@pytest.mark.parametrize("name", NAMES)
@given(resolved=models())
def test_pass_that_changes_nothing_returns_the_same_graph(name: str, resolved: ResolvedModel) -> None:
    once = PASSES[name](graph_of(resolved))
    assert PASSES[name](once) is once


@given(resolved=models())
def test_all_passes_together_keep_what_they_must(resolved: ResolvedModel) -> None:
    before = graph_of(resolved)
    after = pipeline.run(before)
    accounted(after, resolved)
    assert after.macs == PASSES["remove-dead"](before).macs
    assert pipeline.run(after) is after
    assert all(op.elements > 0 for op in after.walk() if isinstance(op, VectorOp))


@given(resolved=models())
def test_rewriting_boxes_keeps_work_and_footprints(resolved: ResolvedModel) -> None:
    before = graph_of(resolved)
    after = pipeline.run(before, ["simplify-axes", "drop-unit-dims", "merge-dims"])
    for old, new in zip(before.ops, after.ops, strict=True):
        assert sizes(new) == sizes(old)
        assert len(new.dims) <= len(old.dims)


def sizes(op: Einsum | VectorOp) -> list[int]:
    operands = op.operands if isinstance(op, Einsum) else (*op.inputs, *op.outputs)
    points = op.macs if isinstance(op, Einsum) else op.elements
    return [points, *(operand.elements(dict(op.dims)) for operand in operands)]


@given(resolved=models())
def test_fusing_keeps_all_work_and_never_adds_traffic(resolved: ResolvedModel) -> None:
    before = graph_of(resolved)
    after = PASSES["fuse-elementwise"](before)
    assert work(after) == work(before)
    assert len(after.tensors) <= len(before.tensors)


def work(graph: Graph) -> Counter[tuple[str, int]]:
    return Counter(
        (op.kind, op.elements) if isinstance(op, VectorOp) else ("einsum", op.macs) for op in graph.walk()
    )


def test_unknown_pass_is_told_with_the_nearest_name() -> None:
    graph = lowered(node("Relu", "x", "y"), {"x": (2,), "y": (2,)})
    with pytest.raises(OptionError, match="did you mean 'merge-dims'"):
        pipeline.run(graph, ["merge-dim"])
    with pytest.raises(OptionError, match="known are absorb-transposes"):
        pipeline.run(graph, ["???"])


def test_pass_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(graph: Graph) -> Graph:
        raise GraphError("broken")

    monkeypatch.setitem(PASSES, "remove-dead", broken)
    graph = lowered(node("Relu", "x", "y"), {"x": (2,), "y": (2,)})
    with pytest.raises(GraphError) as caught:
        pipeline.run(graph)
    assert caught.value.__notes__ == ["in pass 'remove-dead'"]


def test_two_passes_cannot_share_a_name() -> None:
    with pytest.raises(AssertionError, match="twice"):
        register("merge-dims")(lambda graph: graph)


@given(resolved=models(), dtype=st.sampled_from((DType.INT8, DType.FP16, DType.BF16)))
def test_precision_replaces_floating_types_only(resolved: ResolvedModel, dtype: DType) -> None:
    before = pipeline.run(graph_of(resolved))
    after = set_precision(before, dtype)
    assert set_precision(after, dtype) is after
    assert {operand.dtype for op in after.walk() for operand in (*op.inputs,)} <= {dtype}
    assert [tensor.dtype for tensor in after.tensors] == [dtype] * len(after.tensors)
    assert set_precision(after, DType.FP32) == before or dtype is DType.INT8


def test_precision_leaves_integers() -> None:
    tensors = {
        "x": Of((2, 3), DType.UINT8),
        "w": weight(3, 4, dtype=DType.INT8),
        "y": Of((2, 4), DType.INT32),
    }
    graph = lowered(node("MatMulInteger", "x w", "y"), tensors)
    assert set_precision(graph, DType.FP16) is graph
