"""Models of Hugging Face families: built by shape as transformers does, and cut exactly."""

import re
from pathlib import Path

import pytest
import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from catx.errors import ModelError, OptionError, SpecError
from catx.frontend.hf.build import shape_of, with_random, with_state, with_zeros
from catx.frontend.hf.config import ModelConfig
from catx.frontend.hf.importance import METHODS, rank
from catx.frontend.hf.presets import PRESETS
from catx.frontend.hf.ranking import Ranking, Selection, select
from catx.frontend.hf.sizes import Pruning, Sizes
from catx.frontend.hf.store import load_model, save_model
from catx.frontend.hf.surgery import cut
from catx.frontend.hf.workflow import figures, prune
from tests.frontend.hf.small import CONFIGS, FAMILIES, inputs, original, output, saved

PRUNED = {
    "bert": Pruning(heads=4, ffn=0.5),
    "vit": Pruning(layers=2, heads=5, ffn=40),
    "llama": Pruning(layers=2, heads=2, kv_heads=1, ffn=0.25),
    "llama_tied": Pruning(layers=1, heads=3),
}


def config_of(name: str) -> ModelConfig:
    return ModelConfig.of_plain(CONFIGS[name], name)


def smaller(name: str, model: nn.Module, method: str = "random") -> tuple[nn.Module, ModelConfig, Selection]:
    """A cut model, its config, and what stayed."""
    config = config_of(name)
    stays = PRUNED[name].of(config.sizes)
    selection = select(config.sizes, stays, rank(model, config, method, seed=3))  # type: ignore[arg-type]
    return cut(model, config, stays, selection), config.with_sizes(stays), selection


@pytest.mark.parametrize("name", FAMILIES)
def test_a_built_model_is_that_of_transformers(name: str) -> None:
    theirs = original(name)
    ours = with_state(shape_of(config_of(name)), theirs.state_dict(), "theirs")
    torch.testing.assert_close(output(ours, inputs(name)), output(theirs, inputs(name)), rtol=0, atol=0)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())


@pytest.mark.parametrize("name", FAMILIES)
def test_cutting_is_silencing(name: str) -> None:
    """The smaller model computes what transformers' own does with the other parts' outputs set to 0."""
    model = original(name)
    small, _, selection = smaller(name, model)
    config = config_of(name)
    masked = original(name)
    output_of = config.family.linears[3]
    with torch.no_grad():
        for at in range(config.sizes.layers):
            block = masked.get_submodule(f"{config.family.blocks}{at}")
            attended = block.get_submodule(output_of)
            down = block.get_submodule({"bert": "output.dense", "vit": "mlp.fc2"}.get(name, "mlp.down_proj"))
            if at in selection.layers:
                place = selection.layers.index(at)
                head_dim = config.sizes.head_dim
                keep = [c // head_dim in selection.heads[place] for c in range(attended.weight.shape[1])]
                attended.weight[:, ~torch.tensor(keep)] = 0.0  # type: ignore[index,operator]
                keep = [unit in selection.ffn[place] for unit in range(config.sizes.ffn)]
                down.weight[:, ~torch.tensor(keep)] = 0.0  # type: ignore[index,operator]
            else:
                for weight in (*attended.parameters(), *down.parameters()):
                    weight.zero_()
    whole = output(model, inputs(name))
    expected = output(masked, inputs(name))
    assert (whole - expected).abs().max() > 0.1
    torch.testing.assert_close(output(small, inputs(name)), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_narrower_model_has_the_kept_channels_everywhere(name: str) -> None:
    model, config = original(name), config_of(name)
    stays = Pruning(width=0.5).of(config.sizes)
    selection = select(config.sizes, stays, rank(model, config, "random", seed=5))
    small = cut(model, config, stays, selection)
    before, kept = dict(model.named_parameters()), torch.tensor(selection.width)
    for key, weight in small.named_parameters():
        _, inner = config.family.place(key)
        expected = before[key]
        for axis, kind in enumerate(config.family.axes[inner]):
            if kind == "width":
                expected = expected.index_select(axis, kept)
        torch.testing.assert_close(weight, expected, rtol=0, atol=0)
    assert output(small, inputs(name)).isfinite().all()


@given(st.data())
def test_heads_go_with_the_keys_and_values_that_serve_them(data: st.DataObject) -> None:
    kv_heads, group = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 4))
    there = Sizes(layers=2, width=8, heads=kv_heads * group, kv_heads=kv_heads, head_dim=4, ffn=16)
    kept_kv, kept_group = data.draw(st.integers(1, kv_heads)), data.draw(st.integers(1, group))
    stays = Pruning(heads=kept_kv * kept_group, kv_heads=kept_kv).of(there)
    scores = st.floats(0, 9)

    def drawn(count: int) -> tuple[float, ...]:
        return tuple(data.draw(st.lists(scores, min_size=count, max_size=count)))

    ranking = Ranking(
        method="drawn",
        seed=0,
        weights_sha256="",
        version="",
        layers=drawn(2),
        heads=(drawn(there.heads), drawn(there.heads)),
        kv_heads=(drawn(kv_heads), drawn(kv_heads)),
        ffn=(drawn(8), drawn(8)),
        width=drawn(8),
    )
    found = select(there, stays, ranking)
    for layer in range(2):
        heads, kept = found.heads[layer], found.kv_heads[layer]
        assert len(set(heads)) == len(heads) == stays.heads
        assert [head // group for head in heads] == [kv for kv in kept for _ in range(stays.group)]
        left = [ranking.kv_heads[layer][kv] for kv in range(kv_heads) if kv not in kept]
        assert min(ranking.kv_heads[layer][kv] for kv in kept) >= max(left, default=0.0)
        for kv in kept:
            mine = range(kv * group, kv * group + group)
            out = [ranking.heads[layer][head] for head in mine if head not in heads]
            assert min(ranking.heads[layer][head] for head in mine if head in heads) >= max(out, default=0.0)


@pytest.mark.parametrize(
    ("pruning", "message"),
    [
        (Pruning(layers=0), "layers: the model has 32, so 1 to 32 can stay, not 0"),
        (Pruning(layers=33), "layers: the model has 32"),
        (Pruning(heads=12), "heads: 12 cannot be shared equally by 8 heads of keys and values"),
        (Pruning(heads=32, kv_heads=4), "each of which serves at most 4"),
        (Pruning(kv_heads=9), "kv heads: the model has 8"),
        (Pruning(ffn=0.3), "ffn: 0.3 of 14336 is 4300.8, no whole number"),
        (Pruning(width=1.5), "width: a share must be above 0"),
    ],
)
def test_sizes_that_do_not_fit(pruning: Pruning, message: str) -> None:
    llama = Sizes(layers=32, width=4096, heads=32, kv_heads=8, head_dim=128, ffn=14336)
    with pytest.raises(OptionError, match=message):
        pruning.of(llama)


def test_heads_alone_take_their_keys_along() -> None:
    there = Sizes(layers=2, width=8, heads=12, kv_heads=12, head_dim=4, ffn=16)
    assert Pruning(heads=5).of(there).kv_heads == 5
    grouped = Sizes(layers=2, width=8, heads=12, kv_heads=3, head_dim=4, ffn=16)
    assert Pruning(heads=6).of(grouped).kv_heads == 3
    assert Pruning(kv_heads=2).of(grouped).heads == 8


PUBLISHED = {
    "bert-base": 110e6,
    "bert-large": 340e6,
    "vit-base-16": 86e6,
    "vit-large-16": 307e6,
    "vit-huge-14": 632e6,
    "llama-2-7b": 6.74e9,
    "llama-2-13b": 13.0e9,
    "llama-2-70b": 69e9,
    "llama-3.2-1b": 1.23e9,
    "llama-3.2-3b": 3.21e9,
    "llama-3-8b": 8.03e9,
    "llama-3-70b": 70.6e9,
}
"""Parameters as the papers and model cards of the presets state them, in their rounding."""


def test_every_preset_is_compared() -> None:
    assert set(PUBLISHED) == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_the_published_parameters(name: str) -> None:
    found = figures(ModelConfig.of_plain(PRESETS[name].plain, name)).parameters
    assert found == pytest.approx(PUBLISHED[name], rel=0.015)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("method", METHODS)
def test_rankings_are_files(name: str, method: str, tmp_path: Path) -> None:
    ranking = rank(original(name), config_of(name), method, seed=2)  # type: ignore[arg-type]
    ranking.check(config_of(name).sizes)
    ranking.save(tmp_path / "ranking.json")
    assert Ranking.load(tmp_path / "ranking.json") == ranking
    with pytest.raises(SpecError, match="the ranking is of another model"):
        ranking.check(Pruning(layers=2).of(config_of(name).sizes))
    text = (tmp_path / "ranking.json").read_text()
    first = re.sub(r'("heads": \[\[)[^],]*', r"\1NaN", text)
    (tmp_path / "ranking.json").write_text(first)
    with pytest.raises(SpecError, match=r"ranking\.json: a damaged ranking: heads\[0\]\[0\] is nan"):
        Ranking.load(tmp_path / "ranking.json")


@pytest.mark.parametrize("name", FAMILIES)
def test_magnitude_keeps_what_is_large(name: str) -> None:
    """Parts whose weights are ten times those of the others stay."""
    model, config = original(name), config_of(name)
    sizes, family = config.sizes, config.family
    with torch.no_grad():
        for key, weight in model.named_parameters():
            block, inner = family.place(key)
            for axis, kind in enumerate(family.axes[inner]):
                if block is None:
                    continue
                unit = {"heads": sizes.head_dim, "kv_heads": sizes.head_dim}.get(kind or "", 1)
                count = {"heads": sizes.heads, "kv_heads": sizes.kv_heads, "ffn": 8}.get(kind or "")
                if count is None:
                    continue
                unit = unit if kind != "ffn" else sizes.ffn // 8
                large = (count - 1 - block) % count
                weight.narrow(axis, large * unit, unit).mul_(10.0)
    found = rank(model, config, "magnitude")
    for block in range(sizes.layers):
        for scores in (found.heads[block], found.kv_heads[block], found.ffn[block]):
            assert scores.index(max(scores)) == (len(scores) - 1 - block) % len(scores)


@pytest.mark.parametrize("name", FAMILIES)
def test_saved_models_are_loaded_without_the_original(name: str, tmp_path: Path) -> None:
    small, config, _ = smaller(name, original(name))
    save_model(small, config, tmp_path)
    again = load_model(tmp_path)
    torch.testing.assert_close(output(again, inputs(name)), output(small, inputs(name)), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "pruning", "read"),
    [
        ("llama", Pruning(layers=2, heads=2, kv_heads=1, ffn=0.25), True),
        ("llama", Pruning(heads=4, width=40), True),
        ("llama", Pruning(width=40), False),
        ("vit", Pruning(heads=5, width=33), True),
        ("bert", Pruning(layers=2, ffn=0.5), True),
        ("bert", Pruning(heads=5, width=40), True),
        ("bert", Pruning(heads=3), False),
    ],
)
def test_what_transformers_reads(name: str, pruning: Pruning, read: bool, tmp_path: Path) -> None:
    """As docs/families.md says."""
    small, config = prune(str(saved(name, tmp_path / "theirs")), pruning), config_of(name)
    (tmp_path / "small").mkdir()
    save_model(small, config.with_sizes(pruning.of(config.sizes)), tmp_path / "small")
    cls = getattr(transformers, config.family.model_class)
    if not read:
        with pytest.raises((RuntimeError, StrictDataclassError)):
            cls.from_pretrained(tmp_path / "small")
        return
    theirs = cls.from_pretrained(tmp_path / "small").eval()
    torch.testing.assert_close(output(theirs, inputs(name)), output(small, inputs(name)))


@pytest.mark.parametrize("name", FAMILIES)
def test_folders_of_transformers_are_pruned(name: str, tmp_path: Path) -> None:
    found = prune(str(saved(name, tmp_path / "theirs")), PRUNED[name], method="index")
    small, _, _ = smaller(name, original(name), "index")
    torch.testing.assert_close(output(found, inputs(name)), output(small, inputs(name)), rtol=0, atol=0)


def test_random_weights_are_seeded() -> None:
    config = config_of("bert")
    one, same, other = (with_random(shape_of(config), config, seed) for seed in (0, 0, 1))
    x = inputs("bert")
    torch.testing.assert_close(output(one, x), output(same, x), rtol=0, atol=0)
    assert (output(one, x) - output(other, x)).abs().max() > 1e-3


def test_stand_in_weights_take_no_memory() -> None:
    model = with_zeros(shape_of(ModelConfig.of_plain(PRESETS["llama-3-8b"].plain, "llama-3-8b")))
    assert all(weight.untyped_storage().nbytes() == 4 for weight in model.parameters())
    assert not any(weight.requires_grad for weight in model.parameters())


@pytest.mark.parametrize("name", FAMILIES)
def test_weights_can_be_trained(name: str) -> None:
    config = config_of(name)
    drawn = with_random(shape_of(config), config, 0)
    given = with_state(shape_of(config), original(name).state_dict(), "theirs")
    for model in (drawn, given, smaller(name, given)[0]):
        assert all(weight.requires_grad and weight.is_leaf for weight in model.parameters())
        model(inputs(name))[0].sum().backward()
        assert any(weight.grad is not None and weight.grad.abs().max() > 0 for weight in model.parameters())


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model_type": "gpt2"}, ModelError, "no family that catx prunes: model_type is 'gpt2'"),
        ({"hidden_size": None}, SpecError, "`hidden_size` must be a whole number of at least 1, not None"),
        ({"num_key_value_heads": 4}, SpecError, "6 heads cannot be shared by 4 of keys and values"),
        ({"catx": {"schema": "other"}}, SpecError, "`catx` must have the schema"),
        ({"catx": {"schema": "catx.hf-model/1", "sizes": {"layers": 1}}}, SpecError, "damaged sizes"),
    ],
)
def test_configs_that_are_none(change: dict[str, object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ModelConfig.of_plain(CONFIGS["llama"] | change, "here")


@pytest.mark.parametrize("key", ["add_cross_attention", "is_decoder"])
def test_decoders_of_bert_are_refused(key: str) -> None:
    with pytest.raises(ModelError, match=f"here: .*`{key}` is set"):
        ModelConfig.of_plain(CONFIGS["bert"] | {key: True}, "here")
    assert ModelConfig.of_plain(CONFIGS["bert"] | {key: False}, "here").family.name == "bert"
    assert ModelConfig.of_plain(CONFIGS["llama"] | {"is_decoder": True}, "here").family.name == "llama"


def test_transformers_may_not_take_a_config() -> None:
    plain = CONFIGS["llama"] | {"hidden_act": "nonsense"}
    with pytest.raises(SpecError, match="transformers does not build this llama config"):
        shape_of(ModelConfig.of_plain(plain, "here"))


def test_weights_of_another_model() -> None:
    state = original("bert").state_dict()
    wider = ModelConfig.of_plain(CONFIGS["bert"] | {"intermediate_size": 80}, "here")
    with pytest.raises(
        ModelError, match=r"intermediate.dense.weight is \[64, 48\], its config says \[80, 48\]"
    ):
        with_state(shape_of(wider), state, "there")
    del state["pooler.dense.bias"]
    with pytest.raises(ModelError, match=r"there: .*the weight pooler.dense.bias is missing"):
        with_state(shape_of(config_of("bert")), state, "there")
