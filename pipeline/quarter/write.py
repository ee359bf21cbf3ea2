"""A quarter as files: sheets of heights, footprints and addresses, as users download them."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import DatasetWriter
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from pipeline.quarter.addresses import NAME as ADDRESSES
from pipeline.quarter.addresses import write_addresses
from pipeline.quarter.compose import scene
from pipeline.quarter.regions import NAME as BOUNDARIES
from pipeline.quarter.regions import write_regions
from pipeline.quarter.scene import Cells
from pipeline.quarter.shapes import Bounds, Building, Point

NODATA = float(np.finfo(np.float32).max)
"""As the AHN has it, 3.4028235e38."""

SHEETS, BUILDINGS = "[RM]_QUARTER_*.tif", "pand.gpkg"

TILE, WINDOW = 512, 1024
"""Cells along the side of a GeoTIFF's tile, and of what is rendered at once."""


@dataclass(frozen=True)
class Generated:
    """The files of a generated scene."""

    directory: Path
    dsm: tuple[Path, ...]
    """From the north-west, row by row."""
    dtm: tuple[Path, ...]
    buildings: Path
    """GeoPackage, layer `pand`."""
    boundaries: Path
    """GeoJSON of regions by code and name."""
    addresses: Path
    """CSV."""

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        """What a request names of them."""
        every = {"dsm": self.dsm, "dtm": self.dtm, "buildings": (self.buildings,)}
        return {name: tuple(map(str, paths)) for name, paths in every.items()}


@dataclass(frozen=True)
class Quarter(Generated):
    """The files of a generated quarter, and what is true of it."""

    truth: tuple[Building, ...]
    """One a footprint, in the file's order."""
    bounds: Bounds
    """RD [m]."""


def generate(
    directory: Path,
    *,
    size: tuple[float, float] = (1000.0, 1000.0),
    resolution: float = 0.5,
    seed: int = 2008,
    origin: Point | None = None,
    sheets: tuple[int, int] = (2, 2),
    noise: float = 0.03,
    compress: str = "deflate",
) -> Quarter:
    """Writes a quarter of `size` metres east and north; the same arguments give the same bytes.

    `resolution` in metres; `origin` is its south-western corner [RD m], by default such that
    `LATTICE_CORNER` lies in it; `sheets` are counted eastward and northward; `noise` is the
    standard deviation of the heights [m], 0 gives them exactly; `compress` as GDAL names it, or
    "none". The directory is made; an earlier quarter in it is replaced. ValueError if size,
    origin and resolution don't fit, or where there are more sheets than cells.
    """
    drawn = scene(size, seed, origin)
    cells = [*sheets_of(Cells.of(drawn.bounds, resolution), sheets)]
    directory.mkdir(parents=True, exist_ok=True)
    for stale in directory.glob(SHEETS):
        stale.unlink()
    dsm, dtm = (
        tuple(directory / f"{letter}_QUARTER_{i}.tif" for i in range(1, len(cells) + 1))
        for letter in "RM"
    )
    for sheet, surface, ground in zip(cells, dsm, dtm, strict=True):
        write_sheet(lambda cells: drawn.surfaces(cells, noise), sheet, (surface, ground), compress)
    buildings = directory / BUILDINGS
    write_footprints(buildings, drawn.buildings)
    boundaries = write_regions(directory, drawn.bounds)
    addresses = write_addresses(
        directory, drawn.bounds, [(b.id, b.geometry) for b in drawn.buildings]
    )
    return Quarter(
        directory, dsm, dtm, buildings, boundaries, addresses, drawn.buildings, drawn.bounds
    )


def standing(directory: Path) -> list[Path]:
    """The files of a directory that `generate` replaces there."""
    fixed = [directory / BUILDINGS, directory / BOUNDARIES, directory / ADDRESSES]
    return sorted(directory.glob(SHEETS)) + [file for file in fixed if file.exists()]


def sheets_of(whole: Cells, counts: tuple[int, int]) -> Iterator[Cells]:
    """The cells of so many sheets eastward and northward, from the north-west, row by row.
    ValueError where there are more sheets than cells."""
    columns, rows = (
        [start + length * k // count for k in range(count + 1)]
        for start, length, count in zip(whole[1:3], whole[3:], counts, strict=True)
    )
    for south, north in reversed([*itertools.pairwise(rows)]):
        for west, east in itertools.pairwise(columns):
            if west == east or south == north:
                raise ValueError(f"{counts} sheets are more than there are cells")
            yield Cells(whole.resolution, west, south, east - west, north - south)


def write_sheet(
    surfaces: Callable[[Cells], tuple[NDArray[np.float32], NDArray[np.float32]]],
    sheet: Cells,
    paths: tuple[Path, Path],
    compress: str = "deflate",
    window: int | None = None,
) -> None:
    """Write the DSM and DTM of a sheet, of which `surfaces` gives so many cells square at a time,
    WINDOW by default."""
    window = window or WINDOW
    with _create(paths[0], sheet, compress) as dsm, _create(paths[1], sheet, compress) as dtm:
        for row, column in itertools.product(
            range(0, sheet.height, window), range(0, sheet.width, window)
        ):
            height, width = min(window, sheet.height - row), min(window, sheet.width - column)
            south = sheet.row + sheet.height - row - height
            cells = Cells(sheet.resolution, sheet.column + column, south, width, height)
            place = Window(column, row, width, height)
            for file, values in zip((dsm, dtm), surfaces(cells), strict=True):
                file.write(filled(values), 1, window=place)


def _create(path: Path, sheet: Cells, compress: str) -> DatasetWriter:
    west, _, _, north = sheet.bounds
    profile = sheet_profile(sheet.width, sheet.height, sheet.resolution, west, north, TILE)
    if compress != "deflate":
        del profile["predictor"], profile["zlevel"]
    return rasterio.open(path, "w", **profile | {"compress": compress})


def sheet_profile(
    width: int, height: int, resolution: float, west: float, north: float, tile: int
) -> dict[str, Any]:
    """The profile of a sheet for rasterio, as AHN has them. west, north: of its north-western
    corner [RD m]; tile: cells along the side of a tile of the file."""
    return {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": 1,
        "dtype": "float32",
        "crs": "EPSG:28992",
        "transform": Affine(resolution, 0, west, 0, -resolution, north),
        "nodata": NODATA,
        "tiled": True,
        "blockxsize": tile,
        "blockysize": tile,
        "compress": "deflate",
        "predictor": 3,
        "zlevel": 1,
    }


def filled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Heights with NODATA for NaN."""
    return np.where(np.isnan(values), np.float32(NODATA), values)


def write_footprints(path: Path, buildings: tuple[Building, ...]) -> None:
    """Write footprints as the BAG has them: id, year and status, layer `pand`."""
    columns = {
        "identificatie": np.array([b.id for b in buildings], object),
        "bouwjaar": np.array([b.built for b in buildings], np.int32),
        "status": np.array([b.status for b in buildings], object),
    }
    write_layer(path, "pand", [b.geometry for b in buildings], columns)


def write_layer(
    path: Path, layer: str, geometry: Sequence[BaseGeometry], columns: dict[str, NDArray[Any]]
) -> None:
    """Write a GeoPackage of one layer in RD, always the same bytes."""
    path.unlink(missing_ok=True)
    with _fixed_date():
        pyogrio.raw.write(
            path,
            geometry=shapely.to_wkb(list(geometry)),
            field_data=list(columns.values()),
            fields=list(columns),
            layer=layer,
            driver="GPKG",
            geometry_type="Unknown",
            crs="EPSG:28992",
            promote_to_multi=False,
        )


@contextmanager
def _fixed_date() -> Iterator[None]:
    """A GeoPackage holds the time of its last change; with this, always the same."""
    name = "OGR_CURRENT_DATE"
    before = pyogrio.get_gdal_config_option(name)
    pyogrio.set_gdal_config_options({name: "2008-12-21T12:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({name: before})
