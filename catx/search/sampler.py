"""What proposes genomes: the protocol, genomes that no one proposed yet, random ones, and all of them."""

import random
from collections.abc import Sequence
from itertools import islice
from typing import Protocol, runtime_checkable

from catx.search.operators import mutated
from catx.search.space import DesignSpace, Genome, Space

TRIES = 50
"""Mutations of a child that was proposed before, until it is a new one."""


class Result(Protocol):
    """A genome that was evaluated; without costs where that failed."""

    @property
    def genome(self) -> Genome:
        """Which point it is."""
        ...

    @property
    def costs(self) -> tuple[float, ...] | None:
        """Values of the objectives, each so that less is better."""
        ...

    @property
    def violation(self) -> float:
        """Of constraints, 0 where it obeys all of them."""
        ...

    @property
    def excesses(self) -> tuple[float, ...]:
        """Share of its bound by which each constraint is passed, below 0 if it is obeyed; () if it failed."""
        ...


class Sampler(Protocol):
    """Proposes genomes; told results in the order in which it proposed them."""

    def ask(self, count: int) -> list[Genome]:
        """Up to so many genomes that were not proposed before; none where there are no more.

        Those of a smaller count are the first ones of a larger: a run may end within a batch, and go on.
        """
        ...

    def tell(self, results: Sequence[Result]) -> None:
        """Learn what became of genomes."""
        ...


@runtime_checkable
class Revisable(Protocol):
    """A sampler that can be told that costs of points were predicted, and are others now."""

    def revise(self, results: Sequence[Result], best: Sequence[Result]) -> None:
        """Learn the costs of all results so far, and which of them are on the front now."""
        ...


class Fresh:
    """Genomes that no one has proposed yet.

    Args:
        space: of genomes.
        generator: of random choices.
    """

    def __init__(self, space: Space, generator: random.Random) -> None:
        self.space, self.generator = space, generator
        self.seen: set[Genome] = set()

    @property
    def left(self) -> int:
        """How many there are."""
        return self.space.size - len(self.seen)

    def take(self, genome: Genome) -> Genome | None:
        """The genome, or one near it that is new; None where tries did not find one."""
        for _ in range(TRIES):
            if genome not in self.seen:
                self.seen.add(genome)
                return genome
            genome = mutated(self.space, genome, self.generator)
        return self.any()

    def any(self) -> Genome | None:
        """A random new genome; None where there are none."""
        if self.left <= 0:
            return None
        for _ in range(TRIES):
            genome = self.space.random(self.generator)
            if genome not in self.seen:
                self.seen.add(genome)
                return genome
        rest = [genome for genome in self.space.every() if genome not in self.seen] if self.is_small else []
        if not rest:
            return None
        genome = self.generator.choice(rest)
        self.seen.add(genome)
        return genome

    @property
    def is_small(self) -> bool:
        """Whether all genomes can be listed."""
        return self.space.size <= 10**6


class RandomSampler:
    """Random genomes, each once."""

    def __init__(self, space: Space, seed: int, first: Sequence[Genome] = ()) -> None:
        self._fresh = Fresh(space, random.Random(seed))
        self._first = list(first)

    def ask(self, count: int) -> list[Genome]:
        """See `Sampler`."""
        found: list[Genome] = []
        while len(found) < count:
            genome = self._fresh.take(self._first.pop(0)) if self._first else self._fresh.any()
            if genome is None:
                break
            found.append(genome)
        return found

    def tell(self, results: Sequence[Result]) -> None:
        """Nothing is learned."""


class GridSampler:
    """All genomes in their order."""

    def __init__(self, space: DesignSpace) -> None:
        self._left = space.every()

    def ask(self, count: int) -> list[Genome]:
        """See `Sampler`."""
        return list(islice(self._left, count))

    def tell(self, results: Sequence[Result]) -> None:
        """Nothing is learned."""
