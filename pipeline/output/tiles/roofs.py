"""Vector tiles of the roofs of a run, from its table."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from pipeline.methods.method import BOOLEAN, NUMBER, WHOLE, Method
from pipeline.output.tiles import mvt
from pipeline.output.tiles.scheme import MapTile, Units
from pipeline.output.tiles.wkb import shapes_in
from pipeline.results.columns import as_text
from pipeline.storage.geoparquet import GeoParquet, row_cache
from pipeline.storage.slices import Rectangle

LAYER = "buildings"
FIRST, LAST = 14, 16  # zoom; beyond it a map enlarges
BUFFER = 64 / mvt.EXTENT  # of a tile's side
MOST = 256 << 20  # bytes of decoded row groups
DECIMALS = 2  # cm, dm2, 10 Wh and percents
KINDS = {BOOLEAN: "Boolean", WHOLE: "Number", NUMBER: "Number"}


def fields_of(method: Method) -> dict[str, str]:
    """The properties of a roof in a tile, with their kinds as TileJSON names them."""
    return {each.name: KINDS.get(each.type, "String") for each in method.columns if each.tiled}


class RoofTiles:
    """The roofs of a finished run, opened once for any number of threads.

    method: of the run; most: bytes of row groups that stay decoded. Raises InputError for a table
    without the column of rectangles.
    """

    def __init__(self, table: GeoParquet, method: Method, most: int = MOST) -> None:
        self.fields = fields_of(method)
        self._table = table.caching(row_cache(most))
        self._table.check_rectangles()

    @property
    def bounds(self) -> Rectangle | None:
        """The rectangle around all roofs [RD m]; None without any."""
        return self._table.extent

    def tile(self, tile: MapTile) -> bytes:
        """A Mapbox Vector Tile of one layer, `buildings`; b"" without roofs, and below zoom FIRST
        or beyond LAST. Equal tables give equal bytes."""
        if not FIRST <= tile.z <= LAST:
            return b""
        _, columns, bounds = self._table.within(tile.rd(BUFFER), ["row", *self.fields, "geometry"])
        if not len(columns):
            return b""
        rows = columns.combine_chunks()
        polygons = _on_tile(rows["geometry"], bounds, tile)
        return mvt.layer(
            LAYER, rows["row"].to_numpy(), polygons, _properties(rows.select(list(self.fields)))
        )


def _on_tile(column: pa.ChunkedArray, bounds: NDArray[np.float64], tile: MapTile) -> mvt.Polygons:
    """Polygons in units of the tile, cut at its buffer. column: well-known binary; bounds: the
    rectangle of each, (n, 4) [m]."""
    units, every = Units.of(tile, mvt.EXTENT, BUFFER), np.arange(len(column))
    low, high = -BUFFER * mvt.EXTENT, (1 + BUFFER) * mvt.EXTENT
    across, polygons = _beyond(units, bounds, low, high), column.combine_chunks()
    within = shapes_in(polygons.filter(pa.array(~across)), every[~across])
    within = within._replace(points=units(within.points))
    over = shapely.from_wkb(polygons.filter(pa.array(across)).to_numpy(zero_copy_only=False))
    cut = shapely.clip_by_rect(shapely.transform(over, units), low, low, high, high)
    return within.followed_by(mvt.shapes(cut, every[across]))


def _beyond(units: Units, bounds: NDArray[Any], low: float, high: float) -> NDArray[np.bool_]:
    """Which (n, 4) rectangles may reach beyond a square, in units of the tile."""
    corners = np.stack([units(bounds[:, [i, j]]) for i in (0, 2) for j in (1, 3)])
    over = (corners < low + 1) | (corners > high - 1)  # a unit, since their sides bend
    return np.asarray(over.any(axis=(0, 2)))


def _properties(rows: pa.Table) -> pa.Table:
    """The columns as values that a tile can hold; an empty list is none."""
    return pa.table({name: _value(rows[name]) for name in rows.column_names})


def _value(column: pa.ChunkedArray) -> Any:
    if pa.types.is_floating(column.type):
        return pc.round(column, DECIMALS)
    if not pa.types.is_nested(column.type):
        return column
    texts = as_text(column)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
