import csv
import io
import tracemalloc
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from pimsim.base.errors import InputError
from pimsim.studies import (
    OtherStudyError,
    Store,
    Task,
    TrialError,
    TrialImportError,
    WorkerError,
    collect,
    executors,
    grid,
    processes,
)
from tests.close import close

from . import trials
from .trials import noisy


def points(log, bits=(3, 4, 5)):
    return [Task(trials.chip, {"log": str(log), "bits": b}, labels={"bits": b}, group="one chip") for b in bits]


def test_trial_k_is_the_same_for_every_point():
    low, high = collect(grid(noisy, mean=[0.0, 5.0]), trials=6)
    assert high.values("value") == close([value + 5 for value in low.values("value")])
    assert len(set(low.values("value"))) == 6


def test_paired_difference_is_narrower_than_the_means():
    tasks = grid(noisy, mean=[0.0, 0.5])
    results = collect(tasks, trials=5)
    difference = results.difference(tasks[1], tasks[0], "value")
    assert difference.mean == close(0.5)
    assert difference.halfwidth < 1e-12 < results[tasks[0]]["value"].halfwidth


def test_same_bytes_for_any_workers_and_order(tmp_path):
    tasks = grid(noisy, mean=[0.0, 1.0, 2.0])
    collect(tasks, trials=7).write_csv(tmp_path / "serial.csv")
    with processes(2) as executor:
        collect(reversed(tasks), trials=7, executor=executor).write_csv(tmp_path / "processes.csv")
    with ThreadPoolExecutor(3) as executor:
        collect(tasks[1:] + tasks[:1], trials=7, executor=executor).write_csv(tmp_path / "threads.csv")
    text = (tmp_path / "serial.csv").read_text()
    assert text == (tmp_path / "processes.csv").read_text() == (tmp_path / "threads.csv").read_text()
    assert text.splitlines()[0] == "mean,trial,value,spare"
    assert len(text.splitlines()) == 22


def test_table_is_sorted_by_number_not_by_text():
    table = collect(grid(noisy, mean=[10, 9, 2])).table()
    assert table["mean"].tolist() == [2, 9, 10]
    assert list(table.columns) == ["mean", "trial", "value", "spare"]


def test_second_run_computes_nothing(tmp_path):
    log = tmp_path / "log"
    tasks = grid(trials.logged, log=[str(log)], point=[1, 2])
    first = collect(tasks, store=tmp_path / "s.sqlite", trials=3)
    second = collect(tasks, store=tmp_path / "s.sqlite", trials=3)
    assert (first.computed, first.reused, second.computed, second.reused) == (6, 0, 0, 6)
    assert first.records() == second.records()
    assert len(log.read_text().splitlines()) == 6


def test_more_points_and_trials_compute_only_what_is_missing(tmp_path):
    log = tmp_path / "log"
    collect(grid(trials.logged, log=[str(log)], point=[1, 2]), store=tmp_path / "s.sqlite", trials=2)
    more = collect(grid(trials.logged, log=[str(log)], point=[2, 3]), store=tmp_path / "s.sqlite", trials=3)
    assert (more.computed, more.reused) == (4, 2)
    fewer = collect(grid(trials.logged, log=[str(log)], point=[2]), store=tmp_path / "s.sqlite", trials=1)
    assert (fewer.computed, fewer.points[0].trials) == (0, 1)


def test_group_is_set_up_once_per_trial_and_only_for_missing_points(tmp_path):
    log = tmp_path / "log"
    collect(points(log, [4]), store=tmp_path / "s.sqlite", trials=1)
    results = collect(points(log), store=tmp_path / "s.sqlite", trials=2, rng=0)
    assert log.read_text().splitlines() == ["0:4", "0:3,5", "1:3,4,5"]
    assert [point.values("value") for point in results] == [[3.0, 103.0], [4.0, 104.0], [5.0, 105.0]]


def test_group_gets_seed(tmp_path):
    point, *_ = collect(points(tmp_path / "log"), rng=7)
    assert point["value"].mean == 10.0


def test_seed_and_trial_function_are_part_of_the_study(tmp_path):
    collect(grid(noisy, mean=[1.0]), store=tmp_path / "s.sqlite", rng=1)
    with pytest.raises(OtherStudyError, match="seed is 1 there and 2 here"):
        collect(grid(noisy, mean=[1.0]), store=tmp_path / "s.sqlite", rng=2)
    with pytest.raises(OtherStudyError, match=r"trials is .*noisy.* there and .*other.* here"):
        collect(grid(trials.other, mean=[1.0]), store=tmp_path / "s.sqlite", rng=1)


def test_stop_rule_stops_each_point_at_a_fixed_look():
    quiet, loud = (Task(noisy, {"mean": m}) for m in (0.0, 1.0))
    wide = collect([quiet, loud], trials=40, until_halfwidth=0.5)
    n = wide[quiet].trials
    assert n in (8, 12, 18, 27, 40)
    assert wide[quiet]["value"].halfwidth <= 0.5
    with processes(2) as executor:
        again = collect([loud, quiet], trials=40, until_halfwidth=0.5, executor=executor)
    assert again.records() == wide.records()


def test_stop_rule_takes_the_named_metric_and_ends_at_trials():
    (constant,) = collect(grid(noisy, mean=[0.0]), trials=40, until_halfwidth=1e-6, metric="spare")
    assert constant.trials == 8
    (never,) = collect(grid(noisy, mean=[0.0]), trials=20, until_halfwidth=1e-6)
    assert never.trials == 20


def test_stop_rule_gives_the_same_from_a_fuller_store(tmp_path):
    tasks = grid(noisy, mean=[0.0])
    fresh = collect(tasks, trials=40, until_halfwidth=0.5)
    collect(tasks, store=tmp_path / "s.sqlite", trials=40)
    reused = collect(tasks, store=tmp_path / "s.sqlite", trials=40, until_halfwidth=0.5)
    assert reused.records() == fresh.records()
    assert reused.computed == 0


def test_equal_points_are_one_point():
    assert len(collect([Task(noisy, {"mean": 0}), Task(noisy, {"mean": 0})])) == 1


def test_equal_points_with_other_labels_are_computed_once_and_shown_twice(tmp_path):
    tasks = [Task(trials.logged, {"log": str(tmp_path / "log"), "point": 1}, labels={"name": name}) for name in "ab"]
    results = collect(tasks, trials=2, store=tmp_path / "s.sqlite")
    assert (results.computed, len((tmp_path / "log").read_text().split())) == (2, 2)
    assert results.table()["name"].tolist() == ["a", "a", "b", "b"]
    assert len(set(results.points[0].values("value"))) == 2


def test_progress_counts_rows(tmp_path):
    seen = []
    collect(points(tmp_path / "log"), trials=2, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 6), (3, 6), (6, 6)]


def test_what_finished_before_a_failure_is_kept(tmp_path):
    tasks = grid(trials.failing, point=[1, 2, 3])
    with pytest.raises(ZeroDivisionError) as caught:
        collect(tasks, store=tmp_path / "s.sqlite")
    assert "in trial 0 of tests.studies.trials:failing at {'point': 2}" in caught.value.__notes__[0]
    with Store(tmp_path / "s.sqlite") as store:
        assert [row.point for row in store.rows()] == [tasks[0].id]


def test_failure_in_a_worker_says_where():
    with processes(1) as executor, pytest.raises(ZeroDivisionError) as caught:
        collect(grid(trials.failing, point=[2]), executor=executor)
    assert "at {'point': 2}" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Task(trials.not_finite, {"x": 1}), r"trial 0 of .*trials:not_finite at .* value = nan: must be finite"),
        (Task(trials.no_row, {"x": 1}), "returned 3.0: must be a dict"),
        (Task(trials.one_row_short, {"x": 1}, group="g"), "one_row_short at .*: 0 rows for 1 points"),
    ],
)
def test_results_are_checked(task, message):
    with pytest.raises(TrialError, match=message):
        collect([task])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"trials": 0}, "trials=0: must be a whole number"),
        ({"trials": True}, "trials=True"),
        ({"until_halfwidth": 0.0}, "until_halfwidth=0.0: must be positive"),
        ({"rng": -1}, "rng = -1"),
        ({"until_halfwidth": 1.0, "metric": "acuracy"}, "metric 'acuracy' was not measured; there are value, spare"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        collect(grid(noisy, mean=[1.0]), **arguments)


def test_no_tasks():
    with pytest.raises(InputError, match="tasks is empty"):
        collect([])


def test_workers_run_one_thread_each_in_processes_of_their_own():
    with processes(2) as executor:
        (point,) = collect([Task(trials.environment, {})], executor=executor)
    assert point["threads"].mean == 1
    with pytest.raises(InputError, match="workers=0"), processes(0):
        pass


def test_forking_executor_is_refused():
    fork, message = get_context("fork"), r"executor forks.*use pimsim\.studies\.processes"
    with ProcessPoolExecutor(1, mp_context=fork) as executor, pytest.raises(InputError, match=message):
        collect(grid(noisy, mean=[1.0]), executor=executor)


def test_interactive_trial_is_refused_for_workers_only(monkeypatch):
    import __main__

    def typed(params, rng):
        return {"value": 1.0}

    typed.__module__, typed.__qualname__ = "__main__", "typed"
    monkeypatch.setattr(__main__, "typed", typed, raising=False)
    monkeypatch.delattr(__main__, "__file__", raising=False)
    assert collect([Task(typed, {})]).points[0]["value"].mean == 1.0
    with processes(1) as executor, pytest.raises(TrialImportError, match="typed into an interactive session"):
        collect([Task(typed, {})], executor=executor)


def test_window_bounds_what_is_handed_out():
    handed = []

    class Counting(ThreadPoolExecutor):
        def submit(self, *args):
            handed.append(args)
            return super().submit(*args)

    with Counting(1) as executor:
        ended = executors.run(executor, abs, [(-i,) for i in range(500)])
        next(ended)
        assert len(handed) <= 65
        assert len(list(ended)) == 499


def test_an_error_that_cannot_be_sent_arrives_as_text():
    with processes(1) as executor, pytest.raises(TrialError, match="TwoPartsError: chip 7: burnt") as caught:
        collect(grid(trials.not_picklable, point=[1]), executor=executor)
    assert "in trial 0 of tests.studies.trials:not_picklable" in caught.value.__notes__[0]
    assert "in not_picklable" in str(caught.value.__cause__)  # where in the code, for who looks


def test_a_trial_that_ends_its_process_politely_is_a_failure():
    with processes(1) as executor, pytest.raises(TrialError, match="SystemExit: 3"):
        collect(grid(trials.leaves, point=[1]), executor=executor)


def test_a_killed_worker_is_one_line_and_rows_are_kept(tmp_path):
    path = tmp_path / "s.sqlite"
    with (
        processes(2) as executor,
        pytest.raises(WorkerError, match=r"a worker process ended before its trial did: it was killed, .*; 1 results"),
    ):
        collect(grid(trials.killed, point=[0, 1]), store=path, executor=executor)
    with Store(path) as store:
        assert len(store) == 1


def test_an_executor_that_fails_is_told_from_a_trial_that_does():
    class Dead(Executor):
        def submit(self, *args, **options):
            raise ConnectionError("scheduler gone\nsecond line")

    message = r"does not answer any more \(ConnectionError: scheduler gone\).*; nothing is kept"
    with pytest.raises(WorkerError, match=message):
        collect(grid(noisy, mean=[1.0]), executor=Dead())


def test_the_first_result_of_millions_of_trials_needs_little_memory():
    class Stopped(Exception):
        pass

    def stop(done, total):
        if done:
            raise Stopped

    tasks = grid(noisy, mean=[1.0, 2.0, 3.0])
    tracemalloc.start()
    with pytest.raises(Stopped):
        collect(tasks, trials=1_000_000, progress=stop)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: collect(grid(noisy, mean=[1.0]), trials=100_000_000), "1 points x 100,000,000 trials are more than"),
        (lambda: collect(grid(noisy, mean=[1, 2]), trials=np.int64(10_000_001)), "2 points x 10,000,001 trials"),
        (lambda: grid(noisy, mean=range(10**12)), "axis mean has more than 1,000,000 values: split it"),
        (lambda: grid(noisy, a=range(2000), b=range(2000)), "the grid has more than 1,000,000 points"),
    ],
)
def test_studies_beyond_the_memory_are_refused_before_they_take_it(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_trials_that_measure_other_things_are_told_at_the_first(tmp_path):
    task = Task(trials.changing, {"log": str(tmp_path / "log")}, labels={"name": "x"})
    with pytest.raises(
        TrialError, match=r"trial 2 of .* at {'name': 'x'} measured value, extra, other .* value: every"
    ):
        collect([task], store=tmp_path / "s.sqlite", trials=50)
    assert (tmp_path / "log").read_text() == "3"
    with Store(tmp_path / "s.sqlite") as store:
        assert len(store) == 2


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (Task(trials.named_like_a_label, {"point": 1}), "metric 'point' has the name of a column"),
        (Task(trials.counting, {"x": 1}), "metric 'trials' has the name of a column"),
        (Task(trials.unseen_name, {"x": 1}), r"returned the metric '\\x1b\[2J': a name must be text"),
    ],
)
def test_names_of_metrics_that_would_hide_a_column_or_be_obeyed(task, message):
    with pytest.raises(TrialError, match=message):
        collect([task])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: collect([Task(noisy, {"mean": 1.0}, labels={"trial": 1})]), "label 'trial' has the name of a column"),
        (lambda: Task(noisy, {"mean": 1.0}, labels={"name": "\ud800"}), r"labels\.name is '\\ud800': .* surrogates"),
        (lambda: Task(noisy, {"mean": 1.0, "\udfff": 1}), "surrogates"),
    ],
)
def test_labels_that_could_not_be_written_are_refused_before_anything_is_computed(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_a_message_does_not_hold_a_whole_chip():
    chip = {f"field {i}": {"value": "x" * 500} for i in range(100)}
    with pytest.raises(TrialError, match="must be finite") as caught:
        collect([Task(trials.not_finite, chip)])
    assert len(str(caught.value)) < 500


def test_labels_are_text_in_a_spreadsheet():
    labels = ["=1+1", "+1", "@a", "-1", "-x", "plain, text"]
    text = collect([Task(noisy, {"mean": float(i)}, labels={"=name": x}) for i, x in enumerate(labels)]).csv()
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["'=name", "trial", "value", "spare"]
    assert {row[0] for row in rows[1:]} == {"'=1+1", "'+1", "'@a", "'-1", "'-x", "plain, text"}


def test_where_things_are_decides_no_id():
    there = Task(trials.here, {"folder": "relative"}, local={"folder": "/there"})
    here = Task(trials.here, {"folder": "relative"}, local={"folder": "/here"})
    assert here.id == there.id != Task(trials.here, {"folder": "other"}).id
    assert [collect([task]).points[0]["value"].mean for task in (there, here)] == [0.0, 1.0]
