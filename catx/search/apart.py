"""Evaluate a point that may end its process in a process of its own.

A Dask worker starts it as a program: workers are daemons, to which `multiprocessing` allows no children.
"""

import os
import pickle
import subprocess
import sys
import threading
import time

from catx.errors import CatxError, OptionError
from catx.search.evaluation import Evaluates, Evaluation
from catx.search.space import Genome
from catx.search.workers import DEATHS, deadly, evaluated


def made(make: bytes) -> Evaluates:
    """What evaluates.

    Raises:
        CatxError: it cannot be made, whatever the reason.
    """
    try:
        evaluator: Evaluates = pickle.loads(make)()
    except CatxError:
        raise
    except Exception as error:  # of any library: the run must end with it, not each of its points
        raise OptionError(f"{type(error).__name__}: {error}") from error
    return evaluator


def evaluate_apart(make: bytes, number: int, genome: Genome) -> Evaluation:
    """Evaluate a point in a process of its own; one that ends `DEATHS` of them has failed.

    Args:
        make: a pickled function without arguments that makes what evaluates.
        number: of the point, which also tells whether its model is measured.
        genome: the point.

    Raises:
        CatxError: what evaluates cannot be made.
    """
    asked = pickle.dumps((make, number, genome, os.getpid()))
    path = os.pathsep.join(filter(None, sys.path))  # whatever was added to it here
    for _ in range(DEATHS):
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=asked,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
            check=False,
        )
        if done.returncode == 0:
            found = pickle.loads(done.stdout)
            if isinstance(found, CatxError):
                raise found
            assert isinstance(found, Evaluation)
            return found
    return deadly(genome)


def main() -> None:
    """Read from standard input what is to be done; write to standard output what came of it."""
    told = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what evaluates may print
    make, number, genome, parent = pickle.load(sys.stdin.buffer)
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()
    try:
        found: Evaluation | CatxError = evaluated(made(make), number, genome)
    except CatxError as error:
        found = error
    with told:
        pickle.dump(found, told)


def end_with(parent: int) -> None:
    """End this process once the one that asked is gone: no one would read what it finds."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


if __name__ == "__main__":
    main()
