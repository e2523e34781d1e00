import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pimsim.studies import (
    DamagedRowError,
    OtherStudyError,
    Row,
    Store,
    StoreBusyError,
    StoreError,
    Task,
    UnequalRowsError,
    collect,
    grid,
)
from pimsim.studies.rows import checksum
from tests.close import close

from .trials import noisy

A = Row("a", 0, {"accuracy": 0.9, "energy": 1e-9})
B = Row("b", 0, {"accuracy": 0.8, "energy": 2e-9})


def test_rows_come_back_exactly(tmp_path):
    row = Row("a", 3, {"z": 0.1 + 0.2, "a": 1e-300})
    with Store(tmp_path / "s.sqlite") as store:
        store.add([B, row, A])
    with Store(tmp_path / "s.sqlite") as store:
        assert list(store.rows()) == [A, row, B]
        assert list(store.rows(["b", "none"])) == [B]
        assert list(next(store.rows(["a"])).metrics) == ["accuracy", "energy"]


def test_equal_row_twice_is_one_row():
    with Store(None) as store:
        store.add([A])
        store.add([A])
        assert len(store) == 1


def test_unequal_row_is_refused_and_its_transaction_undone():
    with Store(None) as store:
        store.add([A])
        with pytest.raises(UnequalRowsError, match=r"point a trial 0 has two unequal results"):
            store.add([B, A._replace(metrics={"accuracy": 0.1})])
        assert list(store.rows()) == [A]


def test_nan_never_enters():
    with Store(None) as store, pytest.raises(ValueError, match="Out of range float"):
        store.add([Row("a", 0, {"accuracy": float("nan")})])


def test_other_study_is_refused_by_name(tmp_path):
    Store(tmp_path / "s.sqlite", identity={"network": "vgg", "seed": 0}).close()
    Store(tmp_path / "s.sqlite", identity={"seed": 0, "chip": "new name is fine"}).close()
    with pytest.raises(OtherStudyError, match="another study: network is 'vgg' there and 'resnet' here"):
        Store(tmp_path / "s.sqlite", identity={"network": "resnet", "seed": 0})
    Store(tmp_path / "s.sqlite", identity={"network": "vgg"}).close()  # the refusal left no lock behind


def test_other_ids_are_named_by_their_first_digits(tmp_path):
    Store(tmp_path / "s.sqlite", identity={"chip": "a" * 64}).close()
    with pytest.raises(OtherStudyError, match=r"another study: chip is a{12} there and b{12} here\. Use another file"):
        Store(tmp_path / "s.sqlite", identity={"chip": "b" * 64})


def test_merge_of_shards(tmp_path):
    with Store(tmp_path / "1.sqlite", {"seed": 0}) as one, Store(tmp_path / "2.sqlite", {"seed": 0}) as two:
        one.add([A])
        two.add([A, B])
        two.describe([Task(noisy, {"mean": 1.0})])
    with Store(tmp_path / "1.sqlite") as one:
        assert one.merge(tmp_path / "2.sqlite") == 1
        assert list(one.rows()) == [A, B]
        assert one._db.execute("SELECT COUNT(*) FROM points").fetchone() == (1,)


def test_merge_refuses_unequal_duplicates_and_adds_nothing(tmp_path):
    with Store(tmp_path / "2.sqlite") as two:
        two.add([Row("0", 0, {"accuracy": 0.5}), A._replace(metrics={"accuracy": 0.90000001, "energy": 1e-9})])
    with Store(tmp_path / "1.sqlite") as one:
        one.add([A])
        with pytest.raises(UnequalRowsError, match="point a trial 0"):
            one.merge(tmp_path / "2.sqlite")
        assert list(one.rows()) == [A]


def test_merge_refuses_other_study_and_no_file(tmp_path):
    Store(tmp_path / "2.sqlite", {"seed": 1}).close()
    with Store(tmp_path / "1.sqlite", {"seed": 0}) as one:
        with pytest.raises(OtherStudyError, match="seed is 0 there and 1 here"):
            one.merge(tmp_path / "2.sqlite")
        with pytest.raises(StoreError, match="no such store"):
            one.merge(tmp_path / "3.sqlite")


def test_one_writer_but_any_reader(tmp_path):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store.add([A])
        code = f"from pimsim.studies import Store; Store({str(path)!r})"
        environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
        second = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
        assert "StoreBusyError" in second.stderr
        with pytest.raises(StoreBusyError, match="being written by another process"):
            Store(path)
        reader = sqlite3.connect(path)
        assert reader.execute("SELECT COUNT(*) FROM rows").fetchone() == (1,)
        reader.close()
    assert [file.name for file in tmp_path.iterdir()] == ["s.sqlite"]


def test_no_study_file(tmp_path):
    (tmp_path / "text.sqlite").write_text("this is not a database, and long enough to be seen as none" * 20)
    with pytest.raises(StoreError, match="not a result store"):
        Store(tmp_path / "text.sqlite")
    db = sqlite3.connect(tmp_path / "other.sqlite")
    db.execute("CREATE TABLE bookmarks (url TEXT)")
    db.close()
    with pytest.raises(StoreError, match="not one of a pimsim study"):
        Store(tmp_path / "other.sqlite")


def edit(path, statement, *values):
    """Change a store behind its back."""
    db = sqlite3.connect(path)
    db.execute(statement, values)
    db.commit()
    db.close()


@pytest.fixture
def filled(tmp_path):
    path = tmp_path / "s.sqlite"
    with Store(path, {"seed": 0}) as store:
        store.add([A, B])
    return path


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE rows SET metrics = replace(metrics, '0.9', '0.8')",
        "UPDATE rows SET metrics = '' WHERE point = 'a'",
        "UPDATE rows SET metrics = x'ff00' WHERE point = 'a'",
        "UPDATE rows SET metrics = 7 WHERE point = 'a'",
        "UPDATE rows SET trial = 1 WHERE point = 'a'",
        "UPDATE rows SET point = 'c' WHERE point = 'a'",
        "UPDATE rows SET checksum = checksum + 1 WHERE point = 'a'",
    ],
)
def test_a_changed_row_is_refused_by_name_and_can_be_dropped(filled, statement):
    edit(filled, statement)
    with Store(filled) as store:
        with pytest.raises(DamagedRowError, match=r"s\.sqlite is damaged: point . trial .*drop_damaged\(\)"):
            list(store.rows())
        assert store.drop_damaged() == 1
        assert list(store.rows()) == [B]
        store.add([A])


@pytest.mark.parametrize(
    "text", ["{}", "[1]", '{"x": NaN}', '{"x": 1e999}', '{"x": "1"}', '{"x": true}', '{"x": null}']
)
def test_a_row_of_no_numbers_is_refused_with_a_right_checksum_too(filled, text):
    edit(filled, "UPDATE rows SET metrics = ?, checksum = ? WHERE point = 'a'", text, checksum("a", 0, text))
    with Store(filled) as store, pytest.raises(DamagedRowError, match="no set of finite numbers by name"):
        list(store.rows())


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM identity",
        "DELETE FROM identity WHERE name = 'seed'",
        "DELETE FROM identity WHERE name = 'checksum'",
        "UPDATE identity SET value = '1' WHERE name = 'seed'",
        "UPDATE identity SET value = x'80' WHERE name = 'seed'",
    ],
)
def test_a_store_that_lost_its_identity_is_refused(filled, statement):
    edit(filled, statement)
    with pytest.raises(StoreError, match=r"s\.sqlite is damaged: .*what the study is about"):
        Store(filled, {"seed": 0})


def test_damaged_points_are_not_merged(filled, tmp_path):
    with Store(tmp_path / "2.sqlite", {"seed": 0}) as other:
        other.describe([Task(noisy, {"mean": 1.0})])
    edit(tmp_path / "2.sqlite", "UPDATE points SET params = '{}'")
    with Store(filled) as store, pytest.raises(StoreError, match=r"2\.sqlite is damaged: the parameters of point"):
        store.merge(tmp_path / "2.sqlite")


def test_a_store_of_an_older_pimsim_is_refused_by_name(tmp_path):
    path = tmp_path / "old.sqlite"
    for table in ("identity (name, value)", "points (id)", "rows (point)"):
        edit(path, f"CREATE TABLE {table}")
    with pytest.raises(
        StoreError, match="was made by an older pimsim, whose rows have no checksum: give another folder"
    ):
        Store(path)


def test_damaged_pages_and_what_is_no_file(filled, tmp_path):
    data = bytearray(filled.read_bytes())
    data[4096:] = bytes(len(data) - 4096)
    filled.write_bytes(data)
    with pytest.raises(StoreError, match=r"s\.sqlite is damaged \(database disk image is malformed\)"):
        Store(filled)
    with pytest.raises(StoreError, match="is a folder: give the name of a file"):
        Store(tmp_path)
    with pytest.raises(StoreError, match=r"cannot be made: (not a directory|file exists); check the path"):
        Store(filled / "s.sqlite")


@pytest.mark.parametrize("vanish", [os.unlink, lambda path: os.rename(path, f"{path}.old")])
def test_a_store_that_vanishes_while_it_is_in_use(filled, vanish):
    with Store(filled) as store:
        vanish(filled)
        with pytest.raises(StoreError, match=r"s\.sqlite was deleted or moved while it was in use"):
            store.add([Row("c", 0, {"accuracy": 0.5})])


def test_a_folder_that_vanishes_leaves_the_lock_of_the_next_study_alone(tmp_path):
    path = tmp_path / "folder" / "s.sqlite"
    first = Store(path)
    shutil.rmtree(path.parent)
    with Store(path) as second:
        first.close()
        with pytest.raises(StoreBusyError):
            Store(path)
        second.add([A])


def test_a_full_disk_keeps_what_was_written(filled):
    with Store(filled) as store:
        store._db.execute("PRAGMA max_page_count = 5")  # stands in for the end of the disk
        with pytest.raises(StoreError, match=r"s\.sqlite cannot grow: the disk is full. What was written is kept"):
            store.add(Row("c", k, {"accuracy": 0.5}) for k in range(1000))
    with Store(filled) as store:
        assert list(store.rows()) == [A, B]


@pytest.fixture
def locked_folder():
    """A folder that this process cannot write, also if it is root's."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_nobody(function):
    if os.getuid():
        return function()
    os.seteuid(65534)
    try:
        return function()
    finally:
        os.seteuid(0)


def test_a_finished_study_is_read_from_a_folder_that_cannot_be_written(locked_folder):
    path, tasks = locked_folder / "s.sqlite", grid(noisy, mean=[0.0, 1.0])
    first = collect(tasks, store=path, trials=3)
    locked_folder.chmod(0o555)
    again = as_nobody(lambda: collect(tasks, store=path, trials=3))
    assert (again.computed, again.records()) == (0, first.records())
    with pytest.raises(StoreError, match="cannot be written, and not all results are in it: check the permissions"):
        as_nobody(lambda: collect(tasks, store=path, trials=4))
    with pytest.raises(StoreError, match=r"new\.sqlite is not there and cannot be made: check the permissions"):
        as_nobody(lambda: Store(locked_folder / "new.sqlite"))
    locked_folder.chmod(0o755)


def test_last_digits_are_kept_once_and_told(tmp_path):
    other = A._replace(metrics={"accuracy": 0.9, "energy": 1e-9 * (1 + 1e-13)})
    with Store(tmp_path / "1.sqlite") as one, Store(tmp_path / "2.sqlite") as two:
        one.add([A])
        two.add([other, B])
    with Store(tmp_path / "1.sqlite") as one:
        assert one.merge(tmp_path / "2.sqlite") == 1
        assert list(one.rows()) == [A, B]
        assert one.differences() == [Row("a", 0, {"energy": other.metrics["energy"] - 1e-9})]
    with Store(tmp_path / "3.sqlite") as three:
        three.merge(tmp_path / "1.sqlite")
        assert [row.point for row in three.differences()] == ["a"]
        three.add([A._replace(metrics={"accuracy": 0.9, "energy": 1e-9 * (1 + 5e-13)})])
        assert three.differences()[0].metrics["energy"] == close(5e-22, rel=1e-2)


def test_one_step_of_a_count_is_kept_only_if_the_step_is_given(tmp_path):
    with Store(tmp_path / "2.sqlite") as two:
        two.add([A._replace(metrics={"accuracy": 0.9 + 1 / 250, "energy": 1e-9})])
    with Store(tmp_path / "1.sqlite") as one:
        one.add([A])
        with pytest.raises(UnequalRowsError, match=r"two unequal results: accuracy is 0\.9 and 0\.904"):
            one.merge(tmp_path / "2.sqlite")
        with pytest.raises(UnequalRowsError, match="accuracy is"):
            one.merge(tmp_path / "2.sqlite", steps={"accuracy": 1 / 251, "energy": 1.0})
        assert one.merge(tmp_path / "2.sqlite", steps={"accuracy": 1 / 250}) == 0
        assert one.differences() == [Row("a", 0, {"accuracy": close(1 / 250)})]


def test_other_metrics_are_no_equal_row():
    with Store(None) as store, pytest.raises(UnequalRowsError, match="they measure accuracy, energy and accuracy"):
        store.add([A, A._replace(metrics={"accuracy": 0.9})])


def test_identity_is_kept_as_json(filled):
    with Store(filled, {"chip": [1, {"a": None}]}) as store:
        assert store.identity() == {"format": "pimsim-study-2", "seed": 0, "chip": json.loads('[1, {"a": null}]')}
