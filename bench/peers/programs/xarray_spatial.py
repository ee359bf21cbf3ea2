"""xarray-spatial on an array whose y runs southward, as AHN's does."""

from typing import Any

import numpy as np
import xarray
from xrspatial import hillshade as shade
from xrspatial import sky_view_factor
from xrspatial import slope as steepness
from xrspatial.zonal import stats

from bench.peers.program import (
    AZIMUTH,
    DIRECTIONS,
    ELEVATION,
    NORTH,
    RADIUS,
    RESOLUTION,
    WEST,
    Call,
    PeerCall,
    Scene,
    play,
)


def raster(values: np.ndarray) -> xarray.DataArray:
    steps = (np.arange(len(values)) + 0.5) * RESOLUTION
    coords = {"y": NORTH - steps, "x": WEST + steps}
    return xarray.DataArray(values, coords, ("y", "x"), attrs={"res": (RESOLUTION, RESOLUTION)})


def hillshade(scene: Scene) -> Call:
    height = raster(scene.height)
    return lambda: shade(height, azimuth=AZIMUTH, angle_altitude=ELEVATION)


def slope(scene: Scene) -> Call:
    height = raster(scene.height)
    return lambda: steepness(height)


def sky_view(scene: Scene) -> Call:
    height = raster(scene.height)
    cells = round(RADIUS / RESOLUTION)
    return lambda: sky_view_factor(height, max_radius=cells, n_directions=DIRECTIONS)


def sums(scene: Scene) -> Call:
    height, labels = raster(scene.height), raster(scene.labels)
    return lambda: stats(labels, height, stats_funcs=["count", "sum"])


def by_number(table: Any) -> np.ndarray:
    buildings = table[table["zone"] > 0]
    out = np.zeros((2, int(buildings["zone"].max())))
    out[:, buildings["zone"].astype(int) - 1] = buildings["count"], buildings["sum"]
    return out


JOBS = {
    "hillshade": PeerCall(hillshade),
    "slope": PeerCall(slope),
    "sky view": PeerCall(sky_view, definition="1 - sin h", reach=RADIUS),
    "sums per building": PeerCall(sums, by_number),
}

if __name__ == "__main__":
    play(JOBS, "xarray-spatial")
