"""NSGA-II by pymoo, asked and told: its sampling, tournaments, crossover, mutation and survival."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from catx.extras import need
from catx.search.sampler import Fresh, Result
from catx.search.space import Genome, Space

_ETA = 3.0
"""How near children of whole numbers stay to their parents: pymoo's guide on discrete variables uses 3."""


class PymooSampler:
    """pymoo's NSGA-II over indices of choices: simulated binary crossover and polynomial mutation, rounded.

    Constraints are pymoo's own: a feasible point beats an infeasible one, and of two infeasible ones the one
    that violates less. Results join the population as they come. What pymoo breeds is never a genome that
    was proposed before; where it finds no other, random ones take its place.

    Args:
        space: of genomes.
        objectives: how many there are.
        seed: of everything random.
        population: that survival leaves.
        crossover: share of pairs of parents that are crossed over.
        first: genomes to begin with.
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
    ) -> None:
        need("pymoo", "pymoo")
        self._fresh = Fresh(space, random.Random(seed))
        self._algorithm = _nsga2(space, objectives, seed, population, crossover, self._fresh)
        self._first = [*first, *_genomes(self._algorithm.ask())]

    def ask(self, count: int) -> list[Genome]:
        """See `Sampler`: the first population is given and random, all others are children."""
        found: list[Genome] = []
        while self._first and len(found) < count:
            found += self._new(self._first.pop(0))
        while len(found) < count and (children := self._children()):
            found += [one for child in children[: count - len(found)] for one in self._new(child)]
        while len(found) < count and (any_one := self._fresh.any()) is not None:
            found.append(any_one)
        return found

    def tell(self, results: Sequence[Result]) -> None:
        """See `Sampler`: results join the population; points that failed have no place in it."""
        from pymoo.core.population import Population

        told = [result for result in results if result.costs is not None]
        if not told:
            return
        self._algorithm.tell(
            infills=Population.new(
                X=np.array([result.genome for result in told]),
                F=np.array([result.costs for result in told], float),
                G=np.array([[result.violation] for result in told], float),
            )
        )

    @property
    def population(self) -> list[Genome]:
        """Who survived."""
        return _genomes(self._algorithm.pop)

    def _children(self) -> list[Genome]:
        """New children, as many as the population has whatever the count: a batch cut short begins alike."""
        if not self._algorithm.is_initialized or len(self._algorithm.pop) < 2:
            return []
        children = self._algorithm.ask()
        # where pymoo finds no new children it wants to end; it may find some when more is told
        self._algorithm.termination.force_termination = False
        return [] if children is None else _genomes(children)

    def _new(self, genome: Genome) -> list[Genome]:
        """The genome, or one near it that is new; none where there are none."""
        taken = self._fresh.take(genome)
        return [] if taken is None else [taken]


def _genomes(population: Any) -> list[Genome]:
    return [tuple(int(at) for at in one.X) for one in population]


def _nsga2(space: Space, objectives: int, seed: int, population: int, crossover: float, fresh: Fresh) -> Any:
    """The algorithm, set up on indices of choices; `fresh` tells which genomes are no longer new."""
    from pymoo.algorithms.moo.nsga2 import NSGA2
    from pymoo.config import Config
    from pymoo.core.duplicate import DefaultDuplicateElimination
    from pymoo.core.problem import Problem
    from pymoo.core.termination import NoTermination
    from pymoo.operators.crossover.sbx import SBX
    from pymoo.operators.mutation.pm import PM
    from pymoo.operators.repair.rounding import RoundingRepair
    from pymoo.operators.sampling.rnd import IntegerRandomSampling

    class Unseen(DefaultDuplicateElimination):  # type: ignore[misc]  # pymoo has no types
        """Leaves out who was proposed before, besides equal ones."""

        def _do(self, pop: Any, other: Any, is_duplicate: Any) -> Any:
            seen = np.array([genome in fresh.seen for genome in _genomes(pop)], bool)
            return super()._do(pop, other, is_duplicate) | seen

    last = [len(gene.values) - 1 for gene in space.genes]
    free = sum(at > 0 for at in last)
    problem = Problem(
        n_var=len(last), n_obj=objectives, n_ieq_constr=1, xl=np.zeros(len(last), int), xu=np.array(last)
    )
    hints, Config.warnings = Config.warnings, {"not_compiled": False}  # else it prints a hint on the terminal
    algorithm = NSGA2(
        pop_size=population,
        sampling=IntegerRandomSampling(),
        crossover=SBX(prob=crossover, eta=_ETA, vtype=float, repair=RoundingRepair()),
        mutation=PM(prob=1.0, prob_var=1.0 / max(free, 2), eta=_ETA, vtype=float, repair=RoundingRepair()),
        eliminate_duplicates=Unseen(),
    )
    Config.warnings = hints
    algorithm.setup(problem, termination=NoTermination(), seed=seed)
    return algorithm
