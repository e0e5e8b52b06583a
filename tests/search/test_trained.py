"""Accuracy of every model, measured once for all points that have it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from catx.search.evaluation import Evaluates, Evaluation
from catx.search.open_study import begin, read, resume
from catx.search.points import found_in, front
from catx.search.runner import Progress, run
from catx.search.screening import is_measurement
from catx.search.space import Value
from catx.search.study import Study
from catx.search.workers import Numbered, evaluated
from tests.search.measured import Screened, check_failures, fails_with_four_layers, study, told, truth


def trained(folder: Path) -> Study:
    """The study of screened accuracies, with all of them measured."""
    found = study(folder)
    assert found.accuracy is not None
    return replace(found, accuracy=replace(found.accuracy, kind="finetune"))


def test_each_model_is_measured_once(tmp_path: Path, screened: Screened) -> None:
    asked, seen = trained(tmp_path), list[Progress]()
    points = run(asked, begin(asked, tmp_path / "a.db"), watch=seen.append)
    models = [tuple(asked.space.values(point.genome).values())[:2] for point in points]
    assert len(points) == 60
    assert len(set(models)) < 60
    assert sorted(screened.asked) == sorted(set(models))
    for point in points:
        values = asked.space.values(point.genome)
        assert point.evaluation.numbers["accuracy"] == truth(values)
        assert point.evaluation.measured
    assert seen[-1].measured == len(screened.asked)
    assert front(points)
    store, again = read(tmp_path / "a.db")
    assert told(found_in(again, store).points) == told(points)


def test_an_interrupted_run_goes_on(tmp_path: Path, screened: Screened) -> None:
    asked = trained(tmp_path)
    whole = run(asked, begin(asked, tmp_path / "a.db"))
    models = len(screened.asked)
    for done in (1, 5, 30, 60 + models - 1):
        path = tmp_path / f"{done}.db"
        store, added = begin(asked, path), list[int]()

        def add(number: int, evaluation: Evaluation) -> None:
            if len(added) == done:  # noqa: B023
                raise KeyboardInterrupt
            added.append(number)  # noqa: B023
            type(store).add(store, number, evaluation)  # noqa: B023

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "add", add)
            with pytest.raises(KeyboardInterrupt):
                run(asked, store)
        store.close()
        there = sum(is_measurement(number) for number in added)
        half, again = read(path)
        there_now = found_in(again, half)
        known = told(there_now.points)  # what is not measured yet is no point
        assert there_now.pending == done - there - len(known)
        assert known == [one for one in told(whole) if one[0] in {number for number, *_ in known}]
        assert len(known) <= done - there
        screened.asked.clear()
        assert told(run(asked, resume(asked, path))) == told(whole)
        assert len(screened.asked) == models - there


class InAnyOrder:
    """Workers that end what they have in an order of their own."""

    def __init__(self, evaluator: Evaluates, seed: int) -> None:
        self._evaluator, self._generator = evaluator, random.Random(seed)
        self._left: list[Numbered] = []

    def submit(self, points: Sequence[Numbered]) -> None:
        self._left.extend(points)

    def next(self) -> list[tuple[int, Evaluation]]:
        number, genome = self._left.pop(self._generator.randrange(len(self._left)))
        return [(number, evaluated(self._evaluator, number, genome))]


@pytest.mark.parametrize("seed", range(3))
def test_whatever_ends_first(
    tmp_path: Path, screened: Screened, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    asked = trained(tmp_path)
    whole = run(asked, begin(asked, tmp_path / "a.db"))
    numbers = {number: one.genome[:2] for number, one in read(tmp_path / "a.db")[0].evaluations().items()}
    monkeypatch.setattr("catx.search.runner.Here", lambda evaluator: InAnyOrder(evaluator, seed))
    screened.asked.clear()
    assert told(run(asked, begin(asked, tmp_path / "b.db"))) == told(whole)
    assert len(set(screened.asked)) == len(screened.asked)
    again = {number: one.genome[:2] for number, one in read(tmp_path / "b.db")[0].evaluations().items()}
    assert again == numbers


def test_more_evaluations_go_on(tmp_path: Path, screened: Screened) -> None:
    asked = trained(tmp_path)
    whole = run(asked, begin(asked, tmp_path / "a.db"))
    screened.asked.clear()
    fewer = replace(asked, plan=replace(asked.plan, evaluations=22))
    assert told(run(fewer, begin(fewer, tmp_path / "b.db"))) == told(whole)[:22]
    assert told(run(asked, resume(asked, tmp_path / "b.db"))) == told(whole)
    assert len(set(screened.asked)) == len(screened.asked)


def test_models_that_cannot_be_measured_fail(
    tmp_path: Path, screened: Screened, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_with_four_layers(screened, monkeypatch)
    asked = trained(tmp_path)
    check_failures(asked, run(asked, begin(asked, tmp_path / "a.db")))


def test_points_that_fail_train_nothing(
    tmp_path: Path, screened: Screened, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catx.search.evaluation import Evaluator

    numbers = Evaluator._numbers

    def failing(self: Evaluator, values: Mapping[str, Value]) -> tuple[dict[str, float], bool]:
        if values["model.layers"] == 1:
            raise ValueError("no mapping")
        return numbers(self, values)

    monkeypatch.setattr(Evaluator, "_numbers", failing)
    asked = trained(tmp_path)
    points = run(asked, begin(asked, tmp_path / "a.db"))
    assert any(point.costs is None for point in points)
    assert not [layers for layers, _ in screened.asked if layers == 1]
