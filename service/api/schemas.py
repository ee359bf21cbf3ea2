"""JSON Schemas of a feature's properties: those that items have, and those that a filter may name
(OGC API - Features, parts 5 and 3)."""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from pipeline.methods.house import NEVER_NULL
from pipeline.methods.method import Column
from pipeline.results.columns import item_of
from pipeline.results.features import Features
from pipeline.results.filter_parts import GEOMETRY

Schema = dict[str, Any]
Maker = Callable[[Features], Schema]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
ANY_GEOMETRY = "https://geojson.org/schema/Geometry.json"
TYPES = {
    pa.int32(): "integer", pa.int64(): "integer", pa.float32(): "number", pa.float64(): "number",
    pa.bool_(): "boolean",
}  # fmt: skip


def of_items(features: Features) -> Schema:
    """What the properties of an item keep to."""
    declared = features.declared
    properties = {
        name: _nullable(name, _property(name, declared))
        for name in features.names
        if name != GEOMETRY
    }
    if features.part is None:
        properties["row"]["x-ogc-role"] = "id"
    words = _words(declared[GEOMETRY])
    place = {"x-ogc-role": "primary-geometry", "format": "geometry-any", **words}
    return {"$schema": DRAFT, "type": "object", "properties": properties | {GEOMETRY: place}}


def of_queryables(features: Features) -> Schema:
    """What a filter may name, each with one type: QGIS reads no others."""
    declared = features.declared
    columns = {name: _column(name, declared) for name in features.names if name != GEOMETRY}
    properties = {
        name: _property(name, declared)
        for name, column in columns.items()
        if column.filterable and not column.nested
    }
    place = {"$ref": ANY_GEOMETRY, "x-ogc-role": "primary-geometry", "format": "geometry-any"}
    properties[GEOMETRY] = place | _words(declared[GEOMETRY])
    return {
        "$schema": DRAFT,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _column(name: str, declared: Mapping[str, Column]) -> Column:
    """The column of the table behind one of the flat export."""
    item = item_of(declared, name)
    return item[0] if item else declared[name]


def _property(name: str, declared: Mapping[str, Column]) -> Schema:
    """A column of the flat export: there lists are one a sun or another item, or a text."""
    of, item = _column(name, declared), item_of(declared, name)
    words = _words(of)
    if item:
        kind = TYPES.get(of.type.value_type, "string")
        which = of.items[item[1] - 1].en if of.items else f"sun {item[1]}"
        return {"type": kind, **words, "title": f"{words['title']}, {which}"}
    values = {"enum": list(of.values)} if of.values and of.type == pa.string() else {}
    return {"type": TYPES.get(of.type, "string"), **words, **values}


def _words(of: Column) -> Schema:
    unit = f" [{of.unit}]" if of.unit else ""
    return {"title": of.en.title, "description": f"{of.en.meaning}{unit}"}


def _nullable(name: str, of: Schema) -> Schema:
    if name in NEVER_NULL:
        return of
    values = {"enum": [*of["enum"], None]} if "enum" in of else {}
    return of | {"type": [of["type"], "null"]} | values
