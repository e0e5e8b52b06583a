"""NSGA-II and NSGA-III over genomes, by DEAP: selection, crossover, mutation, with Deb's constraint rule."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from catx.extras import need
from catx.search.operators import MUTATIONS, AdaptiveMutations, mutated
from catx.search.sampler import Fresh, Result
from catx.search.space import Genome, Space

DIVISIONS = {2: 24, 3: 12, 4: 8}
"""Of NSGA-III's reference points, by objectives; 5 where there are more."""


class EvolutionSampler:
    """A population that results join as they come; children of tournaments, crossed over and mutated.

    Args:
        space: of genomes.
        objectives: how many there are: NSGA-II's selection for one or two, NSGA-III's for more.
        seed: of everything random.
        population: that selection leaves.
        crossover: share of children that have two parents.
        first: genomes to begin with.
        method: "nsga2" or "nsga3".
        start: genomes that are given or random, before there are children; None takes `population`.
    """

    def __init__(
        self,
        space: Space,
        objectives: int,
        *,
        seed: int,
        population: int,
        crossover: float = 0.9,
        first: Sequence[Genome] = (),
        method: str = "nsga2",
        start: int | None = None,
    ) -> None:
        need("search", "deap")
        from deap import tools

        self.space, self.population_size, self.crossover = space, population, crossover
        self._start = population if start is None else start
        self._generator = random.Random(seed)
        self._fresh = Fresh(space, self._generator)
        self._first = list(first)
        self._individual = _individual_class(objectives)
        self.population: list[Any] = []
        if method == "nsga3":
            divisions = DIVISIONS.get(objectives, 5)
            points = tools.uniform_reference_points(objectives, divisions)
            self._select = lambda pool, k: tools.selNSGA3(pool, k, points, nd="standard")
        else:
            self._select = tools.selNSGA2
        self._mutations = AdaptiveMutations()
        self._asked = 0

    def ask(self, count: int) -> list[Genome]:
        """See `Sampler`: the first genomes are given and random, all others are children."""
        found: list[Genome] = []
        while len(found) < count:
            if self._first:
                genome = self._fresh.take(self._first.pop(0))
            elif self._asked + len(found) < self._start or len(self.population) < 2:
                genome = self._fresh.any()
            else:
                found += self.children(count - len(found))
                break
            if genome is None:
                break
            found.append(genome)
        self._asked += len(found)
        return found

    def children(self, count: int) -> list[Genome]:
        """New genomes, up to so many, of parents in the population."""
        found: list[Genome] = []
        while len(found) < count:
            which = self._mutations.choose(self._generator)
            genome = self._fresh.take(self._child(which))
            if genome is None:
                break
            self._mutations.made(genome, which)
            found.append(genome)
        return found

    def tell(self, results: Sequence[Result]) -> None:
        """See `Sampler`: results join the population, of which the best stay."""
        for result in results:
            if result.costs is None:
                continue  # a point that failed has no place in a population
            individual = self._individual(result.genome)
            individual.fitness.enter(result.costs, result.violation)
            self.population.append(individual)
        if len(self.population) > self.population_size:
            with _numpy_seed(self._generator.randrange(2**32)):
                self.population = self._select(self.population, self.population_size)
        alive = {tuple(individual) for individual in self.population}
        self._mutations.learn([result.genome for result in results], alive)
        self._rank()

    def revise(self, results: Sequence[Result], best: Sequence[Result]) -> None:
        """See `Revisable`: the population has the new costs, and what is on the front now joins it."""
        there = {tuple(individual) for individual in self.population}
        joining = {result.genome for result in best}
        self.population = []
        self.tell([result for result in results if result.genome in there | joining])

    def _rank(self) -> None:
        """Crowding distances within fronts, which tournaments ask for."""
        from deap.tools import emo

        for front in emo.sortNondominated(self.population, len(self.population)):
            emo.assignCrowdingDist(front)

    def _child(self, which: int) -> Genome:
        one, other = self._tournament(), self._tournament()
        child = list(one)
        if self._generator.random() < self.crossover:
            child = [self._generator.choice(pair) for pair in zip(one, other, strict=True)]
        return mutated(self.space, tuple(child), self._generator, MUTATIONS[which])

    def _tournament(self) -> Any:
        one, other = self._generator.sample(self.population, 2)
        if one.fitness.dominates(other.fitness):
            return one
        if other.fitness.dominates(one.fitness):
            return other
        return one if one.fitness.crowding_dist >= other.fitness.crowding_dist else other


def _individual_class(objectives: int) -> type[Any]:
    """Genomes with a fitness of so many objectives, each to be small, by Deb's rule of constraints."""
    from deap import base

    class Fitness(base.Fitness):  # type: ignore[misc]  # deap has no types
        """A feasible point beats an infeasible one, and of infeasible ones the one that violates less."""

        weights = (-1.0,) * objectives
        violation = 0.0
        crowding_dist = 0.0

        def enter(self, costs: tuple[float, ...], violation: float) -> None:
            self.values, self.violation = costs, violation

        def dominates(self, other: Any, obj: slice = slice(None)) -> bool:
            if self.violation != other.violation:
                return bool(self.violation < other.violation)
            return bool(super().dominates(other, obj))

        def __hash__(self) -> int:
            return hash((self.wvalues, self.violation))

        def __eq__(self, other: object) -> bool:
            return (
                isinstance(other, Fitness)
                and self.wvalues == other.wvalues
                and self.violation == other.violation
            )

    class Individual(tuple):  # type: ignore[type-arg]
        """A genome and its fitness."""

        fitness: Fitness

        def __init__(self, genome: Genome) -> None:
            self.fitness = Fitness()

    return Individual


@contextmanager
def _numpy_seed(seed: int) -> Iterator[None]:
    """DEAP's NSGA-III draws from numpy's global generator: seed it here, and put it back afterwards."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
