"""`catx prune hf:...` as a user runs it."""

import json
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from tests.frontend.hf.conftest import Run
from tests.frontend.hf.small import plain_folder, saved


def test_prune_and_compile(run: Run, tmp_path: Path) -> None:
    folder, again = tmp_path / "small", tmp_path / "smaller"
    theirs = saved("llama", tmp_path / "theirs")
    asked = ("prune", f"hf:{theirs}", "--kv-heads", 1, "--ffn", "0.5", "--tokens", 12, "--context", 30)
    code, out, err = run(*asked, "-o", folder)
    assert code == 0, err
    assert "by magnitude, weights of" in " ".join(out.split())
    assert "heads of keys and values" in out
    assert "MACs, a prompt of 12 tokens" in out
    assert "MACs, a token after 30" in out
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "config.json",
        "decode.onnx",
        "model.safetensors",
        "origin.json",
        "prefill.onnx",
        "ranking.json",
    ]
    assert len({path.stat().st_mode for path in folder.iterdir()}) == 1  # what the umask says
    told = json.loads((folder / "origin.json").read_text())
    assert told["pruning"]["kv_heads"] == 1
    assert told["figures"]["after"]["sizes"]["heads"] == 3
    code, out, err = run("compile", folder, "--hw", "edge", "--mapper-budget", 0)
    assert code == 0, err
    assert "0 unknown" in out
    code, out, err = run("prune", folder, "--layers", 2, "--tokens", 5, "-o", again)
    assert code == 0, err
    assert json.loads((again / "config.json").read_text())["catx"]["sizes"]["layers"] == 2
    code, _, err = run("prune", folder, "--layers", 1, "-o", again)
    assert code == 2
    assert "exists already: nothing is overwritten" in err


def test_a_ranking_is_used_again(run: Run, tmp_path: Path) -> None:
    theirs = saved("vit", tmp_path / "theirs")
    asked = ("prune", f"hf:{theirs}", "--importance", "random", "--seed", 4, "--no-export")
    assert "Not pruned" in run(*asked, "-o", tmp_path / "one")[1]
    asked = ("prune", f"hf:{theirs}", "--heads", 3, "--no-export")
    assert run(*asked, "--ranking", tmp_path / "one" / "ranking.json", "-o", tmp_path / "two")[0] == 0
    assert run(*asked, "--importance", "random", "--seed", 4, "-o", tmp_path / "three")[0] == 0
    two, three = (tmp_path / name / "model.safetensors" for name in ("two", "three"))
    assert two.read_bytes() == three.read_bytes()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("hf:bret-base",), "no model 'hf:bret-base'; did you mean 'bert-base'?"),
        (("hf:bert-base", "--text-layers", 3), "--text-layers: for CLIP models, and hf:bert-base is none"),
        (("hf:bert-base", "--recover", 3), "--recover: for CLIP models"),
        (("digits", "--kv-heads", 3), "--kv-heads: for BERT, ViT and Llama (`hf:NAME`), and digits is none"),
        (("hf:bert-base", "--layers", 13), "layers: the model has 12"),
        (("hf:bert-base", "--kv-heads", 6), "kv heads: in bert, each head has keys and values of its own"),
        (("hf:vit-base-16", "--kv-heads", 6), "kv heads: in vit, each head has keys and values of its own"),
        (("hf:bert-base", "--ffn", "half"), "--ffn: expected a count such as 384"),
        (("hf:bert-base", "--tokens", 513), "tokens: 513 is not within 1 to 512"),
        (
            ("hf:bert-base", "--importance", "taylor"),
            "no method 'taylor' for models of Hugging",
        ),
        (("hf:llama-3-8b", "--ranking", "none.json"), "none.json: cannot be read"),
        (("hf:tests",), "tests: no model: it has no config.json"),
        (("hf:/nowhere/at/all",), "transformers does not read it"),
    ],
)
def test_mistakes(run: Run, tmp_path: Path, asked: tuple[object, ...], message: str) -> None:
    code, _, err = run("prune", *asked, "-o", tmp_path / "out")
    assert code == 2
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_checkpoints_without_a_head(run: Run, tmp_path: Path) -> None:
    """A missing classifier is random, and told; any other missing weight is an error."""
    folder = saved("vit", tmp_path / "theirs")
    state = load_file(folder / "model.safetensors")
    headless = {name: weight for name, weight in state.items() if not name.startswith("classifier")}
    save_file(headless, folder / "model.safetensors", metadata={"format": "pt"})
    code, out, err = run("prune", f"hf:{folder}", "--no-export", "-o", tmp_path / "out")
    assert code == 0, err
    assert "note: the checkpoint has no classifier.bias, classifier.weight: random" in out
    gone = [name for name in headless if name.endswith(("cls_token", "layer.1.output.dense.bias"))]
    assert len(gone) == 2, headless.keys()
    for name in gone:
        del headless[name]
    save_file(headless, folder / "model.safetensors", metadata={"format": "pt"})
    code, out, err = run("prune", f"hf:{folder}", "--no-export", "-o", tmp_path / "other")
    assert code == 2
    assert "has no weights vit.embeddings.cls_token, vit.layers.1.mlp.fc" in err


def test_damaged_folders(run: Run, tmp_path: Path) -> None:
    folder = saved("bert", tmp_path / "theirs")
    (folder / "model.safetensors").write_bytes(b"junk")
    code, _, err = run("prune", f"hf:{folder}", "-o", tmp_path / "out")
    assert code == 2
    assert "transformers does not read it" in err
    shape = plain_folder("bert", tmp_path / "shape")
    (shape / "config.json").write_text("{")
    code, _, err = run("prune", f"hf:{shape}", "-o", tmp_path / "out")
    assert code == 2
    assert "config.json: no JSON" in err
    pruned = tmp_path / "pruned"
    assert run("prune", f"hf:{saved('vit', tmp_path / 'vit')}", "--no-export", "-o", pruned)[0] == 0
    (pruned / "model.safetensors").write_bytes(b"junk")
    code, _, err = run("prune", pruned, "-o", tmp_path / "out")
    assert code == 2
    assert "model.safetensors: damaged weights" in err
    assert not (tmp_path / "out").exists()
