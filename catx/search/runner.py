"""Run a study: propose points, evaluate them on workers, keep what comes, and go on where a run stopped.

Points have numbers. What is proposed depends on results of lower numbers alone, told in their order, so it is
the same whatever the number of workers, and whether a run was interrupted or not. Measurements of models have
numbers below zero. Where every model is measured, a point is told once its model is. Where accuracy is
screened, measurements are asked for and told between batches, and found again by their model: a run that
wants more points measures the same models at other times.
"""

import json
import math
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from catx.errors import OptionError
from catx.search.build import evaluator_of
from catx.search.choose_sampler import sampler_of
from catx.search.evaluation import Evaluation
from catx.search.grid import AnyStudy
from catx.search.model_space import Tell
from catx.search.points import Point, front, point_of
from catx.search.provenance import facts_of
from catx.search.sampler import Revisable, Sampler
from catx.search.screening import (
    LEARNED,
    Confirmations,
    Screening,
    Trainings,
    is_measurement,
    measurements_of,
)
from catx.search.space import Genome
from catx.search.store import Store
from catx.search.study import Study
from catx.search.volume import share_of
from catx.search.workers import Here, Workers


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: points that are done, of all that it wants; those that failed; its front.

    `hypervolume` is that of the front as a share of the box of all feasible points (see `volume.share_of`).
    `measured` models are known where models are measured, else None, and `error` is what predictions of the
    others are wrong by (see `Screening`).
    """

    done: int
    total: int
    failed: int
    front: int
    hypervolume: float | None
    seconds: float
    new: int
    measured: int | None = None
    error: float = math.nan


Watch = Callable[[Progress], None]


def run(
    study: AnyStudy,
    store: Store | Callable[[], Store],
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    watch: Watch = lambda _: None,
    tell: Tell = lambda _: None,
) -> list[Point]:
    """Evaluate what is left of a study; returns all its points, those of earlier runs included.

    Args:
        study: what is searched.
        store: of this study; what it holds is not evaluated again. Or what opens it, which is called once
            it is known that the study can be evaluated: no file is begun for one that cannot.
        workers: processes of this machine; 1, which is the default, is this one.
        scheduler: address of a Dask cluster, such as `tcp://host:8786`, whose workers evaluate instead.
        watch: is told how far it is after every batch.
        tell: is told what is prepared before the first one.

    Raises:
        CatxError: the study cannot be evaluated at all, the store cannot be written, or the scheduler
            cannot be reached.
        KeyboardInterrupt: as it comes; what was done is kept.
    """
    where = f"scheduler {scheduler}" if scheduler else f"{workers or 1} workers"
    with _evaluating(study, workers, scheduler, tell) as evaluate:
        facts, sampler = facts_of(study, where), sampler_of(study)
        opened = store if isinstance(store, Store) else store()
        opened.begin_run(facts)
        return _Run(study, opened, sampler, evaluate, watch).to_the_end()


@contextmanager
def _evaluating(study: AnyStudy, workers: int | None, scheduler: str | None, tell: Tell) -> Iterator[Workers]:
    """Who evaluates the points of a study."""
    if scheduler is not None:
        if workers is not None:
            raise OptionError("a scheduler has workers of its own: give it, or how many are to run here")
        from catx.search.dask_workers import on_cluster

        evaluator_of(study, tell, measures=False)  # what is wrong in a study is told before a cluster starts
        with on_cluster(study, scheduler, tell) as cluster:
            yield cluster
        return
    workers = 1 if workers is None else workers
    if workers < 1:
        raise OptionError(f"workers must be at least 1, not {workers}")
    evaluator = evaluator_of(study, tell)
    if workers == 1:
        yield Here(evaluator)
        return
    from catx.search.local_workers import LocalWorkers

    pool = LocalWorkers(study, workers)
    try:
        yield pool
    finally:
        pool.stop()


class _Run:
    """State of a run."""

    def __init__(
        self, study: AnyStudy, store: Store, sampler: Sampler, evaluate: Workers, watch: Watch
    ) -> None:
        self.study, self.store, self.sampler = study, store, sampler
        self.evaluate, self.watch = evaluate, watch
        self.known = store.evaluations()
        self.total = min(study.plan.evaluations, study.space.size)
        self.points: list[Point] = []
        self.started, self.new = time.perf_counter(), 0
        self.models = measurements_of(study)
        self.confirmations: Confirmations | None = None
        if isinstance(study, Study) and isinstance(self.models, Screening):
            self.confirmations = Confirmations(study)
        self.measurements = self.models.by_model(self.known) if self.models else {}
        self.trainings: Trainings | None = None
        if self.models is not None and self.confirmations is None:
            self.trainings = Trainings(self.models, self.measurements)
        self.measuring: list[int] = []
        self.learned: list[int] = []
        self.kept: list[int] = json.loads(store.head.get(LEARNED, "[]"))

    def to_the_end(self) -> list[Point]:
        """Propose, evaluate, and tell, batch by batch."""
        batches: deque[list[tuple[int, Genome]]] = deque()
        asked, more = 0, True
        if self.confirmations:
            self._measure(self.confirmations.first())
        while more or batches:
            while more and len(batches) < self.study.plan.in_flight:
                genomes = self.sampler.ask(min(self.study.plan.batch_after(asked), self.total - asked))
                numbered = list(enumerate(genomes, asked))
                asked += len(genomes)
                more = bool(genomes) and asked < self.total
                if numbered:
                    batches.append(numbered)
                    self._submit(numbered)
            if batches:
                batch = batches.popleft()
                self._absorb(batch)
                self._confirm(len(batch))
        self._confirm_all()
        return self.points

    def _measure(self, genomes: Sequence[Genome]) -> None:
        """Ask for measurements of models that have none in the store, and wait to learn those of all."""
        assert self.models is not None
        free = min((0, *self.known, *self.measurements.values())) - 1
        for genome in genomes:
            model = self.models.model(genome)
            if model not in self.measurements:
                self.measurements[model] = free
                self.evaluate.submit([(free, genome)])
                free -= 1
            self.measuring.append(self.measurements[model])

    def _confirm(self, new: int) -> None:
        """Learn what was measured, and ask for more, each time that so many points more are known."""
        if self.confirmations is None:
            return
        every = self.confirmations.every
        if len(self.points) // every > (len(self.points) - new) // every:
            self._learn()
            self._measure(self.confirmations.of_front(self._predicted()))

    def _confirm_all(self) -> None:
        """Measure models of the front until there is none left, or as many as may be."""
        while self.confirmations is not None:
            self._learn()
            self._measure(self.confirmations.of_front(self._predicted(), last=True))
            if not self.measuring:
                self._keep_learned()
                return

    def _learn(self) -> None:
        """Wait for measurements, and tell points and the sampler what became of them."""
        if not self.measuring or self.models is None:
            return
        self._wait_for(self.measuring)
        self.models.learn([self.known[number] for number in self.measuring])
        self.learned += self.measuring
        self.measuring = []
        if self.learned != self.kept[: len(self.learned)]:  # else it only comes to where a run was before
            self._keep_learned()
        told = [self._point(point.number) for point in self.points]
        self.points = told
        if isinstance(self.sampler, Revisable):
            self.sampler.revise(told, front(told))
        self.watch(self._progress())

    def _keep_learned(self) -> None:
        self.kept = list(self.learned)
        self.store.put(LEARNED, json.dumps(self.kept))

    def _predicted(self) -> list[Evaluation]:
        """What stands on the front with an accuracy that was not measured."""
        return [point.evaluation for point in front(self.points) if not point.evaluation.measured]

    def _point(self, number: int) -> Point:
        found = self.known[number]
        told = self.models.of(found) if self.models else found
        assert told is not None, "models of points are measured before these are told"
        return point_of(self.study, number, told)

    def _submit(self, numbered: list[tuple[int, Genome]]) -> None:
        self._check_known(numbered)
        if self.trainings:
            self.trainings.meet([genome for _, genome in numbered])
        self.evaluate.submit([one for one in numbered if one[0] not in self.known])
        for number, _ in numbered:
            if number in self.known:
                self._train(number)

    def _train(self, number: int) -> None:
        """Ask for the accuracy of a point's model, once for all points that have it."""
        new = self.trainings.wanted(self.known[number]) if self.trainings else None
        if new is not None and new[0] not in self.known:
            self.evaluate.submit([new])

    def _learn_models(self, numbers: Sequence[int]) -> None:
        """Wait for the accuracies of points that were evaluated."""
        if self.trainings is None or self.models is None:
            return
        wanted = self.trainings.of([self.known[number] for number in numbers])
        self._wait_for(wanted)
        self.models.learn([self.known[number] for number in wanted])

    def _check_known(self, numbered: Sequence[tuple[int, Genome]]) -> None:
        for number, genome in numbered:
            if number in self.known and self.known[number].genome != genome:
                raise OptionError(
                    f"{self.store.path}: evaluation {number} is of another point than this study proposes",
                    hint="it was made by another version of catx or of a library of its sampler (or, with "
                    "qnehvi, on another kind of machine): start a new file",
                )

    def _absorb(self, numbered: Sequence[tuple[int, Genome]]) -> None:
        """Wait for a batch, and tell the sampler."""
        if not self.points:
            self._learn()
        numbers = [number for number, _ in numbered]
        self._wait_for(numbers)
        self._learn_models(numbers)
        told = [self._point(number) for number, _ in numbered]
        self.sampler.tell(told)
        self.points += told
        self.watch(self._progress())

    def _wait_for(self, numbers: Sequence[int]) -> None:
        """Wait for evaluations, and keep whatever ends meanwhile."""
        missing = set(numbers) - self.known.keys()
        while missing:
            for number, evaluation in self.evaluate.next():
                self.store.add(number, evaluation)
                self.known[number] = evaluation
                missing.discard(number)
                if not is_measurement(number):
                    self.new += 1
                    self._train(number)

    def _progress(self) -> Progress:
        best = front(self.points)
        return Progress(
            done=len(self.points),
            total=self.total,
            failed=sum(point.costs is None for point in self.points),
            front=len(best),
            hypervolume=share_of(self.points, best),
            seconds=time.perf_counter() - self.started,
            new=self.new,
            measured=self.models.measured if self.models else None,
            error=self.models.error if self.models else math.nan,
        )
