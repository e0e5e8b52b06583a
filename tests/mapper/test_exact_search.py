"""With budget enough the mapper's front is that of all nests, point for point; with less its bounds hold."""

from itertools import islice

import pytest

from catx.errors import MappingError
from catx.mapper import records
from catx.mapper.forest import Forest
from catx.mapper.limits import limits_of
from catx.mapper.tree_search import Found, search_front
from tests.mapper.fronts import ENOUGH, SAME, Cost, check_search, cost_of, costs_of, reached
from tests.oracle.small_problems import Problem, small_problem, solved_problems


def _search(problem: Problem, budget: int) -> tuple[list[Cost], tuple[Cost, ...]]:
    """Costs of the front, and bounds of what is left."""
    try:
        found: Found = search_front(problem.einsum, problem.accelerator, budget)
    except MappingError:
        return [], ()
    return [cost_of(problem, mapping) for mapping in found.mappings], found.left


def test_fronts_of_tiny_problems_are_those_of_all_nests() -> None:
    for problem, exact in islice(solved_problems(0, limit=3_000, tiny=True), 150):
        check_search(problem, costs_of(exact))


@pytest.mark.parametrize("seed", [10, 25, 56, 62, 227, 443, 499, 558, 1133, 10084, 10133, 18082])
def test_fronts_that_a_wrong_rule_or_bound_once_missed(seed: int) -> None:
    problem, exact = next(solved_problems(seed, limit=300_000))
    assert problem.seed == seed
    check_search(problem, costs_of(exact))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(12))
def test_fronts_of_a_thousand_small_problems_are_those_of_all_nests(block: int) -> None:
    for problem, exact in islice(solved_problems(10_000 + 1_000 * block, limit=100_000), 100):
        check_search(problem, costs_of(exact))


@pytest.mark.parametrize("budget", [0, 30, 300])
def test_what_a_budget_leaves_is_bounded(budget: int) -> None:
    some_left = False
    for seed in range(40):
        problem = small_problem(seed)
        whole, _ = _search(problem, ENOUGH)
        forest = Forest(
            problem.einsum, problem.accelerator, limits_of(problem.einsum, problem.accelerator, ())
        )
        forest.settle(budget)
        some_left = some_left or bool(forest.left)
        known = [(energy / SAME, time / SAME) for energy, time in forest.known]
        for cost in whole:
            assert reached(cost, known), (problem, budget)
    assert some_left


def test_fronts_with_little_room_say_what_they_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "MAX_FRONT", 2)
    crowded = 0
    for problem, exact in islice(solved_problems(20_000, limit=20_000), 60):
        mine, left = _search(problem, ENOUGH)
        assert len(mine) <= 2
        crowded += len(exact) > 2
        for energy, time, _ in exact:
            known = mine + [(energy / SAME, time / SAME) for energy, time in left]
            assert reached((energy, time), known), problem
    assert crowded > 2
