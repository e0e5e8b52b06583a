from itertools import pairwise
from pathlib import Path

import pytest

from catx.api import compile_model
from catx.frontend.models import load_model
from catx.ir.graph import Graph
from catx.ir.graph_json import from_json, to_json
from catx.tools.report_json import report_object
from tests.frontend.onnx_models import Shape, model, node, save


def loaded(declared: dict[str, Shape], folder: Path) -> Graph:
    """Six tensors in a chain, all of shape [2, 3]."""
    names = ["x", *"abcde"]
    nodes = [node("Relu", [first], [second]) for first, second in pairwise(names)]
    proto = model(nodes, {"x": (2, 3)}, {"e": declared.pop("e", None)}, value_info=declared)
    return load_model(save(proto, folder))


@pytest.mark.parametrize("shape", [(2, 3), ("n", 3), (None, None), (-1, 3), (0, 3), None])
def test_declarations_that_fit_say_nothing(shape: Shape, tmp_path: Path) -> None:
    assert loaded({"a": shape, "e": shape}, tmp_path).notes == ()


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        ({"a": (2, 4)}, "'a' is declared as [2, 4], and Relu_a makes [2, 3]"),
        ({"a": ("n", 4)}, "'a' is declared as [?, 4], and Relu_a makes [2, 3]"),
        ({"e": (6,)}, "'e' is declared as [6], and Relu_e makes [2, 3]"),
        (dict.fromkeys("abcde", (1, 3)), "Relu_c makes [2, 3]; and 2 more"),
    ],
)
def test_stale_declarations_are_noted_and_not_used(
    declared: dict[str, Shape], text: str, tmp_path: Path
) -> None:
    graph = loaded(dict(declared), tmp_path)
    (note,) = graph.notes
    assert text in note
    assert {tensor.shape for tensor in graph.tensors} == {(2, 3)}
    assert from_json(to_json(graph)) == graph
    report = compile_model(graph, "edge")
    assert report.all_notes[0] == report_object(report)["notes"][0] == f"{graph.name}: {note}"
