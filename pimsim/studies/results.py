"""What a study found: rows in a fixed order, and estimates with intervals."""

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pimsim.base.errors import InputError
from pimsim.base.files import write_whole
from pimsim.base.text import as_cell
from pimsim.studies.intervals import Estimate, mean_interval
from pimsim.studies.task import Task

if TYPE_CHECKING:
    import pandas as pd

COUNTERS = frozenset({"trial", "trials"})  # columns of tables that no label and no metric may be called


@dataclass(frozen=True)
class PointResult:
    """All trials of one point: `result["accuracy"]` is the Estimate of that metric."""

    task: Task
    metrics: tuple[Mapping[str, float], ...]
    confidence: float = 0.95

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters of the point."""
        return self.task.params

    @property
    def trials(self) -> int:
        """How many trials the point has."""
        return len(self.metrics)

    def values(self, metric: str) -> list[float]:
        """The metric in every trial, trial 0 first."""
        if metric not in self.metrics[0]:
            raise InputError(f"metric {metric!r} was not measured; there are {', '.join(self.metrics[0])}")
        return [row[metric] for row in self.metrics]

    def __getitem__(self, metric: str) -> Estimate:
        return mean_interval(self.values(metric), self.confidence)


@dataclass(frozen=True)
class Results:
    """Results of a study, one PointResult per task in the order of the tasks.

    computed  trials computed now;  reused  trials that were in the store already
    """

    points: tuple[PointResult, ...]
    computed: int
    reused: int

    def __iter__(self) -> Iterator[PointResult]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, task: Task) -> PointResult:
        for point in self.points:
            if point.task.id == task.id:
                return point
        raise InputError(f"the study has no point {dict(task.labels)}")

    def difference(self, a: Task, b: Task, metric: str) -> Estimate:
        """Mean and t interval of metric(a) - metric(b), trial by trial.

        Trial k is the same chip for every point, so what the points have in common cancels: this interval is
        far narrower than the two intervals of the means suggest.
        """
        pairs = zip(self[a].values(metric), self[b].values(metric), strict=False)
        return mean_interval([x - y for x, y in pairs], self[a].confidence)

    def records(self) -> list[dict[str, Any]]:
        """One dict per (point, trial): labels, trial, metrics; sorted, whatever the order of the tasks."""
        rows = [
            {**point.task.labels, "trial": trial, **metrics}
            for point in self.points
            for trial, metrics in enumerate(point.metrics)
        ]
        columns = _columns([point.task.labels for point in self.points])
        return sorted(rows, key=lambda row: ([_order(row.get(name)) for name in columns], row["trial"]))

    def table(self) -> "pd.DataFrame":
        """`records()` as a tidy DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.records(), columns=self._header())

    def write_csv(self, path: str | os.PathLike[str]) -> None:
        """Write `csv()` into a file, whole or not at all."""
        write_whole(path, self.csv().encode())

    def csv(self) -> str:
        """`records()` as CSV: the same bytes for the same results, whoever computed them and in whatever order.

        A text that a spreadsheet would take for a formula ("=1+1") gets an apostrophe before it.
        """
        text = io.StringIO()
        writer = csv.DictWriter(text, self._header(), lineterminator="\n")
        writer.writerow({name: as_cell(name) for name in self._header()})
        writer.writerows({name: as_cell(value) for name, value in row.items()} for row in self.records())
        return text.getvalue()

    def _header(self) -> list[str]:
        labels = _columns([point.task.labels for point in self.points])
        metrics = _columns([row for point in self.points for row in point.metrics[:1]])
        return [*labels, "trial", *metrics]


def _columns(records: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))


def _order(value: Any) -> tuple[int, float, str]:
    """A place for any label: nothing first, then numbers by size, then texts."""
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, int | float):
        return 1, float(value), ""
    return 2, 0.0, str(value)
