"""Models of Hugging Face families as ONNX: equal to torch, mapped whole, with the MACs of the formula."""

import logging
import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import transformers

import catx
from catx.errors import OptionError
from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.export import graphs_of
from catx.frontend.hf.sizes import Pruning
from catx.frontend.hf.store import load_model
from catx.frontend.hf.workflow import Pruned, PruneJob, run
from tests.frontend.hf.small import CONFIGS, FAMILIES, inputs, plain_folder, saved

PRUNED = {
    "bert": Pruning(layers=2, heads=4, ffn=0.5, width=0.75),
    "vit": Pruning(layers=2, heads=5, ffn=40, width=0.5),
    "llama": Pruning(layers=2, heads=2, kv_heads=1, ffn=0.25, width=40),
    "llama_tied": Pruning(layers=1, heads=3),
}


def exported(model: Path | str, folder: Path, pruning: Pruning, **others: object) -> Pruned:
    return run(PruneJob(model=f"hf:{model}", pruning=pruning, folder=folder, **others))  # type: ignore[arg-type]


def check(found: Pruned, folder: Path) -> None:
    """Every node is costed or free, and MACs are those of the config's formula."""
    graphs = catx.load_models(folder)
    assert [graph.macs for graph in graphs] == [one.macs for one in found.after.graphs]
    report = catx.compile_model(list(graphs), "edge", mapper_budget=0)
    assert all(model.coverage.unknown == 0 for model in report.models)
    assert report.macs == sum(one.macs for one in found.after.graphs)


@pytest.mark.parametrize("pruned", [False, True], ids=["whole", "pruned"])
@pytest.mark.parametrize("name", FAMILIES)
def test_families(name: str, pruned: bool, tmp_path: Path) -> None:
    theirs, folder = saved(name, tmp_path / "theirs"), tmp_path / "pruned"
    tokens = None if name == "vit" else 11
    found = exported(theirs, folder, PRUNED[name] if pruned else Pruning(), tokens=tokens)
    graphs = ["prefill", "decode"] if "llama" in name else ["model"]
    assert [one.name for one in found.exported] == graphs
    for one in found.exported:
        assert one.difference is not None
        assert one.difference < 1e-4
        onnx.checker.check_model(one.path)
        assert one.bytes == one.path.stat().st_size
    check(found, folder)


def test_transformers_warns_of_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = logging.getLogger("transformers")
    theirs = saved("llama", tmp_path / "theirs")
    transformers.utils.logging.warning_once.cache_clear()
    told.addHandler(caplog.handler)
    try:
        exported(theirs, tmp_path / "pruned", Pruning(layers=1), tokens=3)
    finally:
        told.removeHandler(caplog.handler)
    assert [one.getMessage() for one in caplog.records if one.name.startswith("transformers")] == []


def test_a_text_has_no_more_tokens_than_the_model_has_positions() -> None:
    def tokens(name: str, positions: int, tokens: int | None = None) -> list[tuple[int, int]]:
        plain = {**CONFIGS[name], "max_position_embeddings": positions}
        return [
            (one.tokens, one.cached) for one in graphs_of(ModelConfig.of_plain(plain, name), tokens, None)
        ]

    assert tokens("bert", 40) == [(40, 0)]
    assert tokens("bert", 4000) == [(128, 0)]
    assert tokens("llama", 64) == [(63, 0), (1, 63)]
    assert tokens("llama", 513) == [(512, 0), (1, 512)]
    with pytest.raises(OptionError, match="tokens: 41 is not within 1 to 40"):
        tokens("bert", 40, 41)
    with pytest.raises(OptionError, match="the model has 1 positions, and the token of the decode step"):
        tokens("llama", 1)


@pytest.mark.parametrize("name", ["llama", "llama_tied"])
def test_a_decode_step_goes_on_where_a_prompt_ended(name: str, tmp_path: Path) -> None:
    """Logits of a prompt are those of all but its last token, and of the last one in a decode step."""
    theirs = saved(name, tmp_path / "theirs")
    exported(theirs, tmp_path / "both", PRUNED[name], tokens=9)
    exported(theirs, tmp_path / "longer", PRUNED[name], tokens=10, context=9)
    x = inputs(name, 10)[:1].numpy()

    def session(path: Path) -> onnxruntime.InferenceSession:
        return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    prefill, decode = (session(tmp_path / "both" / f"{graph}.onnx") for graph in ("prefill", "decode"))
    _, *cache = prefill.run(None, {"input_ids": x[:, :9]})
    names = [put.name for put in prefill.get_outputs()][1:]
    past = {key.replace("present", "past_key_values"): value for key, value in zip(names, cache, strict=True)}
    logits, *longer = decode.run(None, {"input_ids": x[:, 9:], **past})
    expected, *kept = session(tmp_path / "longer" / "prefill.onnx").run(None, {"input_ids": x})
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)
    for one, other in zip(longer, kept, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        whole = load_model(tmp_path / "both")(torch.tensor(x))[0][:, -1:]
    np.testing.assert_allclose(logits, whole.numpy(), rtol=1e-4, atol=1e-4)


def test_grouped_keys_and_values_are_what_the_cache_holds(tmp_path: Path) -> None:
    exported(
        plain_folder("llama", tmp_path / "shape"), tmp_path / "out", Pruning(kv_heads=1), tokens=8, context=20
    )
    decode = onnx.load(tmp_path / "out" / "decode.onnx", load_external_data=False)
    shapes = {put.name: [d.dim_value for d in put.type.tensor_type.shape.dim] for put in decode.graph.input}
    assert shapes["past_key_values.0.key"] == [1, 1, 20, 16]
    outputs = {put.name: [d.dim_value for d in put.type.tensor_type.shape.dim] for put in decode.graph.output}
    assert outputs["present.2.value"] == [1, 1, 21, 16]
    assert outputs["logits"] == [1, 1, 99]


@pytest.mark.parametrize(
    ("preset", "pruning"),
    [
        ("bert-base", Pruning(layers=2)),
        ("vit-base-16", Pruning(layers=2, heads=9)),
        ("llama-3-8b", Pruning(layers=2, kv_heads=4)),
        pytest.param("bert-large", Pruning(), marks=pytest.mark.slow),
        pytest.param("vit-huge-14", Pruning(), marks=pytest.mark.slow),
        pytest.param("llama-2-7b", Pruning(), marks=pytest.mark.slow),
        pytest.param("llama-3-70b", Pruning(layers=60, kv_heads=7), marks=pytest.mark.slow),
    ],
)
def test_published_shapes_without_weights(preset: str, pruning: Pruning, tmp_path: Path) -> None:
    found = exported(preset, tmp_path, pruning, weights=False)
    assert "no weights" in found.notes[0]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 20_000_000
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".json"] + [".onnx"] * len(
        found.exported
    )
    check(found, tmp_path)


def test_a_graph_tells_no_path_of_the_machine_that_wrote_it(tmp_path: Path) -> None:
    exported(saved("bert", tmp_path / "theirs"), tmp_path / "out", PRUNED["bert"], tokens=11)
    written = (tmp_path / "out" / "model.onnx").read_bytes()
    assert b"site-packages" not in written
    assert str(tmp_path).encode() not in written


def test_weights_beside_a_graph_that_they_do_not_fit_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catx.frontend.hf.export.LARGEST_BYTES", 10_000)
    found = exported(saved("bert", tmp_path / "theirs"), tmp_path / "out", PRUNED["bert"], tokens=11)
    assert (tmp_path / "out" / "model.onnx.data").stat().st_size > 10_000
    assert (tmp_path / "out" / "model.onnx").stat().st_size < 100_000
    graph = onnx.load(tmp_path / "out" / "model.onnx", load_external_data=False).graph
    large = [one for one in graph.initializer if math.prod(one.dims) >= 1000]
    assert large
    assert all(one.data_location == onnx.TensorProto.EXTERNAL for one in large)
    assert found.exported[0].bytes > 10_000
    check(found, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "tokens", "context", "message"),
    [
        ("bert", 41, None, "tokens: 41 is not within 1 to 40"),
        ("bert", 0, None, "tokens: 0 is not within"),
        ("bert", None, 5, "context: bert has no decode step"),
        ("vit", 5, None, "tokens: an image of vit has as many as its size says"),
        ("llama", 65, 3, "tokens: 65 is not within 1 to 64"),
        ("llama", 64, None, "tokens: 64 is not within 1 to 63: the model has 64 positions, and the token of"),
        ("llama", 65, None, "tokens: 65 is not within 1 to 64: the model has 64 positions$"),
        ("llama", 8, 64, "context: 64 is not within 1 to 63: the model has 64 positions, and the token of"),
        ("llama", 8, 0, "context: 0 is not within"),
    ],
)
def test_more_tokens_than_positions(name: str, tokens: int | None, context: int | None, message: str) -> None:
    config = ModelConfig.of_plain(CONFIGS[name], name)
    if name == "bert" and tokens is None:
        tokens = 5
    with pytest.raises(OptionError, match=message):
        graphs_of(config, tokens, context)


def test_as_many_tokens_as_positions() -> None:
    llama, bert = (ModelConfig.of_plain(CONFIGS[name], name) for name in ("llama", "bert"))
    assert [graph.tokens for graph in graphs_of(llama, 63, None)] == [63, 1]
    assert [graph.cached for graph in graphs_of(llama, 64, 63)] == [0, 63]
    assert graphs_of(bert, 40, None)[0].tokens == 40
