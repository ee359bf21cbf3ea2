"""The scene on disk, for programs that know nothing of ours."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize

from bench.peers.program import NORTH, RESOLUTION, WEST
from bench.scenes import city, footprints
from kernels.rings import Rings
from pipeline.grid.sun import centre_degrees, convergence_degrees, solar_positions
from pipeline.grid.windows import LatticeCell
from pipeline.methods.climate import climate_of, shipped_climate


def polygons(rings: Rings) -> NDArray[np.object_]:
    """Footprints of one ring each where the scene lies [m]."""
    found = []
    for f, ring in enumerate(rings.rings[:-1]):
        part = slice(rings.points[ring], rings.points[ring + 1])
        x = WEST + (rings.left[f] + rings.x[part]) * RESOLUTION
        y = NORTH - (rings.top[f] + rings.y[part]) * RESOLUTION
        found.append(shapely.Polygon(np.column_stack([x, y])))
    return np.array(found, np.object_)


def alone(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Which touch no other: of the rest a raster of labels cannot hold all cells."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    return np.bincount(first[first != second], minlength=len(shapes)) == 0


def feature(number: int, shape: shapely.Polygon) -> dict[str, Any]:
    """GeoJSON of a footprint."""
    geometry = shapely.geometry.mapping(shape)
    return {"type": "Feature", "properties": {"number": number}, "geometry": geometry}


SQUARE = LatticeCell(11, 47)  # of the lattice, where the scene lies


def hours() -> NDArray[np.float64]:
    """Those of a year of the shipped climate, as `bench.peers.program.Scene` says: each day of a
    month is its mean day."""
    climate, here = shipped_climate(), climate_of(shipped_climate(), SQUARE)
    middle = np.datetime64("2015-01-01T00:30:00") + np.arange(8760) * np.timedelta64(3600, "s")
    month = middle.astype("M8[M]").astype(np.int64) % 12
    hour = middle.astype("M8[h]").astype(np.int64) % 24
    seconds = middle.astype(np.float64)
    elevation, azimuth = solar_positions(*centre_degrees(SQUARE), seconds, "true")
    daily = here.irradiation / (np.bincount(month) / 24) * 1000
    shares = climate.shares[month, hour] * daily[month, None]
    up = np.maximum(np.sin(np.radians(elevation)), 0)
    beam, diffuse = shares[:, 0], shares[:, 2] + shares[:, 1] * up
    day = (middle - middle[0]) // np.timedelta64(1, "D") + 1
    turned = (azimuth - convergence_degrees(SQUARE)) % 360
    return np.column_stack([day, elevation, turned, beam, diffuse, diffuse + beam * up])


def write_scene(folder: Path, side: int) -> None:
    """Write the files of `bench.peers.program.Scene`; the TIFF without a predictor, which not all
    programs can read."""
    folder.mkdir()
    height, shapes = city(side), polygons(footprints(side))
    place = Affine(RESOLUTION, 0, WEST, 0, -RESOLUTION, NORTH)
    numbered = list(enumerate(shapes, 1))
    burnt = ((shape, number) for number, shape in numbered)
    np.save(folder / "height.npy", height)
    np.save(folder / "labels.npy", rasterize(burnt, height.shape, transform=place, dtype="int32"))
    np.save(folder / "hours.npy", hours())
    values = {"features": [feature(*one) for one in numbered]}
    (folder / "footprints.json").write_text(json.dumps(values))
    options = {"count": 1, "dtype": "float32", "crs": "EPSG:28992", "transform": place}
    with rasterio.open(folder / "height.tif", "w", "GTiff", side, side, **options) as sheet:
        sheet.write(height, 1)
