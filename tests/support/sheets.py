"""Small rasters as users have them: any type, unit, nodata, CRS and place."""

from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray

from pipeline.engine.engine import never_stop
from pipeline.heights import relief
from pipeline.heights.rasters import gdal
from pipeline.heights.relief import Survey
from pipeline.heights.sheets import OpenSheet, Sheet

FLOAT32_MAX = 3.4028234663852886e38
PLACE = Affine(1, 0, 121_000, 0, -1, 487_100)
VRT = """<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>EPSG:28992</SRS>
<GeoTransform>{west},1,0,{north},0,-1</GeoTransform><VRTRasterBand dataType="Float32" band="1">
<NoDataValue>3.4028234663852886e38</NoDataValue>{sources}</VRTRasterBand></VRTDataset>"""
SOURCE = """<SimpleSource><SourceFilename relativeToVRT="1">{name}</SourceFilename>
<SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" xSize="{width}" ySize="{height}"/>
<DstRect xOff="{left}" yOff="0" xSize="{width}" ySize="{height}"/></SimpleSource>"""


def heights(seed: int = 0, rows: int = 20, columns: int = 30) -> NDArray[np.float32]:
    """Some ground in whole centimetres below and above NAP [m]."""
    cm = np.random.default_rng(seed).integers(-500, 2000, (rows, columns))
    return (cm / 100).astype(np.float32)


def surveyed(sheet: Sheet) -> Survey:
    """What reading a whole sheet tells, with nothing kept of it."""
    with gdal(), OpenSheet(sheet) as source:
        _, found = relief._read(source, never_stop)
    relief._check_range(sheet, found)
    return found


def write(
    path: Path,
    values: NDArray[Any],
    transform: Affine = PLACE,
    *,
    crs: Any = "EPSG:28992",
    nodata: float | None = FLOAT32_MAX,
    scale: float | None = None,
    offset: float | None = None,
    unit: str | None = None,
    tags: dict[str, str] | None = None,
    **profile: Any,
) -> Path:
    """A GeoTIFF of the values as they are, (rows, columns) or (bands, rows, columns)."""
    bands = values if values.ndim == 3 else values[None]
    usual = {"driver": "GTiff", "count": len(bands), "dtype": values.dtype, "nodata": nodata}
    size = {"height": values.shape[-2], "width": values.shape[-1]}
    with rasterio.open(path, "w", crs=crs, transform=transform, **size, **usual, **profile) as file:
        file.write(bands)
        if scale is not None:
            file.scales = (scale,)
        if offset is not None:
            file.offsets = (offset,)
        if unit is not None:
            file.units = (unit,)
        if tags:
            file.update_tags(**tags)
    return path


def write_vrt(path: Path, names: list[str], rows: int = 20, columns: int = 30) -> Path:
    """Rasters of one size, side by side from the west, as one."""
    size = {"width": columns, "height": rows}
    sources = [SOURCE.format(name=n, left=i * columns, **size) for i, n in enumerate(names)]
    whole = {"width": columns * len(names), "height": rows, "west": PLACE.c, "north": PLACE.f}
    path.write_text(VRT.format(sources="".join(sources), **whole))
    return path


def east_of(transform: Affine, cells: int) -> Affine:
    """So many cells further east."""
    return transform @ Affine.translation(cells, 0)
