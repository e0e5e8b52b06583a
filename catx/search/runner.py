"""Run a study: propose points, evaluate them on workers, keep what comes, and go on where a run stopped.

Points have numbers. What is proposed depends on results of lower numbers alone, told in their order, so it is
the same whatever the number of workers, and whether a run was interrupted or not. Measurements of models,
where accuracy is screened, have numbers below zero; they are asked for and told between batches.
"""

import math
import multiprocessing
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from catx.errors import OptionError
from catx.search.build import evaluator_of
from catx.search.evaluation import Evaluates, Evaluation
from catx.search.evolution import EvolutionSampler, GridSampler, RandomSampler, Revisable, Sampler
from catx.search.grid import AnyStudy
from catx.search.model_space import Tell
from catx.search.pareto import front_of, hypervolume
from catx.search.provenance import facts_of
from catx.search.screening import Confirmations, is_measurement, screening_of
from catx.search.space import Genome, Space
from catx.search.store import Store
from catx.search.study import Study, least, violation

DEATHS = 2
"""Processes that a point may end, evaluated alone, until it counts as failed."""

_QUEUED = 2
"""Points that a process is given at once, so that it never waits for the next one."""


@dataclass(frozen=True, slots=True)
class Point:
    """An evaluated point of a study, as a sampler sees it; only points of one group are compared."""

    number: int
    evaluation: Evaluation
    costs: tuple[float, ...] | None
    violation: float
    group: tuple[int, ...] = ()

    @property
    def genome(self) -> Genome:
        """Which point it is."""
        return self.evaluation.genome

    @property
    def feasible(self) -> bool:
        """Whether it was evaluated and obeys all constraints."""
        return self.costs is not None and self.violation == 0.0


def point_of(study: AnyStudy, number: int, evaluation: Evaluation) -> Point:
    """A point with what the study says of its numbers."""
    group = study.group(evaluation.genome)
    if evaluation.error:
        return Point(number, evaluation, None, float("inf"), group)
    return Point(
        number,
        evaluation,
        least(study.objectives, evaluation.numbers),
        violation(study.constraints, evaluation.numbers),
        group,
    )


def points_of(study: AnyStudy, store: Store) -> list[Point]:
    """All points of a store, in their order."""
    evaluations = store.evaluations()
    screening = screening_of(study, evaluations)
    return [
        point_of(study, number, screening.of(found) if screening else found)
        for number, found in evaluations.items()
        if not is_measurement(number)
    ]


def front(points: Sequence[Point]) -> list[Point]:
    """Feasible points that no other one of their group beats, in their order; of equal ones all."""
    groups: dict[tuple[int, ...], list[Point]] = {}
    for point in points:
        if point.feasible:
            groups.setdefault(point.group, []).append(point)
    found = []
    for feasible in groups.values():
        kept = front_of([point.costs for point in feasible if point.costs is not None])
        found += [feasible[at] for at in kept]
    return sorted(found, key=lambda point: point.number)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: points that are done, of all that it wants; those that failed; its front.

    `hypervolume` is that of the front up to the worst feasible point so far in each objective; None where
    points are of several groups. `measured` models are known where accuracy is screened, else None, and
    `error` is what predictions of the others are wrong by (see `Screening`).
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


def sampler_of(study: AnyStudy) -> Sampler:
    """The sampler that a study asks for."""
    plan = study.plan
    space = study.space
    if plan.sampler == "grid" or not isinstance(space, Space):
        return GridSampler(space)
    first = list(dict.fromkeys(space.corners([])))
    if plan.sampler == "random":
        return RandomSampler(space, plan.seed)
    return EvolutionSampler(
        space,
        len(study.objectives),
        seed=plan.seed,
        population=plan.population,
        crossover=plan.crossover,
        first=first,
        method=plan.sampler,
    )


def run(
    study: AnyStudy,
    store: Store,
    *,
    workers: int = 1,
    watch: Watch = lambda _: None,
    tell: Tell = lambda _: None,
) -> list[Point]:
    """Evaluate what is left of a study; returns all its points, those of earlier runs included.

    Args:
        study: what is searched.
        store: of this study; what it holds is not evaluated again.
        workers: processes; 1 is this one.
        watch: is told how far it is after every batch.
        tell: is told what is prepared before the first one.

    Raises:
        CatxError: the study cannot be evaluated at all, or the store cannot be written.
        KeyboardInterrupt: as it comes; what was done is kept.
    """
    if workers < 1:
        raise OptionError(f"workers must be at least 1, not {workers}")
    evaluator = evaluator_of(study, tell)
    store.begin_run(facts_of(study, f"{workers} workers"))
    with _evaluating(study, evaluator, workers) as evaluate:
        return _Run(study, store, evaluate, watch).to_the_end()


class _Run:
    """State of a run."""

    def __init__(self, study: AnyStudy, store: Store, evaluate: "_Evaluate", watch: Watch) -> None:
        self.study, self.store = study, store
        self.evaluate, self.watch = evaluate, watch
        self.sampler = sampler_of(study)
        self.known = store.evaluations()
        self.total = min(study.plan.evaluations, study.space.size)
        self.points: list[Point] = []
        self.started, self.new = time.perf_counter(), 0
        self.screening = screening_of(study, {})
        self.confirmations = Confirmations(study) if self.screening and isinstance(study, Study) else None
        self.measuring: list[int] = []
        self.measured = 0

    def to_the_end(self) -> list[Point]:
        """Propose, evaluate, and tell, batch by batch."""
        batches: deque[list[tuple[int, Genome]]] = deque()
        asked, more = 0, True
        if self.confirmations:
            self._measure(self.confirmations.first())
        while more or batches:
            while more and len(batches) < self.study.plan.in_flight:
                genomes = self.sampler.ask(min(self.study.plan.batch, self.total - asked))
                numbered = list(enumerate(genomes, asked))
                asked += len(genomes)
                more = bool(genomes) and asked < self.total
                if numbered:
                    batches.append(numbered)
                    self._submit(numbered)
            if batches:
                self._absorb(batches.popleft())
                self._confirm()
        self._confirm_all()
        return self.points

    def _measure(self, genomes: Sequence[Genome]) -> None:
        """Ask for measurements of models."""
        numbered = [(-1 - self.measured - at, genome) for at, genome in enumerate(genomes)]
        self.measured += len(numbered)
        self.measuring += [number for number, _ in numbered]
        self._submit(numbered)

    def _confirm(self) -> None:
        """Learn what was measured, and ask for more, each time that so many points more are known."""
        if self.confirmations is None:
            return
        every, batch = self.confirmations.every, self.study.plan.batch
        if len(self.points) // every > (len(self.points) - batch) // every:
            self._learn()
            self._measure(self.confirmations.of_front(self._predicted()))

    def _confirm_all(self) -> None:
        """Measure models of the front until there is none left, or as many as may be."""
        while self.confirmations is not None:
            self._learn()
            self._measure(self.confirmations.of_front(self._predicted(), last=True))
            if not self.measuring:
                return

    def _learn(self) -> None:
        """Wait for measurements, and tell points and the sampler what became of them."""
        if not self.measuring or self.screening is None:
            return
        self._wait_for(self.measuring)
        self.screening.learn([self.known[number] for number in self.measuring])
        self.measuring = []
        told = [self._point(point.number) for point in self.points]
        self.points = told
        if isinstance(self.sampler, Revisable):
            self.sampler.revise(told, front(told))
        self.watch(self._progress())

    def _predicted(self) -> list[Evaluation]:
        """What stands on the front with an accuracy that was not measured."""
        return [point.evaluation for point in front(self.points) if not point.evaluation.measured]

    def _point(self, number: int) -> Point:
        found = self.known[number]
        return point_of(self.study, number, self.screening.of(found) if self.screening else found)

    def _submit(self, numbered: list[tuple[int, Genome]]) -> None:
        self._check_known(numbered)
        self.evaluate.submit([one for one in numbered if one[0] not in self.known])

    def _check_known(self, numbered: Sequence[tuple[int, Genome]]) -> None:
        for number, genome in numbered:
            if number in self.known and self.known[number].genome != genome:
                raise OptionError(
                    f"{self.store.path}: evaluation {number} is of another point than this study proposes",
                    hint="it was made by another version of catx or deap: start a new file",
                )

    def _absorb(self, numbered: Sequence[tuple[int, Genome]]) -> None:
        """Wait for a batch, and tell the sampler."""
        if not self.points:
            self._learn()
        self._wait_for([number for number, _ in numbered])
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
                self.new += 1
                missing.discard(number)

    def _progress(self) -> Progress:
        best = front(self.points)
        return Progress(
            done=len(self.points),
            total=self.total,
            failed=sum(point.costs is None for point in self.points),
            front=len(best),
            hypervolume=front_volume(self.points, best),
            seconds=time.perf_counter() - self.started,
            new=self.new,
            measured=self.screening.measured if self.screening else None,
            error=self.screening.error if self.screening else math.nan,
        )


def front_volume(points: Sequence[Point], best: Sequence[Point]) -> float | None:
    """Hypervolume of a front up to the worst of all feasible points in each objective; None for several."""
    if len({point.group for point in points}) > 1:
        return None
    costs = [point.costs for point in points if point.feasible and point.costs is not None]
    if not costs:
        return 0.0
    reference = [max(column) for column in zip(*costs, strict=True)]
    return hypervolume([point.costs for point in best if point.costs is not None], reference)


class _Evaluate(Protocol):
    """Evaluates points somewhere."""

    def submit(self, points: Sequence[tuple[int, Genome]]) -> None:
        """Add points to what is to be done."""
        ...

    def next(self) -> list[tuple[int, Evaluation]]:
        """Points that ended; waits for one at least."""
        ...


@contextmanager
def _evaluating(study: AnyStudy, evaluator: Evaluates, workers: int) -> Iterator[_Evaluate]:
    if workers == 1:
        yield _Here(evaluator)
        return
    pool = _Pool(study, workers)
    try:
        yield pool
    finally:
        pool.stop()


class _Here:
    """Evaluates in this process, one after the other."""

    def __init__(self, evaluator: Evaluates) -> None:
        self._evaluator = evaluator
        self._left: deque[tuple[int, Genome]] = deque()

    def submit(self, points: Sequence[tuple[int, Genome]]) -> None:
        """See `_Evaluate`."""
        self._left.extend(points)

    def next(self) -> list[tuple[int, Evaluation]]:
        """See `_Evaluate`."""
        number, genome = self._left.popleft()
        return [(number, _evaluated(self._evaluator, number, genome))]


class _Pool:
    """Evaluates in processes of this machine.

    Where a process dies, all points that it may have worked on are tried again, each alone; one that ends
    its process then, too, has failed.
    """

    def __init__(self, study: AnyStudy, workers: int) -> None:
        self._study, self._workers = study, workers
        self._waiting: deque[tuple[int, Genome]] = deque()
        self._suspects: deque[tuple[int, Genome]] = deque()
        self._jobs: dict[Future[Evaluation], tuple[int, Genome]] = {}
        self._deaths: Counter[int] = Counter()
        self._pool = self._new_pool()

    def submit(self, points: Sequence[tuple[int, Genome]]) -> None:
        """See `_Evaluate`."""
        self._waiting.extend(points)
        self._fill()

    def next(self) -> list[tuple[int, Evaluation]]:
        """See `_Evaluate`."""
        found: list[tuple[int, Evaluation]] = []
        while not found:
            ended, _ = wait(self._jobs, return_when=FIRST_COMPLETED)
            if any(isinstance(job.exception(), BrokenProcessPool) for job in ended):
                found += self._after_death()
            else:
                found += [(self._jobs.pop(job)[0], job.result()) for job in ended]
            self._fill()
        return found

    def _fill(self) -> None:
        """Give the processes work: suspects alone, else two points for each."""
        if self._suspects:
            if not self._jobs:
                self._start(self._suspects.popleft())
            return
        while self._waiting and len(self._jobs) < _QUEUED * self._workers:
            self._start(self._waiting.popleft())

    def _start(self, point: tuple[int, Genome]) -> None:
        self._jobs[self._pool.submit(_evaluate_there, *point)] = point

    def _after_death(self) -> list[tuple[int, Evaluation]]:
        """A new pool; points of the old one that were done, or that failed for good."""
        found, left = [], []
        for job, (number, genome) in self._jobs.items():
            if job.done() and job.exception() is None:
                found.append((number, job.result()))
            else:
                left.append((number, genome))
        alone, self._jobs = len(left) == 1, {}
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool = self._new_pool()
        for number, genome in left:
            self._deaths[number] += alone
            if self._deaths[number] < DEATHS:
                self._suspects.append((number, genome))
            else:
                error = f"it ended the process that evaluated it, {DEATHS} times"
                found.append((number, Evaluation(genome=genome, numbers={}, error=error)))
        return found

    def _new_pool(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=partial(_start_there, self._study),
        )

    def stop(self) -> None:
        """Let go of the processes; what they do is not waited for."""
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()


_there: list[Evaluates] = []
"""The evaluator of a worker process."""


def _start_there(study: AnyStudy) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that leads
    _there[:] = [evaluator_of(study)]


def _evaluate_there(number: int, genome: Genome) -> Evaluation:
    return _evaluated(_there[0], number, genome)


def _evaluated(evaluator: Evaluates, number: int, genome: Genome) -> Evaluation:
    return evaluator.measure(genome) if is_measurement(number) else evaluator(genome)
