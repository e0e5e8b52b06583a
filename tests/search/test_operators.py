"""Mutations, and how often each is used."""

import random

import pytest

from catx.search.operators import LEAST, MUTATIONS, AdaptiveMutations, mutated
from catx.search.space import Gene, Genome, Space
from tests.search.toys import SPACE


@pytest.mark.parametrize("near", MUTATIONS)
def test_a_mutation_changes_a_gene_or_a_few(near: float) -> None:
    generator, genome = random.Random(1), (5, 0, 11, 6)
    steps = []
    for _ in range(500):
        other = mutated(SPACE, genome, generator, near)
        changed = [abs(one - two) for one, two in zip(genome, other, strict=True) if one != two]
        assert changed
        assert all(0 <= at < 12 for at in other)
        steps += changed
    assert (set(steps) == {1}) == (near == 1.0)
    assert 500 <= len(steps) < 800


def test_fixed_genes_stay() -> None:
    space = Space((Gene("a", (1,)), Gene("b", (1, 2))))
    assert mutated(space, (0, 0), random.Random(1)) == (0, 1)
    assert mutated(Space((Gene("a", (1,)),)), (0,), random.Random(1)) == (0,)


def test_mutations_whose_children_survive_are_used_more() -> None:
    generator, mutations = random.Random(1), AdaptiveMutations()
    assert mutations.shares == pytest.approx([0.5, 0.5])
    for batch in range(10):
        children: list[Genome] = []
        for at in range(20):
            genome, which = (batch, at), mutations.choose(generator)
            mutations.made(genome, which)
            children.append(genome)
        good = {genome for genome in children if mutations._made[genome] == 0}
        mutations.learn(children, good)
    assert mutations.shares[0] > 0.8
    assert min(mutations.shares) >= LEAST
    assert sum(mutations.shares) == pytest.approx(1.0)
    for batch in range(10, 40):  # and what was learned is forgotten
        mutations.made((batch, 0), 1)
        mutations.learn([(batch, 0)], {(batch, 0)})
        mutations.made((batch, 1), 0)
        mutations.learn([(batch, 1)], set())
    assert mutations.shares[1] > 0.8


def test_points_that_no_mutation_made_teach_nothing() -> None:
    mutations = AdaptiveMutations()
    mutations.learn([(1, 2)], set())
    assert mutations.shares == pytest.approx([0.5, 0.5])
