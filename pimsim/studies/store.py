"""The results of a study in one SQLite file: one row per (point, trial), nothing lost, nothing mixed."""

import errno
import json
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from pimsim.base.errors import shown
from pimsim.studies.errors import DamagedRowError, OtherStudyError, StoreBusyError, StoreError, UnequalRowsError
from pimsim.studies.rows import Row, checksum, decoded, differences, encoded
from pimsim.studies.task import Task, trial_name

__all__ = ["FORMAT", "Row", "Store"]

FORMAT = "pimsim-study-2"
_ROW = "point TEXT, trial INTEGER, metrics TEXT NOT NULL, checksum INTEGER NOT NULL"
_TABLES = {
    "identity": "name TEXT PRIMARY KEY, value TEXT NOT NULL",
    "points": "id TEXT PRIMARY KEY, trial TEXT NOT NULL, params TEXT NOT NULL, checksum INTEGER NOT NULL",
    "rows": f"{_ROW}, PRIMARY KEY (point, trial)",
    "differences": f"{_ROW}, PRIMARY KEY (point, trial)",
}
_SEAL = "checksum"  # name in the table identity under which the checksum of all others stands
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


class Store:
    """One study's results on disk (path None: in memory).

    Every `add` is one transaction, so a killed process loses at most what it had not yet added. One process
    writes at a time (StoreBusyError); readers may look at any moment. `identity` names what the study is about:
    a file that was made with another value of any of its names is refused (OtherStudyError). Every row carries a
    checksum, and one that is not what was written is refused (DamagedRowError).

    read_only  take no lock and write nothing; a folder that cannot be written is opened in this way by itself

    What goes wrong with the file is a StoreError that names the cause: a full disk, a deleted or damaged file.

    >>> with Store(None, identity={"seed": 0}) as store:
    ...     store.add([Row("point", 0, {"accuracy": 0.9})])
    ...     len(store)
    1
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None,
        identity: Mapping[str, Any] | None = None,
        *,
        read_only: bool = False,
    ) -> None:
        self.path = None if path is None else Path(path)
        self._lock = None if self.path is None or read_only else _lock(self.path)
        self.read_only = self.path is not None and self._lock is None
        try:
            with self._named():
                self._db = _connect(self.path, self.read_only)
            self._db.text_factory = _decode
            try:
                self._open(identity or {})
            except BaseException:
                self._db.close()
                raise
        except BaseException:
            self._unlock()
            raise

    def claim(self, identity: Mapping[str, Any]) -> None:
        """Note what the study is about; OtherStudyError if the file says otherwise."""
        held = self.identity()
        new = {name: json.loads(_text(value)) for name, value in identity.items()}
        differing = [name for name in new if name in held and held[name] != new[name]]
        if differing:
            detail = "; ".join(
                f"{name} is {_brief(held[name])} there and {_brief(new[name])} here" for name in differing
            )
            raise OtherStudyError(f"{self._name} holds the results of another study: {detail}. Use another file.")
        if new.keys() <= held.keys():
            return
        items = {name: _text(value) for name, value in (held | new).items()}
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO identity VALUES (?, ?)", items.items())
            db.execute("INSERT OR REPLACE INTO identity VALUES (?, ?)", (_SEAL, _seal(items)))

    def identity(self) -> dict[str, Any]:
        """What the study is about, as claimed."""
        with self._named():
            items = dict(self._db.execute("SELECT name, value FROM identity"))
        if items and items.pop(_SEAL, None) != _seal(items):
            raise StoreError(f"{self._name} is damaged: what the study is about is not as it was written. {_AGAIN}")
        return {name: json.loads(value) for name, value in items.items()}

    def describe(self, tasks: Iterable[Task]) -> None:
        """Keep the parameters of the points, so that the file can be read without the code that made it."""
        with self._named():
            known = {id for (id,) in self._db.execute("SELECT id FROM points")}
        items = [(task.id, trial_name(task.trial), _text(task.params)) for task in tasks if task.id not in known]
        if items:
            with self._transaction() as db:
                db.executemany("INSERT INTO points VALUES (?, ?, ?, ?)", ((*item, checksum(*item)) for item in items))

    def add(self, rows: Iterable[Row]) -> None:
        """Add rows in one transaction.

        A row that is there already must be equal, or differ in the last digits only, as kinds of CPU do: then the
        first one is kept and `differences` tells (UnequalRowsError otherwise).
        """
        items = list(rows)
        if items:
            with self._transaction() as db:
                for row in items:
                    self._add(db, row, {})

    def rows(self, points: Iterable[str] | None = None) -> Iterator[Row]:
        """All rows in the order of (point, trial), or those of the given points in their order."""
        yield from self._decoded("rows", points)

    def differences(self) -> list[Row]:
        """Rows that were computed more than once with other last digits: the largest difference of each metric."""
        return list(self._decoded("differences"))

    def merge(self, other: str | os.PathLike[str], steps: Mapping[str, float] | None = None) -> int:
        """Add the rows of another file of the same study; returns how many were new.

        A (point, trial) that both hold is kept once. Metrics may differ in their last digits (1e-9 of their size),
        as between kinds of CPU; then `differences` tells by how much.

        steps  metrics that count in steps, with the step: {"accuracy": 1 / 250} for 250 images. One converter code
               that flips with those last digits moves such a metric by one step: allowed then, and told as well

        Refuses a file of another study (OtherStudyError) and larger differences (UnequalRowsError); then nothing at
        all is added.
        """
        if not Path(other).is_file():
            raise StoreError(f"{other}: no such store")
        before = len(self)
        with Store(other, read_only=True) as shard:
            self.claim(shard.identity())
            with self._transaction() as db:
                db.executemany("INSERT OR IGNORE INTO points VALUES (?, ?, ?, ?)", shard._points())
                for row in shard.rows():
                    self._add(db, row, steps or {})
                for row in shard.differences():
                    self._flag(db, row)
        return len(self) - before

    def drop_damaged(self) -> int:
        """Delete rows that are not what was written; returns how many. Running the study again computes them."""
        dropped = 0
        with self._transaction() as db:
            for table in ("rows", "differences"):
                records = db.execute(f"SELECT point, trial, metrics, checksum FROM {table}").fetchall()
                whole = [record for record in records if _is_whole(record)]
                db.execute(f"DELETE FROM {table}")
                db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", whole)
                dropped += len(records) - len(whole)
        return dropped

    def __len__(self) -> int:
        with self._named():
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

    def _open(self, identity: Mapping[str, Any]) -> None:
        """Make the tables of a new file, check those of an older one, and claim the identity."""
        with self._named():
            self._db.execute("PRAGMA synchronous=FULL")
            tables = {name for (name,) in self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            with self._transaction() as db:
                for name, columns in _TABLES.items():
                    db.execute(f"CREATE TABLE {name} ({columns}) WITHOUT ROWID")
                items = {"format": _text(FORMAT)}
                db.executemany("INSERT INTO identity VALUES (?, ?)", [*items.items(), (_SEAL, _seal(items))])
        elif tables == {"identity", "points", "rows"}:
            raise StoreError(
                f"{self._name} was made by an older pimsim, whose rows have no checksum: give another folder or file"
            )
        elif tables != _TABLES.keys():
            raise StoreError(f"{self._name} is an SQLite file, but not one of a pimsim study")
        elif not self.identity():
            raise StoreError(f"{self._name} is damaged: it does not say what the study is about. {_AGAIN}")
        self.claim({"format": FORMAT, **identity})

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self.read_only:
            raise StoreError(f"{self._name} cannot be written, and not all results are in it: {_PERMISSIONS}")
        with self._named():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # SQLite ends it by itself on a full disk
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors of SQLite as StoreError, with what caused them."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"{self._name} {_cause(error, self.path)}") from error
        except UnicodeDecodeError as error:  # of SQLite's own message, which quotes what it found
            raise StoreError(f"{self._name} is damaged ({error.reason}). {_AGAIN}") from error

    def _decoded(self, table: str, points: Iterable[str] | None = None) -> Iterator[Row]:
        select = f"SELECT point, trial, metrics, checksum FROM {table}"
        with self._named():
            if points is None:
                yield from map(self._row, self._db.execute(f"{select} ORDER BY point, trial"))
                return
            for point in points:
                yield from map(self._row, self._db.execute(f"{select} WHERE point = ? ORDER BY trial", (point,)))

    def _row(self, record: tuple[Any, ...]) -> Row:
        try:
            return decoded(record)
        except DamagedRowError as error:
            raise DamagedRowError(
                f"{self._name} is damaged: {error}. To drop such rows and compute them again:"
                f' python -c "from pimsim.studies import Store; Store({self._name!r}).drop_damaged()"'
            ) from None

    def _points(self) -> list[tuple[Any, ...]]:
        with self._named():
            points = self._db.execute("SELECT id, trial, params, checksum FROM points").fetchall()
        for *parts, check in points:
            if check != checksum(*parts):
                raise StoreError(f"{self._name} is damaged: the parameters of point {str(parts[0])[:12]}. {_AGAIN}")
        return points

    def _add(self, db: sqlite3.Connection, row: Row, steps: Mapping[str, float]) -> None:
        if db.execute("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)", encoded(row)).rowcount:
            return
        held = self._held(db, "rows", row)
        try:
            found = differences(held, row.metrics, steps)
        except ValueError as error:
            raise UnequalRowsError(
                f"{self._name}: point {row.point[:12]} trial {row.trial} has two unequal results: {error}"
            ) from None
        if found:
            self._flag(db, row._replace(metrics=found))

    def _flag(self, db: sqlite3.Connection, row: Row) -> None:
        """Keep the largest difference of each metric."""
        held = self._held(db, "differences", row)
        largest = {name: max(held.get(name, 0.0), row.metrics.get(name, 0.0)) for name in {**held, **row.metrics}}
        db.execute("INSERT OR REPLACE INTO differences VALUES (?, ?, ?, ?)", encoded(row._replace(metrics=largest)))

    def _held(self, db: sqlite3.Connection, table: str, row: Row) -> dict[str, float]:
        select = f"SELECT point, trial, metrics, checksum FROM {table} WHERE point = ? AND trial = ?"
        record = db.execute(select, row[:2]).fetchone()
        return {} if record is None else self._row(record).metrics

    def _unlock(self) -> None:
        if self._lock is not None:
            name = Path(self._lock.name)
            if _is_current(self._lock, name):  # the folder may have been deleted, and made again by another process
                name.unlink()
            self._lock.close()
            self._lock = None


_ID = re.compile("[0-9a-f]{64}")
_AGAIN = "Take it from a backup, or delete it and compute again."
_PERMISSIONS = "check the permissions of the folder"


def _connect(path: Path | None, read_only: bool) -> sqlite3.Connection:
    if path is not None and os.path.isdir(path):
        raise StoreError(f"{path} is a folder: give the name of a file")
    if not read_only:
        return sqlite3.connect(":memory:" if path is None else path, isolation_level=None, timeout=60.0)
    assert path is not None
    if not os.path.isfile(path):
        raise StoreError(f"{path} is not there and cannot be made: {_PERMISSIONS}")
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=60.0)


def _cause(error: sqlite3.Error, path: Path | None) -> str:
    """What happened to the file, in words, and what to do."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF  # the rest says more of the same
    gone = path is not None and not os.path.exists(path)
    if code is None:  # not of the file
        return f"cannot be used: {error}"
    if primary == sqlite3.SQLITE_FULL:
        return "cannot grow: the disk is full. What was written is kept; make room and run again"
    if gone or code == sqlite3.SQLITE_READONLY_DBMOVED:
        return "was deleted or moved while it was in use. Put it back, or run again to compute what is missing"
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return f"cannot be opened or written ({error}): {_PERMISSIONS}"
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return "is locked by another program: close it there and run again"
    if primary == sqlite3.SQLITE_IOERR:
        return f"cannot be read or written ({error}): check the disk; what was written is kept"
    if primary == sqlite3.SQLITE_NOTADB:
        return f"is not a result store ({error}): give another file"
    return f"is damaged ({error}). {_AGAIN}"


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")  # damaged text: its checksum tells


def _is_whole(record: tuple[Any, ...]) -> bool:
    try:
        decoded(record)
    except DamagedRowError:
        return False
    return True


def _lock(path: Path) -> IO[str] | None:
    """A lock beside the file that dies with its process, so that a killed run leaves nothing to clean up.

    None where the folder cannot be written: then nobody else writes either.
    """
    import fcntl

    name = path.with_name(path.name + ".lock")
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = name.open("w")
        except OSError as error:
            if error.errno in _READ_ONLY:
                return None
            reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error)).lower()
            raise StoreError(f"{path} cannot be made: {reason}; check the path and its permissions") from None
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
    except OSError:
        return False


def _brief(value: Any) -> str:
    """A value in a message: of an id its first digits, as everywhere."""
    return value[:12] if isinstance(value, str) and _ID.fullmatch(value) else shown(value)


def _seal(items: Mapping[str, str]) -> str:
    return str(checksum(*sorted(map(repr, items.items()))))


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)
