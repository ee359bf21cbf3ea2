"""JSON Schemas of a building's properties: those that items have, and those that a filter may name
(OGC API - Features, parts 5 and 3)."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from pipeline.results.columns import Column, column
from pipeline.results.filter_parts import GEOMETRY
from pipeline.results.filters import LIT

Schema = dict[str, Any]
Maker = Callable[[Sequence[str]], Schema]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
ANY_GEOMETRY = "https://geojson.org/schema/Geometry.json"
TYPES = {pa.int64(): "integer", pa.float64(): "number", pa.bool_(): "boolean"}
ALWAYS = ("row", "selected", "cells", "flags")  # columns that are never null


def of_items(flat: Sequence[str]) -> Schema:
    """What the properties of an item keep to. flat: the names of the columns of the flat export."""
    properties = {name: _nullable(name, _property(name)) for name in flat if name != GEOMETRY}
    properties["row"]["x-ogc-role"] = "id"
    place = {"x-ogc-role": "primary-geometry", "format": "geometry-any", **_words(column(GEOMETRY))}
    return {"$schema": DRAFT, "type": "object", "properties": properties | {GEOMETRY: place}}


def of_queryables(flat: Sequence[str]) -> Schema:
    """What a filter may name, each with one type: QGIS reads no others."""
    properties = {name: _property(name) for name in flat if name != GEOMETRY}
    place = {"$ref": ANY_GEOMETRY, "x-ogc-role": "primary-geometry", "format": "geometry-any"}
    properties[GEOMETRY] = place | _words(column(GEOMETRY))
    return {
        "$schema": DRAFT,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _property(name: str) -> Schema:
    """A column of the flat export: `lit` is one a sun there, `flags` a text."""
    sun = LIT.fullmatch(name)
    of = column("lit" if sun else name)
    words = _words(of)
    if sun:
        return {"type": "boolean", **words, "title": f"{words['title']}, sun {sun[1]}"}
    values = {"enum": list(of.values)} if of.values and of.type == pa.string() else {}
    return {"type": TYPES.get(of.type, "string"), **words, **values}


def _words(of: Column) -> Schema:
    unit = f" [{of.unit}]" if of.unit else ""
    return {"title": of.en.title, "description": f"{of.en.meaning}{unit}"}


def _nullable(name: str, of: Schema) -> Schema:
    if name in ALWAYS:
        return of
    values = {"enum": [*of["enum"], None]} if "enum" in of else {}
    return of | {"type": [of["type"], "null"]} | values
