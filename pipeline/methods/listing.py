"""The methods and their parameters as text: for the command line and the docs."""

import itertools
import json
import textwrap
from typing import Any

from pipeline.methods import METHODS, method_named
from pipeline.methods.parameters import Parameter, as_text, parameters_of

FIELDS = ("name", "unit", "default", "range", "reason")


def listing(name: str | None, form: str) -> str:
    """One method or all, as `table`, `markdown` or `json`.

    Raises InputError for an unknown name.
    """
    methods = METHODS.values() if name is None else [method_named(name)]
    rows = {method.name: list(map(_row, parameters_of(method.parameters))) for method in methods}
    if form == "json":
        return json.dumps(rows, indent=2) + "\n"
    write = _markdown if form == "markdown" else _table
    return "".join(itertools.starmap(write, rows.items()))


def _row(p: Parameter) -> dict[str, Any]:
    row = {name: getattr(p, name) for name in FIELDS}
    return row | {"default": as_text(p.default)}


def _markdown(_: str, rows: list[dict[str, Any]]) -> str:
    """A table for the docs."""
    lines = ["| parameter | unit | default | range | reason |", "|---|---|---|---|---|"]
    for parameter, *cells in (row.values() for row in rows):
        lines.append(f"| `{parameter}` | {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def _table(name: str, rows: list[dict[str, Any]]) -> str:
    """A list to read on a terminal."""
    lines = [f"{name}  (--set NAME=VALUE)", ""]
    for row in rows:
        unit = f" {row['unit']}" if row["unit"] else ""
        lines.append(f"  {row['name']} = {row['default']}{unit}")
        for text in (f"range: {row['range']}", row["reason"]):
            lines += textwrap.wrap(text, 92, initial_indent="      ", subsequent_indent="      ")
    return "\n".join(lines) + "\n\n"
