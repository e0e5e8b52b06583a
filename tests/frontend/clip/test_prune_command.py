"""`catx prune` as a user runs it: files, figures, errors; and what compile makes of the folder."""

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path

import onnx
import open_clip
import pytest
import torch

import catx
from catx.costmodel.carbon.scenarios import DEFAULT_SCENARIO
from catx.frontend.clip import PruningConfig, Ranking, find_clip, load_clip, presets, prune, recall
from catx.frontend.clip.config import ClipConfig
from catx.frontend.clip.digits import digit_pairs
from catx.frontend.training import with_training
from catx.frontend.weights import weights_sha256
from catx.tools import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*args: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            cli.catx([str(arg) for arg in args], prog_name="catx")
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from catx.frontend.clip.recovery import RecoveryConfig
    from catx.frontend.clip.workflow import PruneJob
    from catx.frontend.clip.workflow import run as work

    place = tmp_path_factory.mktemp("pruned") / "model"
    pruning = PruningConfig(text_layers=2, text_heads=2, vision_ffn=0.5, vision_width=0.75)
    recovery = RecoveryConfig(steps=30, batch=64)
    work(
        PruneJob(
            model="digits", pruning=pruning, folder=place, method="taylor", data="digits", recovery=recovery
        )
    )
    return place


def test_the_folder_rebuilds_the_model(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "config.json",
        "model.safetensors",
        "origin.json",
        "ranking.json",
        "text.onnx",
        "vision.onnx",
    ]
    model = load_clip(folder)
    asked = PruningConfig(text_layers=2, text_heads=2, vision_ffn=0.5, vision_width=0.75)
    whole = find_clip("digits")
    assert model.config == asked.of(whole.config)
    ranking = Ranking.load(folder / "ranking.json")
    assert prune(whole, asked, ranking).config == model.config
    origin = json.loads((folder / "origin.json").read_text())
    assert origin["recovered"]["steps"] == 30
    figures = origin["figures"]
    again = recall(model, digit_pairs("test"))
    assert list(again.image_to_text) == figures["after"]["recall"]["image_to_text"]
    assert list(again.text_to_image) == figures["after"]["recall"]["text_to_image"]
    assert figures["after"]["recall"]["data"] == "digits, test: 1600 pictures"
    assert figures["before"]["recall"]["image_to_text"][0] > 0.9
    assert figures["after"]["parameters"] == sum(weight.numel() for weight in model.parameters())


def test_compile_maps_the_folder_with_the_macs_of_its_config(folder: Path) -> None:
    report = catx.compile_model(folder, "edge")
    assert report.macs == ClipConfig.from_json((folder / "config.json").read_text()).macs
    assert [model.coverage.unknown for model in report.models] == [0, 0]
    for name in ("vision.onnx", "text.onnx"):
        onnx.checker.check_model(folder / name)


def test_the_command(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "out"
    code, out, err = run("prune", "digits", "--text-heads", 2, "--vision-ffn", "0.75", "-o", place)
    assert code == 0, err
    assert "digits by magnitude, data: none" in out
    assert "heads 2, ffn 256" in out
    assert (place / "vision.onnx").exists()
    code, _, err = run("prune", "digits", "--text-heads", 2, "-o", place)
    assert code == 2
    assert "exists already: nothing is overwritten" in err
    code, out, _ = run("prune", place, "--text-layers", 1, "--no-export", "-o", tmp_path / "again")
    assert code == 0
    assert load_clip(tmp_path / "again").config.text.layers == 1
    code, out, _ = run("prune", "digits", "--no-prune", "-o", tmp_path / "whole")
    assert code == 0
    assert "vision.onnx" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["digits", "--text-heads", "0"], "text heads: the model has 4"),
        (["digits", "--vision-ffn", "half"], "expected a count such as 384"),
        (["digits", "--importance", "magic"], "unknown method 'magic'"),
        (["digits", "--importance", "taylor"], "needs calibration data"),
        (["digits", "--recover", "10"], "need data to train and rank on"),
        (["digits", "--no-prune", "--text-heads", "2"], "nothing else is done to it"),
        (["digit"], "no CLIP model 'digit'"),
        (["open_clip:ViT-B-33"], "did you mean 'ViT-B-32'"),
        (["open_clip:ViT-B-32:laion"], "open_clip has no weights 'laion' of ViT-B-32"),
        (["open_clip:ViT-B-32:none.pt"], "no such checkpoint"),
        (["digits", "--ranking", "none.json"], "cannot be read"),
        (["digits", "--data", "none.csv", "--test", "other.csv"], "cannot be read"),
        (["digits", "--no-prune", "--data", "digits"], "--data: --no-prune exports a model as it is"),
        (["digits", "--learning-rate", "0.1", "--grid", "France"], "--learning-rate, --grid: without effect"),
        (["digits", "--test", "a.csv"], "--test: without effect"),
        (["digits", "--template", "a {}"], "--template: without effect"),
        (["digits", "--importance", "index", "--ranking", "r.json"], "--importance: without effect"),
        (["digits", "--preset", "carbonclip-example"], "of open_clip:ViT-B-16, not of digits"),
        (
            ["digits", "--data", "digits", "--recover", "9", "--checkpoint", "/none/a.pt"],
            "folder does not exist",
        ),
        (
            ["digits", "--data", "digits", "--importance", "module", "--zero-shot", "none"],
            "no such folder",
        ),
    ],
)
def test_mistakes_are_one_error_before_any_work(
    run: Run, tmp_path: Path, words: list[str], message: str
) -> None:
    code, out, err = run("prune", *words, "-o", tmp_path / "out")
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_where_nothing_can_be_written(run: Run) -> None:
    code, _, err = run("prune", "digits", "--data", "digits", "--recover", "1000", "-o", "/proc/none/x")
    assert code == 2
    assert "/proc/none/x: cannot be written to" in err


def test_a_ranking_of_other_weights(run: Run, tmp_path: Path, folder: Path) -> None:
    from catx.frontend.clip.digits import untrained
    from catx.frontend.clip.importance import rank

    rank(untrained(1), "magnitude").save(tmp_path / "ranking.json")
    words = ["--ranking", tmp_path / "ranking.json", "-o", tmp_path / "out"]
    code, _, err = run("prune", "digits", "--text-heads", 2, *words)
    assert code == 2
    assert "ranking.json: the ranking is of other weights" in err
    words = ["--ranking", folder / "ranking.json", "--no-export", "-o", tmp_path / "out"]
    assert run("prune", "digits", "--text-heads", 2, *words)[0] == 0


def test_what_a_folder_tells_of_its_making(run: Run, tmp_path: Path, folder: Path) -> None:
    record = json.loads((folder / "origin.json").read_text())
    assert set(record["data"]) == {"train", "validation", "test"}
    assert all(len(split["sha256"]) == 64 for split in record["data"].values())
    assert record["weights_sha256"] == weights_sha256(load_clip(folder))
    assert record["before"] is None
    code, _, _ = run("prune", folder, "--text-heads", 1, "--no-export", "-o", tmp_path / "again")
    assert code == 0
    again = json.loads((tmp_path / "again" / "origin.json").read_text())
    assert again["footprint"] is None
    assert again["before"] == record
    told = with_training(DEFAULT_SCENARIO, [tmp_path / "again"])
    assert told.training_gco2e == pytest.approx(record["footprint"]["gco2e"])


def test_variables_of_several_processes_alone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    code, _, err = run("prune", "digits", "--text-heads", 2, "-o", tmp_path / "out")
    assert code == 2
    assert "WORLD_SIZE is 2, and MASTER_ADDR, MASTER_PORT is not set" in err
    assert "torchrun" in err


def zeros(architecture: str) -> dict[str, torch.Tensor]:
    """Weights of an architecture of open_clip that take no room."""
    with torch.device("meta"):
        model = open_clip.create_model(architecture, load_weights=False, device="meta")
    return {name: torch.zeros(()).expand(weight.shape) for name, weight in model.state_dict().items()}


def test_checkpoints(run: Run, tmp_path: Path) -> None:
    good, other = tmp_path / "good.pt", tmp_path / "other.pt"
    model = open_clip.create_model("ViT-S-32-alt", load_weights=False)
    torch.save(model.state_dict(), good)
    torch.save({"a": torch.zeros(2)}, other)
    found = find_clip(f"open_clip:ViT-S-32-alt:{good}")
    assert torch.equal(found.text.token.weight, model.token_embedding.weight)
    lacks, wide = zeros("ViT-S-32-alt"), zeros("ViT-M-32")
    del lacks["text_projection"]
    for state, message in (
        ({"a": torch.zeros(2)}, "none of its weights is of ViT-S-32-alt, the first is a\n"),
        (lacks, "not one of ViT-S-32-alt: it lacks text_projection\n"),
        (
            {"state_dict": wide},
            "not one of ViT-S-32-alt: positional_embedding is [77, 512], and [77, 256] in ViT-S-32-alt\n"
            "  hint: it seems to be of ViT-M-32",
        ),
    ):
        torch.save(state, other)
        code, _, err = run("prune", f"open_clip:ViT-S-32-alt:{other}", "-o", tmp_path / "out")
        assert code == 2
        assert message in err


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pt", b"", "no file of torch"),
        ("a.pt", b"junk\n", "no file of torch"),
        ("a.pt", bytes(range(255, 0, -1)), "no file of torch"),
        ("a.safetensors", b"junk", "header too small"),
        ("a.pt", [1, 2], "a file of torch that holds a list"),
        ("a.pt", torch.zeros(2), "a file of torch that holds a Tensor"),
        ("a.pt", {}, "no weights: it holds nothing"),
        ("a.pt", {"epoch": 3}, "no weights: it holds epoch"),
        ("a.pt", torch.nn.Linear(2, 2), "it holds more than weights, such as a whole model"),
    ],
)
def test_files_that_are_no_checkpoints(
    run: Run, tmp_path: Path, name: str, content: object, message: str
) -> None:
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    code, _, err = run("prune", f"open_clip:ViT-S-32-alt:{path}", "-o", tmp_path / "out")
    assert code == 2
    assert re.search(rf"{name}: no checkpoint: .*{message}", err), err
    assert "hint: one is a .safetensors" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("openclip:ViT-B-16", "open_clip:ViT-B-16"),
        ("ViT-B-16", "open_clip:ViT-B-16"),
        ("bert-base", "hf:bert-base"),
        ("digit", "digits"),
    ],
)
def test_names_that_are_nearly_right(run: Run, tmp_path: Path, name: str, meant: str) -> None:
    code, _, err = run("prune", name, "-o", tmp_path / "out")
    assert code == 2
    assert f"no CLIP model {name!r}; did you mean {meant!r}?" in err


def test_weights_that_cannot_be_fetched_are_one_error(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        logging.getLogger("huggingface_hub.utils").warning("Retrying")
        logging.error("Failed to download")
        raise RuntimeError("Name or service not known")

    monkeypatch.setattr(open_clip, "create_model", offline)
    code, _, err = run("prune", "open_clip:ViT-B-32:openai", "-o", tmp_path / "out")
    assert code == 2
    assert "the weights 'openai' of ViT-B-32 cannot be fetched: Name or service not known" in err
    assert "Retrying" not in err
    assert "Failed" not in err


def test_damaged_folders(run: Run, tmp_path: Path, folder: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert (
        "no saved CLIP model: it has no config.json"
        in run("prune", tmp_path / "empty", "-o", tmp_path / "out")[2]
    )
    assert "a folder without exported graphs" in run("compile", tmp_path / "empty")[2]
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text(
        (folder / "config.json").read_text().replace('"width": 48', '"width": 40')
    )
    (broken / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    assert (
        "of another model: vision.class_token is [48], and [40] in config.json"
        in run("prune", broken, "-o", tmp_path / "out")[2]
    )
    (broken / "model.safetensors").write_bytes(b"x")
    assert "damaged weights" in run("prune", broken, "-o", tmp_path / "out")[2]
    (broken / "config.json").write_text('{"schema": "catx.clip/1", "embed_dim": 3}')
    (broken / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    assert "missing key 'vision'" in run("prune", broken, "-o", tmp_path / "out")[2]


@pytest.mark.parametrize("name", presets.MODELS)
def test_named_models_are_as_large_as_their_names_say(name: str) -> None:
    config = presets.MODELS[name]
    vision, text = re.findall(r"(\d+)M", name)
    assert config.vision.parameters(config.embed_dim) / 1e6 == pytest.approx(int(vision), rel=0.06)
    embedded = config.text.vocab_size * config.text.width
    blocks = config.text.parameters(config.embed_dim) - embedded  # the names leave the embedding out
    assert blocks / 1e6 == pytest.approx(int(text), rel=0.2)
    assert "microsoft/Cream" in config.source


def test_named_prunings(run: Run, tmp_path: Path) -> None:
    for named in presets.PRUNINGS.values():
        whole = find_clip(named.model).config
        made = named.pruning.of(whole)
        assert (made.text.layers, made.vision.layers) == (7, 11)
        assert {block.heads for block in made.text.blocks} == {6}
        assert made.text.blocks[0].ffn == 2048
    code, _, err = run("prune", "digits", "--preset", "carbonclip", "-o", tmp_path / "out")
    assert code == 2
    assert "did you mean 'carbonclip-example'" in err
    words = ["--preset", "carbonclip-example", "--text-heads", 2]
    assert "leave out the others" in run("prune", "open_clip:ViT-B-16", *words, "-o", tmp_path / "out")[2]
    name = "tinyclip:ViT-8M-16-Text-3M"
    code, out, _ = run("prune", name, "--text-heads", 2, "--no-export", "-o", tmp_path / "tiny")
    assert code == 0
    assert "random weights" in out
