"""Commands that make the models of points."""

import shlex
from pathlib import Path

import pytest

from catx.search.build import evaluator_of
from catx.search.front_files import model_command
from catx.search.study import NEEDS_DATA
from catx.search.study_file import parse_study
from tests.search.studies import small

CLIP = """\
study: clip
model: {name: digits, vary: {text_layers: 1..3, vision_ffn: [0.25, 1.0]}}
accuracy: {kind: finetune, importance: taylor, data: digits, steps: 40, learning_rate: 0.002}
objectives: [accuracy, total_gco2e]
"""
TRAINING = ", steps: 40, learning_rate: 0.002"
TRAINED = f"finetune, importance: taylor, data: digits{TRAINING}"
BERT = """\
study: bert
model: {name: hf:bert-base, vary: {layers: 6..12, width: [0.5, 1.0]}, tokens: 99}
accuracy: {kind: proxy}
objectives: [accuracy, total_gco2e]
"""


@pytest.mark.parametrize(
    ("text", "genome", "expected"),
    [
        (
            CLIP,
            (1, 0),
            "catx prune digits --text-layers 2 --vision-ffn 0.25 --importance taylor --data digits "
            "--recover 40 --batch 128 --learning-rate 0.002 --seed 0 -o model",
        ),
        (
            CLIP.replace("finetune", "screened"),
            (0, 1),
            "catx prune digits --text-layers 1 --vision-ffn 1.0 --importance taylor --data digits "
            "--recover 40 --batch 128 --learning-rate 0.002 --seed 0 -o model",
        ),
        (
            CLIP.replace("finetune", "proxy").replace(TRAINING, ""),
            (0, 1),
            "catx prune digits --text-layers 1 --vision-ffn 1.0 --importance taylor --data digits "
            "--seed 0 -o model",
        ),
        (
            CLIP.replace(TRAINED, "proxy, ranking: '/a/my ranking'"),
            (0, 1),
            "catx prune digits --text-layers 1 --vision-ffn 1.0 --ranking '/a/my ranking' --seed 0 -o model",
        ),
        (
            CLIP.replace(TRAINED, "proxy, importance: none"),
            (0, 1),
            "catx prune digits --text-layers 1 --vision-ffn 1.0 --seed 0 -o model",
        ),
        (BERT, (0, 0), "catx prune hf:bert-base --layers 6 --width 0.5 --tokens 99 -o model"),
    ],
)
def test_the_command_of_a_model(text: str, genome: tuple[int, ...], expected: str) -> None:
    study = parse_study(text)
    found = model_command(study, evaluator_of(study, measures=False).design(genome))
    assert shlex.split(found) == shlex.split(expected)


def test_models_that_are_as_they_are(tmp_path: Path) -> None:
    study = small(tmp_path)
    design = evaluator_of(study).design((0, 0, 0, 0))
    assert model_command(study, design) == str(tmp_path / "tiny.onnx")


def test_importances_that_need_data() -> None:
    from catx.frontend.clip import importance

    assert set(NEEDS_DATA) == set(importance.NEEDS_DATA)
