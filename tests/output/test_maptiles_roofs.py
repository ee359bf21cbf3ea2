"""Vector tiles of roofs, against the table by way of shapely and pyproj."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.grid.crs import lonlat
from pipeline.methods import METHODS
from pipeline.output.site.archives import tile_layers
from pipeline.output.tiles.mvt import EXTENT
from pipeline.output.tiles.roofs import (
    BUFFER,
    FAR,
    FEW,
    FIRST,
    LAST,
    LAYER,
    MOST,
    PARTS_FIRST,
    TURBINES,
    RoofTiles,
    vector_layers,
)
from pipeline.output.tiles.scheme import MapTile, mercator_transformer
from pipeline.storage.geoparquet import GeoParquet
from tests.output.test_maptiles_mvt import decoded, shapes
from tests.support import roofs
from tests.support.finished import METHOD
from tests.support.reads import Reads

ROOFS = 900
BESIDE = np.array([EXTENT, 0])


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return roofs.table(ROOFS)


@pytest.fixture(scope="module")
def file(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return roofs.write(table, tmp_path_factory.mktemp("roofs") / "buildings.parquet")


@pytest.fixture(scope="module")
def opened(file: Path) -> RoofTiles:
    return RoofTiles(GeoParquet(file), METHOD)


def tiles(z: int) -> list[MapTile]:
    """All tiles of a zoom that the roofs touch."""
    west, south, east, north = lonlat(
        (roofs.WEST, roofs.SOUTH, roofs.WEST + roofs.WIDTH, roofs.SOUTH + roofs.WIDTH)
    )
    low, high = MapTile.at(west, north, z), MapTile.at(east, south, z)
    return [MapTile(z, x, y) for x in range(low.x, high.x + 1) for y in range(low.y, high.y + 1)]


def most(opened: RoofTiles, z: int) -> MapTile:
    """The tile with most in it."""
    return max(tiles(z), key=lambda tile: len(opened.tile(tile)))


def by_row(data: bytes, folder: Path) -> dict[int, Any]:
    """The polygon of each roof in a tile."""
    if not data:
        return {}
    found = decoded(data, folder)
    return dict(zip(found["mvt_id"].to_pylist(), shapes(found), strict=True))


def exact(table: pa.Table, tile: MapTile) -> np.ndarray:
    """The polygons of a table in units of a tile, by pyproj."""
    west, _, _, north = tile.mercator

    def move(xy: np.ndarray) -> np.ndarray:
        x, y = mercator_transformer(False).transform(*xy.T)
        return np.column_stack([x - west, north - y]) / tile.side * EXTENT

    return np.asarray(shapely.transform(shapely.from_wkb(table["geometry"].to_numpy()), move))


@pytest.mark.parametrize("z", range(FIRST, LAST + 1))
def test_every_roof_is_in_its_tiles_with_its_shape(
    opened: RoofTiles, table: pa.Table, tmp_path: Path, z: int
) -> None:
    low, high = -EXTENT * BUFFER, EXTENT * (1 + BUFFER)
    seen = set()
    for tile in tiles(z)[:: 4 ** (z - FIRST)]:
        polygons = exact(table, tile)
        cut = shapely.intersection(polygons, shapely.box(low, low, high, high))
        within = {int(row): i for i, row in enumerate(table["row"].to_numpy()) if cut[i]}
        found = by_row(opened.tile(tile), tmp_path)
        assert found.keys() == within.keys()
        for row, shape in found.items():
            asked = cut[within[row]]
            near = 1 if asked.area > 1 else 2.2  # of a square for what is smaller
            assert shapely.hausdorff_distance(shape, asked) < near
        seen |= within.keys()
    assert len(seen) > 40


@pytest.mark.parametrize(("alone", "z"), [(True, FIRST), (False, PARTS_FIRST)])
def test_properties_are_the_table_s(
    file: Path, table: pa.Table, tmp_path: Path, alone: bool, z: int
) -> None:
    opened = RoofTiles(GeoParquet(file), METHOD, alone=alone)
    found = [each for tile in tiles(z) if (data := opened.tile(tile))
             for each in decoded(data, tmp_path).to_pylist()]  # fmt: skip
    rows = {row["row"]: row for row in table.drop_columns(["geometry", "bbox"]).to_pylist()}
    assert len(found) > 100 and {row.get("class") for row in found} == {None, *roofs.CLASSES}
    for each in found:
        row = rows[each["mvt_id"]]
        assert each.get("flags") == (",".join(row["flags"]) or None)
        lit = row["lit"]
        assert each.get("lit") == (None if lit is None else "".join("01"[sun] for sun in lit))
        for name in opened.layers[LAYER].fields.keys() - {"flags", "lit"}:
            value = row[name]
            assert each.get(name) == (round(value, 2) if isinstance(value, float) else value)


@pytest.mark.parametrize("z", [FIRST, LAST])
def test_roofs_join_at_the_edges_of_tiles(
    opened: RoofTiles, table: pa.Table, tmp_path: Path, z: int
) -> None:
    joined = 0
    for tile in tiles(z)[:: 3 ** (z - FIRST)]:
        beside = MapTile(z, tile.x + 1, tile.y)
        here, there = (by_row(opened.tile(each), tmp_path) for each in (tile, beside))
        edge = shapely.LineString([(EXTENT, 0), (EXTENT, EXTENT)])
        for row in here.keys() & there.keys():
            moved = shapely.transform(there[row], lambda xy: xy + BESIDE)
            one, other = (shapely.intersection(edge, shape) for shape in (here[row], moved))
            if one.length < 4:
                continue
            assert np.abs(np.subtract(one.bounds, other.bounds)).max() <= 1
            joined += 1
    assert joined >= 2


def test_a_vertex_is_the_same_in_neighbouring_tiles(opened: RoofTiles, tmp_path: Path) -> None:
    """Where nothing is cut, equal to the unit."""
    joined = 0
    for tile in tiles(FIRST):
        beside = MapTile(FIRST, tile.x + 1, tile.y)
        here, there = (by_row(opened.tile(each), tmp_path) for each in (tile, beside))
        for row in here.keys() & there.keys():
            west, south, east, north = here[row].bounds
            inside = west > EXTENT - 60 and east < EXTENT + 60 and south > 0 and north < EXTENT
            if inside:
                moved = shapely.transform(there[row], lambda xy: xy + BESIDE)
                assert shapely.equals(moved.normalize(), here[row].normalize())
                joined += 1
    assert joined >= 3


@pytest.mark.parametrize("z", [FIRST, LAST])
def test_a_turbine_stands_on_its_roof_in_one_tile(
    opened: RoofTiles, table: pa.Table, tmp_path: Path, z: int
) -> None:
    """Though tiles cut the roof; those of a lower zoom have none."""
    suits = pc.and_(table["wind_suitable"], pc.is_valid(table["geometry"]))
    at = {row: place for place, row in enumerate(table["row"].to_pylist())}
    stands: list[int] = []
    for tile in tiles(z):
        data = opened.tile(tile)
        if TURBINES.encode() not in data:
            continue
        found = decoded(data, tmp_path, TURBINES)
        rows, points = found["mvt_id"].to_pylist(), shapes(found)
        places = shapely.get_coordinates(points)
        assert (places >= 0).all() and (places < EXTENT).all()
        own = table.take([at[row] for row in rows])
        assert shapely.intersects(shapely.buffer(exact(own, tile), 1.5), points).all()
        assert found["height_m"].to_pylist() == [round(h, 2) for h in own["height_m"].to_pylist()]
        stands += rows
    assert sorted(stands) == sorted(table.filter(suits)["row"].to_pylist()) and stands
    assert TURBINES.encode() not in opened.tile(most(opened, FAR))


def test_any_order_and_threads_give_the_same(file: Path) -> None:
    asked = [tile for z in (FIRST, LAST) for tile in tiles(z)[:16]]
    fresh = [RoofTiles(GeoParquet(file), METHOD).tile(tile) for tile in asked]
    tight = RoofTiles(GeoParquet(file), METHOD, most=100_000)  # no more than a row group or two
    order = np.random.default_rng(0).permutation(len(asked)).tolist()
    with ThreadPoolExecutor(4) as pool:
        answers = dict(zip(order, pool.map(tight.tile, [asked[i] for i in order]), strict=True))
    assert [answers[i] for i in range(len(asked))] == fresh
    assert any(fresh)


def test_memory_stays_within_its_bound(file: Path) -> None:
    tight = RoofTiles(GeoParquet(file), METHOD, most=120_000)
    for tile in tiles(LAST)[::3]:
        tight.tile(tile)
        assert tight._table._cache.nbytes <= tight._table._cache.limit < MOST
    assert tight._table._cache.nbytes > 0


def test_nowhere_and_other_zooms_are_empty(opened: RoofTiles) -> None:
    assert opened.tile(MapTile.at(0.0, 0.0, FIRST)) == b""
    assert opened.tile(MapTile.at(7.0, 53.0, FIRST)) == b""
    middle = lonlat((roofs.WEST + 2000, roofs.SOUTH + 2000, roofs.WEST + 2001, roofs.SOUTH + 2001))
    for z in (0, FAR - 1, LAST + 1, 24):
        assert opened.tile(MapTile.at(*middle[:2], z)) == b""


@pytest.mark.parametrize("z", [FAR, FAR + 1])
def test_few_roofs_have_outlines_from_far(
    opened: RoofTiles, table: pa.Table, tmp_path: Path, z: int
) -> None:
    """All of them, in the polygons of the table, with what colours them and no more."""
    found: dict[int, Any] = {}
    names: set[str] = set()
    for tile in tiles(z):
        if data := opened.tile(tile):
            folder = tmp_path / f"{tile.x}-{tile.y}"
            folder.mkdir()
            found |= by_row(data, folder)
            names |= {*decoded(data, folder).column_names}
            assert len(data) < len(opened.tile(most(opened, FIRST))) * 16
    located = table.filter(pc.is_valid(table["geometry"]))
    assert set(located["row"].to_pylist()) == {*found}
    fields = opened.layers[LAYER].fields_at(z)
    assert {"class", "selected", "excluded", "lit"} <= {*fields} < {*opened.layers[LAYER].fields}
    assert {*fields} >= names - {"mvt_id", "geometry"}


def test_beside_a_service_tiles_have_what_colours_and_lists_roofs(
    opened: RoofTiles, tmp_path: Path
) -> None:
    tile = most(opened, FIRST)
    names = {*decoded(opened.tile(tile), tmp_path).column_names}
    assert {"id", "class", "lit", "solar_suitable", "rejected"} <= names
    assert not names & {"height_m", "area_m2", "status", "flags"}


def test_lists_of_numbers_are_in_tiles_without_a_service_alone() -> None:
    method = METHODS["annual"]
    served, alone = (vector_layers(method, alone=each)[LAYER] for each in (False, True))
    lists = {"solar_month_kwh", "unshaded_month_kwh", "wind_sector_kwh"}
    assert {*alone.fields} - {*served.fields} == lists
    assert {*alone.fields_at(LAST)} - {*alone.fields_at(FIRST)} == lists
    assert served.fields_at(LAST) == alone.fields_at(FIRST)


def test_many_roofs_have_outlines_from_near() -> None:
    assert vector_layers(METHOD, FEW)[LAYER].first == FAR
    assert (
        vector_layers(METHOD, FEW + 1)[LAYER].first == vector_layers(METHOD)[LAYER].first == FIRST
    )


def test_only_row_groups_that_touch_are_read(file: Path, reads: Reads) -> None:
    opened = RoofTiles(GeoParquet(file), METHOD)
    x, y = roofs.WEST + 3800, roofs.SOUTH + 200
    far = MapTile.at(*lonlat((x, y, x + 1, y + 1))[:2], LAST)
    opened.tile(far), opened.tile(far)
    assert 0 < len(reads.groups) <= 3 < pq.read_metadata(file).num_row_groups


@pytest.mark.parametrize("rows", [0, 1])
def test_tables_of_nothing(tmp_path: Path, table: pa.Table, rows: int) -> None:
    """Of no row, and of one without a polygon."""
    nothing = table.slice(len(table) - rows, rows)
    assert nothing["geometry"].null_count == rows
    opened = RoofTiles(GeoParquet(roofs.write(nothing, tmp_path / "buildings.parquet")), METHOD)
    assert opened.bounds is None and opened.tile(tiles(FIRST)[0]) == b""
    assert tile_layers(opened, None) == {}


def test_invalid_polygons_at_the_edge_are_drawn(tmp_path: Path, table: pa.Table) -> None:
    tile = tiles(FIRST)[4]
    west, south, east, north = tile.rd()
    y = (south + north) / 2
    bow = shapely.Polygon([(west, y), (east, y + 50), (east, y), (west, y + 50)])
    place = table.column_names.index("geometry")
    wkb = pa.array([shapely.to_wkb(bow)], pa.binary())
    box = pa.array([dict(zip(("xmin", "ymin", "xmax", "ymax"), bow.bounds, strict=True))],
                   table.schema.field("bbox").type)  # fmt: skip
    row = table.slice(5, 1).set_column(place, "geometry", wkb)
    row = row.set_column(table.column_names.index("bbox"), "bbox", box)
    opened = RoofTiles(GeoParquet(roofs.write(row, tmp_path / "buildings.parquet")), METHOD)
    assert len(decoded(opened.tile(tile), tmp_path)) == 1


def test_tables_that_cannot_be_read_are_refused(tmp_path: Path, file: Path) -> None:
    old = pq.read_table(file).drop_columns(["bbox"])
    pq.write_table(old, tmp_path / "old.parquet")
    with pytest.raises(InputError, match="bbox"):
        RoofTiles(GeoParquet(tmp_path / "old.parquet"), METHOD)
    (tmp_path / "cut.parquet").write_bytes(file.read_bytes()[:-500])
    with pytest.raises(InputError, match="damaged"):
        RoofTiles(GeoParquet(tmp_path / "cut.parquet"), METHOD)


def test_the_tile_layers_without_pictures(opened: RoofTiles) -> None:
    layers = tile_layers(opened, None)
    assert layers.keys() == {"roofs", "buildings"}
    assert (layers["buildings"].first, layers["roofs"].last) == (FAR, FIRST - 1)
    west, south, east, _ = layers["buildings"].bounds
    assert 4.88 < west < 4.89 and 52.36 < south < 52.37 and 0.05 < east - west < 0.08
