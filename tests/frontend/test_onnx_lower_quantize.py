from dataclasses import replace

import pytest

from catx.errors import ModelError
from catx.ir.coverage import coverage
from catx.ir.dtype import DType
from catx.ir.graph import Graph
from catx.ir.pipeline import run
from tests.frontend.resolved_models import (
    Of,
    Spec,
    accounted,
    einsums,
    footprints,
    kinds,
    lowered,
    model,
    node,
    weight,
)

MICROSOFT = "com.microsoft"
I8, U8 = DType.INT8, DType.UINT8
SCALES: dict[str, Spec] = {"s": weight(), "z": Of((), I8, "initializer")}


def qdq_matmul(*, extra: str = "") -> tuple[Graph, object]:
    """QuantizeLinear, DequantizeLinear on both factors, MatMul; `extra` reads the dequantized input too."""
    nodes = [
        node("QuantizeLinear", "x s z", "xq"),
        node("DequantizeLinear", "xq s z", "xd"),
        node("DequantizeLinear", "wq s z", "wd"),
        node("MatMul", "xd wd", "y"),
    ]
    tensors: dict[str, Spec] = SCALES | {
        "x": (4, 8),
        "xq": Of((4, 8), I8),
        "xd": (4, 8),
        "wq": weight(8, 16, dtype=DType.INT4),
        "wd": (8, 16),
        "y": (4, 16),
    }
    outputs = "y"
    if extra:
        nodes.append(node(extra, "xd", "e"))
        tensors["e"] = (4, 8)
        outputs = "y e"
    resolved = model(nodes, tensors, outputs)
    return lowered(nodes, tensors, outputs), resolved


def test_einsum_reads_the_integers_of_both_factors() -> None:
    graph, resolved = qdq_matmul()
    (einsum,) = einsums(graph)
    assert [operand.dtype for operand in einsum.inputs] == [I8, DType.INT4]
    assert kinds(graph) == ["quantize", "einsum"]
    assert [each.op for each in graph.free] == ["DequantizeLinear", "DequantizeLinear"]
    assert "absorbed" in graph.free[0].reason
    assert graph.parameter_bytes == 8 * 16 / 2 + 4
    accounted(graph, resolved)  # type: ignore[arg-type]


def test_conversion_that_others_read_too_is_costed_while_the_einsum_reads_integers() -> None:
    graph, _ = qdq_matmul(extra="Relu")
    assert kinds(graph) == ["quantize", "dequantize", "einsum", "relu"]
    assert einsums(graph)[0].inputs[0].dtype is I8


@pytest.mark.parametrize("reader", ["MatMul", "Relu"])
def test_integers_pass_through_views_if_only_einsums_read_them(reader: str) -> None:
    nodes = [
        node("DequantizeLinear", "wq s z", "wd"),
        node("Transpose", "wd", "wt", perm=[1, 0]),
        node("Reshape", "wt", "wr"),
        node("MatMul", "x wr", "y"),
    ]
    tensors: dict[str, Spec] = SCALES | {
        "wq": weight(16, 8, dtype=I8),
        "wd": (16, 8),
        "wt": (8, 16),
        "wr": (8, 16),
        "x": (4, 8),
        "y": (4, 16),
    }
    if reader == "Relu":
        nodes.append(node("Relu", "wr", "e"))
        tensors["e"] = (8, 16)
    graph = run(lowered(nodes, tensors, "y e" if reader == "Relu" else "y"))
    assert einsums(graph)[0].inputs[1].dtype is (I8 if reader == "MatMul" else DType.FP32)
    assert graph.by_name["wr"].dtype is einsums(graph)[0].inputs[1].dtype
    assert ("dequantize" in kinds(graph)) == (reader == "Relu")


def test_conv_and_gemm_read_integers() -> None:
    for op, x, w, y in (("Conv", (1, 3, 8, 8), (4, 3, 3, 3), (1, 4, 6, 6)), ("Gemm", (2, 8), (8, 4), (2, 4))):
        nodes = [node("DequantizeLinear", "wq s z", "wd"), node(op, "x wd", "y")]
        tensors = SCALES | {"x": x, "wq": weight(*w, dtype=I8), "wd": w, "y": y}
        assert einsums(lowered(nodes, tensors))[0].inputs[1].dtype is I8


def test_quantized_bias_is_converted_ahead_of_time() -> None:
    nodes = [node("DequantizeLinear", "cq s z", "c"), node("Gemm", "x w c", "y")]
    tensors: dict[str, Spec] = SCALES | {
        "cq": weight(4, dtype=DType.INT32),
        "c": (4,),
        "x": (2, 8),
        "w": weight(8, 4),
        "y": (2, 4),
    }
    graph = run(lowered(nodes, tensors))
    assert kinds(graph) == ["einsum"]
    assert coverage(graph).costed == 1


def test_rows_of_a_quantized_table_are_converted_after_the_lookup() -> None:
    nodes = [node("DequantizeLinear", "tq s z", "t"), node("Gather", "t i", "y")]
    tensors: dict[str, Spec] = SCALES | {
        "tq": weight(1000, 8, dtype=I8),
        "t": (1000, 8),
        "i": Of((5,), DType.INT64),
        "y": (5, 8),
    }
    graph = run(lowered(nodes, tensors))
    assert kinds(graph) == ["gather"]
    assert [part.kind for part in graph.ops[0].fused] == ["dequantize"]
    assert graph.ops[0].inputs[0].dtype is I8
    assert graph.ops[0].fused[0].elements == 40


def test_scales_broadcast_by_axis_and_by_block() -> None:
    tensors: dict[str, Spec] = {"x": Of((4, 6, 8), I8), "s": weight(6), "y": (4, 6, 8)}
    graph = lowered(node("DequantizeLinear", "x s", "y", axis=1), tensors)
    assert footprints(graph.ops[0]) == {"x": 192, "s": 6, "y": 192}
    tensors["s"] = weight(4, 3, 8)
    graph = lowered(node("DequantizeLinear", "x s", "y", axis=1, block_size=2), tensors)
    assert footprints(graph.ops[0]) == {"x": 192, "s": 96, "y": 192}
    tensors |= {"x": (4, 6, 8), "y": Of((4, 6, 8), I8)}
    graph = lowered(node("QuantizeLinear", "x s", "y", axis=1, block_size=2), tensors)
    assert footprints(graph.ops[0]) == {"x": 192, "s": 96, "y": 192}


BLOCKED: dict[str, Spec] = {
    "x": (3, 5, 64),
    "w": weight(64, 32, dtype=DType.UINT4),
    "s": weight(2, 32, dtype=DType.FP16),
    "z": Of((2, 32), DType.UINT4, "initializer"),
    "f": (64, 32),
    "y": (3, 5, 32),
}
UNPACK = node("DequantizeLinear", "w s z", "f", axis=0, block_size=32)


def moved(graph: Graph) -> dict[str, float]:
    """Bytes of each weight that the graph's ops read."""
    inputs = [(op, operand) for op in graph.walk() for operand in op.inputs]
    return {
        o.tensor: o.elements(dict(op.dims)) * o.dtype.bits / 8
        for op, o in inputs
        if graph.resolve(o.tensor) in {weight.name for weight in graph.weights}
    }


def test_a_product_pays_for_the_scales_of_blocks() -> None:
    graph = run(lowered([UNPACK, node("MatMul", "x f", "y")], BLOCKED))
    assert graph.macs == 3 * 5 * 64 * 32
    assert kinds(graph) == ["einsum"]
    assert moved(graph) == {"w": 64 * 32 / 2, "s": 2 * 32 * 2, "z": 2 * 32 / 2}
    packed = BLOCKED | {"w": weight(32, 2, 16, dtype=U8), "s": weight(64, dtype=DType.FP16)}
    made = node("MatMulNBits", "x w s z", "y", domain=MICROSOFT, bits=4, N=32, K=64, block_size=32)
    packed["z"] = Of((32,), U8, "initializer")
    other = run(lowered(made, packed))
    assert moved(other) == moved(graph)
    assert [part.dims for part in other.ops[0].fused] == [part.dims for part in graph.ops[0].fused]


def test_blocks_reach_a_product_through_a_transpose_and_before_its_other_steps() -> None:
    tensors = BLOCKED | {"w": weight(32, 64, dtype=DType.UINT4), "s": weight(32, 2), "f": (32, 64)}
    tensors |= {"t": (64, 32), "x": (5, 64), "c": weight(32), "y": (5, 32)}
    unpack = node("DequantizeLinear", "w s", "f", axis=1, block_size=32)
    turn = node("Transpose", "f", "t", perm=[1, 0])
    graph = run(lowered([unpack, turn, node("Gemm", "x t c", "y")], tensors))
    assert [part.kind for part in graph.ops[0].fused] == ["dequantize", "add"]
    assert moved(graph)["s"] == 32 * 2 * 4
    accounted(graph, model([unpack, turn, node("Gemm", "x t c", "y")], tensors, "y"))


def test_rows_of_a_blocked_table_bring_their_scales() -> None:
    tensors = BLOCKED | {"w": weight(1000, 64, dtype=DType.UINT4), "s": weight(1000, 2), "f": (1000, 64)}
    tensors |= {"i": Of((7,), DType.INT64), "y": (7, 64)}
    unpack = node("DequantizeLinear", "w s", "f", axis=1, block_size=32)
    graph = run(lowered([unpack, node("Gather", "f i", "y")], tensors))
    assert kinds(graph) == ["gather"]
    assert moved(graph) == {"w": 7 * 64 / 2, "s": 7 * 2 * 4}


def test_blocks_that_no_product_can_take_are_converted() -> None:
    tensors = BLOCKED | {"w": weight(8, 64, 3, dtype=DType.UINT4), "s": weight(8, 2, 3), "f": (8, 64, 3)}
    tensors |= {"x": (1, 64, 10), "y": (1, 8, 8)}
    unpack = node("DequantizeLinear", "w s", "f", axis=1, block_size=32)
    graph = run(lowered([unpack, node("Conv", "x f", "y")], tensors))
    assert kinds(graph) == ["dequantize", "einsum"]
    assert moved(graph) == {"w": 8 * 64 * 3 / 2, "s": 8 * 2 * 3 * 4}
    tensors = BLOCKED | {"t": (32, 64), "y": (32, 5), "x": (64, 5)}
    nodes = [UNPACK, node("Transpose", "f", "t", perm=[1, 0]), node("MatMul", "t x", "y")]
    assert kinds(run(lowered(nodes, tensors))) == ["dequantize", "einsum"]  # as the first factor
    nodes = [*nodes[:2], node("Relu", "t", "r")]
    assert kinds(lowered(nodes, tensors | {"r": (32, 64)})) == ["dequantize", "transpose", "relu"]


def test_blocks_of_columns_are_no_blocks_of_the_product() -> None:
    tensors = BLOCKED | {"w": weight(64, 64, dtype=DType.UINT4), "s": weight(64, 2), "f": (64, 64)}
    unpack = node("DequantizeLinear", "w s", "f", axis=1, block_size=32)
    graph = run(lowered([unpack, node("MatMul", "x f", "y")], tensors | {"y": (3, 5, 64)}))
    assert kinds(graph) == ["dequantize", "einsum"]


BY_INDEX: list[tuple[str, dict[str, object], tuple[int, ...], int, bool]] = [
    ("MatMul", {}, (64, 32), 1, True),
    ("MatMul", {}, (64, 32), 0, False),
    ("Gemm", {"transB": 1}, (32, 64), 0, True),
    ("Gemm", {"transB": 1}, (32, 64), 1, False),
    ("Einsum", {"equation": "mk,nk->mn"}, (32, 64), 0, True),
    ("Einsum", {"equation": "mk,nk->mn"}, (32, 64), 1, False),
    ("Einsum", {"equation": "...k,kn->...n"}, (64, 32), 0, False),
]


@pytest.mark.parametrize(("op", "attributes", "shape", "axis", "free"), BY_INDEX)
def test_scales_along_a_contracted_axis_are_paid(
    op: str, attributes: dict[str, object], shape: tuple[int, ...], axis: int, free: bool
) -> None:
    """Those of columns join the scale of the result."""
    tensors: dict[str, Spec] = {"x": (5, 64), "w": weight(*shape, dtype=I8), "s": weight(shape[axis])}
    tensors |= {"f": shape, "y": (5, 32)}
    nodes = [node("DequantizeLinear", "w s", "f", axis=axis), node(op, "x f", "y", **attributes)]
    graph = run(lowered(nodes, tensors))
    accounted(graph, model(nodes, tensors, "y"))
    assert graph.macs == 5 * 64 * 32
    assert kinds(graph) == (["einsum"] if free else ["dequantize", "einsum"])
    assert moved(graph).get("s", 0) == (0 if free else 64 * 4)
    assert einsums(graph)[0].inputs[1].dtype is (I8 if free else DType.FP32)


@pytest.mark.parametrize(("axis", "free"), [(0, True), (1, False)])
@pytest.mark.parametrize("group", [1, 8])
def test_scales_of_a_convolution_along_its_axes(axis: int, free: bool, group: int) -> None:
    tensors: dict[str, Spec] = {"x": (1, 8, 10), "w": weight(16, 8, 3, dtype=I8), "s": weight(16 - 8 * axis)}
    tensors |= {"f": (16, 8, 3), "y": (1, 16, 8)}
    if group == 8:
        tensors |= {"x": (1, 64, 10)}
    nodes = [node("DequantizeLinear", "w s", "f", axis=axis), node("Conv", "x f", "y", group=group)]
    assert kinds(run(lowered(nodes, tensors))) == ["dequantize", "einsum"][free:]


def test_scales_of_channels_join_the_results_of_a_depthwise_convolution() -> None:
    tensors: dict[str, Spec] = {"x": Of((1, 8, 10), I8), "s": weight(8), "f": (1, 8, 10), "y": (1, 8, 8)}
    tensors["w"] = weight(8, 1, 3)
    nodes = [node("DequantizeLinear", "x s", "f", axis=1), node("Conv", "f w", "y", group=8)]
    assert kinds(run(lowered(nodes, tensors))) == ["einsum"]
    nodes[1] = node("Conv", "f w", "y")
    assert kinds(run(lowered(nodes, tensors | {"w": weight(8, 8, 3)}))) == ["dequantize", "einsum"]


@pytest.mark.parametrize(("axis", "free"), [(0, True), (1, False)])
def test_scales_are_followed_through_views(axis: int, free: bool) -> None:
    """A weight (n, k) is split into heads, turned and merged again."""
    tensors: dict[str, Spec] = {"w": weight(32, 64, dtype=I8), "s": weight((32, 64)[axis]), "f": (32, 64)}
    tensors |= {"h": (4, 8, 64), "t": (64, 4, 8), "g": (64, 32), "x": (5, 64), "y": (5, 32)}
    nodes = [
        node("DequantizeLinear", "w s", "f", axis=axis),
        node("Reshape", "f", "h"),
        node("Transpose", "h", "t", perm=[2, 0, 1]),
        node("Reshape", "t", "g"),
        node("MatMul", "x g", "y"),
    ]
    graph = run(lowered(nodes, tensors))
    assert einsums(graph)[0].inputs[1].dtype is (I8 if free else DType.FP32)
    assert ("dequantize" in kinds(graph)) != free


@pytest.mark.parametrize(("axis", "scales"), [(0, 7), (1, 64)])
def test_rows_that_are_looked_up_bring_their_scales(axis: int, scales: int) -> None:
    tensors: dict[str, Spec] = {"w": weight(1000, 64, dtype=I8), "s": weight((1000, 64)[axis])}
    tensors |= {"f": (1000, 64), "i": Of((7,), DType.INT64), "y": (7, 64)}
    graph = run(
        lowered([node("DequantizeLinear", "w s", "f", axis=axis), node("Gather", "f i", "y")], tensors)
    )
    assert kinds(graph) == ["gather"]
    assert moved(graph) == {"w": 7 * 64, "s": scales * 4}


def test_dynamic_quantization_measures_and_converts() -> None:
    tensors: dict[str, Spec] = {
        "x": (4, 8),
        "q": Of((4, 8), U8),
        "s": (),
        "z": Of((), U8),
        "w": weight(8, 16, dtype=I8),
        "i": Of((4, 16), DType.INT32),
        "f": (4, 16),
        "y": (4, 16),
    }
    nodes = [
        node("DynamicQuantizeLinear", "x", "q s z"),
        node("MatMulInteger", "q w z", "i"),
        node("Cast", "i", "f"),
        node("Mul", "f s", "y"),
    ]
    graph = run(lowered(nodes, tensors))
    assert kinds(graph) == ["reduce_max", "quantize", "einsum"]
    assert [part.kind for part in graph.ops[2].fused] == ["cast", "mul"]
    graph = lowered(nodes[0], {name: tensors[name] for name in "xqsz"}, "q")
    assert kinds(graph) == ["reduce_max", "quantize"]


def test_qlinear_forms_end_in_a_requantization() -> None:
    tensors: dict[str, Spec] = {"a": Of((4, 8), U8), "b": weight(8, 16, dtype=I8), "y": Of((4, 16), U8)}
    tensors |= {"s": weight(), "z": Of((), U8, "initializer"), "t": weight(16)}
    graph = run(lowered(node("QLinearMatMul", "a s z b t z s z", "y"), tensors))
    (einsum,) = einsums(graph)
    assert einsum.output.dtype is DType.INT32
    assert [part.kind for part in einsum.fused] == ["quantize"]
    assert einsum.fused[0].outputs[0].dtype is U8
    assert einsum.fused[0].inputs[1].elements(dict(einsum.fused[0].dims)) == 16

    tensors = {"x": Of((1, 3, 8, 8), U8), "w": weight(4, 3, 3, 3, dtype=I8), "y": Of((1, 4, 6, 6), U8)}
    tensors |= {
        "s": weight(),
        "z": Of((), U8, "initializer"),
        "t": weight(4),
        "c": weight(4, dtype=DType.INT32),
    }
    graph = run(lowered(node("QLinearConv", "x s z w t z s z c", "y"), tensors))
    assert [part.kind for part in einsums(graph)[0].fused] == ["add", "quantize"]
    assert [part.outputs[0].dtype for part in einsums(graph)[0].fused] == [DType.INT32, U8]


def test_weights_of_a_few_bits_have_their_real_size() -> None:
    tensors: dict[str, Spec] = {
        "x": (4, 64),
        "w": Of((32, 2, 16), U8, "initializer"),
        "s": weight(64),
        "y": (4, 32),
    }
    made = node("MatMulNBits", "x w s", "y", domain=MICROSOFT, bits=4, N=32, K=64, block_size=32)
    graph = run(lowered(made, tensors))
    (einsum,) = einsums(graph)
    assert einsum.dims == (("m", 4), ("n", 32), ("k", 64))
    assert graph.by_name["w"].size_bytes == 32 * 64 / 2
    (scale,) = einsum.fused
    assert footprints(scale)["s"] == 32 * 2
    assert graph.parameters == 32 * 64 + 32 * 2
    more = tensors | {"z": weight(32, 1, dtype=U8), "b": weight(32)}
    made = node("MatMulNBits", "x w s z - b", "y", domain=MICROSOFT, bits=4, N=32, K=64, block_size=32)
    graph = run(lowered(made, more))
    scale, bias = graph.ops[0].fused
    assert (scale.kind, scale.elements, bias.kind) == ("dequantize", 4 * 32 * 2, "add")
    assert [footprints(scale)[name] for name in "sz"] == [64, 64]
    assert graph.parameter_bytes == 32 * 64 / 2 + 64 * 4 + 64 / 2 + 32 * 4
    made = node("MatMulNBits", "x w s", "y", domain=MICROSOFT, bits=4, N=32, K=64, block_size=32)
    with pytest.raises(ModelError, match="bits"):
        lowered(node("MatMulNBits", "x w s", "y", domain=MICROSOFT, bits=5, N=32, K=64), tensors)


@pytest.mark.parametrize(
    ("op", "inputs", "expected"),
    [
        ("DynamicQuantizeMatMul", "x w s", ["reduce_max", "quantize", "einsum"]),
        ("MatMulIntegerToFloat", "q w s s", ["einsum"]),
        ("MatMulInteger16", "q w", ["einsum"]),
        ("QGemm", "q s z w s z - s z", ["einsum"]),
    ],
)
def test_other_integer_products(op: str, inputs: str, expected: list[str]) -> None:
    tensors: dict[str, Spec] = {
        "x": (4, 8),
        "q": Of((4, 8), U8),
        "w": weight(8, 16, dtype=I8),
        "s": weight(),
        "z": Of((), I8, "initializer"),
    }
    used: dict[str, Spec] = {name: tensors[name] for name in inputs.split() if name != "-"} | {"y": (4, 16)}
    graph = run(lowered(node(op, inputs, "y", domain=MICROSOFT), used))
    assert kinds(graph) == expected
    assert einsums(graph)[0].inputs[1].dtype is I8


@pytest.mark.parametrize(
    ("op", "inputs", "first"),
    [
        ("QLinearSoftmax", "a s z s z", "softmax"),
        ("QLinearConcat", "s z a s z b s z", "concat"),
    ],
)
def test_integer_vector_ops_end_in_a_requantization(op: str, inputs: str, first: str) -> None:
    tensors: dict[str, Spec] = {
        "a": Of((4, 8), U8),
        "b": Of((4, 8), U8),
        "s": weight(),
        "z": Of((), U8, "initializer"),
    }
    used = {name: tensors[name] for name in inputs.split()}
    y = Of((8, 8) if op == "QLinearConcat" else (4, 8), U8)
    graph = lowered(node(op, inputs, "y", domain=MICROSOFT), used | {"y": y})
    assert kinds(graph) == [first, "quantize"]


@pytest.mark.parametrize(
    ("op", "plain", "inputs", "reads"),
    [
        ("QLinearAdd", "Add", "a s z b s z s z", "da db"),
        ("QLinearMul", "Mul", "a s z b s z s z", "da db"),
        ("QLinearSigmoid", "Sigmoid", "a s z s z", "da"),
        ("QLinearWhere", "Where", "c a s z b s z s z", "c da db"),
    ],
)
def test_integer_elementwise_op_is_the_same_work_as_between_conversions(
    op: str, plain: str, inputs: str, reads: str
) -> None:
    tensors: dict[str, Spec] = {"a": Of((4, 8), U8), "b": Of((4, 8), U8), "s": weight(), "z": Of((), U8)}
    tensors |= {"c": Of((4, 8), DType.BOOL), "y": Of((4, 8), U8)}
    used = {name: spec for name, spec in tensors.items() if name in (*inputs.split(), "y")}
    one = run(lowered(node(op, inputs, "y", domain=MICROSOFT), used))
    nodes = [node("DequantizeLinear", f"{name[1]} s z", name) for name in reads.split() if name != "c"]
    nodes += [node(plain, reads, "r"), node("QuantizeLinear", "r s z", "y")]
    many = run(lowered(nodes, used | dict.fromkeys(("da", "db", "r"), (4, 8))))
    for graph in (one, many):
        assert len(graph.ops) == 1  # what is converted is never written out
    assert one.unique_ops().keys() == {
        replace(key, op=first.op, fused=tuple(replace(part, op=first.op) for part in key.fused))
        for key in many.unique_ops()
        for first in one.ops
    }


def test_residual_of_integers_is_read_as_integers() -> None:
    tensors: dict[str, Spec] = {"a": Of((4, 8), I8), "w": weight(8, 8), "x": (4, 8), "s": weight()}
    tensors |= dict.fromkeys(("p", "d", "y"), (4, 8)) | {"z": Of((), I8, "initializer"), "e": (4, 8)}
    nodes = [node("MatMul", "x w", "p"), node("DequantizeLinear", "a s z", "d"), node("Add", "p d", "y")]
    (op,) = run(lowered(nodes, tensors)).ops
    assert [part.kind for part in op.fused] == ["dequantize", "add"]
    assert footprints(op.fused[0])["a"] == 32
    nodes.append(node("Relu", "d", "e"))  # somebody else reads it
    graph = run(lowered(nodes, tensors, "y e"))
    assert [kinds(graph)[0], *(part.kind for part in graph.ops[0].fused)] == ["dequantize"]


def test_integer_mean_over_space() -> None:
    tensors: dict[str, Spec] = {"a": Of((1, 4, 8, 8), U8), "s": weight(), "z": Of((), U8, "initializer")}
    graph = lowered(
        node("QLinearGlobalAveragePool", "a s z s z", "y", domain=MICROSOFT),
        tensors | {"y": Of((1, 4, 1, 1), U8)},
    )
    assert kinds(graph) == ["reduce_mean", "quantize"]
