"""The results of a study in one SQLite file: one row per (point, trial), nothing lost, nothing mixed."""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, NamedTuple, Self

from pimsim.studies.errors import OtherStudyError, StoreBusyError, StoreError, UnequalRowsError
from pimsim.studies.task import Task, trial_name

FORMAT = "pimsim-study-1"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS points (id TEXT PRIMARY KEY, trial TEXT NOT NULL, params TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rows (
    point TEXT NOT NULL, trial INTEGER NOT NULL, metrics TEXT NOT NULL, PRIMARY KEY (point, trial)) WITHOUT ROWID;
"""


class Row(NamedTuple):
    """One result: a point's id, the trial's number and what the trial measured."""

    point: str
    trial: int
    metrics: dict[str, float]


class Store:
    """One study's results on disk (path None: in memory).

    Every `add` is one transaction, so a killed process loses at most what it had not yet added. One process
    writes at a time (StoreBusyError); readers may look at any moment. `identity` names what the study is about:
    a file that was made with another value of any of its names is refused (OtherStudyError).

    >>> with Store(None, identity={"seed": 0}) as store:
    ...     store.add([Row("point", 0, {"accuracy": 0.9})])
    ...     len(store)
    1
    """

    def __init__(self, path: str | os.PathLike[str] | None, identity: Mapping[str, Any] | None = None) -> None:
        self.path = None if path is None else Path(path)
        self._lock: IO[str] | None = None
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = _lock(self.path)
        try:
            self._db = _open(self.path)
            self.claim({"format": FORMAT, **(identity or {})})
        except BaseException:
            self._unlock()
            raise

    def claim(self, identity: Mapping[str, Any]) -> None:
        """Note what the study is about; OtherStudyError if the file says otherwise."""
        held = self.identity()
        new = {name: json.loads(_text(value)) for name, value in identity.items()}
        differing = [name for name in new if name in held and held[name] != new[name]]
        if differing:
            detail = "; ".join(f"{name} is {held[name]!r} there and {new[name]!r} here" for name in differing)
            raise OtherStudyError(f"{self._name} holds the results of another study: {detail}. Use another file.")
        with self._transaction() as db:
            items = [(name, _text(value)) for name, value in new.items() if name not in held]
            db.executemany("INSERT INTO identity VALUES (?, ?)", items)

    def identity(self) -> dict[str, Any]:
        """What the study is about, as claimed."""
        return {name: json.loads(value) for name, value in self._db.execute("SELECT name, value FROM identity")}

    def describe(self, tasks: Iterable[Task]) -> None:
        """Keep the parameters of the points, so that the file can be read without the code that made it."""
        items = [(task.id, trial_name(task.trial), _text(task.params)) for task in tasks]
        with self._transaction() as db:
            db.executemany("INSERT OR IGNORE INTO points VALUES (?, ?, ?)", items)

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows in one transaction. A row that is there already must be equal (UnequalRowsError)."""
        with self._transaction() as db:
            for row in rows:
                self._add(db, row)

    def rows(self, points: Iterable[str] | None = None) -> Iterator[Row]:
        """All rows in the order of (point, trial), or those of the given points in their order."""
        select = "SELECT point, trial, metrics FROM rows"
        if points is None:
            yield from map(_row, self._db.execute(f"{select} ORDER BY point, trial"))
            return
        for point in points:
            yield from map(_row, self._db.execute(f"{select} WHERE point = ? ORDER BY trial", (point,)))

    def merge(self, other: str | os.PathLike[str]) -> int:
        """Add the rows of another file of the same study; returns how many were new.

        Refuses a file of another study (OtherStudyError) and unequal results for one (point, trial)
        (UnequalRowsError); then nothing at all is added.
        """
        if not Path(other).is_file():
            raise StoreError(f"{other}: no such store")
        before = len(self)
        with Store(other) as shard:
            self.claim(shard.identity())
            with self._transaction() as db:
                db.executemany(
                    "INSERT OR IGNORE INTO points VALUES (?, ?, ?)", shard._db.execute("SELECT * FROM points")
                )
                for row in shard.rows():
                    self._add(db, row)
        return len(self) - before

    def __len__(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM rows").fetchone()[0])

    def close(self) -> None:
        """Close the file and let others write."""
        self._db.close()
        self._unlock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _name(self) -> str:
        return "the store in memory" if self.path is None else str(self.path)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _add(self, db: sqlite3.Connection, row: Row) -> None:
        text = json.dumps(row.metrics, allow_nan=False)
        if db.execute("INSERT OR IGNORE INTO rows VALUES (?, ?, ?)", (row.point, row.trial, text)).rowcount:
            return
        held = db.execute("SELECT metrics FROM rows WHERE point = ? AND trial = ?", row[:2]).fetchone()[0]
        if json.loads(held) != row.metrics:
            raise UnequalRowsError(
                f"{self._name}: point {row.point[:12]} trial {row.trial} has two unequal results, {held} and {text}"
            )

    def _unlock(self) -> None:
        if self._lock is not None:
            Path(self._lock.name).unlink(missing_ok=True)
            self._lock.close()
            self._lock = None


def _open(path: Path | None) -> sqlite3.Connection:
    db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None, timeout=60.0)
    try:
        db.execute("PRAGMA synchronous=FULL")
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables - {"identity", "points", "rows"}:
            raise StoreError(f"{path} is an SQLite file, but not one of a pimsim study")
        db.executescript(_SCHEMA)
    except sqlite3.DatabaseError as error:
        db.close()
        raise StoreError(f"{path} is not a result store: {error}") from None
    except BaseException:
        db.close()
        raise
    return db


def _lock(path: Path) -> IO[str]:
    """A lock beside the file that dies with its process, so that a killed run leaves nothing to clean up."""
    import fcntl

    name = path.with_name(path.name + ".lock")
    while True:
        file = name.open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise StoreBusyError(f"{path} is being written by another process") from None
        if _is_current(file, name):
            return file
        file.close()  # its owner removed it between our opening and locking it


def _is_current(file: IO[str], name: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), name.stat())
    except FileNotFoundError:
        return False


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)


def _row(record: tuple[str, int, str]) -> Row:
    point, trial, metrics = record
    return Row(point, trial, json.loads(metrics))
