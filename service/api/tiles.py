"""Tiles of a collection for a web map: pictures of its rasters and roofs, and its buildings and
their parts as vectors."""

import gzip
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, Response

from pipeline.errors import InputError
from pipeline.grid.crs import lonlat
from pipeline.output.tiles.png import EMPTY_PNG
from pipeline.output.tiles.scheme import DEEPEST, MapTile
from pipeline.results.finished import mark_of
from pipeline.results.printed import attributions, sun_times
from pipeline.storage.lru import LRUCache
from service.api.answers import (
    TEXT,
    CollectionDep,
    Responses,
    Router,
    address,
    answers,
    array_schema,
    etag_of,
    faults,
    keeping,
    known,
    not_modified,
    object_schema,
)
from service.api.opened import Counting, Opened, opened
from service.api.service import ServiceDep
from service.core.catalogue import Collection
from service.core.links import JSON, VERSION
from service.core.problem import Problem, no_such

PNG, MVT = "image/png", "application/vnd.mapbox-vector-tile"
MOST_BYTES = 64 << 20  # of tiles that were made
KEY_BYTES = 1000  # that an empty one takes as well
RETRY_S = 5
EFFORT = 5  # of gzip
INTEGER = {"type": "integer"}
TILEJSON = object_schema(
    "tilejson tiles",
    tilejson=TEXT,
    tiles=array_schema(TEXT),
    minzoom=INTEGER,
    maxzoom=INTEGER,
    bounds=array_schema({"type": "number"}),
    vector_layers=array_schema({"type": "object"}),
)
LAST = (1 << DEEPEST) - 1
Layer = Annotated[
    str, InPath(pattern=r"^[a-z0-9_]{1,30}$", description="buildings, roofs, shadow ...")
]
Zoom = Annotated[int, InPath(ge=0, le=DEEPEST)]
Place = Annotated[int, InPath(ge=0, le=LAST)]
Sun = Annotated[
    str | None,
    Query(
        pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="one of the run's times, such as 10:00"
    ),
]
BYTES = {"schema": {"type": "string", "format": "binary"}}

DRAWN: Responses = {
    200: {
        "description": "A picture, seen through where there are no data; or a vector tile, without"
        " a byte where there are no buildings",
        "content": {PNG: BYTES, MVT: BYTES},
    },
    304: {"description": "What the client has is still good"},
}

router = Router(tags=["tiles"])
_kept: LRUCache[bytes] = LRUCache(MOST_BYTES, lambda body: len(body) + KEY_BYTES)


@dataclass(frozen=True)
class TileLayer:
    """A layer of a collection, and the place of a sun position among its own."""

    collection: Collection
    run: Opened
    layer: str
    sun: int | None

    @property
    def is_vector(self) -> bool:
        """Whether its tiles are vectors, else pictures."""
        return self.layer in self.run.vectors


def tile_layer(
    service: ServiceDep, collection: CollectionDep, layer: Layer, sun: Sun = None
) -> TileLayer:
    """The layer of an address. Raises Problem 404 where the run has none, or not that sun."""
    run = opened(collection, service.settings.state)
    if layer not in run.layers:
        raise no_such(f"layer {layer} (there are {', '.join(run.layers)})")
    if sun is None:
        return TileLayer(collection, run, layer, None)
    times = sun_times(collection.report)[: run.suns(layer)]
    if sun not in times:
        raise no_such(f"sun at {sun} of {layer} (there are {', '.join(times) or 'none'})")
    return TileLayer(collection, run, layer, times.index(sun))


LayerDep = Annotated[TileLayer, Depends(tile_layer)]


@router.get(
    "/collections/{collectionId}/tiles/{layer}",
    responses=answers(JSON, TILEJSON, "TileJSON 3.0.0") | faults(404),
)
def tilejson(request: Request, service: ServiceDep, tiles: LayerDep) -> JSONResponse:
    """Where the tiles of a layer are, and of which zooms."""
    collection = tiles.collection
    lowest, highest = tiles.run.zooms(tiles.layer)
    path = f"collections/{collection.name}/tiles/{tiles.layer}"
    sun = f"?{request.url.query}" if tiles.sun is not None else ""
    values: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": f"{collection.name} {tiles.layer}",
        "tiles": [f"{address(request, service.settings, path)}/{{z}}/{{x}}/{{y}}{sun}"],
        "minzoom": lowest,
        "maxzoom": highest,
        "attribution": "; ".join(attributions(collection.report["inputs"])),
    }
    bounds = tiles.run.bounds(tiles.layer)
    if bounds is not None:
        values["bounds"] = lonlat(bounds)
    if tiles.is_vector:
        values["vector_layers"] = tiles.run.vectors[tiles.layer].described(tiles.layer)
    return JSONResponse(values, headers=keeping(collection))


@router.get(
    "/collections/{collectionId}/tiles/{layer}/{z}/{x}/{y}",
    response_class=Response,
    responses=DRAWN | faults(404, 503, 507),
)
def tile(request: Request, tiles: LayerDep, z: Zoom, x: Place, y: Place) -> Response:
    """A square of the web map (WebMercatorQuad)."""
    collection = tiles.collection
    square = _square(z, x, y)
    key = (str(collection.place), mark_of(collection.place), tiles.layer, tiles.sun, z, x, y)
    vector, headers = tiles.is_vector, keeping(collection)
    packed = vector and "gzip" in request.headers.get("accept-encoding", "")
    if vector:
        headers["Vary"] = ", ".join(filter(None, [headers.get("Vary"), "Accept-Encoding"]))
    etag = etag_of(VERSION, *key, packed)  # another may draw another tile
    if known(request, etag):
        return not_modified(etag, headers)
    body = _kept.get(key, lambda: _draw(tiles, square))
    if vector and body:
        body = body if packed else gzip.decompress(body)
        headers |= {"Content-Encoding": "gzip"} if packed else {}
    return Response(body, media_type=MVT if vector else PNG, headers={"ETag": etag, **headers})


def _square(z: int, x: int, y: int) -> MapTile:
    try:
        return MapTile(z, x, y)
    except InputError as error:
        raise Problem(404, str(error)) from None


def _draw(tiles: TileLayer, square: MapTile) -> bytes:
    """A picture, or a vector tile as it is kept: packed. Raises Problem 503 where the roofs are
    not counted yet."""
    try:
        tile_ = tiles.run.tile(tiles.layer, square, tiles.sun)
    except Counting:
        text = "the roofs of this run are still being counted; ask again in a few seconds"
        raise Problem(503, text, headers={"Retry-After": str(RETRY_S)}) from None
    if tiles.is_vector:
        return gzip.compress(tile_, EFFORT, mtime=0) if tile_ else b""
    return tile_ or EMPTY_PNG
