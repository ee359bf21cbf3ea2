"""The changes by a what-if, as text."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.methods.method import NUMBER, Method
from pipeline.results.changes import compared
from pipeline.runs.compared import Changes
from pipeline.wording import number

WORDS = {
    "en": {
        "title": "What changes",
        "before": "before",
        "after": "after",
        "difference": "difference",
        "rows": "Roofs: {changed} changed, {added} added, {gone} gone",
        "changed": "changed",
        "added": "added",
        "gone": "gone",
        "more": "and {number} more",
    },
    "nl": {
        "title": "Wat er verandert",
        "before": "ervoor",
        "after": "erna",
        "difference": "verschil",
        "rows": "Daken: {changed} veranderd, {added} erbij, {gone} weg",
        "changed": "veranderd",
        "added": "erbij",
        "gone": "weg",
        "more": "en nog {number}",
    },
}
SIDES = ("before", "after", "difference")
KINDS = ("changed", "added", "gone")
SHOWN = 20  # roofs that are named


def changes_text(changes: Changes, lang: str = "en") -> str:
    """The totals before and after, how many roofs differ, and those that differ most by name."""
    words, rows, method = WORDS[lang], changes.rows, changes.method
    head = _line(words["title"], *(words[side] for side in SIDES))
    figures = method.words(lang).changes
    lines = [head, *(_figure(changes.totals, *each, lang) for each in figures.items())]
    kinds = rows["what"].to_numpy()
    numbers = {kind: number(int((kinds == kind).sum()), lang) for kind in KINDS}
    lines += ["", words["rows"].format(**numbers), *_roofs(rows, method, lang)]
    return "\n".join(lines) + "\n"


def _line(label: str, *cells: str) -> str:
    return f"{label:<44}" + "".join(f"{cell:>14}" for cell in cells)


def _figure(totals: Mapping[str, Any], name: str, label: str, lang: str) -> str:
    """A line with one figure. name: its path in the totals, and after a colon its decimals."""
    path, _, digits = name.partition(":")
    cells = []
    for side in SIDES:
        value = totals[side]
        for key in path.split("."):
            value = value[key]
        write = _signed if side == "difference" else number
        cells.append(write(value, lang, int(digits or 0)))
    return _line(f"  {label}", *cells)


def _roofs(rows: pa.Table, method: Method, lang: str) -> list[str]:
    """A line for each of the roofs that differ most, those added or removed before others."""
    figures = [column.name for column in compared(method) if column.type == NUMBER]
    gains = np.zeros(len(rows))
    for name in figures:
        gains += _numbers(rows, f"{name}_after") - _numbers(rows, f"{name}_before")
    order = np.lexsort((-np.abs(gains), rows["what"].to_numpy() == "changed"))[:SHOWN]
    shown = zip(rows.take(pa.array(order)).to_pylist(), gains[order].tolist(), strict=True)
    lines = [_roof(row, gain, method, lang) for row, gain in shown]
    if len(rows) > SHOWN:
        left = number(len(rows) - SHOWN, lang)
        lines.append(f"  {WORDS[lang]['more'].format(number=left)}")
    return lines


def _numbers(rows: pa.Table, name: str) -> Any:
    """A figure of each row, 0 where it has none."""
    return pc.fill_null(rows[name], 0.0).to_numpy()


def _roof(row: Mapping[str, Any], gain: float, method: Method, lang: str) -> str:
    """The line of a roof: its class or the reason of its rejection, and its gain."""
    terms = {term.name: term.words(lang) for term in (*method.reasons, *method.classes)}
    kinds = [row[f"class_{side}"] or row[f"rejected_{side}"] for side in ("before", "after")]
    change = " > ".join(terms[kind] for kind in dict.fromkeys(kinds) if kind)
    phrase = method.words(lang).more
    more = f"; {phrase.format(more=_signed(gain, lang))}" if phrase else ""
    return f"  {row['id']}  {WORDS[lang][row['what']]}: {change}{more}"


def _signed(value: float, lang: str, digits: int = 0) -> str:
    """A difference, with a plus if it is one more."""
    return f"{'+' if value > 0 else ''}{number(value, lang, digits)}"
