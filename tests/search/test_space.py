import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catx.errors import OptionError
from catx.search.space import Gene, Space

SPACE = Space((Gene("a", (1, 2, 4)), Gene("b", ("x", "y")), Gene("c", (0.5,))))


def test_every_genome_once() -> None:
    every = list(SPACE.every())
    assert len(every) == len(set(every)) == SPACE.size == 6
    assert all(SPACE.genome(SPACE.values(genome)) == genome for genome in every)
    assert SPACE.values((2, 1, 0)) == {"a": 4, "b": "y", "c": 0.5}


@given(st.integers(0, 2**32))
def test_random_genomes_are_of_the_space(seed: int) -> None:
    assert SPACE.random(random.Random(seed)) in set(SPACE.every())


def test_corners() -> None:
    assert SPACE.corners("x") == [(2, 1, 0)]
    assert SPACE.corners("a") == [(2, 1, 0), (0, 1, 0), (1, 1, 0)]
    assert SPACE.corners("") == [(2, 1, 0), (0, 0, 0), (1, 0, 0), (0, 1, 0), (2, 0, 0)]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a": 3, "b": "x", "c": 0.5}, "a: 3 is none of its values 1, 2, 4"),
        ({"a": 1, "c": 0.5}, "b: no value is given"),
        ({"a": 1, "b": "x", "c": 0.5, "d": 1}, "no gene 'd'"),
    ],
)
def test_values_of_no_genome(values: dict[str, int | float | str], message: str) -> None:
    with pytest.raises(OptionError, match=re.escape(message)):
        SPACE.genome(values)


def test_genes_that_cannot_be() -> None:
    with pytest.raises(OptionError, match="a: no value to choose from"):
        Gene("a", ())
    with pytest.raises(OptionError, match="a: 1 stands twice"):
        Gene("a", (1, 2, 1))
    with pytest.raises(OptionError, match="two genes are called a"):
        Space((Gene("a", (1,)), Gene("a", (2,))))
