"""Vector tiles of the roofs of a run, from its table."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.output.tiles import mvt
from pipeline.output.tiles.scheme import Tile, Units
from pipeline.output.tiles.wkb import shapes_in
from pipeline.results.columns import EDGES, SCHEMA
from pipeline.storage.lru import Kept
from pipeline.storage.places import Place
from pipeline.storage.slices import BBOX, Rectangle, readable

LAYER = "buildings"
FIRST, LAST = 14, 16  # zoom; beyond it a map enlarges
BUFFER = 64 / mvt.EXTENT  # of a tile's side
MOST = 256 << 20  # bytes of decoded row groups
DECIMALS = 2  # cm, dm2, 10 Wh and percents
PLAIN = (
    "id", "class", "excluded", "rejected", "selected", "built", "status", "area_m2", "ground_m",
    "roof_m", "height_m", "solar_suitable", "panel_area_m2", "solar_kwh", "wind_candidate",
    "wind_shadowed", "wind_suitable", "wind_kwh", "lit_share", "lit_area_m2",
)  # fmt: skip
LISTS = ("flags", "lit")
COLUMNS = ("row", *PLAIN, *LISTS, "geometry")
KINDS = {pa.string(): "String", pa.bool_(): "Boolean"}
# What a tile tells of a roof, as TileJSON names kinds.
FIELDS = {name: KINDS.get(SCHEMA.field(name).type, "Number") for name in PLAIN} | dict.fromkeys(
    LISTS, "String"
)


class Group(NamedTuple):
    """A row group, or some of its rows, and the rectangle of each, (4, n) [m], NaN without one."""

    rows: pa.Table
    bounds: NDArray[np.float64]

    @property
    def size(self) -> int:
        """In bytes."""
        return int(self.rows.nbytes) + self.bounds.nbytes


class Roofs:
    """The roofs of a finished run, opened once for any number of threads.

    file: of the table; most: bytes of row groups that stay decoded. Raises InputError for a table
    that is damaged, or without the column of rectangles.
    """

    def __init__(self, file: Place, most: int = MOST) -> None:
        self._file = file
        with readable(file) as stream:
            self._metadata = pq.read_metadata(stream)
        leaves = _leaves(self._metadata)
        if any(f"{BBOX}.{edge}" not in leaves for edge in EDGES):
            raise InputError(
                "{file}: has no column {bbox}, by which parts are read; run it anew",
                file=file,
                bbox=BBOX,
            )
        self._bounds = np.array(
            [
                [_extreme(self._metadata.row_group(i), leaves, edge) for edge in EDGES]
                for i in range(self._metadata.num_row_groups)
            ]
        ).reshape(-1, 4)
        self._groups: Kept[Group] = Kept(most, lambda group: group.size)

    @property
    def bounds(self) -> Rectangle | None:
        """The rectangle around all roofs [RD m]; None without any."""
        known = self._bounds[~np.isnan(self._bounds).any(axis=1)]
        if not len(known):
            return None
        (west, south), (east, north) = known[:, :2].min(axis=0), known[:, 2:].max(axis=0)
        return float(west), float(south), float(east), float(north)

    def tile(self, tile: Tile) -> bytes:
        """A Mapbox Vector Tile of one layer, `buildings`; b"" without roofs, and below zoom FIRST
        or beyond LAST. Equal tables give equal bytes."""
        if not FIRST <= tile.z <= LAST:
            return b""
        bounds = tile.rd(BUFFER)
        groups = np.flatnonzero(_touch(self._bounds.T, bounds)).tolist()
        found = [self._within(group, bounds) for group in groups]
        if not sum(len(part.rows) for part in found):
            return b""
        rows = pa.concat_tables([part.rows for part in found]).combine_chunks()
        polygons = _on_tile(rows["geometry"], np.hstack([part.bounds for part in found]), tile)
        return mvt.layer(LAYER, rows["row"].to_numpy(), polygons, _properties(rows))

    def _within(self, group: int, bounds: Rectangle) -> Group:
        """The rows of a group whose rectangle touches another."""
        decoded = self._groups.get(group, lambda: self._decode(group))
        here = np.flatnonzero(_touch(decoded.bounds, bounds))
        return Group(decoded.rows.take(pa.array(here)), decoded.bounds[:, here])

    def _decode(self, group: int) -> Group:
        with readable(self._file) as stream:
            file = pq.ParquetFile(stream, metadata=self._metadata)
            table = file.read_row_group(group, columns=[*COLUMNS, BBOX])
        box = table[BBOX].combine_chunks()
        bounds = [pc.struct_field(box, edge).to_numpy(zero_copy_only=False) for edge in EDGES]
        return Group(table.drop_columns([BBOX]), np.array(bounds, np.float64))


def _leaves(metadata: Any) -> dict[str, int]:
    """Where in the file each column stands."""
    names = (metadata.schema.column(i).path for i in range(metadata.num_columns))
    return {name: i for i, name in enumerate(names)}


def _extreme(group: Any, leaves: dict[str, int], edge: str) -> float:
    """The outermost of an edge of all rows of a group; NaN without any."""
    found = group.column(leaves[f"{BBOX}.{edge}"]).statistics
    if found is None or not found.has_min_max:
        return float("nan")
    return float(found.min if edge.endswith("min") else found.max)


def _touch(bounds: NDArray[np.float64], other: Rectangle) -> NDArray[np.bool_]:
    """Which of (4, n) rectangles touch another."""
    west, south, east, north = other
    xmin, ymin, xmax, ymax = bounds
    return (xmin <= east) & (xmax >= west) & (ymin <= north) & (ymax >= south)


def _on_tile(column: pa.ChunkedArray, bounds: NDArray[np.float64], tile: Tile) -> mvt.Shapes:
    """In units of the tile, of polygons as well-known binary and the rectangle of each, (4, n) [m];
    those that reach beyond the tile's buffer are cut there."""
    units, every = Units.of(tile, mvt.EXTENT, BUFFER), np.arange(len(column))
    low, high = -BUFFER * mvt.EXTENT, (1 + BUFFER) * mvt.EXTENT
    across, polygons = _beyond(units, bounds.T, low, high), column.combine_chunks()
    within = shapes_in(polygons.filter(pa.array(~across)), every[~across])
    within = within._replace(points=units(within.points))
    over = shapely.from_wkb(polygons.filter(pa.array(across)).to_numpy(zero_copy_only=False))
    cut = shapely.clip_by_rect(shapely.transform(over, units), low, low, high, high)
    return within.and_(mvt.shapes(cut, every[across]))


def _beyond(units: Units, bounds: NDArray[Any], low: float, high: float) -> NDArray[np.bool_]:
    """Which (n, 4) rectangles may reach beyond a square of the tile."""
    corners = np.stack([units(bounds[:, [i, j]]) for i in (0, 2) for j in (1, 3)])
    over = (corners < low + 1) | (corners > high - 1)  # a unit, since their sides bend
    return np.asarray(over.any(axis=(0, 2)))


def _properties(rows: pa.Table) -> pa.Table:
    columns: dict[str, Any] = {name: _rounded(rows[name]) for name in PLAIN}
    flags = pc.binary_join(rows["flags"].combine_chunks(), ",")
    columns["flags"] = pc.if_else(pc.equal(flags, ""), pa.scalar(None, pa.string()), flags)
    columns["lit"] = _digits(rows["lit"].combine_chunks())
    return pa.table(columns)


def _rounded(column: Any) -> Any:
    return pc.round(column, DECIMALS) if pa.types.is_floating(column.type) else column


def _digits(lists: pa.ListArray) -> pa.Array:
    """A digit for each truth of a list, as a text."""
    digits = pc.if_else(lists.values, "1", "0")
    texts = pa.ListArray.from_arrays(lists.offsets, digits, mask=lists.is_null())
    return pc.binary_join(texts, "")
