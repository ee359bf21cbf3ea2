"""The seven schemas of OGC API - Processes - Part 1, version 1.0, in our own words.

Written after http://schemas.opengis.net/ogcapi/processes/part1/1.0/openapi/schemas/, as JSON Schema
2020-12: what is `nullable` there may be null here, what is required there is required here. Where
the official `oneOf` cannot tell its branches apart (each integer is a number, each text may be
binary), it is `anyOf` here.
"""

from typing import Any

from jsonschema_rs import Draft202012Validator

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"type": "array", "items": TEXT}
CRSS = ("1.3/CRS84", "0/CRS84h")
WHEN: Schema = {"type": "string", "format": "date-time"}


def _object(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    return {"type": "object", "required": list(required), "properties": properties}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _many(name: str) -> Schema:
    return {"type": "array", "items": _ref(name)}


def _by_name(name: str) -> Schema:
    return {"type": "object", "additionalProperties": _ref(name)}


COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
DESCRIBED = {
    "title": TEXT,
    "description": TEXT,
    "keywords": TEXTS,
    "metadata": {"type": "array", "items": _object(title=TEXT, role=TEXT, href=TEXT)},
    "additionalParameters": {"type": "object"},
}
SUMMARY = {
    **DESCRIBED,
    "id": TEXT,
    "version": TEXT,
    "jobControlOptions": {
        "type": "array",
        "items": {"enum": ["sync-execute", "async-execute", "dismiss"]},
    },
    "outputTransmission": {"type": "array", "items": {"enum": ["value", "reference"]}},
    "links": _many("link"),
}
# The subset of JSON Schema that OpenAPI 3.0 has; nothing else may stand in it.
OPENAPI_SCHEMA: Schema = _object(
    title=TEXT,
    multipleOf={"type": "number", "exclusiveMinimum": 0},
    maximum={"type": "number"},
    exclusiveMaximum=FLAG,
    minimum={"type": "number"},
    exclusiveMinimum=FLAG,
    maxLength=COUNT,
    minLength=COUNT,
    pattern={"type": "string", "format": "regex"},
    maxItems=COUNT,
    minItems=COUNT,
    uniqueItems=FLAG,
    maxProperties=COUNT,
    minProperties=COUNT,
    required={"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True},
    enum={"type": "array", "minItems": 1},
    type={"enum": ["array", "boolean", "integer", "number", "object", "string"]},
    allOf=_many("schema"),
    oneOf=_many("schema"),
    anyOf=_many("schema"),
    items=_ref("schema"),
    properties=_by_name("schema"),
    additionalProperties={"anyOf": [_ref("schema"), FLAG]},
    description=TEXT,
    format=TEXT,
    default={},
    nullable=FLAG,
    readOnly=FLAG,
    writeOnly=FLAG,
    example={},
    deprecated=FLAG,
    contentMediaType=TEXT,
    contentEncoding=TEXT,
    contentSchema=TEXT,
    **{"not": _ref("schema")},
) | {"additionalProperties": False}
REFERENCE: Schema = _object(("$ref",), **{"$ref": TEXT}) | {"additionalProperties": False}
PLAIN: Schema = {
    "anyOf": [
        {"type": ["string", "number", "boolean", "array"]},
        _object(
            ("bbox",),
            bbox={
                "type": "array",
                "items": {"type": "number"},
                "oneOf": [{"minItems": n, "maxItems": n} for n in (4, 6)],
            },
            crs={"enum": [f"http://www.opengis.net/def/crs/OGC/{crs}" for crs in CRSS]},
        ),
    ]
}
LINK = _object(("href",), href=TEXT, rel=TEXT, type=TEXT, hreflang=TEXT, title=TEXT)
QUALIFIED = _object(
    ("value",),
    value={"anyOf": [PLAIN, {"type": "object"}]},
    mediaType=TEXT,
    encoding=TEXT,
    schema={"type": ["string", "object"]},
)
DEFS: Schema = {
    "link": LINK,
    "schema": {"oneOf": [REFERENCE, OPENAPI_SCHEMA]},
    "input": _object(
        ("schema",),
        **DESCRIBED,
        schema=_ref("schema"),
        minOccurs={"type": "integer"},
        maxOccurs={"anyOf": [{"type": "integer"}, {"enum": ["unbounded"]}]},
    ),
    "output": _object(("schema",), **DESCRIBED, schema=_ref("schema")),
    "processSummary": _object(("id", "version"), **SUMMARY),
    "statusInfo": _object(
        ("jobID", "status", "type"),
        processID=TEXT,
        type={"enum": ["process"]},
        jobID=TEXT,
        status={"enum": ["accepted", "running", "successful", "failed", "dismissed"]},
        message=TEXT,
        created=WHEN,
        started=WHEN,
        finished=WHEN,
        updated=WHEN,
        progress={"type": "integer", "minimum": 0, "maximum": 100},
        links=_many("link"),
    ),
    # A value that is an object is qualified: an object with `href` is a link, any other is wrong.
    "inlineOrRefData": {"oneOf": [PLAIN, QUALIFIED, LINK]},
}

SCHEMAS: dict[str, Schema] = {
    "landingPage": _object(("links",), title=TEXT, description=TEXT, links=_many("link")),
    "confClasses": _object(("conformsTo",), conformsTo=TEXTS),
    "processList": _object(
        ("processes", "links"), processes=_many("processSummary"), links=_many("link")
    ),
    "process": _object(
        ("id", "version"), **SUMMARY, inputs=_by_name("input"), outputs=_by_name("output")
    ),
    "statusInfo": DEFS["statusInfo"],
    "jobList": _object(("jobs", "links"), jobs=_many("statusInfo"), links=_many("link")),
    "results": _by_name("inlineOrRefData"),
    "exception": _object(
        ("type",), type=TEXT, title=TEXT, status={"type": "integer"}, detail=TEXT, instance=TEXT
    ),
}


def faults(name: str, document: Any) -> list[str]:
    """What a document has that the schema of this name does not allow, each with its place."""
    validator = Draft202012Validator({**SCHEMAS[name], "$defs": DEFS}, validate_formats=True)
    return [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(document)]
