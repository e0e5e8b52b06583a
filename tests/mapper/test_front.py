"""The joint choice over ops equals trying every combination."""

from itertools import product
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from catx.mapper.front import Options, least_product

cost = st.tuples(st.integers(1, 50), st.integers(1, 50))
options_of_one = st.lists(cost, min_size=1, max_size=4)


def _product(choices: list[Options], picked: tuple[int, ...] | list[int]) -> float:
    energy = sum(options[i][0] for options, i in zip(choices, picked, strict=True))
    return energy * sum(options[i][1] for options, i in zip(choices, picked, strict=True))


@settings(max_examples=500, deadline=None)
@given(choices=st.lists(options_of_one, min_size=1, max_size=5))
def test_least_product_equals_brute_force(choices: list[Options]) -> None:
    best = inf
    for picked in product(*(range(len(options)) for options in choices)):
        best = min(best, _product(choices, picked))
    assert _product(choices, least_product(choices)) == best


def test_the_best_of_all_is_not_the_best_of_each() -> None:
    choices = [[(1.0, 100.0), (50.0, 3.0)], [(1000.0, 1.0)]]
    assert min((0, 1), key=lambda i: choices[0][i][0] * choices[0][i][1]) == 0
    assert least_product(choices) == [1, 0]
