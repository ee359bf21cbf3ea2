"""The method `powermapping` a second time, written from its text alone: slow and obvious.

Whole arrays, no blocks, nothing compiled, nothing shared with the program. Rasters are north-up,
in metres, NaN where there is no data; a `Sun` is in degrees, as printed, other angles in radians.
"""

import math
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from affine import Affine
from numpy.typing import NDArray
from pvlib.solarposition import spa_python
from rasterio.features import rasterize, shapes

LATTICE = 10_240.0
# fmt: off
STANDING = ("Pand in gebruik", "Pand in gebruik (niet ingemeten)", "Verbouwing pand",
            "Pand buiten gebruik", "Sloopvergunning verleend")
NOT_STANDING = ("Bouw gestart", "Bouwvergunning verleend", "Niet gerealiseerd pand",
                "Pand gesloopt", "Pand ten onrechte opgevoerd")
DEFAULTS: dict[str, Any] = {
    "surface": "extruded", "roof_percentile": 70, "ground_percentile": 50, "ground_ring_m": 10.0,
    "min_height_m": 1.5, "statuses": STANDING, "heights_year": None, "date": "2025-12-21",
    "times": ("10:00", "12:00", "14:00"), "elevation": "true", "centre": "centroid",
    "wind_min_height_m": 20.0, "wind_radius_m": 100.0, "wind_compare": "nap",
    "wind_tie": "higher", "reach_height_m": 30.0, "panel_share": 0.10, "solar_kwh_m2": 70.8,
    "turbine_kwh": 3060.0, "household_kwh": 3400.0,
}
# fmt: on
Raster = NDArray[np.float32]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


class Sun(NamedTuple):
    """Grid azimuth and elevation [degree], rounded to 0.001."""

    azimuth: float
    elevation: float


class Cells(NamedTuple):
    """Cells of an array: rows (southward) and columns."""

    rows: Numbers
    columns: Numbers

    def where(self, mask: Mask) -> "Cells":
        return Cells(self.rows[mask], self.columns[mask])

    def centres(self, transform: Affine) -> NDArray[np.float64]:
        """x and y [m], shape (n, 2)."""
        x = transform.c + (self.columns + 0.5) * transform.a
        return np.column_stack([x, transform.f - (self.rows + 0.5) * transform.a])


NO_CELLS = Cells(np.empty(0, int), np.empty(0, int))


@dataclass
class Building:
    """What is known of one footprint; heights in centimetres."""

    polygon: Any  # None where there is no usable one
    rejected: str | None
    own: Cells = NO_CELLS
    roofed: Cells = NO_CELLS  # the own cells with DSM data
    centre: Any = None
    on_rasters: bool = False
    roof: int | None = None
    ground: int | None = None
    flags: set[str] = field(default_factory=set)

    @property
    def height(self) -> int | None:
        return None if self.roof is None or self.ground is None else self.roof - self.ground

    @property
    def stands(self) -> bool:
        return self.rejected in (None, "no_ground")

    def measured(self) -> dict[str, Any]:
        x, y = (self.centre.x, self.centre.y) if self.polygon else (math.nan, math.nan)
        area = self.polygon.area if self.polygon else math.nan
        ground, roof, height = (
            math.nan if cm is None else cm / 100 for cm in (self.ground, self.roof, self.height)
        )
        heights = {"ground_m": ground, "roof_m": roof, "height_m": height}
        cells = len(self.roofed.rows)
        return {"area_m2": area, **heights, "cells": cells, "centre_x": x, "centre_y": y}


@cache
def suns(date: str, times: tuple[str, ...], elevation: str, column: int, row: int) -> list[Sun]:
    """The sun of the lattice cell `column`, `row` (from RD 0, 0) at each time [CET]."""
    to_degrees = pyproj.Transformer.from_crs(28992, 4326, always_xy=True)
    lon, lat = to_degrees.transform((column + 0.5) * LATTICE, (row + 0.5) * LATTICE)
    when = pd.DatetimeIndex([f"{date}T{time}+01:00" for time in times])
    at = spa_python(when, lat, lon, altitude=0, delta_t=67.0)
    convergence = pyproj.Proj("EPSG:28992").get_factors(lon, lat).meridian_convergence
    height = at["elevation" if elevation == "true" else "apparent_elevation"]
    pairs = zip(at["azimuth"], height, strict=True)
    return [Sun(round(float(a) - convergence, 3), round(float(e), 3)) for a, e in pairs]


def sweep(height: Raster, rows: Numbers, columns: Numbers, sun: Sun, resolution: float) -> Mask:
    """Which cells are shaded by one sun: every ray walked at once, row by row.

    `height` runs northward; `rows` and `columns` number its cells from the south-western cell
    of the sun's lattice cell. Cell (row, column) lies on ray k = column - rint(tan(A) row).
    """
    a, e = math.radians(sun.azimuth), math.radians(sun.elevation)
    drop = np.float32(resolution / max(abs(math.cos(a)), abs(math.sin(a))) * math.tan(e))
    along, slope, by_rows = math.cos(a), math.tan(a), abs(math.cos(a)) >= abs(math.sin(a))
    if not by_rows:
        height, rows, columns, along, slope = height.T, columns, rows, math.sin(a), 1 / slope
    shift = np.rint(slope * rows).astype(int)
    lowest, highest = columns[0] - shift.max(), columns[-1] - shift.min()
    carried = np.full(highest - lowest + 1, -np.inf, np.float32)  # one number a ray, from `lowest`
    shaded = np.zeros(height.shape, bool)
    for r in range(len(rows)) if along < 0 else reversed(range(len(rows))):
        rays = columns - shift[r] - lowest
        carried[rays] -= drop
        shaded[r] = carried[rays] > height[r]
        carried[rays] = np.fmax(carried[rays], height[r])
    return shaded if by_rows else shaded.T


def cast_shadow(
    surface: Raster, transform: Affine, date: str, times: tuple[str, ...], elevation: str
) -> NDArray[np.uint8]:
    """Bit i where shaded at sun i; 255 where the surface has no data."""
    per, northward = round(LATTICE / transform.a), surface[::-1]
    rows = round(transform.f / transform.a) - len(surface) + np.arange(len(surface))
    columns = round(transform.c / transform.a) + np.arange(surface.shape[1])  # from RD (0, 0)
    bits = np.where(np.isnan(northward), 255, 0).astype(np.uint8)
    for row, column in product(np.unique(rows // per), np.unique(columns // per)):
        there = np.ix_(rows // per == row, columns // per == column)
        for i, sun in enumerate(suns(date, tuple(times), elevation, int(column), int(row))):
            first_row, first_column = row * per, column * per
            shaded = sweep(northward, rows - first_row, columns - first_column, sun, transform.a)
            bits[there] |= shaded[there].astype(np.uint8) << i
    return bits[::-1]


@np.errstate(over="ignore", invalid="ignore")
def hillshade(
    height: Raster, resolution: float, azimuth: float, altitude: float
) -> NDArray[np.uint8]:
    """Horn's hillshade as GDAL writes it: 1-255; 0 at the edge and beside a cell without data.

    In float32, differences of opposite neighbours before sums, as GDAL has it.
    """
    (a, b, c), (d, e, f), (g, h, i) = (
        [height[r : r - 2 or None, k : k - 2 or None] for k in range(3)] for r in range(3)
    )
    east = (i - a) + (f - d) + (f - d) + (c - g)
    north = (a - i) + (b - h) + (b - h) + (c - g)
    per_cell = 1 / (8 * resolution)
    level, flat = 254 * math.sin(altitude), 254 * math.cos(altitude) * per_cell
    shade = np.float32(level) - east * np.float32(flat * math.sin(azimuth))
    shade = shade - north * np.float32(flat * math.cos(azimuth))
    shade /= np.sqrt(1 + np.float32(per_cell**2) * (east * east + north * north))
    grey = np.zeros(height.shape, np.uint8)
    known = ~np.isnan(east + north + e)
    grey[1:-1, 1:-1][known] = np.floor(np.float32(1.5) + np.where(shade > 0, shade, 0)[known])
    return grey


def extruded_surface(dtm: Raster, own: list[Cells], roofs: list[float]) -> Raster:
    """The DTM with a flat block on the cells of each roof [m NAP]; where two overlap, the higher.

    A roof that is NaN is no block.
    """
    block = np.full(dtm.shape, -np.inf, np.float32)
    for cells, roof in zip(own, roofs, strict=True):
        block[cells] = np.fmax(block[cells], np.float32(roof))
    return np.where(np.isneginf(block), dtm, block)


def usable_polygon(geometry: Any) -> tuple[Any, str | None, bool]:
    """The polygon or None, the fault if None, and whether it had to be repaired."""
    if geometry is None or geometry.is_empty:
        return None, "empty", False
    flat = shapely.force_2d(geometry)
    if not np.isfinite(shapely.get_coordinates(flat)).all():
        return None, "invalid", False
    if flat.is_valid and flat.geom_type in ("Polygon", "MultiPolygon"):
        return flat, None, False
    parts = shapely.get_parts(shapely.get_parts(shapely.make_valid(flat)))
    repaired = shapely.union_all([part for part in parts if part.geom_type == "Polygon"])
    return (repaired, None, True) if repaired.area > 0 else (None, "invalid", False)


def centre_of(polygon: Any, rule: str) -> Any:
    """The centroid if it meets the polygon, else GEOS's point on surface."""
    inside = rule == "centroid" and polygon.intersects(polygon.centroid)
    return polygon.centroid if inside else polygon.point_on_surface()


def cell_of(point: Any, transform: Affine) -> Cells:
    """The one cell that holds a point; on a line, the cell north-east of it."""
    northward = math.floor(point.y / transform.a) - round(transform.f / transform.a)
    eastward = math.floor(point.x / transform.a) - round(transform.c / transform.a)
    return Cells(np.array([-1 - northward]), np.array([eastward]))


def cells_inside(polygon: Any, transform: Affine) -> Cells:
    """The cells whose centre lies in the polygon, on the endless grid of the raster."""
    west, south, east, north = polygon.bounds
    left = math.floor((west - transform.c) / transform.a) - 1
    top = math.floor((transform.f - north) / transform.a) - 1
    width = math.ceil((east - transform.c) / transform.a) + 1 - left
    height = math.ceil((transform.f - south) / transform.a) + 1 - top
    x, y, res = transform.c + left * transform.a, transform.f - top * transform.a, transform.a
    window = Affine(res, 0.0, x, 0.0, -res, y)
    burnt = rasterize([(polygon, 1)], (height, width), transform=window, dtype="uint8")
    rows, columns = np.nonzero(burnt)
    return Cells(rows + top, columns + left)


def covered(cells: Cells, on_raster: Mask) -> Mask:
    """Which of the cells lie on the rasters."""
    height, width = on_raster.shape
    inside = (cells.rows >= 0) & (cells.columns >= 0)
    inside &= (cells.rows < height) & (cells.columns < width)
    inside[inside] = on_raster[cells.where(inside)]
    return inside


def centimetres(values: Any) -> Numbers:
    return np.rint(100 * np.asarray(values, float)).astype(np.int64)


def percentile(values: Raster, p: float) -> int | None:
    """The ceil(p n / 100)-th smallest, in centimetres; None of nothing."""
    rank = max(math.ceil(p * values.size / 100), 1)
    return int(np.sort(centimetres(values))[rank - 1]) if values.size else None


def ground_values(polygon: Any, dtm: Raster, transform: Affine, ring: float) -> Raster:
    """The valid DTM cells whose centre lies in the bounding box grown by `ring`."""
    west, south, east, north = polygon.bounds
    x = transform.c + (np.arange(dtm.shape[1]) + 0.5) * transform.a
    y = transform.f - (np.arange(dtm.shape[0]) + 0.5) * transform.a
    across = (x >= west - ring) & (x <= east + ring)
    down = (y >= south - ring) & (y <= north + ring)
    values = dtm[np.ix_(down, across)]
    return values[~np.isnan(values)]


def measure(
    geometry: Any, dsm: Raster, dtm: Raster, transform: Affine, on_raster: Mask, p: dict[str, Any]
) -> Building:
    """Cells, heights and the flags that hang on them, of one footprint."""
    polygon, fault, repaired = usable_polygon(geometry)
    b = Building(polygon, fault)
    if polygon is None:
        return b
    b.centre = centre_of(polygon, p["centre"])
    centre_cell, inside = cell_of(b.centre, transform), cells_inside(polygon, transform)
    every = inside if inside.rows.size else centre_cell
    b.own = every.where(covered(every, on_raster))
    b.roofed = b.own.where(~np.isnan(dsm[b.own]))
    b.on_rasters = bool(covered(centre_cell, on_raster).all())
    b.roof = percentile(dsm[b.roofed], p["roof_percentile"])
    b.ground = percentile(
        ground_values(polygon, dtm, transform, p["ground_ring_m"]), p["ground_percentile"]
    )
    high, middle = (percentile(dsm[b.roofed], q) or 0 for q in (95, 50))
    flags = [("repaired", repaired), ("one_cell", every is centre_cell)]
    flags += [("uneven", high - middle > 1000), ("part_outside", len(b.own[0]) < len(every[0]))]
    b.flags = {name for name, holds in flags if holds}
    return b


def rejection(b: Building, standing: bool, newer: bool, p: dict[str, Any]) -> str | None:
    """The first reason that holds why a footprint is not judged."""
    low = b.height is not None and bool(b.height < centimetres(p["min_height_m"]))
    reasons = {"not_standing": not standing, "newer_than_heights": newer}
    reasons |= {"off_rasters": not b.on_rasters, "no_data": b.roof is None}
    reasons |= {"no_ground": b.ground is None, "not_in_heights": low}
    return b.rejected or next((name for name, holds in reasons.items() if holds), None)


def column_of(table: pd.DataFrame, *names: str) -> list[Any] | None:
    """The first of the named columns that there is, in any case; null is None."""
    by_name = {str(name).lower(): name for name in reversed(table.columns)}
    found = [by_name[name.lower()] for name in names if name.lower() in by_name]
    return [None if pd.isna(v) else v for v in table[found[0]]] if found else None


def deciding_cell(b: Building, transform: Affine) -> Cells:
    """The roofed cell nearest to the centre (ties: the northern, then the western)."""
    away = b.roofed.centres(transform) - [b.centre.x, b.centre.y]
    first = np.lexsort((b.roofed.columns, b.roofed.rows, (away**2).sum(axis=1)))[:1]
    return Cells(b.roofed.rows[first], b.roofed.columns[first])


def wind_shadowed(
    i: int, buildings: list[Building], groups: list[Any], dsm: Raster, res: float, p: dict[str, Any]
) -> bool:
    """Whether a higher building of another group stands within the radius of candidate `i`."""
    mine, higher = buildings[i], np.zeros(dsm.shape, bool)
    for j, other in enumerate(buildings):
        same = j == i or (groups[i] is not None and groups[i] == groups[j])
        nap = p["wind_compare"] == "nap"
        a, b = (x.roof if nap else x.height for x in (mine, other))
        if not same and other.stands and a is not None and b is not None:
            higher[other.own] |= b > a or (p["wind_tie"] == "at_least_as_high" and b == a)
    higher[mine.own] = False
    rows, columns = np.nonzero(higher)
    for row, column in zip(*mine.own, strict=True):
        squared = ((rows - row) ** 2 + (columns - column) ** 2) * res**2
        if (squared <= p["wind_radius_m"] ** 2).any():
            return True
    return False


class Inputs:
    """Where there are inputs: the rasters' extent and the footprints' box, less missing sheets."""

    def __init__(self, polygons: list[Any], on_raster: Mask, transform: Affine) -> None:
        east = transform.c + on_raster.shape[1] * transform.a
        south = transform.f - on_raster.shape[0] * transform.a
        extent = shapely.box(transform.c, south, east, transform.f)
        box = shapely.box(*shapely.total_bounds(polygons)) if polygons else extent
        holes = shapes((~on_raster).astype(np.uint8), mask=~on_raster, transform=transform)
        self.box = extent.intersection(box)
        self.missing = shapely.union_all([shapely.geometry.shape(hole) for hole, _ in holes])

    def cut_ray(self, start: NDArray[np.float64], sun: Sun, climb: float) -> bool:
        """Whether they end before the straight ray towards the sun has climbed that much."""
        a, length = math.radians(sun.azimuth), climb / math.tan(math.radians(sun.elevation))
        ray = shapely.LineString([start, start + length * np.array([math.sin(a), math.cos(a)])])
        missing = self.missing.intersects(ray) and not self.missing.touches(ray)
        return bool(missing or not self.box.covers(ray))

    def cut_radius(self, cells: NDArray[np.float64], radius: float) -> bool:
        """Whether they end nearer than `radius` to one of the cells' centres."""
        centres = shapely.MultiPoint(cells)
        inside = self.box.covers(centres) and self.box.boundary.distance(centres) >= radius
        return not inside or bool(self.missing.distance(centres) < radius)


def verdicts(
    lit: list[bool], candidate: bool, shadowed: bool, share: float, area: float, p: Any
) -> dict:
    """The columns of a footprint that is judged."""
    solar, wind = all(lit), candidate and not shadowed
    panels = p["panel_share"] * area if solar else 0.0
    return {
        "lit": lit,
        "solar_suitable": solar,
        "panel_area_m2": panels,
        "solar_kwh": p["solar_kwh_m2"] * panels,
        "wind_candidate": candidate,
        "wind_shadowed": shadowed if candidate else None,
        "wind_suitable": wind,
        "wind_kwh": float(p["turbine_kwh"]) if wind else 0.0,
        "class": "wind_or_solar" if wind else "solar" if solar else "none",
        "lit_share": share,
        "lit_area_m2": share * area,
    }


def powermapping(
    dsm: Raster,
    dtm: Raster,
    transform: Affine,
    footprints: gpd.GeoDataFrame,
    *,
    group: str | None = None,
    on_raster: Mask | None = None,
    **parameters: Any,
) -> pd.DataFrame:
    """One row a footprint, in the order of the input: the columns of `buildings.parquet`.

    DSM and DTM [m NAP] share one grid, shape (rows, columns); `on_raster` are the cells that both
    cover. Null is what `pandas.isna` finds. TypeError: unknown parameter.
    """
    if unknown := parameters.keys() - DEFAULTS.keys():
        raise TypeError(f"unknown parameters: {sorted(unknown)}")
    p = DEFAULTS | parameters
    on_raster = np.ones(dsm.shape, bool) if on_raster is None else on_raster
    dsm, dtm = (np.where(on_raster, raster, np.float32(np.nan)) for raster in (dsm, dtm))

    nothing = [None] * len(footprints)
    ids = column_of(footprints, "identificatie", "id", "gml_id") or nothing
    ids = [None if v is None else str(v).removeprefix("NL.IMBAG.Pand.") for v in ids]
    statuses = column_of(footprints, "status", "pandstatus")
    built = column_of(footprints, "bouwjaar", "oorspronkelijkbouwjaar", "built") or nothing
    built = [None if v is None or int(v) == 1005 else int(v) for v in built]
    groups = column_of(footprints, group) or nothing if group else nothing
    known = {*STANDING, *NOT_STANDING, *p["statuses"]}

    buildings = [measure(g, dsm, dtm, transform, on_raster, p) for g in footprints.geometry]
    for i, b in enumerate(buildings):
        recognised = statuses is None or statuses[i] in known
        standing = statuses is None or not recognised or statuses[i] in p["statuses"]
        year, survey = built[i], p["heights_year"]
        b.rejected = rejection(b, standing, None not in (year, survey) and year > survey, p)
        b.flags |= set() if recognised else {"unknown_status"}
        b.flags |= {"repeated_id"} if ids[i] is not None and ids.count(ids[i]) > 1 else set()

    roofs = [b.measured()["roof_m"] if b.stands else math.nan for b in buildings]
    blocks = extruded_surface(dtm, [b.own for b in buildings], roofs)
    surface = blocks if p["surface"] == "extruded" else dsm
    shadow = cast_shadow(surface, transform, p["date"], p["times"], p["elevation"])
    inputs = Inputs([b.polygon for b in buildings if b.polygon], on_raster, transform)

    unjudged = dict.fromkeys(verdicts([], False, False, 0.0, 0.0, p))
    rows: list[dict[str, Any]] = []
    for i, b in enumerate(buildings):
        found: dict[str, Any] = unjudged
        if b.roof is not None:
            deciding = deciding_cell(b, transform)
            (at,) = deciding.centres(transform)
            column, row = (math.floor(v / LATTICE) for v in at)
            towards = suns(p["date"], tuple(p["times"]), p["elevation"], column, row)
            if any(inputs.cut_ray(at, sun, p["reach_height_m"]) for sun in towards):
                b.flags.add("reach_cut")
        if b.rejected is None and b.height is not None:
            lit = [not shadow[deciding][0] >> s & 1 for s in range(len(p["times"]))]
            candidate = bool(b.height >= centimetres(p["wind_min_height_m"]))
            radius = p["wind_radius_m"]
            if candidate and inputs.cut_radius(b.own.centres(transform), radius):
                b.flags.add("reach_cut")
            shadowed = candidate and wind_shadowed(i, buildings, groups, dsm, transform.a, p)
            share = int((shadow[b.roofed] == 0).sum()) / len(b.roofed.rows)
            found = verdicts(lit, candidate, shadowed, share, b.polygon.area, p)
        given = {"row": i, "id": ids[i], "built": built[i], "status": statuses and statuses[i]}
        rows.append(given | b.measured() | found)
        rows[-1] |= {"flags": sorted(b.flags), "rejected": b.rejected}
    return pd.DataFrame(rows).astype({"built": "Int64"})


def polygon_neighbours(footprints: gpd.GeoDataFrame, heights: Any, radius: float) -> Mask:
    """Whether a higher polygon lies within `radius` [m] of each, edge to edge.

    The geometric check of the rule on cells. `heights`: one a footprint, NaN shelters nobody.
    """
    polygons, heights = np.asarray(footprints.geometry), np.asarray(heights, float)
    near = [shapely.dwithin(polygon, polygons, radius) for polygon in polygons]
    return np.array([(n & (heights > h)).any() for n, h in zip(near, heights, strict=True)])
