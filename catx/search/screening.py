"""Accuracies that are measured model by model: of all, or of those that matter, and predicted of others."""

import json
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from catx.search.evaluation import Evaluation
from catx.search.metrics import ACCURACY
from catx.search.proxy import LEAST_POINTS, LEFT, Calibration, Shares, calibrate, scaled, uncalibrated
from catx.search.space import HARDWARE_PREFIX, Genome
from catx.search.study import MEASURED, Study

LEAST_ACCURACY = 1e-3
"""What a measured accuracy below counts as in a calibration, which takes logarithms."""

LEARNED = "learned"
"""Key of a study file: numbers of the measurements that its points are told with, in their order. A run that
wants more points may not come to ask for what a shorter one measured at its end."""


def is_measurement(number: int) -> bool:
    """Whether an evaluation with such a number measures a model; design points have numbers from 0."""
    return number < 0


class Measurements:
    """The accuracy of points of a study, which is that of their models: each is measured once.

    Args:
        study: whose accuracy is `finetune`.
        measured: measurements so far.
    """

    def __init__(self, study: Study, measured: Sequence[Evaluation] = ()) -> None:
        self._genes = len(study.models.vary)
        self._known: dict[Genome, Evaluation] = {}
        self.learn(measured)

    def learn(self, measured: Sequence[Evaluation]) -> None:
        """Take in measurements."""
        for one in measured:
            self._known[self.model(one.genome)] = one

    def model(self, genome: Genome) -> Genome:
        """The part of a genome that decides its model."""
        return genome[: self._genes]

    def by_model(self, evaluations: Mapping[int, Evaluation]) -> dict[Genome, int]:
        """Numbers of the measurements among evaluations, by what they measured."""
        return {
            self.model(one.genome): number for number, one in evaluations.items() if is_measurement(number)
        }

    def of(self, evaluation: Evaluation) -> Evaluation | None:
        """An evaluation with the accuracy of its model; None where it is not known yet.

        Points of files that were written before models were measured once have their own.
        """
        if evaluation.error or evaluation.measured:
            return evaluation
        known = self._known.get(self.model(evaluation.genome))
        if known is None:
            return None
        if known.error:
            return replace(evaluation, numbers={}, error=f"its model could not be measured: {known.error}")
        accuracy = known.numbers[ACCURACY.name]
        return replace(evaluation, numbers={**evaluation.numbers, ACCURACY.name: accuracy}, measured=True)

    @property
    def error(self) -> float:
        """What predictions are wrong by: NaN, as there are none."""
        return math.nan

    @property
    def measured(self) -> int:
        """How many models were measured."""
        return len(self._known)


class Screening(Measurements):
    """The accuracy of points of a study: measured where their model was, else predicted.

    Args:
        study: whose accuracy is `screened`.
        measured: measurements so far.
    """

    def __init__(self, study: Study, measured: Sequence[Evaluation] = ()) -> None:
        self.calibration: Calibration | None = None
        super().__init__(study, measured)

    def learn(self, measured: Sequence[Evaluation]) -> None:
        """Take in measurements, and calibrate predictions on all so far."""
        super().learn(measured)
        pairs = [
            (_shares(one), max(one.numbers[ACCURACY.name], LEAST_ACCURACY))
            for one in self._known.values()
            if not one.error
        ]
        if pairs:  # what is predicted competes with what is measured: both are on one scale
            self.calibration = (calibrate if len(pairs) >= LEAST_POINTS else scaled)(pairs)

    def of(self, evaluation: Evaluation) -> Evaluation:
        """An evaluation with the accuracy that is known of its model now."""
        known = super().of(evaluation)
        if known is not None:
            return known
        shares = _shares(evaluation)
        value = (self.calibration or uncalibrated(len(shares))).predict(shares)
        return replace(evaluation, numbers={**evaluation.numbers, ACCURACY.name: value}, measured=False)

    @property
    def error(self) -> float:
        """Mean absolute difference of predictions from measured accuracies, each left out in turn; or NaN."""
        return self.calibration.error if self.calibration else math.nan


class Trainings:
    """Which models of a study are measured where all are: each once, when a point that has it was evaluated.

    Args:
        models: of the study.
        known: numbers of measurements that are in the store, by model.
    """

    def __init__(self, models: Measurements, known: Mapping[Genome, int]) -> None:
        self._models, self._known = models, known
        self._numbers: dict[Genome, int] = {}
        self._asked: set[int] = set()

    def meet(self, genomes: Sequence[Genome]) -> None:
        """Give numbers to models that are new, in the order in which they are proposed."""
        for genome in genomes:
            model = self._models.model(genome)
            self._numbers.setdefault(model, self._known.get(model, -1 - len(self._numbers)))

    def wanted(self, evaluation: Evaluation) -> tuple[int, Genome] | None:
        """The measurement that a point needs, which no one has asked for; a point that failed needs none."""
        for number in self.of([evaluation]):
            if number not in self._asked:
                self._asked.add(number)
                return number, evaluation.genome
        return None

    def of(self, evaluations: Sequence[Evaluation]) -> list[int]:
        """Numbers of the measurements that points need."""
        return [
            self._numbers[self._models.model(one.genome)]
            for one in evaluations
            if not (one.error or one.measured)
        ]


class Confirmations:
    """Which models of a study are measured, and when; it depends on results in their order alone.

    Args:
        study: whose accuracy is `screened`.
    """

    def __init__(self, study: Study) -> None:
        assert study.accuracy is not None
        self._study, self._choice = study, study.accuracy
        self._asked: dict[Genome, None] = {}

    @property
    def every(self) -> int:
        """Points between confirmations."""
        return self._choice.confirm_every

    def first(self) -> list[Genome]:
        """The whole model and random ones, to calibrate on."""
        space, generator = self._study.space, random.Random(self._study.plan.seed)
        found = [space.corners(HARDWARE_PREFIX)[0]]
        wanted = min(self._choice.first, self._choice.measurements, self._models)
        while len(self._chosen(found)) < wanted:
            found.append(space.random(generator))
        return self._take(found, wanted)

    def of_front(self, best: Sequence[Evaluation], *, last: bool = False) -> list[Genome]:
        """Models on a front that were never asked for, spread over it; at last as many as may still be."""
        genomes = [one.genome for one in sorted(best, key=lambda one: one.numbers[ACCURACY.name])]
        left = self._choice.measurements - len(self._asked)
        return self._take(genomes, left if last else min(left, self._choice.confirm))

    @property
    def _models(self) -> int:
        return math.prod(len(values) for _, values in self._study.models.vary)

    def _chosen(self, genomes: Sequence[Genome]) -> dict[Genome, Genome]:
        """Genomes with models that were not asked for, one for each model."""
        found: dict[Genome, Genome] = {}
        for genome in genomes:
            model = genome[: len(self._study.models.vary)]
            if model not in self._asked:
                found.setdefault(model, genome)
        return found

    def _take(self, genomes: Sequence[Genome], count: int) -> list[Genome]:
        chosen = self._chosen(genomes)
        models = list(chosen)
        picked = np.unique(
            np.linspace(0, len(models) - 1, min(max(count, 0), len(models))).round().astype(int)
        )
        taken = [models[at] for at in ([len(models) // 2] if len(picked) == 1 else picked)]
        self._asked.update(dict.fromkeys(taken))
        return [chosen[model] for model in taken]


def measurements_of(
    study: object, evaluations: Mapping[int, Evaluation] | None = None, head: Mapping[str, str] | None = None
) -> Measurements | None:
    """What is known of accuracy; None where it is not measured model by model.

    Args:
        study: what is searched.
        evaluations: of the study; none where it only begins.
        head: texts about the study in its file. Without the one of what was learned, all measurements count.
    """
    if not isinstance(study, Study) or study.accuracy is None or study.accuracy.kind not in MEASURED:
        return None
    known = evaluations or {}
    kind = Screening if study.accuracy.kind == "screened" else Measurements
    learned = (head or {}).get(LEARNED)
    if learned is None:
        return kind(study, [known[number] for number in sorted(filter(is_measurement, known))[::-1]])
    return kind(study, [known[number] for number in json.loads(learned)])


def _shares(evaluation: Evaluation) -> Shares:
    return tuple(value for name, value in evaluation.numbers.items() if name.startswith(LEFT))
