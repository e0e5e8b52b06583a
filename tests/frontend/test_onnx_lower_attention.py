from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catx.errors import ModelError
from catx.frontend.onnx.resolved import ResolvedNode
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph
from catx.ir.pipeline import run as run_passes
from tests.frontend.interpreter import run
from tests.frontend.resolved_models import Of, Spec, einsums, footprints, kinds, known, lowered, node

MICROSOFT = "com.microsoft"


def canonical(graph: Graph) -> list[Einsum]:
    return [einsum.canonical() for einsum in einsums(run_passes(graph))]


def written_out(b: int, h: int, m: int, n: int, d: int, scales: str = "qk") -> Graph:
    """MatMul-Softmax-MatMul as exporters write it: heads split by Reshape and Transpose, Q and K scaled."""
    nodes: list[ResolvedNode] = []
    tensors: dict[str, Spec] = {"c": known(0.5)}
    for name, tokens, perm in (("q", m, [0, 2, 1, 3]), ("k", n, [0, 2, 3, 1]), ("v", n, [0, 2, 1, 3])):
        split, turned = (b, tokens, h, d), tuple((b, tokens, h, d)[axis] for axis in perm)
        nodes += [node("Reshape", name, f"{name}1"), node("Transpose", f"{name}1", f"{name}2", perm=perm)]
        tensors |= {name: (b, tokens, h * d), f"{name}1": split, f"{name}2": turned, f"{name}3": turned}
        if name in scales:
            nodes.append(node("Mul", f"{name}2 c", f"{name}3"))
        else:
            nodes.append(node("Identity", f"{name}2", f"{name}3"))
    nodes += [
        node("MatMul", "q3 k3", "s"),
        node("Mul" if "s" in scales else "Identity", "s c" if "s" in scales else "s", "s1"),
    ]
    nodes += [node("Softmax", "s1", "p"), node("MatMul", "p v3", "o")]
    nodes += [node("Transpose", "o", "o1", perm=[0, 2, 1, 3]), node("Reshape", "o1", "y")]
    tensors |= dict.fromkeys(("s", "s1", "p"), (b, h, m, n))
    tensors |= {"o": (b, h, m, d), "o1": (b, m, h, d), "y": (b, m, h * d)}
    return lowered(nodes, tensors)


def fused(b: int, h: int, m: int, n: int, d: int) -> Graph:
    """Opset 23 Attention on 3-D inputs."""
    tensors = {"q": (b, m, h * d), "k": (b, n, h * d), "v": (b, n, h * d), "y": (b, m, h * d)}
    return lowered(node("Attention", "q k v", "y", q_num_heads=h, kv_num_heads=h, scale=0.125), tensors)


@given(
    b=st.integers(1, 2), h=st.integers(1, 3), m=st.integers(1, 5), n=st.integers(1, 5), d=st.integers(1, 4)
)
def test_fused_attention_is_the_same_einsums_as_written_out(b: int, h: int, m: int, n: int, d: int) -> None:
    expected = canonical(fused(b, h, m, n, d))
    for scales in ("qk", "q", "k", "s"):
        assert canonical(written_out(b, h, m, n, d, scales)) == expected
    tensors = {"q": (b, m, h * d), "k": (b, n, h * d), "v": (b, n, h * d), "y": (b, m, h * d)}
    other = lowered(node("MultiHeadAttention", "q k v", "y", domain=MICROSOFT, num_heads=h), tensors)
    assert canonical(other) == expected


def test_scales_become_one_multiplication_of_the_scores() -> None:
    for scales in ("qk", "q", "s"):
        graph = run_passes(written_out(1, 8, 77, 77, 64, scales))
        assert kinds(graph) == ["einsum", "softmax", "einsum"]
        assert [part.kind for part in graph.ops[0].fused] == ["mul"]
    both = run_passes(written_out(1, 8, 77, 77, 64, "qk")).ops[0].fused[0]
    assert both.sources == ("Mul_q3", "Mul_k3")


def test_four_and_three_dimensional_inputs_are_the_same_work() -> None:
    tensors = {"q": (2, 4, 7, 8), "k": (2, 4, 9, 8), "v": (2, 4, 9, 8), "y": (2, 4, 7, 8)}
    assert canonical(lowered(node("Attention", "q k v", "y"), tensors)) == canonical(fused(2, 4, 7, 9, 8))


@settings(max_examples=30)
@given(
    rank=st.sampled_from((3, 4)), b=st.integers(1, 2), g=st.integers(1, 2), r=st.integers(1, 3),
    m=st.integers(1, 4), n=st.integers(1, 4), d=st.integers(1, 3), e=st.integers(1, 3),
)  # fmt: skip
def test_attention_equals_numpy(rank: int, b: int, g: int, r: int, m: int, n: int, d: int, e: int) -> None:
    rng = np.random.default_rng(0)
    q, k, v = (
        rng.standard_normal((b, g * r, m, d)),
        rng.standard_normal((b, g, n, d)),
        rng.standard_normal((b, g, n, e)),
    )
    scores = np.einsum("bgrmd,bgnd->bgrmn", q.reshape(b, g, r, m, d), k)
    result = np.einsum("bgrmn,bgne->bgrme", scores, v)
    arrays = [q, k, v]
    y: tuple[int, ...] = (b, g * r, m, e)
    if rank == 3:
        arrays = [np.ascontiguousarray(x.transpose(0, 2, 1, 3)).reshape(b, x.shape[2], -1) for x in arrays]
        y = (b, m, g * r * e)
    tensors = dict(zip("qkv", (x.shape for x in arrays), strict=True)) | {"y": y}
    graph = lowered(node("Attention", "q k v", "y", q_num_heads=g * r, kv_num_heads=g, scale=1.0), tensors)
    first, second = einsums(graph)
    np.testing.assert_allclose(run(first, *arrays[:2]), scores)
    np.testing.assert_allclose(run(second, scores.reshape(b, g * r, m, n), arrays[2]), result)


def test_grouped_heads_read_each_key_once() -> None:
    tensors = {"q": (1, 32, 10, 64), "k": (1, 8, 20, 64), "v": (1, 8, 20, 64), "y": (1, 32, 10, 64)}
    qk, av = einsums(run_passes(lowered(node("Attention", "q k v", "y"), tensors)))
    assert qk.dims == (("b", 8), ("m", 40), ("n", 20), ("k", 64))
    assert av.dims == (("b", 8), ("m", 40), ("n", 64), ("k", 20))


def test_grouped_heads_written_out_with_expand_are_the_same() -> None:
    nodes = [
        node("Unsqueeze", "k", "k1"),
        node("Expand", "k1", "k2"),
        node("Reshape", "k2", "k3"),
        node("Transpose", "k3", "k4", perm=[0, 1, 3, 2]),
        node("MatMul", "q k4", "y"),
    ]
    tensors = {
        "q": (1, 32, 10, 64),
        "k": (1, 8, 20, 64),
        "k1": (1, 8, 1, 20, 64),
        "k2": (1, 8, 4, 20, 64),
        "k3": (1, 32, 20, 64),
        "k4": (1, 32, 64, 20),
        "y": (1, 32, 10, 20),
    }
    (einsum,) = canonical(lowered(nodes, tensors))
    assert einsum.dims == (("b", 8), ("m", 40), ("n", 20), ("k", 64))
    assert footprints(einsum)["weight"] == 8 * 20 * 64


def test_parts_have_names_that_a_reader_finds() -> None:
    tensors = {"q": (1, 2, 3, 4), "k": (1, 2, 3, 4), "v": (1, 2, 3, 4), "y": (1, 2, 3, 4)}
    graph = lowered(node("Attention", "q k v", "y", name="layer7"), tensors)
    assert [op.name for op in graph.ops] == ["layer7/qk", "layer7/scale", "layer7/softmax", "layer7/av"]
    assert all(op.sources == ("layer7",) for op in graph.ops)


def test_masks_caps_and_causality_are_ops_on_the_scores() -> None:
    tensors: dict[str, Spec] = {"q": (1, 2, 3, 4), "k": (1, 2, 3, 4), "v": (1, 2, 3, 4), "y": (1, 2, 3, 4)}
    tensors["mask"] = (3, 3)
    graph = lowered(node("Attention", "q k v mask", "y", softcap=30.0, is_causal=1), tensors)
    assert kinds(graph) == ["einsum", "mul", "add", "where", "softcap", "softmax", "einsum"]
    tensors["mask"] = Of((1, 1, 3, 3), DType.BOOL)
    graph = lowered(node("Attention", "q k v mask", "y"), tensors)
    assert kinds(graph) == ["einsum", "mul", "where", "softmax", "einsum"]


def test_cache_is_appended_to() -> None:
    tensors = {"q": (1, 8, 1, 64), "k": (1, 2, 1, 64), "v": (1, 2, 1, 64), "y": (1, 8, 1, 64)}
    past: dict[str, Spec] = dict.fromkeys(("pk", "pv"), (1, 2, 99, 64)) | dict.fromkeys(
        ("nk", "nv"), (1, 2, 100, 64)
    )
    graph = lowered(node("Attention", "q k v - pk pv", "y nk nv"), tensors | past)
    assert kinds(graph)[:2] == ["concat", "concat"]
    qk, _ = einsums(run_passes(graph))
    assert qk.dims == (("b", 2), ("m", 4), ("n", 100), ("k", 64))
    assert graph.ops[0].name == "Attention_y/key.cache"


def test_scores_can_be_read() -> None:
    tensors = {"q": (1, 2, 3, 4), "k": (1, 2, 3, 4), "v": (1, 2, 3, 4), "y": (1, 2, 3, 4), "s": (1, 2, 3, 3)}
    stages = {0: "scale", 3: "softmax"}
    for mode, writer in stages.items():
        graph = lowered(node("Attention", "q k v", "y - - s", qk_matmul_output_mode=mode), tensors, "y s")
        (op,) = (op for op in graph.ops if op.name.endswith(writer))
        assert footprints(op)["s"] == 18


def test_packed_attention_projects_first() -> None:
    tensors: dict[str, Spec] = {"x": (2, 7, 16), "w": (16, 48), "c": (48,), "y": (2, 7, 16)}
    graph = lowered(node("Attention", "x w c", "y", domain=MICROSOFT, num_heads=4), tensors)
    assert kinds(graph) == ["einsum", "add", "einsum", "mul", "softmax", "einsum"]
    assert graph.macs == 2 * 7 * 16 * 48 + 2 * 2 * 7 * 7 * 16


def test_group_query_attention_turns_and_appends() -> None:
    tensors: dict[str, Spec] = {
        "q": (1, 1, 32 * 8),
        "k": (1, 1, 8 * 8),
        "v": (1, 1, 8 * 8),
        "pk": (1, 8, 15, 8),
        "pv": (1, 8, 15, 8),
        "len": Of((1,), DType.INT32),
        "total": Of((), DType.INT32),
        "cos": (64, 4),
        "sin": (64, 4),
        "y": (1, 1, 32 * 8),
        "nk": (1, 8, 16, 8),
        "nv": (1, 8, 16, 8),
    }
    made = node(
        "GroupQueryAttention",
        "q k v pk pv len total cos sin",
        "y nk nv",
        domain=MICROSOFT,
        num_heads=32,
        kv_num_heads=8,
        do_rotary=1,
    )
    graph = run_passes(lowered(made, tensors))
    qk, av = einsums(graph)
    assert qk.dims == (("b", 8), ("m", 4), ("n", 16), ("k", 8))
    assert av.dims == (("b", 8), ("m", 4), ("n", 8), ("k", 16))
    assert kinds(graph).count("concat") == 2


@pytest.mark.parametrize("heads", [(0, 0), (3, 2)])
def test_heads_that_do_not_fit_are_refused(heads: Sequence[int]) -> None:
    tensors = {"q": (1, 2, 12), "k": (1, 2, 12), "v": (1, 2, 12), "y": (1, 2, 12)}
    with pytest.raises(ModelError):
        lowered(node("Attention", "q k v", "y", q_num_heads=heads[0], kv_num_heads=heads[1]), tensors)
