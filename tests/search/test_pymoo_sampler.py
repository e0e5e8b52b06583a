"""pymoo's NSGA-II as a sampler."""

import math
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from catx.search.open_study import begin, resume
from catx.search.points import front
from catx.search.pymoo_sampler import PymooSampler
from catx.search.runner import run
from catx.search.sampler import RandomSampler
from catx.search.space import Gene, Space
from tests.search.studies import small
from tests.search.toys import SPACE, Toy, failing, search, search_ahead, volume


def pymoo(seed: int, objectives: int = 2, space: Space = SPACE) -> PymooSampler:
    return PymooSampler(space, objectives, seed=seed, population=20)


@pytest.mark.parametrize("objectives", [2, 3])
def test_it_beats_random_points(objectives: int) -> None:
    found = [volume(search(pymoo(seed, objectives), 300, objectives)) for seed in range(3)]
    random_ones = [volume(search(RandomSampler(SPACE, seed), 300, objectives)) for seed in range(3)]
    assert min(found) > max(random_ones)


def test_one_objective() -> None:
    found = search(pymoo(1, 1), 300, 1)
    assert min(one.costs[0] for one in found if one.costs and not one.violation) == 0.0


def test_a_seed_gives_the_same_points() -> None:
    one = search(pymoo(4), 120)
    random.seed(9)
    np.random.seed(9)  # noqa: NPY002
    assert search(pymoo(4), 120) == one
    assert search(pymoo(5), 120) != one


def test_no_point_twice_and_an_end() -> None:
    space = Space((Gene("a", (1, 2, 3)), Gene("b", (1, 2)), Gene("c", (1,)), Gene("d", (1,))))
    sampler = pymoo(1, space=space)
    found = search(sampler, 100, batch=4)
    assert len(found) == len({toy.genome for toy in found}) == space.size
    assert sampler.ask(5) == []
    only = Space((Gene("a", (1,)),))
    assert PymooSampler(only, 2, seed=1, population=4).ask(3) == [(0,)]


def test_given_points_come_first() -> None:
    sampler = PymooSampler(SPACE, 2, seed=1, population=10, first=[(1, 2, 3, 4), (5, 6, 7, 8)])
    assert sampler.ask(4)[:2] == [(1, 2, 3, 4), (5, 6, 7, 8)]


def test_batches_in_flight_and_points_that_fail() -> None:
    found = search_ahead(pymoo(2), 200, batch=7, evaluate=failing)
    assert len(found) == len({toy.genome for toy in found}) == 200
    later = [toy.costs is None for toy in found[100:]]
    assert any(toy.costs is None for toy in found)
    assert sum(later) < sum(toy.costs is None for toy in found[:100])


def test_failed_points_have_no_children_and_infeasible_ones_give_way() -> None:
    sampler = PymooSampler(SPACE, 2, seed=1, population=4)
    sampler.tell([Toy((at, 0, 0, 0), None, math.inf) for at in range(6)])
    assert sampler.population == []
    bad = [Toy((at, 1, 0, 9), (0.0, 0.0), 1.0 + at) for at in range(4)]
    good = [Toy((at, 2, 0, 0), (9.0 + at, 9.0 - at), 0.0) for at in range(3)]
    sampler.tell(bad)
    sampler.tell(good)
    assert set(sampler.population) == {*(toy.genome for toy in good), bad[0].genome}


def test_a_study(tmp_path: Path) -> None:
    """The same points with two workers, and where a run went on."""
    study = small(tmp_path)
    study = replace(study, plan=replace(study.plan, sampler="pymoo"))
    whole = run(study, begin(study, tmp_path / "a.db"))
    assert len({point.genome for point in whole}) == 24
    assert all(point.feasible for point in front(whole))
    part = replace(study, plan=replace(study.plan, evaluations=14))
    run(part, begin(part, tmp_path / "b.db"))
    again = run(study, resume(study, tmp_path / "b.db"), workers=2)
    assert [point.genome for point in again] == [point.genome for point in whole]
