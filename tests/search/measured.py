"""Studies whose models have accuracies that are a formula, and a count of what is measured."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from catx.search.accuracy import Told
from catx.search.points import Point
from catx.search.proxy import LEFT
from catx.search.space import Value
from catx.search.study import ModelChoice, SearchPlan, Study
from tests.search.studies import TEXT, small

ACCURACY = """\
accuracy: {kind: screened, data: digits, first: 4, confirm: 2, confirm_every: 12, measurements: 16}
objectives: [accuracy, total_gco2e]
"""
LAYERS, WIDTHS = (1, 2, 3, 4), (0.25, 0.5, 0.75, 1.0)


def study(folder: Path, **accuracy: int) -> Study:
    """A study of models of two sizes; those whose layers are cut lose more than the proxy thinks."""
    text = TEXT.replace("objectives: [latency_s, total_gco2e]\n", ACCURACY)
    found = small(folder, text)
    assert found.accuracy is not None
    vary: tuple[tuple[str, tuple[Value, ...]], ...] = (("layers", LAYERS), ("width", WIDTHS))
    return replace(
        found,
        models=ModelChoice(names=found.models.names, vary=vary),
        accuracy=replace(found.accuracy, **accuracy),
        plan=SearchPlan(evaluations=60, population=16, batch=6, seed=3),
    )


def truth(values: Mapping[str, Value]) -> float:
    layers, width = float(values["model.layers"]), float(values["model.width"])
    return 0.9 * (layers / 4) ** 1.5 * width**0.25 * (0.97 if layers == 2 else 1.0)


class Screened:
    """Accuracy that is a formula; it counts what is measured."""

    def __init__(self) -> None:
        self.asked: list[tuple[Value, ...]] = []

    def of(self, values: Mapping[str, Value]) -> Told:
        left = {
            LEFT + "layers": float(values["model.layers"]) / 4,
            LEFT + "width": float(values["model.width"]),
        }
        return Told(math.prod(left.values()), measured=False, left=left)

    def measure(self, values: Mapping[str, Value]) -> Told:
        self.asked.append((values["model.layers"], values["model.width"]))
        return replace(self.of(values), value=truth(values), measured=True)


def told(points: list[Point]) -> list[tuple[int, object, bool]]:
    return [(one.number, dict(one.evaluation.numbers), one.evaluation.measured) for one in points]


def fails_with_four_layers(screened: Screened, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of four layers cannot be measured."""
    measure = screened.measure

    def failing(values: Mapping[str, Value]) -> Told:
        if values["model.layers"] == 4:
            raise ValueError("no memory")
        return measure(values)

    monkeypatch.setattr(screened, "measure", failing)


def check_failures(asked: Study, points: list[Point]) -> None:
    """All points that failed, some of them, have such a model, and say so."""
    failed = [point for point in points if point.costs is None]
    assert failed
    assert {asked.space.values(point.genome)["model.layers"] for point in failed} == {4}
    assert all("could not be measured: ValueError: no memory" in point.evaluation.error for point in failed)
