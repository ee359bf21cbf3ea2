"""The national services on this machine: as they answer, and as they do on a bad day."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine

from pipeline.fetch.services import BASES
from pipeline.heights.ahn_index import sheets

ATOM = "/pdok/rws/actueel-hoogtebestand-nederland/atom"
PLACES = {sheet.name: sheet.bounds for sheet in sheets()}
RD = "http://www.opengis.net/def/crs/EPSG/0/28992"
HTML = b"<!DOCTYPE html>\n<html><body>Onderhoud</body></html>"


@dataclass
class Thing:
    """What lies at a path. mischief: what happens instead, one a request, until none is left."""

    body: bytes
    kind: str = "application/octet-stream"
    etag: str | None = '"1"'
    ranges: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    mischief: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    path: str
    headers: dict[str, str]

    @property
    def range(self) -> str | None:
        return self.headers.get("range")


class Server:
    """Things by their paths, and all that was asked for."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.things: dict[str, Thing] = {}
        self.asked: list[Asked] = []
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()

    @property
    def bases(self) -> tuple[str, ...]:
        """The options --base-url that lead here."""
        return tuple(f"{name}={self.address}/{name}" for name in BASES)

    def put(self, path: str, body: bytes | str, **more: Any) -> Thing:
        self.things[path] = Thing(body.encode() if isinstance(body, str) else body, **more)
        return self.things[path]

    def paths(self) -> list[str]:
        """What was asked for, without what was asked of it."""
        return [urlsplit(asked.path).path for asked in self.asked]


@contextmanager
def served() -> Iterator[Server]:
    """A server of these things, for as long as the context lasts."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    httpd.daemon_threads = True
    httpd.block_on_close = False
    server = Server(f"http://127.0.0.1:{httpd.server_address[1]}")
    httpd.RequestHandlerClass.server_of_things = server  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    server_of_things: Server

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        server = self.server_of_things
        headers = {name.lower(): value for name, value in self.headers.items()}
        with server.lock:
            server.asked.append(Asked(self.path, headers))
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            self._serve(server.things.get(urlsplit(self.path).path))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with server.lock:
                server.at_once -= 1

    def _serve(self, thing: Thing | None) -> None:
        if thing is None:
            return self._answer(404, b"{}", {"Content-Type": "application/json"})
        bad = thing.mischief.pop(0) if thing.mischief else {}
        if "status" in bad:
            return self._answer(bad["status"], b"", bad.get("headers", {}))
        if "page" in bad:
            return self._answer(200, HTML, {"Content-Type": bad["page"]})
        if "chunked" in bad:
            return self._give_in_chunks(thing, bad["chunked"])
        time.sleep(bad.get("wait", 0))
        return self._give(thing, bad)

    def _give_in_chunks(self, thing: Thing, count: int) -> None:
        """Without a length; of less than all the last chunk does not come."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("ETag", str(thing.etag))
        self.end_headers()
        body = thing.body[:count]
        end = b"0\r\n\r\n" if count >= len(thing.body) else b""
        self.wfile.write(b"%x\r\n%s\r\n%s" % (len(body), body, end))
        self.close_connection = True

    def _give(self, thing: Thing, bad: dict[str, Any]) -> None:
        body, headers, status = thing.body, {"Content-Type": thing.kind, **thing.headers}, 200
        if thing.etag:
            headers["ETag"] = thing.etag
        wanted = self.headers.get("Range")
        if wanted and thing.ranges and self.headers.get("If-Range") in (None, thing.etag):
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                return self._answer(416, b"", {"Content-Range": f"bytes */{len(body)}"})
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body, status = body[start:], 206
        return self._answer(status, body, headers, bad.get("length"), bad.get("cut"), bad)

    def _answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str],
        length: int | None = None,
        cut: int | None = None,
        bad: dict[str, Any] | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body[: len(body) if cut is None else cut])
        self.wfile.flush()
        if cut is not None or length is not None:
            time.sleep((bad or {}).get("hold", 0))
            self.close_connection = True


def raster(folder: Path, name: str, resolution: float = 0.5, cells: int = 40, **more: Any) -> bytes:
    """A GeoTIFF of noise in the south-western corner of a sheet, or at `at` [RD m]."""
    west, south = more.pop("at", PLACES.get(name, (0.0, 0.0))[:2])
    height = np.random.default_rng(7).normal(3, 1, (cells, cells)).astype(np.float32)
    path = folder / "made.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=cells, height=cells, count=1, dtype="float32",
        crs="EPSG:28992", nodata=3.4028235e38,
        transform=Affine(resolution, 0, west, 0, -resolution, south + cells * resolution), **more,
    ) as out:  # fmt: skip
        out.write(height, 1)
    return path.read_bytes()


def sheet_index(offered: dict[str, str], **more: Any) -> str:
    """A `kaartbladindex.json` of sheets and their addresses."""
    features = [
        {
            "type": "Feature",
            "properties": {"kaartbladNr": name, "url": url, **more.get(name, {})},
            "geometry": shapely.geometry.mapping(shapely.box(*PLACES[name[-5:]])),
        }
        for name, url in offered.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def feed(offered: dict[str, str], **more: str) -> str:
    """An Atom feed of sheets and their addresses, in the grammar of the real one."""
    text = " ".join(f'{name}="{value}"' for name, value in more.items())
    links = "".join(
        f'<link href="{url}" rel="section" type="image/tiff" {text}'
        f' title="AHN - Kaartblad {name}" bbox="4.3 51.9 4.4 52.0" />'
        for name, url in offered.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title>AHN</title><entry>{links}</entry></feed>'
    )


def page_index(path: Path, columns: dict[str, list[Any]], layer: str = "bladindeling") -> bytes:
    """A `bladwijzer.gpkg`: a row a sheet, with these columns."""
    count = len(next(iter(columns.values())))
    frame = gpd.GeoDataFrame(columns, geometry=[shapely.box(0, 0, 1, 1)] * count, crs=28992)
    frame.to_file(path, layer=layer)
    return path.read_bytes()


def houses(*squares: tuple[float, float], crs: str = RD, links: list[Any] | None = None) -> Any:
    """A page of BAG's buildings: body and the header that states its CRS."""
    features = [
        {
            "type": "Feature",
            "id": f"pand.{x:g}.{y:g}",
            "properties": {"identificatie": f"{int(x):016d}", "bouwjaar": 1950, "status": "in use"},
            "geometry": shapely.geometry.mapping(shapely.box(x, y, x + 10, y + 10)),
        }
        for x, y in squares
    ]
    body = json.dumps({"type": "FeatureCollection", "features": features, "links": links or []})
    return body, {"Content-Crs": f"<{crs}>"}
