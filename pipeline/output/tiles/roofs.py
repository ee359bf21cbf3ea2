"""Vector tiles of a run, from its table: of its roofs with the places of turbines on them, and of
their parts in nested columns."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely
from numpy.typing import NDArray

from pipeline.methods.method import NUMBER, WHOLE, Column, Field, Method, names
from pipeline.output.tiles import mvt
from pipeline.output.tiles.scheme import MapTile, Units, mercator_transformer
from pipeline.output.tiles.wkb import shapes_in
from pipeline.results.columns import as_text
from pipeline.results.parts import parts_of
from pipeline.storage.geoparquet import GeoParquet, row_cache
from pipeline.storage.slices import Rectangle

LAYER = "buildings"
TURBINES = "turbines"  # a layer of points in the tiles of the buildings
FIRST, LAST = 14, 16  # zoom; beyond it a map enlarges
FAR, FEW = 12, 5_000  # zoom from which there are outlines of so few roofs: 120 kB on one tile
PARTS_FIRST = 16  # zoom; below it the parts of a house are a few pixels
BUFFER = 64 / mvt.EXTENT  # of a tile's side
MOST = 256 << 20  # bytes of decoded row groups
DECIMALS = 2  # cm, dm2, 10 Wh and percents
OF_POINT = ("selected", "excluded", "height_m")  # what a turbine has of its roof
LISTED = ("id", "rejected")  # of what a list of the roofs in view says, beside what colours them
OF_ROOF = {"row": "Number", "selected": "Boolean"}  # what a part has of its roof
PLACE = "place of its roof"  # a column that no field is called after
PART_BITS = 16  # of a feature's id, below its row


class VectorLayer(NamedTuple):
    """A layer of vector tiles. first, last: zoom; fields: the properties of its features, with
    their kinds as TileJSON names them; steps: those that tiles have, each from a zoom on; points:
    those of the turbines in the same tiles, from zoom FIRST on."""

    first: int
    last: int
    fields: dict[str, str]
    steps: dict[int, tuple[str, ...]]
    points: tuple[str, ...] = ()

    def fields_at(self, zoom: int) -> tuple[str, ...]:
        """The names of the properties that tiles of a zoom have."""
        return self.steps[max(step for step in self.steps if step <= zoom)]

    def described(self, name: str) -> list[dict[str, Any]]:
        """The layers of its tiles as TileJSON describes them."""
        points = {field: self.fields[field] for field in self.points}
        turbines = [{"id": TURBINES, "fields": points}] if points else []
        return [{"id": name, "fields": self.fields}, *turbines]


def vector_layers(
    method: Method, roofs: int | None = None, alone: bool = False
) -> dict[str, VectorLayer]:
    """The layers of vector tiles by their names: of the roofs, and of each column with parts.

    roofs: how many there are; few have outlines from zoom FAR on, with what colours them alone.
    alone: for a map without a service that says the rest of a roof: its tiles have all but lists of
    numbers from zoom FIRST on, and these too from PARTS_FIRST on. With a service they have at FIRST
    what colours and lists roofs, a third of the bytes, and never lists of numbers.
    """
    first = FAR if roofs is not None and roofs <= FEW else FIRST
    tiled = [column for column in method.columns if column.tiled]
    short = [each for each in tiled if not each.spread or _is_of_booleans(each.type)]
    scales = [scale for column in method.parts for scale in column.scales]
    painted = {"class", "excluded"}.union(*(scale.columns for scale in scales))
    far = [each for each in short if each.name in painted or _is_of_booleans(each.type)]
    near = [each for each in short if each in far or each.name in LISTED]
    every = (far, short, tiled) if alone else (far, near, short)
    steps = dict(zip((FAR, FIRST, PARTS_FIRST), map(names, every), strict=True))
    own = _of_turbines(method)
    points = (*OF_POINT, *names(own)) if own else ()
    layers = {LAYER: VectorLayer(first, LAST, _kinds(every[-1]), steps, points)}
    return layers | {each.name: _of_parts(each) for each in method.parts}


def _of_turbines(method: Method) -> list[Column]:
    """The columns by which roofs have a turbine: where the first is known, else where it is true.
    None of a method without wind."""
    steps = [each for each in method.columns if each.symbols]
    return [*steps, *(each for each in method.columns if each.use == "wind")]


def _of_parts(column: Column) -> VectorLayer:
    tiled = (each for each in column.fields if each.tiled and each.name != column.geometry)
    fields = OF_ROOF | _kinds(tiled)
    return VectorLayer(PARTS_FIRST, LAST, fields, {PARTS_FIRST: tuple(fields)})


def _kinds(fields: Iterable[Field]) -> dict[str, str]:
    return {each.name: _kind(each.type) for each in fields}


def _is_of_booleans(of: pa.DataType) -> bool:
    """Whether values are true or false, or one a moment."""
    return bool(pa.types.is_boolean(of.value_type if pa.types.is_list(of) else of))


def _kind(of: pa.DataType) -> str:
    if pa.types.is_boolean(of):
        return "Boolean"
    return "Number" if pa.types.is_integer(of) or pa.types.is_floating(of) else "String"


class Features(NamedTuple):
    """Features before they are drawn. ids: (n,) int64; rows: their columns; geometry: name of the
    one with well-known binary; bounds: (n, 4) rectangles that hold them [m]."""

    ids: NDArray[np.int64]
    rows: pa.Table
    geometry: str
    bounds: NDArray[np.float64]


class RoofTiles:
    """The roofs of a finished run, opened once for any number of threads.

    method: of the run; most: bytes of row groups that stay decoded; alone: see vector_layers.
    Raises InputError for a table without the column of rectangles.
    """

    def __init__(
        self, table: GeoParquet, method: Method, most: int = MOST, alone: bool = False
    ) -> None:
        self.layers = vector_layers(method, len(table), alone)
        self._columns, self._of_turbines = method.by_name, _of_turbines(method)
        self._table = table.caching(row_cache(most))
        self._table.check_rectangles()

    @property
    def bounds(self) -> Rectangle | None:
        """The rectangle around all roofs [RD m]; None without any."""
        return self._table.extent

    def tile(self, tile: MapTile, name: str = LAYER) -> bytes:
        """A Mapbox Vector Tile of one layer, `buildings` or a column with parts; b"" without
        features, and at other zooms than the layer's. Equal tables give equal bytes.

        With buildings come the places of turbines on those that suit or may: a point on the roof,
        in the one tile that holds it. The id of a roof and of its turbine is its row; that of a
        part is row << PART_BITS | its place from 1.
        """
        layer = self.layers[name]
        if not layer.first <= tile.z <= layer.last:
            return b""
        fields = layer.fields_at(tile.z)
        points = layer.points if tile.z >= FIRST else ()
        features = self._features(tile.rd(BUFFER), name, [*dict.fromkeys([*fields, *points])])
        if not len(features.ids):
            return b""
        polygons = _on_tile(features.rows[features.geometry], features.bounds, tile)
        properties = _properties(features.rows.select(list(fields)))
        roofs = mvt.layer(name, features.ids, polygons, properties)
        return roofs + (self._turbines(features.rows, tile) if name == LAYER else b"")

    def _turbines(self, rows: pa.Table, tile: MapTile) -> bytes:
        """The layer of turbines on roofs; b"" for none, and below zoom FIRST."""
        if tile.z < FIRST or not self._of_turbines:
            return b""
        by = self._of_turbines[0]
        rows = rows.filter(pc.is_valid(rows[by.name]) if by.symbols else rows[by.name])
        places, here = _points_in(rows["geometry"], tile)
        taken = rows.filter(pa.array(here))
        properties = _properties(taken.select(list(self.layers[LAYER].points)))
        return mvt.points(TURBINES, taken["row"].to_numpy(), places, properties)

    def _features(self, within: Rectangle, name: str, fields: Sequence[str]) -> Features:
        return self._roofs(within, fields) if name == LAYER else self._parts(within, name)

    def _roofs(self, within: Rectangle, fields: Sequence[str]) -> Features:
        columns = ["row", *fields, "geometry"]
        _, rows, bounds = self._table.within(within, columns)
        return Features(rows["row"].to_numpy(), rows.combine_chunks(), "geometry", bounds)

    def _parts(self, within: Rectangle, name: str) -> Features:
        """The parts of the roofs whose rectangle touches one [m]; of each that of its roof."""
        _, roofs, bounds = self._table.within(within, [*OF_ROOF, name])
        place = pa.array(np.arange(len(roofs)))
        parts = parts_of(roofs.append_column(PLACE, place), name)
        roof = parts[PLACE].to_numpy()
        number = np.arange(len(roof)) - np.searchsorted(roof, roof) + 1
        ids = parts["row"].to_numpy() << PART_BITS | number
        return Features(ids, parts, self._columns[name].geometry, bounds[roof])


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


def _points_in(
    column: pa.ChunkedArray, tile: MapTile
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """A point on each polygon, in units of the tile, of those that lie in it; and which these are.
    column: well-known binary."""
    polygons = shapely.from_wkb(column.to_numpy(), on_invalid="ignore")
    points = shapely.point_on_surface(polygons)
    here = ~(shapely.is_missing(points) | shapely.is_empty(points))
    x, y = mercator_transformer(False).transform(*shapely.get_coordinates(points[here]).T)
    places = tile.units(np.column_stack([x, y]), mvt.EXTENT)
    inside = ((places >= 0) & (places < mvt.EXTENT)).all(axis=1)
    here[here] = inside
    return places[inside], here


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
        return pc.round(column.cast(NUMBER), DECIMALS)
    if pa.types.is_integer(column.type):
        return column.cast(WHOLE)
    if not pa.types.is_nested(column.type):
        return column
    if pa.types.is_list(column.type) and pa.types.is_floating(column.type.value_type):
        column = _rounded(column.combine_chunks())
    texts = as_text(column)
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _rounded(lists: pa.ListArray) -> pa.ChunkedArray:
    """Lists of numbers with as many decimals as a tile has."""
    values = pc.round(lists.values.cast(NUMBER), DECIMALS)
    return pa.chunked_array([pa.ListArray.from_arrays(lists.offsets, values, mask=lists.is_null())])
