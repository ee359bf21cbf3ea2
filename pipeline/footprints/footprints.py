"""Footprints of buildings: read and repaired."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from kernels.rings import Rings, to_cells, turn_clockwise
from kernels.wkb import decode_polygons
from pipeline.engine.tasks import check_stop
from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.storage.files import find, identity
from pipeline.terms import Field, File
from pipeline.vectors.crossings import is_entangled
from pipeline.vectors.files import ENDINGS, column, read_vector
from pipeline.vectors.overlay import make_one_valid

PREFIX = "NL.IMBAG.Pand."
ID_COLUMNS = ("identificatie", "identifica", "id", "gml_id")  # a shapefile cuts names off at 10
BUILT_COLUMNS = ("bouwjaar", "oorspronkelijkbouwjaar", "oorspronke")
VERDICTS = {"excluded", "flags", "rejected"}  # columns of the table of a run, and its exports
UNKNOWN_YEAR = 1005  # what the BAG writes where the year of building is not known
FARTHEST_M = 1e7  # coordinates beyond this are invalid
LARGE = 500  # positions; GEOS validates any smaller polygon within 2 ms


@dataclass(frozen=True)
class Footprints:
    """Footprints, by position.

    row: int64, the position in the input; place: int64, that in the prepared order, -1 for those
    without a polygon; id: text; built: float64, NaN where unknown; status: text or None;
    has_status: whether the file has that column; wkb: valid polygons as well-known binary, or None;
    reason: `empty`, `invalid` or None; repaired, repeated: bool; area [m2]; centre: (n, 2) [m], NaN
    where there is none; bounds: (n, 4) [m]; group: int64, equal for the parts of one building, and
    only among these footprints.
    """

    place: NDArray[np.int64]
    row: NDArray[np.int64]
    id: NDArray[Any]
    built: NDArray[np.float64]
    status: NDArray[Any]
    has_status: NDArray[np.bool_]
    wkb: NDArray[Any]
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

    def take(self, chosen: NDArray[Any]) -> "Footprints":
        """Some of these, by position or mask."""
        columns = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "sources"}
        some = {name: values[chosen] for name, values in columns.items()}
        return Footprints(**some, sources=self.sources)

    @cached_property
    def geometry(self) -> NDArray[Any]:
        """Valid polygons or None, decoded at their first use."""
        decoded: NDArray[Any] = shapely.from_wkb(self.wkb)
        return decoded

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Which footprints have a polygon, and so a centre: (n,) bool."""
        return pd.isna(self.reason)


def read_files(sources: Iterable[str], layer: str | None = None) -> dict[str, GeoDataFrame]:
    """The tables of some files by their paths, in RD metres. Raises InputError for a file that is
    not there, and where none has a row."""
    tables = {file: read_vector(file, layer) for file in find(sources, ENDINGS, "buildings")}
    if not any(map(len, tables.values())):
        raise InputError(
            File(next(iter(tables))), "holds no footprints", "is it the right file or layer?"
        )
    return tables


def footprints_of(
    tables: Mapping[str, GeoDataFrame], id_column: str | None, group_column: str | None, centre: str
) -> Footprints:
    """Footprints of the tables of some files, one after another.

    centre: `centroid` (where it does not intersect the polygon: GEOS's point on surface) or
    `point_on_surface`. Raises InputError for a column that is not there.
    """
    parts = [
        rows_of(table, pick_columns(table, file, id_column, group_column))
        for file, table in tables.items()
        if len(table)
    ]
    table = pd.concat(parts, ignore_index=True)
    geometry = geometry_columns(table["geometry"].to_numpy(), centre)
    ids = table["id"].to_numpy(object)
    rows = np.arange(len(table))
    return Footprints(
        **geometry,
        place=np.where(pd.isna(geometry["reason"]), rows, -1),
        row=rows,
        id=ids,
        built=table["built"].to_numpy(np.float64),
        status=table["status"].to_numpy(object),
        has_status=table["has_status"].to_numpy(np.bool_),
        repeated=pd.Series(ids).duplicated(keep=False).to_numpy() & (ids != ""),
        group=numbered(table["group"]),
        sources=tuple(identity(file) | {"crs": t.attrs["crs"]} for file, t in tables.items()),
    )


class Columns(NamedTuple):
    """Names of a file's columns by content; None: no such column."""

    id: str
    built: str | None
    status: str | None
    group: str | None


def pick_columns(
    table: pd.DataFrame, file: str, id_column: str | None, group_column: str | None
) -> Columns:
    """The columns to read, of a table of that file. Raises InputError for one that is not there,
    and for the table of a run."""
    if {str(name) for name in table.columns} >= VERDICTS:
        raise InputError(
            File(file),
            "is the table of a finished run, not footprints",
            "give the footprints that the run was made of",
        )

    def named(name: str, option: str) -> str:
        match = column(table, name)
        if match is None:
            raise InputError(
                File(file),
                "no column {name!r}{has}",
                "add it, or name one with {field} that every file has",
                name=name,
                has=_has(table),
                field=Field(option),
            )
        return match

    identifier = named(id_column, "id") if id_column else None
    identifier = identifier or column(table, *ID_COLUMNS)
    if identifier is None:
        raise InputError(
            File(file),
            "no column identificatie, id or gml_id{has}",
            "name the one with the building's id with {id}",
            has=_has(table),
            id=Field("id"),
        )
    return Columns(
        id=identifier,
        built=column(table, *BUILT_COLUMNS),
        status=column(table, "status", "pandstatus"),
        group=named(group_column, "group") if group_column else None,
    )


def _has(table: pd.DataFrame) -> Text:
    spatial = isinstance(table, GeoDataFrame)
    names = [str(c) for c in table.columns if not (spatial and c == table.geometry.name)]
    if not names:
        return Text(" (it has none)")
    return Text(" (it has {names})", names=names[:12])


def rows_of(table: GeoDataFrame, columns: Columns) -> pd.DataFrame:
    """id, built, status, group (texts; None where there is none), has_status and geometry."""
    return pd.DataFrame(
        {
            "id": _texts(table[columns.id]).str.removeprefix(PREFIX).astype(object),
            "built": _years(table[columns.built]) if columns.built else np.nan,
            "status": _optional(table, columns.status),
            "group": _optional(table, columns.group),
            "has_status": columns.status is not None,
            "geometry": table.geometry.to_numpy(),
        }
    )


def _years(values: pd.Series) -> NDArray[np.float64]:
    years = np.floor(pd.to_numeric(values, errors="coerce").astype(float))
    return years.where((years.abs() < 10_000) & (years != UNKNOWN_YEAR)).to_numpy()


def _texts(values: pd.Series) -> pd.Series:
    return pd.Series([as_text(value) for value in values], dtype=object)


def _optional(table: GeoDataFrame, name: str | None) -> pd.Series:
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


def geometry_columns(given: NDArray[Any], centre: str) -> dict[str, NDArray[Any]]:
    """The columns of Footprints that geometries make: wkb, reason, repaired, area, centre, bounds.
    Raises Stopped as `check_stop` does."""
    geometry, reason, repaired = _polygons(given)
    return {
        "wkb": shapely.to_wkb(geometry),
        "reason": reason,
        "repaired": repaired,
        "area": shapely.area(geometry),
        "centre": _centres(geometry, centre),
        "bounds": shapely.bounds(geometry),
    }


def _polygons(given: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.bool_]]:
    """Valid polygons or None, the reason why None, and which were repaired."""
    empty = shapely.is_missing(given) | shapely.is_empty(given)
    place = np.abs(shapely.bounds(given)).max(axis=1) < FARTHEST_M  # never so for NaN
    geometry = given.copy()
    geometry[~place] = None
    geometry[_entangled(geometry)] = None
    sound = shapely.is_valid(geometry) & np.isin(shapely.get_type_id(geometry), (3, 6))
    geometry[~(sound & (shapely.area(geometry) > 0))] = None
    for i in np.flatnonzero(~sound & ~empty & place):
        geometry[i] = _repair(given[i])
    reason = np.full(len(given), None, object)
    reason[shapely.is_missing(geometry)] = "invalid"
    reason[empty] = "empty"
    return geometry, reason, ~sound & pd.isna(reason)


def _entangled(geometry: NDArray[Any]) -> NDArray[np.int64]:
    """Positions of geometries that would take GEOS too long to validate."""
    large = np.flatnonzero(shapely.get_num_coordinates(geometry) > LARGE)
    return np.array([i for i in large if is_entangled(geometry[i])], np.int64)


def _repair(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """The polygons of an invalid geometry, made valid by GEOS; None without an area, or if GEOS
    would need too long."""
    check_stop()
    parts = shapely.get_parts(make_one_valid(geometry))
    while (shapely.get_type_id(parts) > 3).any():  # collections, at whatever depth
        parts = shapely.get_parts(parts)
    polygons = parts[shapely.get_type_id(parts) == 3]
    whole = shapely.union_all(polygons)
    return whole if whole.area > 0 else None


def _centres(geometry: NDArray[Any], kind: str) -> NDArray[np.float64]:
    if kind == "centroid":
        centre = shapely.centroid(geometry)
        beside = ~shapely.intersects(centre, geometry)
        centre[beside] = shapely.point_on_surface(geometry[beside])
    else:
        centre = shapely.point_on_surface(geometry)
    return np.column_stack([shapely.get_x(centre), shapely.get_y(centre)])


def numbered(values: pd.Series) -> NDArray[np.int64]:
    """A number for each value; a footprint without one has a number of its own."""
    codes = pd.factorize(values)[0].astype(np.int64)
    alone = codes < 0
    codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
    return codes


def to_rings(wkb: NDArray[Any], resolution: float) -> Rings:
    """Polygons as clockwise rings in cells, for the kernels; each footprint's coordinates are
    counted from the north-western cell of its bounding box.

    wkb: (footprints,) well-known binary as in Footprints; None has no rings.
    """
    packed = [data or b"" for data in wkb]
    start = np.cumsum([0, *map(len, packed)])
    xy, points, rings = decode_polygons(np.frombuffer(b"".join(packed), np.uint8), start)
    x, y, left, north = to_cells(xy, points[rings], resolution)
    turn_clockwise(x, y, points)
    return Rings(-north, left, x, y, points, rings)
