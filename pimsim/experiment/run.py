"""Running an experiment: compute what is missing, then write table, figure and provenance."""

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pimsim.base.files import write_whole
from pimsim.experiment.draw import draw
from pimsim.experiment.plan import Plan, make_plan
from pimsim.experiment.provenance import as_json, provenance
from pimsim.experiment.spec import experiment_path, load_experiment
from pimsim.studies import Results, Store, collect, processes


@dataclass(frozen=True)
class Outcome:
    """A finished experiment.

    folder     where results.sqlite, table.csv, figure.pdf, figure.png and provenance.json are
    results    every trial;  constants  what no point changes (accuracies of the network, energies of the baselines)
    computed   trials computed by this run: 0 if all were there
    """

    folder: Path
    plan: Plan
    results: Results
    constants: dict[str, float]
    computed: int

    def summary(self) -> list[dict[str, Any]]:
        """One row per point: labels, trials, and mean and interval (metric, metric_low, metric_high) of each metric."""
        return [_summary(point) for point in self.results]


def run_experiment(
    name: str | os.PathLike[str],
    out: str | os.PathLike[str] = "results",
    workers: int = 1,
    size: str = "default",
    *,
    bench: str | None = None,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Outcome:
    """Run a shipped experiment, or one of your own (path to its YAML), and write its folder `out`/NAME.

    workers   processes that compute; `executor` (any concurrent.futures.Executor) takes their place if given
    size      "smoke", "default" or "paper";  progress  called with (rows there, rows wanted)
    bench     module of your own that evaluates the chips, in place of the installed bench that the file names

    What the store holds already is not computed again, and the results do not depend on workers.
    Raises MissingError, SpecError, or OtherStudyError if the folder holds results of another chip or network.

    >>> run_experiment("adc_bits", out="results/", workers=2)  # doctest: +SKIP
    """
    path = experiment_path(Path(name))
    plan = make_plan(load_experiment(path).at_size(size), path.parent, bench)
    folder = Path(out) / plan.experiment.name
    with (
        Store(folder / "results.sqlite", identity=plan.identity) as store,
        _executor(executor, workers) as pool,
    ):
        options: dict[str, Any] = {"store": store, "rng": plan.experiment.seed}
        constants = collect([plan.constants], **options)
        results = collect(plan.points, trials=plan.experiment.trials, executor=pool, progress=progress, **options)
    (known,) = constants
    outcome = Outcome(folder, plan, results, dict(known.metrics[0]), results.computed + constants.computed)
    _write(outcome)
    return outcome


def _write(outcome: Outcome) -> None:
    """Write table and figures, each whole, and at last the provenance with their hashes, which tell a mixture."""
    stamp = provenance(outcome.plan, outcome.constants)
    files = {"table.csv": outcome.results.csv().encode()}
    files |= draw(outcome.plan.experiment, outcome.summary(), outcome.constants, stamp)
    stamp["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    for name, data in {**files, "provenance.json": as_json(stamp)}.items():
        write_whole(outcome.folder / name, data)


@contextmanager
def _executor(executor: Executor | None, workers: int) -> Iterator[Executor | None]:
    if executor is not None or workers == 1:
        yield executor
        return
    with processes(workers) as pool:
        yield pool


def _summary(point: Any) -> dict[str, Any]:
    row = {**point.task.labels, "trials": point.trials}
    for metric in point.metrics[0]:
        estimate = point[metric]
        row |= {metric: estimate.mean, f"{metric}_low": estimate.interval[0], f"{metric}_high": estimate.interval[1]}
    return row
