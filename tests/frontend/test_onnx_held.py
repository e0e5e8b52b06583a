"""Parameters: what the file holds counts once, what folding makes up does not count."""

from pathlib import Path

import numpy as np
import pytest
from onnx import NodeProto, TensorProto, helper

from catx.frontend.models import load_model
from catx.ir.graph import Graph
from catx.ir.graph_json import from_json, to_json
from tests.frontend.onnx_models import FLOAT16, INT8, const, model, node, save, weight


def loaded(tmp_path: Path, nodes: list[NodeProto], weights: list[TensorProto]) -> Graph:
    return load_model(save(model(nodes, {"x": (1, 8, 8)}, ["y"], weights), tmp_path))


CASES = {
    "as it is": ([node("MatMul", ["x", "w"], ["y"])], [weight("w", 8, 8)], 64),
    "transposed": (
        [node("Transpose", ["w"], ["t"], perm=[1, 0]), node("MatMul", ["x", "t"], ["y"])],
        [weight("w", 8, 8)],
        64,
    ),
    "converted": (
        [node("Cast", ["w"], ["t"], to=1), node("MatMul", ["x", "t"], ["y"])],
        [weight("w", 8, 8, elem_type=FLOAT16)],
        64,
    ),
    "scaled": (
        [node("Mul", ["w", "s"], ["t"]), node("MatMul", ["x", "t"], ["y"])],
        [weight("w", 8, 8), weight("s", 8, 1)],
        64,
    ),
    "dequantized": (
        [node("DequantizeLinear", ["w", "s"], ["t"]), node("MatMul", ["x", "t"], ["y"])],
        [weight("w", 8, 8, elem_type=INT8), const("s", 0.5, np.float32)],
        64,
    ),
    "read as it is and transposed": (
        [
            node("Transpose", ["w"], ["t"], perm=[1, 0]),
            node("MatMul", ["x", "t"], ["z"]),
            node("MatMul", ["z", "w"], ["y"]),
        ],
        [weight("w", 8, 8)],
        64,
    ),
    "in two pieces": (
        [
            node("Split", ["w"], ["a", "b"], axis=0, num_outputs=2),
            node("MatMul", ["x", "a"], ["z"]),
            node("MatMul", ["z", "b"], ["y"]),
        ],
        [weight("w", 16, 8)],
        128,
    ),
    "repeated": (
        [node("Expand", ["w", "shape"], ["t"]), node("Add", ["x", "t"], ["y"])],
        [weight("w", 1, 8), const("shape", [8, 8])],
        8,
    ),
    "side by side": (
        [node("Concat", ["a", "b"], ["t"], axis=0), node("MatMul", ["x", "t"], ["y"])],
        [weight("a", 5, 8), weight("b", 3, 8)],
        64,
    ),
    "a copy that an exporter merged": (
        [
            node("Identity", ["w"], ["t"]),
            node("MatMul", ["x", "w"], ["z"]),
            node("MatMul", ["z", "t"], ["y"]),
        ],
        [weight("w", 8, 8)],
        128,
    ),
    "a stand-in": (
        [node("ConstantOfShape", ["shape"], ["t"]), node("MatMul", ["x", "t"], ["y"])],
        [const("shape", [8, 8])],
        64,
    ),
    "a mask of a filled tensor": (
        [
            node("ConstantOfShape", ["shape"], ["f"]),
            node("Trilu", ["f"], ["m"]),
            node("Unsqueeze", ["m", "zero"], ["t"]),
            node("Add", ["x", "t"], ["y"]),
        ],
        [const("shape", [8, 8]), const("zero", [0])],
        0,
    ),
    "a mask of comparisons": (
        [
            node("Range", ["zero", "eight", "one"], ["r"]),
            node("Unsqueeze", ["r", "axis"], ["c"]),
            node("Less", ["r", "c"], ["l"]),
            node("Where", ["l", "low", "none"], ["t"]),
            node("Add", ["x", "t"], ["y"]),
        ],
        [
            const("zero", 0),
            const("one", 1),
            const("eight", 8),
            const("axis", [1]),
            const("low", -1e9, np.float32),
            const("none", 0, np.float32),
        ],
        0,
    ),
    "a mask of the file": ([node("Add", ["x", "m"], ["y"])], [weight("m", 8, 8)], 64),
}


@pytest.mark.parametrize("case", CASES)
def test_what_the_file_holds_counts_once(case: str, tmp_path: Path) -> None:
    nodes, weights, parameters = CASES[case]
    graph = loaded(tmp_path, nodes, weights)
    assert graph.parameters == parameters
    assert from_json(to_json(graph)) == graph


def test_a_constant_of_the_graph_is_held(tmp_path: Path) -> None:
    values = helper.make_tensor("v", 1, (8, 8), np.arange(64.0))
    nodes = [
        node("Constant", [], ["w"], value=values),
        node("Transpose", ["w"], ["t"], perm=[1, 0]),
        node("MatMul", ["x", "t"], ["y"]),
    ]
    assert loaded(tmp_path, nodes, []).parameters == 64
