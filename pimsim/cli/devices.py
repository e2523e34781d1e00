"""`pimsim devices`: the memory cells of the library, where their numbers come from, and cards of your own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pimsim.cli.output import JsonOption, say, show, show_json

if TYPE_CHECKING:
    from pimsim.cells import DeviceCard
    from pimsim.cells.curves import Piece
    from pimsim.cells.sourced import Sourced

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # of a card: it becomes a folder inside --out

app = typer.Typer(rich_markup_mode=None, help="Device cards: list, show, check, fit.", no_args_is_help=True)


@app.command("list")
def list_(json: JsonOption = False) -> None:
    """List the shipped device cards.

    Conductances in siemens; spread is that of programming in the middle of the range; "later" and "read_noise" say
    whether the card knows them.

    \b
    Examples:
      pimsim devices list
      pimsim devices list --json
    """
    from pimsim.cells import list_devices, load_device

    show([_line(load_device(name)) for name in list_devices()], json)


@app.command("show")
def show_(
    name: Annotated[str, typer.Argument(help="Shipped card, or path of a card.yaml.")], json: JsonOption = False
) -> None:
    """Show every number of a card with its source.

    \b
    Examples:
      pimsim devices show pcm-nandakumar2019
      pimsim devices show ./mine/card.yaml --json
    """
    from pimsim.cells import load_device
    from pimsim.cells.library import references

    card = load_device(name)
    rows = list(_values(card))
    if json:
        entries = references(name)
        about = {"name": card.name, "technology": card.technology, "summary": card.summary, "notes": list(card.notes)}
        show_json(
            about | {"id": card.spec_id, "values": rows, "references": {key: entries[key] for key in card.sources}}
        )
        return
    say(f"{card.name}: {card.summary}")
    for note in card.notes:
        say(f"  - {note}")
    show(rows)


@app.command("check")
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Cards or paths; all shipped ones if none.")] = None,
    json: JsonOption = False,
) -> None:
    """Run the public suite on cards; exit code 1 if one fails.

    \b
    Examples:
      pimsim devices check
      pimsim devices check ./mine
    """
    from pimsim.cells import check_device, list_devices, load_device

    rows = []
    for name in names or list_devices():
        findings = check_device(load_device(name))
        rows.append({"name": name, "verdict": "passes" if not findings else "fails", "findings": "; ".join(findings)})
    show(rows, json)
    if any(row["verdict"] == "fails" for row in rows):
        raise typer.Exit(1)


@app.command("fit")
def fit(
    measurements: Annotated[Path, typer.Argument(help="CSV: target_uS, g_uS, and where known time_s, device.")],
    name: Annotated[str, typer.Option(help="Name of the new card, and of its folder.")],
    technology: Annotated[str, typer.Option(help="For example RRAM.")],
    source: Annotated[str, typer.Option(help="BibTeX key of the measurement, in the file given by --bib.")],
    bib: Annotated[Path, typer.Option(help="BibTeX file; becomes the card's refs.bib.")],
    out: Annotated[Path, typer.Option(help="Folder in which the card's folder is made.")] = Path(),
    degree: Annotated[int, typer.Option(min=0, max=6, help="Degree of the spread's polynomial in G.")] = 2,
    json: JsonOption = False,
) -> None:
    """Fit a device card to measurements and write it with its data.

    Prints measured and fitted spread by target. chi2 is the misfit per degree of freedom: about 1 for a good fit.

    \b
    Examples:
      pimsim devices fit readings.csv --name mine --technology RRAM --source lab2026 --bib refs.bib
      pimsim devices check ./mine
    """
    from pimsim.base.errors import InputError, MissingError
    from pimsim.base.reading import read_text
    from pimsim.cells.fit import fit_device, read_measurements, write_card
    from pimsim.cells.library import bibtex_entries

    if not _NAME.fullmatch(name):
        raise InputError(f"--name {name!r}: letters, digits, '.', '_' and '-', the first a letter or digit")
    text = read_text(bib)
    if source not in bibtex_entries(text):
        raise MissingError(f"no entry {source!r} in {bib}")
    found = fit_device(read_measurements(measurements), name, technology, source, degree)
    path = write_card(found, out / name, measurements, text)
    fitted = found.card.programming.std(found.spread[:, 0])
    rows = [
        {"target_s": g, "devices": int(n), "spread_s": std, "error_s": error, "fitted_s": model, "bias_s": bias}
        for (g, n, std, error), model, bias in zip(found.spread.tolist(), fitted.tolist(), found.bias.tolist())
    ]
    if json:
        show_json({"card": str(path), "chi2": found.chi2, "spread": rows})
        return
    show(rows)
    say(f"chi2 = {found.chi2:.3g}; wrote {path}")


def _line(card: DeviceCard) -> dict[str, Any]:
    import numpy as np

    middle = (card.g_min + card.g_max) / 2
    return {
        "name": card.name,
        "technology": card.technology,
        "g_min_s": card.g_min,
        "g_max_s": card.g_max,
        "spread_s": float(card.programming.std(np.array(middle))),
        "later": "" if card.retention is None else card.retention.kind,
        "read_noise": "" if card.read_noise is None else card.read_noise.correlation.value,
        "iv": card.iv.kind,
        "sources": ", ".join(card.sources),
    }


def _values(card: DeviceCard) -> Iterator[dict[str, Any]]:
    """One row for each sourced number or curve of a card."""
    from pimsim.cells.sourced import walk

    for path, value in walk(card):
        yield {
            "field": path,
            "value": _text(value),
            "how": value.how,
            "source": value.source,
            "where": value.where,
        }


def _text(value: Sourced) -> str:
    from pimsim.cells.curves import ConductanceCurve, Curve

    if isinstance(value, Curve):
        unit = f" x {value.unit:g} S" if isinstance(value, ConductanceCurve) else ""
        return "; ".join(_piece(piece) for piece in value.pieces) + f"{unit}, x = G / {value.per:g} S"
    number = getattr(value, "value", None)
    unit = _UNITS.get(type(value).__name__, "")
    if isinstance(number, float):
        return f"{number:.10g} {unit}".strip()
    return str(number) if number is not None else str(getattr(value, "kind", "") or getattr(value, "model", ""))


def _piece(piece: Piece) -> str:
    text = f"{piece.form} [{', '.join(f'{c:.10g}' for c in piece.coefficients)}]"
    if piece.low is not None or piece.high is not None:
        low, high = ("any" if end is None else f"{end:g}" for end in (piece.low, piece.high))
        text += f" in {low} ... {high}"
    return text if piece.below is None else f"{text} for x < {piece.below:g}"


_UNITS = {
    "Conductance": "S",
    "Voltage": "V",
    "Duration": "s",
    "Temperature": "K",
    "Length": "m",
}
