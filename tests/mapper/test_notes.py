"""Notes about a model: data that is moved again and again because of how an op is costed."""

from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.frontend.hardware import load_accelerator
from catx.ir.dtype import DType
from catx.ir.pipeline import run
from catx.mapper.design import evaluate_design
from catx.mapper.notes import model_notes
from tests.frontend.resolved_models import Of, Spec, lowered, node, weight


def lstm_layers(count: int) -> list[str]:
    tensors: dict[str, Spec] = {"x0": (50, 2, 16)}
    nodes = []
    for i in range(count):
        tensors |= {f"w{i}": weight(1, 64, 16), f"r{i}": weight(1, 64, 16), f"x{i + 1}": (50, 2, 16)}
        tensors[f"y{i}"] = (50, 1, 2, 16)
        nodes.append(node("LSTM", f"x{i} w{i} r{i}", f"y{i}", name=f"lstm{i}"))
        nodes.append(node("Squeeze", f"y{i}", f"x{i + 1}", axes=[1]))
    return model_notes(run(lowered(nodes, tensors)))


def test_recurrent_weights_that_are_fetched_at_every_step_are_noted() -> None:
    (note,) = lstm_layers(1)
    assert note.startswith("test: LSTM 'lstm0': one op per time step")
    # 64 x 16 weights of 4 bytes, at each of 50 steps
    assert "weights of 4 KiB are fetched anew at every step, 200 KiB per inference" in note


def test_layers_of_a_kind_share_a_note() -> None:
    (note,) = lstm_layers(5)
    assert "LSTM 'lstm0', 'lstm1', 'lstm2' and 2 more: one op" in note
    assert "weights of 20 KiB" in note


def test_both_products_of_a_gru_step_are_in_its_note() -> None:
    tensors: dict[str, Spec] = {"x": (50, 2, 16), "w": weight(1, 48, 16), "r": weight(1, 48, 16)}
    graph = run(lowered(node("GRU", "x w r", "y"), tensors | {"y": (50, 1, 2, 16)}))
    (note,) = model_notes(graph)
    assert f"{48 * 16 * 4 / 1024:.3g} KiB are fetched" in note


def test_a_cache_that_is_copied_is_noted() -> None:
    tensors: dict[str, Spec] = {
        "q": (1, 1, 8 * 32),
        "k": (1, 1, 2 * 32),
        "v": (1, 1, 2 * 32),
        **dict.fromkeys(("pk", "pv"), (1, 2, 99, 32)),
        **dict.fromkeys(("nk", "nv"), (1, 2, 100, 32)),
        "y": (1, 1, 8 * 32),
        **dict.fromkeys(("lengths", "total"), Of((1,), DType.INT32)),
    }
    made = node(
        "GroupQueryAttention",
        "q k v pk pv lengths total",
        "y nk nv",
        name="attn",
        domain="com.microsoft",
        num_heads=8,
        kv_num_heads=2,
    )
    (note,) = model_notes(run(lowered(made, tensors)))
    # keys and values: 2 x 100 x 32 elements of 4 bytes each
    assert note.startswith("test: GroupQueryAttention 'attn': the whole cache of keys and values is copied")
    assert "50 KiB read and as much written" in note


def test_an_attention_without_a_cache_has_no_note() -> None:
    tensors: dict[str, Spec] = dict.fromkeys("qkvy", (1, 4, 10, 32))
    assert model_notes(run(lowered(node("Attention", "q k v", "y", opset=23), tensors))) == []


def test_notes_reach_the_report_at_the_precision_of_the_accelerator() -> None:
    tensors: dict[str, Spec] = {"x": (50, 2, 16), "w": weight(1, 64, 16), "r": weight(1, 64, 16)}
    graph = run(lowered(node("LSTM", "x w r", "y"), tensors | {"y": (50, 1, 2, 16)}))
    report = evaluate_design([graph], load_accelerator("edge"), scenario=DEFAULT_SCENARIO)
    assert any("weights of 1 KiB are fetched anew" in note for note in report.notes)
