import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.frontend.onnx.resolved import ResolvedNode
from catx.ir import pipeline
from catx.ir.dtype import DType
from catx.ir.graph import Graph
from catx.ir.passes import absorb_transposes, canonicalize, fold_constants, fuse_elementwise, remove_dead
from catx.ir.vector_op import VectorOp
from tests.frontend.resolved_models import (
    Of,
    Spec,
    accounted,
    einsums,
    footprints,
    kinds,
    known,
    lowered,
    model,
    node,
    only,
    weight,
)

X = (4, 8)
NUMBERS = {"c": 0.7, "two": 2.0, "three": 3.0}


def written(lines: str, outputs: str = "y", **shapes: Spec) -> Graph:
    """A graph from lines `Op in in -> out`; tensors have the shape X unless said, NUMBERS are known."""
    nodes: list[ResolvedNode] = []
    tensors: dict[str, Spec] = {}
    for line in lines.strip().splitlines():
        left, _, out = line.partition("->")
        op, *inputs = left.split()
        attributes = {"axes": [1], "opset": 11} if op == "ReduceMean" else {}
        nodes.append(node(op, " ".join(inputs), out.strip(), **attributes))
        tensors |= {name: X for name in (*inputs, *out.split()) if name not in tensors}
    tensors |= {name: known(NUMBERS[name]) for name in tensors if name in NUMBERS} | shapes
    graph = lowered(nodes, tensors, outputs)
    accounted(canonicalize(graph), model(nodes, tensors, outputs))
    return graph


# --- remove-dead and fold-constants ----------------------------------------------------------------------


def test_what_nobody_reads_goes_with_what_only_it_needed() -> None:
    graph = written("Relu x -> a\nExp a -> b\nRelu x -> y")
    after = remove_dead(graph)
    assert [op.name for op in after.ops] == ["Relu_y"]
    assert [each.name for each in after.free] == ["Relu_a", "Exp_b"]
    assert {tensor.name for tensor in after.tensors} == {"x", "y"}


def test_vector_ops_on_weights_run_ahead_of_time() -> None:
    graph = written("Exp w -> a\nMul a v -> b\nAdd x b -> y", w=weight(*X), v=weight(8))
    after = fold_constants(graph)
    assert kinds(after) == ["add"]
    assert after.by_name["b"].kind == "weight"
    assert after.parameters == 32
    assert [each.reason[:8] for each in after.free] == ["constant", "constant"]


def test_einsums_on_weights_are_not_folded() -> None:
    graph = written("MatMul w v -> a\nAdd x a -> y", w=weight(4, 3), v=weight(3, 8))
    assert fold_constants(graph) is graph


def test_conversion_of_weights_to_a_wider_type_stays() -> None:
    graph = written("DequantizeLinear q s -> a\nAdd x a -> y", q=weight(*X, dtype=DType.INT8), s=weight())
    assert fold_constants(graph) is graph
    graph = written("DequantizeLinear q s -> a\nAdd x a -> y", q=weight(*X, dtype=DType.INT32), s=weight())
    assert kinds(fold_constants(graph)) == ["add"]


def test_transposed_use_of_a_tied_weight_is_no_second_weight() -> None:
    lines = "Gather w i -> e\nRelu e -> h\nTranspose w -> t\nMatMul h t -> y"
    shapes: dict[str, Spec] = {"w": weight(100, 8), "i": Of((4,), DType.INT64), "t": (8, 100), "y": (4, 100)}
    graph = absorb_transposes(fold_constants(written(lines, **shapes)))
    assert graph.parameters == 800
    assert kinds(graph) == ["gather", "relu", "einsum"]


# --- canonicalize ----------------------------------------------------------------------------------------

GELUS = {
    "erf, halved last": "Div x c -> a\nErf a -> b\nAdd b c -> d\nMul x d -> e\nMul e c -> y",
    "erf, halved first": "Mul x c -> h\nMul x c -> a\nErf a -> b\nAdd b c -> d\nMul h d -> y",
    "erf, sum halved": "Mul x c -> a\nErf a -> b\nAdd b c -> d\nMul d c -> e\nMul x e -> y",
    "tanh, power": """Pow x three -> p\nMul p c -> q\nAdd x q -> r\nMul r c -> s
        Tanh s -> t\nAdd t c -> u\nMul x c -> h\nMul h u -> y""",
    "tanh, in factors": """Mul x c -> p\nMul x two -> q\nMul q x -> r\nAdd r c -> s\nMul p s -> t
        Tanh t -> u\nAdd u c -> v\nMul x v -> w\nMul w c -> y""",
    "tanh, products": """Mul x x -> p\nMul p x -> q\nMul q c -> r\nAdd x r -> s\nMul s c -> t
        Tanh t -> u\nAdd u c -> v\nMul x v -> w\nMul w c -> y""",
}


@pytest.mark.parametrize("lines", GELUS.values(), ids=GELUS.keys())
def test_gelu_written_out(lines: str) -> None:
    graph = written(lines)
    op = only(canonicalize(graph))
    assert (op.kind, op.name, op.op) == ("gelu", "Mul_y", "Gelu")
    assert footprints(op) == {"x": 32, "y": 32}
    assert set(op.sources) == {name for each in graph.ops for name in each.sources}


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ("Sigmoid x -> a\nMul x a -> y", "silu"),
        ("Sigmoid x -> a\nMul a x -> y", "silu"),
        ("Mul x c -> a\nSigmoid a -> b\nMul x b -> y", "quick_gelu"),
        ("HardSigmoid x -> a\nMul x a -> y", "hardswish"),
    ],
)
def test_gated_activations_written_out(lines: str, kind: str) -> None:
    op = only(canonicalize(written(lines)))
    assert op.kind == kind
    assert op.name == "Mul_y"


@pytest.mark.parametrize(
    "lines",
    [
        "Sigmoid x -> a\nMul z a -> y",
        "Sigmoid x -> a\nMul x a -> b\nAdd a b -> y",
        "Erf x -> a\nAdd a c -> b\nMul x b -> y",
        "Erf z -> a\nAdd a c -> b\nMul x b -> d\nMul d c -> y",
        "Tanh x -> a\nMul x a -> y",
        "Erf x -> a\nAdd a c -> b\nMul x b -> d\nMul d c -> y",
        "Mul x c -> s\nMul s two -> t\nErf t -> a\nAdd a c -> b\nMul x b -> d\nMul d c -> y",
        "Mul x x -> s\nMul s c -> t\nErf t -> a\nAdd a c -> b\nMul x b -> d\nMul d c -> y",
        "Mul x c -> t\nTanh t -> a\nAdd a c -> b\nMul x b -> d\nMul d c -> y",
        "Tanh x -> a\nAdd a c -> b\nMul x b -> d\nMul d c -> y",
        """Pow x two -> p\nMul p c -> q\nAdd x q -> r\nMul r c -> s\nTanh s -> t\nAdd t c -> u
            Mul x u -> v\nMul v c -> y""",
        """Pow x c -> p\nMul p c -> q\nAdd x q -> r\nMul r c -> s\nTanh s -> t\nAdd t c -> u
            Mul x u -> v\nMul v c -> y""",
        """Pow x three -> p\nAdd x p -> r\nMul r c -> s\nTanh s -> t\nAdd t c -> u
            Mul x u -> v\nMul v c -> y""",
        """Pow x three -> p\nMul p c -> q\nAdd x q -> r\nTanh r -> t\nAdd t c -> u
            Mul x u -> v\nMul v c -> y""",
        """Pow x three -> p\nMul p c -> q\nAdd x q -> r\nAdd r c -> o\nMul o c -> s\nTanh s -> t
            Add t c -> u\nMul x u -> v\nMul v c -> y""",
    ],
)
def test_what_only_looks_like_an_activation_stays(lines: str) -> None:
    graph = written(lines)
    assert canonicalize(graph) is graph


def test_scale_behind_a_gelu_is_no_part_of_it() -> None:
    lines = "Mul x c -> h\nMul x c -> a\nErf a -> b\nAdd b c -> d\nMul h d -> e\nMul e three -> y"
    assert kinds(canonicalize(written(lines))) == ["gelu", "mul"]


def test_part_that_the_user_sees_stays() -> None:
    graph = written("Sigmoid x -> a\nMul x a -> y", outputs="a y")
    assert canonicalize(graph) is graph


LAYER = "ReduceMean x -> m\nSub x m -> d\n{square}\nReduceMean q -> v\nAdd v c -> e\nSqrt e -> s\n{quotient}"
COLUMN: dict[str, Spec] = dict.fromkeys(("m", "v", "e", "s", "r"), (4, 1))


@pytest.mark.parametrize("square", ["Pow d two -> q", "Mul d d -> q"])
@pytest.mark.parametrize("quotient", ["Div d s -> n", "Reciprocal s -> r\nMul d r -> n"])
@pytest.mark.parametrize(
    ("tail", "weights"), [("", 0), ("\nMul n w -> o", 1), ("\nMul n w -> o\nAdd b o -> p", 2)]
)
def test_layernorm_written_out(square: str, quotient: str, tail: str, weights: int) -> None:
    lines = LAYER.format(square=square, quotient=quotient) + tail
    out = ("n", "o", "p")[weights]
    shapes = {name: shape for name, shape in COLUMN.items() if f" {name} " in f" {lines} ".replace("\n", " ")}
    graph = written(lines, outputs=out, **shapes, w=weight(8), b=weight(8))
    op = only(canonicalize(graph))
    assert op.kind == "layernorm"
    assert op.reduced == ("d1",)
    assert footprints(op) == {"x": 32, out: 32} | dict.fromkeys("wb"[:weights], 8)


@pytest.mark.parametrize("quotient", ["Div x s -> n", "Reciprocal s -> r\nMul x r -> n"])
def test_rmsnorm_written_out(quotient: str) -> None:
    lines = f"Pow x two -> q\nReduceMean q -> v\nAdd v c -> e\nSqrt e -> s\n{quotient}\nMul w n -> y"
    shapes = {name: (4, 1) for name in "vesr" if f" {name}" in lines}
    op = only(canonicalize(written(lines, **shapes, w=weight(8))))
    assert op.kind == "rmsnorm"
    assert footprints(op) == {"x": 32, "w": 8, "y": 32}


def test_norm_whose_mean_is_used_elsewhere_stays() -> None:
    lines = LAYER.format(square="Mul d d -> q", quotient="Div d s -> n") + "\nAdd n m -> y"
    shapes = {name: COLUMN[name] for name in "mves"}
    assert "layernorm" not in kinds(canonicalize(written(lines, **shapes)))


def means(first: int, second: int, third: int, *, keepdims: int = 1) -> list[str]:
    """Kinds of a norm of (8, 8) by three means along some axes: of what is squared, of what is divided."""
    axes = {"m": first, "o": second, "v": third}
    nodes = [
        node("ReduceMean", "x", "m", axes=[first], keepdims=keepdims, opset=11),
        node("Sub", "x m", "d"),
        node("Mul", "d d", "q"),
        node("ReduceMean", "x", "o", axes=[second], keepdims=keepdims, opset=11),
        node("Sub", "x o", "n"),
        node("ReduceMean", "q", "v", axes=[third], keepdims=keepdims, opset=11),
        node("Sqrt", "v", "s"),
        node("Div", "n s", "y"),
    ]
    shapes = {"v": (8,)} if not keepdims else {n: (8, 1) if axis else (1, 8) for n, axis in axes.items()}
    tensors: dict[str, Spec] = dict.fromkeys("xmdqonvsy", (8, 8)) | shapes
    tensors |= dict.fromkeys("mos" if not keepdims else "", (8,))
    tensors["s"] = tensors["v"]
    return kinds(canonicalize(lowered(nodes, tensors)))


def test_norm_needs_all_means_along_the_same_axes() -> None:
    assert means(1, 1, 1) == ["layernorm"]
    assert means(0, 0, 0) == ["layernorm"]
    for axes in ((0, 1, 1), (1, 0, 1), (1, 1, 0), (0, 0, 1)):
        assert "layernorm" not in means(*axes)


def test_norm_needs_means_that_broadcast_along_their_own_rows() -> None:
    assert means(0, 0, 0, keepdims=0) == ["layernorm"]
    assert "layernorm" not in means(1, 1, 1, keepdims=0)


def test_standard_deviation_alone_is_no_norm() -> None:
    lines = "ReduceMean x -> m\nSub x m -> d\nMul d d -> q\nReduceMean q -> v\nSqrt v -> y"
    graph = written(lines, m=(4, 1), v=(4, 1), y=(4, 1))
    assert canonicalize(graph) is graph


def test_scale_of_a_weight_product_stays_where_it_is() -> None:
    graph = written("Mul x c -> a\nMatMul a w -> y", w=weight(8, 8))
    assert canonicalize(graph) is graph


def test_scale_that_somebody_else_reads_stays() -> None:
    graph = written(
        "Mul x c -> a\nMatMul a z -> b\nAdd a b -> y", x=(8, 8), a=(8, 8), z=(8, 8), b=(8, 8), y=(8, 8)
    )
    assert canonicalize(graph) is graph


def scores(lines: str, tokens: int, width: int, outputs: str = "y") -> Graph:
    """Canonical graph of q k^T, both of (tokens, width) after what `lines` say."""
    q, k, y = (tokens, width), (width, tokens), (tokens, tokens)
    shapes = dict.fromkeys(("q0", "q", "p"), q) | dict.fromkeys(("k0", "k", "l"), k) | {"y": y}
    return canonicalize(
        written(lines, outputs, **{name: its for name, its in shapes.items() if name in lines})
    )


@pytest.mark.parametrize("tokens", [8, 16, 17, 48, 49, 64])
@pytest.mark.parametrize("made", [False, True])
@pytest.mark.parametrize(
    "lines",
    [
        "Mul q c -> p\nMatMul p k -> y",
        "Mul k c -> l\nMatMul q l -> y",
        "Mul q c -> p\nMul k c -> l\nMatMul p l -> y",
    ],
)
def test_scale_is_done_once_and_where_it_is_least_work(lines: str, tokens: int, made: bool) -> None:
    """A factor that the user gives is read and written once more to be scaled."""
    first = "Relu q0 -> q\nRelu k0 -> k\n" if made else ""
    graph = scores(first + lines, tokens, 16)
    (scale,) = [op for op in graph.ops if isinstance(op, VectorOp) and op.kind == "mul"]
    of_results = tokens < (16 if made else 48)
    assert scale.elements == tokens * (tokens if of_results else 16)
    assert set(scale.sources) == {each.split()[0] + "_" + each.split()[-1] for each in lines.split("\n")[:-1]}
    assert kinds(graph)[-2:] == (["einsum", "mul"] if of_results else ["mul", "einsum"])
    assert graph.macs == tokens * tokens * 16


def test_scaled_factor_that_the_user_sees_stays() -> None:
    assert kinds(scores("Mul q c -> p\nMatMul p k -> y", 8, 16, "p y")) == ["mul", "einsum"]


# --- fuse-elementwise ------------------------------------------------------------------------------------


def fused_kinds(graph: Graph) -> list[list[str]]:
    return [[part.kind for part in op.fused] for op in graph.ops]


def test_bias_activation_and_residual_join_the_product() -> None:
    graph = written("MatMul x w -> a\nAdd a b -> d\nRelu d -> e\nAdd e x -> y", w=weight(8, 8), b=weight(8))
    after = fuse_elementwise(graph)
    (op,) = after.ops
    assert [part.kind for part in op.fused] == ["add", "relu", "add"]
    assert {tensor.name for tensor in after.tensors} == {"x", "w", "b", "y"}
    assert op.name == "MatMul_a"


def test_result_that_others_read_is_kept() -> None:
    graph = fuse_elementwise(written("Softmax x -> a\nRelu a -> b\nSoftmax a -> d\nAdd b d -> y"))
    assert fused_kinds(graph) == [[], [], ["add"]]
    graph = written("Softmax x -> a\nRelu a -> y", outputs="a y")
    assert fuse_elementwise(graph) is graph


def test_branch_that_joins_again_goes_in_whole() -> None:
    graph = fuse_elementwise(written("Softmax x -> a\nIsNaN a -> n\nWhere n c a -> y", n=Of(X, DType.BOOL)))
    assert fused_kinds(graph) == [["compare", "where"]]


def test_branch_that_does_not_join_stays_out() -> None:
    graph = written("Softmax x -> a\nRelu a -> b\nExp a -> d", outputs="b d")
    assert fuse_elementwise(graph) is graph


def test_op_moves_to_where_its_inputs_are_ready() -> None:
    graph = fuse_elementwise(written("Softmax x -> a\nSoftmax z -> b\nAdd a b -> y"))
    assert [op.name for op in graph.ops] == ["Softmax_b", "Softmax_a"]
    assert fused_kinds(graph) == [[], ["add"]]


def test_broadcast_of_a_result_is_not_fused() -> None:
    graph = written("ReduceMean x -> m\nSub x m -> y", m=(4, 1))
    assert fuse_elementwise(graph) is graph


def test_part_of_a_result_that_others_need_is_no_element_by_element_input() -> None:
    lines = "Softmax x -> a\nRelu a -> b\nExp a -> d\nSlice b -> r\nAdd d r -> y"
    after = fuse_elementwise(written(lines, r=(1, 8)))
    assert fused_kinds(after) == [[], [], ["add"]]


TURNED = {
    "both at once": "Softmax x -> a\nTranspose a -> t\nAdd a t -> y",
    "two branches": "Softmax x -> a\nTranspose a -> t\nExp t -> e\nRelu a -> r\nAdd r e -> y",
    "one branch turned on its way": "Softmax x -> a\nExp a -> e\nTranspose e -> t\nRelu a -> r\nAdd r t -> y",
}


@pytest.mark.parametrize("lines", TURNED.values(), ids=TURNED.keys())
def test_sum_with_its_own_transpose_needs_the_whole_result(lines: str) -> None:
    shapes = dict.fromkeys([name for name in "xatery" if f" {name}" in lines], (8, 8))
    graph = pipeline.run(written(lines, **shapes))
    assert not graph.ops[0].fused or graph.ops[0].fused[-1].kind != "add"
    graph = pipeline.run(written("Softmax x -> a\nTranspose a -> t\nExp t -> e\nRelu t -> r\nAdd r e -> y"))
    assert fused_kinds(graph) == [["exp", "relu", "add"]]


def test_fusing_passes_views_of_the_whole_but_not_slices() -> None:
    graph = fuse_elementwise(written("Softmax x -> a\nReshape a -> b\nRelu b -> y", b=(8, 4), y=(8, 4)))
    assert fused_kinds(graph) == [["relu"]]
    assert graph.ops[0].fused[0].inputs[0].tensor == "a"
    graph = written("Softmax x -> a\nSlice a -> b\nRelu b -> y", b=(2, 8), y=(2, 8))
    assert fuse_elementwise(graph) is graph


def test_unknown_ops_take_nothing_in() -> None:
    nodes = [node("Frob", "x", "a"), node("Relu", "a", "y")]
    graph = lowered(nodes, {"x": X, "a": X, "y": X}, allow_unknown=True)
    assert fuse_elementwise(graph) is graph


@given(length=st.integers(1, 6))
def test_chain_of_any_length_is_one_op(length: int) -> None:
    lines = "\n".join(f"Relu t{i} -> t{i + 1}" for i in range(length))
    graph = fuse_elementwise(written(lines, outputs=f"t{length}"))
    op = only(graph)
    assert isinstance(op, VectorOp)
    assert len(op.fused) == length - 1
    assert einsums(graph) == []
