"""`pimsim map`: best mappings of a network on a digital accelerator, or a check of a recorded case."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pimsim.base.errors import InputError
from pimsim.cli.output import JsonOption, check_output, say, show
from pimsim.cli.workloads import workload_of

app = typer.Typer()


class Objective(StrEnum):
    """What is minimized."""

    energy = "energy"
    latency = "latency"
    edp = "edp"


@app.command("map")
def map_(
    network: Annotated[str | None, typer.Argument(help="Published table, shipped network or .onnx.")] = None,
    accelerator: Annotated[str, typer.Option(help="Digital accelerator: name or path.")] = "eyeriss",
    objective: Annotated[Objective, typer.Option(help="What is minimized.")] = Objective.energy,
    layer: Annotated[str | None, typer.Option(help="One layer of it, by name; its loops are shown.")] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds a layer.", min=0.0)] = 60.0,
    save: Annotated[Path | None, typer.Option(help="Write the mappings to this YAML file.")] = None,
    replay: Annotated[Path | None, typer.Option(help="Count the mappings of this file, search none.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Check a recorded loop-nest case (JSON); needs no NETWORK.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Best mapping of every layer, with a proof that it is, or how far it may be from it.

    With --check the counts of a recorded run are compared with ours; differences are printed and the exit code is 1.

    \b
    Examples:
      pimsim map alexnet --accelerator eyeriss --layer conv3
      pimsim map resnet18 --objective edp --save resnet18.yaml
      pimsim map --check tests/data/mapper/tut02_gemm.json
    """
    if check is not None:
        _check(check, json)
        return
    if network is None:
        raise InputError("give a NETWORK to map, or --check CASE.json")
    check_output(save)
    from pimsim.digital import load_accelerator

    workload, acc = _part(workload_of(network), layer), load_accelerator(accelerator)
    rows, mappings = _replayed(workload, acc, replay) if replay else _found(workload, acc, objective, time_limit)
    show(rows, as_json=json, title=f"{network} on {accelerator}")
    if layer and not json:
        say(mappings[0].text())
    if save:
        from pimsim.digital import save_mappings

        save_mappings(save, mappings)


def _found(workload: Any, acc: Any, objective: Objective, time_limit: float) -> tuple[list[dict], list]:
    from pimsim.digital import map_network

    found = map_network(workload, acc, objective.value, time_limit=time_limit)
    rows = [
        _row(label, best.counts)
        | {"proof": best.proof, "costed": best.costed, "pruned": best.pruned, "s": best.seconds}
        for label, best in found.items()
    ]
    return rows, [best.mapping for best in found.values()]


def _replayed(workload: Any, acc: Any, path: Path) -> tuple[list[dict], list]:
    from pimsim.digital import analyze, read_mappings

    known = {mapping.layer: mapping for mapping in read_mappings(path)}
    if missing := [label for label in workload.labels if label not in known]:
        raise InputError(f"{path} has no mapping of {', '.join(missing)}")
    mappings = [known[label] for label in workload.labels]
    pairs = zip(workload.labels, workload.layers, mappings, strict=True)
    return [_row(label, analyze(layer, acc, mapping)) for label, layer, mapping in pairs], mappings


def _row(label: str, counts: Any) -> dict[str, Any]:
    return {
        "layer": label,
        "energy_j": counts.energy_j,
        "cycles": counts.busy_cycles,
        "utilization %": 100 * counts.utilization,
    }


def _part(workload: Any, layer: str | None) -> Any:
    if layer is None:
        return workload
    if layer not in workload.labels:
        raise InputError(f"{workload.name} has no layer {layer!r}; it has {', '.join(workload.labels)}")
    return workload.replace({"layers": (workload.layers[workload.labels.index(layer)],)})


def _check(path: Path, json: bool) -> None:
    from pimsim.digital import check_case, load_case

    differences = check_case(load_case(path))
    if differences or json:
        show([difference._asdict() for difference in differences], as_json=json, title=f"{path}: differences")
    if differences:
        raise typer.Exit(1)
    if not json:
        say(f"{path}: every count equal, energies within 0.1 %")
