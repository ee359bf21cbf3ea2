"""Footprints of buildings: read, repaired, and known by their row."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from kernels.rings import Rings
from pipeline.errors import InputError
from pipeline.files import find, identity, named
from pipeline.vectors import ENDINGS, column, read_vector

PREFIX = "NL.IMBAG.Pand."
ID_COLUMNS = ("identificatie", "identifica", "id", "gml_id")  # a shapefile cuts names off at 10
BUILT_COLUMNS = ("bouwjaar", "oorspronkelijkbouwjaar", "oorspronke")
UNKNOWN_YEAR = 1005  # what the BAG writes where the year of building is not known
FARTHEST_M = 1e7  # coordinates beyond this are none


@dataclass(frozen=True)
class Footprints:
    """Footprints in the order of the input; the row is the position.

    id: text; built: float64, NaN where unknown; status: text or None; has_status: whether the file
    has that column; geometry: valid polygons or None; reason: `empty`, `invalid` or None; repaired,
    repeated: bool; area [m2]; centre: (n, 2) [m], NaN where there is none; bounds: (n, 4) [m];
    group: int64, equal for the parts of one building.
    """

    id: NDArray[Any]
    built: NDArray[np.float64]
    status: NDArray[Any]
    has_status: NDArray[np.bool_]
    geometry: NDArray[Any]
    reason: NDArray[Any]
    repaired: NDArray[np.bool_]
    repeated: NDArray[np.bool_]
    area: NDArray[np.float64]
    centre: NDArray[np.float64]
    bounds: NDArray[np.float64]
    group: NDArray[np.int64]
    sources: tuple[dict[str, Any], ...]

    def __len__(self) -> int:
        return len(self.id)

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Those with a polygon, and so with a centre."""
        return pd.isna(self.reason)


def read_footprints(
    sources: Iterable[str],
    *,
    layer: str | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
    centre: str = "centroid",
) -> Footprints:
    """Footprints of one or more files, one after another.

    centre: `centroid` (where it does not intersect the polygon: GEOS's point on surface) or
    `point_on_surface`. Raises InputError for a file or a column that is not there.
    """
    files = find(sources, ENDINGS, "buildings")
    read = {file: read_vector(file, layer) for file in files}
    known = tuple(identity(file) | {"crs": table.attrs["crs"]} for file, table in read.items())
    if not any(map(len, read.values())):
        raise InputError(f"{named(files[0])}: holds no footprints; is it the right file or layer?")
    table = pd.concat(
        [_columns(t, named(file), id_column, group_column) for file, t in read.items() if len(t)],
        ignore_index=True,
    )
    geometry, reason, repaired = _polygons(table["geometry"].to_numpy())
    ids = table["id"].to_numpy(object)
    return Footprints(
        id=ids,
        built=table["built"].to_numpy(np.float64),
        status=table["status"].to_numpy(object),
        has_status=table["has_status"].to_numpy(np.bool_),
        geometry=geometry,
        reason=reason,
        repaired=repaired,
        repeated=pd.Series(ids).duplicated(keep=False).to_numpy() & (ids != ""),
        area=shapely.area(geometry),
        centre=_centres(geometry, centre),
        bounds=shapely.bounds(geometry),
        group=_groups(table["group"]),
        sources=known,
    )


def _columns(
    table: geopandas.GeoDataFrame, file: str, id_column: str | None, group_column: str | None
) -> pd.DataFrame:
    def wanted(name: str, option: str) -> str:
        found = column(table, name)
        if found is None:
            raise InputError(f"{file}: no column {name!r}{_has(table)}; name another with {option}")
        return found

    identifier = wanted(id_column, "--id") if id_column else None
    identifier = identifier or column(table, *ID_COLUMNS)
    if identifier is None:
        raise InputError(
            f"{file}: no column identificatie, id or gml_id{_has(table)};"
            " name the one with the building's id with --id"
        )
    status = column(table, "status", "pandstatus")
    built = column(table, *BUILT_COLUMNS)
    group = wanted(group_column, "--group") if group_column else None
    return pd.DataFrame(
        {
            "id": _texts(table[identifier]).str.removeprefix(PREFIX).astype(object),
            "built": _years(table[built]) if built else np.nan,
            "status": _optional(table, status),
            "group": _optional(table, group),
            "has_status": status is not None,
            "geometry": table.geometry.to_numpy(),
        }
    )


def _years(values: pd.Series) -> NDArray[np.float64]:
    years = np.floor(pd.to_numeric(values, errors="coerce").astype(float))
    return years.where((years.abs() < 10_000) & (years != UNKNOWN_YEAR)).to_numpy()


def _has(table: geopandas.GeoDataFrame) -> str:
    names = [str(c) for c in table.columns if c != table.geometry.name]
    return f" (it has {', '.join(names[:12])})" if names else " (it has none)"


def _texts(values: pd.Series) -> pd.Series:
    return pd.Series([as_text(value) for value in values], dtype=object)


def _optional(table: geopandas.GeoDataFrame, name: str | None) -> pd.Series:
    """A column as text, None where it is null or empty or there is no such column."""
    texts = [as_text(value) or None for value in table[name]] if name else [None] * len(table)
    return pd.Series(texts, dtype=object)


def as_text(value: Any) -> str:
    """A value as an id: empty for null, a whole number without a point."""
    if isinstance(value, list | tuple | dict | np.ndarray):
        return str(value)
    if value is None or value is pd.NA or value is pd.NaT or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _polygons(given: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """Valid polygons or None, the reason why None, and which were repaired."""
    empty = shapely.is_missing(given) | shapely.is_empty(given)
    place = np.abs(shapely.bounds(given)).max(axis=1) < FARTHEST_M  # never so for NaN
    geometry = given.copy()
    geometry[~place] = None
    sound = shapely.is_valid(geometry) & np.isin(shapely.get_type_id(geometry), (3, 6))
    geometry[~(sound & (shapely.area(geometry) > 0))] = None
    for i in np.flatnonzero(~sound & ~empty & place):
        geometry[i] = _repair(given[i])
    reason = np.full(len(given), None, object)
    reason[shapely.is_missing(geometry)] = "invalid"
    reason[empty] = "empty"
    return geometry, reason, ~sound & pd.isna(reason)


def _repair(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """The polygons of what GEOS makes of an invalid geometry; None if it has no area."""
    try:
        parts = shapely.get_parts(shapely.make_valid(geometry))
    except shapely.errors.GEOSException:  # a coordinate is NaN
        return None
    while (shapely.get_type_id(parts) > 3).any():  # collections, at whatever depth
        parts = shapely.get_parts(parts)
    polygons = parts[shapely.get_type_id(parts) == 3]
    whole = shapely.union_all(polygons)
    return whole if whole.area > 0 else None


def _centres(geometry: NDArray[Any], kind: str) -> NDArray[np.float64]:
    on_surface = shapely.point_on_surface(geometry)
    if kind == "centroid":
        centroid = shapely.centroid(geometry)
        inside = shapely.intersects(centroid, geometry)
        on_surface = np.where(inside, centroid, on_surface)
    return np.column_stack([shapely.get_x(on_surface), shapely.get_y(on_surface)])


def _groups(values: pd.Series) -> NDArray[np.int64]:
    """A number for each value; a footprint without one has a number of its own."""
    codes = pd.factorize(values)[0].astype(np.int64)
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
    return codes


def to_rings(geometry: NDArray[Any], resolution: float) -> Rings:
    """Polygons as the kernels take them: clockwise rings in cells, each footprint's coordinates
    counted from the north-western cell of its bounding box."""
    parts, owner = shapely.get_parts(geometry, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    owner = owner[part]
    xy, ring = shapely.get_coordinates(_clockwise(rings), return_index=True)
    bounds = shapely.bounds(geometry).reshape(-1, 4)
    left = np.floor(bounds[:, 0] / resolution)
    north = np.ceil(bounds[:, 3] / resolution)
    of = owner[ring]
    return Rings(
        top=-north.astype(np.int64),
        left=left.astype(np.int64),
        x=(xy[:, 0] - left[of] * resolution) / resolution,
        y=(north[of] * resolution - xy[:, 1]) / resolution,
        points=np.searchsorted(ring, np.arange(len(rings) + 1)),
        rings=np.searchsorted(owner, np.arange(len(geometry) + 1)),
    )


def _clockwise(rings: NDArray[Any]) -> NDArray[Any]:
    turned = shapely.is_ccw(rings)
    return np.where(turned, shapely.reverse(rings), rings)
