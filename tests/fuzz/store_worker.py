"""Damage a store in one way again and again, go on with its study, and say what became of it."""

import sqlite3
import sys
import tempfile
from pathlib import Path

from pimsim.studies import Store, collect, grid
from tests.fuzz.kit import flipped, generator, report, truncated
from tests.studies.trials import noisy

TASKS = grid(noisy, mean=[0.0, 1.0, 2.0])
TRIALS = 20
RIGHT = collect(TASKS, trials=TRIALS).records()
VALUES = (
    "NULL", "''", "'x'", "0", "-1", "1e999", "x'ff'", "'{}'", "'{\"value\": 1.0}'",
    "'{\"value\": NaN, \"spare\": 1.0}'",
    "'{\"value\": 1e999, \"spare\": 1.0}'", "'[]'", "9223372036854775807", "'[[[['", "randomblob(64)",
)  # fmt: skip


def whole(path):
    """Write an undisturbed store; its bytes."""
    collect(TASKS, store=path, trials=TRIALS)
    return path.read_bytes()


def changed(how, raw, rng):
    if how == "flipped":
        return flipped(raw, rng, bits=int(rng.integers(1, 4)))
    if how == "truncated":
        return truncated(raw, rng)
    start, length = int(rng.integers(0, len(raw))), int(rng.integers(1, 2048))
    middle = bytes(length) if rng.integers(2) else rng.bytes(length)
    return (raw[:start] + middle + raw[start + length :])[: len(raw)]


def edited(path, rng):
    """Change the file with SQLite itself, so that only its content is wrong."""
    columns = {"identity": "name value", "points": "id trial params checksum", "rows": "point trial metrics checksum"}
    table = list(columns)[rng.integers(3)]
    column = rng.choice(columns[table].split())
    statements = [f"DELETE FROM {table}", f"DROP TABLE {table}", f"CREATE TABLE other{table} (x)"]
    statements += [f"UPDATE OR REPLACE {table} SET {column} = {value}" for value in VALUES]
    where = " WHERE abs(random()) % 8 = 0" if rng.integers(2) else ""
    statement = statements[rng.integers(len(statements))]
    db = sqlite3.connect(path)
    try:
        db.execute(statement + (where if statement.startswith(("UPDATE", "DELETE")) else ""))
        db.commit()
    except sqlite3.Error:
        pass  # not every value fits every column
    finally:
        db.close()


def go_on(path):
    """Whoever runs the study on this store gets the right rows, or is told."""
    assert collect(TASKS, store=path, trials=TRIALS).records() == RIGHT


def look(path):
    with Store(path, read_only=True) as store:
        known = {task.id: task for task in TASKS}
        for row in store.rows():
            assert row.point in known


def cases(how, seed, count, folder):
    rng = generator(seed)
    path = folder / "s.sqlite"
    raw = whole(path)
    for k in range(count):
        for left in folder.iterdir():
            left.unlink()
        path.write_bytes(raw if how == "edited" else changed(how, raw, rng))
        if how == "edited":
            edited(path, rng)
        yield f"{how} {seed} {k}", lambda: (look(path), go_on(path))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        report(cases(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(place)))
