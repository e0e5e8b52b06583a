"""What runs on workers of a Dask cluster: an evaluator per process, and one point at a time."""

import hashlib
import socket
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from catx.errors import CatxError, OptionError
from catx.search.apart import evaluate_apart, made
from catx.search.evaluation import Evaluates, Evaluation
from catx.search.space import Genome
from catx.search.study_files import check_files
from catx.search.versions import code_here, numeric_versions, unlike
from catx.search.workers import evaluated

_KEPT = 2
"""Evaluators that a process keeps: a cluster may serve more than one run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What workers must know of a run.

    `make` is a pickled function without arguments that makes what evaluates. Versions, the hash of catx's own
    files, and fingerprints of the study's files by path are those of the machine that leads.
    """

    make: bytes
    versions: Mapping[str, str]
    code: str
    files: Mapping[str, str]

    @property
    def key(self) -> str:
        """A hash of all of it."""
        rest = repr((sorted(self.versions.items()), self.code, sorted(self.files.items())))
        return hashlib.sha256(self.make + rest.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An evaluation; or else why this machine can evaluate no point of the study."""

    evaluation: Evaluation | None = None
    refusal: str = ""
    machine: str = ""


_one_at_a_time = threading.Lock()
"""Evaluators have caches, and training seeds the generators of the process: threads must take turns."""

_evaluators: OrderedDict[str, Evaluates] = OrderedDict()


def evaluate(order: Order, number: int, genome: Genome, *, apart: bool) -> Answer:
    """Evaluate a point.

    Args:
        order: of the run.
        number: of the point, which also tells whether its model is measured.
        genome: the point.
        apart: in a process of its own, which the point may end.
    """
    try:
        if apart:
            _check(order)
            return Answer(evaluation=evaluate_apart(order.make, number, genome))
        with _one_at_a_time:
            return Answer(evaluation=evaluated(_evaluator(order), number, genome))
    except CatxError as error:
        return Answer(refusal=str(error), machine=socket.gethostname())


def _evaluator(order: Order) -> Evaluates:
    """What evaluates points of a run: made once, which takes seconds.

    Raises:
        CatxError: it cannot be made on this machine.
    """
    key = order.key
    if key not in _evaluators:
        _check(order)
        while len(_evaluators) >= _KEPT:
            _evaluators.popitem(last=False)
        _evaluators[key] = made(order.make)
    _evaluators.move_to_end(key)
    return _evaluators[key]


def _check(order: Order) -> None:
    if told := unlike(order.versions, numeric_versions()):
        raise OptionError(f"other versions: {told}")
    if order.code != code_here():
        raise OptionError("files of catx differ, though its version is the same", hint="install the same one")
    check_files(order.files)
