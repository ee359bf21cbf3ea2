"""Elevation rasters in every form, unit, nodata and CRS that users have."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from pyproj import CRS

from pipeline.grid.windows import Window
from pipeline.heights.mosaics import open_mosaic
from pipeline.heights.rasters import Mosaic
from pipeline.heights.relief import warnings
from tests.support.sheets import FLOAT32_MAX, PLACE, east_of, heights, surveyed, write, write_vrt

WEST, EAST = heights(1), heights(2)
BOTH = np.hstack([WEST, EAST])


def read(mosaic: Mosaic) -> np.ndarray:
    with mosaic.reader() as reader:
        return reader.read(mosaic.window)


def opened(
    *sources: Any, kind: str = "DSM", nodata: float | None = None, allow: str = ""
) -> Mosaic:
    return open_mosaic([str(source) for source in sources], kind, nodata, frozenset([allow]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sheets side by side, and everything that stands for them."""
    home = tmp_path_factory.mktemp("sheets")
    sheets = home / "sheets"
    sheets.mkdir()
    write(sheets / "R_25GN1.TIF", WEST)
    write(sheets / "r_25gn2.tiff", EAST, east_of(PLACE, 30))
    (sheets / "readme.txt").write_text("as published")
    with zipfile.ZipFile(home / "both.zip", "w") as archive:
        for path in sorted(sheets.iterdir()):
            archive.write(path, f"deep/{path.name}")
    (home / "zips").mkdir()
    shutil.copy(home / "both.zip", home / "zips" / "AHN.ZIP")
    write_vrt(home / "both.vrt", ["sheets/R_25GN1.TIF", "sheets/r_25gn2.tiff"])
    names = ["sheets/R_25GN1.TIF", str(sheets / "r_25gn2.tiff")]  # relative and absolute
    boxes = [shapely.box(0, 0, 1, 1)] * 2
    index = gpd.GeoDataFrame({"location": names}, geometry=boxes, crs=28992)
    index.to_file(home / "index.gti.gpkg")
    index.rename(columns={"location": "LOCATION"}).to_file(home / "index.shp")
    return home


FORMS = {
    "files": ["sheets/R_25GN1.TIF", "sheets/r_25gn2.tiff"],
    "a file twice": ["sheets/R_25GN1.TIF", "sheets/../sheets/R_25GN1.TIF", "sheets/r_25gn2.tiff"],
    "a folder": ["sheets"],
    "a glob": ["sheets/[Rr]_25*.[tT]*"],
    "a deep glob": ["**/*.[Tt][Ii][Ff]*"],
    "a zip": ["both.zip"],
    "a folder of zips": ["zips"],
    "a vrt": ["both.vrt"],
    "an index": ["index.gti.gpkg"],
    "an index as shapefile": ["index.shp"],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form(folder: Path, form: str) -> None:
    mosaic = opened(*(folder / source for source in FORMS[form]))
    assert mosaic.window == Window(-487_100, 121_000, 20, 60)
    assert len(mosaic.sheets) == (1 if form == "a vrt" else 2)
    assert np.array_equal(read(mosaic), BOTH)


def test_one_file(folder: Path) -> None:
    assert np.array_equal(read(opened(folder / "sheets" / "R_25GN1.TIF")), WEST)


@pytest.mark.parametrize(
    ("surface", "ground"),
    [
        ("R_25GN1.tif", "M_25GN1.tif"),
        ("r5_25gn1.tif", "m5_25gn1.tif"),
        ("AHN6_2025_R_249000_466000.TIF", "AHN6_2025_M_249000_466000.TIF"),
    ],
)
def test_a_folder_with_both_kinds(tmp_path: Path, surface: str, ground: str) -> None:
    write(tmp_path / surface, WEST)
    write(tmp_path / ground, EAST)
    assert np.array_equal(read(opened(tmp_path, kind="DSM")), WEST)
    assert np.array_equal(read(opened(tmp_path, kind="DTM")), EAST)


def test_names_that_tell_no_kind_are_taken_as_they_are(tmp_path: Path) -> None:
    write(tmp_path / "Rotterdam.tif", WEST)
    write(tmp_path / "Maassluis.tif", EAST, east_of(PLACE, 30))
    assert np.array_equal(read(opened(tmp_path)), BOTH)


CM = np.rint(WEST * 100)
UNITS: dict[str, tuple[Any, dict[str, Any]]] = {
    "float32 metres": (WEST, {}),
    "float32 metres, stated": (WEST, {"unit": "metre"}),
    "float64 metres": (WEST.astype(np.float64), {}),
    "float32 centimetres": (CM.astype(np.float32), {"unit": "cm"}),
    "int16 with its scale": (CM.astype(np.int16), {"nodata": -9999, "scale": 0.01}),
    "int16 without a scale": (CM.astype(np.int16), {"nodata": -9999}),
    "int16 centimetres, stated": (CM.astype(np.int16), {"nodata": -9999, "unit": "centimetre"}),
    "int32 millimetres": ((CM * 10).astype(np.int32), {"nodata": None, "scale": 0.001}),
    "uint16 above -10 m": (
        (CM + 1000).astype(np.uint16), {"nodata": None, "scale": 0.01, "offset": -10.0},
    ),
}  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit(tmp_path: Path, unit: str) -> None:
    values, how = UNITS[unit]
    found = read(opened(write(tmp_path / "sheet.tif", values, **how)))
    assert found.dtype == np.float32
    assert np.array_equal(found, WEST)


def test_whole_metres_that_say_so(tmp_path: Path) -> None:
    metres = np.arange(-5, 595, dtype=np.int16).reshape(20, 30) % 100
    path = write(tmp_path / "sheet.tif", metres, nodata=-9999, unit="m")
    assert np.array_equal(read(opened(path)), metres)


HOLES: dict[str, tuple[type, float, dict[str, Any], float | None]] = {
    "float32 max": (np.float32, FLOAT32_MAX, {"nodata": FLOAT32_MAX}, None),
    "float32 max as people write it": (np.float32, FLOAT32_MAX, {"nodata": None}, 3.4028235e38),
    "float32 min": (np.float32, -FLOAT32_MAX, {"nodata": -FLOAT32_MAX}, None),
    "float64 min": (np.float64, -1.7976931348623157e308, {"nodata": -1.7976931348623157e308}, None),
    "float64 min in float32": (np.float32, -FLOAT32_MAX, {"nodata": None}, -1.797e308),
    "-9999": (np.float32, -9999, {"nodata": -9999}, None),
    "-9999 in centimetres": (np.int16, -9999, {"nodata": -9999}, None),
    "-9999 with a scale": (np.int16, -9999, {"nodata": -9999, "scale": 0.01}, None),
    "NaN": (np.float32, np.nan, {"nodata": np.nan}, None),
    "NaN, undeclared": (np.float32, np.nan, {"nodata": None}, None),
    "undeclared": (np.float32, -32768, {"nodata": None}, -32768),
    "infinite": (np.float32, np.inf, {"nodata": None}, np.inf),
    "beside NaN": (np.float32, np.nan, {"nodata": -9999}, None),
    "what is declared, not --nodata": (np.float32, -9999, {"nodata": -9999}, 5.0),
}


@pytest.mark.parametrize("hole", HOLES)
def test_a_nodata(tmp_path: Path, hole: str) -> None:
    dtype, value, how, option = HOLES[hole]
    metres = np.where(WEST == 5, np.float32(5.01), WEST)
    metres[3, 4:9] = 5.0
    values = (np.rint(metres * 100) if dtype == np.int16 else metres).astype(dtype)
    values[7:9, 2] = value
    metres[7:9, 2] = np.nan
    mosaic = opened(write(tmp_path / "sheet.tif", values, **how), nodata=option)
    assert np.array_equal(read(mosaic), metres, equal_nan=True)


@pytest.mark.parametrize("nodata", [1e10, -9999.5, np.nan, np.inf, -1e300])
def test_a_nodata_that_whole_numbers_cannot_hold(tmp_path: Path, nodata: float) -> None:
    values = CM.astype(np.int16)
    values[0, :2] = -9999, -32768
    found = read(opened(write(tmp_path / "sheet.tif", values, nodata=None), nodata=nodata))
    assert np.array_equal(np.rint(found * 100), values)


def _rd(version: str) -> str:
    text = CRS(28992).to_wkt(version)
    assert "28992" not in text or version != "WKT1_ESRI"
    return text


@pytest.mark.parametrize(
    ("crs", "name"),
    [
        ("EPSG:28992", "Amersfoort / RD New"),
        ("EPSG:7415", "Amersfoort / RD New + NAP height"),
        (_rd("WKT1_GDAL"), "Amersfoort / RD New"),
        (_rd("WKT1_ESRI"), None),
    ],
)
def test_a_crs(tmp_path: Path, crs: str, name: str | None) -> None:
    mosaic = opened(write(tmp_path / "sheet.tif", WEST, crs=crs))
    assert np.array_equal(read(mosaic), WEST)
    assert name is None or mosaic.sheets[0].crs == name


@pytest.mark.parametrize(
    ("file", "tags", "version"),
    [
        ("AHN3_R_25GN1.tif", {}, "AHN3"),
        ("ahn 4.tif", {}, "AHN4"),
        ("R_25GN1.tif", {"TIFFTAG_IMAGEDESCRIPTION": "AHN5 raster 0,5 m"}, "AHN5"),
        ("R_25GN1.tif", {}, None),
        ("AHN31.tif", {}, None),
        ("kahn2024.tif", {}, None),
    ],
)
def test_the_version_of_the_ahn(
    tmp_path: Path, file: str, tags: dict[str, str], version: str | None
) -> None:
    assert opened(write(tmp_path / file, WEST, tags=tags)).sheets[0].version == version


def test_sheets_that_overlap_and_agree(tmp_path: Path) -> None:
    first, second = WEST.copy(), BOTH[:, 20:50].copy()
    first[:, 25], second[:, 7] = np.nan, np.nan
    a = write(tmp_path / "a.tif", first, nodata=np.nan)
    b = write(tmp_path / "b.tif", second, east_of(PLACE, 20), nodata=np.nan)
    expected = BOTH[:, :50]
    for sources in ((a, b), (b, a)):
        assert np.array_equal(read(opened(*sources)), expected)


def test_a_missing_sheet_can_be_allowed(tmp_path: Path) -> None:
    a = write(tmp_path / "a.tif", WEST)
    b = write(tmp_path / "b.tif", EAST, east_of(PLACE, 60))
    mosaic = opened(a, b, allow="gaps")
    hole = np.full((20, 30), np.nan)
    assert np.array_equal(read(mosaic), np.hstack([WEST, hole, EAST]), equal_nan=True)
    points = np.array([[121_010.0, 487_090], [121_045, 487_090], [121_070, 487_090]])
    assert mosaic.contains(points).tolist() == [True, False, True]


def test_the_edge_of_a_town_is_no_gap(tmp_path: Path) -> None:
    places = [(0, 0), (30, 0), (0, 20)]
    sheets = [
        write(tmp_path / f"{x}_{y}.tif", WEST, PLACE @ PLACE.translation(x, y)) for x, y in places
    ]
    assert opened(*sheets).window == Window(-487_100, 121_000, 40, 60)


@pytest.mark.parametrize(
    ("share", "declared", "remedy"),
    [(0.27, False, "nodata 0"), (0.27, True, "-a_nodata 0"), (0.04, False, None)],
)
def test_a_value_that_fills_a_raster_is_told(
    tmp_path: Path, share: float, declared: bool, remedy: str | None
) -> None:
    values = np.linspace(1, 9, 40_000, dtype=np.float32)
    values[np.random.default_rng(3).random(40_000) < share] = 0.0
    nodata = FLOAT32_MAX if declared else None
    mosaic = opened(write(tmp_path / "ground.tif", values.reshape(200, 200), nodata=nodata))
    said = warnings(mosaic, [surveyed(mosaic.sheets[0])])
    assert len(said) == (remedy is not None)
    if remedy:
        assert said[0].startswith("ground.tif: 27%")
        assert remedy in said[0]


def test_a_raster_is_surveyed_whole(tmp_path: Path) -> None:
    values = np.full((1500, 2100), 3.0, np.float32)
    values[1499, 2099], values[0, 2099], values[700, 0:5] = -6.5, 320.25, np.nan
    mosaic = opened(write(tmp_path / "sheet.tif", values, nodata=np.nan, compress="deflate"))
    found = surveyed(mosaic.sheets[0])
    assert (found.lowest, found.highest) == (-6.5, 320.25)
    assert (found.cells, found.without_data, found.filled) == (1500 * 2100, 5, 3.0)


@pytest.mark.parametrize(
    "make", [lambda p: p, lambda p: write_vrt(p.with_suffix(".vrt"), [p.name])]
)
def test_windows_are_parts_of_the_whole(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    values = heights(4, 1300, 1100)
    path = write(tmp_path / "sheet.tif", values, tiled=True, blockxsize=512, blockysize=512)
    source = path if make(path) == path else write_vrt(tmp_path / "s.vrt", [path.name], 1300, 1100)
    mosaic = opened(source)
    window = Window(mosaic.window.top - 5, mosaic.window.left + 300, 1200, 900)
    with mosaic.reader() as reader:
        found = reader.read(window)
    assert np.isnan(found[:5]).all()
    assert np.isnan(found[:, 800:]).all()
    assert np.array_equal(found[5:, :800], values[:1195, 300:])


def test_the_written_sheet_is_what_it_says(tmp_path: Path) -> None:
    """The helper of these tests: stored as given, not scaled on the way."""
    path = write(tmp_path / "sheet.tif", CM.astype(np.int16), nodata=-9999, scale=0.01, unit="m")
    with rasterio.open(path) as file:
        assert np.array_equal(file.read(1), CM)
        assert (file.scales, file.units) == ((0.01,), ("m",))
