import os
import sqlite3
import subprocess
import sys

import pytest

from pimsim.studies import OtherStudyError, Row, Store, StoreBusyError, StoreError, Task, UnequalRowsError

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
