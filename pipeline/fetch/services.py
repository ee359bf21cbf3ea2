"""URLs and indexes of the national services of sheets, footprints, addresses and boundaries."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urljoin

from pipeline.errors import InputError
from pipeline.fetch.web import FetchError, HttpClient, NotFoundError
from pipeline.heights.ahn_index import Bounds
from pipeline.heights.indexes import RESOLUTIONS, IndexedSheet, Product, file_name, sheets_in_index
from pipeline.messages import Text
from pipeline.terms import Field, Location

# Each may be replaced by `--base-url`: by a mirror, a proxy, the server of a test.
BASES = {
    "pdok": "https://service.pdok.nl",
    "api": "https://api.pdok.nl",
    "ahn": "https://basisdata.nl/hwh-ahn",
    "ahn6": "https://fsn1.your-objectstorage.com/hwh-ahn/AHN6",
}
WHOLE_COUNTRY = 4  # the newest version of AHN that has every sheet
BAG = "lv/bag/atom/downloads/bag-light.gpkg"
FEATURES = "kadaster/bag/ogc/v2/collections/{layer}/items"
BOUNDARIES = "cbs/gebiedsindelingen/atom/v1_0/downloads/cbsgebiedsindelingen2025.gpkg"
RD_URI = "http://www.opengis.net/def/crs/EPSG/0/28992"
PAGE = 1000
MOST_PAGES = 2000


@dataclass(frozen=True)
class Bases:
    """Base addresses of the services; moved: those that are replaced, by name."""

    moved: Mapping[str, str]

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Bases":
        """Bases from texts `NAME=URL`. Raises InputError for an unknown name."""
        moved = {}
        for text in texts:
            name, equals, url = text.partition("=")
            if not equals or name not in BASES:
                raise InputError(
                    Field("base_url", text),
                    remedy="give NAME=URL with one of {known}",
                    known=list(BASES),
                )
            moved[name] = url.rstrip("/")
        return cls(moved)

    def url(self, base: str, path: str) -> str:
        """The address of a path below a base."""
        return f"{self.moved.get(base, BASES[base])}/{path}"

    def relocated(self, url: str) -> str:
        """An address from an index, with its base replaced."""
        for name, there in self.moved.items():
            if url.startswith(f"{BASES[name]}/"):
                return there + url.removeprefix(BASES[name])
        return url


def product(kind: str, resolution: float, ahn: int | None) -> Product:
    """The product of a kind and resolution. Without a version: at 0.5 m PDOK's current one, at 5 m,
    which PDOK does not have, the newest version with every sheet."""
    return Product(kind, resolution, WHOLE_COUNTRY if ahn is None and resolution == 5 else ahn)


@dataclass(frozen=True)
class Index:
    """A service's index of a product: its file name, its bytes, and the sheets that it lists."""

    file: str
    body: bytes
    sheets: list[IndexedSheet]


def index_of(product: Product, client: HttpClient, bases: Bases) -> Index:
    """Download the index of a product. Raises FetchError, Stopped, and InputError for an empty
    one."""
    reason = Text("no index")
    for url in _index_urls(product, bases):
        try:
            body, _ = client.read(url)
            sheets = sheets_in_index(body, product)
        except NotFoundError as missing:
            reason = Text("no index at {url} ({why})", url=url, why=missing)
            continue
        except (FetchError, ValueError) as failed:
            raise FetchError("the index {url}: {why}", url=url, why=failed) from None
        if not sheets:
            raise InputError(
                Location(url),
                "the index {source} lists no sheet of {folder}",
                "choose another {ahn} or {resolution}",
                folder=product.folder,
                ahn=Field("ahn"),
                resolution=Field("resolution"),
            )
        return Index(file_name(url), body, [_located(sheet, product, bases) for sheet in sheets])
    raise FetchError(reason)


def _located(sheet: IndexedSheet, product: Product, bases: Bases) -> IndexedSheet:
    """The sheet with its base address replaced."""
    url = bases.url("ahn6", sheet.url) if product.ahn == 6 else bases.relocated(sheet.url)
    return replace(sheet, url=url)


def _index_urls(product: Product, bases: Bases) -> list[str]:
    """Addresses of a product's index, the best first."""
    if product.ahn == 6:
        return [bases.url("ahn", "AUX/bladwijzer_AHN6.gpkg")]
    if product.ahn:
        return [bases.url("ahn", "AUX/bladwijzer.gpkg")]
    name = f"{product.kind}_{RESOLUTIONS[product.resolution]}"
    new, old = "rws/actueel-hoogtebestand-nederland/atom", "rws/ahn/atom"
    return [
        bases.url("pdok", f"{new}/downloads/{name}/kaartbladindex.json"),
        bases.url("pdok", f"{new}/{name}.xml"),
        bases.url("pdok", f"{old}/downloads/{name}/kaartbladindex.json"),
    ]


def features(
    layer: str, bounds: Bounds, client: HttpClient, bases: Bases
) -> tuple[list[dict[str, Any]], str]:
    """The features of a layer of BAG whose boxes meet a rectangle [RD m], page by page, and the URI
    of their CRS.

    Raises FetchError, also where the pages do not end, or Stopped.
    """
    box = ",".join(f"{side:g}" if side % 1 else f"{side:.0f}" for side in bounds)
    crs = quote(RD_URI, safe="")
    query = f"f=json&limit={PAGE}&crs={crs}&bbox-crs={crs}&bbox={box}"
    url: str | None = f"{bases.url('api', FEATURES.format(layer=layer))}?{query}"
    by_id: dict[str, dict[str, Any]] = {}
    systems: set[str] = set()
    urls: set[str] = set()
    while url:
        if url in urls or len(urls) >= MOST_PAGES:
            raise FetchError("the pages of {layer} do not end", layer=layer)
        urls.add(url)
        page, uri = _page(url, client)
        systems.add(uri)
        for feature in page["features"]:
            by_id.setdefault(str(feature.get("id", len(by_id))), feature)
        links = (link["href"] for link in page.get("links", ()) if link.get("rel") == "next")
        following = next(links, None)
        url = bases.relocated(urljoin(url, following)) if following else None
    if len(systems) != 1:
        raise FetchError("pages of {layer} in several CRS: {crs}", layer=layer, crs=sorted(systems))
    return list(by_id.values()), systems.pop()


def _page(url: str, client: HttpClient) -> tuple[dict[str, Any], str]:
    """A page and the CRS in its header; WGS 84 without one, as in the standard."""
    try:
        body, headers = client.read(url)
        page = json.loads(body)
        came = len(page["features"])
        announced = page.get("numberReturned", came)
        if announced != came:
            raise FetchError("{came} of {said} features of a page came", came=came, said=announced)
        return page, headers.get("Content-Crs", "").strip("<> ") or "OGC:CRS84"
    except NotFoundError as missing:
        raise FetchError("no features at {url} ({why})", url=url, why=missing) from None
    except (ValueError, KeyError, TypeError):
        raise FetchError("a page is no collection of features") from None
