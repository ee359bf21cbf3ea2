"""Vector tiles of the roofs of a run, from its table."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from pipeline.output.tiles import mvt
from pipeline.output.tiles.scheme import Tile, Units
from pipeline.output.tiles.wkb import shapes_in
from pipeline.results.columns import SCHEMA
from pipeline.storage.geoparquet import GeoParquet, row_cache
from pipeline.storage.slices import Rectangle

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


class Roofs:
    """The roofs of a finished run, opened once for any number of threads.

    most: bytes of row groups that stay decoded. Raises InputError for a table without the column
    of rectangles.
    """

    def __init__(self, table: GeoParquet, most: int = MOST) -> None:
        self._table = table.caching(row_cache(most))
        self._table.check_rectangles()

    @property
    def bounds(self) -> Rectangle | None:
        """The rectangle around all roofs [RD m]; None without any."""
        return self._table.extent

    def tile(self, tile: Tile) -> bytes:
        """A Mapbox Vector Tile of one layer, `buildings`; b"" without roofs, and below zoom FIRST
        or beyond LAST. Equal tables give equal bytes."""
        if not FIRST <= tile.z <= LAST:
            return b""
        _, columns, bounds = self._table.within(tile.rd(BUFFER), COLUMNS)
        if not len(columns):
            return b""
        rows = columns.combine_chunks()
        polygons = _on_tile(rows["geometry"], bounds, tile)
        return mvt.layer(LAYER, rows["row"].to_numpy(), polygons, _properties(rows))


def _on_tile(column: pa.ChunkedArray, bounds: NDArray[np.float64], tile: Tile) -> mvt.Shapes:
    """In units of the tile, of polygons as well-known binary and the rectangle of each, (n, 4) [m];
    those that reach beyond the tile's buffer are cut there."""
    units, every = Units.of(tile, mvt.EXTENT, BUFFER), np.arange(len(column))
    low, high = -BUFFER * mvt.EXTENT, (1 + BUFFER) * mvt.EXTENT
    across, polygons = _beyond(units, bounds, low, high), column.combine_chunks()
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
