from math import gcd, prod

from hypothesis import given
from hypothesis import strategies as st

from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.operand import Axis, Operand, plain_axes
from catx.ir.passes import drop_unit_dims, merge_dims, simplify_axes
from catx.ir.passes.simplify_axes import independent_axes
from tests.frontend.resolved_models import einsums, lowered, node, only, weight

DIMS = "abcd"


@st.composite
def axes(draw: st.DrawFn) -> tuple[Axis, dict[str, int]]:
    names = draw(st.lists(st.sampled_from(DIMS), max_size=4, unique=True))
    axis = tuple((name, draw(st.integers(1, 12))) for name in names)
    return axis, {name: draw(st.integers(1, 4)) for name in names}


def touched(axis: Axis, extents: dict[str, int]) -> set[int]:
    places = {0}
    for dim, coeff in axis:
        places = {place + coeff * i for place in places for i in range(extents[dim])}
    return places


@given(case=axes())
def test_simplified_axes_touch_as_many_elements(case: tuple[Axis, dict[str, int]]) -> None:
    axis, extents = case
    parts = independent_axes(axis, extents)
    assert prod(len(touched(part, extents)) for part in parts) == len(touched(axis, extents))
    assert sorted(dim for part in parts for dim, _ in part) == sorted(dim for dim, _ in axis)
    assert all(gcd(*(coeff for _, coeff in part)) == 1 for part in parts if part)


@given(case=axes())
def test_simplified_footprints_are_never_larger(case: tuple[Axis, dict[str, int]]) -> None:
    axis, extents = case
    before = Operand("x", (axis,), DType.INT8).elements(extents)
    after = Operand("x", tuple(independent_axes(axis, extents)), DType.INT8).elements(extents)
    assert len(touched(axis, extents)) <= after <= before


def test_axis_of_overlapping_windows_stays() -> None:
    assert independent_axes((("y", 2), ("r", 1)), {"y": 5, "r": 3}) == [(("y", 2), ("r", 1))]
    assert independent_axes((("y", 2), ("r", 1)), {"y": 5, "r": 2}) == [(("y", 1),), (("r", 1),)]
    assert independent_axes((("y", 4), ("r", 2)), {"y": 5, "r": 3}) == [(("y", 2), ("r", 1))]


def einsum(dims: dict[str, int], first: str, second: str, out: str) -> Einsum:
    operands = [
        Operand(name, plain_axes(*names), DType.INT8)
        for name, names in zip("xwy", (first, second, out), strict=True)
    ]
    return Einsum(
        name="e", op="E", dims=tuple(dims.items()), inputs=(operands[0], operands[1]), output=operands[2]
    )


def merged(op: Einsum) -> Einsum:
    from catx.ir.graph import Graph
    from catx.ir.tensor import Tensor

    tensors = tuple(Tensor(o.tensor, (), DType.INT8, "activation") for o in op.operands)
    (new,) = einsums(merge_dims(Graph("g", tensors, (op,), (), ())))
    return new


def test_dims_of_the_same_company_become_one() -> None:
    new = merged(einsum({"b": 2, "h": 3, "m": 5, "n": 7, "k": 11}, "bhmk", "bhkn", "bhmn"))
    assert new.dims == (("b", 6), ("m", 5), ("n", 7), ("k", 11))
    assert new.inputs[1].axes == plain_axes("b", "n", "k")


def test_order_of_axes_in_memory_does_not_matter() -> None:
    one = merged(einsum({"b": 2, "m": 5, "n": 7, "k": 11}, "bmk", "bkn", "bmn"))
    other = merged(einsum({"n": 7, "k": 11, "m": 5, "b": 2}, "mbk", "nbk", "mnb"))
    assert one == other


def test_dims_that_share_an_axis_stay_apart() -> None:
    tensors = {"x": (1, 3, 9, 9), "w": weight(4, 3, 3, 3), "y": (1, 4, 7, 7)}
    graph = merge_dims(drop_unit_dims(lowered(node("Conv", "x w", "y"), tensors)))
    assert [dim for dim, _ in einsums(graph)[0].dims] == ["f", "c", "y", "x", "r", "s"]


def test_unit_dims_and_empty_axes_go() -> None:
    tensors = {"x": (1, 3, 9, 9), "w": weight(1, 3, 1, 3), "y": (1, 1, 9, 7)}
    (op,) = einsums(drop_unit_dims(simplify_axes(lowered(node("Conv", "x w", "y"), tensors))))
    assert op.dims == (("c", 3), ("y", 9), ("x", 7), ("s", 3))
    assert op.output.axes == plain_axes("y", "x")


def test_rows_and_reduced_dims_are_merged_apart() -> None:
    graph = lowered(node("Softmax", "x", "y", axis=2, opset=11), {"x": (2, 3, 4, 5), "y": (2, 3, 4, 5)})
    op = only(merge_dims(graph))
    assert op.dims == (("d0", 6), ("d1", 20))
    assert op.reduced == ("d1",)


def test_unknown_ops_keep_their_box() -> None:
    tensors = {"x": (7, 9), "w": weight(4), "y": (50, 2)}
    graph = lowered(node("Frob", "x w", "y"), tensors, allow_unknown=True)
    assert merge_dims(drop_unit_dims(simplify_axes(graph))) is graph


def test_repeated_layers_stay_equal() -> None:
    nodes = [node("MatMul", f"t{i} w{i}", f"t{i + 1}") for i in range(3)]
    tensors = {f"t{i}": (5, 8) for i in range(4)} | {f"w{i}": weight(8, 8) for i in range(3)}
    graph = merge_dims(lowered(nodes, tensors))
    assert [len(ops) for ops in graph.unique_ops().values()] == [3]
