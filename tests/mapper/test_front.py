"""The joint choice over ops equals trying every combination."""

from itertools import product
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from catx.mapper.front import Choice, least_product

cost = st.tuples(st.integers(1, 50), st.integers(1, 50))
choice = st.builds(Choice, st.integers(1, 5), st.lists(cost, min_size=1, max_size=4))


def _product(choices: list[Choice], options: tuple[int, ...] | list[int]) -> float:
    energy = sum(c.count * c.options[i][0] for c, i in zip(choices, options, strict=True))
    return energy * sum(c.count * c.options[i][1] for c, i in zip(choices, options, strict=True))


@settings(max_examples=500, deadline=None)
@given(choices=st.lists(choice, min_size=1, max_size=5))
def test_least_product_equals_brute_force(choices: list[Choice]) -> None:
    best = inf
    for options in product(*(range(len(choice.options)) for choice in choices)):
        best = min(best, _product(choices, options))
    assert _product(choices, least_product(choices)) == best


def test_the_best_of_all_is_not_the_best_of_each() -> None:
    choices = [Choice(1, [(1.0, 100.0), (50.0, 3.0)]), Choice(1, [(1000.0, 1.0)])]
    assert min((0, 1), key=lambda i: choices[0].options[i][0] * choices[0].options[i][1]) == 0
    assert least_product(choices) == [1, 0]
