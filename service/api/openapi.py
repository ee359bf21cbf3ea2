"""The document that describes the service (OpenAPI 3.0, as GDAL and OGC's classes ask for)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from service.api.answers import PROBLEM
from service.api.formats import FORMAT, formats_of
from service.core.links import OPENAPI as OPENAPI_JSON
from service.core.problem import MEDIA_TYPE, TITLES

OPENAPI = "3.0.3"
TYPE = f"{OPENAPI_JSON};version=3.0"
ITEMS = "/collections/{collectionId}/items"
SHARED = "#/components/parameters/"
UNSAFE = ("post", "put", "patch", "delete")
EVERYWHERE = (400, 401, 406, 421, 429, 500, 503)  # what the layers around the routes may answer
WHERE_SENT = (403, 408, 413, 415)
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def describe(
    app: FastAPI, collections: Mapping[str, Collection[str]] = MappingProxyType({})
) -> dict[str, Any]:
    """The document. All but the addresses of the collections is made once. collections: the names
    of the parameters of each one's items."""
    made = _document(app)
    items = made["paths"][ITEMS]["get"]
    paths = {
        ITEMS.format(collectionId=name): {"get": _of(name, items, taken)}
        for name, taken in collections.items()
    }
    return made | {"paths": made["paths"] | paths}


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=app.description,
            license_info=app.license_info, routes=app.routes,
        )  # fmt: skip
        for method, operation in _operations(made):
            _declare(operation, method)
        parts = made.setdefault("components", {})
        parts["securitySchemes"] = SCHEMES
        parts.setdefault("schemas", {})["Problem"] = PROBLEM
        for name in ("HTTPValidationError", "ValidationError"):
            parts["schemas"].pop(name, None)
        made["security"] = [{}, *({name: []} for name in SCHEMES)]
        app.openapi_schema = older(made) | {"openapi": OPENAPI}
        _share(app.openapi_schema)
    return app.openapi_schema


def _share(document: dict[str, Any]) -> None:
    """Put what items are asked by among the components, where QGIS looks for `limit`."""
    operation = document["paths"][ITEMS]["get"]
    query = {each["name"]: each for each in operation["parameters"] if each["in"] == "query"}
    document["components"]["parameters"] = query
    for _, each in _operations(document):
        given = each.get("parameters", [])
        each["parameters"] = [
            {"$ref": f"{SHARED}{one['name']}"} if one == query.get(one["name"]) else one
            for one in given
        ]


def _of(collection: str, items: dict[str, Any], taken: Collection[str]) -> dict[str, Any]:
    """The items of one collection: GDAL and QGIS filter by the parameters of its own path."""
    pointer = ITEMS.replace("/", "~1")
    return items | {
        "operationId": f"items_of_{collection}",
        "parameters": [
            each
            for each in items["parameters"]
            if "$ref" in each and each["$ref"].removeprefix(SHARED) in taken
        ],
        "responses": {
            status: {"$ref": f"#/paths/{pointer}/get/responses/{status}"}
            for status in items["responses"]
        },
    }


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in document["paths"].values():
        for method, operation in path.items():
            if isinstance(operation, dict) and "responses" in operation:
                yield method, operation


def _declare(operation: dict[str, Any], method: str) -> None:
    """The faults that any route may answer; what is not accepted is 400 here, not 422."""
    answers = operation["responses"]
    answers.pop("422", None)
    sent = WHERE_SENT if method in UNSAFE else ()
    for status in (*EVERYWHERE, *sent):
        schema = {"$ref": "#/components/schemas/Problem"}
        declared = {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        answers.setdefault(str(status), declared)
    names = formats_of(answers)
    if method == "get" and names:
        given = operation.setdefault("parameters", [])
        given += [] if any(each["name"] == "f" for each in given) else [_format(names)]


def _format(names: Sequence[str]) -> dict[str, Any]:
    """The parameter `f` of a route that has these formats."""
    values = {"type": "string", "enum": list(names)}
    return {"name": "f", "in": "query", "required": False, "description": FORMAT, "schema": values}


def older(schema: Any) -> Any:
    """JSON Schema as OpenAPI 3.0 knows it: of what FastAPI writes for 3.1."""
    if isinstance(schema, list):
        return [older(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: part if name in ("example", "default", "enum") else older(part)
            for name, part in schema.items()}  # fmt: skip
    if "const" in made and not isinstance(made["const"], dict):
        made["enum"] = [made.pop("const")]
    if isinstance(made.get("examples"), list):
        made["example"] = made.pop("examples")[0]
    for bound, flag in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(made.get(flag), int | float) and not isinstance(made[flag], bool):
            made |= {bound: made[flag], flag: True}
    if "prefixItems" in made:
        made["items"] = {"anyOf": made.pop("prefixItems")}
    if made.get("type") == "array":
        made.setdefault("items", {})
    return _nullable(made)


def _nullable(made: dict[str, Any]) -> dict[str, Any]:
    """`or null` is a word of its own in 3.0."""
    if isinstance(made.get("type"), list):
        kinds = [kind for kind in made["type"] if kind != "null"]
        nullable = {"nullable": True} if len(kinds) < len(made["type"]) else {}
        if len(kinds) == 1:
            return {**made, "type": kinds[0], **nullable}
        rest = {name: part for name, part in made.items() if name != "type"}
        return {**rest, "anyOf": [{"type": kind} for kind in kinds], **nullable}
    for word in ("anyOf", "oneOf"):
        options = made.get(word)
        if isinstance(options, list) and {"type": "null"} in options:
            left = [each for each in options if each != {"type": "null"}]
            rest = {name: part for name, part in made.items() if name != word}
            if len(left) == 1 and "$ref" not in left[0]:
                return {**left[0], **rest, "nullable": True}
            return {**rest, word: left, "nullable": True}
    return made
