"""Bounds of ranges of unrollings hold for each of them."""

from random import Random

import numpy as np
import pytest

from catx.mapper import promise_kernel, roots_kernel
from catx.mapper.forest import Forest
from catx.mapper.limits import limits_of
from tests.mapper.test_map_einsum import CASES, machine
from tests.oracle.small_problems import small_problem

SAME = 1 + 1e-9


def _forest(name: str | int) -> Forest:
    if isinstance(name, int):
        problem = small_problem(name)
        einsum, accelerator = problem.einsum, problem.accelerator
    else:
        einsum, accelerator = CASES[name], machine()
    return Forest(einsum, accelerator, limits_of(einsum, accelerator, ()))


def _bound(forest: Forest, roots, factors: list[int], last: int) -> tuple[float, float]:
    roots["factor"][: len(factors)], roots["last"] = factors, last
    args = forest.bench, forest.tree, forest.frames, roots, len(factors)
    energy, time = roots_kernel.bound_places(*args)
    least = roots_kernel.least_time(forest.bench, forest.tree, roots, len(factors))
    return energy, max(time, least)


@pytest.mark.parametrize("name", [*CASES, *range(60)])
def test_bounds_of_a_range_hold_for_its_factors_and_for_what_may_follow(name: str | int) -> None:
    forest, random = _forest(name), Random(str(name))
    places = np.argwhere(forest.allowed)
    if not len(places):
        return
    roots = np.zeros(1, roots_kernel.ROOTS)[0]
    roots["place"][: len(places)], roots["n_places"], roots["slack"] = places, len(places), np.inf
    for kept in forest.keeps:
        promise_kernel.put_kept(forest.bench, forest.tree, kept)
        for _ in range(30):
            factors: list[int] = []
            for place in range(len(places)):
                roots["factor"][:place] = factors
                most = roots_kernel.room(forest.bench, forest.tree, roots, place)
                if most < 1:
                    break
                first, chosen, last = sorted(random.randint(1, most) for _ in range(3))
                of_range = _bound(forest, roots, [*factors, first], last)
                factors.append(chosen)
                one = _bound(forest, roots, factors, chosen)
                assert of_range[0] <= one[0] * SAME
                assert of_range[1] <= one[1] * SAME
                more = 0
                if place + 1 < len(places):
                    more = roots_kernel.room(forest.bench, forest.tree, roots, place + 1)
                if more > 0:
                    then = random.randint(1, more)
                    complete = _bound(forest, roots, [*factors, then], then)
                    assert one[0] <= complete[0] * SAME
                    assert one[1] <= complete[1] * SAME
