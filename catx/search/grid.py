"""A batch mapping study as a value: models x accelerators x scenarios x mapper options, every combination."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from math import prod
from typing import TypeVar

from catx.errors import OptionError
from catx.ir.constraints import Block
from catx.ir.scenario import Scenario
from catx.mapper.objective import ObjectiveName
from catx.mapper.options import BUDGET, Budget
from catx.search.space import Gene, Genome, Value
from catx.search.study import Goal, HardwareChoice, Limit, ModelChoice, SearchPlan, Study, genes_of

MODEL, ACCELERATOR, SCENARIO, MAPPER = FACTORS = ("model", "accelerator", "scenario", "mapper")
"""Genes that every point of a grid has."""

_T = TypeVar("_T")
Labelled = tuple[tuple[str, _T], ...]
"""Choices of a factor by label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapperChoice:
    """How mappings are found; `budget` None takes them from pools of reference nests."""

    mapped_for: ObjectiveName = "edp"
    budget: Budget | None = BUDGET
    constraints: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Everything that decides what a batch study finds.

    Raises:
        OptionError: a factor without a choice, or with two of one label; or what `Study` raises.
    """

    name: str
    models: Labelled[ModelChoice]
    accelerators: Labelled[HardwareChoice]
    scenarios: Labelled[Scenario]
    mappers: Labelled[MapperChoice]
    objectives: tuple[Goal, ...]
    constraints: tuple[Limit, ...] = ()
    plan: SearchPlan = field(default_factory=lambda: SearchPlan(sampler="grid", evaluations=10**9))

    def __post_init__(self) -> None:
        for factor, choices in zip(FACTORS, self.factors, strict=True):
            if not choices:
                raise OptionError(f"{self.name}: no {factor}")
            labels = [label for label, _ in choices]
            twice = [label for at, label in enumerate(labels) if label in labels[:at]]
            if twice:
                raise OptionError(
                    f"{self.name}: two choices of {factor} are called {twice[0]!r}",
                    hint="give them a `label:` each",
                )
        for mapper in range(len(self.mappers)):
            self.study((0, 0, 0, mapper))

    @property
    def factors(self) -> tuple[Labelled[object], ...]:
        """Choices of each factor, in the order of `FACTORS`."""
        return self.models, self.accelerators, self.scenarios, self.mappers

    def study(self, block: Sequence[int]) -> Study:
        """One combination of the factors, by the index of each one's choice, as a study of its own."""
        model, accelerator, scenario, mapper = block
        how = self.mappers[mapper][1]
        return Study(
            name=self.name,
            models=self.models[model][1],
            hardware=self.accelerators[accelerator][1],
            scenario=self.scenarios[scenario][1],
            objectives=self.objectives,
            constraints=self.constraints,
            mapped_for=how.mapped_for,
            mapper_budget=how.budget,
            mapper_constraints=how.constraints,
            plan=self.plan,
        )

    def group(self, genome: Genome) -> tuple[int, ...]:
        """Points of one group are compared with each other: those of one model under one scenario."""
        return genome[0], genome[2]

    def at(self, genome: Genome) -> Study:
        """The study of a point's block."""
        return self.study(genome[: len(FACTORS)])

    @property
    def pooled(self) -> bool:
        """Whether some mappings come from pools of reference nests."""
        return any(how.budget is None for _, how in self.mappers)

    @property
    def space(self) -> "GridSpace":
        """All points."""
        return GridSpace(self)


class GridSpace:
    """Points of a grid: which choice each factor takes, and then the choices of what varies within those.

    Scenarios and mapper options change fastest, as mappings of one model on one accelerator serve them all.
    """

    def __init__(self, grid: Grid) -> None:
        self.grid = grid

    @cached_property
    def genes(self) -> tuple[Gene, ...]:
        """The factors, and everything that varies in any block."""
        found = {
            name: Gene(name, tuple(label for label, _ in choices))
            for name, choices in zip(FACTORS, self.grid.factors, strict=True)
        }
        for model, accelerator in self.pairs:
            for gene in self._inner(model, accelerator):
                known = found[gene.name].values if gene.name in found else ()
                found[gene.name] = Gene(gene.name, tuple(dict.fromkeys((*known, *gene.values))))
        return tuple(found.values())

    @property
    def size(self) -> int:
        """Number of points."""
        conditions = len(self.grid.scenarios) * len(self.grid.mappers)
        return conditions * sum(prod(len(gene.values) for gene in self._inner(*pair)) for pair in self.pairs)

    def values(self, genome: Genome) -> dict[str, Value]:
        """The factors' labels, and values of what varies in the point's block."""
        block, inner = genome[: len(FACTORS)], genome[len(FACTORS) :]
        chosen = zip(FACTORS, self.grid.factors, block, strict=True)
        found: dict[str, Value] = {name: choices[at][0] for name, choices, at in chosen}
        genes = self._inner(block[0], block[1])
        return found | {gene.name: gene.values[at] for gene, at in zip(genes, inner, strict=True)}

    def every(self) -> Iterator[Genome]:
        """All points: model by model, accelerator by accelerator."""
        conditions = list(product(range(len(self.grid.scenarios)), range(len(self.grid.mappers))))
        for model, accelerator in self.pairs:
            for inner in product(*(range(len(gene.values)) for gene in self._inner(model, accelerator))):
                for condition in conditions:
                    yield (model, accelerator, *condition, *inner)

    @property
    def pairs(self) -> Iterator[tuple[int, int]]:
        """Each model with each accelerator, by their indices."""
        return product(range(len(self.grid.models)), range(len(self.grid.accelerators)))

    def _inner(self, model: int, accelerator: int) -> tuple[Gene, ...]:
        return genes_of(self.grid.models[model][1], self.grid.accelerators[accelerator][1])


AnyStudy = Study | Grid
"""What is searched, or gone through."""
