"""Points of a batch study become numbers: each block is evaluated as the study that it stands for."""

import time
from collections.abc import Callable

from catx.errors import CatxError
from catx.search.evaluation import Design, Evaluation, Evaluator, failed
from catx.search.fronts import Fronts
from catx.search.grid import FACTORS, Grid
from catx.search.hardware_space import HardwareSpace
from catx.search.model_space import ModelSpace
from catx.search.space import Genome
from catx.search.study import Study


class GridEvaluator:
    """Evaluates points of a grid (see `Evaluates`); models and accelerators are made once each.

    Args:
        grid: the study.
        models: makes the models of a study.
        hardware: makes the accelerators of a study.
        evaluator: puts both together.
    """

    def __init__(
        self,
        grid: Grid,
        models: Callable[[Study], ModelSpace],
        hardware: Callable[[Study], HardwareSpace],
        evaluator: Callable[[Study, ModelSpace, HardwareSpace, Fronts], Evaluator],
    ) -> None:
        self.grid, self.space = grid, grid.space
        self._make_models, self._make_hardware, self._make = models, hardware, evaluator
        self._models: dict[int, ModelSpace] = {}
        self._hardware: dict[int, HardwareSpace] = {}
        self._fronts: dict[tuple[int, bool], Fronts] = {}
        self._blocks: dict[tuple[int, ...], Evaluator] = {}

    def __call__(self, genome: Genome) -> Evaluation:
        """See `Evaluates`."""
        started = time.perf_counter()
        try:
            block, inner = self._block(genome)
        except CatxError as error:
            return failed(genome, str(error), started)
        found = block(inner)
        return Evaluation(
            genome=genome,
            numbers=found.numbers,
            error=found.error,
            measured=found.measured,
            seconds=time.perf_counter() - started,
        )

    def measure(self, genome: Genome) -> Evaluation:
        """A grid has no accuracy that could be measured."""
        return failed(genome, "batch studies measure no accuracy", time.perf_counter())

    def design(self, genome: Genome) -> Design:
        """See `Evaluates`."""
        block, inner = self._block(genome)
        return block.design(inner)

    def check(self) -> None:
        """Raise the error of a model or a description that cannot be had, whatever the point."""
        for model, accelerator in self.grid.space.pairs:
            self._block((model, accelerator, 0, 0))

    def _block(self, genome: Genome) -> tuple[Evaluator, Genome]:
        """The evaluator of a point's block, and what it calls the point."""
        block, inner = genome[: len(FACTORS)], genome[len(FACTORS) :]
        if block not in self._blocks:
            study = self.grid.study(block)
            model, accelerator = block[:2]
            if model not in self._models:
                self._models[model] = self._make_models(study)
            if accelerator not in self._hardware:
                self._hardware[accelerator] = self._make_hardware(study)
            hardware, many = self._hardware[accelerator], bool(study.models.vary)
            if (accelerator, many) not in self._fronts:
                self._fronts[accelerator, many] = Fronts(hardware, many=many)
            fronts = self._fronts[accelerator, many]
            self._blocks[block] = self._make(study, self._models[model], hardware, fronts)
        return self._blocks[block], inner
