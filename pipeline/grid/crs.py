"""The Dutch national grid (RD) as a coordinate reference system, and transformations to and
from."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache, partial
from typing import Any

import pyproj
import shapely

RD = pyproj.CRS("EPSG:28992")
DEGREES = "EPSG:4326"  # longitude first


def horizontal(crs: pyproj.CRS) -> pyproj.CRS:
    """The horizontal part of a CRS, such as of EPSG:7415."""
    return crs.sub_crs_list[0] if crs.is_compound else crs


def is_rd(crs: pyproj.CRS) -> bool:
    """Whether a CRS is Amersfoort / RD New, in metres, however it is written."""
    metres = all(axis.unit_conversion_factor == 1.0 for axis in crs.axis_info)
    return bool(metres and crs.to_epsg(min_confidence=20) == 28992)


class Transformer:
    """Transformation from one CRS to another, safe in threads.

    pyproj makes a transformer anew in each thread that uses it, which costs 30 ms: forty threads
    that begin together would wait for seconds. So one thread transforms for all.
    """

    def __init__(self, origin: Any, target: Any) -> None:
        made = pyproj.Transformer.from_crs
        self._transformer = _proj_thread().submit(made, origin, target, always_xy=True).result()

    def transform(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Transformed x and y of points, longitude or easting first."""
        points: tuple[Any, Any] = _proj_thread().submit(self._transformer.transform, x, y).result()
        return points

    def transform_bounds(
        self, west: float, south: float, east: float, north: float
    ) -> tuple[float, float, float, float]:
        """The smallest rectangle around a transformed rectangle."""
        around = partial(self._transformer.transform_bounds, west, south, east, north)
        bounds: tuple[float, float, float, float] = _proj_thread().submit(around).result()
        return bounds


@lru_cache(maxsize=16)
def transformer(origin: Any, target: Any) -> Transformer:
    """The transformer from one CRS to another, made once."""
    return Transformer(origin, target)


def to_rd(geometry: Any) -> Any:
    """Transform a geometry from lon/lat to RD [m]."""
    return shapely.transform(geometry, transformer(DEGREES, RD).transform, interleaved=False)


def to_degrees(geometry: Any) -> Any:
    """Transform a geometry from RD [m] to lon/lat; not finite for points beyond the Earth."""
    return shapely.transform(geometry, transformer(RD, DEGREES).transform, interleaved=False)


def lonlat(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """West, south, east, north [degrees] of a rectangle in RD [m]."""
    return transformer(RD, DEGREES).transform_bounds(*bounds)


@cache
def _proj_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "proj")


if hasattr(os, "register_at_fork"):  # a thread does not live on in a process that was forked
    os.register_at_fork(after_in_child=_proj_thread.cache_clear)
