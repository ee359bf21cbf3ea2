"""Geometries of a file, or of a request, in RD metres."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.grid.crs import RD, horizontal, is_rd, transformer
from pipeline.terms import File, Source


@dataclass
class RdTransform:
    """Transformation of a file's geometries to RD, in one batch or many. known: whether any had
    coordinates; placed: whether any of those has finite coordinates in RD."""

    source: Source
    crs: pyproj.CRS
    known: bool = False
    placed: bool = False

    def to_rd(self, given: NDArray[Any]) -> NDArray[Any]:
        """Two-dimensional geometries in RD metres; not finite where RD is not defined."""
        geometry: NDArray[Any] = shapely.force_2d(given)
        crs = horizontal(self.crs)
        if is_rd(crs):
            self.known = self.placed = True
            return geometry
        to_rd = transformer(crs, RD).transform
        with np.errstate(invalid="ignore"):
            moved: NDArray[Any] = shapely.transform(geometry, to_rd, interleaved=False)
            known = np.isfinite(shapely.bounds(geometry)).all(axis=1)
        if known.any():
            self.known = True
            if np.isfinite(shapely.bounds(moved[known])).any():
                self.placed = True
        return moved

    def check(self) -> None:
        """Raises InputError if the file has coordinates, and none of them is finite in RD."""
        if self.known and not self.placed:
            raise InputError(
                self.source,
                "its coordinates are none of {crs}, the CRS it states",
                "state the true one (ogr2ogr -a_srs EPSG:28992)",
                crs=horizontal(self.crs).name,
            )


def rd_transform_of(path: str, crs: pyproj.CRS | None) -> RdTransform:
    """The transformation for a file. Raises InputError for one that states no CRS."""
    if crs is None:
        raise InputError(File(path), "states no CRS", "assign one (ogr2ogr -a_srs EPSG:28992)")
    return RdTransform(File(path), crs)
