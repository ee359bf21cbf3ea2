"""The parts of buildings as files and layers, read again with the tools of others."""

import contextlib
import csv
import json
import sqlite3
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas
import openpyxl
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.messages import translated
from pipeline.output.export import export
from tests.support.second import PROFILE, SECOND, STOREYS
from tests.support.storeys import ROWS, expected, storeyed

LAYER = STOREYS.name
NAMES = ["id", "row", "number", "kind", "floor_m"]
LOST = sum(part["geometry"] is None for part in expected())
pytestmark = pytest.mark.usefixtures("second")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of buildings with storeys."""
    return storeyed(tmp_path_factory.mktemp("storeys") / "run")


def check(frame: Any, placed: bool = False) -> None:
    """The rows are the storeys, with their outlines; placed: only those that have one."""
    parts = [part for part in expected() if part["geometry"] or not placed]
    frame = frame.sort_values(["row", "number"])  # FlatGeobuf orders by place
    assert frame[NAMES].to_dict("records") == [{name: p[name] for name in NAMES} for p in parts]
    for one, part in zip(frame.geometry, parts, strict=True):
        outline = shapely.from_wkb(part["geometry"])
        assert (one is None and outline is None) or one.equals(outline)


def test_a_geopackage_has_a_layer_for_them(directory: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.gpkg"
    said = export(directory, path)
    assert said == f"{ROWS} buildings; layer storeys: {len(expected())} rows"
    assert translated(said, "nl") == f"{ROWS} panden; laag storeys: {len(expected())} rijen"
    assert pyogrio.list_layers(path)[:, 0].tolist()[:2] == ["buildings", LAYER]
    buildings = geopandas.read_file(path, layer="buildings")
    assert len(buildings) == ROWS and LAYER not in buildings and PROFILE.name in buildings
    frame = geopandas.read_file(path, layer=LAYER)
    check(frame)
    assert frame.crs.to_epsg() == 28992
    metadata = pyogrio.read_info(path, layer=LAYER)["layer_metadata"]
    assert metadata["method"] == SECOND.name


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_it_opens_in_their_shades_with_titles(directory: Path, tmp_path: Path, lang: str) -> None:
    path = tmp_path / "b.gpkg"
    export(directory, path, lang=lang)
    with contextlib.closing(sqlite3.connect(path)) as database:
        styles = dict(database.execute("SELECT f_table_name, styleQML FROM layer_styles"))
        rules = [*ElementTree.fromstring(styles[LAYER]).iter("rule")]
        rows = [
            database.execute(f"SELECT count(*) FROM storeys WHERE {rule.get('filter')}").fetchone()
            for rule in rules
        ]
    assert styles.keys() == {"buildings", LAYER}
    assert [rule.get("label") for rule in rules] == [s.words(lang) for s in STOREYS.shades]
    floors = [part["floor_m"] for part in expected()]
    assert rows == [(floors.count(0.0),), (len(floors) - floors.count(0.0),)]
    fields = {f.name: f.metadata for f in pyogrio.read_arrow(path, layer=LAYER)[1].schema}
    (floor,) = (field for field in STOREYS.fields if field.name == "floor_m")
    title, meaning = floor.words(lang)
    assert fields["floor_m"][b"GDAL:OGR:alternative_name"] == title.encode()
    assert fields["floor_m"][b"GDAL:OGR:comment"] == f"{meaning} [m]".encode()


def test_both_layers_of_an_existing_geopackage_are_replaced_and_others_stay(
    directory: Path, tmp_path: Path
) -> None:
    path, other = tmp_path / "mine.gpkg", geopandas.GeoDataFrame(
        {"kind": ["a"]}, geometry=[shapely.Point(1, 2)], crs=28992
    )  # fmt: skip
    pyogrio.write_dataframe(other, path, layer="parks", dataset_metadata={"owner": "me"})
    added = export(directory, path)
    assert added == (
        f"layer buildings added, {ROWS} buildings; layer storeys added, {len(expected())} rows;"
        " parks kept"
    )
    tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'rtree%'"

    def sizes() -> dict[str, int]:
        with contextlib.closing(sqlite3.connect(path)) as database:
            return {
                name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
                for (name,) in database.execute(tables).fetchall()
            }

    before = sizes()
    assert str(export(directory, path)).count("replaced") == 2
    assert sizes() == before and before["layer_styles"] == 2 and before[LAYER] == len(expected())
    check(geopandas.read_file(path, layer=LAYER))
    assert pyogrio.read_info(path, layer="parks")["dataset_metadata"] == {"owner": "me"}
    alone = tmp_path / "alone.gpkg"
    export(directory, alone)
    for layer in ("buildings", LAYER):
        one, two = (pyogrio.read_info(each, layer=layer) for each in (path, alone))
        assert one["layer_metadata"] == two["layer_metadata"]
        assert one["capabilities"] == two["capabilities"]


def test_neither_layer_is_replaced_where_one_is_of_others(directory: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.gpkg"
    frame = geopandas.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 2)], crs=28992)
    pyogrio.write_dataframe(frame, path, layer=LAYER)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"its layer storeys is not of this program"):
        export(directory, path)
    assert path.read_bytes() == before
    export(directory, path, layer="buildings")
    assert len(geopandas.read_file(path, layer=LAYER)) == 1


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "fgb", "parquet", "csv", "xlsx"])
def test_one_layer_as_a_file(directory: Path, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"p.{ending}"
    said = export(directory, path, LAYER)
    assert said.startswith(f"layer storeys: {len(expected())} rows")
    if ending == "csv":
        rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
        assert [list(row) for row in rows[:1]] == [NAMES]
        assert [(int(r["row"]), int(r["number"])) for r in rows] == [
            (part["row"], part["number"]) for part in expected()
        ]
    elif ending == "xlsx":
        header, *lines = openpyxl.load_workbook(path)[LAYER].values
        assert list(header) == NAMES and len(lines) == len(expected())
    elif ending == "parquet":
        check(geopandas.read_parquet(path))
    elif ending == "geojson":
        features = json.loads(path.read_text("utf-8"))["features"]
        assert [f["id"] for f in features] == [f"{p['row']}-{p['number']}" for p in expected()]
        assert list(features[0]["properties"]) == NAMES
    else:
        check(geopandas.read_file(path, layer=LAYER), placed=ending == "fgb")
    if ending == "fgb":
        assert said.endswith(f", {LOST} without an outline left out") and LOST


def test_geoparquet_covers_its_rows(directory: Path, tmp_path: Path) -> None:
    """By the rectangles of GeoParquet 1.1 a reader takes a part out of it."""
    path = tmp_path / "p.parquet"
    export(directory, path, LAYER)
    geo = json.loads(pq.read_metadata(path).metadata[b"geo"])
    assert geo["version"] == "1.1.0" and geo["primary_column"] == "geometry"
    assert geo["columns"]["geometry"]["geometry_types"] == ["Polygon"]
    whole = geopandas.read_parquet(path)
    area = whole.geometry.iloc[50].buffer(30)
    near = geopandas.read_parquet(path, bbox=area.bounds)
    assert 0 < len(near) < len(whole)
    assert set(near["row"]) == set(whole[whole.intersects(shapely.box(*area.bounds))]["row"])
    assert pq.read_metadata(path).num_row_groups > 3


@pytest.mark.parametrize("name", ["p.csv", "p.gpkg", "p.fgb"])
def test_a_layer_that_there_is_not(directory: Path, tmp_path: Path, name: str) -> None:
    said = rf"layer 'planes': of this run a \{Path(name).suffix} holds buildings, storeys"
    with pytest.raises(InputError, match=said):
        export(directory, tmp_path / name, "planes")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["p.tif", "p.png"])
@pytest.mark.parametrize("layer", ["buildings", LAYER])
def test_a_table_is_no_raster_layer(directory: Path, tmp_path: Path, name: str, layer: str) -> None:
    with pytest.raises(InputError, match=f"layer '{layer}': is a table; a table goes into a .gpkg"):
        export(directory, tmp_path / name, layer)
    assert not list(tmp_path.iterdir())


def test_parts_without_outlines(tmp_path: Path) -> None:
    run, rows = storeyed(tmp_path / "run", outlines=False), len(expected())
    said = export(run, tmp_path / "p.fgb", LAYER)
    assert said == f"layer storeys: {rows} rows, {rows} without an outline left out"
    export(run, tmp_path / "p.parquet", LAYER)
    frame = geopandas.read_parquet(tmp_path / "p.parquet")
    assert len(frame) == rows and frame.geometry.isna().all()
    assert export(run, tmp_path / "b.gpkg").endswith(f"layer storeys: {rows} rows")
    assert len(geopandas.read_file(tmp_path / "b.gpkg", layer=LAYER)) == rows
