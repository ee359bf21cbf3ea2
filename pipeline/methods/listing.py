"""The methods and their parameters as text: for the command line and the docs."""

import json
import textwrap
from typing import Any

from pipeline.methods import METHODS, method_named
from pipeline.methods.parameters import Parameter, as_text, parameters_of


def listing(name: str | None, form: str) -> str:
    """One method or all, as `table`, `markdown` or `json`.

    Raises InputError for an unknown name.
    """
    chosen = list(METHODS) if name is None else [method_named(name).name]
    if form == "json":
        found = {n: [_row(p) for p in parameters_of(METHODS[n].parameters)] for n in chosen}
        return json.dumps(found, indent=2) + "\n"
    write = _markdown if form == "markdown" else _table
    return "".join(
        write(n, [_row(p) for p in parameters_of(METHODS[n].parameters)]) for n in chosen
    )


def _row(p: Parameter) -> dict[str, Any]:
    return {
        "name": p.name,
        "unit": p.unit,
        "default": as_text(p.default),
        "range": p.range,
        "reason": p.reason,
    }


def _markdown(name: str, rows: list[dict[str, Any]]) -> str:
    """A table for the docs."""
    lines = ["| parameter | unit | default | range | reason |", "|---|---|---|---|---|"]
    for row in rows:
        cells = [f"`{row['name']}`", *(str(row[k]) for k in ("unit", "default", "range", "reason"))]
        lines.append(f"| {' | '.join(cells)} |")
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
