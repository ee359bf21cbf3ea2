"""JSON Schemas of a building's properties: those that items have, and those that a filter may name
(OGC API - Features, parts 5 and 3)."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from pipeline.methods.house import NEVER_NULL
from pipeline.methods.method import Column, Method
from pipeline.results.columns import item_of
from pipeline.results.filter_parts import GEOMETRY

Schema = dict[str, Any]
Maker = Callable[[Sequence[str], Method], Schema]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
ANY_GEOMETRY = "https://geojson.org/schema/Geometry.json"
TYPES = {pa.int64(): "integer", pa.float64(): "number", pa.bool_(): "boolean"}


def of_items(flat: Sequence[str], method: Method) -> Schema:
    """What the properties of an item keep to. flat: the names of the columns of the flat export."""
    properties = {
        name: _nullable(name, _property(name, method)) for name in flat if name != GEOMETRY
    }
    properties["row"]["x-ogc-role"] = "id"
    words = _words(method.by_name[GEOMETRY])
    place = {"x-ogc-role": "primary-geometry", "format": "geometry-any", **words}
    return {"$schema": DRAFT, "type": "object", "properties": properties | {GEOMETRY: place}}


def of_queryables(flat: Sequence[str], method: Method) -> Schema:
    """What a filter may name, each with one type: QGIS reads no others."""
    columns = {name: _column(name, method) for name in flat if name != GEOMETRY}
    properties = {
        name: _property(name, method)
        for name, column in columns.items()
        if column.filterable and not column.nested
    }
    place = {"$ref": ANY_GEOMETRY, "x-ogc-role": "primary-geometry", "format": "geometry-any"}
    properties[GEOMETRY] = place | _words(method.by_name[GEOMETRY])
    return {
        "$schema": DRAFT,
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def _column(name: str, method: Method) -> Column:
    """The column of the table behind one of the flat export."""
    item = item_of(method, name)
    return item[0] if item else method.by_name[name]


def _property(name: str, method: Method) -> Schema:
    """A column of the flat export: there lists are one a sun, or a text."""
    of, item = _column(name, method), item_of(method, name)
    words = _words(of)
    if item:
        kind = TYPES.get(of.type.value_type, "string")
        return {"type": kind, **words, "title": f"{words['title']}, sun {item[1]}"}
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
