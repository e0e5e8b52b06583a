"""Runs on a Dask cluster: the points of a run in one process, whatever becomes of workers and connections."""

import os
import pickle
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from catx.errors import OptionError, OutputError
from catx.search import dask_cluster, dask_workers
from catx.search.dask_worker_side import evaluate
from catx.search.dask_workers import DaskWorkers, order_of
from catx.search.evaluation import Evaluation
from catx.search.open_study import begin, resume
from catx.search.points import Point
from catx.search.runner import Progress, run
from catx.search.store import Store
from catx.search.study import AccuracyChoice, Study
from catx.search.study_files import fingerprints, with_full_paths
from catx.version import VERSION
from tests.search.deadly import Deadly
from tests.search.studies import small

distributed = pytest.importorskip("distributed")

ALLOWED = 1
"""Deaths after which this scheduler tries a point again itself; 3 is usual, and takes longer."""


def told(points: list[Point]) -> list[tuple[int, object, object]]:
    return [(point.number, point.genome, dict(point.evaluation.numbers)) for point in points]


@pytest.fixture(scope="module")
def cluster() -> Iterator[object]:
    """Two workers, each a process that is started again when it dies."""
    import dask

    root = str(Path(__file__).parents[2])
    with (
        pytest.MonkeyPatch.context() as patch,
        dask.config.set(
            {"distributed.scheduler.allowed-failures": ALLOWED, "distributed.worker.daemon": True}
        ),
    ):
        patch.syspath_prepend(root)  # workers find the tests' modules by their names
        with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=60
        ) as cluster:
            yield cluster


@pytest.fixture(scope="module")
def address(cluster) -> str:
    return str(cluster.scheduler_address)


@pytest.fixture
def client(cluster) -> Iterator[object]:
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        yield client


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return small(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def whole(study: Study, tmp_path_factory: pytest.TempPathFactory) -> list[Point]:
    """All points of an uninterrupted run in one process."""
    return run(study, begin(study, tmp_path_factory.mktemp("whole") / "a.db"))


def pids(client) -> list[int]:
    return list(client.run(os.getpid).values())


def all_of(workers: DaskWorkers, points: list[tuple[int, tuple[int, ...]]]) -> dict[int, Evaluation]:
    """What becomes of points; each is told once."""
    found: dict[int, Evaluation] = {}
    while len(found) < len(points):
        for number, evaluation in workers.next():
            assert number not in found
            found[number] = evaluation
    return found


def test_the_same_points_though_workers_die(
    study: Study, whole: list[Point], address: str, client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small(tmp_path)
    here = replace(study, models=replace(study.models, names=("tiny.onnx",)))  # workers are in another folder
    added: list[int] = []
    add = Store.add
    monkeypatch.setattr(Store, "add", lambda *args: (added.append(args[1]), add(*args))[1])

    def kill(now: Progress) -> None:
        if now.done == 8:
            os.kill(pids(client)[0], signal.SIGKILL)

    store = begin(here, tmp_path / "a.db")
    assert told(run(here, store, scheduler=address, watch=kill)) == told(whole)
    assert sorted(added) == list(range(24))
    assert len(store.evaluations()) == 24


def kill_at_start(evaluator: Deadly, number: int) -> None:
    until = time.monotonic() + 60
    while not evaluator.starts(number) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(evaluator.pids(number)[0], signal.SIGKILL)


def test_points_that_end_their_worker(address: str, client, tmp_path: Path) -> None:
    """One that always does fails, one that did once, and all others, are evaluated; so is one whose worker is
    killed."""
    evaluator = Deadly(tmp_path, seconds=1.0)
    workers = DaskWorkers(client, address, order_of(partial(Deadly, tmp_path, 1.0), {}), lambda _: None)
    points = [(at, (at, at)) for at in range(8)]
    killer = threading.Thread(target=kill_at_start, args=(evaluator, 3))
    killer.start()
    workers.submit(points)
    found = all_of(workers, points)
    workers.stop()
    killer.join()
    assert {number for number, one in found.items() if one.error} == {1}
    assert "it ended the process that evaluated it, 2 times" in found[1].error
    assert all(found[at].numbers == {"latency_s": 2.0 * at} for at in range(8) if at != 1)
    assert evaluator.starts(1) <= ALLOWED + 1 + dask_workers.DEATHS


def test_an_interrupted_run_leaves_the_cluster_as_it_was(
    study: Study, whole: list[Point], address: str, cluster, client, tmp_path: Path
) -> None:
    def interrupt(now: Progress) -> None:
        raise KeyboardInterrupt

    before = sorted(pids(client))
    store = begin(study, tmp_path / "a.db")
    with pytest.raises(KeyboardInterrupt):
        run(study, store, scheduler=address, watch=interrupt)
    assert 4 <= len(store.evaluations()) < 24
    workers = DaskWorkers(client, address, order_of(partial(Deadly, tmp_path, 2.0), {}), lambda _: None)
    workers.submit([(at, (3, 3)) for at in range(9)])
    workers.stop()
    until = time.monotonic() + 5
    while cluster.scheduler.tasks and time.monotonic() < until:
        time.sleep(0.05)
    assert not cluster.scheduler.tasks
    store.close()
    assert told(run(study, resume(study, tmp_path / "a.db"), scheduler=address)) == told(whole)
    assert sorted(pids(client)) == before


def test_what_workers_must_have(study: Study, address: str, tmp_path: Path) -> None:
    """Versions of packages, the code of catx, and the study's files; else they refuse all points alike."""
    model = Path(study.models.names[0])
    order = order_of(partial(Deadly, tmp_path), fingerprints(study))
    assert list(order.files) == [str(model)]
    assert evaluate(order, 5, (5, 5), apart=False).evaluation
    changed = {
        "other versions: numpy .*, here it is 1.0": {"versions": {**order.versions, "numpy": "1.0"}},
        "files of catx differ": {"code": "0"},
        "none.onnx: cannot be read there: No such file": {"files": {"none.onnx": "0"}},
        "tiny.onnx: is another file there": {"files": {str(model): "0"}},
        "FileNotFoundError": {"make": pickle.dumps(partial(open, tmp_path / "none"))},
    }
    for message, odd in changed.items():
        for apart in (False, True):
            answer = evaluate(replace(order, **odd), 5, (5, 5), apart=apart)  # type: ignore[arg-type]
            assert answer.evaluation is None
            assert re.search(message, answer.refusal)


def test_a_file_that_workers_do_not_have(study: Study, address: str, tmp_path: Path) -> None:
    """No point fails of it: the run does not start."""
    model = tmp_path / "tiny.onnx"
    model.write_bytes(Path(study.models.names[0]).read_bytes())
    here = replace(study, models=replace(study.models, names=(str(model),)))
    store = begin(here, tmp_path / "a.db")
    moved = partial(os.rename, model, tmp_path / "moved.onnx")
    message = r"a worker on .* cannot evaluate this study: .*tiny\.onnx: cannot be read there"
    with pytest.raises(OptionError, match=message) as raised:
        run(here, store, scheduler=address, tell=lambda what: moved() if "waiting" in what else None)
    assert "--resume" in raised.value.hint
    assert store.evaluations() == {}


def test_another_version(study: Study, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = {**dask_cluster.numeric_versions(), "catx": "9.9"}
    monkeypatch.setattr(dask_cluster, "numeric_versions", lambda: here)
    store = begin(study, tmp_path / "a.db")
    with pytest.raises(
        OptionError, match=rf"worker tcp://.* has other versions: catx {VERSION}, here it is 9\.9"
    ):
        run(study, store, scheduler=address)
    assert store.evaluations() == {}


def test_schedulers_that_are_none(
    tmp_path: Path, study: Study, client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        silent = f"tcp://127.0.0.1:{server.getsockname()[1]}"  # accepts, and says nothing
        for address in ("tcp://127.0.0.1:1", "tcp://none.invalid:8786", "odd://127.0.0.1:1", silent):
            with pytest.raises(OptionError, match=f"the scheduler {address} cannot be reached"):
                dask_cluster.check_cluster(address, lambda _: None)
    with pytest.raises(OptionError, match="is the address of a Worker, not of a scheduler"):
        dask_cluster.check_cluster(next(iter(client.nthreads())), lambda _: None)
    with pytest.raises(OptionError, match="is no address"):
        dask_cluster.check_cluster("127.0.0.1:8786", lambda _: None)
    with pytest.raises(OptionError, match="has workers of its own"):
        run(study, begin(study, tmp_path / "a.db"), scheduler="tcp://127.0.0.1:1", workers=2)


@pytest.mark.parametrize(
    ("workers", "message"), [(0, "has no worker, and none came within 0.2 s"), (1, "has 2 threads")]
)
def test_workers_that_are_none(workers: int, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_cluster, "WORKERS_S", 0.2)
    heard: list[str] = []
    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=2, processes=False, dashboard_address=":0"
        ) as cluster,
        pytest.raises(OptionError, match=message),
    ):
        dask_cluster.check_cluster(cluster.scheduler_address, heard.append)
    assert any("waiting for workers" in what for what in heard)


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_scheduler_that_goes(ending: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask_workers, "CONNECT_S", 0.5)
    file = tmp_path / "scheduler.json"
    words = ["dask_scheduler", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    process = subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.{words[0]}", *words[1:]], stderr=subprocess.DEVNULL
    )
    try:
        with distributed.Client(scheduler_file=str(file), timeout=20, set_as_default=False) as client:
            client._timeout = 1
            heard: list[str] = []
            workers = DaskWorkers(client, "tcp://it", order_of(partial(Deadly, tmp_path), {}), heard.append)
            workers.submit([(0, (0, 0))])
            process.send_signal(ending)
            with pytest.raises(
                OutputError, match="the connection to the scheduler tcp://it is lost"
            ) as raised:
                workers.next()
            assert "--resume" in raised.value.hint
            assert heard
            workers.stop()
    finally:
        process.kill()
        process.wait()


def test_paths_of_a_study_are_full(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "folder.d").mkdir()
    accuracy = AccuracyChoice(
        kind="table", table="a.csv", data="digits", test="folder.d", ranking="none.json"
    )
    full = with_full_paths(replace(study, accuracy=accuracy)).accuracy
    assert full == replace(accuracy, table=str(tmp_path / "a.csv"), test=str(tmp_path / "folder.d"))
    assert set(fingerprints(replace(study, accuracy=full))) == {
        study.models.names[0],
        str(tmp_path / "a.csv"),
    }
