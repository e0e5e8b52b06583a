"""NSGA-II or NSGA-III whose children are bred on a surrogate: the most promising of many are evaluated."""

from collections.abc import Sequence
from dataclasses import dataclass

from catx.search.evolution import EvolutionSampler
from catx.search.sampler import Result
from catx.search.space import Genome, Space
from catx.search.surrogate import Surrogate

GENERATIONS, BROOD = 12, 40
"""Of the evolution on the surrogate, for each batch."""

LEAST = 1e-9
"""Violation of a genome that probably is infeasible, though its predictions obey all constraints."""

OPTIMISM = 1.0
"""Standard deviations by which that evolution takes predictions for better than they are."""


@dataclass(frozen=True, slots=True)
class _Guess:
    """What a surrogate says of a genome."""

    genome: Genome
    costs: tuple[float, ...]
    violation: float
    excesses: tuple[float, ...] = ()


class GuidedSampler(EvolutionSampler):
    """An evolution that is guided while few points are known, and goes on by itself after that.

    For each batch, models are fitted to all that is known, a second evolution runs on their predictions, and
    of all that it met the batch is taken that promises the most hypervolume.

    Args:
        space: of genomes.
        objectives: how many there are.
        seed: of everything random.
        population: that selection leaves.
        guided: points up to which children are ranked by models.
        crossover: share of children that have two parents.
        first: genomes to begin with.
        method: "nsga2" or "nsga3".
    """

    def __init__(
        self,
        space: Space,
        objectives: int,
        *,
        seed: int,
        population: int,
        guided: int,
        crossover: float = 0.9,
        first: Sequence[Genome] = (),
        method: str = "nsga2",
    ) -> None:
        varying = sum(len(gene.values) > 1 for gene in space.genes)
        super().__init__(
            space,
            objectives,
            seed=seed,
            population=population,
            crossover=crossover,
            first=first,
            method=method,
            start=min(population, 2 * (varying + 1)) if guided else population,
        )
        self._objectives, self._guided = objectives, guided
        self._surrogate = Surrogate(space, objectives)
        self._asked_for: dict[Genome, None] = {}
        self._told: dict[Genome, Result] = {}

    def ask(self, count: int) -> list[Genome]:
        """See `Sampler`."""
        found = super().ask(count)
        self._asked_for.update(dict.fromkeys(found))
        return found

    def tell(self, results: Sequence[Result]) -> None:
        """See `Sampler`."""
        super().tell(results)
        self._told.update((result.genome, result) for result in results)

    def revise(self, results: Sequence[Result], best: Sequence[Result]) -> None:
        """See `Revisable`."""
        super().revise(results, best)
        self._told.update((result.genome, result) for result in results)

    def children(self, count: int) -> list[Genome]:
        """New genomes: those that promise the most, and plain children where models are of no use."""
        known = sum(result.costs is not None for result in self._told.values())
        if known < 2 or len(self._told) >= self._guided or self._fresh.left <= 0:
            return super().children(count)
        from threadpoolctl import threadpool_limits

        pending = [genome for genome in self._asked_for if genome not in self._told]
        with threadpool_limits(1):  # sums of as many parts everywhere: a seed gives the same points
            self._surrogate.fit(list(self._told.values()))
            candidates = self._bred()
            picks = self._surrogate.picks(candidates, count, pending) if candidates else []
        found = [candidates[at] for at in picks]
        self._fresh.seen.update(found)
        return found + super().children(count - len(found))

    def _bred(self) -> list[Genome]:
        """Genomes that an evolution on the surrogate meets, and that no one has proposed yet."""
        from deap.tools import selNSGA2

        inner = EvolutionSampler(
            self.space,
            self._objectives,
            seed=self._generator.randrange(2**31),
            population=BROOD,
            crossover=self.crossover,
            first=[tuple(individual) for individual in selNSGA2(self.population, BROOD)],
        )
        met: dict[Genome, None] = {}
        for _ in range(GENERATIONS):
            genomes = inner.ask(BROOD)
            if not genomes:
                break
            inner.tell(self._guesses(genomes))
            met.update(dict.fromkeys(genome for genome in genomes if genome not in self._fresh.seen))
        return list(met)

    def _guesses(self, genomes: Sequence[Genome]) -> list[_Guess]:
        told = self._surrogate.predict(genomes)
        hoped = told.means - OPTIMISM * told.deviations
        return [
            _Guess(genome, tuple(costs[: self._objectives]), 0.0 if chance >= 0.5 else violation + LEAST)
            for genome, costs, chance, violation in zip(
                genomes, hoped.tolist(), told.feasible.tolist(), told.violation.tolist(), strict=True
            )
        ]
