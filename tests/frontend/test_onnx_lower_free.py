import pytest

from catx.costmodel.vector_cost import vector_cost
from catx.errors import UnknownOpError
from catx.frontend.hardware import load_accelerator
from catx.ir.dtype import DType
from catx.ir.graph import Graph
from catx.ir.pipeline import run
from tests.frontend.resolved_models import (
    Of,
    Spec,
    accounted,
    footprints,
    kinds,
    known,
    lowered,
    model,
    node,
    only,
    weight,
)


def free_names(graph: Graph) -> list[str]:
    return [each.name for each in graph.free]


@pytest.mark.parametrize(
    ("op", "y", "attributes"),
    [
        ("Reshape", (6, 4), {}),
        ("Flatten", (2, 12), {}),
        ("Squeeze", (2, 3, 4), {}),
        ("Unsqueeze", (1, 2, 3, 4), {}),
        ("Identity", (2, 3, 4), {}),
        ("Dropout", (2, 3, 4), {}),
        ("Slice", (2, 1, 4), {}),
        ("Concat", (2, 3, 4), {"axis": 0}),
        ("Pad", (2, 2, 4), {}),
        ("Sum", (2, 3, 4), {}),
    ],
)
def test_views_are_free_with_a_reason(op: str, y: tuple[int, ...], attributes: dict[str, int]) -> None:
    graph = lowered(node(op, "x", "y", **attributes), {"x": (2, 3, 4), "y": y})
    assert graph.ops == ()
    assert graph.views == (("y", "x"),)
    assert graph.free[0].op == op
    assert graph.free[0].reason


def test_expanded_tensor_that_the_user_gets_is_written() -> None:
    graph = lowered(node("Expand", "x", "y"), {"x": (1, 8), "y": (5, 8)})
    assert footprints(only(graph)) == {"x": 8, "y": 40}


def test_split_makes_views_of_one_tensor() -> None:
    graph = lowered(node("Split", "x", "a b"), {"x": (2, 6), "a": (2, 2), "b": (2, 4)})
    assert graph.views == (("a", "x"), ("b", "x"))


def test_readers_of_a_slice_read_the_slice() -> None:
    nodes = [node("Slice", "x", "a"), node("Relu", "a", "y")]
    graph = lowered(nodes, {"x": (100, 8), "a": (10, 8), "y": (10, 8)})
    assert footprints(only(graph)) == {"a": 80, "y": 80}


def test_readers_of_an_expanded_tensor_read_the_small_one() -> None:
    nodes = [node("Expand", "m", "e"), node("Add", "x e", "y")]
    tensors = {"m": (1, 1, 8, 8), "e": (4, 6, 8, 8), "x": (4, 6, 8, 8), "y": (4, 6, 8, 8)}
    assert footprints(only(run(lowered(nodes, tensors)))) == {"x": 1536, "e": 64, "y": 1536}


def test_broadcasts_are_followed_through_reshape_transpose_and_slice() -> None:
    nodes = [
        node("Expand", "m", "e"),
        node("Transpose", "e", "t", perm=[1, 0, 2]),
        node("Slice", "t", "s"),
        node("Reshape", "s", "r"),
        node("Add", "x r", "y"),
    ]
    tensors = {
        "m": (1, 6, 8),
        "e": (4, 6, 8),
        "t": (6, 4, 8),
        "s": (6, 2, 8),
        "r": (6, 16),
        "x": (6, 16),
        "y": (6, 16),
    }
    assert footprints(only(run(lowered(nodes, tensors)))) == {"x": 96, "r": 48, "y": 96}


def test_training_dropout_is_refused() -> None:
    tensors = {"x": (2, 3), "r": known(0.5), "t": known(True, DType.BOOL), "y": (2, 3)}
    with pytest.raises(UnknownOpError, match="training"):
        lowered(node("Dropout", "x r t", "y"), tensors)


def transposed(nodes_before: str, nodes_after: str, *, unknown: bool = False) -> Graph:
    """`nodes_before` (Relu, Foo or nothing), a transpose, then `nodes_after` (Relu, Foo or nothing)."""
    nodes, tensors = [], dict[str, Spec]({"x": (3, 5)})
    current = "x"
    if nodes_before:
        nodes.append(node(nodes_before, "x", "a"))
        tensors["a"] = (3, 5)
        current = "a"
    nodes.append(node("Transpose", current, "t", perm=[1, 0]))
    tensors["t"] = (5, 3)
    if nodes_after:
        nodes.append(node(nodes_after, "t", "y"))
        tensors["y"] = (5, 3)
    resolved = model(nodes, tensors, "y" if nodes_after else "t")
    graph = run(lowered(nodes, tensors, allow_unknown=True))
    accounted(graph, resolved)
    return graph


def test_transpose_is_free_where_a_reader_or_the_writer_takes_it() -> None:
    assert "transpose" not in kinds(transposed("", "Relu"))
    assert "transpose" not in kinds(transposed("Relu", ""))
    assert "transpose" not in kinds(transposed("Relu", "Relu"))
    assert "transpose" not in kinds(transposed("Relu", "Foo"))
    assert "transpose" not in kinds(transposed("Foo", "Relu"))


def test_transpose_between_two_that_fix_the_order_moves() -> None:
    for before, after in (("", ""), ("", "Foo"), ("Foo", ""), ("Foo", "Foo")):
        assert "transpose" in kinds(transposed(before, after))


def test_transpose_of_unit_axes_and_of_weights_is_free() -> None:
    graph = lowered(node("Transpose", "x", "y", perm=[1, 0, 2]), {"x": (1, 5, 3), "y": (5, 1, 3)})
    assert graph.ops == ()
    tensors = {"w": weight(3, 5), "t": (5, 3), "x": (2, 5), "y": (2, 3)}
    graph = run(lowered([node("Transpose", "w", "t"), node("MatMul", "x t", "y")], tensors))
    assert kinds(graph) == ["einsum"]
    assert graph.parameters == 15


def test_second_order_of_a_result_moves() -> None:
    nodes = [node("Relu", "x", "a"), node("Transpose", "a", "t", perm=[1, 0])]
    tensors: dict[str, Spec] = {"x": (3, 5), "a": (3, 5), "t": (5, 3)}
    assert "transpose" in kinds(run(lowered(nodes, tensors, "a t")))
    assert "transpose" not in kinds(run(lowered(nodes, tensors, "t")))


def test_unknown_operator_is_named_with_node_file_and_hint() -> None:
    with pytest.raises(UnknownOpError) as caught:
        lowered(node("Frobnicate", "x", "y", name="layer3/frob", domain="my.ops"), {"x": (2,), "y": (2,)})
    text = str(caught.value)
    for part in ("my.ops.Frobnicate", "layer3/frob", "test.onnx", "--allow-unknown"):
        assert part in text


@pytest.mark.parametrize(
    ("x", "w", "y"), [((8,), (8,), (8,)), ((12, 5), (5,), (60,)), ((7, 9), (4,), (50, 2)), ((), (3,), (1,))]
)
def test_unknown_operator_may_be_costed_by_its_data(
    x: tuple[int, ...], w: tuple[int, ...], y: tuple[int, ...]
) -> None:
    tensors: dict[str, Spec] = {"x": x, "w": weight(*w), "y": y}
    graph = run(lowered(node("Frobnicate", "x w", "y"), tensors, allow_unknown=True))
    made = only(graph)
    assert made.kind == "unknown"
    sizes = {name: graph.by_name[name].elements for name in ("x", "w", "y")}
    assert footprints(made) == sizes
    outer = vector_cost(made, load_accelerator("edge")).traffic[0]
    assert outer.read_bytes == 4 * (sizes["x"] + sizes["w"])
    assert outer.write_bytes == 4 * sizes["y"]


def test_form_that_is_not_costed_may_be_unknown_too() -> None:
    tensors: dict[str, Spec] = {"x": (1, 2, 3)} | {name: weight(2) for name in "wbmv"} | {"y": (1, 2, 3)}
    graph = lowered(
        node("BatchNormalization", "x w b m v", "y", training_mode=1), tensors, allow_unknown=True
    )
    assert kinds(graph) == ["unknown"]


def test_results_without_elements_are_free() -> None:
    graph = lowered(node("Relu", "x", "y"), {"x": (0, 3), "y": (0, 3)})
    assert graph.ops == ()
    assert free_names(graph) == ["Relu_y"]


def test_concat_with_an_empty_tensor_is_a_view() -> None:
    graph = lowered(
        node("Concat", "p x", "y", axis=2), {"p": (1, 8, 0, 64), "x": (1, 8, 5, 64), "y": (1, 8, 5, 64)}
    )
    assert graph.views == (("y", "x"),)


def test_views_of_weights_are_weights_that_count_once() -> None:
    nodes = [node("Identity", "w", "v"), node("Add", "x v", "y")]
    graph = lowered(nodes, {"w": weight(8), "v": (8,), "x": (4, 8), "y": (4, 8)})
    assert graph.by_name["v"].kind == "weight"
    assert graph.parameters == 8


def test_types_of_quantized_inputs_reach_the_operands() -> None:
    graph = lowered(node("Relu", "x", "y"), {"x": Of((4,), DType.FP16), "y": Of((4,), DType.FP16)})
    assert {operand.dtype for operand in only(graph).inputs} == {DType.FP16}


def test_broadcast_survives_a_fold_of_one_tensor_and_says_so_where_it_does_not() -> None:
    tensors: dict[str, Spec] = {
        "x": (1, 6),
        "n": known([4, 6], DType.INT64),
        "a": (4, 6),
        "b": (4, 6),
        "z": (4, 6),
        "y": (4, 6),
    }
    nodes = [node("Expand", "x n", "a"), node("Sum", "a", "b"), node("Add", "z b", "y")]
    (made,) = lowered(nodes, tensors).ops
    assert footprints(made) == {"z": 24, "b": 6, "y": 24}
    tensors |= {"b": (3, 8), "z": (3, 8), "y": (3, 8)}
    graph = lowered([nodes[0], node("Reshape", "a", "b"), nodes[2]], tensors)
    assert footprints(graph.ops[0])["b"] == 24
    assert "as if its broadcast were written out" in graph.free[-1].reason
