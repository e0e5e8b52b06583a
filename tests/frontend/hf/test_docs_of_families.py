"""Examples of docstrings and of docs/families.md."""

import doctest
import re
from pathlib import Path

import pytest

from catx.frontend.hf import family, names, sizes

PAGE = Path(__file__).parents[3] / "docs" / "families.md"


@pytest.mark.parametrize("module", [family, names, sizes], ids=lambda module: module.__name__)
def test_docstrings(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.attempted
    assert found.failed == 0


def test_python_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(compile(block, str(PAGE), "exec"), {})
    assert 8_000_000 < int(capsys.readouterr().out) < 20_000_000
