"""What the page is told of a method: its declaration as JSON."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.methods.house import own_columns
from pipeline.methods.method import Bits, Class, Column, Grey, Layer, Method, Palette, Term
from pipeline.methods.parameters import parse

LANGUAGES = ("en", "nl")
MODULES = Path(__file__).parent / "map" / "methods"

Json = dict[str, Any]


def declared(method: Method) -> Json:
    """The columns that are its own, classes, layers that are drawn, reasons and flags, each with
    its words by language; `module`: whether the page has a module for it."""
    return {
        "name": method.name,
        "module": (MODULES / f"{method.name}.js").is_file(),
        "columns": [_column(each) for each in own_columns(method)],
        "classes": [_class(each) for each in method.classes],
        "layers": [_layer(each) for each in drawn(method)],
        "reasons": _terms(method.reasons),
        "flags": _terms(method.flags),
    }


def drawn(method: Method) -> list[Layer]:
    """The raster layers that a map can show: those that are drawn, and that one picture shows."""
    p = parse(method.parameters, {})
    return [layer for layer in method.layers if layer.drawn is not None and not layer.times(p)]


def _by_language(of: Term | Layer) -> dict[str, str]:
    return {lang: of.words(lang) for lang in LANGUAGES}


def _terms(terms: Iterable[Term]) -> Json:
    return {term.name: _by_language(term) for term in terms}


def _class(of: Class) -> Json:
    return {"name": of.name, "title": _by_language(of), "colour": of.colour}


def _column(of: Column) -> Json:
    words = {lang: of.words(lang) for lang in LANGUAGES}
    return {
        "name": of.name,
        "type": str(of.type),
        "unit": of.unit,
        "title": {lang: each.title for lang, each in words.items()},
        "meaning": {lang: each.meaning for lang, each in words.items()},
    }


def _layer(of: Layer) -> Json:
    return {"name": of.name, "title": _by_language(of), "unit": of.unit, "drawn": _drawn(of.drawn)}


def _drawn(how: Grey | Bits | Palette | None) -> Json:
    return {"kind": type(how).__name__.lower(), **(how._asdict() if how else {})}
