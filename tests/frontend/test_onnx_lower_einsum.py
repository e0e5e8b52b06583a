import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.errors import ModelError
from catx.ir.graph import op_inputs
from catx.ir.pipeline import run as run_passes
from tests.frontend.interpreter import run
from tests.frontend.resolved_models import Of, einsums, footprints, kinds, lowered, node, only

SIZES = {"a": 2, "b": 3, "c": 2, "d": 4, "e": 1, "f": 3}


@st.composite
def equations(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    count = draw(st.integers(2, 4))
    terms = [
        draw(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3, unique=True)) for _ in range(count)
    ]
    used = sorted({label for term in terms for label in term})
    output = draw(st.lists(st.sampled_from(used), max_size=4, unique=True))
    shapes = [tuple(SIZES[label] for label in term) for term in terms]
    return ",".join("".join(term) for term in terms) + "->" + "".join(output), shapes


def evaluate(equation: str, arrays: list[np.ndarray]) -> np.ndarray:  # type: ignore[type-arg]
    expected = np.einsum(equation, *arrays)
    names = [f"x{i}" for i in range(len(arrays))]
    tensors: dict[str, Of | tuple[int, ...]] = {
        name: array.shape for name, array in zip(names, arrays, strict=True)
    }
    graph = lowered(node("Einsum", " ".join(names), "y", equation=equation), tensors | {"y": expected.shape})
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    known = {name: _diagonal(term, array) for name, term, array in zip(names, terms, arrays, strict=True)}
    for op in einsums(graph):
        result = run(op, known[op.inputs[0].tensor], known[op.inputs[1].tensor])
        known[op.output.tensor] = result.reshape(graph.by_name[op.output.tensor].shape)
    np.testing.assert_allclose(known["y"], expected)
    return expected


def _diagonal(term: str, array: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    """A label that repeats is one axis, which walks along the diagonal."""
    if term[:2] != "ii":
        return array
    return np.lib.stride_tricks.as_strided(
        array, array.shape, (array.strides[0] + array.strides[1], *array.strides[1:])
    )


@settings(max_examples=80)
@given(case=equations())
def test_equation_equals_numpy(case: tuple[str, list[tuple[int, ...]]]) -> None:
    equation, shapes = case
    rng = np.random.default_rng(0)
    evaluate(equation, [rng.integers(-3, 4, shape).astype(float) for shape in shapes])


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("...ij,...jk->...ik", [(2, 1, 3, 4), (5, 4, 2)]),
        ("...ij,jk", [(2, 3, 4), (4, 2)]),
        ("ij,jk", [(3, 4), (4, 2)]),
        ("b...,b...->...", [(3, 2, 2), (3, 2, 2)]),
        ("i...,j->j...i", [(2, 3), (4,)]),
        ("ii,ij->j", [(3, 3), (3, 2)]),
        ("bqhd,bkhd->bhqk", [(2, 3, 2, 4), (2, 5, 2, 4)]),
        (" i j , j k -> i k ", [(3, 4), (4, 2)]),
        ("ij,kj->ik", [(3, 1), (2, 4)]),
    ],
)
def test_forms_of_equations(equation: str, shapes: list[tuple[int, ...]]) -> None:
    rng = np.random.default_rng(0)
    evaluate(equation, [rng.integers(-3, 4, shape).astype(float) for shape in shapes])


def test_attention_equation_is_the_batched_product_of_matmul() -> None:
    tensors = {"q": (2, 77, 8, 64), "k": (2, 50, 8, 64), "y": (2, 8, 77, 50)}
    (einsum,) = einsums(run_passes(lowered(node("Einsum", "q k", "y", equation="bqhd,bkhd->bhqk"), tensors)))
    tensors = {"q": (2, 8, 77, 64), "k": (2, 8, 64, 50), "y": (2, 8, 77, 50)}
    (matmul,) = einsums(run_passes(lowered(node("MatMul", "q k", "y"), tensors)))
    assert einsum.canonical() == matmul.canonical()


def test_three_operands_are_contracted_in_the_cheap_order() -> None:
    tensors = {"a": (2, 100), "b": (100, 100), "c": (100, 2), "y": (2, 2)}
    graph = lowered(node("Einsum", "a b c", "y", equation="ij,jk,kl->il"), tensors)
    assert graph.macs == 2 * 100 * 100 + 2 * 100 * 2


def test_one_operand_is_a_reduction_a_transpose_or_a_view() -> None:
    def one(equation: str, shape: tuple[int, ...], y: tuple[int, ...]) -> list[str]:
        return kinds(lowered(node("Einsum", "x", "y", equation=equation), {"x": shape, "y": y}))

    assert one("ij->i", (3, 4), (3,)) == ["reduce_sum"]
    assert one("ij->ji", (3, 4), (4, 3)) == ["transpose"]
    assert one("ii->i", (3, 3), (3,)) == ["gather"]
    assert one("ij->ij", (3, 4), (3, 4)) == []


def test_reduction_reads_everything_and_writes_what_is_left() -> None:
    graph = lowered(node("Einsum", "x", "y", equation="ijk->j"), {"x": (3, 4, 5), "y": (4,)})
    assert footprints(only(graph)) == {"x": 60, "y": 4}


@pytest.mark.parametrize(
    ("equation", "shapes"),
    [
        ("ij,jk->ik", [(3, 4)]),
        ("ij,jk->iz", [(3, 4), (4, 2)]),
        ("ij,jk->ii", [(3, 4), (4, 2)]),
        ("ij,jk->ik", [(3, 4), (5, 2)]),
        ("ijk,jk->ik", [(3, 4), (4, 2)]),
        ("i1,jk->ik", [(3, 4), (4, 2)]),
        ("", [(3, 4), (4, 2)]),
    ],
)
def test_equations_that_do_not_fit_are_refused(equation: str, shapes: list[tuple[int, ...]]) -> None:
    tensors = {f"x{i}": shape for i, shape in enumerate(shapes)} | {"y": (3, 2)}
    with pytest.raises(ModelError):
        lowered(
            node("Einsum", " ".join(f"x{i}" for i in range(len(shapes))), "y", equation=equation), tensors
        )


def test_three_operands_that_no_order_of_pairs_makes_cheaper_are_taken_from_the_left() -> None:
    tensors = {"a": (3,), "b": (4,), "c": (5,), "d": (6,), "y": (3, 4, 5, 6)}
    graph = lowered(node("Einsum", "a b c d", "y", equation="i,j,k,l->ijkl"), tensors)
    assert sorted(name for op in graph.ops for name in op_inputs(op) if name in tensors) == [*"abcd"]
    assert graph.ops[-1].macs == 3 * 4 * 5 * 6
    assert len(graph.ops) == 3
