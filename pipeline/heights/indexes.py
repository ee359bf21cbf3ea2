"""Indexes of sheets: lists, GDAL tile indexes, and those of the national services."""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path, PurePosixPath
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from pipeline.errors import InputError
from pipeline.heights.ahn_index import TILE_M, Bounds, sheets_by_name, tile_name
from pipeline.messages import Text
from pipeline.storage.files import on_disk
from pipeline.storage.places import is_remote
from pipeline.terms import Command, File, Location
from pipeline.vectors.files import column
from pipeline.vectors.layers import layers_in, read_attributes

LISTS = (".txt", ".lst")
TABLES = (".gpkg", ".shp", ".geojson", ".json")
FEEDS = (".xml",)
KINDS = ("dsm", "dtm")
RESOLUTIONS = {0.5: "05m", 5.0: "5m"}
VERSIONS = (2, 3, 4, 5, 6)
# Raw; and ground level, of AHN2 without and with its holes filled in.
LETTERS = {"dsm": "R", "dtm": "MNI"}
AHN6_FOLDERS = {
    ("dtm", 0.5): "02a_DTM_50cm", ("dtm", 5.0): "02b_DTM_5m",
    ("dsm", 0.5): "03a_DSM_50cm", ("dsm", 5.0): "03b_DSM_5m",
}  # fmt: skip
AHN6_YEAR = 2025  # of the flight, where the index does not tell
SHEET_NAME = re.compile(r"(?<![0-9A-Z])[RMIN]?(\d\d[A-H][NZ][12])(?![0-9A-Z])", re.IGNORECASE)
ATOM = "{http://www.w3.org/2005/Atom}"


@dataclass(frozen=True)
class IndexedSheet:
    """A sheet in an index: name, rectangle [RD m], address, and, if listed, size [bytes] and
    SHA-256."""

    name: str
    bounds: Bounds
    url: str
    size: int | None = None
    sha256: str | None = None

    @property
    def file(self) -> str:
        """The file name in the address. Raises ValueError where there is none."""
        return file_name(self.url)


@dataclass(frozen=True)
class Product:
    """A product of AHN: `dsm` or `dtm`, resolution [m], and version, None for PDOK's current
    one."""

    kind: str
    resolution: float
    ahn: int | None

    @property
    def folder(self) -> str:
        """Folder name of the product: its own, since files of different products have the same
        names."""
        version = f"ahn{self.ahn}_" if self.ahn else ""
        return f"{version}{self.kind}_{RESOLUTIONS[self.resolution]}"


def file_name(url: str) -> str:
    """The last part of an address's path. Raises ValueError where there is none."""
    name = PurePosixPath(unquote(urlsplit(url).path)).name
    if not name or name in (".", ".."):
        raise ValueError(f"{url} names no file")
    return name


# What the national services publish.


def sheets_in_index(body: bytes, wanted: Product) -> list[IndexedSheet]:
    """The sheets of a product that a service's index lists, one a name; none where it does not
    know the product. An address of AHN6 is relative. Raises ValueError for what is no index."""
    try:
        if body.startswith(b"SQLite format 3"):
            with NamedTemporaryFile(suffix=".gpkg") as file:  # GDAL minds the ending
                file.write(body)
                file.flush()
                table = _rows(Path(file.name))
            listed = (
                _tiles_in_table(table, wanted)
                if wanted.ahn == 6
                else _sheets_in_table(table, wanted)
            )
        elif body.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"<"):
            listed = _sheets_in_feed(body)
        else:
            listed = _sheets_in_json(body)
        sheets: dict[str, IndexedSheet] = {}
        for sheet in listed:
            sheets.setdefault(sheet.name, sheet)
        return list(sheets.values())
    except (ValueError, KeyError, TypeError, AttributeError, ElementTree.ParseError):
        raise ValueError("it cannot be read as an index of sheets") from None


def _sheets_in_json(body: bytes) -> Iterator[IndexedSheet]:
    """Sheets in a `kaartbladindex.json`: features with `kaartbladNr` and `url`."""
    for feature in json.loads(body)["features"]:
        row = feature["properties"]
        if url := row.get("url"):
            name = str(row.get("kaartbladNr", ""))
            yield from _indexed_sheet(name, url, row.get("length"), row.get("sha256"))


def _sheets_in_feed(body: bytes) -> Iterator[IndexedSheet]:
    """Sheets in an Atom feed: links `section` with a length and, in some, a hash."""
    for link in ElementTree.fromstring(body).iter(f"{ATOM}link"):
        if link.get("rel") == "section":
            kind, _, digest = (link.get("hash") or "").partition(":")
            sha256 = digest if kind.lower().replace("-", "") == "sha256" else None
            name = link.get("title") or ""
            yield from _indexed_sheet(name, link.attrib["href"], link.get("length"), sha256)


def _sheets_in_table(table: Any, wanted: Product) -> Iterator[IndexedSheet]:
    """Sheets in a `bladwijzer.gpkg`: a row a sheet, a column of addresses a product."""
    start = f"AHN{wanted.ahn}_{RESOLUTIONS[wanted.resolution].upper()}_"
    sheet = column(table, "AHN")
    url = column(table, *(start + letter for letter in LETTERS[wanted.kind]))
    if sheet is None or url is None:
        return
    for name, there in zip(table[sheet], table[url], strict=True):
        if isinstance(there, str) and there.strip():
            yield from _indexed_sheet(str(name), there.strip())


def _tiles_in_table(table: Any, wanted: Product) -> Iterator[IndexedSheet]:
    """Tiles in a `bladwijzer_AHN6.gpkg`: squares of 1 km named by their south-western corners, in a
    folder a product, with the year of the flight in the file name."""
    names, year = column(table, "bladnaam"), column(table, "jaar")
    if names is None:
        return
    folder = AHN6_FOLDERS[wanted.kind, wanted.resolution]
    letter = LETTERS[wanted.kind][0] + ("5" if wanted.resolution == 5 else "")
    years = table[year] if year else [AHN6_YEAR] * len(table)
    for name, flown in zip(table[names], years, strict=True):
        left, bottom = (int(part) for part in str(name).split("_"))
        bounds = (left, bottom, left + TILE_M, bottom + TILE_M)
        file = f"AHN6_{int(flown)}_{letter}_{name}.TIF"
        yield IndexedSheet(tile_name(left, bottom), bounds, f"{folder}/{file}")


def _rows(file: Path) -> Any:
    """The rows of the first layer, or of AHN6's layer of what is flown."""
    try:
        layers = layers_in(str(file))
        layer = next((name for name in layers if name.endswith("_aoi")), layers[0])
        return read_attributes(str(file), layer)
    except Exception as error:  # each driver has its own kinds
        raise ValueError(str(error)) from None


def _indexed_sheet(
    text: str, url: str, size: Any = None, sha256: Any = None
) -> Iterator[IndexedSheet]:
    """The sheet named in `text` or in its address; none if neither names a sheet of AHN."""
    names = (SHEET_NAME.search(label.replace("_", " ")) for label in (text, file_name(url)))
    match = next((match for match in names if match), None)
    place = sheets_by_name().get(match[1].upper()) if match else None
    if place is not None:
        length, digest = int(size) if size else None, str(sha256).lower() if sha256 else None
        yield IndexedSheet(place.name, place.bounds, url, length, digest)


# What lies on disk.


def files_in_index(source: str, kind: str, endings: tuple[str, ...]) -> list[str]:
    """The files that an index lists, or the source itself if it is no index. kind: `DSM` or `DTM`.

    A list has a file, folder or glob a line, a tile index a column `location`: both are relative
    to where they lie. Of a service's index the sheets lie beside it, in upper or lower case, and
    zipped or not; those that do not are not asked for. Raises InputError for one that cannot be
    used.
    """
    path = Path(source)
    ending = path.suffix.lower()
    if ending not in LISTS + TABLES + FEEDS or not path.is_file():
        return [source]
    if ending in LISTS:
        return _existing(path, _lines(path), Text("correct the list"))
    located = None if ending in FEEDS else _locations(path)
    if located is not None:
        return _existing(path, located, Text("make the index anew by gdaltindex"))
    return _beside(path, _names(path, kind), endings)


def _lines(path: Path) -> list[str]:
    lines = (line.strip() for line in path.read_text(errors="replace").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _locations(path: Path) -> list[str] | None:
    """The files in a tile index; None if it is no tile index."""
    try:
        table = _rows(path)
    except ValueError:
        raise InputError(
            File(path), "cannot be read as a tile index", "make it anew by gdaltindex"
        ) from None
    location = column(table, "location")
    return None if location is None else [str(there) for there in table[location]]


def _names(path: Path, kind: str) -> list[str]:
    """The files of a kind, any version and resolution, in a service's index."""
    body = path.read_bytes()
    products = [Product(kind.lower(), r, ahn) for ahn in VERSIONS for r in RESOLUTIONS]
    names: list[str] = []
    with contextlib.suppress(ValueError):  # of what is no index of a service
        names = [offer.file for wanted in products for offer in sheets_in_index(body, wanted)]
    if not names:
        raise InputError(
            File(path),
            "no column `location`, nor an index of AHN",
            "give rasters as {kind}, or an index by gdaltindex",
            kind=kind,
        )
    return list(dict.fromkeys(names))


def _existing(index: Path, entries: Iterable[str], instead: Text) -> list[str]:
    paths = []
    for entry in entries:
        # What GDAL or object storage names is no path below the index.
        known = entry.startswith("/vsi") or is_remote(entry)
        there = entry if known else str(index.parent / entry)  # an absolute one stays as it is
        if not (is_remote(there) or has_magic(there) or _is_there(there)):
            raise InputError(
                File(index),
                "lists {entry}, which does not exist",
                "put it there, or {instead}",
                entry=Location(entry),
                instead=instead,
            )
        paths.append(there)
    return paths


def _is_there(path: str) -> bool:
    try:
        return on_disk(path).exists()
    except StopIteration:  # of a path into a zip that is none
        return False


def _beside(index: Path, names: list[str], endings: tuple[str, ...]) -> list[str]:
    fitting = (p for p in index.parent.iterdir() if p.name.lower().endswith((*endings, ".zip")))
    # Of a sheet that lies there zipped and as it is, that counts.
    there = {_stem(p.name): p for p in sorted(fitting, key=lambda p: p.suffix.lower() != ".zip")}
    paths = [str(there[_stem(name)]) for name in names if _stem(name) in there]
    if not paths:
        raise InputError(
            File(index),
            "none of the {n} sheets that it lists lies beside it",
            "put it into their folder, or bring them by {fetch}",
            n=len(names),
            fetch=Command("fetch"),
        )
    return list(dict.fromkeys(paths))


def _stem(name: str) -> str:
    return name.partition(".")[0].lower()
