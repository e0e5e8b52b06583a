"""Points evaluated by processes of this machine."""

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import util
from multiprocessing.process import BaseProcess
from typing import Any

from catx.errors import CatxError, OptionError
from catx.search.apart import end_with
from catx.search.build import evaluator_of
from catx.search.evaluation import Evaluates, Evaluation
from catx.search.grid import AnyStudy
from catx.search.space import Genome
from catx.search.workers import DEATHS, Numbered, deadly, evaluated

_QUEUED = 2
"""Points that a process is given at once, so that it never waits for the next one."""

_ENDING_S = 2.0
"""Time that processes have to end in order once they are asked to; then they are killed."""

_ALARM_S = 3
"""Time after which a process that was asked to end kills itself, where no one waits for it."""


class LocalWorkers:
    """Evaluates in processes of this machine.

    Where a process dies, all points that it may have worked on are tried again, each alone; one that ends
    its process then, too, has failed. Where processes cannot even start, the run ends: no point is at fault.
    """

    def __init__(self, study: AnyStudy, workers: int) -> None:
        self._study, self._workers = study, workers
        self._waiting: deque[Numbered] = deque()
        self._suspects: deque[Numbered] = deque()
        self._jobs: dict[Future[Evaluation], Numbered] = {}
        self._deaths: Counter[int] = Counter()
        self._pool, self._ready = self._new_pool()

    def submit(self, points: Sequence[Numbered]) -> None:
        """See `Workers`."""
        self._waiting.extend(points)
        self._fill()

    def next(self) -> list[tuple[int, Evaluation]]:
        """See `Workers`.

        Raises:
            CatxError: processes cannot start.
        """
        found: list[tuple[int, Evaluation]] = []
        while not found:
            ended, _ = wait(self._jobs, return_when=FIRST_COMPLETED)
            if any(isinstance(job.exception(), BrokenProcessPool) for job in ended):
                found += self._after_death()
            else:
                good = [job for job in ended if job.exception() is None]
                for job in good or ended:  # what was evaluated is told before an error of another one
                    found.append((self._jobs[job][0], job.result()))
                    del self._jobs[job]
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

    def _start(self, point: Numbered) -> None:
        self._jobs[self._pool.submit(_evaluate_there, *point)] = point

    def _after_death(self) -> list[tuple[int, Evaluation]]:
        """A new pool; points of the old one that were done, or that failed for good."""
        if isinstance(self._ready.exception(), BrokenProcessPool):
            raise OptionError(
                "worker processes end while they start: no point can be evaluated",
                hint="there may be too little memory for so many: give fewer --workers; what was evaluated "
                "before is kept; `--resume` goes on from it",
            )
        found, left = [], []
        for job, (number, genome) in self._jobs.items():
            if job.done() and job.exception() is None:
                found.append((number, job.result()))
            else:
                left.append((number, genome))
        alone, self._jobs = len(left) == 1, {}
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool, self._ready = self._new_pool()
        for number, genome in left:
            self._deaths[number] += alone
            if self._deaths[number] < DEATHS:
                self._suspects.append((number, genome))
            else:
                found.append((number, deadly(genome)))
        return found

    def _new_pool(self) -> tuple[ProcessPoolExecutor, Future[int]]:
        """Processes, and what ends once one of them has started: it is the first that they are given."""
        pool = ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=partial(_start_there, self._study),
        )
        return pool, pool.submit(os.getpid)

    def stop(self) -> None:
        """Let the processes go; those that still evaluate are interrupted."""
        processes = list((self._pool._processes or {}).values())
        manager: Any = self._pool._executor_manager_thread  # a thread, whatever typeshed says
        self._pool.shutdown(wait=False, cancel_futures=True)
        end(processes, _ENDING_S)
        if manager is not None:  # while it closes its pipes, the end of this process would write into them
            manager.join(_ENDING_S)


def end(processes: Sequence[BaseProcess], seconds: float) -> None:
    """Wait until processes ended; those that are busy are asked to, and killed if they do not.

    A process that is killed cannot remove its semaphores (a progress bar has one, for instance), and Python
    tells of each as a leak when the program ends.
    """
    _join(processes, seconds / 4)
    for ask in (BaseProcess.terminate, BaseProcess.kill):
        alive = [process for process in processes if process.is_alive()]
        for process in alive:
            ask(process)
        _join(alive, seconds)


def _join(processes: Sequence[BaseProcess], seconds: float) -> None:
    until = time.monotonic() + seconds
    for process in processes:
        process.join(max(0.0, until - time.monotonic()))


_GARBAGE = 100_000
"""New objects after which garbage is collected; Python's 700 took a tenth of an evaluation's time."""

_there: list[Evaluates | CatxError] = []
"""The evaluator of a worker process; or else why there is none."""


def _start_there(study: AnyStudy) -> None:
    start_process()
    with _ending_in_order():
        _there[:] = [_made(study)]


def _made(study: AnyStudy) -> Evaluates | CatxError:
    """The evaluator, or why there is none: an error while a process starts would only break the pool."""
    try:
        return evaluator_of(study)
    except CatxError as error:
        return error
    except Exception as error:  # of any library: the run must end with it, not each of its points
        return OptionError(f"a worker process cannot start: {type(error).__name__}: {error}")


def start_process() -> None:
    """Make signals end a worker process in order; Ctrl-C is for the process that leads alone.

    It ends with the one that leads, also where that was killed: a pool's process would wait without end.
    Garbage is collected more rarely: a point makes many small values and no cycles.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end_there)
    gc.set_threshold(_GARBAGE)
    leader = multiprocessing.parent_process()
    if leader is not None and leader.pid is not None:
        threading.Thread(target=end_with, args=(leader.pid,), daemon=True).start()


def _end_there(_number: int, _frame: object) -> None:
    signal.alarm(_ALARM_S)  # kills: something may take the exception for one of its own
    raise SystemExit(0)


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """End the process at `SystemExit`; the pool would make a result of it, and go on with the next point."""
    try:
        yield
    except SystemExit:
        util._exit_function()  # type: ignore[attr-defined]  # how processes end that lets go of semaphores
        os._exit(0)


def _evaluate_there(number: int, genome: Genome) -> Evaluation:
    (there,) = _there
    if isinstance(there, CatxError):
        raise there
    with _ending_in_order():
        return evaluated(there, number, genome)
