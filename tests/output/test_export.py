"""Exports, read again with the tools of others and compared with the run."""

import csv
import json
import os
import warnings
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pyogrio
import pyproj
import pytest
import rasterio
import shapely
from matplotlib.colors import to_rgb
from matplotlib.image import imread
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning

from pipeline.errors import InputError, OutputError
from pipeline.output.export import WRITERS, export
from pipeline.output.map import cartography
from pipeline.output.map.palette import GROUND
from pipeline.results import report
from pipeline.results.columns import flatten
from tests.support.finished import (
    NORTH,
    TWINS,
    WEST,
    buildings,
    composed,
    finished,
    flat_names,
    geometry,
    rasters,
    same_columns,
    seal,
)


@pytest.fixture
def exported(directory: Path, tmp_path: Path) -> Any:
    """Exports to a name in an empty folder, and sees that nothing else is left there but the world
    file of a picture."""

    def make(name: str, layer: str | None = None, lang: str = "en") -> Path:
        path = tmp_path / name
        export(directory, path, layer, lang)
        assert {entry.name for entry in tmp_path.iterdir()} - {f"{path.stem}.pgw"} == {name}
        return path

    return make


def test_geojson(exported: Any) -> None:
    path = exported("b.geojson")
    document = json.loads(path.read_text(encoding="utf-8"))
    assert "crs" not in document
    properties = [feature["properties"] for feature in document["features"]]
    same_columns(pa.Table.from_pylist(properties))
    to_degrees = pyproj.Transformer.from_crs(28992, 4326, always_xy=True)
    for feature, here in zip(document["features"], geometry(), strict=True):
        if here is None:
            assert feature["geometry"] is None
            continue
        there = shapely.geometry.shape(feature["geometry"])
        wanted = shapely.transform(here, to_degrees.transform, interleaved=False)
        assert there.equals_exact(wanted, 1e-7, normalize=True)
        for polygon in shapely.get_parts(there):
            assert polygon.exterior.is_ccw and not any(r.is_ccw for r in polygon.interiors)
    lon, lat = document["features"][0]["geometry"]["coordinates"][0][0]
    assert 4.8 < lon < 4.9 and 52.3 < lat < 52.4


def test_parquet(exported: Any) -> None:
    path = exported("b.parquet", layer="buildings")
    assert pq.read_table(path).equals(buildings())
    assert geopandas.read_parquet(path).crs.to_epsg() == 28992


def test_flatgeobuf(exported: Any, directory: Path, tmp_path: Path) -> None:
    """It has an index, so that it holds no row without an outline."""
    path = exported("b.fgb")
    frame = geopandas.read_file(path).sort_values("row")  # it is ordered by place
    assert frame.crs.to_epsg() == 28992 and frame["row"].tolist() == [*range(9), 10, 11]
    expected = [each for each in geometry() if each is not None]
    assert all(one.equals(two) for one, two in zip(frame.geometry, expected, strict=True))
    assert list(frame.columns) == [*flat_names(), "geometry"]
    near = geopandas.read_file(path, bbox=tuple(TWINS.bounds))
    assert near["row"].tolist() == [11]
    said = export(directory, tmp_path / "b.fgb")
    assert said == "12 buildings, 1 without an outline left out"


def test_csv(exported: Any) -> None:
    path = exported("b.csv")
    told = pyarrow.csv.read_csv(
        path,
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={"id": pa.string(), "built": pa.int64()}, strings_can_be_null=True
        ),
    )
    same_columns(told)
    assert told["centre_x"][11].as_py() == TWINS.centroid.x
    assert path.read_text(encoding="utf-8").splitlines()[1].startswith('0,"0000000000000001",1900')


def test_csv_and_xlsx_compute_nothing(tmp_path: Path) -> None:
    """An id from an input may be anything; a number below zero stays one."""
    run = tmp_path / "run"
    run.mkdir()
    finished(run, layers={})
    table = buildings()
    ids = pa.array(["=1+1", "-1", *table["id"].to_pylist()[2:]])
    ground = pa.array([-0.5, *table["ground_m"].to_pylist()[1:]], pa.float64())
    for name, column in (("id", ids), ("ground_m", ground)):
        table = table.set_column(table.column_names.index(name), name, column)
    pq.write_table(table, run / "buildings.parquet")
    seal(run, composed(table))
    export(run, tmp_path / "b.csv")
    export(run, tmp_path / "b.xlsx")
    lines = list(csv.DictReader((tmp_path / "b.csv").read_text("utf-8").splitlines()))
    assert [line["id"] for line in lines[:3]] == ["'=1+1", "'-1", "0000000000000003"]
    assert lines[0]["ground_m"] == "-0.5"
    header, *rows = openpyxl.load_workbook(tmp_path / "b.xlsx")["buildings"].iter_rows()
    place = {cell.value: cell.column - 1 for cell in header}
    assert [(row[place["id"]].data_type, row[place["id"]].value) for row in rows[:2]] == [
        ("s", "=1+1"), ("s", "-1"),
    ]  # fmt: skip
    assert rows[0][place["ground_m"]].value == -0.5


def test_xlsx(exported: Any) -> None:
    sheet = openpyxl.load_workbook(exported("b.xlsx"))["buildings"]
    names, *rows = sheet.values
    expected = flatten(buildings()).drop_columns(["geometry"])
    assert list(names) == expected.column_names
    assert [dict(zip(names, row, strict=True)) for row in rows] == [
        {k: None if v == "" else v for k, v in row.items()} for row in expected.to_pylist()
    ]
    assert rows[0][1] == "0000000000000001" and sheet["B2"].data_type == "s"


def test_more_rows_than_an_xlsx_holds(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.results.spreadsheets.MOST_ROWS", len(buildings()))
    with pytest.raises(InputError, match=r"buildings: 12 rows, .*\.csv or \.parquet"):
        export(directory, tmp_path / "b.xlsx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("layer", [None, "hillshade", "shadow", "sun_hillshade", "surface"])
def test_tif(exported: Any, layer: str | None) -> None:
    expected = rasters()[layer or "shadow"]
    with rasterio.open(exported("r.tif", layer)) as file:
        cells = file.read()
        np.testing.assert_array_equal(cells, np.atleast_3d(expected.T).T.reshape(cells.shape))
        assert cells.dtype == expected.dtype
        assert file.crs.to_epsg() == 28992
        assert tuple(file.transform)[:6] == (2.0, 0.0, WEST, 0.0, -2.0, NORTH)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        nodata = {"shadow": 255, "surface": np.nan}.get(layer or "shadow", 0)
        np.testing.assert_equal(file.nodata, nodata)
        assert json.loads(file.tags()["parameters"])["panel_share"] == 0.1


def test_tif_says_what_its_bits_mean(exported: Any) -> None:
    with rasterio.open(exported("shadow.tif")) as file:
        assert "bit 0 at 10:00" in file.descriptions[0] and "255 no data" in file.descriptions[0]
        assert file.tags(1)["flag_masks"] == "1 2 4"
        assert file.tags(1)["flag_meanings"] == "at_10 at_12 at_14"


def test_tif_has_a_band_a_sun(exported: Any) -> None:
    with rasterio.open(exported("suns.tif", "sun_hillshade")) as file:
        times = ("10:00", "12:00", "14:00")
        assert all(t in said for t, said in zip(times, file.descriptions, strict=True))


def test_png_without_a_layer_is_the_map(exported: Any, directory: Path, tmp_path: Path) -> None:
    made = exported("map.png", lang="nl").read_bytes()
    scene = cartography.scene(
        report.read_buildings(directory), report.read(directory), directory / "rasters.zarr"
    )
    cartography.draw(scene, tmp_path / "drawn.png", "nl")
    assert made == (tmp_path / "drawn.png").read_bytes()


def test_png_of_the_hillshade(exported: Any) -> None:
    picture = np.rint(255 * imread(exported("h.png", "hillshade"))).astype(int)
    expected = rasters()["hillshade"]
    np.testing.assert_array_equal(picture[..., 1], expected)
    np.testing.assert_array_equal(picture[..., 3], np.where(expected == 0, 0, 255))


def test_png_of_the_shadow(exported: Any) -> None:
    picture = np.rint(255 * imread(exported("s.png", "shadow"))).astype(int)
    assert picture[40, 10].tolist() == [255, 255, 255, 255]
    assert picture[40, 90, 0] < 100 and picture[0, 0, 3] == 0


def test_png_of_the_suns_stands_side_by_side(exported: Any) -> None:
    picture = np.rint(255 * imread(exported("s.png", "sun_hillshade"))).astype(int)
    assert picture.shape == (80, 300, 4)
    assert picture[40, [10, 90, 110, 190, 210, 290], 0].tolist() == [50, 0, 51, 51, 52, 0]


def test_png_of_the_surface_is_brighter_where_higher(exported: Any) -> None:
    picture = imread(exported("s.png", "surface"))
    assert picture[79, 0, 0] > picture[40, 0, 0] > picture[10, 0, 0]
    assert picture[0, 0, 3] == 0 and picture[79, 0, 3] == 1


@pytest.mark.parametrize(
    ("name", "layer", "remedy"),
    [
        ("b.shp", None, r"\.csv, \.xlsx, \.png, \.pdf"),
        ("b", None, r"\.tif"),
        ("r.tif", "slope", "hillshade, shadow, sun_hillshade, surface"),
        ("r.png", "buildings", "a table goes into a .gpkg"),
        ("b.gpkg", "shadow", r"\.tif or \.png"),
        ("c.pdf", "shadow", r"\.tif or \.png"),
        ("b.parquet", "shadow", r"\.tif or \.png"),
        ("b.csv", "planes", "of this run a .csv holds buildings"),
        ("nowhere/b.csv", None, "folder"),
    ],
)
def test_faults_name_what_is_possible(
    directory: Path, tmp_path: Path, name: str, layer: str | None, remedy: str
) -> None:
    with pytest.raises(InputError, match=remedy):
        export(directory, tmp_path / name, layer)
    assert not list(tmp_path.iterdir())


def test_a_run_without_rasters(tmp_path: Path) -> None:
    bare = tmp_path / "run"
    bare.mkdir()
    finished(bare, layers={})
    for to, layer in (("r.tif", None), ("r.png", "hillshade")):
        with pytest.raises(InputError, match="run again with layers"):
            export(bare, tmp_path / to, layer)
    export(bare, tmp_path / "map.png")
    assert {path.name for path in tmp_path.iterdir()} == {"run", "map.png"}


def test_a_folder_without_a_run(tmp_path: Path) -> None:
    for ending in WRITERS:
        with pytest.raises(InputError, match="no finished run"):
            export(tmp_path, tmp_path / f"x{ending}")
    assert not list(tmp_path.iterdir())


def test_a_failed_export_leaves_the_old_file(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.gpkg"
    path.write_text("old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pipeline.output.export.qgis.add_style", full)
    with pytest.raises(OSError, match="No space"):
        export(directory, path, overwrite=True)
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_geojson_that_found_no_room_for_its_end(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = pyogrio.write_arrow

    def cut(source: Any, to: Path, **options: Any) -> None:
        write(source, to, **options)
        os.truncate(to, to.stat().st_size - 5)

    monkeypatch.setattr(pyogrio, "write_arrow", cut)
    with pytest.raises(OutputError, match="disk full"):
        export(directory, tmp_path / "b.geojson")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", WRITERS)
def test_a_file_of_the_users_is_refused_without_overwrite(
    directory: Path, tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"b{ending}"
    path.write_text("mine")
    with pytest.raises(InputError, match="or overwrite to replace it"):
        export(directory, path)
    assert path.read_text() == "mine" and [*tmp_path.iterdir()] == [path]
    export(directory, path, overwrite=True)
    assert path.stat().st_size > 100


@pytest.mark.parametrize("ending", WRITERS)
def test_an_export_replaces_an_older_one(directory: Path, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"b{ending}"
    export(directory, path)
    export(directory, path)
    assert [*tmp_path.iterdir()] == [path]


def test_an_export_that_was_edited_is_the_users(directory: Path, tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    export(directory, path)
    path.write_text(edited := path.read_text("utf-8").replace("1900", "1901"), "utf-8")
    with pytest.raises(InputError, match="not as this program wrote it"):
        export(directory, path)
    assert path.read_text("utf-8") == edited


def test_a_world_file_of_the_users_is_not_replaced(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "shadow.pgw").write_text("mine")
    with pytest.raises(InputError, match=r"shadow\.pgw: exists"):
        export(directory, tmp_path / "shadow.png")
    assert [entry.name for entry in tmp_path.iterdir()] == ["shadow.pgw"]


# What a client of GeoJSON or pictures sees


def test_geojson_features_have_the_row_as_id(exported: Any) -> None:
    features = json.loads(exported("b.geojson").read_text(encoding="utf-8"))["features"]
    assert [feature["id"] for feature in features] == [*range(12)]
    assert all(list(f["properties"]) == flat_names() for f in features)
    assert all(f["properties"]["row"] == f["id"] for f in features)


@pytest.mark.parametrize(
    ("name", "layer", "said"),
    [
        ("hillshade.tif", None, "layer hillshade: hillshade of the DSM"),
        ("Surface.TIF", None, "layer surface: height of the method's surface above NAP"),
        ("hillshade.tif", "shadow", "layer shadow: cast shadow"),
        ("r.tif", None, "layer shadow: cast shadow, shaded: bit 0 at 10:00"),
    ],
)
def test_tif_is_of_the_layer_that_it_is_named_after_and_says_so(
    directory: Path, tmp_path: Path, name: str, layer: str | None, said: str
) -> None:
    assert export(directory, tmp_path / name, layer).startswith(said)
    with rasterio.open(tmp_path / name) as file:
        assert file.tags()["TIFFTAG_IMAGEDESCRIPTION"].startswith(said)
        wanted = rasters()[said.split()[1].rstrip(":")]
        np.testing.assert_array_equal(file.read(1), wanted)


def test_png_is_of_the_layer_that_it_is_named_after(exported: Any, tmp_path: Path) -> None:
    named = exported("hillshade.png").read_bytes()
    assert named == exported("hillshade.png", "hillshade").read_bytes()
    with Image.open(tmp_path / "hillshade.png") as picture:
        assert picture.info["Description"].startswith("layer hillshade: hillshade of the DSM")


def test_shadow_tif_has_a_colour_a_mask(exported: Any) -> None:
    with rasterio.open(exported("shadow.tif")) as file:
        assert file.colorinterp[0].name == "palette"
        colours = file.colormap(1)
        assert file.overviews(1) == [] and file.nodata == 255
    assert colours[0][:3] == tuple(round(255 * part) for part in to_rgb(GROUND))
    brightness = [sum(colours[mask][:3]) for mask in (0, 0b1, 0b11, 0b111)]
    assert brightness == sorted(set(brightness), reverse=True)
    assert colours[0b1] == colours[0b10] == colours[0b100]


def test_other_tifs_have_no_colours(exported: Any) -> None:
    with rasterio.open(exported("hillshade.tif")) as file:
        assert file.colorinterp[0].name == "gray"


@pytest.mark.parametrize("largest", [4096, 60])
def test_png_lies_where_its_layer_lies(
    exported: Any, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr("pipeline.output.export.rasters.LARGEST_PICTURE", largest)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(exported("shadow.png")) as file:
            bounds, shape = file.bounds, file.shape
    rows, columns_ = rasters()["shadow"].shape
    assert shape == ((rows, columns_) if largest == 4096 else (rows // 2, columns_ // 2))
    assert tuple(bounds) == (WEST, NORTH - 2 * rows, WEST + 2 * columns_, NORTH)


def test_pictures_without_a_place_have_no_world_file(exported: Any, tmp_path: Path) -> None:
    exported("map.png").unlink()
    exported("sun_hillshade.png")
    assert not (tmp_path / "sun_hillshade.pgw").exists()
