"""Georeference of the raster layers: CRS, coordinates, levels, conventions."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyproj
import zarr
from affine import Affine
from numpy.typing import NDArray

from pipeline.grid.windows import Layout, Window

WKT = pyproj.CRS("EPSG:28992").to_wkt("WKT2_2019")
TITLE = "Raster layers of roofs in sun and wind, by daklaag"
CONVENTIONS = {
    "proj": "f17cb550-5864-4468-aeb7-f3180cfb622f",
    "spatial": "689b58e2-cf7b-45e0-9fff-9cfc0883d6b4",
    "multiscales": "d35379db-88df-4056-af3a-620245f8e347",
}


def level_window(window: Window, level: int) -> Window:
    """A window in cells of a coarser level."""
    top, left = window.top >> level, window.left >> level
    bottom = -(-window.bottom >> level) if level else window.bottom
    right = -(-window.right >> level) if level else window.right
    return Window.between(top, left, bottom, right)


def write_coordinates(group: zarr.Group, window: Window, resolution: float) -> None:
    """Write the coordinates `x` and `y` of the centres of a window's cells [m], and the CRS."""
    xmin, _, _, ymax = window.bounds(resolution)
    centres = {
        "x": xmin + (np.arange(window.width) + 0.5) * resolution,
        "y": ymax - (np.arange(window.height) + 0.5) * resolution,
    }
    for name, values in centres.items():
        fields = {"standard_name": f"projection_{name}_coordinate", "units": "m"}
        _coordinate(group, name, values, fields)
    crs = pyproj.CRS("EPSG:28992")
    transform = f"{xmin} {resolution} 0.0 {ymax} 0.0 {-resolution}"
    cf = {k: list(v) if isinstance(v, tuple) else v for k, v in crs.to_cf().items()}
    group.create_array(
        "spatial_ref",
        data=np.array(0, np.int64),
        attributes=cf | {"crs_wkt": WKT, "spatial_ref": WKT, "GeoTransform": transform},
    )


def transform_of(level: zarr.Group) -> Affine:
    """The affine transform of a level, from cells to RD metres."""
    numbers = str(level["spatial_ref"].attrs["GeoTransform"]).split()
    return Affine.from_gdal(*map(float, numbers))


def write_suns(group: zarr.Group, suns: Sequence[dt.datetime]) -> None:
    """Write the coordinate `sun` of layers that have a picture for each sun position [CET]."""
    midnight = dt.datetime.combine(suns[0], dt.time())
    minutes = np.array([(sun - midnight) // dt.timedelta(minutes=1) for sun in suns], np.int64)
    fields = {"standard_name": "time", "long_name": "moment of the sun, CET"}
    _coordinate(group, "sun", minutes, fields | {"units": f"minutes since {midnight}"})


def _coordinate(
    group: zarr.Group, name: str, values: NDArray[Any], attributes: dict[str, Any]
) -> None:
    group.create_array(
        name,
        data=values,
        chunks=(max(len(values), 1),),
        dimension_names=[name],
        attributes=attributes,
    )


def placement(window: Window, resolution: float) -> dict[str, Any]:
    """The place of an array, as attributes of the conventions `proj` and `spatial`; flat, since
    netCDF takes no others."""
    xmin, ymin, xmax, ymax = window.bounds(resolution)
    return {
        "proj:code": "EPSG:28992",
        "proj:wkt2": WKT,
        "spatial:dimensions": ["y", "x"],
        "spatial:transform": [resolution, 0.0, xmin, 0.0, -resolution, ymax],
        "spatial:shape": [window.height, window.width],
        "spatial:bbox": [xmin, ymin, xmax, ymax],
    }


def root_attributes(layout: Layout) -> dict[str, Any]:
    """The attributes of the root group: which groups hold the data, conventions, levels."""
    levels, cells = [], []
    for level in range(layout.levels):
        window, resolution = level_window(layout.extent, level), layout.resolution * (1 << level)
        placed = placement(window, resolution)
        entry: dict[str, Any] = {
            "asset": str(level),
            "spatial:shape": placed["spatial:shape"],
            "spatial:transform": placed["spatial:transform"],
        }
        if level:
            entry["derived_from"] = str(level - 1)
            entry["transform"] = {"scale": [2.0, 2.0], "translation": [0.0, 0.0]}
        levels.append(entry)
        cells.append(f"{level} (cells of {resolution:g} m)")
    shared = placement(layout.extent, layout.resolution)
    shared.pop("spatial:shape"), shared.pop("spatial:transform")
    return {
        "title": TITLE,
        "comment": f"The layers are in the groups {', '.join(cells)}; open group 0 for all detail.",
        "zarr_conventions": _conventions(),
        **shared,
        "multiscales": {"layout": levels},
    }


def _conventions() -> list[dict[str, str]]:
    """The conventions of the store; readers look for two of them in different spellings."""
    spelt = {"proj": ("", ":"), "spatial": ("", ":"), "multiscales": ("",)}
    return [
        {"name": name + colon, "uuid": uuid}
        for name, uuid in CONVENTIONS.items()
        for colon in spelt[name]
    ]
