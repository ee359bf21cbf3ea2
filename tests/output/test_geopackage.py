"""The GeoPackage of a run: a layer with a style and titles, new or beside the layers of others."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import geopandas
import numpy as np
import pyogrio
import pytest
import shapely
from matplotlib.colors import to_rgb

from pipeline.errors import InputError, OutputError
from pipeline.output.export import export
from pipeline.output.map.palette import styles
from pipeline.results.columns import flatten
from tests.support.finished import (
    METHOD,
    NORTH,
    TWINS,
    WEST,
    buildings,
    flat_names,
    geometry,
    same_columns,
)

NORTH_WEST = shapely.box(WEST, NORTH - 5, WEST + 5, NORTH)


@pytest.fixture
def exported(directory: Path, tmp_path: Path) -> Any:
    """Exports to a name in an empty folder, and sees that nothing else is left there."""

    def make(name: str, lang: str = "en") -> Path:
        export(directory, tmp_path / name, lang=lang)
        assert [entry.name for entry in tmp_path.iterdir()] == [name]
        return tmp_path / name

    return make


def test_geopackage(exported: Any) -> None:
    path = exported("b.gpkg")
    told, table = pyogrio.read_arrow(path, layer="buildings")
    same_columns(table)
    names = flatten(buildings()).column_names
    assert table.column_names == [name for name in names if name != "geometry"] + ["geometry"]
    assert (told["crs"], told["geometry_type"]) == ("EPSG:28992", "MultiPolygon")
    read = shapely.from_wkb(table[told["geometry_name"]].to_numpy())
    for there, here in zip(read, geometry(), strict=True):
        assert (there is None and here is None) or there.equals(here)


def style(path: Path) -> tuple[tuple[str, ...], ElementTree.Element]:
    """How QGIS finds the style of the buildings, and the style."""
    with contextlib.closing(sqlite3.connect(path)) as database:
        (*place, qml) = database.execute(
            "SELECT f_table_catalog, f_table_schema, f_table_name, f_geometry_column,"
            " useAsDefault, styleQML FROM layer_styles"
        ).fetchone()
        listed = database.execute(
            "SELECT data_type FROM gpkg_contents WHERE table_name = 'layer_styles'"
        ).fetchone()
    assert listed == ("attributes",)
    assert qml.startswith("<!DOCTYPE qgis")
    return tuple(place), ElementTree.fromstring(qml)


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_geopackage_opens_in_the_classes(exported: Any, lang: str) -> None:
    place, qml = style(exported("b.gpkg", lang=lang))
    assert place == ("", "", "buildings", "geometry", 1)
    renderer = qml.find("renderer-v2")
    assert renderer is not None and renderer.get("type") == "RuleRenderer"
    symbols = {symbol.get("name"): symbol for symbol in renderer.iter("symbol")}
    rules = {str(rule.get("filter")): rule for rule in renderer.iter("rule")}
    for each in METHOD.classes:
        (rule,) = (rule for filter_, rule in rules.items() if f"= '{each.name}'" in filter_)
        fill = symbols[rule.get("symbol")].find("layer/prop[@k='color']")
        expected = [*(round(255 * part) for part in to_rgb(each.colour)), 255]
        assert fill is not None and fill.get("v") == ",".join(map(str, expected))
    assert len(rules) == len(symbols) == len(styles(METHOD).keys() - {"reach_cut", "added"})
    assert {rule.get("label") for rule in rules.values()} >= (
        {"zon", "geen van beide"} if lang == "nl" else {"sun", "neither"}
    )


def test_rules_take_each_row_once(exported: Any) -> None:
    """The filters are SQL as well: each row falls under one rule, the set aside under a second."""
    path = exported("b.gpkg")
    _, qml = style(path)
    filters = [str(rule.get("filter")) for rule in qml.iter("rule")]
    with contextlib.closing(sqlite3.connect(path)) as database:
        taken = [
            {fid for (fid,) in database.execute(f"SELECT fid - 1 FROM buildings WHERE {rows}")}
            for rows in filters
        ]
    assert taken == [{0, 4, 11}, {1, 2, 5}, {3, 6}, {7, 8, 9}, {4, 5, 6}, {10}]


def test_hatch_of_what_is_not_judged(exported: Any) -> None:
    _, qml = style(exported("b.gpkg"))
    (rule,) = (r for r in qml.iter("rule") if "IS NOT NULL" in str(r.get("filter"))
               and "excluded" not in str(r.get("filter")))  # fmt: skip
    brushes = qml.findall(f".//symbol[@name='{rule.get('symbol')}']/layer/prop[@k='style']")
    assert [brush.get("v") for brush in brushes] == ["solid", "b_diagonal"]


def test_geopackage_is_of_a_version_that_gdal_before_3_7_knows(exported: Any) -> None:
    """GDAL 3.6 warns of 1.4 (user_version 10400), which GDAL 3.11 and later write by themselves."""
    with contextlib.closing(sqlite3.connect(exported("b.gpkg"))) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (10200,)


@pytest.mark.parametrize("lang", ["en", "nl"])
def test_geopackage_says_what_its_columns_mean(exported: Any, lang: str) -> None:
    path = exported("b.gpkg", lang=lang)
    table = pyogrio.read_arrow(path, layer="buildings")[1]
    fields = {field.name: field.metadata for field in table.schema}
    assert all(fields[name][b"GDAL:OGR:comment"] for name in flat_names())
    title, meaning = METHOD.by_name["area_m2"].words(lang)
    assert fields["area_m2"][b"GDAL:OGR:alternative_name"] == title.encode()
    assert fields["area_m2"][b"GDAL:OGR:comment"] == f"{meaning} [m2]".encode()
    assert fields["lit_2"][b"GDAL:OGR:alternative_name"].endswith(b", 12:00 CET")


def test_geopackage_registers_the_extension_of_titles(exported: Any) -> None:
    with contextlib.closing(sqlite3.connect(exported("b.gpkg"))) as database:
        found = database.execute(
            "SELECT table_name, definition, scope FROM gpkg_extensions"
            " WHERE extension_name = 'gpkg_schema' ORDER BY table_name"
        ).fetchall()
        titles = database.execute("SELECT name, title FROM gpkg_data_columns").fetchall()
    schema = "http://www.geopackage.org/spec121/#extension_schema"
    assert found == [
        (table, schema, "read-write")
        for table in ("gpkg_data_column_constraints", "gpkg_data_columns")
    ]
    assert len(titles) == len(flat_names()) and all(name == title for name, title in titles)


# Into a GeoPackage of the user's


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A GeoPackage of the user's with two layers, metadata and a style of its own."""
    path = tmp_path / "mine.gpkg"
    frame = geopandas.GeoDataFrame({"kind": ["a", "b"]}, geometry=[TWINS, NORTH_WEST], crs=28992)
    for layer in ("parks", "wells"):
        pyogrio.write_dataframe(frame, path, layer=layer, dataset_metadata={"owner": "me"})
    return path


def layers_of(path: Path) -> dict[str, Any]:
    return {name: pyogrio.read_arrow(path, layer=name)[1] for name, _ in pyogrio.list_layers(path)}


def test_a_geopackage_of_the_users_gets_the_layer_beside_theirs(
    directory: Path, theirs: Path
) -> None:
    before, entries = layers_of(theirs), {*theirs.parent.iterdir()}
    said = export(directory, theirs)
    assert {*theirs.parent.iterdir()} == entries
    assert said == "layer buildings added, 12 buildings; parks, wells kept"
    after = layers_of(theirs)
    same_columns(after.pop("buildings"))
    after.pop("layer_styles")
    assert after == before
    assert pyogrio.read_info(theirs, layer="parks")["dataset_metadata"] == {"owner": "me"}


def test_the_layer_in_a_geopackage_of_the_users_is_as_in_a_new_one(
    directory: Path, theirs: Path, exported: Any
) -> None:
    export(directory, theirs)
    theirs = theirs.rename(theirs.parent.parent / "mine.gpkg")
    alone = exported("b.gpkg")
    assert pyogrio.read_arrow(theirs, layer="buildings")[1].equals(
        pyogrio.read_arrow(alone, layer="buildings")[1]
    )
    for told in ("crs", "features", "layer_metadata", "total_bounds", "capabilities"):
        infos = [
            pyogrio.read_info(path, layer="buildings", force_total_bounds=True)[told]
            for path in (theirs, alone)
        ]
        np.testing.assert_equal(*infos)
    assert style(theirs)[0] == style(alone)[0]
    bbox = shapely.bounds(geometry()[0])
    near = [pyogrio.read_arrow(p, layer="buildings", bbox=tuple(bbox))[1] for p in (theirs, alone)]
    assert len(near[0]) == 1 and near[0].equals(near[1])


def test_registries_do_not_grow(directory: Path, theirs: Path) -> None:
    def registries() -> dict[str, int]:
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'rtree%'"
        with contextlib.closing(sqlite3.connect(theirs)) as database:
            return {
                name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
                for (name,) in database.execute(tables).fetchall()
            }

    export(directory, theirs)
    before = registries()
    said = export(directory, theirs)
    assert said == "layer buildings replaced, 12 buildings; parks, wells kept"
    assert registries() == before
    same_columns(pyogrio.read_arrow(theirs, layer="buildings")[1])


def test_a_layer_of_the_users_with_our_name_is_refused(directory: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.gpkg"
    frame = geopandas.GeoDataFrame({"kind": ["a"]}, geometry=[TWINS], crs=28992)
    for layer in ("Buildings", "parks"):
        pyogrio.write_dataframe(frame, path, layer=layer)
    before = path.read_bytes()
    with pytest.raises(InputError, match=r"layer buildings is not of this program.*overwrite"):
        export(directory, path)
    assert path.read_bytes() == before
    export(directory, path, overwrite=True)
    assert len(pyogrio.read_arrow(path, layer="buildings")[1]) == 12
    assert len(pyogrio.read_arrow(path, layer="parks")[1]) == 1


def test_a_failed_export_leaves_a_users_geopackage_unchanged(
    directory: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(directory, theirs)
    before = layers_of(theirs)

    def full(*_: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("pipeline.output.export.geopackage._copy", full)
    with pytest.raises(OutputError, match="disk is full"):
        export(directory, theirs)
    assert layers_of(theirs) == before


def test_a_geopackage_in_which_another_program_writes(
    directory: Path, theirs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.output.export.geopackage.BUSY_S", 0.1)
    with contextlib.closing(sqlite3.connect(theirs)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match=r"locked.*in use"):
            export(directory, theirs)
    assert [name for name, _ in pyogrio.list_layers(theirs)] == ["parks", "wells"]


def test_a_style_of_the_users_stays(directory: Path, theirs: Path) -> None:
    with contextlib.closing(sqlite3.connect(theirs)) as database, database:
        database.execute(
            "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY, f_table_name TEXT, styleName TEXT)"
        )
        database.execute("INSERT INTO layer_styles VALUES (1, 'parks', 'green')")
    export(directory, theirs)
    with contextlib.closing(sqlite3.connect(theirs)) as database:
        rows = database.execute("SELECT f_table_name, styleName FROM layer_styles ORDER BY id")
        assert rows.fetchall() == [("parks", "green"), ("buildings", "daklaag")]
