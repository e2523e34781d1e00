"""The page: figure, table, what made it, what to cite. Everything is inside the one file."""

import base64
import os
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from pimsim.base.files import write_whole
from pimsim.report.study import Study, read_study, text_of

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; border-bottom: 1px solid #ddd; white-space: nowrap; }
td.number { text-align: right; } img { max-width: 34rem; width: 100%; }
pre, code { font-size: .8rem; background: #f6f6f6; } pre { padding: .8rem; overflow-x: auto; }
.wide { overflow-x: auto; } .note { color: #555; }
@media print { details { display: block; } body { margin: 0; max-width: none; } }
"""


def write_report(folder: str | os.PathLike[str]) -> Path:
    """Write report.html into the folder of a finished experiment and return its path.

    The page needs no other file and no network.  Raises MissingError if the folder holds no finished experiment,
    InputError if its files are damaged or come from two runs.

    >>> write_report("results/adc_bits")  # doctest: +SKIP
    """
    path = Path(folder) / "report.html"
    write_whole(path, render(read_study(Path(folder))).encode())
    return path


def render(study: Study) -> str:
    """The page of a study as HTML."""
    stamp = study.stamp
    spec = stamp["spec"]
    title = spec.get("title") or stamp["experiment"]
    picture = base64.b64encode(study.figure).decode()
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="note">{escape(_summary(spec))} {escape(stamp["intervals"])}.</p>',
        f'<img alt="{escape(title)}" src="data:image/png;base64,{picture}">',
        "<h2>Results</h2>",
        _table([{name: text_of(value) for name, value in point.items()} for point in study.points], study.labels),
        "<h2>Constants</h2>",
        _table([{"name": name, "value": f"{value:.4g}"} for name, value in stamp["constants"].items()], ("name",)),
        "<h2>What made it</h2>",
        _pairs({"pimsim": stamp["pimsim"], "python": stamp["python"], **stamp["packages"], "spec": stamp["spec_id"]}),
        "<h2>Chips and contents (sha256)</h2>",
        _pairs({**stamp["chips"], **stamp["contents"]}),
        "<h2>Sources of the cost model</h2>",
        _list(stamp["sources"]),
        "<h2>Cite</h2>",
        f"<pre>{escape(chr(10).join(stamp['citations']))}</pre>",
    ]
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n' + "\n".join(parts) + "\n</body></html>\n"


def _summary(spec: Mapping[str, Any]) -> str:
    return f"{spec['network']} on {spec['images']} images of {spec['data']}, {spec['trials']} chips a point."


def _table(rows: Sequence[Mapping[str, str]], texts: Iterable[str]) -> str:
    """HTML table; columns named in `texts` are set left, numbers right."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    left = set(texts)
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(_cell(row.get(name, ''), name in left) for name in names)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: str, left: bool) -> str:
    return f"<td>{escape(text)}</td>" if left else f'<td class="number">{escape(text)}</td>'


def _pairs(values: Mapping[str, Any]) -> str:
    rows = "".join(f"<tr><td>{escape(k)}</td><td><code>{escape(str(v))}</code></td></tr>" for k, v in values.items())
    return f'<div class="wide"><table><tbody>{rows}</tbody></table></div>'


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"
