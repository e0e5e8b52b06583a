"""docs/hw-yaml.md: its examples run, it names every key, and its error message is the real one."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from catx.errors import SpecError
from catx.frontend.hardware import parse_accelerator
from catx.frontend.hardware import spec as general
from catx.frontend.hardware.templates import TEMPLATES

TEXT = (Path(__file__).parents[2] / "docs" / "hw-yaml.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)
YAML = [block for kind, block in BLOCKS if kind == "yaml"]
PART = "# part of a file\n"
FIRST = YAML[0]


def replaced(part: str) -> str:
    """The first example with one of its top-level keys replaced by a part of a file."""
    key = part.split(":")[0]
    start = FIRST.index(f"\n{key}:") + 1
    end = re.search(r"\n(?=\w)", FIRST[start:])
    rest = FIRST[start + end.end() :] if end else ""
    return (FIRST[:start] + part + rest).replace(
        "memory: Buffer, lanes", "memory: Local, lanes" if key == "levels" else "memory: Buffer, lanes"
    )


@pytest.mark.parametrize("block", YAML, ids=[f"block{i}" for i in range(len(YAML))])
def test_examples_load(block: str) -> None:
    text = replaced(block.removeprefix(PART)) if block.startswith(PART) else block
    assert parse_accelerator(text).die_area_mm2 > 0


def test_python_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    for kind, block in BLOCKS:
        if kind == "python":
            exec(compile(block, "hw-yaml.md", "exec"), {})
    assert "levels:" in capsys.readouterr().out


def keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_every_key_is_documented() -> None:
    models: list[type[BaseModel]] = [
        *(
            value
            for value in vars(general).values()
            if isinstance(value, type) and issubclass(value, BaseModel)
        ),
        *(model for model, _ in TEMPLATES.values()),
    ]
    documented = set(re.findall(r"`(\w+):?[^`]*`", TEXT))
    for model in models:
        assert keys(model) - documented <= {"class"}, model.__name__


def test_the_error_in_the_text_is_the_real_one() -> None:
    shown = next(block for _, block in BLOCKS if "3 problems" in block)
    text = FIRST.replace("500 MHz", "1 GHzz").replace("    bandwidth: 10", "    bandwith: 10")
    with pytest.raises(SpecError) as caught:
        parse_accelerator(text.replace("512 KiB", "4"), "hw.yaml")
    lines = [re.sub(r":\d+", "", line) for line in str(caught.value).splitlines()]
    assert lines == [re.sub(r":\d+", "", line) for line in shown.strip().splitlines()]
