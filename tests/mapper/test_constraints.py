"""Constraints shrink the mapspace, and the front of what is left is exact; conflicts are told."""

from dataclasses import replace
from random import Random

import pytest

from catx.errors import OptionError
from catx.ir.accelerator import Fanout, FanoutAxis
from catx.ir.constraints import Keep, Range, Unroll
from catx.mapper.tree_search import search_front
from tests.einsums import matmul
from tests.mapper.fronts import ENOUGH, check_plain, obeying_front
from tests.mapper.test_map_einsum import machine
from tests.oracle.loop_runs import TooManyNestsError
from tests.oracle.obeys import obeys
from tests.oracle.random_constraints import random_constraints
from tests.oracle.small_problems import small_problem


def _outcome(seed: int, *, orders: bool, limit: int) -> str:
    """What was found is right, and it is: all of the front, nothing as nothing obeys, or no front at all.

    `left out`: points of nests that are no part of the mapspace (docs/mapper.md); `many` nests: not compared.
    """
    problem = small_problem(seed, tiny=True)
    constraints = random_constraints(problem, Random(seed), orders=orders)
    try:
        exact = obeying_front(problem, constraints, limit=limit)
    except TooManyNestsError:
        return "many"
    if check_plain(problem, exact, constraints) != exact:
        return "left out"
    return "exact" if exact else "nothing"


@pytest.mark.parametrize("orders", [False, True])
def test_constrained_fronts_are_those_of_all_nests_that_obey(orders: bool) -> None:
    results = [_outcome(seed, orders=orders, limit=6_000) for seed in range(120)]
    assert results.count("exact") > 30
    assert results.count("nothing") > 1
    assert results.count("left out") == 0


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
@pytest.mark.parametrize("orders", [False, True])
def test_constrained_fronts_of_many_problems(orders: bool, block: int) -> None:
    seeds = range(1000 * block, 1000 * block + 300)
    results = [_outcome(seed, orders=orders, limit=20_000) for seed in seeds]
    assert results.count("exact") > 60
    assert results.count("left out") <= 1


def test_factors_of_one_dim_along_two_axes_are_met_in_any_order() -> None:
    axes = (FanoutAxis(name="x", size=3), FanoutAxis(name="y", size=3))
    levels = tuple(
        Fanout(name="array", axes=axes) if isinstance(level, Fanout) else level for level in machine().levels
    )
    chip = replace(machine(), levels=levels)
    for first, second in ((3, 2), (2, 3)):
        constraints = tuple(
            Unroll(fanout="array", axis=axis, dim="m", factor=Range(least=factor, most=factor))
            for axis, factor in (("x", first), ("y", second))
        )
        found = search_front(matmul(4, 4, 4), chip, ENOUGH, constraints)
        assert all(obeys(matmul(4, 4, 4), chip, mapping, constraints) for mapping in found.mappings)


@pytest.mark.parametrize("kept", [(True, False, True), (False, True, False)])
def test_what_is_kept_and_bypassed_conflicts_however_often_it_is_said(kept: tuple[bool, ...]) -> None:
    (memory, role) = next((m.name, role) for m in machine().memories for role in sorted(m.optional))
    said = tuple(Keep(memory=memory, role=role, kept=one) for one in kept)
    with pytest.raises(OptionError, match="no mapping obeys all of these"):
        search_front(matmul(4, 4, 4), machine(), ENOUGH, said)
