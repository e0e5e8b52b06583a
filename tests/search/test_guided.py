"""Searches that a surrogate guides, and what the surrogate says."""

import math

import numpy as np
import pytest

from catx.search.evolution import EvolutionSampler
from catx.search.guided import GuidedSampler
from catx.search.sampler import RandomSampler
from catx.search.space import Gene, Space
from catx.search.surrogate import Surrogate
from tests.search.toys import SPACE, Toy, failing, search, search_ahead, toy, volume


def guided(seed: int, objectives: int = 2, space: Space = SPACE, most: int = 400) -> GuidedSampler:
    return GuidedSampler(space, objectives, seed=seed, population=20, guided=most)


def test_few_points_get_further_than_without_models() -> None:
    ours = [volume(search(guided(seed), 60)) for seed in range(3)]
    plain = [volume(search(EvolutionSampler(SPACE, 2, seed=seed, population=20), 60)) for seed in range(3)]
    random = [volume(search(RandomSampler(SPACE, seed), 60)) for seed in range(3)]
    assert min(ours) > max(plain)
    assert min(ours) > 1.05 * max(random)


def test_a_seed_gives_the_same_points() -> None:
    one, same, other = (search(guided(seed, 3), 30, 3) for seed in (4, 4, 5))
    assert one == same
    assert one != other


def test_no_point_twice_and_an_end() -> None:
    space = Space((Gene("a", tuple(range(6))), Gene("b", (1, 2)), Gene("c", (1,)), Gene("d", (1, 2, 3))))
    found = search(guided(1, space=space), 100, batch=4)
    assert len(found) == len({one.genome for one in found}) == space.size
    assert [one.genome for one in found] == [
        one.genome for one in search(guided(1, space=space), 100, batch=4)
    ]


def test_batches_in_flight_and_points_that_fail() -> None:
    found = search_ahead(guided(3), 60, batch=6, in_flight=2, evaluate=failing)
    assert len(found) == len({one.genome for one in found}) == 60
    failed = [one.costs is None for one in found]
    assert sum(failed[:12]) >= 6  # three quarters of the space
    assert sum(failed[30:]) <= 6


def test_nothing_is_known_while_all_points_fail() -> None:
    found = search(guided(1), 40, evaluate=lambda genome, _: Toy(genome, None, math.inf))
    assert len(found) == 40


def test_a_bound_that_no_point_obeys_at_first() -> None:
    def evaluate(genome: tuple[int, ...], objectives: int) -> Toy:
        over = sum(genome) - 4.0
        return Toy(genome, toy(genome, objectives).costs, max(0.0, over), (over,))

    ours = search(guided(2), 70, evaluate=evaluate)
    plain = search(EvolutionSampler(SPACE, 2, seed=2, population=20), 70, evaluate=evaluate)
    assert all(one.violation > 0 for one in ours[:10])
    assert sum(one.violation == 0 for one in ours) > sum(one.violation == 0 for one in plain)


def test_a_population_larger_than_what_models_breed() -> None:
    sampler = GuidedSampler(SPACE, 2, seed=1, population=600, guided=1000)
    told = [toy(genome) for genome in RandomSampler(SPACE, 1).ask(500)]
    sampler._fresh.seen.update(one.genome for one in told)
    sampler.tell(told)
    sampler._surrogate.fit(told)
    assert len(sampler._bred()) > 100


def test_after_so_many_points_it_is_the_plain_evolution() -> None:
    sampler = guided(1, most=30)
    search(sampler, 40)
    plain: list[int] = []
    sampler._surrogate.fit = plain.append  # type: ignore[assignment, method-assign]
    assert len(sampler.ask(10)) == 10
    assert plain == []


def test_a_run_that_ends_within_a_batch_goes_on_alike() -> None:
    whole, cut = guided(6), guided(6)
    for sampler in (whole, cut):
        sampler.tell([toy(genome) for genome in sampler.ask(20)])
    assert cut.ask(7) == whole.ask(10)[:7]


@pytest.mark.parametrize("objectives", [1, 2, 3])
def test_predictions(objectives: int) -> None:
    """Of a smooth function: closer than its spread by far, known points exactly, and sure of both."""

    def evaluate(genome: tuple[int, ...]) -> Toy:
        a, b, c, d = (1.0 + gene for gene in genome)
        return Toy(genome, (a * b / c, c * d, a + d)[:objectives], max(0.0, d - 9.5), ((d - 9.5) / 9.5,))

    known = [evaluate(one.genome) for one in search(RandomSampler(SPACE, 1), 60)]
    others = [evaluate(one.genome) for one in search(RandomSampler(SPACE, 2), 100)]
    surrogate = Surrogate(SPACE, objectives)
    surrogate.fit(known)
    told = surrogate.predict([one.genome for one in others])
    columns = np.log([one.costs for one in known])
    truth = (np.log([one.costs for one in others]) - columns.mean(axis=0)) / columns.std(axis=0)
    error = told.means[:, :objectives] - truth
    assert np.sqrt((error**2).mean(axis=0)).max() < 0.1
    again = surrogate.predict([one.genome for one in known]).means[:, :objectives]
    assert np.abs(again - (columns - columns.mean(axis=0)) / columns.std(axis=0)).max() < 0.05
    right = (told.feasible >= 0.5) == np.array([one.violation == 0 for one in others])
    assert right.mean() > 0.95
    assert np.abs(told.violation[told.feasible < 0.5]).min() >= 0


def test_picks_are_what_adds_most() -> None:
    """Against a count of what each candidate truly adds, where predictions are nearly exact."""
    known = search(RandomSampler(SPACE, 3), 150)
    surrogate = Surrogate(SPACE, 2)
    surrogate.fit(known)
    seen = {one.genome for one in known}
    candidates = [genome for genome in SPACE.every() if genome not in seen and genome[3] == 0][::7]
    best, *_ = surrogate.picks(candidates, 1)

    def adds(genome: tuple[int, ...]) -> float:
        return volume([*known, toy(genome)])

    ranked = sorted(candidates, key=adds)
    assert candidates[best] in ranked[-5:]
