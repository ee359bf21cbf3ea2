"""A site of a generated quarter, a plain web host for it, and a browser that looks at it."""

import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import geopandas
import shapely

from pipeline import quarter
from pipeline.engine.engine import never_stop, no_progress
from pipeline.grid.crs import RD
from pipeline.runs.request import Outputs, Request
from pipeline.runs.run import run
from service.page import site, vendor
from tests.support import browsers
from tests.support.runs import inputs_of

NAME = "quarter"
# As strict as docs/site.md says that a host may be.
POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'self'"
)
RANGE = re.compile(r"bytes=(\d+)-(\d*)$")


def page(folder: Path) -> Path:
    """The page with libraries that are none, where what it does is not looked at."""
    shutil.copytree(site.PAGE, folder, ignore=shutil.ignore_patterns("vendor"))
    (folder / "vendor").mkdir()
    names = [name for one in vendor.PAGE for name in one.files.values()]
    for name in (vendor.STAMP, *names):
        (folder / "vendor" / name).write_text("{}", encoding="utf-8")
    return folder


def finished(base: Path, **options: Any) -> Path:
    """A finished run of a generated quarter of 300 by 300 m; its inputs are in `in`."""
    made = quarter.generate(base / "in", size=(300, 300), resolution=1)
    run(Request(inputs_of(made), Outputs(base / NAME)).replace(**options))
    return base / NAME


def boundaries(base: Path) -> Path:
    """Regions of a quarter as `finished` leaves it: those that it brings, one that reaches beyond
    it, and one elsewhere."""
    theirs = geopandas.read_file(base / "in" / "boundaries.geojson").to_crs(RD)
    west, south, east, north = theirs.total_bounds
    more = {"GM9998": (west + 100, south, east + 400, north), "GM9997": (0, 4e5, 100, 4e5 + 100)}
    ours = geopandas.GeoDataFrame(
        {"statcode": list(more), "statnaam": ["Half", "Elders"]},
        geometry=[shapely.box(*box) for box in more.values()],
        crs=RD,
    )
    file = base / "regions.gpkg"
    geopandas.pd.concat([theirs[ours.columns], ours]).to_file(file, layer="regions")
    return file


def exported(base: Path, **options: Any) -> Path:
    """A site of a quarter, with its regions, in a folder of its own."""
    place = finished(base)
    site.export(
        (place,), base / "site", (str(boundaries(base)),), False, no_progress, never_stop, **options
    )
    return base / "site"


class Host(SimpleHTTPRequestHandler):
    """Files of a folder, and of those the part that is asked for: Python's own has no ranges."""

    protocol_version = "HTTP/1.1"

    def send_head(self) -> Any:
        """The answer's head; gives its body."""
        asked, path = (
            RANGE.match(self.headers.get("Range", "")),
            Path(self.translate_path(self.path)),
        )
        if not asked or not path.is_file():
            return super().send_head()
        size = path.stat().st_size
        start, end = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
        with path.open("rb") as stream:
            stream.seek(start)
            part = stream.read(end - start + 1)
        self.send_response(206)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(part)))
        self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        self.end_headers()
        return BytesIO(part)

    def end_headers(self) -> None:
        """With the policy."""
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, *told: Any) -> None:
        """Nothing."""


class Plain(SimpleHTTPRequestHandler):
    """What `python -m http.server` does, which knows no ranges."""

    def log_message(self, *told: Any) -> None:
        """Nothing."""


@contextmanager
def hosted(folder: Path, host: type[SimpleHTTPRequestHandler] = Host) -> Iterator[str]:
    """The address at which a folder is served, without a slash at its end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(host, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def looked_at(address: str) -> Iterator[browsers.Window]:
    """The page at an address in a browser."""
    host = "/".join(address.split("/")[:3])
    with browsers.started() as browser, browsers.window(browser, host) as window:
        window.page.goto(address)
        window.ready()
        yield window
