from dataclasses import replace

import pytest
from hypothesis import given

from catx.errors import GraphError
from catx.frontend.onnx.resolved import ResolvedModel
from catx.ir.coverage import coverage
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import FreeNode, Graph, Op, op_inputs, op_outputs
from catx.ir.operand import Operand, plain_axes
from catx.ir.pipeline import run
from catx.ir.tensor import Tensor
from catx.ir.vector_op import VectorOp
from tests.ir.graphs import graph_of, models

FP32 = DType.FP32


def tensor(name: str, kind: str = "activation") -> Tensor:
    return Tensor(name, (4,), FP32, kind)  # type: ignore[arg-type]


def relu(source: str, result: str, **changes: object) -> VectorOp:
    operands = [Operand(name, plain_axes("i"), FP32) for name in (source, result)]
    op = VectorOp(
        name=f"relu_{result}",
        op="Relu",
        kind="relu",
        dims=(("i", 4),),
        inputs=(operands[0],),
        outputs=(operands[1],),
        sources=(f"relu_{result}",),
    )
    return replace(op, **changes)  # type: ignore[arg-type]


def product(first: str, second: str, result: str, **changes: object) -> Einsum:
    x, w, y = (
        Operand(name, plain_axes(dim), FP32) for name, dim in ((first, "i"), (second, "i"), (result, "i"))
    )
    op = Einsum(
        name=f"mul_{result}", op="Mul", dims=(("i", 4),), inputs=(x, w), output=y, sources=(f"mul_{result}",)
    )
    return replace(op, **changes)  # type: ignore[arg-type]


def graph(*ops: Op, views: tuple[tuple[str, str], ...] = (), names: str = "xyz", **changes: object) -> Graph:
    tensors = tuple(tensor(name, "input" if name == "x" else "activation") for name in names)
    made = Graph("g", tensors, ops, ("x",), (), views=views)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_graph_knows_tensors_views_and_edges() -> None:
    made = graph(relu("x", "y"), relu("v", "z"), views=(("v", "y"),), names="xyzv")
    assert made.resolve("v") == "y"
    view = made.to_networkx()
    assert list(view.edges(data="tensor")) == [("relu_y", "relu_z", "v")]
    assert view.nodes["relu_y"]["op"] is made.ops[0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: graph(relu("x", "y"), names="xyy"), "same name"),
        (lambda: graph(relu("x", "y"), relu("x", "z", name="relu_y")), "two ops"),
        (lambda: graph(relu("q", "y")), "unknown tensor 'q'"),
        (lambda: graph(relu("x", "q")), "writes unknown"),
        (lambda: graph(relu("y", "z"), relu("x", "y")), "before it is written"),
        (lambda: graph(relu("x", "y"), relu("x", "y", name="again")), "written twice"),
        (lambda: graph(views=(("v", "x"),)), "unknown tensor 'v'"),
        (lambda: graph(relu("y", "z"), views=(("x", "y"), ("y", "x"))), "view of itself"),
        (lambda: relu("x", "y", repeat=0), "runs 0 times"),
        (lambda: product("x", "x", "y", repeat=0), "runs 0 times"),
        (lambda: relu("x", "y", dims=(("i", 4), ("i", 4))), "named twice"),
        (lambda: relu("x", "y", dims=(("i", 0),)), "no iteration"),
        (lambda: relu("x", "y", reduced=("j",)), "unknown dims"),
        (lambda: product("x", "y", "z", dims=(("i", 4), ("j", 2))), "index no operand"),
        (lambda: product("x", "y", "z", dims=(("i", 4.0),)), r"whole number\) pairs, not \('i', 4.0\)"),
        (lambda: product("x", "y", "z", dims={"i": 4}), "tuple of .* pairs, not a dict of 1"),
        (lambda: product("x", "y", "z", dims=[("i", 4)]), "tuple of .* pairs, not a list of 1"),
        (lambda: product("x", "y", "z", dims=(("i", 2**50),)), "larger than 2"),
        (lambda: product("x", "y", "z", repeat="2"), "repeat is a whole number, not '2'"),
        (lambda: product("x", "y", "z", name=5), "named by a text, not 5"),
        (lambda: product("x", "y", "z", inputs=(Operand("x", (), FP32),)), "two operands, not a tuple of 1"),
        (lambda: product("x", "y", "z", fused=("relu",)), "fused is a tuple of VectorOps"),
        (lambda: Operand("A", ("m", "k"), FP32), "plain_axes"),
        (lambda: Operand("A", [(("m", 1),)], FP32), "axes are a tuple"),
        (lambda: Operand("A", ((("m", 1.5),),), FP32), r"not \(\(\('m', 1.5\),\),\)"),
        (lambda: Operand("A", plain_axes("m"), "int8"), "a DType, not 'int8'"),
        (lambda: Operand("A", (), FP32, count="2"), "count is a whole number, not '2'"),
        (lambda: Operand(7, (), FP32), "named by a text, not 7"),
        (lambda: product("x", "y", "z", output="z"), "expected an Operand, not 'z'"),
        (lambda: Tensor("t", (-1,), FP32, "input"), "negative"),
    ],
)
def test_illegal_graphs_do_not_exist(make: object, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        make()  # type: ignore[operator]


def test_fused_ops_read_and_write_for_their_op() -> None:
    op = relu("x", "y", fused=(relu("y", "z"),))
    assert op_inputs(op) == ("x",)
    assert op_outputs(op) == ("z",)


def test_weights_count_once_however_they_are_seen() -> None:
    made = Graph(
        "g",
        (Tensor("w", (8, 2), DType.INT4, "weight"), Tensor("v", (2, 8), DType.INT4, "weight")),
        (),
        (),
        (),
        views=(("v", "w"),),
    )
    assert (made.parameters, made.parameter_bytes) == (16, 8.0)


def test_repeated_runs_count() -> None:
    made = graph(product("x", "x", "y", repeat=10), relu("y", "z", repeat=10))
    assert made.macs == 40
    assert [[op.repeat for op in ops] for ops in made.unique_ops().values()] == [[10], [10]]


def test_unique_ops_forget_names_but_not_structure() -> None:
    made = graph(product("x", "y", "z"), product("x", "z", "v"), relu("v", "w"), names="xyzvw")
    groups = made.unique_ops()
    assert [len(ops) for ops in groups.values()] == [2, 1]
    assert {part.name for key in groups for part in (key,)} == {""}


def test_coverage_counts_nodes_once() -> None:
    twice = relu("x", "y", sources=("a", "b"))
    again = relu("y", "z", sources=("b", "c"), fused=(relu("z", "v", sources=("d",)),))
    strange = relu("v", "w", kind="unknown", op="Frob", sources=("e",))
    free = (FreeNode("f", "Reshape", "view"),)
    counted = coverage(graph(twice, again, strange, names="xyzvw", free=free))
    assert (counted.costed, counted.free, counted.unknown) == (4, 1, 1)
    assert counted.unknown_ops == ("Frob",)
    assert counted.free_nodes == free


@given(resolved=models())
def test_coverage_accounts_for_every_node(resolved: ResolvedModel) -> None:
    counted = coverage(run(graph_of(resolved)))
    assert counted.costed + counted.free + counted.unknown == len(resolved.nodes)
    unknown = [each for each in resolved.nodes if each.op_type == "Frob"]
    assert counted.unknown <= len(unknown)
