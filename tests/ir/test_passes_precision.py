from hypothesis import given
from hypothesis import strategies as st

from catx.ir import pipeline
from catx.ir.coverage import coverage
from catx.ir.dtype import DType
from catx.ir.graph import Graph
from catx.ir.passes import set_precision
from tests.frontend.resolved_models import Of, Spec, kinds, known, lowered, node, weight

FP32, FP16 = DType.FP32, DType.FP16


def free_ops(graph: Graph) -> list[str]:
    return [each.op for each in graph.free if "no conversion left" in each.reason]


def test_conversion_between_types_that_are_the_same_now_is_a_view() -> None:
    tensors: dict[str, Spec] = {"x": (4, 8), "a": Of((4, 8), FP16), "y": Of((4, 8), FP16)}
    made = pipeline.run(lowered([node("Cast", "x", "a"), node("Softmax", "a", "y")], tensors))
    assert kinds(made) == ["cast", "softmax"]
    after = set_precision(made, DType.BF16)
    assert kinds(after) == ["softmax"]
    assert after.views == (("a", "x"),)
    assert free_ops(after) == ["Cast"]


def test_fused_conversion_vanishes_and_its_result_keeps_its_name() -> None:
    tensors: dict[str, Spec] = {
        "x": (4, 8),
        "w": weight(8, 3),
        "a": (4, 3),
        "b": Of((4, 3), FP16),
        "c": Of((4, 3), FP16),
        "y": (4, 3),
    }
    nodes = [
        node("MatMul", "x w", "a"),
        node("Cast", "a", "b"),
        node("Relu", "b", "c"),
        node("Cast", "c", "y"),
    ]
    made = pipeline.run(lowered(nodes, tensors))
    assert [part.kind for part in made.ops[0].fused] == ["cast", "relu", "cast"]
    (einsum,) = set_precision(made, DType.INT8).ops
    (relu,) = einsum.fused
    assert relu.inputs[0].tensor == "a"
    assert relu.outputs[0].tensor == "y"
    (einsum,) = set_precision(pipeline.run(lowered([*nodes[:2]], tensors, "b")), FP16).ops
    assert einsum.fused == ()
    assert einsum.output.tensor == "b"  # type: ignore[union-attr]


def test_what_is_fused_into_a_conversion_stays() -> None:
    tensors: dict[str, Spec] = {"x": Of((4, 8), FP16), "a": (4, 8), "y": (4, 8), "b": Of((4, 8), FP16)}
    nodes = [node("Cast", "x", "a"), node("Exp", "a", "y"), node("Cast", "y", "b")]
    (made,) = set_precision(pipeline.run(lowered(nodes, tensors)), FP16).ops
    assert (made.name, made.fused) == ("Exp_y", ())
    assert (made.inputs[0].tensor, made.outputs[0].tensor) == ("x", "b")  # type: ignore[union-attr]


def test_weight_of_another_width_is_still_one_weight() -> None:
    tensors: dict[str, Spec] = {
        "x": (4, 8),
        "w": weight(8, 3, dtype=FP16),
        "v": (8, 3),
        "y": (4, 3),
    }
    made = lowered([node("Cast", "w", "v"), node("MatMul", "x v", "y")], tensors)
    after = set_precision(made, FP16)
    assert kinds(after) == ["einsum"]
    assert [tensor.name for tensor in after.weights] == ["w"]
    assert after.parameters == 24


def test_real_conversions_stay() -> None:
    tensors: dict[str, Spec] = {"x": (4, 8), "s": known(0.1), "q": Of((4, 8), DType.INT8), "y": (4, 8)}
    nodes = [node("QuantizeLinear", "x s", "q"), node("DequantizeLinear", "q s", "y")]
    made = pipeline.run(lowered(nodes, tensors))
    assert [op.kind for op in set_precision(made, FP16).walk()] == ["quantize", "dequantize"]  # type: ignore[union-attr]
    assert set_precision(made, DType.INT8).ops == ()


@given(types=st.lists(st.sampled_from((FP32, FP16, DType.BF16, DType.INT8)), min_size=1, max_size=6))
def test_every_node_stays_accounted_for(types: list[DType]) -> None:
    tensors: dict[str, Spec] = {"t0": (4, 8)}
    nodes = []
    for i, dtype in enumerate(types):
        tensors[f"t{i + 1}"] = Of((4, 8), dtype)
        nodes.append(node("Cast" if i % 2 else "Abs", f"t{i}", f"t{i + 1}"))
    made = pipeline.run(lowered(nodes, tensors))
    after = set_precision(made, FP16)
    before, now = coverage(made), coverage(after)
    assert before.costed + before.free == now.costed + now.free == len(nodes)
    assert after.outputs == made.outputs
    assert set_precision(after, FP16) is after
