import os
import subprocess
import sys

import numpy as np
import pytest

from pimsim.base.errors import InputError
from pimsim.studies import Task, TrialImportError, grid

from .trials import noisy, other


def test_id_ignores_order_and_labels():
    a = Task(noisy, {"x": 1, "y": {"b": 2.0, "a": [1, 2]}})
    b = Task(noisy, {"y": {"a": (1, 2), "b": np.float64(2.0)}, "x": np.int64(1)}, labels={"name": "other"})
    assert a.id == b.id
    assert len(a.id) == 64


def test_id_changes_with_everything_that_decides_results():
    task = Task(noisy, {"x": 1})
    others = [Task(noisy, {"x": 2}), Task(noisy, {"z": 1}), Task(other, {"x": 1}), Task(noisy, {"x": 1}, version="2")]
    assert len({task.id, *(other_task.id for other_task in others)}) == 5


def test_id_is_the_same_in_another_process():
    code = "from tests.studies.trials import noisy; from pimsim.studies import Task; print(Task(noisy, {'x': 0.1}).id)"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in sys.path if path))
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert out.stdout.strip() == Task(noisy, {"x": 0.1}).id


def test_grid_order_and_size():
    tasks = grid(noisy, a=range(2), b=["x", "y"])
    assert [task.params for task in tasks] == [
        {"a": 0, "b": "x"},
        {"a": 0, "b": "y"},
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
    ]


@pytest.mark.parametrize("trial", [lambda params, rng: {}, max.__call__])
def test_trial_must_be_importable(trial):
    with pytest.raises(TrialImportError, match="not importable: a trial must be a function at the top level"):
        Task(trial, {})


def test_function_inside_a_function_is_refused_by_name():
    def hidden(params, rng):
        return {}

    with pytest.raises(TrialImportError, match=r"<locals>\.hidden is not importable"):
        grid(hidden, x=[1])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"x": float("nan")}, r"params\.x is nan: a parameter must be finite"),
        ({"x": {"y": object()}}, r"params\.x\.y is a object: a parameter must be plain data"),
        ({"x": np.zeros(3)}, r"params\.x is a ndarray"),
        ({1: 2}, "params has the key 1: keys must be text"),
    ],
)
def test_params_must_be_plain(params, message):
    with pytest.raises(InputError, match=message):
        Task(noisy, params)


@pytest.mark.parametrize("axis", ["abc", 3, {"a": 1}])
def test_axis_must_be_a_list(axis):
    with pytest.raises(InputError, match=r"axis x=.*must be a list or range"):
        grid(noisy, x=axis)
