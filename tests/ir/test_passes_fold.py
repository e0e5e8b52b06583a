import pytest

from catx.ir import pipeline
from catx.ir.dtype import DType
from catx.ir.graph import Graph
from tests.frontend.resolved_models import Of, Spec, einsums, kinds, lowered, node, weight

FP16, INT8 = DType.FP16, DType.INT8


def scaled_product(*, reader: str = "MatMul") -> Graph:
    tensors: dict[str, Spec] = {
        "x": (4, 8),
        "w": weight(3, 8, dtype=INT8),
        "z": weight(3, 1),
        "s": weight(3, 1),
        "a": (3, 8),
        "b": (3, 8),
        "c": (3, 8),
        "d": (8, 3),
        "y": (4, 3),
        "r": (3, 8),
    }
    nodes = [node("Cast", "w", "a"), node("Sub", "a z", "b"), node("Mul", "b s", "c")]
    nodes += [node("Transpose", "c", "d", perm=[1, 0]), node("MatMul", "x d", "y")]
    if reader != "MatMul":
        nodes += [node(reader, "c", "r")]
    return pipeline.run(lowered(nodes, tensors, "y" if reader == "MatMul" else "y r"))


def test_weight_that_einsums_read_keeps_its_stored_width() -> None:
    graph = scaled_product()
    assert kinds(graph) == ["einsum"]
    assert einsums(graph)[0].inputs[1].dtype is INT8
    assert graph.parameter_bytes == 24
    assert {each.op for each in graph.free} == {"Cast", "Sub", "Mul", "Transpose"}
    assert {graph.by_name[name].dtype for name in ("c", "d")} == {INT8}


def test_weight_that_others_read_too_is_stored_wide() -> None:
    graph = scaled_product(reader="Softmax")
    assert einsums(graph)[0].inputs[1].dtype is DType.FP32


@pytest.mark.parametrize(("dtype", "stored"), [(FP16, 2), (DType.BF16, 2), (INT8, 1), (DType.FP64, 4)])
def test_cast_weight_is_stored_as_narrow_as_it_may(dtype: DType, stored: int) -> None:
    tensors: dict[str, Spec] = {"x": (4, 8), "w": weight(8, 3, dtype=dtype), "v": (8, 3), "y": (4, 3)}
    graph = pipeline.run(lowered([node("Cast", "w", "v"), node("MatMul", "x v", "y")], tensors))
    assert kinds(graph) == ["einsum"]
    assert graph.parameter_bytes == 24 * stored


def test_sum_of_two_weights_is_as_wide_as_it_is_computed() -> None:
    tensors: dict[str, Spec] = {
        "x": (4, 8),
        "w": weight(8, 3, dtype=FP16),
        "u": weight(8, 3),
        "v": (8, 3),
        "t": (8, 3),
        "y": (4, 3),
    }
    nodes = [node("Cast", "w", "v"), node("Add", "v u", "t"), node("MatMul", "x t", "y")]
    assert pipeline.run(lowered(nodes, tensors)).parameter_bytes == 24 * 4


def test_dequantization_that_a_norm_reads_stays() -> None:
    tensors: dict[str, Spec] = {
        "w": weight(8, 3, dtype=INT8),
        "s": weight(),
        "v": (8, 3),
        "x": Of((8, 3)),
        "y": (8, 3),
    }
    graph = pipeline.run(lowered([node("DequantizeLinear", "w s", "v"), node("Add", "x v", "y")], tensors))
    assert kinds(graph) == ["dequantize"]
    assert graph.parameters == 25
