"""Searches and proofs of odd einsums on odd machines, with constraints or without, beside all nests."""

from collections.abc import Iterator
from itertools import count, islice
from random import Random

import pytest

from catx.ir.constraints import Constraints
from tests.mapper.fronts import Cost, check_proofs, check_search, costs_of, obeying_front
from tests.oracle.loop_runs import TooManyNestsError
from tests.oracle.odd_problems import odd_problem
from tests.oracle.random_constraints import random_constraints
from tests.oracle.small_problems import Problem, solved_problems


def _constrained(first_seed: int, limit: int) -> Iterator[tuple[Problem, list[Cost], Constraints]]:
    """Odd problems of consecutive seeds with constraints, and the exact fronts of what obeys them."""
    for seed in count(first_seed):
        problem, random = odd_problem(seed), Random(f"constraints {seed}")
        constraints = random_constraints(problem, random, orders=random.random() < 0.5)
        try:
            exact = obeying_front(problem, constraints, limit)
        except TooManyNestsError:
            continue
        yield problem, exact, constraints


def _check_free(first_seed: int, n: int, limit: int) -> None:
    for problem, exact in islice(solved_problems(first_seed, limit=limit, make=odd_problem), n):
        costs = costs_of(exact)
        if check_search(problem, costs):
            check_proofs(problem, costs)


def _check_constrained(first_seed: int, n: int, limit: int) -> None:
    for problem, exact, constraints in islice(_constrained(first_seed, limit), n):
        if check_search(problem, exact, constraints):
            check_proofs(problem, exact, constraints)


def test_odd_problems() -> None:
    _check_free(0, 150, limit=3_000)


def test_odd_problems_with_constraints() -> None:
    _check_constrained(0, 100, limit=2_000)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(6))
def test_many_odd_problems(block: int) -> None:
    _check_free(10_000 + 1_000 * block, 250, limit=30_000)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(6))
def test_many_odd_problems_with_constraints(block: int) -> None:
    _check_constrained(10_000 + 1_000 * block, 250, limit=15_000)
