"""Headers of elevation rasters, validated."""

import math
import re
from functools import cache
from typing import Any

import numpy as np
import rasterio
from pyproj import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window as FileWindow

from pipeline.errors import InputError
from pipeline.grid.crs import horizontal, is_rd
from pipeline.grid.windows import LATTICE_M, Window, divides_lattice
from pipeline.heights.tiff import tiles_held
from pipeline.storage.files import on_disk
from pipeline.terms import File

UNITS = {"": None, "m": 1.0, "metre": 1.0, "meter": 1.0, "metres": 1.0, "cm": 0.01}
SQUEEZED = 50  # compression ratio from which on the last cell is read
BLOCK = 2**28  # cells of a strip or a tile: twice a whole sheet of AHN
PICTURES = ("uint8", "int8")  # types that cannot hold heights to a centimetre
_VERSION = re.compile(r"AHN\s?([2-9])(?!\d)", re.IGNORECASE)


def describe(source: Any, nodata: float | None) -> dict[str, Any]:
    """The fields of a Sheet, except path and name, from the header of an open raster.

    nodata: value for a raster that declares none. Raises InputError for one without heights in RD.
    """
    transform = source.transform
    _check_band(source)
    if source.crs is None or transform.is_identity:
        raise InputError(
            File(source.name), "no georeference (CRS or origin)", "give the sheet as published"
        )
    _check_crs(source.crs, source.name)
    if transform.b or transform.d or transform.e >= 0 or transform.a != -transform.e:
        raise InputError(
            File(source.name),
            "rotated, flipped or unequal cells ({a:g}, {b:g}, {d:g}, {e:g})",
            "warp it to square north-up cells first",
            a=transform.a,
            b=transform.b,
            d=transform.d,
            e=transform.e,
        )
    resolution = transform.a
    if not divides_lattice(resolution):
        raise InputError(
            File(source.name),
            "cells of {resolution:g} m do not divide the grid of {lattice} m",
            "resample to 0.5, 1, 2 or 5 m",
            resolution=resolution,
            lattice=LATTICE_M,
        )
    scale, offset = _scale(source)
    place = _place(source)
    _check_whole(source)
    return {
        "window": place,
        "resolution": resolution,
        "files": tuple(source.files),
        "crs": _crs(source.crs.to_wkt()).name,
        "nodata": source.nodata if source.nodata is not None else nodata,
        "declared": source.nodata is not None,
        "scale": scale,
        "offset": offset,
        "version": _version(source),
    }


def _check_band(source: Any) -> None:
    if source.count != 1 or source.dtypes[0].startswith("complex"):
        raise InputError(
            File(source.name),
            "{bands} band(s) of {kind}",
            "give one band of heights (gdal_translate -b 1)",
            bands=source.count,
            kind=source.dtypes[0],
        )
    if source.dtypes[0] in PICTURES or ColorInterp.palette in source.colorinterp:
        raise InputError(
            File(source.name),
            "values of 8 bits or of a palette, which are those of a picture or of classes",
            "give heights, as int16 or float32",
        )
    if MaskFlags.per_dataset in source.mask_flag_enums[0]:
        raise InputError(
            File(source.name),
            "its holes are in a mask",
            "write them as nodata: gdalwarp -dstnodata -9999",
        )


def _check_whole(source: Any) -> None:
    """Raises InputError for a TIFF on disk that holds far fewer cells than its header declares,
    before memory is allocated for them."""
    file = on_disk(source.name)
    if source.driver != "GTiff" or not file.is_file():
        return
    rows, columns = source.block_shapes[0]
    tiles = math.ceil(source.height / rows) * math.ceil(source.width / columns)
    with file.open("rb") as stream:
        held = tiles_held(stream)
    promised = source.height * source.width * np.dtype(source.dtypes[0]).itemsize
    missing = held is not None and held < tiles
    if missing or (promised > SQUEEZED * file.stat().st_size and not _has_last_cell(source)):
        raise InputError(
            File(source.name),
            "damaged: its header promises {rows:,} x {columns:,} cells, which it does not hold",
            "fetch it again",
            rows=source.height,
            columns=source.width,
        )


def _has_last_cell(source: Any) -> bool:
    if math.prod(source.block_shapes[0]) > BLOCK:
        return False
    try:
        source.read(1, window=FileWindow(source.width - 1, source.height - 1, 1, 1))
    except rasterio.errors.RasterioError:
        return False
    return True


def reason(error: Exception) -> str:
    """GDAL's message without paths."""
    text = re.sub(r"/[^\s:,']*/", "", str(error.__cause__ or error)).replace("'", "")
    return " ".join(text.split())[:160].rstrip(".")


@cache
def _crs(wkt: str) -> CRS:
    return CRS.from_wkt(wkt)


def _check_crs(crs: Any, path: str) -> None:
    found = horizontal(_crs(crs.to_wkt()))
    if not is_rd(found):
        raise InputError(
            File(path),
            "its CRS is {crs}, not Amersfoort / RD New in metres",
            "warp it first: gdalwarp -t_srs EPSG:28992",
            crs=found.name,
        )


def _place(source: Any) -> Window:
    resolution, left, top = source.transform.a, source.transform.c, source.transform.f
    off = [value - round(value / resolution) * resolution for value in (left, top)]
    if max(map(abs, off)) > resolution * 1e-6:
        raise InputError(
            File(source.name),
            "its cells lie {east:g} m east and {north:g} m north of the national grid of {size:g}"
            " m",
            "warp it first: gdalwarp -tap -tr {size:g} {size:g}",
            east=off[0],
            north=off[1],
            size=resolution,
        )
    row, column = -round(top / resolution), round(left / resolution)
    return Window(row, column, source.height, source.width)


def _scale(source: Any) -> tuple[float, float]:
    """Scale and offset to metres: as declared, else by the unit, else whole numbers are
    centimetres, as in the older AHN sheets."""
    unit = (source.units[0] or "").lower()
    if unit.startswith("centimet"):
        unit = "cm"
    if unit not in UNITS:
        raise InputError(
            File(source.name),
            "heights in {unit!r}",
            "give metres or centimetres above NAP",
            unit=unit,
        )
    scale, offset = source.scales[0], source.offsets[0]
    if scale == 0:
        raise InputError(
            File(source.name), "declares a scale of 0, so all heights are one", "repair the file"
        )
    if (scale, offset) != (1.0, 0.0):
        return scale * (UNITS[unit] or 1.0), offset * (UNITS[unit] or 1.0)
    whole = np.issubdtype(np.dtype(source.dtypes[0]), np.integer)
    return UNITS[unit] or (0.01 if whole else 1.0), 0.0


def _version(source: Any) -> str | None:
    """AHN version by the file's name, else its tags, else its folder or zip: PDOK's sheets do not
    state it."""
    file = on_disk(source.name)
    texts = [
        File(source.name).name,
        *(str(value) for value in source.tags().values()),
        file.name,
        file.parent.name,
    ]
    for text in texts:
        if match := _VERSION.search(text):
            return f"AHN{match[1]}"
    return None
