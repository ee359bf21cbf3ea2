"""The map: a page and its files, all from this service, and what the page must know."""

import gzip
import mimetypes
import os
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from fastapi import Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from service.api.access import ClientDep
from service.api.answers import Router, answers, array_schema, object_schema
from service.api.files import BINARY, sent
from service.api.service import ServiceDep
from service.core.links import JSON
from service.page import basemap
from service.page import config as mapconfig
from service.processes.availability import ground_of_sheets

router = Router(tags=["map"])

FOLDER = Path(__file__).parents[1] / "page" / "map"
LIBRARIES = FOLDER / "vendor" / "vendored.json"  # written last by whoever fetches them
# The system's table may say otherwise, or nothing.
KINDS = {
    ".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".json": "application/json",
    ".mjs": "text/javascript", ".pbf": "application/x-protobuf", ".svg": "image/svg+xml",
    ".txt": "text/plain", ".woff2": "font/woff2",
}  # fmt: skip
CODINGS: dict[str, Callable[[bytes], bytes]] = {  # the smallest first, by 15 %: 0.4 s the MB, once
    "br": lambda content: pa.Codec("brotli", 10).compress(content, asbytes=True),
    "gzip": lambda content: gzip.compress(content, 6, mtime=0),
}
PACKED = ("text/", "application/json", "image/svg+xml")
WITHOUT_LIBRARIES = """<!doctype html><html lang="en"><meta charset="utf-8"><title>daklaag</title>
<p>The map lacks its libraries: the operator fetches them with <code>make map</code>.</p></html>
"""
CONFIG = object_schema(
    "collections basemap addresses can_compute limits methods languages marks",
    collections=array_schema({"type": "object"}),
)
for ending, kind in KINDS.items():
    mimetypes.add_type(kind, ending)


class Page(StaticFiles):
    """The page's files: text is packed where the client takes that, and asked for anew each
    time, as the names stay when a file changes."""

    def file_response(self, full_path: Any, stat_result: os.stat_result, scope: Any,
                      status_code: int = 200) -> Response:  # fmt: skip
        """A file; 304 if the client has it."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        coding, kind = coding_of(scope), answer.headers.get("content-type", "")
        if isinstance(answer, FileResponse) and coding and kind.startswith(PACKED):
            content = packed(Path(full_path), stat_result.st_mtime_ns, coding)
            headers = {name: answer.headers[name] for name in ("etag", "last-modified")}
            answer = Response(content, headers=headers | {"Content-Encoding": coding})
            answer.headers["content-type"] = kind
        answer.headers.update({"Cache-Control": "no-cache", "Vary": "Accept-Encoding"})
        return answer


def coding_of(scope: Any) -> str | None:
    """The best coding of a response that the client of a request takes; None for none."""
    taken = Headers(scope=scope).get("accept-encoding", "")
    return next((coding for coding in CODINGS if coding in re.split(r"[\s,;]+", taken)), None)


@lru_cache(maxsize=400)
def packed(file: Path, changed: int, coding: str) -> bytes:
    """A file in a coding; changed: when, by which it is known."""
    return CODINGS[coding](file.read_bytes())


files = Page(directory=FOLDER, html=True, check_dir=False)


@router.get("/map/config.json", responses=answers(JSON, CONFIG, "What the page must know"))
def config(request: Request, service: ServiceDep, client: ClientDep) -> Response:
    """What the page must know: results, methods, base map, limits, languages."""
    shown = service.shown.values()
    ground = None if shown else ground_of_sheets(service.backend)
    document = mapconfig.configuration(service.settings, shown, service.sources, ground)
    headers = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    content = bytes(JSONResponse(document).body)
    if "gzip" in request.headers.get("accept-encoding", ""):
        content, headers["Content-Encoding"] = CODINGS["gzip"](content), "gzip"
    return Response(content, headers=headers, media_type=JSON)


@router.get(f"/map/{basemap.NAME}", include_in_schema=False, response_class=FileResponse)
def own_basemap(request: Request, service: ServiceDep) -> Response:
    """The operator's base map, of which a browser asks parts."""
    if not service.settings.basemap:
        raise HTTPException(404)
    return sent(request, Path(service.settings.basemap), BINARY, {"Cache-Control": "no-cache"})


@router.get("/map/", include_in_schema=False, response_class=Response)
@router.get("/map/{path:path}", include_in_schema=False, response_class=Response)
async def page(request: Request, path: str = "") -> Response:
    """The page, or one of its files."""
    if path in ("", "index.html") and not LIBRARIES.is_file():
        return HTMLResponse(WITHOUT_LIBRARIES, 503, {"Retry-After": "60"})
    if any(part.startswith(".") for part in path.split("/")) or path.endswith("/"):
        raise HTTPException(404)
    return await files.get_response(path or "index.html", request.scope)
