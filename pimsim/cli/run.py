"""`pimsim run`: a whole experiment."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pimsim.cli.output import JsonOption, progress_bar, say, show
from pimsim.cli.workloads import BenchOption

app = typer.Typer()
_DASK_ANSWERS_WITHIN = 5  # seconds; Dask itself would wait for 30


@app.command()
def run(
    experiment: Annotated[str, typer.Argument(help="Name of a shipped experiment, or path of a YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder of results; the experiment makes its own folder in it.")] = Path(
        "results"
    ),
    workers: Annotated[int, typer.Option(min=0, max=1024, help="Processes that compute; 0: one for each CPU.")] = 0,
    size: Annotated[
        Literal["smoke", "default", "paper"], typer.Option(help="How many images, chips, points.")
    ] = "default",
    dask: Annotated[str, typer.Option(metavar="ADDRESS", help="Compute on the Dask scheduler there instead.")] = "",
    bench: BenchOption = None,
    json: JsonOption = False,
) -> None:
    """Run an experiment: table, figure, provenance.

    What was computed before is kept, also when the run was killed; running again does only the rest.

    \b
    Examples:
      pimsim run adc_bits
      pimsim run adc_bits --size smoke --out elsewhere
      pimsim run my_experiment.yaml --workers 8 --json
      pimsim run adc_bits --size paper --dask tcp://cluster:8786
    """
    from pimsim.experiment import run_experiment
    from pimsim.studies import usable_cpus

    with _cluster(dask) as executor, progress_bar(f"{Path(experiment).stem}") as progress:
        options: dict[str, Any] = {"bench": bench, "executor": executor, "progress": progress}
        outcome = run_experiment(experiment, out, workers or usable_cpus(), size, **options)
    summary = outcome.summary()
    if json:
        show(summary, as_json=True)
        return
    show([_short(row, outcome.plan.experiment.sweep) for row in summary])
    for law in sorted({row["adc_law"] for row in summary if "adc_law" in row}):
        say(f"  ADC energy law = {law}")
    for name, value in outcome.constants.items():
        say(f"  {name} = {value:.4g}")
    if outcome.computed == 0:
        say(f"Nothing to compute: all results were in {outcome.folder / 'results.sqlite'}.")
    else:
        say(f"Computed {outcome.computed} results.")
    say(f"Wrote table.csv, figure.pdf, figure.png and provenance.json to {outcome.folder}.")


@contextmanager
def _cluster(address: str) -> Iterator[Executor | None]:
    """Executor of the Dask cluster at the address; None without one."""
    if not address:
        yield None
        return
    from pimsim.base.errors import MissingError

    try:
        from distributed import Client
    except ImportError:
        raise MissingError('--dask needs the extra: pip install "pimsim[dask]"') from None
    try:
        client = Client(address, timeout=_DASK_ANSWERS_WITHIN)
    except Exception as error:  # of many kinds, by address
        why = str(error).partition("\n")[0] or type(error).__name__
        raise MissingError(
            f"--dask {address}: no Dask scheduler answers there ({why}); give an address such as tcp://host:8786"
        ) from None
    with client:
        yield client.get_executor()


def _short(row: dict[str, Any], sweep: Any) -> dict[str, Any]:
    """The columns a reader wants first: the point, its trials, and mean ± half width of accuracy, energy and area."""
    short = {name: row[name] for name in ("series", *sweep, "trials")}
    for metric in ("accuracy", "energy_j", "latency_s", "area_m2"):
        if metric in row:
            half = (row[f"{metric}_high"] - row[f"{metric}_low"]) / 2
            short[metric] = f"{row[metric]:.4g} ± {half:.1g}" if 0 < half < float("inf") else f"{row[metric]:.4g}"
    return short
