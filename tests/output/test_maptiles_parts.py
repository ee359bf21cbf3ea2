"""Vector tiles of the parts of roofs in a nested column, against the table by way of shapely."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import shapely

from pipeline.grid.crs import lonlat
from pipeline.methods.method import BOOLEAN, NUMBER, TEXT, WHOLE, Column, Field, Words, lists_of
from pipeline.output.site.archives import tile_layers
from pipeline.output.tiles.mvt import EXTENT
from pipeline.output.tiles.roofs import (
    BUFFER,
    LAST,
    LAYER,
    PART_BITS,
    PARTS_FIRST,
    RoofTiles,
    vector_layers,
)
from pipeline.output.tiles.scheme import MapTile
from pipeline.storage.geoparquet import GeoParquet
from tests.output.test_maptiles_mvt import decoded
from tests.output.test_maptiles_roofs import by_row, exact, tiles
from tests.support import roofs
from tests.support.finished import METHOD

ROOFS = 300
WORDS = Words("Half", "of a roof"), Words("Helft", "van een dak")
FIELDS = tuple(
    Field(name, kind, "", *WORDS, in_tiles=in_tiles)
    for name, kind, in_tiles in (
        ("n", pa.int32(), None),
        ("side", TEXT, None),
        ("area_m2", NUMBER, None),
        ("is_larger", BOOLEAN, None),
        ("corners", WHOLE, False),
        ("outline", pa.binary(), None),
    )
)
HALVES = Column("halves", lists_of(FIELDS), "", *WORDS, fields=FIELDS, geometry="outline")
HALVED = replace(METHOD, columns=(*METHOD.columns[:-1], HALVES, METHOD.columns[-1]))


def halves(wkb: bytes | None, row: int) -> list[dict[str, Any]] | None:
    """The western and the eastern half of a roof; of every fifth an empty list, of a roof without
    a polygon none, of every seventh halves without an outline."""
    if wkb is None or row % 5 == 0:
        return None if wkb is None else []
    roof = shapely.from_wkb(wkb)
    west, south, east, north = roof.bounds
    middle = (2 * west + east) / 3
    boxes = {"west": (west, south, middle, north), "east": (middle, south, east, north)}
    cut = {side: shapely.intersection(roof, shapely.box(*box)) for side, box in boxes.items()}
    largest = max(half.area for half in cut.values())
    return [
        {"n": n, "side": side if row % 3 else None, "area_m2": half.area, "corners": 4,
         "is_larger": half.area == largest,
         "outline": shapely.to_wkb(half) if row % 7 else None}
        for n, (side, half) in enumerate(cut.items(), 1)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rows = roofs.table(ROOFS)
    each = zip(rows["geometry"].to_pylist(), rows["row"].to_pylist(), strict=True)
    parts = pa.array([halves(wkb, row) for wkb, row in each], HALVES.type)
    return rows.append_column(HALVES.name, parts)


@pytest.fixture(scope="module")
def opened(table: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> RoofTiles:
    file = roofs.write(table, tmp_path_factory.mktemp("halves") / "buildings.parquet", group=60)
    return RoofTiles(GeoParquet(file), HALVED)


@pytest.fixture(scope="module")
def parts(table: pa.Table) -> pa.Table:
    """The halves with an outline, their ids and what they have of their roofs."""
    known = [
        half | {"id": row["row"] << PART_BITS | half["n"]}
        | {name: row[name] for name in ("row", "selected")} | {"geometry": half["outline"]}
        for row in table.select(["row", "selected", HALVES.name]).to_pylist()
        for half in row[HALVES.name] or () if half["outline"]
    ]  # fmt: skip
    return pa.Table.from_pylist(known)


def test_every_part_is_in_its_tiles_with_its_shape(
    opened: RoofTiles, parts: pa.Table, tmp_path: Path
) -> None:
    low, high = -EXTENT * BUFFER, EXTENT * (1 + BUFFER)
    seen = 0
    for tile in tiles(PARTS_FIRST)[::3]:
        cut = shapely.intersection(exact(parts, tile), shapely.box(low, low, high, high))
        within = {int(id): shape for id, shape in zip(parts["id"].to_numpy(), cut, strict=True)
                  if shape.area > 1}  # fmt: skip
        found = by_row(opened.tile(tile, HALVES.name), tmp_path)
        assert within.keys() <= found.keys()
        for id, shape in within.items():
            assert shapely.hausdorff_distance(shape, found[id]) < 2.2
        seen += len(within)
    assert seen > 60


def test_properties_are_those_of_part_and_roof(
    opened: RoofTiles, parts: pa.Table, tmp_path: Path
) -> None:
    fields = vector_layers(HALVED)[HALVES.name].fields
    assert fields == {
        "row": "Number", "selected": "Boolean", "n": "Number", "side": "String",
        "area_m2": "Number", "is_larger": "Boolean",
    }  # fmt: skip
    known = {each["id"]: each for each in parts.to_pylist()}
    most = max(tiles(PARTS_FIRST), key=lambda tile: len(opened.tile(tile, HALVES.name)))
    found = decoded(opened.tile(most, HALVES.name), tmp_path).to_pylist()
    assert len(found) > 5 and {each["side"] for each in found} == {None, "west", "east"}
    for each in found:
        part = known[each["mvt_id"]]
        assert {name: each[name] for name in fields} == {
            name: round(part[name], 2) if name == "area_m2" else part[name] for name in fields
        }


def test_parts_are_seen_from_near_only_and_roofs_as_without_them(
    opened: RoofTiles, table: pa.Table, tmp_path: Path
) -> None:
    plain = table.drop_columns([HALVES.name])
    file = roofs.write(plain, tmp_path / "plain.parquet", group=60)
    without = RoofTiles(GeoParquet(file), METHOD)
    for tile in tiles(PARTS_FIRST - 1)[::5]:
        assert opened.tile(tile, HALVES.name) == b""
        assert opened.tile(tile) == without.tile(tile)
    x, y = (edge + roofs.WIDTH / 2 for edge in (roofs.WEST, roofs.SOUTH))
    deeper = MapTile.at(*lonlat((x, y, x + 1, y + 1))[:2], LAST + 1)
    assert opened.tile(deeper, HALVES.name) == b""
    assert opened.tile(MapTile.at(7.0, 53.0, LAST), HALVES.name) == b""
    assert [*tile_layers(opened, None)] == ["roofs", LAYER, HALVES.name]
    assert tile_layers(opened, None)[HALVES.name].first == PARTS_FIRST


def test_without_a_single_outline_there_is_nothing(table: pa.Table, tmp_path: Path) -> None:
    bare = [
        [half | {"outline": None} for half in each] if each else each
        for each in table[HALVES.name].to_pylist()
    ]
    place = table.column_names.index(HALVES.name)
    rows = table.set_column(place, HALVES.name, pa.array(bare, HALVES.type))
    opened = RoofTiles(GeoParquet(roofs.write(rows, tmp_path / "b.parquet")), HALVED)
    every = tiles(PARTS_FIRST)
    assert any(opened.tile(tile) for tile in every[::9])
    assert not any(opened.tile(tile, HALVES.name) for tile in every[::9])
    empty = [pa.array([None if half is None else [] for half in bare], HALVES.type)]
    rows = table.set_column(place, HALVES.name, empty)
    opened = RoofTiles(GeoParquet(roofs.write(rows, tmp_path / "c.parquet")), HALVED)
    assert not any(opened.tile(tile, HALVES.name) for tile in every[::9])
