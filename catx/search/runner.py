"""Run a study: propose points, evaluate them on workers, keep what comes, and go on where a run stopped.

Points have numbers. What is proposed depends on results of lower numbers alone, told in their order, so it is
the same whatever the number of workers, and whether a run was interrupted or not.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from catx.errors import OptionError
from catx.search.build import evaluator_of
from catx.search.evaluation import Evaluation
from catx.search.evolution import EvolutionSampler, GridSampler, RandomSampler, Sampler
from catx.search.model_space import Tell
from catx.search.pareto import front_of, hypervolume
from catx.search.space import Genome, Space
from catx.search.store import Store
from catx.search.study import Study, least, violation
from catx.search.workers import Here, Workers


@dataclass(frozen=True, slots=True)
class Point:
    """An evaluated point of a study, as a sampler sees it."""

    number: int
    evaluation: Evaluation
    costs: tuple[float, ...] | None
    violation: float

    @property
    def genome(self) -> Genome:
        """Which point it is."""
        return self.evaluation.genome

    @property
    def feasible(self) -> bool:
        """Whether it was evaluated and obeys all constraints."""
        return self.costs is not None and self.violation == 0.0


def point_of(study: Study, number: int, evaluation: Evaluation) -> Point:
    """A point with what the study says of its numbers."""
    if evaluation.error:
        return Point(number, evaluation, None, float("inf"))
    return Point(
        number,
        evaluation,
        least(study.objectives, evaluation.numbers),
        violation(study.constraints, evaluation.numbers),
    )


def points_of(study: Study, store: Store) -> list[Point]:
    """All points of a store, in their order."""
    return [point_of(study, number, found) for number, found in store.evaluations().items()]


def front(points: Sequence[Point]) -> list[Point]:
    """Feasible points that no other one beats; of equal ones all."""
    feasible = [point for point in points if point.feasible]
    kept = front_of([point.costs for point in feasible if point.costs is not None])
    return [feasible[at] for at in kept]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: points that are done, of all that it wants; those that failed; its front.

    `hypervolume` is that of the front up to the worst feasible point so far in each objective.
    """

    done: int
    total: int
    failed: int
    front: int
    hypervolume: float
    seconds: float
    new: int


Watch = Callable[[Progress], None]


def sampler_of(study: Study, space: Space) -> Sampler:
    """The sampler that a study asks for."""
    plan = study.plan
    if plan.sampler == "grid":
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
    study: Study,
    store: Store,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    watch: Watch = lambda _: None,
    tell: Tell = lambda _: None,
) -> list[Point]:
    """Evaluate what is left of a study; returns all its points, those of earlier runs included.

    Args:
        study: what is searched.
        store: of this study; what it holds is not evaluated again.
        workers: processes of this machine; 1, which is the default, is this one.
        scheduler: address of a Dask cluster, such as `tcp://host:8786`, whose workers evaluate instead.
        watch: is told how far it is after every batch.
        tell: is told what is prepared before the first one.

    Raises:
        CatxError: the study cannot be evaluated at all, the store cannot be written, or the scheduler
            cannot be reached.
        KeyboardInterrupt: as it comes; what was done is kept.
    """
    with _evaluating(study, workers, scheduler, tell) as (space, evaluate):
        return _Run(study, store, space, evaluate, watch).to_the_end()


@contextmanager
def _evaluating(
    study: Study, workers: int | None, scheduler: str | None, tell: Tell
) -> Iterator[tuple[Space, Workers]]:
    """The space of a study, and who evaluates its points."""
    if scheduler is not None:
        if workers is not None:
            raise OptionError("a scheduler has workers of its own: give it, or how many are to run here")
        from catx.search.dask_workers import on_cluster

        space = evaluator_of(study, tell, measures=False).space
        with on_cluster(study, scheduler, tell) as cluster:
            yield space, cluster
        return
    workers = 1 if workers is None else workers
    if workers < 1:
        raise OptionError(f"workers must be at least 1, not {workers}")
    evaluator = evaluator_of(study, tell)
    if workers == 1:
        yield evaluator.space, Here(evaluator)
        return
    from catx.search.local_workers import LocalWorkers

    pool = LocalWorkers(study, workers)
    try:
        yield evaluator.space, pool
    finally:
        pool.stop()


class _Run:
    """State of a run."""

    def __init__(self, study: Study, store: Store, space: Space, evaluate: Workers, watch: Watch) -> None:
        self.study, self.store, self.space = study, store, space
        self.evaluate, self.watch = evaluate, watch
        self.sampler = sampler_of(study, space)
        self.known = store.evaluations()
        self.total = min(study.plan.evaluations, space.size)
        self.points: list[Point] = []
        self.started, self.new = time.perf_counter(), 0

    def to_the_end(self) -> list[Point]:
        """Propose, evaluate, and tell, batch by batch."""
        batches: deque[list[tuple[int, Genome]]] = deque()
        asked, more = 0, True
        while more or batches:
            while more and len(batches) < self.study.plan.in_flight:
                genomes = self.sampler.ask(min(self.study.plan.batch, self.total - asked))
                numbered = list(enumerate(genomes, asked))
                asked += len(genomes)
                more = bool(genomes) and asked < self.total
                if numbered:
                    batches.append(numbered)
                    self._check_known(numbered)
                    self.evaluate.submit([one for one in numbered if one[0] not in self.known])
            if batches:
                self._absorb(batches.popleft())
        return self.points

    def _check_known(self, numbered: Sequence[tuple[int, Genome]]) -> None:
        for number, genome in numbered:
            if number in self.known and self.known[number].genome != genome:
                raise OptionError(
                    f"{self.store.path}: evaluation {number} is of another point than this study proposes",
                    hint="it was made by another version of catx or deap: start a new file",
                )

    def _absorb(self, numbered: Sequence[tuple[int, Genome]]) -> None:
        """Wait for a batch, keep whatever ends meanwhile, and tell the sampler."""
        missing = {number for number, _ in numbered} - self.known.keys()
        while missing:
            for number, evaluation in self.evaluate.next():
                self.store.add(number, evaluation)
                self.known[number] = evaluation
                self.new += 1
                missing.discard(number)
        told = [point_of(self.study, number, self.known[number]) for number, _ in numbered]
        self.sampler.tell(told)
        self.points += told
        self.watch(self._progress())

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
        )


def front_volume(points: Sequence[Point], best: Sequence[Point]) -> float:
    """Hypervolume of a front up to the worst of all feasible points in each objective."""
    costs = [point.costs for point in points if point.feasible and point.costs is not None]
    if not costs:
        return 0.0
    reference = [max(column) for column in zip(*costs, strict=True)]
    return hypervolume([point.costs for point in best if point.costs is not None], reference)
