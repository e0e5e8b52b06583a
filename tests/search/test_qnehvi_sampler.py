"""qNEHVI as a sampler: small budgets, as every batch fits all that is known."""

from dataclasses import replace
from pathlib import Path
from statistics import mean, median

import pytest

from catx.errors import OptionError
from catx.search import qnehvi_model, qnehvi_sampler
from catx.search.open_study import begin, resume
from catx.search.points import front
from catx.search.qnehvi_sampler import QnehviSampler
from catx.search.runner import run
from catx.search.sampler import RandomSampler
from catx.search.space import Gene, Genome, Space
from catx.search.study import QNEHVI_MOST, SearchPlan
from tests.search.studies import small
from tests.search.toys import SPACE, Toy, failing, search, search_ahead, toy, volume


@pytest.fixture(autouse=True)
def less_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer points are compared, on fewer samples."""
    monkeypatch.setattr(qnehvi_sampler, "COMPARED", 200)
    monkeypatch.setattr(qnehvi_model, "SAMPLES", 16)


def qnehvi(seed: int, space: Space = SPACE, start: int = 8) -> QnehviSampler:
    return QnehviSampler(space, seed=seed, start=start)


def test_it_beats_random_points_and_a_seed_gives_the_same_ones() -> None:
    import torch

    one, other = search(qnehvi(1), 24, batch=8), search(qnehvi(2), 24, batch=8)
    random_ones = [volume(search(RandomSampler(SPACE, seed), 24)) for seed in range(5)]
    assert min(volume(one), volume(other)) > median(random_ones)
    assert mean([volume(one), volume(other)]) > 1.2 * mean(random_ones)
    assert one != other
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        torch.manual_seed(99)
        before = torch.random.get_rng_state()
        assert search(qnehvi(1), 16, batch=8) == one[:16]
        assert torch.equal(torch.random.get_rng_state(), before)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)


def test_no_point_twice_and_an_end() -> None:
    space = Space((Gene("a", (1, 2, 3)), Gene("b", (1, 2, 3, 4)), Gene("c", (1,)), Gene("d", (1,))))
    sampler = qnehvi(1, space, start=5)
    found = search(sampler, 100, batch=5)
    assert len(found) == len({toy.genome for toy in found}) == space.size
    assert sampler.ask(5) == []
    assert qnehvi(1, Space((Gene("a", (1,)),))).ask(3) == [(0,)]


def test_given_points_come_first() -> None:
    sampler = QnehviSampler(SPACE, seed=1, first=[(1, 2, 3, 4), (5, 6, 7, 8)])
    assert sampler.ask(4)[:2] == [(1, 2, 3, 4), (5, 6, 7, 8)]


def test_batches_in_flight_three_objectives_and_points_that_fail() -> None:
    def evaluate(genome: Genome) -> Toy:
        return failing(genome, 3, least=6)  # half of all

    found = search_ahead(qnehvi(3), 32, batch=8, in_flight=2, evaluate=evaluate)
    assert len(found) == len({toy.genome for toy in found}) == 32
    failed = [toy.costs is None for toy in found]
    assert sum(failed[-12:]) < sum(failed[:12])  # it learns where points fail


def test_one_objective_and_a_bound_that_no_point_obeys_at_first() -> None:
    def evaluate(genome: Genome, objectives: int) -> Toy:
        excess = 9.0 - genome[3]  # a quarter of all obeys it
        return replace(toy(genome, objectives), violation=max(0.0, excess), excesses=(excess,))

    first = [(0, 6, 2, 3), (3, 9, 8, 5), (6, 5, 4, 1), (9, 8, 10, 7), (11, 4, 6, 0), (5, 11, 0, 8)]
    sampler = QnehviSampler(SPACE, seed=1, start=6, first=first)
    found = search(sampler, 21, 1, batch=5, evaluate=evaluate)
    assert all(one.violation > 0.0 for one in found[:6])
    assert sum(one.violation == 0.0 for one in found[6:16]) >= 6  # most probably feasible
    best = min(one.costs[0] for one in found if one.costs and one.violation == 0.0)
    assert best <= 3.0


def test_alike_numbers_can_be_fitted() -> None:
    sampler = qnehvi(1, start=4)
    found = search(sampler, 9, batch=4, evaluate=lambda genome, _: Toy(genome, (1.0, 2.0), 0.0, (-1.0,)))
    assert len({one.genome for one in found}) == 9


def test_a_study(tmp_path: Path) -> None:
    """The same points where a run went on."""
    study = small(tmp_path)
    study = replace(study, plan=replace(study.plan, sampler="qnehvi", evaluations=16, batch=4, start=6))
    whole = run(study, begin(study, tmp_path / "a.db"))
    assert len({point.genome for point in whole}) == 16
    assert all(point.feasible for point in front(whole))
    part = replace(study, plan=replace(study.plan, evaluations=11))
    run(part, begin(part, tmp_path / "b.db"))
    again = run(study, resume(study, tmp_path / "b.db"))
    assert [point.genome for point in again] == [point.genome for point in whole]


def test_more_than_can_be_fitted() -> None:
    SearchPlan(sampler="qnehvi", evaluations=QNEHVI_MOST)
    with pytest.raises(OptionError, match=f"{QNEHVI_MOST} at most, not 5000"):
        SearchPlan(sampler="qnehvi", evaluations=5000)
