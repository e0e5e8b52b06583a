"""Golden files (what catx prints, reviewed as a diff), and repeatable random tests where CI is set."""

import os
import re
from collections.abc import Callable

import pytest
from hypothesis import settings

settings.register_profile(
    "ci", derandomize=True
)  # a gate must judge a change, not a draw; elsewhere it draws
if os.environ.get("CI"):
    settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Compare a text with the golden file of this test; one text per test."""

    def compare(text: str) -> None:
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", request.node.name).strip("-")
        path = request.path.parent / "golden" / f"{name}.txt"
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no golden file {path}: run with --update-golden and look at it"
        assert text == path.read_text(encoding="utf-8"), f"differs from {path}: --update-golden accepts it"

    return compare
