"""Budgets: what is read, what is refused, and what a budget of time finds."""

import doctest

import pytest

from catx.errors import OptionError
from catx.mapper import options
from catx.mapper.options import Seconds, parse_budget
from catx.mapper.tree_search import search_front
from tests.mapper.test_exact_search import ENOUGH
from tests.oracle.small_problems import small_problem


def test_examples() -> None:
    assert doctest.testmod(options).failed == 0


@pytest.mark.parametrize(
    ("value", "budget"),
    [(0, 0), ("0", 0), ("1_000", 1000), ("20,000", 20_000), ("2 s", Seconds(2.0)), ("500ms", Seconds(0.5))],
)
def test_what_is_read(value: object, budget: object) -> None:
    assert parse_budget(value) == budget


@pytest.mark.parametrize("value", [-1, 10**13, True, 1.5, None, "", "2x", "-1 s", "0 s", "40000000 s", "1e3"])
def test_what_is_refused(value: object) -> None:
    with pytest.raises(OptionError, match="mapper budget"):
        parse_budget(value)


@pytest.mark.parametrize("seed", [0, 5, 10])
def test_time_enough_proves_the_same_front(seed: int) -> None:
    problem = small_problem(seed, tiny=True)
    timed = search_front(problem.einsum, problem.accelerator, Seconds(20.0))
    counted = search_front(problem.einsum, problem.accelerator, ENOUGH)
    assert timed.left == counted.left == ()
    assert len(timed.mappings) == len(counted.mappings)
