"""Reach a Dask cluster, and check that its workers can evaluate what this machine asks of them."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from catx.errors import OptionError
from catx.extras import need
from catx.search.model_space import Tell
from catx.search.versions import numeric_versions, unlike

if TYPE_CHECKING:
    from distributed import Client

CONNECT_S = 10.0
"""Time to reach a scheduler, or to reach it again."""

WORKERS_S = 300.0
"""Time to wait for a worker."""

_CLOSE_S = 3.0


@contextmanager
def connected(scheduler: str, tell: Tell) -> Iterator["Client"]:
    """A client of a cluster whose workers are as they must be; the cluster stays when it is closed.

    Args:
        scheduler: its address, such as `tcp://host:8786`.
        tell: is told what is waited for.

    Raises:
        OptionError: the scheduler cannot be reached, has no workers, or ones that do not fit.
        ExtraError: `distributed` is not installed.
    """
    need("distributed", "distributed")
    tell(f"connecting to {scheduler}")
    client = _client(scheduler)
    try:
        _wait_for_workers(client, scheduler, tell)
        _check_threads(client)
        _check_versions(client)
        yield client
    finally:
        client.close(timeout=_CLOSE_S)


def check_cluster(scheduler: str, tell: Tell) -> None:
    """Check a cluster before anything is begun; see `connected`."""
    with connected(scheduler, tell):
        pass


def _client(scheduler: str) -> "Client":
    from distributed import Client

    hint = "`dask scheduler` prints its address, such as tcp://HOST:8786, when it starts"
    if "://" not in scheduler:
        raise OptionError(f"the scheduler {scheduler!r} is no address", hint=hint)
    try:
        with ThreadPoolExecutor(1) as thread:  # the caller's thread may have a loop of its own
            kind = thread.submit(asyncio.run, _kind(scheduler)).result()
        if kind != "Scheduler":
            raise OptionError(f"{scheduler} is the address of a {kind}, not of a scheduler", hint=hint)
        return Client(scheduler, timeout=CONNECT_S, set_as_default=False, name="catx")
    except (OSError, ValueError, TypeError, RuntimeError, ImportError) as error:
        raise OptionError(
            f"the scheduler {scheduler} cannot be reached: {_first_line(error)}",
            hint=f"{hint}; this machine and the workers must reach it",
        ) from error


async def _kind(address: str) -> str:
    """What is at an address; a client would wait without end for one that accepts and says nothing."""
    from distributed import Security
    from distributed.core import rpc

    options = Security().get_connection_args("client")
    async with (
        asyncio.timeout(CONNECT_S + 1.0),
        rpc(address, timeout=CONNECT_S, connection_args=options) as there,
    ):
        return str((await there.identity())["type"])


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or f"no answer within {CONNECT_S:g} s"


def _wait_for_workers(client: "Client", scheduler: str, tell: Tell) -> None:
    tell(f"waiting for workers of {scheduler}")
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
    except TimeoutError:
        raise OptionError(
            f"the scheduler {scheduler} has no worker, and none came within {WORKERS_S:g} s",
            hint=f"start some: `dask worker {scheduler} --nthreads 1`; adaptive clusters need a minimum of 1",
        ) from None


def _check_threads(client: "Client") -> None:
    """A thread that waits for the other ones of its process takes points that another worker could do."""
    for worker, threads in client.nthreads().items():
        if threads > 1:
            raise OptionError(
                f"worker {worker} has {threads} threads, and evaluates one point at a time",
                hint="start workers with `--nthreads 1`, and more of them (`--nworkers`)",
            )


def _check_versions(client: "Client") -> None:
    """What the cluster itself tells, without code of catx on the workers, which may have none.

    Builds of a version (`+cpu`) are left to the workers' own check: older versions of Dask tell of them
    where the installed package does not.
    """
    here = {name: version.partition("+")[0] for name, version in numeric_versions().items()}
    told_by: Any = client.get_versions(packages=sorted({*here} - {"python"}))
    for worker, told in told_by["workers"].items():
        there = {
            name: str(version).partition("+")[0] for name, version in told["packages"].items() if version
        }
        there["python"] = ".".join(there["python"].split(".")[:2])
        if odd := unlike(here, there):
            raise OptionError(
                f"worker {worker} has other versions: {odd}",
                hint="install the same ones on the workers: numbers must not depend on who finds them",
            )
