"""A study as a value: what is searched, for what, and how. Plain data, so that every process can have it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from catx.errors import OptionError
from catx.ir import checks
from catx.ir.constraints import Block
from catx.ir.scenario import Scenario
from catx.mapper.objective import ObjectiveName
from catx.mapper.options import Budget, Seconds
from catx.search.metrics import ACCURACY, SHEET, Best, metric
from catx.search.space import HARDWARE_PREFIX, MODEL_PREFIX, Gene, Genome, Space, Value

SamplerName = Literal["nsga2", "nsga3", "pymoo", "qnehvi", "random", "grid"]
SAMPLERS: tuple[SamplerName, ...] = get_args(SamplerName)
AccuracyKind = Literal["proxy", "finetune", "screened", "table"]
ACCURACIES: tuple[AccuracyKind, ...] = get_args(AccuracyKind)


MEASURED: tuple[AccuracyKind, ...] = ("finetune", "screened")
"""Accuracies that are measured model by model, apart from the points that have them."""

_DEAF: tuple[SamplerName, ...] = ("pymoo", "qnehvi")
"""Samplers that are no `Revisable`, though they learn from costs."""

QNEHVI_MOST = 1000
"""Evaluations of `qnehvi`: what a batch takes grows with the cube of those that are known."""

NEEDS_DATA = ("taylor", "module")
"""Importances that are measured; as of catx.frontend.clip.importance, which needs torch."""

UNGUIDED: tuple[SamplerName, ...] = ("random", "grid")
"""Samplers that learn nothing, so small batches are of no use to them."""

_SAMPLERS_WITH: dict[str, tuple[SamplerName, ...]] = {
    "population": ("nsga2", "nsga3", "pymoo"),
    "crossover": ("nsga2", "nsga3", "pymoo"),
    "guided": ("nsga2", "nsga3"),
    "seed": ("nsga2", "nsga3", "pymoo", "qnehvi", "random"),
    "start": ("qnehvi",),
    "first_batch": ("nsga2", "nsga3", "pymoo", "qnehvi"),
    "known": ("nsga2", "nsga3", "pymoo", "qnehvi", "random"),
}
"""Samplers that an option of a plan has an effect on; the others are for all."""

PART_OF_ASKED = 20
"""A batch is at most so small a part of the points before it, but for the first ones."""

SCREENED_LEAST = 3
"""Models that `screened` measures first, and in all: fewer calibrate no predictions."""

Vary = tuple[tuple[str, tuple[Value, ...]], ...]
"""What varies: values by key."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A metric to optimize."""

    metric: str
    best: Best

    @property
    def sign(self) -> int:
        """1 where less is better."""
        return 1 if self.best == "least" else -1


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound that a metric must not pass, in base units."""

    metric: str
    side: Literal["most", "least"]
    bound: float

    def excess(self, value: float) -> float:
        """By how much of the bound the value passes it; below 0 where it does not."""
        excess = value - self.bound if self.side == "most" else self.bound - value
        return excess / abs(self.bound) if self.bound else excess

    def violation(self, value: float) -> float:
        """By how much of the bound the value passes it; 0 where it does not."""
        return max(0.0, self.excess(value))

    def __str__(self) -> str:
        return f"{self.metric} {'<=' if self.side == 'most' else '>='} {self.bound:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """Models by name, run one after the other; with `vary` one of which pruned variants are taken."""

    names: tuple[str, ...]
    vary: Vary = ()
    tokens: int | None = None
    context: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareChoice:
    """A hardware description as YAML text, and what varies in it."""

    text: str
    vary: Vary = ()
    where: str = "hardware"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyChoice:
    """How accuracy is found; paths and names as of `catx prune`.

    `ranking` is a file, or else `importance` finds one. `proxy` predicts from the importance that is left,
    calibrated on `table` where there is one. `finetune` prunes, trains `steps` and measures on the validation
    split of `data`. `table` looks up rows of a CSV file. `screened` predicts like `proxy`, measures like
    `finetune`: `first` models to begin with, then `confirm` models of the front every `confirm_every`
    evaluations, `measurements` at most, and at last those of the front that are left.

    Raises:
        OptionError: fewer measurements than predictions are calibrated on.
    """

    kind: AccuracyKind
    importance: str = "magnitude"
    ranking: str | None = None
    data: str | None = None
    test: str | None = None
    validation: str | None = None
    steps: int = 100
    batch: int = 128
    learning_rate: float | None = None
    table: str | None = None
    measurements: int = 40
    first: int = 6
    confirm: int = 4
    confirm_every: int = 100

    @property
    def trains(self) -> bool:
        """Whether models are trained and measured."""
        return self.kind in MEASURED

    @property
    def ranks(self) -> bool:
        """Whether parts of CLIP models are ranked."""
        return self.kind != "table"

    @property
    def reads_data(self) -> bool:
        """Whether pairs of images and texts are read, to train or to rank."""
        return self.trains or (self.ranks and self.ranking is None and self.importance in NEEDS_DATA)

    @property
    def is_score(self) -> bool:
        """Whether it is on no scale: what is left of a model, which no measurement calibrates."""
        return self.kind == "proxy" and self.table is None

    def __post_init__(self) -> None:
        for name in ("first", "measurements"):
            if self.kind == "screened" and getattr(self, name) < SCREENED_LEAST:
                raise OptionError(
                    f"accuracy: {name} must be at least {SCREENED_LEAST}, not {getattr(self, name)}",
                    hint="predictions are calibrated on so many measured models, and compete with them",
                )


def idle(option: str, sampler: str) -> OptionError | None:
    """The error of an option of a plan that has no effect on a sampler; None where it has one."""
    if sampler in _SAMPLERS_WITH.get(option, SAMPLERS):
        return None
    return OptionError(f"{option}: without effect, {sampler} has none", hint="leave it out")


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """How the space is searched.

    Points are bred in batches: of `first_batch` at first, later of a twentieth of those before them, and of
    `batch` at most; from all that is known when `in_flight` batches before them are not yet done. So with
    more workers than one no one waits for a slow point, and what is bred does not depend on their number.
    `start` is how many points of a Sobol sequence `qnehvi` begins with; None: twice as many as genes that
    vary, and two. Up to `guided` points the children of nsga2 and nsga3 are ranked by models. `known` are
    designs to begin with, values by name of the gene; what one leaves out has its last value.
    """

    sampler: SamplerName = "nsga2"
    evaluations: int = 1000
    population: int = 40
    batch: int = 20
    in_flight: int = 2
    seed: int = 1
    crossover: float = 0.9
    start: int | None = None
    guided: int = 400
    known: tuple[tuple[tuple[str, Value], ...], ...] = ()
    first_batch: int = 4

    def __post_init__(self) -> None:
        if self.sampler not in SAMPLERS:
            raise OptionError(f"no sampler {self.sampler!r}", hint=f"there are {', '.join(SAMPLERS)}")
        checks.counts(
            "search",
            evaluations=self.evaluations,
            population=self.population,
            batch=self.batch,
            first_batch=self.first_batch,
            in_flight=self.in_flight,
            start=1 if self.start is None else self.start,
        )
        if self.sampler == "qnehvi" and self.evaluations > QNEHVI_MOST:
            raise OptionError(
                f"qnehvi fits all evaluations for each batch: {QNEHVI_MOST} at most, not {self.evaluations}",
                hint="ask for fewer evaluations, or take nsga2, nsga3 or pymoo",
            )
        if not 0 <= self.crossover <= 1:
            raise OptionError(f"search: crossover must be 0 to 1, not {self.crossover}")

    def batch_after(self, asked: int) -> int:
        """Points that are bred at once after so many."""
        if self.sampler in UNGUIDED:
            return self.batch
        return min(self.batch, max(self.first_batch, asked // PART_OF_ASKED))


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Everything that decides what a study finds.

    Raises:
        OptionError: no objective, one that is named twice, accuracy that nothing tells, constraints of
            mappings that come from pools, a mapper budget in seconds, a sampler that cannot deal with
            screened accuracies, or known designs that are not in the space.
    """

    name: str
    models: ModelChoice
    hardware: HardwareChoice
    scenario: Scenario
    objectives: tuple[Goal, ...]
    constraints: tuple[Limit, ...] = ()
    accuracy: AccuracyChoice | None = None
    mapped_for: ObjectiveName = "edp"
    mapper_budget: Budget | None = None
    plan: SearchPlan = SearchPlan()
    mapper_constraints: tuple[Block, ...] = ()

    def __post_init__(self) -> None:
        if not self.objectives:
            raise OptionError(f"{self.name}: no objective")
        names = [goal.metric for goal in self.objectives]
        if len(set(names)) != len(names):
            raise OptionError(f"{self.name}: an objective stands twice among {', '.join(names)}")
        for name in (*names, *(limit.metric for limit in self.constraints)):
            if metric(name) == ACCURACY and self.accuracy is None:
                raise OptionError(
                    f"{self.name}: accuracy is asked for, and nothing says how it is found",
                    hint="add `accuracy:` (docs/search.md)",
                )
        if self.mapper_constraints and self.mapper_budget is None:
            raise OptionError(
                f"{self.name}: nests of pools obey no constraints",
                hint="give `mapper_budget:` a number of steps, such as 20000",
            )
        if isinstance(self.mapper_budget, Seconds):
            raise OptionError(
                f"{self.name}: what is found in a time depends on what else the machine does",
                hint="give `mapper_budget:` a number of steps, such as 20000",
            )
        if self.accuracy and self.accuracy.kind == "screened" and self.plan.sampler in _DEAF:
            raise OptionError(
                f"{self.name}: {self.plan.sampler} cannot learn that predicted accuracies are others by now",
                hint="screened accuracies go with nsga2, nsga3 or random",
            )
        _ = self.first

    @property
    def space(self) -> Space:
        """All design points."""
        return Space(genes_of(self.models, self.hardware))

    @property
    def first(self) -> list[Genome]:
        """Genomes that a search begins with: known designs, and the whole model on corners of the hardware.

        Raises:
            OptionError: a known design names a gene or a value that does not exist.
        """
        return list(dict.fromkeys([*self.known, *self.space.corners(HARDWARE_PREFIX)]))

    @property
    def known(self) -> list[Genome]:
        """Genomes of known designs.

        Raises:
            OptionError: one names a gene or a value that does not exist.
        """
        space, last = self.space, {gene.name: gene.values[-1] for gene in self.space.genes}
        try:
            return [space.genome({**last, **dict(values)}) for values in self.plan.known]
        except OptionError as error:
            raise OptionError(f"search.known: {error.args[0]}", hint=error.hint) from None

    @property
    def pooled(self) -> bool:
        """Whether mappings come from pools of reference nests."""
        return self.mapper_budget is None

    def group(self, genome: Genome) -> tuple[int, ...]:
        """Points of one group are compared with each other: all."""
        return ()

    def at(self, genome: Genome) -> "Study":
        """This study, which every point is of; batch studies have others."""
        return self

    @property
    def sheet(self) -> tuple[str, ...]:
        """Rows of the carbon sheet that are named."""
        names = [goal.metric for goal in self.objectives] + [limit.metric for limit in self.constraints]
        return tuple(dict.fromkeys(name for name in names if name.startswith(SHEET)))


def genes_of(models: ModelChoice, hardware: HardwareChoice) -> tuple[Gene, ...]:
    """What varies in models and hardware."""
    return (
        *(Gene(MODEL_PREFIX + key, values) for key, values in models.vary),
        *(Gene(HARDWARE_PREFIX + key, values) for key, values in hardware.vary),
    )


def least(goals: Sequence[Goal], numbers: Mapping[str, float]) -> tuple[float, ...]:
    """Values of the objectives, each so that less is better."""
    return tuple(goal.sign * numbers[goal.metric] for goal in goals)


def violation(limits: Sequence[Limit], numbers: Mapping[str, float]) -> float:
    """Sum of what constraints are passed by, each as a share of its bound; 0 for a feasible point."""
    return sum(limit.violation(numbers[limit.metric]) for limit in limits)
