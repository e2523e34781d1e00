"""`pimsim cite`: the works an experiment stands on."""

import typer

from pimsim.cli.output import JsonOption, say, show_json
from pimsim.cli.workloads import BenchOption

app = typer.Typer()


@app.command()
def cite(experiment: str, bench: BenchOption = None, json: JsonOption = False) -> None:
    """Print what to cite for an experiment.

    BibTeX entries of its devices and baselines, and the sources of its cost model.

    \b
    Examples:
      pimsim cite adc_bits > adc_bits.bib
    """
    from pimsim.experiment import experiment_path, load_experiment
    from pimsim.experiment.citations import bibliography
    from pimsim.experiment.plan import make_plan
    from pimsim.experiment.provenance import sources

    plan = make_plan(load_experiment(experiment), experiment_path(experiment).parent, bench)
    entries = bibliography(plan.cards.values())
    if json:
        show_json({"bibtex": entries, "sources": sources(plan)})
        return
    say("\n\n".join(entries.values()))
    say("\n% Numbers of the cost model:")
    for source in sources(plan):
        say(f"%   {source}")
