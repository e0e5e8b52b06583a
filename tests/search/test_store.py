import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from catx.errors import OutputError, SpecError
from catx.search.evaluation import Evaluation
from catx.search.store import Store

ONE = Evaluation(genome=(0, 3), numbers={"latency_s": 0.1 + 0.2, "area_mm2": 1e-300}, seconds=0.5)
BAD = Evaluation(genome=(1, 1), numbers={}, error="no mapping")


def test_what_is_kept_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = Store.create(path, {"study": "text"})
    store.add(1, BAD)
    store.add(0, ONE)
    store.add(0, BAD)  # an evaluation stays as it was
    for again in (store, Store.open(path), Store.open(path, read_only=True)):
        assert again.evaluations() == {0: ONE, 1: BAD}
        assert list(again.evaluations()) == [0, 1]
        assert again.head == {"study": "text"}
    store.put("study", "other")
    assert Store.open(path).head == {"study": "other"}


def test_it_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "a.db", {})
    reader = Store.open(tmp_path / "a.db", read_only=True)
    for number in range(5):
        store.add(number, ONE)
        assert len(reader.evaluations()) == number + 1


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("mine")
    with pytest.raises(OutputError, match="nothing is overwritten"):
        Store.create(tmp_path / "a.db", {})
    assert (tmp_path / "a.db").read_text() == "mine"
    with pytest.raises(OutputError, match="cannot be written"):
        Store.create(tmp_path / "none" / "a.db", {})


def test_files_that_are_no_study(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no such file"):
        Store.open(tmp_path / "none.db")
    (tmp_path / "text.db").write_text("mine" * 1000)
    with pytest.raises(SpecError, match="no study of catx"):
        Store.open(tmp_path / "text.db")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE a (b)").connection.close()
    with pytest.raises(SpecError, match="another SQLite file"):
        Store.open(tmp_path / "other.db")
    Store.create(tmp_path / "newer.db", {}).close()
    with sqlite3.connect(tmp_path / "newer.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SpecError, match="a newer catx"):
        Store.open(tmp_path / "newer.db")


def run_of(store: Store) -> dict[int, int]:
    """The run that made each evaluation."""
    return dict(store._connection.execute("SELECT number, run FROM evaluations"))


OLD = """
CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE evaluations (
    number INTEGER PRIMARY KEY, genome TEXT NOT NULL, numbers TEXT NOT NULL, error TEXT NOT NULL,
    measured INTEGER NOT NULL, seconds REAL NOT NULL, ended TEXT NOT NULL DEFAULT 'then'
);
INSERT INTO study VALUES ('study', '{"Study": ["small", 1]}'), ('versions', 'catx 0.0');
INSERT INTO evaluations (number, genome, numbers, error, measured, seconds)
    VALUES (0, '[0, 3]', '{"latency_s": 0.5}', '', 0, 0.25);
PRAGMA application_id = 1128354904; PRAGMA user_version = 1;
"""


def test_files_of_the_first_schema_are_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(OLD)
    connection.close()
    for _ in range(2):  # a file is brought up once
        store = Store.open(path)
        assert store.head == {"study": '{"Study":["small",1,[]]}'}
        assert [one["versions"] for one in store.runs.values()] == ["catx 0.0"]
        assert run_of(store) == {0: 1}
        assert store.evaluations()[0].numbers == {"latency_s": 0.5}
        store.close()


def test_every_evaluation_knows_its_run(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "a.db", {})
    for number in range(4):
        if number % 2 == 0:
            store.begin_run({"versions": f"catx {number}"})
        store.add(number, ONE)
    runs = Store.open(tmp_path / "a.db", read_only=True)
    told = {number: runs.runs[run]["versions"] for number, run in run_of(runs).items()}
    assert told == {0: "catx 0", 1: "catx 0", 2: "catx 2", 3: "catx 2"}


def test_a_full_disk_keeps_what_was_there(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "a.db", {})
    store.add(0, ONE)
    pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    store._connection.execute(f"PRAGMA max_page_count = {pages}")
    large = Evaluation(genome=(0,), numbers={}, error="x" * 100_000)
    with pytest.raises(OutputError, match=r"cannot be written: database or disk is full") as raised:
        store.add(1, large)
    assert "--resume" in raised.value.hint
    assert Store.open(tmp_path / "a.db").evaluations() == {0: ONE}
    store.add(1, BAD)
    assert store.evaluations() == {0: ONE, 1: BAD}


BEGINS = """
import resource, sys
from pathlib import Path
from catx.errors import OutputError
from catx.search.store import Store
path = Path("a.db")
for limit in map(int, sys.argv[1:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        Store.create(path, {"study": "x" * 9000}).close()
    except OutputError as error:
        assert "cannot be written" in error.args[0] and not error.hint, error
    else:
        raise SystemExit("made")
"""


def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    """Nothing is left behind that would be in the way of the next try."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", BEGINS, "0", "4096", "8192", "16384", "30000"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())


def test_file_systems_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    Store.create(tmp_path / "a.db", {"a": "b"}).close()
    assert Store.open(tmp_path / "a.db").head == {"a": "b"}
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_torn_log_loses_no_more_than_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    store = Store.create(path, {})
    for number in range(20):
        store.add(number, ONE)
    copy, log = tmp_path / "b.db", tmp_path / "b.db-wal"
    copy.write_bytes(path.read_bytes())
    written = Path(f"{path}-wal").read_bytes()
    log.write_bytes(written[: int(len(written) * 0.6)])
    kept = Store.open(copy).evaluations()
    assert 0 < len(kept) < 20
    assert list(kept) == list(range(len(kept)))
    assert set(map(json.dumps, (list(one.genome) for one in kept.values()))) == {"[0, 3]"}
