"""`catx prune` on little or odd data: what is left out or made smaller is told."""

import os
import re
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from catx.errors import OptionError
from catx.frontend.clip.datasets import CsvPairs
from catx.frontend.clip.importance import NEEDS_DATA, Method, rank
from catx.frontend.clip.pruning import PruningConfig
from catx.frontend.clip.recovery import RecoveryConfig
from catx.frontend.clip.source import find_clip
from catx.frontend.clip.workflow import PruneJob, run
from catx.tools.canvas import Canvas
from catx.tools.prune_text import pruned_text


def data(folder: Path, name: str, *, first: int, same: bool = False) -> Path:
    generator = np.random.default_rng(first)
    rows = ["image,caption"]
    for number, word in enumerate(
        ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "one")
    ):
        image = f"{first + number}.png"
        array = generator.integers(0, 255, (20, 40, 3), dtype=np.uint8)
        Image.fromarray(array).save(folder / image)
        rows.append(f"{image},a red {'one' if same else word}")
    path = folder / name
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize("batch", [10, 11])
def test_a_batch_larger_than_the_data_is_told_and_files_obey_the_umask(tmp_path: Path, batch: int) -> None:
    train, test = data(tmp_path, "train.csv", first=0), data(tmp_path, "test.csv", first=10)
    job = PruneJob(
        model="digits",
        pruning=PruningConfig(text_heads=2),
        folder=tmp_path / "out",
        method="index",
        data=str(train),
        test=str(test),
        recovery=RecoveryConfig(steps=1, batch=batch),
        checkpoint=tmp_path / "state.pt",
        export=False,
    )
    before = os.umask(0o027)
    try:
        done = run(job)
    finally:
        os.umask(before)
    told = "11 pairs of a step were asked for, and the data has 10"
    assert (told in done.notes) == (batch > 10)
    files = [*job.folder.iterdir(), tmp_path / "state.pt"]
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in files} == dict.fromkeys(
        ["config.json", "model.safetensors", "origin.json", "ranking.json", "state.pt"], 0o640
    )


@pytest.mark.parametrize("method", [*NEEDS_DATA, "magnitude"])
def test_captions_that_are_all_the_same_rank_nothing(tmp_path: Path, method: Method) -> None:
    model = find_clip("digits")
    pairs = CsvPairs(data(tmp_path, "train.csv", first=0, same=True), model.config)
    with pytest.raises(OptionError, match=r"train\.csv: all captions are the same"):
        rank(model, method, pairs)
    rank(model, "index", pairs)


def test_a_model_that_stays_whole_is_not_called_pruned(tmp_path: Path) -> None:
    for name in ("red", "blue"):
        (tmp_path / "classes" / name).mkdir(parents=True)
        data(tmp_path / "classes" / name, "rows.csv", first=0)
    shot = str(tmp_path / "classes")

    def told(folder: str, pruning: PruningConfig) -> str:
        job = PruneJob(
            model="digits",
            pruning=pruning,
            folder=tmp_path / folder,
            zero_shot=shot,
            template="a {} one",
            export=False,
        )
        return pruned_text(job, run(job), Canvas(100, color=False))

    whole = told("whole", PruningConfig())
    assert "Not pruned  digits: all parts stay" in whole
    assert re.search(r"parameters +373 k\n", whole)
    assert re.search(r"zero-shot top-1 +[\d.]+ %\n", whole)
    pruned = told("small", PruningConfig(text_heads=2))
    assert "Not pruned" not in pruned
    assert re.search(r"parameters +373 k +348 k +93.3 %\n", pruned)
