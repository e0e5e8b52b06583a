"""Points evaluated by the workers of a Dask cluster."""

import pickle
import queue
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from catx.errors import OptionError, OutputError
from catx.search.build import evaluator_of
from catx.search.dask_cluster import CONNECT_S, WORKERS_S, connected
from catx.search.dask_worker_side import Answer, Order, evaluate
from catx.search.evaluation import Evaluates, Evaluation
from catx.search.grid import AnyStudy
from catx.search.model_space import Tell
from catx.search.space import Genome
from catx.search.study_files import fingerprints, with_full_paths
from catx.search.versions import code_here, numeric_versions
from catx.search.workers import DEATHS, Numbered

if TYPE_CHECKING:
    from distributed import Client, Future

_LOOK_S = 1.0
"""Time without a result after which the cluster is looked at."""

_RESULT_S = 30.0
"""Time to fetch a result of some KB."""

_MOST_LOST = 20
"""Times that a point may be cancelled, or its result lost, until the cluster is given up."""

_KEPT = "what was evaluated before is kept; `--resume` goes on from it"


@contextmanager
def on_cluster(study: AnyStudy, scheduler: str, tell: Tell) -> Iterator["DaskWorkers"]:
    """The workers of a cluster, for a study.

    Raises:
        OptionError: the cluster cannot be reached or used.
    """
    study = with_full_paths(study)
    order = order_of(partial(evaluator_of, study), fingerprints(study))
    with connected(scheduler, tell) as client:
        workers = DaskWorkers(client, scheduler, order, tell)
        try:
            yield workers
        finally:
            workers.stop()


def order_of(make: Callable[[], Evaluates], files: dict[str, str]) -> Order:
    """What workers must know to evaluate with what `make` makes."""
    return Order(make=pickle.dumps(make), versions=numeric_versions(), code=code_here(), files=files)


class DaskWorkers:
    """Evaluates on a cluster: all points are given to its scheduler at once, which feeds whoever is there.

    The scheduler itself tries points of workers that die again, up to its `allowed-failures`. Points that it
    gives up then are evaluated apart, in a process of their own: which of them is at fault is known for sure,
    and no more workers die of it.
    """

    def __init__(self, client: "Client", address: str, order: Order, tell: Tell) -> None:
        self._client, self._address, self._order, self._tell = client, address, order, tell
        self._name, self._started = f"catx-evaluate-{uuid4().hex}", 0
        self._waiting: deque[Numbered] = deque()
        self._jobs: dict[Future[Answer], Numbered] = {}
        self._ended: queue.SimpleQueue[Future[Answer]] = queue.SimpleQueue()
        self._given_up: Counter[int] = Counter()
        self._lost: Counter[int] = Counter()
        self._seen = time.monotonic()

    def submit(self, points: Sequence[Numbered]) -> None:
        """See `Workers`."""
        self._waiting.extend(points)
        self._fill()

    def next(self) -> list[tuple[int, Evaluation]]:
        """See `Workers`.

        Raises:
            OptionError: a worker can evaluate no point at all.
            OutputError: the connection to the scheduler, or all workers, are lost.
        """
        while True:
            self._fill()
            future = self._one_ended()
            if future is not None:
                number, genome = self._jobs.pop(future)
                evaluation = self._outcome(future, number, genome)
                if evaluation is not None:
                    return [(number, evaluation)]  # alone: what raises next must not take it away
                self._waiting.append((number, genome))

    def stop(self) -> None:
        """Take back what is not done; what workers are at ends, and is not waited for."""
        jobs, self._jobs = list(self._jobs), {}
        if jobs and self._client.status == "running":
            with suppress(OSError):  # the scheduler forgets points of a client that it lost, too
                self._client.cancel(jobs, force=True)

    def _fill(self) -> None:
        while self._waiting and self._client.status == "running":
            number, genome = self._waiting.popleft()
            self._started += 1
            future = self._client.submit(
                evaluate,
                self._order,
                number,
                genome,
                apart=self._given_up[number] > 0,
                key=(self._name, self._started),  # one group: the scheduler keeps it until a worker is free
                pure=False,
                retries=0,
            )
            self._jobs[future] = number, genome
            future.add_done_callback(self._ended.put)

    def _one_ended(self) -> "Future[Answer] | None":
        """A future that ended; None where there was none for some time, and the cluster is still there."""
        try:
            ended = self._ended.get(timeout=_LOOK_S)
        except queue.Empty:
            self._look()
            return None
        self._seen = time.monotonic()
        return ended

    def _look(self) -> None:
        """See whether there are workers, and a scheduler."""
        silent = time.monotonic() - self._seen
        workers = self._workers()
        if workers:
            self._seen = time.monotonic()
        elif workers is None:
            self._tell("the connection to the scheduler is lost: trying again")
            if self._client.status == "closed" or silent > 2 * CONNECT_S:
                raise OutputError(f"the connection to the scheduler {self._address} is lost", hint=_KEPT)
        else:
            self._tell("no worker is left: waiting for new ones")
            if silent > WORKERS_S:
                raise OutputError(f"all workers are gone, and none came within {WORKERS_S:g} s", hint=_KEPT)

    def _workers(self) -> int | None:
        """How many there are now; None where the scheduler does not answer."""
        if self._client.status != "running":
            return None
        try:
            return len(self._client.nthreads())
        except OSError:
            return None

    def _outcome(self, future: "Future[Answer]", number: int, genome: Genome) -> Evaluation | None:
        """What became of a point; None where it is to be tried again."""
        from distributed import CancelledError, KilledWorker

        try:
            answer = future.result(timeout=_RESULT_S)
        except KilledWorker:
            return self._after_deaths(number, genome)
        except (CancelledError, OSError):  # a scheduler that started anew, a result that went with its worker
            self._lost[number] += 1
            if self._lost[number] > _MOST_LOST:
                raise OutputError(f"the cluster lost point {number} {_MOST_LOST} times", hint=_KEPT) from None
            return None
        except Exception as error:  # of a worker that cannot even read what it is to do
            raise OptionError(
                f"workers cannot evaluate points: {type(error).__name__}: {error}",
                hint=f"they need the same packages as this machine; {_KEPT}",
            ) from error
        if answer.evaluation is None:
            raise OptionError(
                f"a worker on {answer.machine} cannot evaluate this study: {answer.refusal}",
                hint=f"workers need the packages and files of this machine, files at the same paths; {_KEPT}",
            )
        return answer.evaluation

    def _after_deaths(self, number: int, genome: Genome) -> Evaluation | None:
        """Workers died, of this point or of another one that they had; apart none should."""
        self._given_up[number] += 1
        if self._given_up[number] <= DEATHS:
            return None
        error = f"the workers that evaluated it died, also where it had a process of its own, {DEATHS} times"
        return Evaluation(genome=genome, numbers={}, error=error)
