"""Accuracy of two fidelities: what is predicted, what is measured, and what a search does with both."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from catx.search.evaluation import Evaluation
from catx.search.open_study import begin, read, resume
from catx.search.points import found_in, front
from catx.search.proxy import LEFT
from catx.search.runner import Progress, run
from catx.search.screening import Confirmations, Screening, is_measurement
from catx.search.study import Study
from tests.search.measured import (
    Screened,
    check_failures,
    fails_with_four_layers,
    study,
    told,
    truth,
)


def test_what_reaches_the_front_is_measured(tmp_path: Path, screened: Screened) -> None:
    asked = study(tmp_path)
    points = run(asked, begin(asked, tmp_path / "a.db"))
    assert len(points) == 60
    assert len(set(screened.asked)) == len(screened.asked) <= 16
    best = front(points)
    for point in points:
        values, evaluation = asked.space.values(point.genome), point.evaluation
        measured = (values["model.layers"], values["model.width"]) in screened.asked
        assert evaluation.measured == measured
        assert (evaluation.numbers["accuracy"] == truth(values)) == measured
        assert evaluation.numbers["accuracy"] == pytest.approx(truth(values), rel=0.06)
    assert all(point.evaluation.measured for point in best)
    store, again = read(tmp_path / "a.db")
    assert told(found_in(again, store).points) == told(points)


def test_the_budget_of_measurements(tmp_path: Path, screened: Screened) -> None:
    asked = study(tmp_path, measurements=5)
    points = run(asked, begin(asked, tmp_path / "a.db"))
    assert 4 <= len(screened.asked) <= 5
    assert {point.evaluation.measured for point in points} == {True, False}


def test_an_interrupted_run_goes_on(tmp_path: Path, screened: Screened) -> None:
    asked = study(tmp_path)
    whole = run(asked, begin(asked, tmp_path / "a.db"))
    measured = list(screened.asked)
    assert len(measured) > 4  # some of them to confirm
    for done in (2, 17, 60 + len(measured) - 1):
        path = tmp_path / f"{done}.db"
        store, added = begin(asked, path), []

        def add(number: int, evaluation: Evaluation, store=store, added=added, done=done) -> None:  # type: ignore[no-untyped-def]
            if len(added) == done:
                raise KeyboardInterrupt
            added.append(number)
            type(store).add(store, number, evaluation)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(store, "add", add)
            with pytest.raises(KeyboardInterrupt):
                run(asked, store)
        store.close()
        screened.asked.clear()
        assert told(run(asked, resume(asked, path))) == told(whole)
        there = sum(is_measurement(number) for number in added)
        assert screened.asked == measured[there:]


def test_more_evaluations_go_on(tmp_path: Path, screened: Screened) -> None:
    """What a shorter run measured at its end is kept, and changes nothing until it is asked for."""
    asked = study(tmp_path, first=3, confirm=1)
    whole = run(asked, begin(asked, tmp_path / "a.db"))
    measured = set(screened.asked)
    for part in (18, 50):
        screened.asked.clear()
        fewer = replace(asked, plan=replace(asked.plan, evaluations=part))
        path = tmp_path / f"{part}.db"
        run(fewer, begin(fewer, path))
        assert len(screened.asked) > 3
        assert told(run(asked, resume(asked, path))) == told(whole)
        assert len(set(screened.asked)) == len(screened.asked)
        assert set(screened.asked) >= measured
        store, again = read(path)
        assert told(found_in(again, store).points) == told(whole)


def test_a_run_that_is_only_begun_again_changes_nothing(tmp_path: Path, screened: Screened) -> None:
    """A finished file tells the same where a run that goes on is stopped before it comes to its end."""
    asked = study(tmp_path, first=3, confirm=1)
    whole = run(asked, begin(asked, tmp_path / "a.db"))

    def stop(now: Progress) -> None:
        if now.done == 8:
            raise KeyboardInterrupt

    store = resume(asked, tmp_path / "a.db")
    with pytest.raises(KeyboardInterrupt):
        run(asked, store, watch=stop)
    store.close()
    store, again = read(tmp_path / "a.db")
    assert told(found_in(again, store).points) == told(whole)


def test_models_that_cannot_be_measured_fail(
    tmp_path: Path, screened: Screened, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_with_four_layers(screened, monkeypatch)
    asked = study(tmp_path)
    points = run(asked, begin(asked, tmp_path / "a.db"))
    check_failures(asked, points)
    assert all(point.evaluation.measured for point in front(points))


def test_calibration_learns(tmp_path: Path) -> None:
    asked = study(tmp_path)
    screening = Screening(asked)
    point = Evaluation(genome=(1, 1, 0, 0, 0, 0), numbers={LEFT + "layers": 0.5, LEFT + "width": 0.5})
    assert screening.of(point).numbers["accuracy"] == 0.25
    assert math.isnan(screening.error)
    accuracy = Screened()
    measured = []
    for layers, width in ((0, 3), (3, 0), (3, 3), (2, 2)):
        genome = (layers, width, 0, 0, 0, 0)
        told = accuracy.measure(asked.space.values(genome))
        measured.append(
            Evaluation(genome=genome, numbers={"accuracy": told.value, **told.left}, measured=True)
        )
    screening.learn(measured)
    assert screening.of(point).numbers["accuracy"] == pytest.approx(0.9 * 0.5**1.75, rel=1e-6)
    assert screening.error < 1e-6
    assert not screening.of(point).measured
    same = replace(point, genome=(2, 2, 1, 1, 1, 1))
    assert screening.of(same).measured
    assert screening.of(same).numbers["accuracy"] == measured[-1].numbers["accuracy"]


def measured(asked: Study, layers: int, width: int) -> Evaluation:
    genome = (layers, width, 0, 0, 0, 0)
    told = Screened().measure(asked.space.values(genome))
    return Evaluation(genome=genome, numbers={"accuracy": told.value, **told.left}, measured=True)


def test_few_measurements_put_predictions_on_their_scale(tmp_path: Path) -> None:
    asked = study(tmp_path)
    whole = measured(asked, 3, 3)
    point = Evaluation(genome=(1, 3, 0, 0, 0, 0), numbers={LEFT + "layers": 0.5, LEFT + "width": 1.0})
    assert Screening(asked, [whole]).of(point).numbers["accuracy"] == pytest.approx(0.9 * 0.5)
    failed = Evaluation(genome=(2, 2, 0, 0, 0, 0), numbers={}, error="no memory")
    found = Screening(asked, [whole, failed, measured(asked, 0, 3)])
    both = math.sqrt(0.9 * 0.9 * 0.25**1.5 / 0.25)
    assert found.of(point).numbers["accuracy"] == pytest.approx(both * 0.5)
    assert math.isnan(found.error)


def test_a_single_confirmation_is_of_the_middle_of_a_front(tmp_path: Path) -> None:
    asked = study(tmp_path, confirm=1)
    best = [
        Evaluation(genome=(0, at, 0, 0, 0, 0), numbers={"accuracy": at / 4, "total_gco2e": at})
        for at in range(3)
    ]
    confirmations = Confirmations(asked)
    assert confirmations.of_front(best) == [(0, 1, 0, 0, 0, 0)]
    assert confirmations.of_front(best[:1]) == [(0, 0, 0, 0, 0, 0)]


def test_first_models_are_the_whole_one_and_random_ones(tmp_path: Path) -> None:
    first = Confirmations(study(tmp_path, first=99)).first()
    assert len(first) == 16  # as many as may be measured
    models = [genome[:2] for genome in first]
    assert models[0] == (3, 3)
    assert len(set(models)) == 16
