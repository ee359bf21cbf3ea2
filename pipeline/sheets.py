"""One elevation raster: what it says of itself, checked; where its numbers become metres."""

import contextlib
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.enums import MaskFlags
from rasterio.windows import Window as FileWindow

from kernels.check import clear
from pipeline.cache import cache_dir, key_of, read_card, stamp, write_card
from pipeline.crs import horizontal, is_rd
from pipeline.errors import InputError
from pipeline.files import named, on_disk
from pipeline.grid import LATTICE_M, Window, divides_lattice
from pipeline.messages import Text
from pipeline.vsis3 import gdal_options, is_vsis3

FORMAT = 3
SIDECARS = (".aux.xml", ".msk", ".ovr")  # of GDAL, that may come to a file later
UNITS = {"": None, "m": 1.0, "metre": 1.0, "meter": 1.0, "metres": 1.0, "cm": 0.01}
FLOAT32_MAX = float(np.finfo(np.float32).max)
_VERSION = re.compile(r"AHN\s?([2-9])(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Sheet:
    """One raster: where it lies, and how its numbers become metres above NAP."""

    path: str
    name: str
    window: Window
    resolution: float
    files: tuple[str, ...]
    crs: str
    nodata: float | None
    declared: bool
    scale: float
    offset: float
    version: str | None

    def to_metres(self, raw: NDArray[Any]) -> NDArray[np.float32]:
        """Values of the file as float32 metres, NaN for no data."""
        with np.errstate(over="ignore"):  # of a nodata value beyond float32
            if self.scale == 1.0 and self.offset == 0.0:
                height = raw.astype(np.float32)
            else:
                height = (raw * np.float64(self.scale) + self.offset).astype(np.float32)
        if self.nodata is not None:
            height[raw == _as_stored(self.nodata, raw.dtype)] = np.nan
        return height


class OpenSheet:
    """A sheet that is open for reading; for one thread. Leaving the context closes it.

    Raises InputError for a file that cannot be opened, decoded, or that holds an infinite value.
    """

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        try:
            self._file = rasterio.open(sheet.path)
        except rasterio.errors.RasterioError as error:
            raise _unreadable(sheet, Text("it"), error) from None
        dtype = np.dtype(self._file.dtypes[0])
        plain = dtype == np.float32 and (sheet.scale, sheet.offset) == (1.0, 0.0)
        self.block: tuple[int, int] = self._file.block_shapes[0]
        self._dtype = dtype
        self._plain = plain

    def __enter__(self) -> "OpenSheet":
        return self

    def __exit__(self, *fault: object) -> None:
        self._file.close()

    def untouched(
        self, window: Window, room: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float]:
        """The cells of a part of the sheet in metres, and the value that stands for no data, NaN
        beside it; infinite ones are let through. room: float32, as many cells or more, used where
        the file's values are metres as they are."""
        if not self._plain:
            return self.sheet.to_metres(self._raw(window)), np.nan
        shape = window.height, window.width
        height = self._raw(window, room.reshape(-1)[: window.size].reshape(shape))
        return height, self._nodata

    def metres(self, window: Window) -> NDArray[np.float32]:
        """(rows, columns) float32 metres of a part of the sheet, NaN without data."""
        height = self._raw(window)
        if not self._plain:
            height = self.sheet.to_metres(height)
        if not clear(height, self._nodata if self._plain else None):
            raise self.infinite(window, height)
        return height

    def infinite(self, window: Window, height: NDArray[np.float32]) -> InputError:
        """What to say of an infinite value in a part of the sheet."""
        i, j = np.argwhere(np.isinf(height) & (height != self._nodata))[0]
        row, column = window.top - self.sheet.window.top + i, window.left - self.sheet.window.left
        return InputError(
            "{name}: infinite value at row {row}, column {column}; give that value as nodata or"
            " repair the file",
            name=self.sheet.name,
            row=row,
            column=column + j,
        )

    @property
    def _nodata(self) -> float:
        nodata = self.sheet.nodata
        return np.nan if nodata is None else _as_stored(nodata, self._dtype)

    def _raw(self, window: Window, out: NDArray[Any] | None = None) -> NDArray[Any]:
        row, column = window.top - self.sheet.window.top, window.left - self.sheet.window.left
        part = FileWindow(column, row, window.width, window.height)
        try:
            values: NDArray[Any] = self._file.read(1, window=part, out=out)
        except rasterio.errors.RasterioError as error:
            rows = Text("rows {first} to {last}", first=row, last=row + window.height)
            raise _unreadable(self.sheet, rows, error) from None
        return values


def _unreadable(sheet: Sheet, what: Text, error: Exception) -> InputError:
    return InputError(
        "{name}: {what} cannot be read ({reason}); is the file cut off? Fetch it again",
        name=sheet.name,
        what=what,
        reason=reason(error),
    )


def _as_stored(nodata: float, dtype: np.dtype[Any]) -> float:
    """A nodata value as a raster holds it: what is beyond float32 is its largest, as for GDAL."""
    if dtype != np.float32 or not np.isfinite(nodata):
        return nodata
    return float(np.clip(nodata, -FLOAT32_MAX, FLOAT32_MAX))


def reason(error: Exception) -> str:
    """What GDAL says, without the path it says it of."""
    text = re.sub(r"/[^\s:,']*/", "", str(error.__cause__ or error)).replace("'", "")
    return " ".join(text.split())[:160].rstrip(".")


def open_sheet(path: str, kind: str, nodata: float | None) -> Sheet:
    """What a file says of itself, checked; as kept from an earlier run, if it is still the same.

    Raises InputError for one that cannot be used.
    """
    try:
        kept = cache_dir() / "sheets" / f"{key_of(FORMAT, path, nodata, stamp(path))}.json"
    except OSError:
        return _opened(path, kind, nodata)
    found = _remembered(kept)
    if found is None:
        found = _opened(path, kind, nodata)
        with contextlib.suppress(OSError):  # of a cache that cannot be written
            stamps = _stamps(found)
            write_card(kept, {"sheet": asdict(found), "stamps": stamps})
    return found


def _stamps(sheet: Sheet) -> list[dict[str, Any] | None]:
    """Of the files that a header is read from, and of those that would change it."""
    if is_vsis3(sheet.path):  # beside which GDAL looks for nothing
        return [stamp(p) for p in sheet.files]
    beside = [sheet.path + ending for ending in SIDECARS]
    return [stamp(p) if on_disk(p).exists() else None for p in (*sheet.files, *beside)]


def _remembered(kept: Path) -> Sheet | None:
    said = read_card(kept)
    if said is None:
        return None
    try:
        fields = said["sheet"]
        fields |= {"window": Window(*fields["window"]), "files": tuple(fields["files"])}
        sheet = Sheet(**fields)
        return sheet if _stamps(sheet) == said["stamps"] else None
    except (OSError, TypeError, StopIteration):  # a file behind it is gone, or of another program
        return None


def _opened(path: str, kind: str, nodata: float | None) -> Sheet:
    name = named(path)
    try:
        with rasterio.Env(**gdal_options()), rasterio.open(path) as source:
            return _describe(source, path, name, kind, nodata)
    except rasterio.errors.RasterioError as error:
        raise InputError(
            "{name}: not a raster that can be read as {kind} ({reason}); give a GeoTIFF of AHN"
            " heights, or fetch it again",
            name=name,
            kind=kind,
            reason=reason(error),
        ) from None


def _describe(source: Any, path: str, name: str, kind: str, nodata: float | None) -> Sheet:
    transform = source.transform
    _check_band(source, name)
    if source.crs is None or transform.is_identity:
        raise InputError(
            "{name}: no georeference (CRS or origin); give the sheet as published", name=name
        )
    _check_crs(source.crs, name)
    if transform.b or transform.d or transform.e >= 0 or transform.a != -transform.e:
        raise InputError(
            "{name}: rotated, flipped or unequal cells ({a:g}, {b:g}, {d:g}, {e:g}); warp it to"
            " square north-up cells first",
            name=name,
            a=transform.a,
            b=transform.b,
            d=transform.d,
            e=transform.e,
        )
    resolution = transform.a
    if not divides_lattice(resolution):
        raise InputError(
            "{name}: cells of {resolution:g} m do not divide the grid of {lattice} m; resample to"
            " 0.5, 1, 2 or 5 m",
            name=name,
            resolution=resolution,
            lattice=LATTICE_M,
        )
    scale, offset = _scale(source, name)
    return Sheet(
        path=path,
        name=name,
        window=_place(source, name),
        resolution=resolution,
        files=tuple(source.files),
        crs=_crs(source.crs.to_wkt()).name,
        nodata=source.nodata if source.nodata is not None else nodata,
        declared=source.nodata is not None,
        scale=scale,
        offset=offset,
        version=_version(source, name),
    )


def _check_band(source: Any, name: str) -> None:
    if source.count != 1 or source.dtypes[0].startswith("complex"):
        raise InputError(
            "{name}: {bands} band(s) of {kind}; give one band of heights (gdal_translate -b 1)",
            name=name,
            bands=source.count,
            kind=source.dtypes[0],
        )
    if MaskFlags.per_dataset in source.mask_flag_enums[0]:
        raise InputError(
            "{name}: its holes are in a mask; write them as nodata: gdalwarp -dstnodata -9999",
            name=name,
        )


@cache
def _crs(wkt: str) -> CRS:
    return CRS.from_wkt(wkt)


def _check_crs(crs: Any, name: str) -> None:
    found = horizontal(_crs(crs.to_wkt()))
    if not is_rd(found):
        raise InputError(
            "{name}: its CRS is {crs}, not Amersfoort / RD New in metres; warp it first: gdalwarp"
            " -t_srs EPSG:28992",
            name=name,
            crs=found.name,
        )


def _place(source: Any, name: str) -> Window:
    resolution, left, top = source.transform.a, source.transform.c, source.transform.f
    off = [value - round(value / resolution) * resolution for value in (left, top)]
    if max(map(abs, off)) > resolution * 1e-6:
        raise InputError(
            "{name}: its cells lie {east:g} m east and {north:g} m north of the national grid of"
            " {size:g} m; warp it first: gdalwarp -tap -tr {size:g} {size:g}",
            name=name,
            east=off[0],
            north=off[1],
            size=resolution,
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
        raise InputError(
            "{name}: heights in {unit!r}; give metres or centimetres above NAP",
            name=name,
            unit=unit,
        )
    scale, offset = source.scales[0], source.offsets[0]
    if scale == 0:
        raise InputError(
            "{name}: declares a scale of 0, so all heights are one; repair the file", name=name
        )
    if (scale, offset) != (1.0, 0.0):
        return scale * (UNITS[unit] or 1.0), offset * (UNITS[unit] or 1.0)
    whole = np.issubdtype(np.dtype(source.dtypes[0]), np.integer)
    return UNITS[unit] or (0.01 if whole else 1.0), 0.0


def _version(source: Any, name: str) -> str | None:
    """As the file's name says, else its tags, else the folder or the zip that it lies in: PDOK's
    sheets say nothing themselves."""
    file = on_disk(source.name)
    said = [name, *(str(value) for value in source.tags().values()), file.name, file.parent.name]
    for text in said:
        if match := _VERSION.search(text):
            return f"AHN{match[1]}"
    return None
