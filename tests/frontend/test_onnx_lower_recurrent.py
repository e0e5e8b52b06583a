from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.errors import ModelError, UnknownOpError
from catx.ir.dtype import DType
from catx.ir.einsum import Einsum
from catx.ir.graph import Graph
from catx.ir.pipeline import run as run_passes
from tests.frontend.interpreter import run
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

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
T, B, X, H = 50, 2, 8, 16


def layer(
    op: str, outputs: str = "y", directions: int = 1, inputs: str = "x w r c", **attributes: Any
) -> Graph:
    wide = GATES[op] * H
    tensors: dict[str, Spec] = {
        "x": (B, T, X) if attributes.get("layout") else (T, B, X),
        "w": weight(directions, wide, X),
        "r": weight(directions, wide, H),
        "c": weight(directions, 2 * wide),
        "h": (directions, B, H),
        "k": (directions, B, H),
        "p": weight(directions, 3 * H),
        "y": (T, directions, B, H),
        "yh": (directions, B, H),
        "yc": (directions, B, H),
    }
    used = {*inputs.split(), *outputs.split()}
    tensors = {name: spec for name, spec in tensors.items() if name in used}
    made = node(op, inputs, outputs, **attributes)
    wanted = " ".join(name for name in outputs.split() if name != "-")
    graph = lowered(made, tensors, wanted)
    accounted(graph, model([made], tensors, wanted))
    return graph


@pytest.mark.parametrize("op", GATES)
@pytest.mark.parametrize("directions", [1, 2])
def test_macs_are_those_of_the_formula(op: str, directions: int) -> None:
    graph = layer(op, directions=directions)
    assert graph.macs == directions * T * B * GATES[op] * H * (X + H)


def test_number_of_ops_does_not_grow_with_the_sequence() -> None:
    graph = run_passes(layer("LSTM"))
    assert len(graph.ops) < 12
    recurrent = [op for op in einsums(graph) if op.repeat > 1]
    assert [op.repeat for op in recurrent] == [T]
    groups = [ops for key, ops in graph.unique_ops().items() if isinstance(key, Einsum)]
    assert sorted(sum(op.repeat for op in ops) for ops in groups) == [1, T]


def test_inputs_of_all_steps_and_directions_are_one_product() -> None:
    projection, step = einsums(run_passes(layer("LSTM", directions=2)))
    assert projection.dims == (("m", T * B), ("n", 2 * 4 * H), ("k", X))
    alone = einsums(run_passes(layer("LSTM")))[0]
    assert [dim for dim, _ in alone.dims] == ["m", "n", "k"]
    assert step.dims == (("b", 2), ("m", B), ("n", 4 * H), ("k", H))


@given(
    t=st.integers(1, 3), b=st.integers(1, 2), i=st.integers(1, 3), h=st.integers(1, 3), d=st.integers(1, 2)
)
def test_projections_equal_numpy(t: int, b: int, i: int, h: int, d: int) -> None:
    rng = np.random.default_rng(0)
    x, state = rng.standard_normal((t, b, i)), rng.standard_normal((d, b, h))
    w, r = rng.standard_normal((d, 4 * h, i)), rng.standard_normal((d, 4 * h, h))
    tensors: dict[str, Spec] = {"x": x.shape, "w": weight(*w.shape), "r": weight(*r.shape), "y": (t, d, b, h)}
    projection, step = einsums(lowered(node("LSTM", "x w r", "y"), tensors))
    np.testing.assert_allclose(run(projection, x, w), np.einsum("tmk,dnk->tmdn", x, w))
    np.testing.assert_allclose(run(step, state, r), np.einsum("dmk,dnk->dmn", state, r))


def test_batch_first_layout() -> None:
    assert layer("LSTM", layout=1).macs == layer("LSTM").macs


def test_gru_resets_before_or_after_the_product() -> None:
    before, after = layer("GRU"), layer("GRU", linear_before_reset=1)
    assert before.macs == after.macs
    assert [op.extents["n"] for op in einsums(run_passes(before))] == [3 * H, 2 * H, H]
    assert [op.extents["n"] for op in einsums(run_passes(after))] == [3 * H, 3 * H]


def test_last_states_are_views_or_written_alone() -> None:
    whole = layer("LSTM", "y yh yc")
    assert ("yh", "y") in whole.views
    alone = layer("LSTM", "- yh -")
    assert footprints(alone.ops[-1])["yh"] == B * H
    assert layer("GRU", "- yh").outputs == ("yh",)


def test_initial_states_are_what_the_first_step_reads() -> None:
    graph = layer("LSTM", inputs="x w r c - h k p")
    assert dict(graph.views)["LSTM_y/h"] == "h"
    assert "mul" in kinds(graph)


def test_other_activations_and_clipping() -> None:
    graph = layer("LSTM", activations=["HardSigmoid", "Relu", "Relu"], clip=3.0)
    assert {"hardsigmoid", "relu", "clip"} <= set(kinds(graph))
    with pytest.raises(UnknownOpError, match="Wobble"):
        layer("RNN", activations=["Wobble"])


def test_steps_keep_their_states_when_ops_are_fused() -> None:
    graph = run_passes(layer("LSTM", "y yh yc"))
    assert all(not op.fused for op in graph.ops if op.repeat > 1 and not isinstance(op, Einsum))
    step = next(op for op in einsums(graph) if op.repeat > 1)
    assert [part.kind for part in step.fused] == ["add"]


def test_dynamically_quantized_lstm_multiplies_integers() -> None:
    tensors: dict[str, Spec] = {
        "x": (T, B, X),
        "w": weight(1, X, 4 * H, dtype=DType.INT8),
        "r": weight(1, H, 4 * H, dtype=DType.INT8),
        "c": weight(1, 8 * H),
        "s": weight(1),
        "z": Of((1,), DType.INT8, "initializer"),
        "y": (T, 1, B, H),
    }
    inputs = "x w r c - - - - s z s z"
    graph = lowered(node("DynamicQuantizeLSTM", inputs, "y", domain="com.microsoft", hidden_size=H), tensors)
    assert graph.macs == T * B * 4 * H * (X + H)
    for op in einsums(graph):
        assert [operand.dtype for operand in op.operands] == [DType.UINT8, DType.INT8, DType.INT32]
    assert kinds(graph).count("quantize") == 2


def test_shapes_that_do_not_fit_are_refused() -> None:
    tensors: dict[str, Spec] = {
        "x": (T, B, X),
        "w": weight(1, 7, X),
        "r": weight(1, 4 * H, H),
        "y": (T, 1, B, H),
    }
    with pytest.raises(ModelError, match=r"LSTM has X \[50, 2, 8\], W \[1, 7, 8\]"):
        lowered(node("LSTM", "x w r", "y"), tensors)


def test_weights_of_a_step_have_no_batch() -> None:
    graph = layer("LSTM", inputs="x w r c - - - p")
    (peephole,) = [op for op in graph.ops if op.name.endswith("/peephole.product")]
    assert footprints(peephole)["p"] == 3 * H
    assert footprints(peephole)["LSTM_y/c"] == B * H
    (added,) = [op for op in graph.ops if op.name.endswith("/peephole")]
    assert footprints(added)["LSTM_y/peephole.product.out"] == B * 3 * H
    graph = layer("GRU", linear_before_reset=1)
    (bias,) = [op for op in graph.ops if op.name.endswith("/reset.bias")]
    assert footprints(bias)["c"] == H
