from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.errors import ModelError
from catx.ir.dtype import DType
from catx.ir.pipeline import run as run_passes
from tests.frontend.interpreter import run
from tests.frontend.resolved_models import Of, einsums, footprints, kinds, known, lowered, node, weight

EXTENTS = st.integers(1, 4)


@st.composite
def matmul_shapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    m, n, k = draw(EXTENTS), draw(EXTENTS), draw(EXTENTS)
    batch = draw(st.lists(EXTENTS, max_size=3))
    left = [draw(st.sampled_from((1, extent))) for extent in batch][draw(st.integers(0, len(batch))) :]
    right = [draw(st.sampled_from((1, extent))) for extent in batch][draw(st.integers(0, len(batch))) :]
    a = (k,) if draw(st.booleans()) and not left else (*left, m, k)
    b = (k,) if draw(st.booleans()) and not right else (*right, k, n)
    return a, b


@given(shapes=matmul_shapes())
def test_matmul_equals_numpy(shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.standard_normal(shape) for shape in shapes)
    expected = np.matmul(a, b)
    (einsum,) = einsums(
        lowered(node("MatMul", "a b", "y"), {"a": a.shape, "b": b.shape, "y": expected.shape})
    )
    np.testing.assert_allclose(run(einsum, a, b).reshape(expected.shape), expected)
    assert einsum.macs == expected.size * a.shape[-1]


@given(
    m=EXTENTS,
    n=EXTENTS,
    k=EXTENTS,
    trans_a=st.booleans(),
    trans_b=st.booleans(),
    bias=st.sampled_from(("", "n", "m1", "mn")),
)
def test_gemm_equals_reference(m: int, n: int, k: int, trans_a: bool, trans_b: bool, bias: str) -> None:
    rng = np.random.default_rng(0)
    a = rng.standard_normal((k, m) if trans_a else (m, k))
    b = rng.standard_normal((n, k) if trans_b else (k, n))
    shape = {"": None, "n": (n,), "m1": (m, 1), "mn": (m, n)}[bias]
    tensors: dict[str, Any] = {"a": a.shape, "b": weight(*b.shape), "y": (m, n)}
    if shape is not None:
        tensors["c"] = weight(*shape)
    graph = lowered(
        node("Gemm", "a b c" if shape else "a b", "y", transA=int(trans_a), transB=int(trans_b)), tensors
    )
    expected = (a.T if trans_a else a) @ (b.T if trans_b else b)
    (einsum,) = einsums(graph)
    np.testing.assert_allclose(run(einsum, a, b), expected)
    assert kinds(graph) == (["einsum", "add"] if shape else ["einsum"])


def test_gemm_with_alpha_and_computed_bias_scales_both() -> None:
    tensors = {"a": (2, 3), "b": weight(3, 4), "c": (4,), "y": (2, 4)}
    graph = lowered(node("Gemm", "a b c", "y", alpha=0.5, beta=2.0), tensors)
    assert kinds(graph) == ["mul", "einsum", "mul", "add"]
    tensors["c"] = weight(4)
    assert kinds(lowered(node("Gemm", "a b c", "y", alpha=0.5, beta=2.0), tensors)) == [
        "einsum",
        "mul",
        "add",
    ]


def test_nobody_reads_what_beta_makes_zero() -> None:
    tensors = {"a": (2, 3), "b": weight(3, 4), "c": (2, 4), "y": (2, 4)}
    graph = lowered(node("Gemm", "a b c", "y", beta=0.0), tensors)
    assert kinds(graph) == ["einsum"]


def test_batch_of_one_factor_joins_its_rows() -> None:
    graph = run_passes(
        lowered(node("MatMul", "a b", "y"), {"a": (8, 5, 77, 64), "b": weight(64, 32), "y": (8, 5, 77, 32)})
    )
    (einsum,) = einsums(graph)
    assert einsum.dims == (("m", 8 * 5 * 77), ("n", 32), ("k", 64))


def test_batch_of_both_factors_is_one_dim() -> None:
    tensors = {"a": (2, 3, 5, 4), "b": (2, 3, 4, 7), "y": (2, 3, 5, 7)}
    (einsum,) = einsums(run_passes(lowered(node("MatMul", "a b", "y"), tensors)))
    assert einsum.dims == (("b", 6), ("m", 5), ("n", 7), ("k", 4))


def test_factor_that_is_broadcast_is_read_once() -> None:
    tensors = {"a": (6, 5, 4), "b": (1, 4, 7), "y": (6, 5, 7)}
    (einsum,) = einsums(run_passes(lowered(node("MatMul", "a b", "y"), tensors)))
    assert footprints(einsum) == {"a": 120, "b": 28, "y": 210}
    assert einsum.dims == (("m", 30), ("n", 7), ("k", 4))


def test_vector_times_vector_has_one_dim() -> None:
    (einsum,) = einsums(run_passes(lowered(node("MatMul", "a b", "y"), {"a": (9,), "b": (9,), "y": ()})))
    assert einsum.dims == (("k", 9),)


@pytest.mark.parametrize(("a", "b"), [((2, 3), (4, 5)), ((3,), (4,)), ((), (3,))])
def test_shapes_that_do_not_fit_are_refused(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"test\.onnx \[MatMul_y\]"):
        lowered(node("MatMul", "a b", "y"), {"a": a, "b": b, "y": (2, 5)})


def test_fused_matmul_transposes_and_scales() -> None:
    tensors = {"a": (2, 5, 4), "b": (2, 7, 4), "y": (2, 5, 7)}
    graph = lowered(node("FusedMatMul", "a b", "y", domain="com.microsoft", transB=1, alpha=0.125), tensors)
    assert kinds(graph) == ["einsum", "mul"]
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 5, 4)), rng.standard_normal((2, 7, 4))
    np.testing.assert_allclose(run(einsums(graph)[0], a, b), a @ b.transpose(0, 2, 1))


def test_integer_matmul_has_integer_factors_and_wide_results() -> None:
    tensors = {
        "a": Of((2, 3), DType.UINT8),
        "b": weight(3, 4, dtype=DType.INT8),
        "y": Of((2, 4), DType.INT32),
    }
    (einsum,) = einsums(lowered(node("MatMulInteger", "a b", "y"), tensors))
    assert [operand.dtype for operand in einsum.operands] == [DType.UINT8, DType.INT8, DType.INT32]


def test_known_scalars_are_no_operands() -> None:
    graph = lowered(node("Mul", "a s", "y"), {"a": (2, 3), "s": known(2.0), "y": (2, 3)})
    assert footprints(graph.ops[0]) == {"a": 6, "y": 6}
