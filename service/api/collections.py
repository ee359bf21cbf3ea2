"""Finished runs as OGC API - Features: collections of buildings and of their parts, pages of them,
one of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response

from pipeline.grid.crs import lonlat
from pipeline.output.tiles.overview import ROOFS
from pipeline.output.tiles.roofs import vector_layers
from pipeline.results.printed import attributions, sun_times
from pipeline.storage.ledger import RASTERS
from service.api import files, schemas
from service.api.access import ClientDep
from service.api.answers import (
    FeaturesDep,
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
from service.core.exports import feature_of
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
ID = Annotated[
    str,
    InPath(
        alias="featureId",
        pattern=r"^[0-9]{1,12}(-[0-9]{1,9})?$",
        description="the row of a building, as in the input; of a part that, a hyphen, its number",
    ),
]

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
def collection(request: Request, service: ServiceDep, collection: FeaturesDep) -> JSONResponse:
    """A finished run."""
    return JSONResponse(_described(request, service, collection), headers=keeping(collection))


def _add_schema(name: str, schema_of: schemas.Maker, answer: str, meaning: str) -> None:
    """Serve a JSON Schema of the features of a collection. meaning: of the route."""

    def schema(request: Request, service: ServiceDep, collection: FeaturesDep) -> Response:
        address_ = _below(request, service, collection, name)
        document = schema_of(collection.features)
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


_add_schema("schema", schemas.of_items, "JSON Schema of a feature's properties",
            "What the features have as properties, as JSON Schema.")  # fmt: skip
_add_schema("queryables", schemas.of_queryables, "JSON Schema of what a filter may name",
            "What `filter` may name, as JSON Schema.")  # fmt: skip


@router.get(
    "/collections/{collectionId}/items",
    responses=answers(GEOJSON, PAGE, "A page of features") | faults(400, 404),
    openapi_extra={"parameters": list(parameters().values())},
)
def items(request: Request, service: ServiceDep, collection: FeaturesDep) -> Response:
    """Buildings, or their parts, a page at a time: those that touch a rectangle, whose columns hold
    a value, or that pass a filter.

    A page may hold fewer than `limit` although there is a `next` link. `numberMatched` is left
    out where the polygons of more than half a million features would have to be looked at.
    """
    query, features = query_of(request, collection), collection.features
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
    texts = ",".join(features_of(page.rows, query.crs, features.part))
    return _geojson(f'{json.dumps(values)[:-1]}, "features": [{texts}]}}', query.crs, collection)


@router.get(
    "/collections/{collectionId}/items/{featureId}",
    responses=answers(GEOJSON, FEATURE, "A feature") | faults(400, 404, 507),
    openapi_extra={"parameters": [parameters()[name] for name in ("crs", "f")]},
)
def item(request: Request, service: ServiceDep, collection: FeaturesDep, id_: ID) -> Response:
    """The building of a row, or a part of it."""
    check_parameters(request, "crs")
    crs = query_of(request, collection).crs
    feature = feature_of(service.settings.state, collection, id_)
    if feature is None:
        raise no_such(f"{'part' if collection.part else 'building'} {id_}")
    (text,) = features_of(feature, crs, collection.part)
    here = _below(request, service, collection, f"items/{id_}")
    here += f"?{request.url.query}" if request.url.query else ""
    links = [link(here, "self", GEOJSON), link(_below(request, service, collection), "collection")]
    return _geojson(f'{text[:-1]}, "links": {json.dumps(links)}}}', crs, collection)


def _geojson(text: str, crs: str, collection: Collection) -> Response:
    headers = {"Content-Crs": f"<{crs}>", **keeping(collection)}
    return Response(text, media_type=GEOJSON, headers=headers)


def seen(service: Service, client: Client) -> list[Collection]:
    """The collections that a client sees: the public ones, and its own results, each followed by
    the parts of its buildings."""
    runs = [*service.shown.values(), *_own(service, client)]
    return [each for run in runs for each in (run, *run.parts)]


def title(collection: Collection) -> str:
    """Title of a collection; of a job's result, its area and date; of parts, what they are too."""
    own = collection.client is not None
    run = ordered_title(collection.report) if own else title_of(collection.run)
    return f"{run}: {collection.part.en.title}" if collection.part else run


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
    values: dict[str, Any] = {
        "id": collection.name,
        "title": title(collection),
        "description": f"{_what(collection)} by {report['method']['name']}{_when(report)}",
        "attribution": "; ".join(attributions(report["inputs"])),
        "itemType": "feature",
        "crs": CRSS,
        "storageCrs": RD_CRS,
        "links": _links(request, service, collection),
    }
    bounds = collection.features.bounds
    if bounds is not None:
        values["extent"] = {"spatial": {"bbox": [lonlat(bounds)], "crs": CRS84}}
    return values


def _what(collection: Collection) -> str:
    part = collection.part
    return "Roofs judged" if part is None else f"{part.en.title} of the roofs judged"


def _when(report: Mapping[str, Any]) -> str:
    """The times of which a method looks at the sun, if it does."""
    date, times = report["method"]["parameters"].get("date"), sun_times(report)
    return f", on {date} at {', '.join(times)}" if times else ""


def _links(request: Request, service: Service, collection: Collection) -> list[dict[str, str]]:
    """Links to its features and their schema, and to the rest of the run."""

    def to(path: str, *rest: str) -> dict[str, str]:
        return link(_below(request, service, collection, path), *rest)

    columns, part = (SCHEMA_JSON, "their properties"), collection.part
    others = collection.parts if part is None else [collection.run]
    return [
        to("", "self"),
        to("items", "items", GEOJSON, f"the {collection.table}"),
        to("schema", "describedby", *columns),
        to("schema", f"{REL}schema", *columns),
        to("queryables", f"{REL}queryables", SCHEMA_JSON, "what a filter may name"),
        *(
            link(_below(request, service, each), "related", JSON, f"the {each.table}")
            for each in others
        ),
        *(_links_of_run(request, service, collection) if part is None else ()),
    ]


def _links_of_run(
    request: Request, service: Service, collection: Collection
) -> list[dict[str, str]]:
    """Links to files, rasters, tiles and map."""

    def to(path: str, *rest: str) -> dict[str, str]:
        return link(_below(request, service, collection, path), *rest)

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
        *(to(f"files/{name}", "enclosure", kind, name) for name, kind in there.items()),
        *(to(f"tiles/{layer}", "alternate", JSON, f"{layer}: TileJSON") for layer in tiled),
        link(page, "alternate", HTML, "the map"),
    ]


def _below(request: Request, service: Service, collection: Collection, path: str = "") -> str:
    parts = ["collections", collection.name, *([path] if path else [])]
    return address(request, service.settings, "/".join(parts))


def _with(here: str, given: Mapping[str, str]) -> str:
    return f"{here}?{urlencode(given, safe=':/,')}" if given else here
