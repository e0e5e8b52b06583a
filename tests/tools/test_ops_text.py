"""What `catx ops` says of fused ops."""

from pathlib import Path

from catx.frontend.models import load_model
from catx.tools.canvas import Canvas
from catx.tools.labels import label
from catx.tools.ops_text import ops_text
from tests.frontend.onnx_models import model, node, save, weight


def test_fused_ops_are_counted_and_few_kinds_are_listed(tmp_path: Path) -> None:
    kinds = ["Add", "Relu", "Add", "Tanh", "Exp", "Sqrt", "Add"]
    nodes = [node("MatMul", ["x", "w"], ["t0"])]
    for i, kind in enumerate(kinds):
        inputs = [f"t{i}", f"b{i}"] if kind == "Add" else [f"t{i}"]
        nodes.append(node(kind, inputs, [f"t{i + 1}"]))
    biases = [weight(f"b{i}", 8) for i, kind in enumerate(kinds) if kind == "Add"]
    graph = load_model(
        save(model(nodes, {"x": (4, 8)}, [f"t{len(kinds)}"], [weight("w", 8, 8), *biases]), tmp_path)
    )
    assert len(graph.ops) == 1
    canvas = Canvas(140, color=False)
    ops_text(graph, canvas)
    (row,) = [line for line in canvas.text.splitlines() if "MatMul_t0" in line]
    assert row.endswith("3 x Add, Relu, Tanh and 2 more")


def test_labels_say_what_an_op_does_where_its_name_does_not(tmp_path: Path) -> None:
    nodes = [node("Conv", ["x", "w", "b"], ["c"]), node("Relu", ["c"], ["y"])]
    weights = [weight("w", 4, 3, 1, 1), weight("b", 4)]
    (op,) = load_model(save(model(nodes, {"x": (1, 3, 6, 6)}, ["y"], weights), tmp_path)).ops
    assert label(op) == "Conv (einsum)"
    assert [label(part) for part in op.fused] == ["Conv (add)", "Relu"]
