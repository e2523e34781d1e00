"""`pimsim merge`: the parts of a study, computed on several machines, in one store."""

import math
from pathlib import Path
from typing import Annotated

import typer

from pimsim.base.errors import InputError, shown
from pimsim.cli.output import JsonOption, show, show_json

app = typer.Typer()


@app.command()
def merge(
    store: Annotated[Path, typer.Argument(help="Store that takes the rows, or the results folder it is in.")],
    shards: Annotated[list[Path], typer.Argument(help="Stores or results folders of the same study.")],
    step: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC=STEP", help="Metric that counts in steps and may differ by one, such as 1/images."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Merge stores of one study, such as those of several machines.

    A result that two stores hold is kept once. Metrics may differ in their last digits, as between kinds of CPU, and
    are told then; larger differences are refused, and nothing of that store is taken. Run the experiment again
    afterwards for its table and figure.

    \b
    Examples:
      pimsim merge results/adc_bits other/adc_bits
      pimsim merge all.sqlite a.sqlite b.sqlite --step accuracy=0.004
    """
    from pimsim.studies import Store

    steps = _steps(step or [])
    with Store(_file(store)) as into:
        new = [{"store": str(shard), "new results": into.merge(_file(shard), steps)} for shard in shards]
        differing = into.differences()
        total = len(into)
    rows = [{"point": row.point[:12], "trial": row.trial, **row.metrics} for row in differing]
    if json:
        show_json({"stores": new, "results": total, "differences": rows})
        return
    show([*new, {"store": str(store), "new results": None, "results": total}])
    if rows:
        show(rows, title="computed more than once with other last digits: largest difference")


def _file(path: Path) -> Path:
    return path / "results.sqlite" if path.is_dir() else path


def _steps(texts: list[str]) -> dict[str, float]:
    return dict(map(_step, texts))


def _step(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        step = float(value)
    except ValueError:
        step = 0.0
    if not (name and 0 < step < math.inf):
        raise InputError(f"--step {shown(text)}: must be a metric and its step, such as accuracy=0.004")
    return name, step
