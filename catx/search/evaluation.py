"""One design point becomes numbers: hardware cost as `catx compile` finds it, and accuracy."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from catx.errors import CatxError, OptionError
from catx.ir.constraints import Block
from catx.ir.report import Report
from catx.ir.scenario import Scenario
from catx.mapper.design import evaluate_workloads
from catx.mapper.objective import ObjectiveName
from catx.mapper.options import Budget, MapperOptions
from catx.search.accuracy import Accuracy, Measurable
from catx.search.fronts import Fronts
from catx.search.hardware_space import HardwareSpace
from catx.search.metrics import ACCURACY, hardware_numbers
from catx.search.model_space import ModelSpace
from catx.search.space import DesignSpace, Genome, Space, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What became of a design point.

    `numbers` are metrics by name; without them `error` tells why. `measured` says that the accuracy was
    measured, not predicted. `seconds` is the time that it took.
    """

    genome: Genome
    numbers: Mapping[str, float]
    error: str = ""
    measured: bool = False
    seconds: float = 0.0


_Numbers = tuple[dict[str, float], bool]
"""Metrics by name, and whether the accuracy among them was measured."""


class Evaluates(Protocol):
    """Evaluates design points; the same genome gives the same numbers in every process."""

    @property
    def space(self) -> DesignSpace:
        """What genomes are of."""
        ...

    def __call__(self, genome: Genome) -> Evaluation:
        """Evaluate a design point; what fails is told in the evaluation, and is no end of a search."""
        ...

    def measure(self, genome: Genome) -> Evaluation:
        """Measure the accuracy of a design point's model, and nothing else."""
        ...

    def design(self, genome: Genome) -> "Design":
        """The design that a genome stands for."""
        ...


@dataclass(frozen=True, slots=True)
class Design:
    """A design point: the evaluator of its space, and its values there."""

    evaluator: "Evaluator"
    values: Mapping[str, Value]

    @property
    def hw_yaml(self) -> str:
        """The description of its accelerator."""
        return self.evaluator.hardware.text(self.values)

    def report(self, budget: Budget | None = None) -> Report:
        """Its report; with a budget its einsums are searched for as `catx compile` does."""
        return self.evaluator.report(self.values, budget)


class Evaluator:
    """Evaluates design points of a study (see `Evaluates`).

    Args:
        space: genes of `models` and `hardware`.
        models: what is run.
        hardware: what it runs on.
        fronts: of `hardware`.
        scenario: what carbon assumes.
        mapped_for: what each mapping minimizes.
        budget: of the mapper per einsum, as for `catx compile`; None takes pools of reference nests.
        constraints: that mappings obey; they need a budget.
        accuracy: of models; None where there is none.
        sheet: rows of the carbon sheet that are wanted besides the metrics.
        apart: whether points are told without accuracy, which is measured where it is asked for.
    """

    def __init__(
        self,
        space: Space,
        models: ModelSpace,
        hardware: HardwareSpace,
        *,
        fronts: Fronts,
        scenario: Scenario,
        mapped_for: ObjectiveName = "edp",
        budget: Budget | None = None,
        constraints: Sequence[Block] = (),
        accuracy: Accuracy | None = None,
        sheet: Sequence[str] = (),
        apart: bool = False,
    ) -> None:
        self.space, self.models, self.hardware = space, models, hardware
        self.scenario, self.mapped_for, self.budget = scenario, mapped_for, budget
        self.constraints = tuple(constraints)
        self.accuracy, self.sheet, self._apart = accuracy, tuple(sheet), apart
        self.fronts = fronts

    def __call__(self, genome: Genome) -> Evaluation:
        """See `Evaluates`."""
        return self._told(genome, self._numbers)

    def measure(self, genome: Genome) -> Evaluation:
        """See `Evaluates`."""
        return self._told(genome, self._measured)

    def _told(self, genome: Genome, find: Callable[[Mapping[str, Value]], _Numbers]) -> Evaluation:
        started = time.perf_counter()
        try:
            numbers, measured = find(self.space.values(genome))
        except CatxError as error:
            return failed(genome, str(error), started)
        except (MemoryError, OSError) as error:  # the machine's fault, not the point's: it may be tried again
            raise CatxError(
                f"this machine cannot evaluate a point: {type(error).__name__}: {error}",
                hint="--resume goes on where it stopped",
            ) from error
        except Exception as error:  # whatever it is, a study of days must not end by one point
            return failed(genome, f"{type(error).__name__}: {error}", started)
        if odd := [name for name, value in numbers.items() if not math.isfinite(value)]:
            return failed(genome, f"{odd[0]} is {numbers[odd[0]]}", started)
        return Evaluation(
            genome=genome, numbers=numbers, measured=measured, seconds=time.perf_counter() - started
        )

    def design(self, genome: Genome) -> Design:
        """See `Evaluates`."""
        return Design(self, self.space.values(genome))

    def report(self, values: Mapping[str, Value], budget: Budget | None = None) -> Report:
        """The report of a design point; with a budget its einsums are searched for as `catx compile` does."""
        accelerator = self.hardware.accelerator(values)
        budget = self.budget if budget is None else budget
        options = None if budget is None else MapperOptions(budget, self.constraints)
        return evaluate_workloads(
            self.models.workloads(values, accelerator),
            accelerator,
            scenario=self.scenario,
            objective=self.mapped_for,
            options=options or MapperOptions(),
            find=self.fronts.finder(values) if options is None else None,
        )

    def _numbers(self, values: Mapping[str, Value]) -> _Numbers:
        found = hardware_numbers(self.report(values), self.hardware.accelerator(values), self.sheet)
        if self.accuracy is None or self._apart:
            return found, False
        accuracy = self.accuracy.of(values)
        return {**found, ACCURACY.name: accuracy.value, **accuracy.left}, accuracy.measured

    def _measured(self, values: Mapping[str, Value]) -> _Numbers:
        if not isinstance(self.accuracy, Measurable):
            raise OptionError("this study measures no accuracy")
        accuracy = self.accuracy.measure(values)
        return {ACCURACY.name: accuracy.value, **accuracy.left}, accuracy.measured


def failed(genome: Genome, error: str, started: float) -> Evaluation:
    """What became of a point that was begun at a time of `time.perf_counter`, and failed."""
    return Evaluation(genome=genome, numbers={}, error=error, seconds=time.perf_counter() - started)
