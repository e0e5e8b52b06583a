"""Examples of docstrings and of docs/clip.md."""

import doctest
import re
from pathlib import Path

import pytest

from catx.frontend import scores, seeds
from catx.frontend.clip import model, pairs, pruned, pruning, surgery

PAGE = Path(__file__).parents[3] / "docs" / "clip.md"


@pytest.mark.parametrize(
    "module", [model, pairs, pruned, pruning, scores, seeds, surgery], ids=lambda module: module.__name__
)
def test_docstrings(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted
    assert found.failed == 0


def test_python_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(block, str(PAGE), "exec"), {})
    parameters, macs = map(int, capsys.readouterr().out.split())
    assert 0 < parameters < 373_057
    assert macs > 0


def test_numbers_of_the_page() -> None:
    import json
    from importlib.resources import files

    from catx.frontend.clip.source import find_clip

    origin = json.loads(
        files("catx.data").joinpath("clip").joinpath("digits").joinpath("origin.json").read_text()
    )
    text, test = PAGE.read_text(), origin["recall"]["test"]
    assert f"{find_clip('digits').config.parameters:,} parameters" in text
    assert f"{test['image_to_text'][0]:.1%}".replace("%", " %") in text
    assert f"{test['text_to_image'][0]:.1%}".replace("%", " %") in text
    assert f"{origin['took']['seconds']:.0f} s on two cores" in text
