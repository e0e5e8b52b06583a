"""One design point becomes numbers: hardware cost as `catx compile` finds it, and accuracy."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from catx.errors import CatxError
from catx.ir.accelerator import Accelerator
from catx.ir.einsum import Einsum
from catx.ir.report import Report
from catx.ir.scenario import Scenario
from catx.mapper.design import evaluate_workloads
from catx.mapper.front import Front
from catx.mapper.objective import ObjectiveName
from catx.mapper.options import Budget, MapperOptions
from catx.mapper.pool import NestPool, pooled_front, reference_pool
from catx.search.accuracy import Accuracy
from catx.search.hardware_space import HardwareSpace
from catx.search.metrics import ACCURACY, hardware_numbers
from catx.search.model_space import ModelSpace
from catx.search.space import Genome, Space, Value

_POOLS, _FRONTS = 20_000, 2_000
"""Entries that a process keeps: a pool takes some KB, a front some tens of KB."""


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


class Evaluator:
    """Evaluates design points of a study; the same genome gives the same numbers in every process.

    Args:
        space: genes of `models` and `hardware`.
        models: what is run.
        hardware: what it runs on.
        scenario: what carbon assumes.
        mapped_for: what each mapping minimizes.
        budget: of the mapper per einsum, as for `catx compile`; None takes pools of reference nests.
        accuracy: of models; None where there is none.
        sheet: rows of the carbon sheet that are wanted besides the metrics.
    """

    def __init__(
        self,
        space: Space,
        models: ModelSpace,
        hardware: HardwareSpace,
        *,
        scenario: Scenario,
        mapped_for: ObjectiveName = "edp",
        budget: Budget | None = None,
        accuracy: Accuracy | None = None,
        sheet: Sequence[str] = (),
    ) -> None:
        self.space, self.models, self.hardware = space, models, hardware
        self.scenario, self.mapped_for, self.budget = scenario, mapped_for, budget
        self.accuracy, self.sheet = accuracy, tuple(sheet)
        self._pools: dict[tuple[Einsum, tuple[Value, ...]], NestPool] = {}
        self._front = lru_cache(maxsize=_FRONTS)(pooled_front)

    def __call__(self, genome: Genome) -> Evaluation:
        """Evaluate a design point; what fails is told in the evaluation, and is no end of a search."""
        started = time.perf_counter()
        values = self.space.values(genome)
        try:
            numbers, measured = self._numbers(values)
        except CatxError as error:
            return _failed(genome, str(error), started)
        except Exception as error:  # whatever it is, a study of days must not end by one point
            return _failed(genome, f"{type(error).__name__}: {error}", started)
        if odd := [name for name, value in numbers.items() if not math.isfinite(value)]:
            return _failed(genome, f"{odd[0]} is {numbers[odd[0]]}", started)
        return Evaluation(
            genome=genome, numbers=numbers, measured=measured, seconds=time.perf_counter() - started
        )

    def report(self, values: Mapping[str, Value], budget: Budget | None = None) -> Report:
        """The report of a design point; with a budget its einsums are searched for as `catx compile` does."""
        accelerator = self.hardware.accelerator(values)
        budget = self.budget if budget is None else budget
        return evaluate_workloads(
            self.models.workloads(values, accelerator),
            accelerator,
            scenario=self.scenario,
            objective=self.mapped_for,
            options=MapperOptions() if budget is None else MapperOptions(budget),
            find=self._finder(values) if budget is None else None,
        )

    def _numbers(self, values: Mapping[str, Value]) -> tuple[dict[str, float], bool]:
        found = hardware_numbers(self.report(values), self.hardware.accelerator(values), self.sheet)
        if self.accuracy is None:
            return found, False
        accuracy = self.accuracy.of(values)
        return found | {ACCURACY.name: accuracy.value}, accuracy.measured

    def _finder(self, values: Mapping[str, Value]) -> Callable[[Einsum, Accelerator], Front]:
        family = tuple(values[gene.name] for gene in self.hardware.genes if self._is_structural(gene.name))

        def find(einsum: Einsum, accelerator: Accelerator) -> Front:
            key = einsum, family
            pool = self._pools.get(key)
            if pool is None:
                if len(self._pools) >= _POOLS:
                    self._pools.clear()  # on disk they are still
                pool = self._pools[key] = reference_pool(einsum, self.hardware.references(values))
            return self._front(einsum, accelerator, pool)

        return find

    def _is_structural(self, name: str) -> bool:
        return name.split(".", 1)[1] in self.hardware.structural


def _failed(genome: Genome, error: str, started: float) -> Evaluation:
    return Evaluation(genome=genome, numbers={}, error=error, seconds=time.perf_counter() - started)
