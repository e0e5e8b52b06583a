"""Runs: the same points whatever the number of workers, and whatever interrupted them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from catx.errors import CatxError, OptionError, OutputError, SpecError
from catx.search import local_workers, provenance, runner
from catx.search.evaluation import Evaluation
from catx.search.hardware_space import HardwareSpace
from catx.search.open_study import begin, read, resume
from catx.search.points import Point, found_in, front
from catx.search.runner import run
from catx.search.store import Store
from catx.search.study import SearchPlan, Study
from tests.search.deadly import Deadly
from tests.search.studies import small


def told(points: list[Point]) -> list[tuple[int, object, object]]:
    return [(point.number, point.genome, dict(point.evaluation.numbers)) for point in points]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return small(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def whole(study: Study, tmp_path_factory: pytest.TempPathFactory) -> list[Point]:
    """All points of an uninterrupted run in one process."""
    return run(study, begin(study, tmp_path_factory.mktemp("whole") / "a.db"))


def test_a_run(study: Study, whole: list[Point], tmp_path: Path) -> None:
    seen: list[runner.Progress] = []
    path = tmp_path / "a.db"
    points = run(study, begin(study, path), watch=seen.append)
    assert told(points) == told(whole)
    assert [now.done for now in seen] == [4, 8, 12, 16, 20, 24]
    assert seen[-1].front == len(front(points))
    assert len({point.genome for point in points}) == 24
    store, again = read(path)
    assert again == study
    assert told(found_in(again, store).points) == told(points)
    limit = study.constraints[0].bound
    for point in points:
        assert point.feasible == (point.evaluation.numbers["area_mm2"] <= limit)
    assert {point.feasible for point in points} == {True, False}
    assert all(point.feasible for point in front(points))


def test_batches_begin_small_and_grow() -> None:
    plan = SearchPlan()
    asked, sizes = 0, []
    while asked < 600:
        sizes.append(plan.batch_after(asked))
        asked += sizes[-1]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (4, 20)
    assert sum(size == 4 for size in sizes) == 25  # a twentieth of 100 is 5
    assert SearchPlan(first_batch=8, batch=6).batch_after(0) == 6
    assert SearchPlan(sampler="random").batch_after(0) == 20


def test_two_workers_find_the_same(study: Study, whole: list[Point], tmp_path: Path) -> None:
    assert told(run(study, begin(study, tmp_path / "a.db"), workers=2)) == told(whole)


def test_more_evaluations_go_on(study: Study, whole: list[Point], tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    fewer = replace(study, plan=replace(study.plan, evaluations=10))
    part = run(fewer, begin(fewer, path))
    assert told(part) == told(whole)[:10]
    assert told(run(study, resume(study, path))) == told(whole)
    assert read(path)[1].plan.evaluations == 24


KILLED = """
import os, signal, sys
from pathlib import Path
from catx.search.open_study import begin
from catx.search.runner import run
from catx.search.store import Store
from tests.search.studies import small
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    study = small(folder)
    store = begin(study, folder / "a.db")
    added = Store.add
    def add(self, number, evaluation):
        added(self, number, evaluation)
        print(number, flush=True)
    Store.add = add
    run(study, store, workers=int(sys.argv[2]))
"""


@pytest.mark.parametrize(
    ("workers", "ending"), [(1, signal.SIGKILL), (2, signal.SIGKILL), (2, signal.SIGINT)]
)
def test_a_killed_run_goes_on(whole: list[Point], tmp_path: Path, workers: int, ending: int) -> None:
    script = tmp_path / "script.py"
    script.write_text(KILLED)
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), str(workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": root},
        text=True,
    )
    assert process.stdout is not None
    for _ in range(9):
        process.stdout.readline()
    process.send_signal(ending)
    process.wait(timeout=60)
    process.stdout.close()
    study = small(tmp_path)
    kept = Store.open(tmp_path / "a.db").evaluations()
    assert 9 <= len(kept) < 24
    store = resume(study, tmp_path / "a.db")
    assert told(run(study, store, workers=workers)) == told(whole)
    assert {number: kept[number] for number in kept} == {
        number: found for number, found in store.evaluations().items() if number in kept
    }


def test_a_file_of_another_study(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    begin(study, path).close()
    other = replace(study, plan=replace(study.plan, seed=9), mapped_for="latency")
    with pytest.raises(OptionError, match=r"another study: mapped_for, plan\.seed differ"):
        resume(other, path)
    with pytest.raises(OutputError, match="exists already"):
        begin(study, path)
    with pytest.raises(SpecError, match="no such file"):
        resume(study, tmp_path / "none.db")


def test_one_writer(study: Study, tmp_path: Path) -> None:
    """A file has one writer at a time, and any number of readers; nothing is left when it is closed."""
    path = tmp_path / "a.db"
    store = begin(study, path)
    with pytest.raises(OptionError, match=r"a\.db: another run is writing to it"):
        resume(study, path)
    read(path)[0].close()
    store.close()
    again = resume(study, path)
    with pytest.raises(OptionError, match="another run"):
        resume(study, path)
    again.close()
    other = replace(study, mapped_for="latency")
    for _ in range(2):  # what is refused lets go of it
        with pytest.raises(OptionError, match="another study"):
            resume(other, path)
    assert [found.name for found in tmp_path.iterdir()] == ["a.db"]


def test_versions_of_the_last_run(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another catx is refused, also one of the same version whose files differ; packages are told."""
    path = tmp_path / "a.db"
    store = begin(study, path)
    store.begin_run(provenance.facts_of(study, "here"))
    store.close()
    notes: list[str] = []
    resume(study, path, notes.append).close()
    assert not notes
    text = provenance.versions_text()
    for made, name, other in (
        (r"catx 0\.x, this is ", "versions_text", lambda: "catx 0.x" + text[text.index(",") :]),
        ("whose files differ", "code_here", lambda: "other"),
        ("", "versions_text", lambda: text.replace("numpy ", "numpy 0.")),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(provenance, name, other)
            facts = provenance.facts_of(study, "there")
        with closing(Store.open(path)) as store:
            store.begin_run(facts)
        if made:
            with pytest.raises(OptionError, match=made) as raised:
                resume(study, path, notes.append)
            assert "new file" in raised.value.hint
        else:
            resume(study, path, notes.append).close()
    assert len(notes) == 1
    assert "a.db: its last run had other packages" in notes[0]
    assert "numpy 0." in notes[0]


def test_fewer_evaluations(study: Study, tmp_path: Path) -> None:
    """Fewer than were wanted go on; fewer than are there would hide points, and are refused."""
    path = tmp_path / "a.db"
    with closing(begin(study, path)) as store:
        store.add(-1, Evaluation(genome=(0,), numbers={}))
        store.add(5, Evaluation(genome=(0, 0, 0, 0), numbers={}))
    few, fewer = (replace(study, plan=replace(study.plan, evaluations=most)) for most in (6, 5))
    with pytest.raises(OptionError, match="it has 6 evaluations, and 5 are asked for"):
        resume(fewer, path)
    assert read(path)[1].plan.evaluations == 24
    resume(few, path).close()
    assert read(path)[1].plan.evaluations == 6


def test_a_lock_that_a_killed_run_left(study: Study, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    begin(study, path).close()
    (tmp_path / "a.db.lock").touch()
    resume(study, path).close()
    assert [found.name for found in tmp_path.iterdir()] == ["a.db"]


def test_failed_points_are_kept_and_the_search_goes_on(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HardwareSpace, "check", lambda self: None)  # it refuses values that fail everywhere
    text = study.hardware.text
    vary = (*study.hardware.vary[:3], ("glb_mib", (2, 0)))  # no memory of 0 bytes can be
    odd = replace(study, hardware=replace(study.hardware, text=text, vary=vary))
    points = run(odd, begin(odd, tmp_path / "a.db"))
    failed = [point for point in points if point.costs is None]
    assert len(points) == 24
    assert 0 < len(failed) < 24
    assert all("glb_mib" in point.evaluation.error for point in failed)
    assert not {point.number for point in failed} & {point.number for point in front(points)}


def test_workers_that_die(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A point that kills its worker fails at last; one that does so once, and all others, are evaluated."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2]))  # processes find this module by its name
    monkeypatch.setattr(local_workers, "_start_there", partial(start_deadly, tmp_path))
    pool = local_workers.LocalWorkers(study, 2)
    points = [(at, (at, at)) for at in range(8)]
    pool.submit(points)
    found: dict[int, Evaluation] = {}
    while len(found) < len(points):
        for number, evaluation in pool.next():
            assert number not in found
            found[number] = evaluation
    pool.stop()
    assert {number for number, one in found.items() if one.error} == {1}
    assert "it ended the process that evaluated it, 2 times" in found[1].error


def start_deadly(folder: Path, study: Study) -> None:
    local_workers._there[:] = [Deadly(folder)]  # type: ignore[list-item]


def test_workers_that_cannot_start(study: Study, tmp_path: Path) -> None:
    """The run ends with what is wrong, and no point is said to have failed."""
    gone = replace(study, models=replace(study.models, names=(str(tmp_path / "gone.onnx"),)))
    pool = local_workers.LocalWorkers(gone, 1)
    pool.submit([(0, (0, 0, 0, 0))])
    with pytest.raises(CatxError, match=r"gone\.onnx"):
        pool.next()
    pool.stop()


def test_workers_that_die_while_they_start(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_workers, "_start_there", partial(os._exit, 9))
    monkeypatch.setattr(local_workers, "partial", lambda die, _: die)
    pool = local_workers.LocalWorkers(study, 1)
    pool.submit([(0, (0, 0, 0, 0))])
    with pytest.raises(OptionError, match="end while they start"):
        pool.next()
    pool.stop()


ORPHANS = """
import os, signal, time
from pathlib import Path
from catx.search import local_workers
from tests.search.studies import small

def start(study):
    local_workers.start_process()
    local_workers._there[:] = [evaluate]

def evaluate(genome):
    Path(f"{os.getpid()}.pid").touch()
    time.sleep(60)

if __name__ == "__main__":
    local_workers._start_there = start
    pool = local_workers.LocalWorkers(small(Path.cwd()), 1)
    pool.submit([(0, (0,))])
    while not list(Path.cwd().glob("*.pid")):
        time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_processes_end_with_the_one_that_leads(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(ORPHANS)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=50,
    )
    assert done.returncode == -signal.SIGKILL
    (pid,) = (int(path.stem) for path in tmp_path.glob("*.pid"))
    until = time.monotonic() + 20
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    """Whether there is such a process; one that ended and that no one asked about does not count."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


LOCKS = """
import multiprocessing, time
from pathlib import Path
from catx.search import local_workers
from tests.search.studies import small

def start(study):
    local_workers.start_process()
    local_workers._there[:] = [evaluate]
    held.append(multiprocessing.RLock())  # as progress bars have one

held = []

def evaluate(genome):
    Path(f"{genome[0]}.busy").touch()
    time.sleep(60)

if __name__ == "__main__":
    local_workers._start_there = start
    pool = local_workers.LocalWorkers(small(Path.cwd()), 2)
    pool.submit([(at, (at,)) for at in range(4)])
    while len(list(Path.cwd().glob("*.busy"))) < 2:
        time.sleep(0.1)
    pool.stop()
"""


def test_processes_end_in_order_also_when_busy(tmp_path: Path) -> None:
    """Nothing is left of them: no semaphore that Python would tell of, and no one waits for a slow point."""
    script = tmp_path / "script.py"
    script.write_text(LOCKS)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - started < 30
