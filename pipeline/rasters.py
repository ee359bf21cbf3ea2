"""Elevation rasters: sheets found, checked and read; the one door where nodata becomes NaN."""

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.windows import Window as FileWindow

from pipeline.errors import InputError
from pipeline.files import find, named
from pipeline.grid import LATTICE_M, Window, divides_lattice

ENDINGS = (".tif", ".tiff", ".vrt", ".asc", ".img")
UNITS = {"": None, "m": 1.0, "metre": 1.0, "meter": 1.0, "metres": 1.0, "cm": 0.01}
CACHE_MB = 256  # decoded tiles that GDAL keeps, for all threads together
_VERSION = re.compile(r"AHN\s?([2-9])(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Sheet:
    """One raster: where it lies, and how its numbers become metres above NAP."""

    path: str
    name: str
    window: Window
    resolution: float
    crs: str
    nodata: float | None
    declared: bool
    scale: float
    offset: float
    version: str | None

    def to_metres(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Values of the file as float32 metres, NaN for no data."""
        if self.scale == 1.0 and self.offset == 0.0:
            height = raw.astype(np.float32)
        else:
            height = (raw * self.scale + self.offset).astype(np.float32)
        if self.nodata is not None and not np.isnan(self.nodata):
            height[raw == np.asarray(self.nodata).astype(raw.dtype)] = np.nan
        return height


class Reader:
    """Opens each sheet once and reads windows across them; for one task, in one thread."""

    def __init__(self, mosaic: "Mosaic", stack: ExitStack) -> None:
        self._mosaic = mosaic
        self._stack = stack
        self._open: dict[str, Any] = {}

    def sheet(self, sheet: Sheet, window: Window) -> NDArray[np.float32]:
        """The part of one sheet, as float32 metres.

        Raises InputError where the file cannot be decoded or holds an infinite value.
        """
        row, column = window.top - sheet.window.top, window.left - sheet.window.left
        part = FileWindow(column, row, window.width, window.height)
        try:
            if sheet.path not in self._open:
                self._open[sheet.path] = self._stack.enter_context(rasterio.open(sheet.path))
            height = sheet.to_metres(self._open[sheet.path].read(1, window=part))
        except rasterio.errors.RasterioError as error:
            raise InputError(
                f"{sheet.name}: rows {row} to {row + window.height} cannot be read"
                f" ({_reason(error)}); is the file cut off? Fetch it again"
            ) from None
        if np.isinf(height).any():
            i, j = np.argwhere(np.isinf(height))[0]
            raise InputError(
                f"{sheet.name}: infinite value at row {row + i}, column {column + j};"
                " give that value as nodata or repair the file"
            )
        return height

    def read(self, window: Window) -> NDArray[np.float32]:
        """(rows, columns) float32 metres, NaN where no sheet has data. Where sheets overlap, the
        first that has data counts."""
        out = np.full((window.height, window.width), np.nan, np.float32)
        for sheet in self._mosaic.sheets:
            part = sheet.window.intersect(window)
            if part.size:
                target = out[window.slices(part)]
                np.copyto(target, self.sheet(sheet, part), where=np.isnan(target))
        return out


@dataclass(frozen=True)
class Mosaic:
    """The sheets of one kind (`DSM` or `DTM`), on one grid."""

    kind: str
    sheets: tuple[Sheet, ...]

    @property
    def resolution(self) -> float:
        return self.sheets[0].resolution

    @property
    def window(self) -> Window:
        """The smallest window around all sheets."""
        window = self.sheets[0].window
        for sheet in self.sheets[1:]:
            window = window.union(sheet.window)
        return window

    @property
    def ground(self) -> shapely.Geometry:
        """What the sheets cover, in RD metres."""
        return shapely.union_all([shapely.box(*s.window.bounds(s.resolution)) for s in self.sheets])

    def mask(self, window: Window) -> NDArray[np.bool_]:
        """Which cells of a window lie on a sheet."""
        out = np.zeros((window.height, window.width), np.bool_)
        for sheet in self.sheets:
            part = sheet.window.intersect(window)
            if part.size:
                out[window.slices(part)] = True
        return out

    def hold(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which (n, 2) points lie on a cell of a sheet; on a line counts the cell north-east."""
        x, y = points.T
        inside = np.zeros(len(points), np.bool_)
        for sheet in self.sheets:
            xmin, ymin, xmax, ymax = sheet.window.bounds(sheet.resolution)
            inside |= (x >= xmin) & (x < xmax) & (y >= ymin) & (y < ymax)
        return inside

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        with rasterio.Env(GDAL_CACHEMAX=CACHE_MB), ExitStack() as stack:
            yield Reader(self, stack)


def _reason(error: Exception) -> str:
    """What GDAL says, without the path it says it of."""
    text = re.sub(r"'?/[^\s:,']*/", "", str(error.__cause__ or error))
    return " ".join(text.split())[:160]


def _open_sheet(path: str, kind: str, nodata: float | None) -> Sheet:
    name = named(path)
    try:
        with rasterio.open(path) as source:
            return _describe(source, path, name, kind, nodata)
    except rasterio.errors.RasterioError as error:
        raise InputError(
            f"{name}: not a raster that can be read as {kind} ({_reason(error)});"
            " give a GeoTIFF of AHN heights"
        ) from None


def _describe(source: Any, path: str, name: str, kind: str, nodata: float | None) -> Sheet:
    transform = source.transform
    if source.crs is None or transform.is_identity:
        raise InputError(f"{name}: no georeference (CRS or origin); give the sheet as published")
    _check_crs(source.crs, name)
    if transform.b or transform.d or transform.e >= 0 or transform.a != -transform.e:
        raise InputError(
            f"{name}: rotated, flipped or unequal cells ({transform.a:g}, {transform.b:g},"
            f" {transform.d:g}, {transform.e:g}); warp it to square north-up cells first"
        )
    resolution = transform.a
    if not divides_lattice(resolution):
        raise InputError(
            f"{name}: cells of {resolution:g} m do not divide the grid of {LATTICE_M} m;"
            " resample to 0.5, 1, 2 or 5 m"
        )
    scale, offset = _scale(source, name)
    return Sheet(
        path=path,
        name=name,
        window=_place(source, name),
        resolution=resolution,
        crs=CRS.from_wkt(source.crs.to_wkt()).name,
        nodata=source.nodata if source.nodata is not None else nodata,
        declared=source.nodata is not None,
        scale=scale,
        offset=offset,
        version=_version(source, name),
    )


def _check_crs(crs: Any, name: str) -> None:
    horizontal = CRS.from_wkt(crs.to_wkt())
    if horizontal.is_compound:
        horizontal = horizontal.sub_crs_list[0]
    if horizontal.to_epsg(min_confidence=20) != 28992:
        raise InputError(
            f"{name}: its CRS is {horizontal.name}, not Amersfoort / RD New;"
            " warp it first: gdalwarp -t_srs EPSG:28992"
        )


def _place(source: Any, name: str) -> Window:
    resolution, left, top = source.transform.a, source.transform.c, source.transform.f
    off = [value - round(value / resolution) * resolution for value in (left, top)]
    if max(map(abs, off)) > resolution * 1e-6:
        raise InputError(
            f"{name}: its cells lie {off[0]:g} m east and {off[1]:g} m north of the national grid"
            f" of {resolution:g} m; warp it first: gdalwarp -tap -tr {resolution:g} {resolution:g}"
        )
    row, column = -round(top / resolution), round(left / resolution)
    return Window(row, column, source.height, source.width)


def _scale(source: Any, name: str) -> tuple[float, float]:
    """Scale and offset to metres: as declared, else by the unit, else whole numbers are
    centimetres, as in the older AHN sheets."""
    unit = (source.units[0] or "").lower()
    if unit.startswith("centimet"):
        unit = "cm"
    if unit not in UNITS:
        raise InputError(f"{name}: heights in {unit!r}; give metres or centimetres above NAP")
    if (source.scales[0], source.offsets[0]) != (1.0, 0.0):
        return source.scales[0] * (UNITS[unit] or 1.0), source.offsets[0]
    whole = np.issubdtype(np.dtype(source.dtypes[0]), np.integer)
    return UNITS[unit] or (0.01 if whole else 1.0), 0.0


def _version(source: Any, name: str) -> str | None:
    said = [name, *(str(value) for value in source.tags().values())]
    for text in said:
        if match := _VERSION.search(text):
            return f"AHN{match[1]}"
    return None


def _of_kind(paths: list[str], kind: str) -> list[str]:
    """Of a folder with both kinds, those whose names say that they are of this one."""
    prefix = {"DSM": "r", "DTM": "m"}[kind]
    other = {"DSM": "m", "DTM": "r"}[kind]
    names = [re.sub(r"^.*_(?=[rm]_)", "", Path(path).name.lower()) for path in paths]
    mine = [p for p, n in zip(paths, names, strict=True) if re.match(rf"{prefix}5?_", n)]
    theirs = [n for n in names if re.match(rf"{other}5?_", n)]
    return mine if mine and theirs else paths


def open_mosaic(
    sources: Iterable[str], kind: str, nodata: float | None, allow: frozenset[str] = frozenset()
) -> Mosaic:
    """The sheets of one kind from files, folders, globs or tile indexes, checked but not read.

    nodata: for files that declare none. allow: `gaps`, `versions`.
    Raises InputError for what cannot be used; see docs/inputs.md.
    """
    paths = list(dict.fromkeys(_of_kind(find(sources, ENDINGS, kind), kind)))
    sheets = tuple(_open_sheet(path, kind, nodata) for path in paths)
    first = sheets[0]
    for sheet in sheets[1:]:
        if sheet.resolution != first.resolution:
            raise InputError(
                f"{sheet.name}: cells of {sheet.resolution:g} m, but {first.name} has"
                f" {first.resolution:g} m; give sheets of one resolution"
            )
    mosaic = Mosaic(kind, sheets)
    _check_overlaps(mosaic)
    if "gaps" not in allow:
        _check_gaps(mosaic)
    return mosaic


def _check_overlaps(mosaic: Mosaic) -> None:
    """Refuse sheets that give one cell two heights."""
    boxes = [shapely.box(*s.window.bounds(s.resolution)) for s in mosaic.sheets]
    first, second = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    with mosaic.reader() as reader:
        for i, j in zip(first, second, strict=True):
            a, b = mosaic.sheets[i], mosaic.sheets[j]
            common = a.window.intersect(b.window)
            if i >= j or not common.size:
                continue
            for top in range(common.top, common.bottom, 256):
                part = Window(top, common.left, 256, common.width).intersect(common)
                one, other = reader.sheet(a, part), reader.sheet(b, part)
                if (differ := (one != other) & ~np.isnan(one) & ~np.isnan(other)).any():
                    row, column = np.argwhere(differ)[0]
                    x, _, _, y = Window(part.top + int(row), part.left + int(column), 1, 1).bounds(
                        a.resolution
                    )
                    raise InputError(
                        f"{a.name} and {b.name} overlap and disagree at {x:g}, {y:g}"
                        f" ({one[row, column]:g} and {other[row, column]:g} m);"
                        " give one of them"
                    )


def gaps(mosaic: Mosaic) -> list[tuple[Window, str, str]]:
    """Ground without a sheet between two sheets of a row or of a column, and those two."""
    windows = [sheet.window for sheet in mosaic.sheets]
    rows = sorted({w.top for w in windows} | {w.bottom for w in windows})
    columns = sorted({w.left for w in windows} | {w.right for w in windows})
    owner = np.full((len(rows) - 1, len(columns) - 1), -1)
    for k, w in enumerate(windows):
        owner[
            rows.index(w.top) : rows.index(w.bottom),
            columns.index(w.left) : columns.index(w.right),
        ] = k
    found = []
    for i, j in np.argwhere(owner < 0):
        for line, at in ((owner[i], j), (owner[:, j], i)):
            before, after = line[:at][line[:at] >= 0], line[at + 1 :][line[at + 1 :] >= 0]
            if len(before) and len(after):
                hole = Window.between(rows[i], columns[j], rows[i + 1], columns[j + 1])
                names = mosaic.sheets[before[-1]].name, mosaic.sheets[after[0]].name
                found.append((hole, *names))
                break
    return found


def _check_gaps(mosaic: Mosaic) -> None:
    holes = gaps(mosaic)
    if holes:
        said = "; ".join(
            "between {} and {} at {:g},{:g},{:g},{:g}".format(a, b, *w.bounds(mosaic.resolution))
            for w, a, b in holes[:3]
        )
        raise InputError(
            f"{mosaic.kind}: {len(holes)} sheet(s) missing, {said}; add them or accept it"
            " with --allow gaps"
        )
