"""The files of a collection: as the run left them, made on demand, and its zarr store."""

import asyncio
import re
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import Path as InPath
from fastapi import Request
from fastapi.responses import FileResponse, Response

from pipeline.methods.method import Method, names
from pipeline.output.export import write
from pipeline.results.features import Features
from pipeline.results.finished import LAYER, mark_of
from pipeline.results.store import ROOT, open_store
from pipeline.storage.integrity import verify
from pipeline.storage.ledger import BUILDINGS, MAP, RASTERS, REPORT
from service.api.answers import CollectionDep, Responses, Router, faults, keeping, known
from service.api.service import ServiceDep
from service.core.catalogue import Collection
from service.core.exports import cached_export
from service.core.links import COG, FLATGEOBUF, GEOJSON, GEOPACKAGE, JSON, PARQUET
from service.core.problem import Problem, no_such

STORED = {BUILDINGS: PARQUET, MAP: "image/png", REPORT: JSON}
GPKG = "buildings.gpkg"  # which holds all tables
MADE = {
    GPKG: GEOPACKAGE,
    "buildings.geojson": GEOJSON,
    "buildings.fgb": FLATGEOBUF,
    "buildings.csv": "text/csv; charset=utf-8",
}
# Of parts of buildings, by their endings.
OF_PARTS = {
    "parquet": PARQUET, "geojson": GEOJSON, "fgb": FLATGEOBUF, "csv": "text/csv; charset=utf-8",
}  # fmt: skip
SHOWN = (MAP, REPORT)  # in the browser; others are saved
MOST_ROWS = 1_000_000  # that are made a GeoJSON of on demand, in 40 s and 800 MB
MOST_CELLS = 500_000_000  # that are made a COG of
MOST_WAITING = 8  # files that are made or wait for it
RETRY_S = 30
WHOLE = (JSON,)  # small, and read at once
BINARY = "application/octet-stream"
KEY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
PART = r"(\d{1,18}-\d{0,18}|-\d{1,18})"
RANGE = re.compile(rf"bytes=\s*{PART}(\s*,\s*{PART})*\s*")
FileName = Annotated[
    str, InPath(pattern=r"^[A-Za-z0-9_]{1,40}\.[a-z]{3,7}$", description="buildings.gpkg ...")
]
Key = Annotated[str, InPath(min_length=1, max_length=200, description="of zarr: 0/shadow/c/0/0")]
BYTES = {"schema": {"type": "string", "format": "binary"}}
TYPES = {
    kind.partition(";")[0]: {"schema": {"type": "object"}} if kind.endswith("json") else BYTES
    for kind in (*STORED.values(), *MADE.values(), COG)
}
RANGES: dict[str, Any] = {
    "parameters": [
        {
            "name": "Range",
            "in": "header",
            "required": False,
            "description": "of bytes; what is no range is not heeded, as HTTP has it",
            "schema": {"type": "string", "example": "bytes=0-1023"},
        },
    ]
}

router = Router(tags=["files"])
_maker = ThreadPoolExecutor(1, "export")  # one after the other: jobs and tiles need the cores
_waiting: dict[Path, "Future[Path]"] = {}


def _answered(types: dict[str, Any]) -> Responses:
    return {
        200: {"description": "The file", "content": types},
        206: {
            "description": "The part that was asked for",
            "content": {kind: {} for kind in types},
        },
        304: {"description": "What the client has is still good"},
    }


@router.get(
    "/collections/{collectionId}/files/{file}",
    response_class=FileResponse,
    responses=_answered(TYPES) | faults(404, 413, 416, 503, 507),
    openapi_extra=RANGES,
)
async def file(
    request: Request, service: ServiceDep, collection: CollectionDep, file: FileName
) -> Response:
    """A file of a run. What the run did not leave is made when it is first asked for, which takes
    a second for 30,000 buildings; of a nation there is the Parquet file only."""
    if file in STORED:
        await asyncio.to_thread(verify, collection.place, file)
    media_type = await asyncio.to_thread(_type_of, collection, file)
    if file in STORED:
        path = collection.place / file
    else:
        path = await _made(service.settings.state, collection, file)
    headers = keeping(collection)
    kind = "inline" if file in SHOWN else "attachment"
    headers["Content-Disposition"] = f'{kind}; filename="{collection.name}-{file}"'
    return await asyncio.to_thread(sent, request, path, media_type, headers)


@router.get(
    "/collections/{collectionId}/files/rasters.zarr/{key:path}",
    response_class=FileResponse,
    responses=_answered({BINARY: BYTES, JSON: {}}) | faults(404, 416),
    openapi_extra=RANGES,
)
def stored(request: Request, collection: CollectionDep, key: Key) -> Response:
    """A part of the zarr store, so that `xarray.open_zarr` opens
    `.../files/rasters.zarr/0`. A chunk that is not there holds no data (404)."""
    headers = keeping(collection)
    for name in (key, f"{key}/{ROOT}"):  # of a group or an array its metadata
        verify(collection.place, f"{RASTERS}/{name}")
    path = _inside(collection.place / RASTERS, key)
    return sent(request, path, JSON if path.name == ROOT else BINARY, headers)


def offered(collection: Collection) -> dict[str, str]:
    """The files of a collection by name, with their media types; those too large are left out."""
    there = {name: kind for name, kind in STORED.items() if (collection.place / name).is_file()}
    there |= {
        file: kind for file, kind in _made_of(collection).items() if _is_small(collection, file)
    }
    cogs = {
        f"{layer}.tif": COG for layer, cells in layers(collection).items() if cells <= MOST_CELLS
    }
    return there | cogs


def _made_of(collection: Collection) -> dict[str, str]:
    """The files that are made of the tables of a run."""
    parts = {
        f"{part.name}.{ending}": kind
        for part in collection.method.parts
        for ending, kind in OF_PARTS.items()
    }
    return MADE | parts


def _is_small(collection: Collection, file: str) -> bool:
    """Whether the tables that a file holds have few enough rows to make it on demand."""
    tables = names(collection.method.parts) if file == GPKG else (file.partition(".")[0],)
    return all(len(Features.of(collection.place, each)) <= MOST_ROWS for each in (LAYER, *tables))


def _type_of(collection: Collection, file: str) -> str:
    """The media type of a file. Raises Problem 404 where there is none, 413 where it is large."""
    media_type = offered(collection).get(file)
    made = file in _made_of(collection)
    if media_type is None and (made or file.removesuffix(".tif") in layers(collection)):
        remedy = f"use {BUILDINGS} or items" if made else f"use {RASTERS}"
        raise Problem(
            413, f"{file}: larger than is made on demand; {remedy}, or a job for an area within it"
        )
    if media_type is None:
        there = ", ".join(offered(collection))
        raise no_such(f"file {file} (there are {there})")
    return media_type


def layers(collection: Collection) -> dict[str, int]:
    """The raster layers, and how many cells each has."""
    return _layers_of(collection.place, collection.method, mark_of(collection.place))


@lru_cache(maxsize=64)
def _layers_of(place: Path, method: Method, mark: tuple[int, int]) -> dict[str, int]:
    finest = (open_store(place / RASTERS) or {}).get("0", {})
    return {name: finest[name].size for name in names(method.layers) if name in finest}


async def _made(state: Path, collection: Collection, file: str) -> Path:
    """Made in its turn by the one thread for it. Raises Problem 503 where many wait."""
    layer = None if file in MADE else file.partition(".")[0]
    key = collection.place / file
    waiting = _waiting.get(key)
    if waiting is None:
        if len(_waiting) >= MOST_WAITING:
            text = "many files are being made; ask again in a while"
            raise Problem(503, text, headers={"Retry-After": str(RETRY_S)})
        waiting = _maker.submit(
            cached_export, state, collection, file, lambda to: write(collection.place, to, layer)
        )
        _waiting[key] = waiting
        waiting.add_done_callback(lambda _: _waiting.pop(key, None))
    return await asyncio.shield(asyncio.wrap_future(waiting))


def sent(request: Request, path: Path, media_type: str, headers: dict[str, str]) -> Response:
    """A file, or the part of it that is asked for, or that it has not changed."""
    try:
        status = path.stat()
    except OSError:
        raise no_such(f"file {path.name}") from None
    if media_type in WHOLE:
        headers = headers | {"Accept-Ranges": "none"}
    response = FileResponse(path, headers=headers, media_type=media_type, stat_result=status)
    state = {name: response.headers[name] for name in ("etag", "last-modified")}
    if _unchanged(request, state):
        return Response(status_code=304, headers=headers | state)
    _check_range(request, status.st_size, media_type not in WHOLE, state)
    return response


def _unchanged(request: Request, header: dict[str, str]) -> bool:
    if "if-none-match" in request.headers:
        return known(request, header["etag"])
    return request.headers.get("if-modified-since") == header["last-modified"]


def _check_range(request: Request, size: int, divides: bool, state: dict[str, str]) -> None:
    """Raises Problem 416 for a part beyond the end. What is no range of bytes is not heeded, as
    HTTP has it; nor is any of another state of the file, or for one that is only sent whole."""
    given = request.headers.get("range", "")
    spans = [span.strip().partition("-") for span in given.partition("=")[2].split(",")]
    proper = RANGE.fullmatch(given) and all(
        not (start and end) or int(start) <= int(end) for start, _, end in spans
    )
    changed = request.headers.get("if-range", state["etag"]) not in state.values()
    if not (divides and proper) or changed:
        others = [pair for pair in request.scope["headers"] if pair[0] != b"range"]
        request.scope["headers"] = others
    elif any(int(start) >= size if start else int(end) == 0 for start, _, end in spans):
        whole = {"Content-Range": f"bytes */{size}"}
        raise Problem(416, f"range: the file has {size} bytes", headers=whole)


def _inside(root: Path, key: str) -> Path:
    """A file of the store, of a group or an array its metadata. Raises Problem 404 for what is
    none, or lies elsewhere."""
    path = root / key / ROOT if (root / key / ROOT).is_file() else root / key
    whole = KEY.fullmatch(key) and path.is_file()
    if not whole or not path.resolve().is_relative_to(root.resolve()):
        raise no_such("chunk or metadata of this name")
    return path
