"""A study on disk: one SQLite file, written by one process, readable by others while it grows."""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from catx.errors import Loc, OutputError, SpecError
from catx.search.evaluation import Evaluation
from catx.search.writer_lock import WriterLock

APPLICATION = 0x43415458
"""SQLite's application id of study files: "CATX"."""

VERSION = 2
"""Of the schema; `_MIGRATIONS` bring older files up to it."""

_SCHEMA = """
CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE evaluations (
    number INTEGER PRIMARY KEY,
    genome TEXT NOT NULL,
    numbers TEXT NOT NULL,
    error TEXT NOT NULL,
    measured INTEGER NOT NULL,
    seconds REAL NOT NULL,
    ended TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    run INTEGER REFERENCES runs (id)
);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    facts TEXT NOT NULL,
    began TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
"""

_MIGRATIONS: Mapping[int, str] = {
    1: """
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY,
            facts TEXT NOT NULL,
            began TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
        );
        ALTER TABLE evaluations ADD COLUMN run INTEGER REFERENCES runs (id);
        INSERT INTO runs (facts) SELECT json_object('versions', value) FROM study WHERE key = 'versions';
        UPDATE evaluations SET run = (SELECT max(id) FROM runs);
        DELETE FROM study WHERE key = 'versions';
        UPDATE study SET value = json_insert(
            value,
            '$.Study[#]', json('[]'),
            '$.Study[9].SearchPlan[#]', NULL,
            '$.Study[9].SearchPlan[#]', 0,
            '$.Study[6].AccuracyChoice[#]', 40,
            '$.Study[6].AccuracyChoice[#]', 6,
            '$.Study[6].AccuracyChoice[#]', 4,
            '$.Study[6].AccuracyChoice[#]', 100
        ) WHERE key = 'study';
    """
}
"""SQL that turns a file of a version into one of the next. To 2: studies got constraints of mappings and
screening, evaluations the run that made them."""


class Store:
    """Evaluations of a study by the number in which they were proposed.

    Every evaluation is a transaction: a process that is killed loses what it had not finished, and nothing
    else. Numbers are kept to the last bit.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection
        self._lock: WriterLock | None = None
        self._run: int | None = None

    @classmethod
    def create(cls, path: Path, head: Mapping[str, str]) -> Self:
        """A new file with the given texts about the study.

        Raises:
            OutputError: there is a file already, or none can be made; then none is left behind.
        """
        check_new(path)
        made = False
        try:
            with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
                _begin(Path(folder) / path.name, head)
                _put(Path(folder) / path.name, path)
            made = True
            return cls(path, _connect(path))
        except FileExistsError:
            raise _exists(path) from None
        except (OSError, sqlite3.Error) as error:
            if made:
                path.unlink()
            reason = error.strerror if isinstance(error, OSError) else error
            raise OutputError(f"cannot be written: {reason}", loc=Loc(str(path))) from error

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """The store in a file.

        Raises:
            SpecError: there is none, or the file is something else, or of a newer catx.
            OutputError: it cannot be opened, as where the disk is full.
        """
        loc = Loc(str(path))
        if not path.is_file():
            raise SpecError("no such file", loc=loc)
        try:
            connection = _connect(path, read_only=read_only)
            application, version = (
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("application_id", "user_version")
            )
        except sqlite3.OperationalError as error:
            raise OutputError(f"cannot be opened: {error}", loc=loc) from error
        except sqlite3.DatabaseError as error:
            raise SpecError(f"no study of catx: {error}", loc=loc) from None
        if application != APPLICATION:
            raise SpecError("no study of catx: another SQLite file", loc=loc)
        if version > VERSION:
            raise SpecError(f"a study of a newer catx (schema {version}, this one knows {VERSION})", loc=loc)
        if version < VERSION and read_only:
            connection.close()
            cls.open(path).close()
            return cls.open(path, read_only=True)
        store = cls(path, connection)
        store._migrate(version)
        return store

    def _migrate(self, version: int) -> None:
        for older in range(version, VERSION):
            with self._writing() as connection:
                connection.executescript(
                    f"BEGIN; {_MIGRATIONS[older]} PRAGMA user_version = {older + 1}; COMMIT;"
                )

    @property
    def head(self) -> dict[str, str]:
        """Texts about the study."""
        return dict(self._connection.execute("SELECT key, value FROM study"))

    def put(self, key: str, value: str) -> None:
        """Set a text about the study."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO study VALUES (?, ?)", (key, value))
            connection.commit()

    def begin_run(self, facts: Mapping[str, object]) -> None:
        """Tell who makes the evaluations that are added from now on: versions, machine, hashes of inputs."""
        with self._writing() as connection:
            cursor = connection.execute("INSERT INTO runs (facts) VALUES (?)", (json.dumps(dict(facts)),))
            connection.commit()
            self._run = cursor.lastrowid

    @property
    def runs(self) -> dict[int, dict[str, Any]]:
        """What each run told of itself, and when it `began`, by its number."""
        rows = self._connection.execute("SELECT id, facts, began FROM runs ORDER BY id")
        return {number: {**json.loads(facts), "began": began} for number, facts, began in rows}

    @property
    def proposed(self) -> int:
        """How many points were proposed, up to the last one that is there."""
        (last,) = self._connection.execute("SELECT max(number) FROM evaluations").fetchone()
        return 0 if last is None else max(0, last + 1)

    def add(self, number: int, evaluation: Evaluation) -> None:
        """Keep an evaluation; one that is there already stays as it is.

        Raises:
            OutputError: the file cannot be written.
        """
        row = (
            number,
            json.dumps(evaluation.genome),
            json.dumps(dict(evaluation.numbers)),
            evaluation.error,
            int(evaluation.measured),
            evaluation.seconds,
            self._run,
        )
        with self._writing() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO evaluations (number, genome, numbers, error, measured, seconds, run) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            connection.commit()

    def evaluations(self) -> dict[int, Evaluation]:
        """All evaluations by number, in their order."""
        rows = self._connection.execute(
            "SELECT number, genome, numbers, error, measured, seconds FROM evaluations ORDER BY number"
        )
        return {number: _evaluation(*rest) for number, *rest in rows}

    def hold(self, lock: WriterLock) -> None:
        """Keep the lock of the file's only writer until it is closed."""
        self._lock = lock

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """The connection; what SQLite cannot write is an error of catx, and leaves the file as it was."""
        try:
            yield self._connection
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.rollback()
            raise OutputError(
                f"cannot be written: {error}",
                loc=Loc(str(self.path)),
                hint="what was evaluated before is kept; `--resume` goes on from it",
            ) from error


def _begin(path: Path, head: Mapping[str, str]) -> None:
    """A whole file without evaluations."""
    path.touch()
    with closing(_connect(path)) as connection:
        marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION};"
        connection.executescript(f"BEGIN; {_SCHEMA} {marks}")
        connection.executemany("INSERT INTO study VALUES (?, ?)", list(head.items()))
        connection.commit()


def _put(made: Path, path: Path) -> None:
    """Give a file its name, which no other file may have."""
    try:
        os.link(made, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        path.open("x").close()
        made.replace(path)


def check_new(path: Path) -> None:
    """Check that a file can be made.

    Raises:
        OutputError: there is one already, or there is no such folder.
    """
    if path.exists():
        raise _exists(path)
    if not path.parent.is_dir():
        raise OutputError("cannot be written: there is no such folder", loc=Loc(str(path)))


def _exists(path: Path) -> OutputError:
    return OutputError(
        "exists already: nothing is overwritten",
        loc=Loc(str(path)),
        hint="`--resume` goes on with it; `-o` names another file",
    )


def _connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    address = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rw'}"
    connection = sqlite3.connect(address, uri=True, timeout=30.0)
    if not read_only:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
        except sqlite3.Error:
            connection.close()
            raise
    return connection


def _evaluation(genome: str, numbers: str, error: str, measured: int, seconds: float) -> Evaluation:
    known: dict[str, Any] = json.loads(numbers)
    return Evaluation(
        genome=tuple(json.loads(genome)),
        numbers=known,
        error=error,
        measured=bool(measured),
        seconds=seconds,
    )
