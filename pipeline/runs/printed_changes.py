"""What a what-if changes, as text to read."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.results import texts
from pipeline.runs.compared import Changes

# Each figure by its place in the sums, and the words around them.
WORDS = {
    "en": {
        "title": "What changes",
        "before": "before",
        "after": "after",
        "difference": "difference",
        "counts.class.solar": "suitable for sun only",
        "counts.class.wind_or_solar": "for wind, with or without sun",
        "counts.class.none": "for neither",
        "counts.rejected": "not judged",
        "area_ha.suitable_roof": "roof area suitable for sun, ha",
        "kwh.solar": "yield of sun, kWh a year",
        "kwh.wind": "yield of wind, kWh a year",
        "households.total": "as much as the use of households",
        "rows": "Roofs: {changed} changed, {added} added, {gone} gone",
        "changed": "changed",
        "added": "added",
        "gone": "gone",
        "kwh": "{kwh} kWh a year",
        "more": "and {number} more",
    },
    "nl": {
        "title": "Wat er verandert",
        "before": "ervoor",
        "after": "erna",
        "difference": "verschil",
        "counts.class.solar": "geschikt voor alleen zon",
        "counts.class.wind_or_solar": "voor wind, met of zonder zon",
        "counts.class.none": "voor geen van beide",
        "counts.rejected": "niet beoordeeld",
        "area_ha.suitable_roof": "dakoppervlak geschikt voor zon, ha",
        "kwh.solar": "opbrengst zon, kWh per jaar",
        "kwh.wind": "opbrengst wind, kWh per jaar",
        "households.total": "evenveel als het verbruik van huishoudens",
        "rows": "Daken: {changed} veranderd, {added} erbij, {gone} weg",
        "changed": "veranderd",
        "added": "erbij",
        "gone": "weg",
        "kwh": "{kwh} kWh per jaar",
        "more": "en nog {number}",
    },
}
FIGURES = (
    "counts.class.solar",
    "counts.class.wind_or_solar",
    "counts.class.none",
    "counts.rejected",
    "area_ha.suitable_roof",
    "kwh.solar",
    "kwh.wind",
    "households.total",
)
SIDES = ("before", "after", "difference")
KINDS = ("changed", "added", "gone")
DECIMALS = {"area_ha": 2, "households": 1}
SHOWN = 20  # roofs that are named
YIELDS = ("solar_kwh", "wind_kwh")


def changes_text(changes: Changes, lang: str = "en") -> str:
    """The sums before and after, how many roofs differ, and those that differ most by name."""
    words, rows = WORDS[lang], changes.rows
    head = _line(words["title"], *(words[side] for side in SIDES))
    lines = [head, *(_figure(changes.totals, name, lang) for name in FIGURES)]
    kinds = rows["what"].to_numpy()
    told = {what: texts.number(int((kinds == what).sum()), lang) for what in KINDS}
    lines += ["", words["rows"].format(**told), *_roofs(rows, lang)]
    return "\n".join(lines) + "\n"


def _line(label: str, *cells: str) -> str:
    return f"{label:<44}" + "".join(f"{cell:>14}" for cell in cells)


def _figure(totals: Mapping[str, Any], name: str, lang: str) -> str:
    section, *keys = name.split(".")
    cells = []
    for side in SIDES:
        value = totals[side][section]
        for key in keys:
            value = value[key]
        write = _signed if side == "difference" else texts.number
        cells.append(write(value, lang, DECIMALS.get(section, 0)))
    return _line(f"  {WORDS[lang][name]}", *cells)


def _roofs(rows: pa.Table, lang: str) -> list[str]:
    """A line for each of the roofs that differ most, those that come or go before others."""
    more = sum(_kwh(rows, name, "after") - _kwh(rows, name, "before") for name in YIELDS)
    order = np.lexsort((-np.abs(more), rows["what"].to_numpy() == "changed"))[:SHOWN]
    shown = rows.take(pa.array(order)).to_pylist()
    lines = [_roof(row, kwh, lang) for row, kwh in zip(shown, more[order].tolist(), strict=True)]
    if len(rows) > SHOWN:
        left = texts.number(len(rows) - SHOWN, lang)
        lines.append(f"  {WORDS[lang]['more'].format(number=left)}")
    return lines


def _kwh(rows: pa.Table, name: str, side: str) -> Any:
    """A yield of each row [kWh a year], 0 where it has none."""
    return pc.fill_null(rows[f"{name}_{side}"], 0.0).to_numpy()


def _roof(row: Mapping[str, Any], kwh: float, lang: str) -> str:
    """What becomes of a roof: its class or why it is not judged, and how much more it yields."""
    words, common = WORDS[lang], texts.words(lang)
    kinds = [row[f"class_{side}"] or row[f"rejected_{side}"] for side in ("before", "after")]
    told = " > ".join(common[kind] for kind in dict.fromkeys(kinds) if kind)
    yields = words["kwh"].format(kwh=_signed(kwh, lang))
    return f"  {row['id']}  {words[row['what']]}: {told}; {yields}"


def _signed(value: float, lang: str, digits: int = 0) -> str:
    """A difference, with a plus if it is one more."""
    return f"{'+' if value > 0 else ''}{texts.number(value, lang, digits)}"
