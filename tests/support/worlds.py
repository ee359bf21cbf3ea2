"""Seeded worlds in which everything goes wrong at once: what no rule by itself provokes."""

import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize

from tests.support.runs import Files, write_sheets

CORNER = 122_880.0, 481_280.0  # where four squares of the sun's lattice meet [RD m]
HEIGHTS = (1.49, 1.5, 3, 6, 6, 9, 9, 12, 12, 19.99, 20, 20, 20.01, 25, 25, 45, 60)
STATUSES = (
    *("Pand in gebruik",) * 12, "Verbouwing pand", "Pand gesloopt", "Bouw gestart", "Pand in bezit",
    None,
)  # fmt: skip
RESOLUTIONS = 0.5, 1.0, 2.0, 5.0
FOOTPRINTS = 45
Array = NDArray[Any]


def write_world(folder: Path, seed: int) -> Files:
    """Sheets and footprints of a messy world of about 100 x 100 cells.

    By the seed: the resolution, whether a lattice corner lies inside, whether a sheet of each kind
    is missing, whether heights are whole centimetres. Footprints have a column `blok` for --group.
    """
    rng = np.random.default_rng(seed)
    r = RESOLUTIONS[seed % 4]
    rows, columns = rng.integers(90, 130, 2)
    west = CORNER[0] - r * int(rng.integers(20, columns - 20)) * (seed % 3 < 2)
    north = CORNER[1] + r * int(rng.integers(20, rows - 20))
    transform = Affine(r, 0, west, 0, -r, north)
    shapes = [_shape(rng, (columns * r, rows * r), r) for _ in range(FOOTPRINTS)]
    shapes += [shapely.Polygon(), None, shapely.Point(5, 5), shapely.LineString([(1, 1), (9, 9)])]
    shapes += [shapely.Polygon([(4, 4), (8, 8), (12, 12)]), shapely.box(-90, -90, -80, -70)]
    corner = np.array([west, north - rows * r])
    placed = [shapely.transform(s, lambda xy: xy + corner) for s in shapes]
    dsm, dtm = _heights(rng, (rows, columns), transform, placed)
    folder.mkdir(parents=True, exist_ok=True)
    missing = int(rng.integers(9)) if seed % 5 < 2 else None
    profile = {"dtype": "int16"} if seed % 7 == 3 else {}
    kinds = (("R", dsm), ("M", dtm))
    sheets = [write_sheets(folder, n, h, transform, missing, **profile) for n, h in kinds]
    path = folder / "pand.parquet"
    _table(rng, placed).to_parquet(path)
    return Files(*sheets, path)


def _table(rng: np.random.Generator, placed: list[Any]) -> gpd.GeoDataFrame:
    n = len(placed)
    ids = [f"NL.IMBAG.Pand.{i % 2 if i % 9 == 1 else 500 + i:016d}" for i in range(n)]
    drawn = rng.integers(1890, 2024, n)
    years = [None if y < 1900 else 1005 if y < 1910 else int(y) for y in drawn]
    groups = [None if g > 9 else f"blok {g}" for g in rng.integers(0, 14, n)]
    columns = {
        "identificatie": ids,
        "bouwjaar": np.array(years, object),
        "pandstatus": [STATUSES[i] for i in rng.integers(0, len(STATUSES), n)],
        "blok": groups,
    }
    table = gpd.GeoDataFrame(columns, geometry=placed, crs=28992)
    return table.astype({"bouwjaar": "Int64"})


def _heights(
    rng: np.random.Generator, shape: tuple[int, int], transform: Affine, placed: list[Any]
) -> tuple[Array, Array]:
    """DSM and DTM: a slope below and above NAP, flat and gabled blocks, trees and holes."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    lean = rng.normal(0, 0.02, 2)
    ground = -1.5 + lean[0] * rows + lean[1] * columns + rng.normal(0, 0.05, shape)
    surface = ground + 7 * (rng.random(shape) < 0.02)
    for polygon in placed:
        if polygon is None or polygon.is_empty or not polygon.area or rng.random() < 0.08:
            continue
        valid, touched = shapely.make_valid(polygon), rng.random() < 0.3
        burnt = rasterize([valid], shape, transform=transform, all_touched=touched).astype(bool)
        if np.isnan(ground[burnt]).all():
            continue
        height = HEIGHTS[rng.integers(len(HEIGHTS))]
        gable = rng.random() < 0.3
        slope = 0.3 * np.abs(rows - rows[burnt].mean()) if gable else 0.0
        top = np.round(np.nanmedian(ground[burnt]), 2) + height - slope
        surface = np.where(burnt, top, surface)
        if rng.random() < 0.9:
            ground = np.where(burnt, np.nan, ground)
        if rng.random() < 0.1:
            surface = np.where(burnt & (rng.random(shape) < 0.7), np.nan, surface)
    for height in (ground, surface):
        for _ in range(3):
            top, left = (int(rng.integers(size)) for size in shape)
            height[top : top + int(rng.integers(1, 25)), left : left + int(rng.integers(1, 25))] = (
                np.nan
            )
    return surface.astype(np.float32), ground.astype(np.float32)


def _shape(rng: np.random.Generator, size: tuple[float, float], r: float) -> Any:
    """A footprint somewhere in or across the ground, counted from its south-western corner [m]."""
    x, y = rng.uniform(-2 * r, size[0] + 2 * r), rng.uniform(-2 * r, size[1] + 2 * r)
    a, b = rng.uniform(2, 14, 2) * r
    turn = rng.uniform(0, math.pi)
    match rng.integers(9):
        case 0:  # smaller than a cell
            return _turned(shapely.box(0, 0, 0.3 * r, 0.3 * r), x, y, turn)
        case 1:  # a sliver
            return _turned(shapely.box(0, 0, 0.2 * r, b), x, y, turn)
        case 2:  # its edges on cell lines
            x, y, a, b = (round(v / r) * r for v in (x, y, a, b))
            return shapely.box(x, y, x + a, y + b)
        case 3 if r < 5:  # its edges through cell centres, which GDAL decides exactly below 5 m
            x, y, a, b = (round(v / r) * r for v in (x, y, a, b))
            return shapely.box(x + r / 2, y + r / 2, x + r / 2 + a, y + r / 2 + b)
        case 4:  # a court with a hole: the centroid lies in neither
            court = shapely.box(0, 0, a + 4 * r, b + 4 * r)
            return _turned(court - shapely.box(r, r, a + 2.7 * r, b + 3 * r), x, y, turn)
        case 5:  # an angle, and a part apart
            angle = shapely.box(0, 0, a, 2 * r) | shapely.box(0, 0, 2 * r, b)
            return _turned(angle | shapely.box(a + r, b + r, a + 3 * r, b + 3 * r), x, y, turn)
        case 6:  # a ring that crosses itself
            return _turned(shapely.Polygon([(0, 0), (a, b), (a, 0), (0, b)]), x, y, turn)
        case 7:  # with heights of its own
            return shapely.force_3d(_turned(shapely.box(0, 0, a, b), x, y, turn), 4.0)
    return _turned(shapely.box(0, 0, a, b), x, y, turn)


def _turned(shape: Any, x: float, y: float, turn: float) -> Any:
    cos, sin = math.cos(turn), math.sin(turn)
    matrix = np.array([[cos, sin], [-sin, cos]])
    return shapely.transform(shape, lambda xy: xy @ matrix + np.array([x, y]))
