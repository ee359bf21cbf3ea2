"""Descriptions of the processes, as in OGC API - Processes 1.0.

Schemas are those of OpenAPI 3.0, as that standard has it.
"""

from typing import Any

from pipeline.footprints.restrictions import WORDS
from pipeline.methods import DEFAULT, METHODS
from pipeline.methods.method import names
from pipeline.methods.parameters import schema
from service.core.links import VERSION
from service.processes.areas import BY
from service.processes.geojson import FEATURES, VERTICES
from service.processes.inputs import LONGEST, MOST_REMOVED
from service.processes.results import Result, outputs_of

Schema = dict[str, Any]

GEOJSON = "https://geojson.org/schema/GeoJSON.json"
BOUNDED = f"At most {FEATURES:,} features and {VERTICES:,} vertices; lon/lat, or RD with `crs`."
SHAPES: Schema = {
    "type": "object",
    "required": ["type"],
    "properties": {"type": {"type": "string"}},
    "contentMediaType": "application/geo+json",
    "contentSchema": GEOJSON,
}
NUMBER: Schema = {"type": "number"}
BOX: Schema = {
    "type": "object",
    "format": "ogc-bbox",
    "required": ["bbox"],
    "properties": {
        "bbox": {"type": "array", "items": NUMBER, "minItems": 4, "maxItems": 6},
        "crs": {"type": "string", "format": "uri"},
    },
}
CIRCLE: Schema = {
    "type": "object",
    "required": ["centre", "radius_m"],
    "properties": {
        "centre": {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
        "radius_m": {"type": "number", "minimum": 0, "exclusiveMinimum": True},
    },
}


def _input(title: str, description: str, given: Schema, needed: bool = False) -> dict[str, Any]:
    return {"title": title, "description": description, "minOccurs": int(needed), "schema": given}


def _text(**more: Any) -> Schema:
    return {"type": "string", "maxLength": LONGEST, **more}


AREA = _input(
    "Area",
    "A municipality, province, neighbourhood or postcode by code or name (GM0363, Zeeland, 1011),"
    f" xmin,ymin,xmax,ymax in RD metres, a bbox, or polygons as GeoJSON. {BOUNDED}",
    {"oneOf": [_text(), SHAPES, BOX]},
)
AROUND = _input(
    "Circle",
    "The totals are of the roofs whose centre lies in it: x,y,radius in RD metres, or a centre in"
    " lon/lat and a radius.",
    {"oneOf": [_text(), CIRCLE]},
)
LANG = _input("Language", "Of the map and the report.", _text(enum=["en", "nl"], default="en"))


def _judged() -> dict[str, Any]:
    """The inputs that say how roofs are judged; of parameters and layers, those of each method."""
    parameters = [
        {"title": method.name, **schema(method.parameters)} for method in METHODS.values()
    ]
    layers = dict.fromkeys(name for method in METHODS.values() for name in names(method.layers))
    usual = [layer.name for layer in METHODS[DEFAULT].layers if layer.default]
    kept = {"type": "array", "items": {"type": "string", "enum": [*layers]}, "default": usual}
    return {
        "method": _input(
            "Method", "How a roof is judged.", _text(enum=list(METHODS), default=DEFAULT)
        ),
        "parameters": _input(
            "Parameters",
            "Those of the method that are to differ from their defaults.",
            parameters[0] if len(parameters) == 1 else {"anyOf": parameters},
        ),
        "layers": _input("Raster layers", "Which pictures of the ground to keep.", kept),
        "lang": LANG,
    }


def _words(name: str) -> str:
    return f"`{name}` ({', '.join(WORDS[name])})"


SUITABILITY: dict[str, Any] = {
    "title": "Which roofs suit sun or wind",
    "description": "Judges every roof of an area from the heights and footprints that the service"
    " has, or reads the answer where it was computed before.",
    "keywords": ["roofs", "solar", "wind", "AHN", "BAG"],
    "inputs": {
        "area": AREA,
        "around": AROUND,
        "restrictions": _input(
            "Restrictions",
            "Roofs set aside: polygons, points, or features without a geometry but with an `id`;"
            f" each with {', '.join(map(_words, WORDS))}. {BOUNDED}",
            SHAPES,
        ),
        "footprints": _input(
            "Footprints",
            "Outlines of buildings instead of the service's, with `id`, `bouwjaar` and `status`"
            f" where they are known. {BOUNDED}",
            SHAPES,
        ),
    },
}
SUMMARY: dict[str, Any] = {
    "title": "Totals of an area",
    "description": "Roofs by class, hectares, kWh a year and households of an area, and of its"
    " parts, read from a finished collection at once.",
    "keywords": ["totals", "statistics", "solar", "wind"],
    "inputs": {
        "collection": _input(
            "Collection",
            "By its name; by default the public one that has most of the place.",
            _text(),
        ),
        "area": AREA,
        "around": AROUND,
        "by": _input(
            "Parts",
            "A row for each: regions of a kind, or polygons with their own columns.",
            {"oneOf": [_text(enum=[*BY]), SHAPES]},
        ),
        "households": _input(
            "Households",
            "How many live in the area: there is a share then.",
            {"type": "number", "minimum": 0, "exclusiveMinimum": True},
        ),
        "lang": LANG,
    },
}
WHAT_IF: dict[str, Any] = {
    "title": "What if a building came or went",
    "description": "Judges an area with buildings added or demolished, and says what that changes.",
    "keywords": ["shadow", "planning", "solar", "wind"],
    "inputs": {
        "area": AREA | {"description": f"{AREA['description']} Default: what the change reaches."},
        "add": _input(
            "Buildings to add",
            "Polygons with `roof_m`, the top above NAP, or `height_m` above the ground; and an"
            f" `id`. {BOUNDED}",
            SHAPES,
        ),
        "remove": _input(
            "Buildings to remove",
            "Their ids in the BAG.",
            {"type": "array", "items": _text(), "maxItems": MOST_REMOVED, "default": []},
        ),
    },
}
DESCRIPTIONS = {"suitability": SUITABILITY, "summary": SUMMARY, "what-if": WHAT_IF}
SYNCHRONOUS = ("summary",)
# What a service without heights and footprints can only read from its collections.
READ: dict[str, Any] = SUITABILITY | {
    "description": "Reads the roofs of an area from a collection that has them judged by these"
    " parameters; this service has no heights to judge others from.",
    "inputs": {
        name: given
        for name, given in SUITABILITY["inputs"].items()
        if name not in ("restrictions", "footprints")
    },
}
OFFERED = {True: DESCRIPTIONS, False: {"suitability": READ, "summary": SUMMARY}}


def summaries(can_compute: bool = True) -> list[dict[str, Any]]:
    """Every process that a service offers, without its inputs and outputs."""
    return [
        {name: value for name, value in described.items() if name not in ("inputs", "outputs")}
        for described in (describe(process, can_compute) for process in OFFERED[can_compute])
    ]


NO_HREF = "An input by reference (`href`) is refused: the service fetches nothing for a client."


def describe(process: str, can_compute: bool = True) -> dict[str, Any]:
    """A process whole, without links. KeyError if the service does not offer it."""
    offered = OFFERED[can_compute][process]
    now = process in SYNCHRONOUS
    return {
        "id": process,
        "version": VERSION,
        "title": offered["title"],
        "description": f"{offered['description']} {NO_HREF}",
        "keywords": offered["keywords"],
        "jobControlOptions": ["sync-execute"] if now else ["async-execute", "dismiss"],
        "outputTransmission": ["value"] if now else ["value", "reference"],
        "inputs": offered["inputs"] | ({} if now else _judged()),
        "outputs": {name: _output(result) for name, result in outputs_of(process).items()},
    }


def _output(result: Result) -> dict[str, Any]:
    form = {} if result.value else {"format": "binary"}
    given = {"type": "object"} if result.value else {"type": "string", **form}
    return {
        "title": result.title,
        "description": result.description,
        "schema": given | {"contentMediaType": result.media_type},
    }
