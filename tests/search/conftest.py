"""Fixtures of several test files of searches."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from catx.search import build
from catx.search.evaluation import Evaluator
from catx.search.space import Value
from tests.search.measured import Screened


@pytest.fixture
def screened(monkeypatch: pytest.MonkeyPatch) -> Screened:
    """Studies have this accuracy, and a model whose sizes change nothing else but carbon."""
    accuracy, make = Screened(), build.model_space
    monkeypatch.setattr(build, "_accuracy", lambda *_: accuracy)
    monkeypatch.setattr(build, "model_space", lambda choice, tell: make(replace(choice, vary=()), tell))
    numbers = Evaluator._numbers

    def sized(self: Evaluator, values: Mapping[str, Value]) -> tuple[dict[str, float], bool]:
        found, measured = numbers(self, values)
        found["total_gco2e"] *= float(values["model.layers"]) * float(values["model.width"])
        return found, measured

    monkeypatch.setattr(Evaluator, "_numbers", sized)  # else the whole model alone would be the front
    return accuracy
