from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from catx.errors import CatxError
from catx.frontend.models import load_model
from catx.ir.coverage import coverage
from tests.frontend.onnx_models import INT8, INT64, UINT8, Of, const, model, node, save, weight

X = (2, 4, 6, 6)
MICROSOFT = {"domain": "com.microsoft"}
SEEDS: dict[str, tuple[str, dict[str, Any], dict[str, Any], list[Any]]] = {
    "Conv": (
        "x w",
        {"strides": [1, 1], "dilations": [1, 1], "group": 1, "pads": [0, 0, 0, 0]},
        {"x": X},
        [weight("w", 4, 4, 3, 3)],
    ),
    "ConvTranspose": (
        "x w",
        {"strides": [2, 2], "group": 1, "output_padding": [0, 0]},
        {"x": X},
        [weight("w", 4, 4, 3, 3)],
    ),
    "Gemm": (
        "x w",
        {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0},
        {"x": (4, 6)},
        [weight("w", 6, 4)],
    ),
    "Einsum": ("x y", {"equation": "ij,jk->ik"}, {"x": (3, 4), "y": (4, 5)}, []),
    "Transpose": ("x", {"perm": [0, 2, 3, 1]}, {"x": X}, []),
    "Softmax": ("x", {"axis": -1}, {"x": X}, []),
    "MaxPool": ("x", {"kernel_shape": [2, 2], "strides": [2, 2], "dilations": [1, 1]}, {"x": X}, []),
    "LayerNormalization": ("x w", {"axis": -1}, {"x": X}, [weight("w", 6)]),
    "GroupNormalization": ("x w b", {"num_groups": 2}, {"x": X}, [weight("w", 2), weight("b", 2)]),
    "LpNormalization": ("x", {"axis": 1, "p": 2}, {"x": X}, []),
    "MeanVarianceNormalization": ("x", {"axes": [0, 2, 3]}, {"x": X}, []),
    "ReduceMean": ("x a", {"keepdims": 1, "noop_with_empty_axes": 0}, {"x": X}, [const("a", [1, 2])]),
    "ArgMax": ("x", {"axis": 1, "keepdims": 1}, {"x": X}, []),
    "TopK": ("x k", {"axis": 1, "largest": 1}, {"x": X}, [const("k", [2])]),
    "CumSum": ("x a", {"exclusive": 0}, {"x": X}, [const("a", 1)]),
    "Gather": ("x i", {"axis": 1}, {"x": X, "i": Of(INT64, (3,))}, []),
    "Concat": ("x y", {"axis": 1}, {"x": X, "y": X}, []),
    "Split": ("x", {"axis": 1, "num_outputs": 1}, {"x": X}, []),
    "OneHot": (
        "i d v",
        {"axis": -1},
        {"i": Of(INT64, (3,))},
        [const("d", 5), const("v", [0.0, 1.0], "float32")],
    ),
    "DepthToSpace": ("x", {"blocksize": 2, "mode": "DCR"}, {"x": X}, []),
    "DequantizeLinear": ("q s", {"axis": 1}, {"q": Of(INT8, (4, 6))}, [weight("s", 6)]),
    "LSTM": (
        "x w r",
        {"hidden_size": 4, "direction": "forward", "layout": 0},
        {"x": (5, 2, 3)},
        [weight("w", 1, 16, 3), weight("r", 1, 16, 4)],
    ),
    "GRU": (
        "x w r",
        {"hidden_size": 4, "linear_before_reset": 0},
        {"x": (5, 2, 3)},
        [weight("w", 1, 12, 3), weight("r", 1, 12, 4)],
    ),
    "Attention": (
        "q k v",
        {"q_num_heads": 2, "kv_num_heads": 2, "scale": 0.5, "is_causal": 0},
        dict.fromkeys("qkv", (1, 3, 8)),
        [],
    ),
    "FusedMatMul": (
        "x w",
        {"transA": 0, "transB": 0, "alpha": 1.0} | MICROSOFT,
        {"x": (4, 6)},
        [weight("w", 6, 4)],
    ),
    "MultiHeadAttention": ("q k v", {"num_heads": 2} | MICROSOFT, dict.fromkeys("qkv", (1, 3, 8)), []),
    "MatMulNBits": (
        "x w s",
        {"K": 64, "N": 8, "bits": 4, "block_size": 32} | MICROSOFT,
        {"x": (4, 64)},
        [weight("w", 8, 2, 16, elem_type=UINT8), weight("s", 16)],
    ),
}
ODD: list[Any] = [
    0,
    1,
    -1,
    2,
    7,
    -9,
    2**40,
    0.0,
    -1.5,
    "",
    "x",
    "SAME_UPPER",
    [],
    [0],
    [1, 1],
    [-1, 5],
    [3, 2, 1, 0],
]
ODD += [[1.5], ["Tanh"], "ii,jk->", "...->", "bidirectional"]


def seeded(op: str, attributes: dict[str, Any]) -> ModelProto:
    inputs, _, given_inputs, weights = SEEDS[op]
    return model(
        [node(op, inputs.split(), ["result", "second"][: 1 + (op == "TopK")], **attributes)],
        given_inputs,
        ["result"],
        weights,
        opset=23,
        opsets={"com.microsoft": 1},
    )


@pytest.mark.parametrize("op", SEEDS)
def test_seed_is_costed(op: str, tmp_path: Path) -> None:
    path = save(seeded(op, SEEDS[op][1]), tmp_path)
    counted = coverage(load_model(path))
    assert counted.costed + counted.free == 1


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_strange_attributes_give_an_error_or_a_graph(data: st.DataObject, tmp_path: Path) -> None:
    """Never anything but a CatxError. Of standard operators the reader checks the attributes' types."""
    op = data.draw(st.sampled_from(sorted(SEEDS)))
    attributes = dict(SEEDS[op][1])
    extra = {"axis": 1, "activations": ["Tanh"], "auto_pad": "VALID"}
    name = data.draw(st.sampled_from(sorted((attributes | extra).keys() - {"domain"})))
    same_type = [value for value in ODD if type(value) is type((attributes | extra)[name])]
    attributes[name] = data.draw(st.sampled_from(ODD if "domain" in attributes else same_type))
    try:
        path = save(seeded(op, attributes), tmp_path)
    except (ValueError, TypeError, OverflowError):
        return
    try:
        graph = load_model(path)
    except CatxError as error:
        graph = None
        text = str(error)
        assert str(path) in text, text
    assert graph is None or graph.macs >= 0
