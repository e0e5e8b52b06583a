import math

import pytest

from catx.search.evolution import EvolutionSampler
from catx.search.sampler import GridSampler, RandomSampler
from catx.search.space import Gene, Space
from tests.search.toys import SPACE, Toy, search


def nsga(seed: int, objectives: int = 2, method: str = "nsga2", space: Space = SPACE) -> EvolutionSampler:
    return EvolutionSampler(space, objectives, seed=seed, population=20, method=method)


@pytest.mark.parametrize(("method", "objectives"), [("nsga2", 2), ("nsga3", 2), ("nsga3", 3)])
def test_it_finds_the_front_that_random_points_miss(method: str, objectives: int) -> None:
    def best(found: list[Toy]) -> int:
        return len({toy.genome[0] for toy in found if toy.genome[1:3] == (0, 6) and not toy.violation})

    found = [best(search(nsga(seed, objectives, method), 600, objectives)) for seed in range(3)]
    random = [best(search(RandomSampler(SPACE, seed), 600, objectives)) for seed in range(3)]
    assert min(found) == 12  # all of the front
    assert max(random) < 8


@pytest.mark.parametrize("method", ["nsga2", "nsga3"])
def test_a_seed_gives_the_same_points(method: str) -> None:
    one, same, other = (search(nsga(seed, 3, method), 120, 3) for seed in (4, 4, 5))
    assert one == same
    assert one != other


def test_no_point_twice_and_an_end() -> None:
    space = Space((Gene("a", (1, 2, 3)), Gene("b", (1, 2)), Gene("c", (1,)), Gene("d", (1,))))
    for sampler in (nsga(1, space=space), RandomSampler(space, 1), GridSampler(space)):
        found = search(sampler, 100, batch=4)
        assert len(found) == len({toy.genome for toy in found}) == space.size
        assert sampler.ask(5) == []
    assert [toy.genome for toy in search(GridSampler(space), 100, batch=4)] == list(space.every())


def test_given_points_come_first() -> None:
    sampler = EvolutionSampler(SPACE, 2, seed=1, population=10, first=[(1, 2, 3, 4), (5, 6, 7, 8)])
    assert sampler.ask(4)[:2] == [(1, 2, 3, 4), (5, 6, 7, 8)]


def test_failed_points_have_no_children_and_infeasible_ones_give_way() -> None:
    sampler = EvolutionSampler(SPACE, 2, seed=1, population=4)
    sampler.tell([Toy((at, 0, 0, 0), None, math.inf) for at in range(6)])
    assert sampler.population == []
    bad = [Toy((at, 1, 0, 9), (0.0, 0.0), 1.0 + at) for at in range(4)]
    good = [Toy((at, 2, 0, 0), (9.0 + at, 9.0 - at), 0.0) for at in range(3)]
    sampler.tell([*bad, *good])
    assert {tuple(one) for one in sampler.population} == {*(toy.genome for toy in good), bad[0].genome}


def test_equal_costs_stay_side_by_side() -> None:
    sampler = EvolutionSampler(SPACE, 2, seed=1, population=4)
    sampler.tell([Toy((at, 0, 0, 0), (1.0, 1.0)) for at in range(4)])
    assert len({tuple(one) for one in sampler.population}) == 4
