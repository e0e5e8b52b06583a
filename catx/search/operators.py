"""Mutations of an evolution, and how often each is used: those whose children survive are used more."""

import random
from collections.abc import Collection, Sequence

from catx.search.space import Genome, Space

FORGET = 0.9
"""Weight of what was learned before, by each new batch of results."""

LEAST = 0.1
"""Share of children that every mutation has at least."""


MIXED = 0.5
MUTATIONS = (1.0, 0.0)
"""Probabilities that a gene changes to a choice next to its own, instead of any other."""


def mutated(space: Space, genome: Genome, generator: random.Random, near: float = MIXED) -> Genome:
    """A genome with about one gene changed, to a choice next to its own with a probability of `near`."""
    free = [at for at, gene in enumerate(space.genes) if len(gene.values) > 1]
    if not free:
        return genome
    changed = list(genome)
    chosen = [at for at in free if generator.random() < 1.0 / len(free)] or [generator.choice(free)]
    for at in chosen:
        last = len(space.genes[at].values) - 1
        if generator.random() < near:
            steps = [step for step in (changed[at] - 1, changed[at] + 1) if 0 <= step <= last]
            changed[at] = generator.choice(steps)
        else:
            changed[at] = generator.choice([other for other in range(last + 1) if other != changed[at]])
    return tuple(changed)


class AdaptiveMutations:
    """Chooses among `MUTATIONS`, in proportion to the share of their children that survived of late."""

    def __init__(self) -> None:
        self._tried = [1.0] * len(MUTATIONS)
        self._survived = [0.5] * len(MUTATIONS)
        self._made: dict[Genome, int] = {}

    @property
    def shares(self) -> list[float]:
        """How often each mutation is used."""
        rates = [good / tried for good, tried in zip(self._survived, self._tried, strict=True)]
        whole, free = sum(rates), 1.0 - LEAST * len(rates)
        return [LEAST + free * (rate / whole if whole else 1.0 / len(rates)) for rate in rates]

    def choose(self, generator: random.Random) -> int:
        """Which mutation to use next."""
        return generator.choices(range(len(MUTATIONS)), self.shares)[0]

    def made(self, genome: Genome, which: int) -> None:
        """A child of a mutation was proposed."""
        self._made[genome] = which

    def learn(self, told: Sequence[Genome], alive: Collection[Genome]) -> None:
        """Count children of a batch of results, and those of them that selection left."""
        known = [(self._made.pop(genome), genome in alive) for genome in told if genome in self._made]
        if not known:
            return
        self._tried = [FORGET * (tried - 1.0) + 1.0 for tried in self._tried]
        self._survived = [FORGET * (good - 0.5) + 0.5 for good in self._survived]
        for which, survived in known:
            self._tried[which] += 1.0
            self._survived[which] += survived
