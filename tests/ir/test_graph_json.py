import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.errors import GraphError
from catx.frontend.models import load_model
from catx.frontend.onnx.resolved import ResolvedModel
from catx.ir.graph_json import from_json, to_json
from catx.ir.pipeline import run
from tests.frontend.resolved_models import lowered, node, weight
from tests.ir.graphs import graph_of, models


@given(resolved=models())
def test_round_trip_loses_nothing(resolved: ResolvedModel) -> None:
    for graph in (graph_of(resolved), run(graph_of(resolved))):
        again = from_json(to_json(graph))
        assert again == graph
        assert [op.loc for op in again.walk()] == [op.loc for op in graph.walk()]
        assert again.loc == graph.loc
        assert to_json(again) == to_json(graph)


def test_recurrent_and_fused_ops_come_back() -> None:
    tensors = {"x": (9, 2, 4), "w": weight(1, 20, 4), "r": weight(1, 20, 5), "y": (9, 1, 2, 5)}
    graph = run(lowered(node("LSTM", "x w r", "y"), tensors))
    assert from_json(to_json(graph)) == graph


def test_operands_that_are_touched_as_a_whole_come_back() -> None:
    graph = run(lowered(node("Concat", "a b", "y", axis=0), {"a": (2, 3), "b": (5, 3), "y": (7, 3)}))
    again = from_json(to_json(graph))
    assert again == graph
    assert [operand.count for operand in again.ops[0].inputs] == [6, 15]


def test_builtin_clip_comes_back_with_the_same_unique_ops() -> None:
    graph = load_model("clip_vit_b16_text")
    text = to_json(graph)
    assert from_json(text) == graph
    assert from_json(text).unique_ops() == graph.unique_ops()
    assert len(text) < 1_000_000


def example() -> dict[str, Any]:
    tensors = {"x": (2, 3), "w": weight(3, 4), "b": weight(4), "y": (2, 4)}
    graph = lowered(node("Gemm", "x w b", "y"), tensors)
    data: dict[str, Any] = json.loads(to_json(graph))
    return data


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (["format"], "other", "format"),
        (["version"], 1, "version"),
        (["name"], 3, "name"),
        (["ops"], {}, "ops"),
        (["ops", 0, "type"], "matrix", "ops[0]"),
        (["ops", 0, "dims", 1], ["m", "2"], "ops[0].dims[1][1]"),
        (["ops", 0, "dims", 1], ["m", True], "ops[0].dims[1][1]"),
        (["ops", 0, "dims", 1], ["m"], "ops[0].dims[1]"),
        (["ops", 0, "dims", 0, 1], 0, "ops[0]"),
        (["ops", 0, "inputs"], [], "ops[0].inputs"),
        (["ops", 0, "inputs", 1, "axes", 0], 7, "ops[0].inputs[1].axes[0]"),
        (["ops", 0, "inputs", 0, "dtype"], "fp33", "ops[0].inputs[0].dtype"),
        (["ops", 0, "output", "tensor"], None, "ops[0].output.tensor"),
        (["ops", 1, "kind"], 1, "ops[1].kind"),
        (["ops", 1, "reduced"], ["q"], "ops[1]"),
        (["tensors", 0, "kind"], "bias", "tensors[0].kind"),
        (["tensors", 0, "shape"], [-1], "tensors[0]"),
        (["views"], [["a", "b"]], ""),
        (["free"], [{"name": "n"}], "free[0]"),
        (["loc"], "file", "loc"),
    ],
)
def test_errors_say_where(path: list[Any], value: Any, where: str) -> None:
    data = example()
    at = data
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    with pytest.raises(GraphError) as caught:
        from_json(json.dumps(data), file="graph.json")
    assert caught.value.loc is not None
    assert (caught.value.loc.file, caught.value.loc.where) == ("graph.json", where)


def test_missing_and_unknown_keys_are_named() -> None:
    data = example()
    del data["ops"][0]["repeat"]
    with pytest.raises(GraphError, match=r"graph\.json \[ops\[0\]\]: 'repeat' is missing"):
        from_json(json.dumps(data), file="graph.json")
    data = example() | {"extra": 1}
    with pytest.raises(GraphError, match="unknown key 'extra'"):
        from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", '"x"', "[" * 100_000, "{}", "\ud800", "NaN"])
def test_text_that_is_no_graph_is_refused(text: str) -> None:
    with pytest.raises(GraphError):
        from_json(text)


def test_line_of_a_syntax_error_is_told() -> None:
    with pytest.raises(GraphError) as caught:
        from_json('{\n"name": }', file="graph.json")
    assert str(caught.value).startswith("graph.json:2: not JSON")


@settings(max_examples=60)
@given(data=st.data())
def test_damaged_graphs_are_refused_or_read(data: st.DataObject) -> None:
    """Whatever single value is replaced: a GraphError with a place, or a legal graph."""
    root = example()
    at: Any = root
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = data.draw(st.sampled_from(keys))
        inner = at[key]
        if not isinstance(inner, (dict, list)) or not inner or data.draw(st.booleans()):
            break
        at = inner
    at[key] = data.draw(st.sampled_from([None, -1, 0, 1, 10**30, "", "x", [], [[]], {}, 0.5, True]))
    places: list[Any] = ["graph.json"]
    try:
        from_json(json.dumps(root), file="graph.json")
    except GraphError as error:
        places = [error.loc and error.loc.file]
    assert places == ["graph.json"]
