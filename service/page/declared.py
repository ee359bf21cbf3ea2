"""A method's declaration as JSON, for the page."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.methods.house import EXCLUDED, own_columns
from pipeline.methods.method import Class, Column, Field, Label, Layer, Method, Total
from pipeline.methods.parameters import parse
from pipeline.methods.shades import Palette, Scale, Shade
from pipeline.output.map.palette import SHADED
from pipeline.output.site.rows import error_columns, site_totals
from pipeline.results.part_sums import source

LANGUAGES = ("en", "nl")
OF_TOTALS = ("name", "section", "key", "unit", "per", "weight", "where", "listed")
MODULES = Path(__file__).parent / "map" / "methods"

Json = dict[str, Any]


def declared(method: Method) -> Json:
    """The columns that are its own, with parts of roofs apart, classes, layers that are drawn,
    reasons and flags, each with its words by language; how columns add up. module: whether the page
    has one for it; counted: flags that are counted by class; excluded: from what restrictions set
    roofs aside; uses: from which of those the columns of booleans do."""
    return {
        "name": method.name,
        "module": (MODULES / f"{method.name}.js").is_file(),
        "columns": [_own(each) for each in own_columns(method) if not each.geometry],
        "parts": [_part(each) for each in method.parts],
        "classes": [_class(each) for each in method.classes],
        "layers": [_layer(each) for each in drawn(method)],
        "reasons": _terms(method.reasons),
        "flags": _terms(method.flags),
        "counted": [flag.name for flag in method.flags if flag.by_class],
        "excluded": list(EXCLUDED),
        "uses": {column.name: column.use for column in method.columns if column.use},
        "totals": [_total(of, total, method) for of, total in site_totals(method)],
    }


def drawn(method: Method) -> list[Layer]:
    """The raster layers that a map can show: those that are drawn, and that one picture shows."""
    p = parse(method.parameters, {})
    return [layer for layer in method.layers if layer.drawn is not None and not layer.times(p)]


def _by_language(of: Label | Layer | Scale | Shade) -> dict[str, str]:
    return {lang: of.words(lang) for lang in LANGUAGES}


def _terms(terms: Iterable[Label]) -> Json:
    return {term.name: _by_language(term) for term in terms}


def _class(of: Class) -> Json:
    return {"name": of.name, "title": _by_language(of), "colour": of.colour, "suits": of.suits}


def _part(of: Column) -> Json:
    """The column of parts, its fields that vector tiles have, and how a map colours them."""
    fields = [_column(each) for each in of.fields if each.tiled and each.name != of.geometry]
    colours = {
        "shades": [_shade(each) for each in of.shades],
        "scales": [_scale(each) for each in of.scales],
        "verdict": of.verdict and of.verdict._asdict(),
    }
    return _column(of) | {"fields": fields} | colours


def _shade(of: Shade) -> Json:
    low, high = (edge if math.isfinite(edge) else None for edge in (of.low, of.high))
    which = {"field": of.field, "value": of.value, "low": low, "high": high}
    tint = of.tint and of.tint._asdict()
    return which | {
        "name": of.name,
        "title": _by_language(of),
        "colour": of.colour,
        "tint": tint,
    }


def _scale(of: Scale) -> Json:
    """wide: null where it has no intervals."""
    spreads = of.spread_of_part, of.spread_of_building
    part, building = (spread and spread._asdict() for spread in spreads)
    return of.steps._asdict() | {
        "name": of.name,
        "title": _by_language(of),
        "unit": of.unit,
        "of_part": of.of_part._asdict(),
        "of_building": of.of_building._asdict(),
        "spread_of_part": part,
        "spread_of_building": building,
        "wide": of.wide if part else None,
    }


def _own(of: Column) -> Json:
    return _column(of) | {"symbols": of.symbols and of.symbols._asdict()}


def _column(of: Field) -> Json:
    words = {lang: of.words(lang) for lang in LANGUAGES}
    return {
        "name": of.name,
        "type": str(of.type),
        "unit": of.unit,
        "title": {lang: each.title for lang, each in words.items()},
        "meaning": {lang: each.meaning for lang, each in words.items()},
    }


def _total(of: Field, total: Total, method: Method) -> Json:
    title = {lang: (getattr(total, lang) or of.words(lang)).title for lang in LANGUAGES}
    figure = {name: getattr(total, name) for name in OF_TOTALS}
    error = error_columns(method)[total.error] if total.error else None
    return figure | {"column": source(of, total), "title": title, "error": error}


def _layer(of: Layer) -> Json:
    return {"name": of.name, "title": _by_language(of), "unit": of.unit, "drawn": _drawn(of.drawn)}


def _drawn(how: str | Palette | None) -> Json:
    if isinstance(how, Palette):
        return {"kind": "palette", **how._asdict()}
    return {"kind": how, "colour": SHADED if how == "bits" else None}
