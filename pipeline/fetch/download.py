"""Download of sheets, footprints, addresses and boundaries of an area from the national
services."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from functools import partial
from itertools import compress
from pathlib import Path

import numpy as np
import shapely

from pipeline.areas.regions import boundary_files
from pipeline.areas.selection import is_region, parse_area
from pipeline.engine.engine import Progress, Stop
from pipeline.errors import InputError
from pipeline.fetch import services
from pipeline.fetch.manifest import Download, Manifest, OccupiedError, Record, ensure, foreign
from pipeline.fetch.services import Bases, Index
from pipeline.fetch.validate import check_bag, check_sheet, check_vector, open_raster
from pipeline.fetch.web import FetchError, HttpClient, NotFoundError
from pipeline.heights.ahn_index import Bounds, sheets_by_name, sheets_touching, tiles_touching
from pipeline.heights.indexes import (
    KINDS,
    RESOLUTIONS,
    VERSIONS,
    IndexedSheet,
    Product,
    file_name,
    sheets_in_index,
)
from pipeline.heights.relief import survey_sheet
from pipeline.messages import Text
from pipeline.storage.cache import cache_dir, write_atomic
from pipeline.storage.lock import holder_record, is_holder_record, locked
from pipeline.terms import Field

DATASETS = ("sheets", "footprints", "addresses", "boundaries")
LAYERS = {"footprints": "pand", "addresses": "verblijfsobject"}  # of BAG
NAMES = {"pand": "bag", "verblijfsobject": "addresses"}  # begin those of files of pages
HOLDER = "fetching.json"
MARGIN_M = 500.0
MOST_CONNECTIONS = 4
PAGES_KM2 = 100.0  # above it the whole file of the country is quicker than pages of features
GIVE_UP = 10  # failures in a row: the service is down
WRITE_S = 5.0  # between writes of the manifest; after a kill later files are validated again
BAG = "bag-light.gpkg"


@dataclass(frozen=True)
class FetchRequest:
    """A request to fetch. what: some of DATASETS; resolution, margin [m]; ahn: a version, or None
    for the current one; relief: folder of the relief store, or None to keep no relief; base_urls:
    `NAME=URL` of mirrors; pause: the first back-off [s]; overwrite: download changed files anew."""

    area: str
    into: Path
    what: frozenset[str] = frozenset(("sheets", "footprints"))
    resolution: float = 0.5
    ahn: int | None = None
    boundaries: tuple[str, ...] = ()
    margin: float = MARGIN_M
    connections: int = 2
    relief: Path | None = None
    base_urls: tuple[str, ...] = ()
    pause: float = 1.0
    overwrite: bool = False


@dataclass
class FetchResult:
    """Result of a fetch: file names below the folder. downloaded; present: already before;
    without_data: by product the sheets that no service has (sea, abroad, not flown); failed: reason
    by file; warnings: oddities of downloaded files."""

    downloaded: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    without_data: dict[str, list[str]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def fetch(request: FetchRequest, progress: Progress, stop: Stop) -> FetchResult:
    """Download the files of an area into a folder. Complete files stay, partial ones continue.

    Files that fail are in the result. Raises InputError for an invalid request or an index that
    cannot be downloaded, and Stopped.
    """
    _check(request)
    bases = Bases.parse(request.base_urls)
    client = HttpClient(request.connections, request.pause, stop)
    with locked(request.into, HOLDER):
        holder = request.into / HOLDER
        if holder.exists() and not is_holder_record(holder.read_bytes()):
            raise foreign(request.into, HOLDER)
        work = _Fetch(request, client, bases, progress, stop)
        try:
            write_atomic(holder, holder_record())
            work.run()
        except FetchError as failed:
            raise InputError(
                Text("{failed}", failed=failed),
                "{source}",
                "try again later, or give another {base_url}",
                base_url=Field("base_url"),
            ) from None
        finally:
            work.manifest.write()
            holder.unlink(missing_ok=True)
            client.close()
        return work.result


def _check(request: FetchRequest) -> None:
    if not request.what or request.what - set(DATASETS):
        raise InputError(
            Field("what", ",".join(sorted(request.what))),
            remedy="give some of {all:,}",
            all=DATASETS,
        )
    if request.resolution not in RESOLUTIONS:
        raise InputError(
            Field("resolution", f"{request.resolution:g}"), "AHN has sheets of 0.5 and 5 m"
        )
    if request.ahn is not None and request.ahn not in VERSIONS:
        raise InputError(
            Field("ahn", request.ahn), remedy="give one of {versions}", versions=VERSIONS
        )
    if not 1 <= request.connections <= MOST_CONNECTIONS:
        raise InputError(
            Field("connections", request.connections),
            remedy="give 1 to {most}",
            most=MOST_CONNECTIONS,
        )
    if not (np.isfinite(request.margin) and request.margin >= 0):
        raise InputError(Field("margin", f"{request.margin:g}"), remedy="give metres, 0 or more")


class _Fetch:
    """A fetch in progress, with its result and the manifest of the folder."""

    def __init__(
        self,
        request: FetchRequest,
        client: HttpClient,
        bases: Bases,
        progress: Progress,
        stop: Stop,
    ) -> None:
        self.request, self.client, self.bases = request, client, bases
        self.progress, self.stop = progress, stop
        self.result = FetchResult()
        self.manifest = Manifest.of(request.into)
        self.written = time.monotonic()

    def run(self) -> None:
        datasets = self.request.what
        by_name = is_region(self.request.area) and not boundary_files(self.request.boundaries)
        if "boundaries" in datasets or by_name:
            self._download([self._boundaries()], Manifest(cache_dir()))
        if datasets == {"boundaries"} or self.result.failed:
            return
        area = parse_area(self.request.area, self.request.boundaries).geometry
        items = self._sheets(area) if "sheets" in datasets else []
        items += self._bag(area, [LAYERS[name] for name in LAYERS if name in datasets])
        self._download(items, self.manifest)

    def _boundaries(self) -> Download:
        url = self.bases.url("pdok", services.BOUNDARIES)
        return Download(
            f"boundaries/{file_name(url)}", url, partial(self.client.save, url), check_vector
        )

    def _sheets(self, area: shapely.Geometry) -> list[Download]:
        """Downloads of DSM and DTM in the order of sheets, so that a stopped fetch leaves pairs."""
        if not sheets_touching(area, self.request.margin):
            raise InputError(
                Field("area", self.request.area), "no sheet of AHN is near it", "give RD metres"
            )
        items: list[tuple[str, Download]] = []
        for kind in KINDS:
            product = services.product(kind, self.request.resolution, self.request.ahn)
            index = services.index_of(product, self.client, self.bases)
            self._keep_index(product, index)
            self._note_missing(product, area, {sheet.name for sheet in index.sheets})
            items += [
                (sheet.name, self._sheet(product, sheet))
                for sheet in _within(index.sheets, area, self.request.margin)
            ]
        return [item for _, item in sorted(items, key=lambda pair: (pair[0], pair[1].file))]

    def _keep_index(self, product: Product, index: Index) -> None:
        """Write the index of a product; over an older index only."""
        file = self.request.into / product.folder / index.file
        if file.exists() and not self.request.overwrite and not _is_index(file, product):
            raise foreign(self.request.into, f"{product.folder}/{index.file}")
        write_atomic(file, index.body)

    def _note_missing(self, product: Product, area: shapely.Geometry, listed: set[str]) -> None:
        """Record the sheets of the area that the index does not list; warn of those with land."""
        if product.ahn == 6:
            missing = set(tiles_touching(area, self.request.margin)) - listed
        else:
            touching = sheets_touching(area, self.request.margin)
            land = {sheet.name: sheet.land for sheet in touching if sheet.name not in listed}
            missing = {*land}
            if unlisted := [name for name in land if land[name]]:
                self.result.warnings.append(
                    Text(
                        "{folder}: the index has no {sheets}, which meet land",
                        folder=product.folder,
                        sheets=_some(unlisted),
                    )
                )
        self._note_without_data(product.folder, missing)

    def _sheet(self, product: Product, sheet: IndexedSheet) -> Download:
        # AHN6 lists sheets that are not flown yet; sheets of water may have no data.
        may_lack = product.ahn == 6 or not sheets_by_name()[sheet.name].land
        return Download(
            f"{product.folder}/{sheet.file}",
            sheet.url,
            partial(self.client.save, sheet.url),
            partial(check_sheet, product, sheet),
            partial(self._survey, product),
            (product.folder, sheet.name) if may_lack else None,
        )

    def _survey(self, product: Product, file: Path) -> dict[str, str | int] | None:
        """Write the relief of a sheet while its bytes are still in memory. Returns its identity."""
        if self.request.relief is None:
            return None
        try:
            return survey_sheet(open_raster(product, file), self.request.relief, self.stop).file
        except InputError as fault:  # the file is as published; a run will fail likewise
            self.result.warnings.append(fault.text)
            return None

    def _bag(self, area: shapely.Geometry, layers: list[str]) -> list[Download]:
        """The layers of BAG in an area: pages of each, of a large area all in one file."""
        if not layers:
            return []
        xmin, ymin, xmax, ymax = area.bounds
        margin = self.request.margin
        low = np.floor([xmin - margin, ymin - margin]).astype(int).tolist()
        high = np.ceil([xmax + margin, ymax + margin]).astype(int).tolist()
        square_km = (high[0] - low[0]) * (high[1] - low[1]) / 1e6
        if BAG in self.manifest.records or square_km > PAGES_KM2:
            url = self.bases.url("pdok", services.BAG)
            return [Download(BAG, url, partial(self.client.save, url), partial(check_bag, layers))]
        return [self._pages(layer, (low[0], low[1], high[0], high[1])) for layer in layers]

    def _pages(self, layer: str, bounds: Bounds) -> Download:
        name = "_".join([NAMES[layer], *map(str, bounds)]) + ".geojson"
        url = self.bases.url("api", services.FEATURES.format(layer=layer))
        return Download(name, url, partial(self._save_features, layer, bounds), check_vector)

    def _save_features(self, layer: str, bounds: Bounds, file: Path) -> None:
        features, crs = services.features(layer, bounds, self.client, self.bases)
        collection = {
            "type": "FeatureCollection",
            "crs": {"type": "name", "properties": {"name": _urn(crs)}},
            "features": features,
        }
        write_atomic(file, json.dumps(collection, ensure_ascii=False).encode())

    def _download(self, items: Sequence[Download], manifest: Manifest) -> None:
        """Run downloads in parallel until all are done; stop after GIVE_UP failures in a row."""
        in_cache = manifest is not self.manifest  # where all files are the program's own
        overwrite = self.request.overwrite or in_cache
        with ThreadPoolExecutor(self.request.connections) as pool:
            futures = {pool.submit(ensure, item, manifest, overwrite): item for item in items}
            try:
                self._collect(futures, manifest)
            finally:
                for future in futures:
                    future.cancel()

    def _collect(
        self, futures: dict[Future[tuple[Record | None, bool]], Download], manifest: Manifest
    ) -> None:
        in_a_row = 0
        for done, future in enumerate(as_completed(futures), 1):
            in_a_row = 0 if self._record(futures[future], future, manifest) else in_a_row + 1
            if in_a_row == GIVE_UP:
                self.result.warnings.append(
                    Text(
                        "{most} failures in a row: {n} files were not tried",
                        most=GIVE_UP,
                        n=len(futures) - done,
                    )
                )
                return
            self.progress("fetch", done, len(futures))
            if time.monotonic() - self.written > WRITE_S:
                self.manifest.write()
                self.written = time.monotonic()

    def _record(
        self, item: Download, future: Future[tuple[Record | None, bool]], manifest: Manifest
    ) -> bool:
        """Record the outcome of a download. Returns whether it counts as a success."""
        try:
            record, downloaded = future.result()
        except NotFoundError as missing:
            if item.sheet is not None:
                self._note_without_data(item.sheet[0], [item.sheet[1]])
                return True
            self.result.failed[item.file] = Text("not at {url} ({why})", url=item.url, why=missing)
            return False
        except OccupiedError as occupied:
            self.result.failed[item.file] = occupied.text
            return True
        except (FetchError, InputError) as failed:
            self.result.failed[item.file] = failed.text
            return False
        (self.result.downloaded if downloaded else self.result.present).append(item.file)
        if record is not None:
            manifest.records[item.file] = record
        return True

    def _note_without_data(self, product: str, names: Iterable[str]) -> None:
        known = self.result.without_data.get(product, ())
        self.result.without_data[product] = sorted({*known, *names})
        self.manifest.note_without_data(product, names)


def _is_index(file: Path, product: Product) -> bool:
    """Whether a file is an index of a product."""
    try:
        return bool(sheets_in_index(file.read_bytes(), product))
    except (OSError, ValueError):
        return False


def _some(names: Sequence[str], most: int = 5) -> Text:
    if len(names) <= most:
        return Text("{names}", names=names)
    return Text("{names} and {n} more", names=names[:most], n=len(names) - most)


def _within(
    sheets: Sequence[IndexedSheet], area: shapely.Geometry, margin: float
) -> Iterator[IndexedSheet]:
    """The sheets within a margin [m] of an area."""
    boxes = shapely.box(*np.array([sheet.bounds for sheet in sheets]).T)
    shapely.prepare(area)
    return compress(sheets, shapely.dwithin(area, boxes, margin))


def _urn(crs: str) -> str:
    """A CRS as a GeoJSON file states it."""
    if "CRS84" in crs:
        return "urn:ogc:def:crs:OGC:1.3:CRS84"
    return f"urn:ogc:def:crs:EPSG::{crs.rpartition('/')[2]}"
