"""`pimsim report`: a study as one HTML page."""

from pathlib import Path
from typing import Annotated

import typer

from pimsim.cli.output import say

app = typer.Typer()


@app.command()
def report(folder: Annotated[Path, typer.Argument(help="Folder that `pimsim run` wrote.")]) -> None:
    """Write one HTML page of a finished experiment.

    Figure, table, provenance and citations in one file, report.html, that needs no other file and no network.

    \b
    Examples:
      pimsim report results/adc_bits
    """
    from pimsim.report import write_report

    say(f"Wrote {write_report(folder)}.")
