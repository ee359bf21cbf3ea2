"""Finished runs as OGC API - Features: collections, pages of buildings, a building."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import numpy as np
from fastapi import Depends, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response

from pipeline.grid.crs import lonlat
from pipeline.output.tiles.overview import ROOFS
from pipeline.output.tiles.roofs import vector_layers
from pipeline.results.features import Features
from pipeline.results.printed import attributions, sun_times
from pipeline.storage.ledger import RASTERS
from service.api import files, schemas
from service.api.access import ClientDep
from service.api.answers import (
    CollectionDep,
    Router,
    address,
    answers,
    check_parameters,
    faults,
    keeping,
    nothing_else,
)
from service.api.formats import HTML
from service.api.geojson import COLLECTION, COLLECTIONS, FEATURE, PAGE, features_of
from service.api.query import CRS84, MOST, RD_CRS, parameters, query_of
from service.api.service import Service, ServiceDep
from service.core.catalogue import Collection
from service.core.exports import building_of
from service.core.keys import Client
from service.core.links import GEOJSON, JSON, REL, SCHEMA_JSON, link
from service.core.problem import Problem, no_such
from service.jobs.job import Status
from service.page.config import ordered_title, title_of

FEATURES, CQL2 = "http://www.opengis.net/spec/ogcapi-features-", "http://www.opengis.net/spec/cql2"
CONFORMS = (
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    *(f"{FEATURES}1/1.0/conf/{name}" for name in ("core", "geojson")),
    f"{FEATURES}2/1.0/conf/crs",
    *(f"{FEATURES}3/1.0/conf/{name}" for name in ("queryables", "filter", "features-filter")),
    *(
        f"{CQL2}/1.0/conf/{name}"
        for name in ("cql2-text", "basic-cql2", "advanced-comparison-operators",
                     "case-insensitive-comparison", "basic-spatial-functions",
                     "basic-spatial-functions-plus", "property-property")
    ),
)  # fmt: skip
CRSS = [CRS84, RD_CRS]
ROW = Annotated[int, InPath(ge=0, le=2**40, description="of the building, as in the input")]

router = Router(tags=["collections"])
router.include_router(files.router)


@router.get(
    "/collections",
    responses=answers(JSON, COLLECTIONS, "The runs that are shown, and the client's own results")
    | faults(400),
    dependencies=[Depends(nothing_else)],
)
def collections(request: Request, service: ServiceDep, client: ClientDep) -> JSONResponse:
    """The finished runs that there are."""
    visible = seen(service, client)
    here = address(request, service.settings, "collections")
    texts = [_described(request, service, each) for each in visible]
    headers = {"Cache-Control": "no-cache", "Vary": "Authorization, Cookie"}
    return JSONResponse({"collections": texts, "links": [link(here, "self")]}, headers=headers)


@router.get(
    "/collections/{collectionId}",
    responses=answers(JSON, COLLECTION, "What it is and where it lies") | faults(400, 404),
    dependencies=[Depends(nothing_else)],
)
def collection(request: Request, service: ServiceDep, collection: CollectionDep) -> JSONResponse:
    """A finished run."""
    return JSONResponse(_described(request, service, collection), headers=keeping(collection))


def _add_schema(name: str, schema_of: schemas.Maker, answer: str, meaning: str) -> None:
    """Serve a JSON Schema of the buildings of a run. said: of the answer; meaning: of the route."""

    def schema(request: Request, service: ServiceDep, collection: CollectionDep) -> Response:
        features = Features.of(collection.place)
        flat = features.at(np.empty(0, np.int64)).schema.names
        address_ = _below(request, service, collection, name)
        document = schema_of(flat, collection.method)
        document |= {"$id": address_, "title": title(collection)}
        return Response(json.dumps(document), media_type=SCHEMA_JSON, headers=keeping(collection))

    router.add_api_route(
        f"/collections/{{collectionId}}/{name}",
        schema,
        name=name,
        description=meaning,
        responses=answers(SCHEMA_JSON, {"type": "object"}, answer) | faults(400, 404),
        dependencies=[Depends(nothing_else)],
    )


_add_schema("schema", schemas.of_items, "JSON Schema of a building's properties",
            "What the buildings of the run have as properties, as JSON Schema.")  # fmt: skip
_add_schema("queryables", schemas.of_queryables, "JSON Schema of what a filter may name",
            "What `filter` may name, as JSON Schema.")  # fmt: skip


@router.get(
    "/collections/{collectionId}/items",
    responses=answers(GEOJSON, PAGE, "A page of buildings") | faults(400, 404),
    openapi_extra={"parameters": list(parameters().values())},
)
def items(request: Request, service: ServiceDep, collection: CollectionDep) -> Response:
    """Buildings, a page at a time: those that touch a rectangle, whose columns hold a value, or
    that pass a filter.

    A page may hold fewer than `limit` although there is a `next` link. `numberMatched` is left
    out where the polygons of more than half a million buildings would have to be looked at.
    """
    query = query_of(request, collection.method)
    features = Features.of(collection.place)
    page = features.page(query.wanted(features), query.cursor, min(query.limit, MOST))
    here = _below(request, service, collection, "items")
    given = dict(request.query_params)
    links = [link(_with(here, given), "self", GEOJSON)]
    links.append(link(_below(request, service, collection), "collection"))
    if page.next is not None:
        links.append(link(_with(here, given | {"cursor": str(page.next)}), "next", GEOJSON))
    values: dict[str, Any] = {"type": "FeatureCollection", "numberReturned": len(page.rows)}
    if page.matched is not None:
        values["numberMatched"] = page.matched
    values |= {"timeStamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "links": links}
    texts = ",".join(features_of(page.rows, query.crs))
    return _geojson(f'{json.dumps(values)[:-1]}, "features": [{texts}]}}', query.crs, collection)


@router.get(
    "/collections/{collectionId}/items/{row}",
    responses=answers(GEOJSON, FEATURE, "A building") | faults(400, 404, 507),
    openapi_extra={"parameters": [parameters()[name] for name in ("crs", "f")]},
)
def item(request: Request, service: ServiceDep, collection: CollectionDep, row: ROW) -> Response:
    """The building of a row."""
    check_parameters(request, "crs")
    crs = query_of(request, collection.method).crs
    building = building_of(service.settings.state, collection, row)
    if building is None:
        raise no_such(f"building {row}")
    (text,) = features_of(building, crs)
    here = _below(request, service, collection, f"items/{row}")
    here += f"?{request.url.query}" if request.url.query else ""
    links = [link(here, "self", GEOJSON), link(_below(request, service, collection), "collection")]
    return _geojson(f'{text[:-1]}, "links": {json.dumps(links)}}}', crs, collection)


def _geojson(text: str, crs: str, collection: Collection) -> Response:
    headers = {"Content-Crs": f"<{crs}>", **keeping(collection)}
    return Response(text, media_type=GEOJSON, headers=headers)


def seen(service: Service, client: Client) -> list[Collection]:
    """The collections that a client sees: the public ones, and its own results."""
    return [*service.shown.values(), *_own(service, client)]


def title(collection: Collection) -> str:
    """Title of a collection; of a job's result, its area and date."""
    return title_of(collection) if collection.client is None else ordered_title(collection.report)


def _own(service: Service, client: Client) -> list[Collection]:
    """The results of the client's own jobs, as long as they are kept."""
    own = []
    for job in service.jobs.list(client.name):
        if job.status is Status.SUCCESSFUL:
            try:
                own.append(service.collection(job.id, client))
            except Problem:  # expired, or none that is a run
                continue
    return own


def _described(request: Request, service: Service, collection: Collection) -> dict[str, Any]:
    """A collection as OGC API describes it."""
    report = collection.report
    method = report["method"]
    values: dict[str, Any] = {
        "id": collection.name,
        "title": title(collection),
        "description": f"Roofs judged by {method['name']}{_when(report)}",
        "attribution": "; ".join(attributions(report["inputs"])),
        "itemType": "feature",
        "crs": CRSS,
        "storageCrs": RD_CRS,
        "links": _links(request, service, collection),
    }
    bounds = Features.of(collection.place).bounds
    if bounds is not None:
        values["extent"] = {"spatial": {"bbox": [lonlat(bounds)], "crs": CRS84}}
    return values


def _when(report: Mapping[str, Any]) -> str:
    """The times of which a method looks at the sun, if it does."""
    date, times = report["method"]["parameters"].get("date"), sun_times(report)
    return f", on {date} at {', '.join(times)}" if times else ""


def _links(request: Request, service: Service, collection: Collection) -> list[dict[str, str]]:
    """Links to its parts: buildings, their schema, files, rasters, tiles and map."""

    def to(path: str, *rest: str) -> dict[str, str]:
        return link(_below(request, service, collection, path), *rest)

    columns = SCHEMA_JSON, "their properties"
    there, rasters = files.offered(collection), files.layers(collection)
    there |= {f"{RASTERS}/0": JSON} if rasters else {}
    drawn = [
        layer.name
        for layer in collection.method.layers
        if layer.drawn is not None and layer.name in rasters
    ]
    tiled = [*drawn, ROOFS, *vector_layers(collection.method)]
    page = f"{address(request, service.settings, 'map/')}#c={collection.name}"
    return [
        to("", "self"),
        to("items", "items", GEOJSON, "the buildings"),
        to("schema", "describedby", *columns),
        to("schema", f"{REL}schema", *columns),
        to("queryables", f"{REL}queryables", SCHEMA_JSON, "what a filter may name"),
        *(to(f"files/{name}", "enclosure", kind, name) for name, kind in there.items()),
        *(to(f"tiles/{layer}", "alternate", JSON, f"{layer}: TileJSON") for layer in tiled),
        link(page, "alternate", HTML, "the map"),
    ]


def _below(request: Request, service: Service, collection: Collection, path: str = "") -> str:
    parts = ["collections", collection.name, *([path] if path else [])]
    return address(request, service.settings, "/".join(parts))


def _with(here: str, given: Mapping[str, str]) -> str:
    return f"{here}?{urlencode(given, safe=':/,')}" if given else here
