"""Bayesian optimization (qNEHVI): points that promise the most hypervolume by models of all others."""

import random
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from catx.errors import OptionError
from catx.extras import need
from catx.search.pareto import front_of
from catx.search.sampler import Fresh, Result
from catx.search.space import Genome, Space

MOST_EVALUATIONS = 2000
"""Of a study: what a batch takes grows with the cube of those that are known."""

COMPARED = 1024
"""Genomes of which a batch is chosen: all that are left, or neighbours of the front and random ones."""

_LEAST_VIOLATING = 10
"""Points whose neighbours are looked at while none is feasible."""


class QnehviSampler:
    """Noisy expected hypervolume improvement over genomes, as in CATransformers' paper.

    Begins with points of a Sobol sequence. Then a Gaussian process is fitted to each objective and to each
    constraint, over all points that are known, and a batch is chosen one by one: each point is the one that
    promises the most hypervolume besides those that are chosen or not told yet. Where no point is feasible
    yet, it is the one that most probably is. Where points failed, that is one more constraint.

    Args:
        space: of genomes.
        seed: of everything random.
        evaluations: that are wanted at most.
        start: points of the Sobol sequence; None takes twice the number of genes that vary, and two.
        first: genomes to begin with, before these.

    Raises:
        ExtraError: BoTorch is not installed.
        OptionError: more evaluations are wanted than can be fitted.
    """

    def __init__(
        self,
        space: Space,
        *,
        seed: int,
        evaluations: int,
        start: int | None = None,
        first: Sequence[Genome] = (),
    ) -> None:
        need("botorch", "botorch")
        if min(evaluations, space.size) > MOST_EVALUATIONS:
            raise OptionError(
                f"qnehvi fits all evaluations for each batch: {MOST_EVALUATIONS} at most, not {evaluations}",
                hint="ask for fewer evaluations, or take nsga2, nsga3 or pymoo",
            )
        self.space, self._seed = space, seed
        self._generator = random.Random(seed)
        self._fresh = Fresh(space, self._generator)
        self._first = list(first)
        self._free = [at for at, gene in enumerate(space.genes) if len(gene.values) > 1]
        self._start = 2 * (len(self._free) + 1) if start is None else start
        self._asked = 0
        self._sobol = self._sobol_genomes()
        self._told: list[Result] = []
        self._pending: dict[Genome, None] = {}

    def ask(self, count: int) -> list[Genome]:
        """See `Sampler`: given and Sobol points, then those that promise the most."""
        count = min(count, self._fresh.left)
        found: list[Genome] = []
        while len(found) < count and (self._first or not self._has_data):
            genome = self._fresh.take(self._first.pop(0) if self._first else next(self._sobol))
            if genome is None:
                break
            self._propose(genome, found)
        if len(found) < count and self._has_data:
            for genome in self._promising(count - len(found)):
                self._fresh.seen.add(genome)
                self._propose(genome, found)
        return found

    def tell(self, results: Sequence[Result]) -> None:
        """See `Sampler`: all results are kept, and fitted when the next batch is asked for."""
        for result in results:
            self._pending.pop(result.genome, None)
        self._told += results

    def _propose(self, genome: Genome, found: list[Genome]) -> None:
        found.append(genome)
        self._pending[genome] = None
        self._asked += 1

    @property
    def _has_data(self) -> bool:
        """Whether the start was proposed, and half of it has told something."""
        known = sum(result.costs is not None for result in self._told)
        return self._asked >= self._start and known >= max(2, self._start // 2)

    def _sobol_genomes(self) -> Iterator[Genome]:
        from torch.quasirandom import SobolEngine

        engine = SobolEngine(len(self.space.genes), scramble=True, seed=self._seed)
        sizes = [len(gene.values) for gene in self.space.genes]
        while True:
            drawn = engine.draw(1)[0].tolist()
            yield tuple(min(int(at * size), size - 1) for at, size in zip(drawn, sizes, strict=True))

    def _promising(self, count: int) -> list[Genome]:
        from catx.search.qnehvi_model import Known, promising

        known = [result for result in self._told if result.costs is not None]
        failed = [result for result in self._told if result.costs is None]
        pool = self._pool([result.genome for result in _best(known)])
        chosen = promising(
            Known(
                positions=self._positions([result.genome for result in known]),
                costs=np.array([result.costs for result in known], float),
                excesses=np.array([result.excesses for result in known], float),
                failed=self._positions([result.genome for result in failed]),
            ),
            min(count, len(pool)),
            pending=self._positions(list(self._pending)),
            pool=self._positions(pool),
            seed=self._generator.randrange(2**31),
        )
        return [pool[at] for at in chosen]

    def _pool(self, best: Sequence[Genome]) -> list[Genome]:
        """New genomes: all that are left where they are few, else neighbours of the best and random ones."""
        seen, space, size = self._fresh.seen, self.space, COMPARED
        if self._fresh.is_small and self._fresh.left <= size:
            return [genome for genome in space.every() if genome not in seen]
        near = list(dict.fromkeys(one for genome in best for one in self._neighbours(genome)))
        near = [genome for genome in near if genome not in seen]
        found = dict.fromkeys(self._generator.sample(near, min(len(near), size // 2)))
        while len(found) < size:
            genome = space.random(self._generator)
            if genome not in seen:
                found[genome] = None
        return list(found)

    def _neighbours(self, genome: Genome) -> Iterator[Genome]:
        """Genomes with another choice of one gene."""
        for at in self._free:
            for choice in range(len(self.space.genes[at].values)):
                yield (*genome[:at], choice, *genome[at + 1 :])

    def _positions(self, genomes: Sequence[Genome]) -> NDArray[np.float64]:
        """(genomes, genes that vary): 0 is the first choice of a gene, 1 its last."""
        rows = np.array([[genome[at] for at in self._free] for genome in genomes], int)
        columns = rows.reshape(len(genomes), len(self._free)).T
        scales = [np.linspace(0.0, 1.0, len(self.space.genes[at].values)) for at in self._free]
        return np.array([scale[column] for scale, column in zip(scales, columns, strict=True)]).T


def _best(known: Sequence[Result]) -> list[Result]:
    """The front; where no point is feasible, those that violate least."""
    feasible = [result for result in known if result.violation == 0.0]
    if not feasible:
        return sorted(known, key=lambda result: result.violation)[:_LEAST_VIOLATING]
    return [
        feasible[at] for at in front_of([result.costs for result in feasible if result.costs is not None])
    ]
