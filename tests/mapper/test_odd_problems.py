"""Searches and proofs of odd einsums on odd machines, with constraints or without, beside all nests."""

from collections.abc import Iterator
from itertools import count, islice
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from catx.ir.constraints import Constraints
from tests.mapper.fronts import Cost, check_all, costs_of, obeying_front
from tests.oracle.enumerate_nests import exhaustive_front
from tests.oracle.loop_runs import TooManyNestsError
from tests.oracle.odd_problems import odd_problem
from tests.oracle.random_constraints import random_constraints
from tests.oracle.small_problems import Problem, small_problem, solved_problems


def _constrained(first_seed: int, limit: int) -> Iterator[tuple[Problem, list[Cost], Constraints]]:
    """Odd problems of consecutive seeds with constraints, and the exact fronts of what obeys them."""
    for seed in count(first_seed):
        problem, random = odd_problem(seed), Random(f"constraints {seed}")
        constraints = random_constraints(problem, random, orders=random.random() < 0.5)
        try:
            exact = obeying_front(problem, constraints, limit=limit)
        except TooManyNestsError:
            continue
        yield problem, exact, constraints


def _check_free(first_seed: int, n: int, limit: int) -> int:
    """How many problems have points that are left out."""
    problems = islice(solved_problems(first_seed, limit=limit, make=odd_problem), n)
    return [check_all(problem, costs_of(exact)) for problem, exact in problems].count(False)


def _check_constrained(first_seed: int, n: int, limit: int) -> int:
    """How many problems have points that are left out."""
    return [check_all(*one) for one in islice(_constrained(first_seed, limit), n)].count(False)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**9), odd=st.booleans())
def test_any_problem(seed: int, odd: bool) -> None:
    problem = odd_problem(seed) if odd else small_problem(seed)
    try:
        exact = exhaustive_front(problem.einsum, problem.accelerator, limit=3_000)
    except TooManyNestsError:
        assume(False)
        raise
    assert check_all(problem, costs_of(exact))


def test_odd_problems() -> None:
    assert _check_free(0, 150, limit=3_000) == 0


def test_odd_problems_with_constraints() -> None:
    assert _check_constrained(0, 100, limit=2_000) == 0


@pytest.mark.slow
@pytest.mark.parametrize("block", range(6))
def test_many_odd_problems(block: int) -> None:
    assert _check_free(10_000 + 1_000 * block, 250, limit=30_000) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("block", range(6))
def test_many_odd_problems_with_constraints(block: int) -> None:
    assert _check_constrained(10_000 + 1_000 * block, 250, limit=15_000) <= 1
