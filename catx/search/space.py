"""The space of a study: named genes with ordered choices; a design point takes one choice of each."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Protocol

from catx.errors import OptionError
from catx.names import nearest

MODEL_PREFIX, HARDWARE_PREFIX = "model.", "hw."
"""How names of genes of models and of hardware begin."""

Value = int | float | str
Genome = tuple[int, ...]
"""Which choice each gene takes, in the order of the space's genes."""


@dataclass(frozen=True, slots=True)
class Gene:
    """What may vary, and the values that it takes.

    `values` are in their order: next ones are more alike. A gene with one value is fixed.
    """

    name: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise OptionError(f"{self.name}: no value to choose from")
        twice = [value for at, value in enumerate(self.values) if value in self.values[:at]]
        if twice:
            raise OptionError(f"{self.name}: {twice[0]} stands twice among its values")


class DesignSpace(Protocol):
    """Design points, each with a genome."""

    @property
    def genes(self) -> tuple[Gene, ...]:
        """Everything that varies; a point may lack some of it."""
        ...

    @property
    def size(self) -> int:
        """Number of design points."""
        ...

    def values(self, genome: Genome) -> dict[str, Value]:
        """The value of each gene that a point has."""
        ...

    def every(self) -> Iterator[Genome]:
        """All genomes, each once."""
        ...


@dataclass(frozen=True)
class Space:
    """All combinations of the genes' values."""

    genes: tuple[Gene, ...]

    def __post_init__(self) -> None:
        names = [gene.name for gene in self.genes]
        if len(set(names)) != len(names):
            twice = next(name for at, name in enumerate(names) if name in names[:at])
            raise OptionError(f"two genes are called {twice}")

    @property
    def size(self) -> int:
        """Number of design points."""
        return prod(len(gene.values) for gene in self.genes)

    @cached_property
    def _at(self) -> dict[str, dict[Value, int]]:
        return {gene.name: {value: at for at, value in enumerate(gene.values)} for gene in self.genes}

    def values(self, genome: Genome) -> dict[str, Value]:
        """The value of each gene."""
        return {gene.name: gene.values[at] for gene, at in zip(self.genes, genome, strict=True)}

    def genome(self, values: Mapping[str, Value]) -> Genome:
        """The genome of values.

        Raises:
            OptionError: a gene is missing or unknown, or does not take the value.
        """
        if unknown := sorted(set(values) - set(self._at)):
            raise OptionError(f"no gene {unknown[0]!r}{nearest(unknown[0], self._at)}")
        found = []
        for gene in self.genes:
            if gene.name not in values:
                raise OptionError(f"{gene.name}: no value is given")
            at = self._at[gene.name].get(values[gene.name])
            if at is None:
                listed = ", ".join(map(str, gene.values))
                raise OptionError(f"{gene.name}: {values[gene.name]} is none of its values {listed}")
            found.append(at)
        return tuple(found)

    def random(self, generator: random.Random) -> Genome:
        """A genome with every choice as likely as any other."""
        return tuple(generator.randrange(len(gene.values)) for gene in self.genes)

    def corners(self, prefix: str) -> list[Genome]:
        """A few genomes that are far apart in the genes whose names begin with a prefix.

        These have their last values, their first, the middle ones, and first and last ones in turn; all other
        genes have their last value. The first genome has the last value of every gene.
        """
        last = tuple(len(gene.values) - 1 for gene in self.genes)
        places = [at for at, gene in enumerate(self.genes) if gene.name.startswith(prefix)]
        found = [last]
        for share in (lambda _: 0.0, lambda _: 0.5, lambda rank: rank % 2, lambda rank: 1 - rank % 2):
            genome = list(last)
            for rank, at in enumerate(places):
                genome[at] = round(share(rank) * last[at])
            found.append(tuple(genome))
        return list(dict.fromkeys(found))

    def every(self) -> Iterator[Genome]:
        """All genomes, the last gene varying fastest."""
        return product(*(range(len(gene.values)) for gene in self.genes))
