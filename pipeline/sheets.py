"""One elevation raster: what it says of itself, checked; where its numbers become metres."""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.enums import MaskFlags

from pipeline.crs import horizontal, is_rd
from pipeline.errors import InputError
from pipeline.files import named
from pipeline.grid import LATTICE_M, Window, divides_lattice

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
    """What a file says of itself, checked. Raises InputError for one that cannot be used."""
    name = named(path)
    try:
        with rasterio.open(path) as source:
            return _describe(source, path, name, kind, nodata)
    except rasterio.errors.RasterioError as error:
        raise InputError(
            f"{name}: not a raster that can be read as {kind} ({reason(error)});"
            " give a GeoTIFF of AHN heights, or fetch it again"
        ) from None


def _describe(source: Any, path: str, name: str, kind: str, nodata: float | None) -> Sheet:
    transform = source.transform
    _check_band(source, name)
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
        files=tuple(source.files),
        crs=CRS.from_wkt(source.crs.to_wkt()).name,
        nodata=source.nodata if source.nodata is not None else nodata,
        declared=source.nodata is not None,
        scale=scale,
        offset=offset,
        version=_version(source, name),
    )


def _check_band(source: Any, name: str) -> None:
    if source.count != 1 or source.dtypes[0].startswith("complex"):
        raise InputError(
            f"{name}: {source.count} band(s) of {source.dtypes[0]}; give one band of heights"
            " (gdal_translate -b 1)"
        )
    if MaskFlags.per_dataset in source.mask_flag_enums[0]:
        raise InputError(
            f"{name}: its holes are in a mask; write them as nodata: gdalwarp -dstnodata -9999"
        )


def _check_crs(crs: Any, name: str) -> None:
    found = horizontal(CRS.from_wkt(crs.to_wkt()))
    if not is_rd(found):
        raise InputError(
            f"{name}: its CRS is {found.name}, not Amersfoort / RD New in metres;"
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
    scale, offset = source.scales[0], source.offsets[0]
    if scale == 0:
        raise InputError(f"{name}: declares a scale of 0, so all heights are one; repair the file")
    if (scale, offset) != (1.0, 0.0):
        return scale * (UNITS[unit] or 1.0), offset * (UNITS[unit] or 1.0)
    whole = np.issubdtype(np.dtype(source.dtypes[0]), np.integer)
    return UNITS[unit] or (0.01 if whole else 1.0), 0.0


def _version(source: Any, name: str) -> str | None:
    said = [name, *(str(value) for value in source.tags().values())]
    for text in said:
        if match := _VERSION.search(text):
            return f"AHN{match[1]}"
    return None
