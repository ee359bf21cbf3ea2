"""Real sheets of other makes: read right, and nothing invented where there is no data."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.grid.windows import Window
from pipeline.heights.mosaics import gaps, open_mosaic
from pipeline.heights.rasters import Mosaic
from tests.support.places import DataFile
from tests.support.runs import Files, assert_equal, expect, judge

FOUR = ("41EN1", "41EN2", "41EZ1", "41EZ2")
SIX = ("34HN1", "34HN2", *FOUR)


def achterhoek(data_file: DataFile, names: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(data_file(f"achterhoek-5m-sheets/{name}_CM.tif") for name in names)


def opened(*paths: Path) -> Mosaic:
    return open_mosaic([str(path) for path in paths], "DTM", None)


def whole(mosaic: Mosaic) -> NDArray[np.float32]:
    """All of it, as the product reads it."""
    with mosaic.reader() as reader:
        return reader.read(mosaic.window)


def footprints(paths: tuple[Path, ...], step: float, side: float) -> gpd.GeoDataFrame:
    """Squares at every so many metres, and in each sheet twenty on single cells without data."""
    polygons = []
    rng = np.random.default_rng(0)
    for path in paths:
        with rasterio.open(path) as source:
            west, south, east, north = source.bounds
            mask, r = np.ma.getmaskarray(source.read(1, masked=True)), source.res[0]
        across = np.arange(west + 9, east - side, step)
        down = np.arange(south + 9, north - side, step)
        polygons += [shapely.box(x, y, x + side, y + side) for y in down for x in across]
        for row, column in rng.choice(np.argwhere(mask), 20, replace=False):
            x, y = west + (column + 0.5) * r, north - (row + 0.5) * r
            polygons.append(shapely.Point(x, y).buffer(0.4 * r, cap_style="square"))
    ids = [f"{i:016d}" for i in range(len(polygons))]
    return gpd.GeoDataFrame({"identificatie": ids}, geometry=polygons, crs=28992)


def written(table: gpd.GeoDataFrame, folder: Path) -> Path:
    table.to_parquet(folder / "pand.parquet")
    return folder / "pand.parquet"


def test_the_achterhoek_is_in_whole_centimetres_with_holes(data_file: DataFile) -> None:
    paths = achterhoek(data_file, SIX)
    mosaic = opened(*paths)
    assert (mosaic.resolution, len(mosaic.sheets)) == (5.0, 6)
    assert mosaic.window.bounds(5.0) == (240_000, 437_500, 260_000, 462_500)
    assert not gaps(mosaic)
    found, covered = whole(mosaic), mosaic.mask(mosaic.window)
    assert covered.mean() == 0.375  # six sheets of sixteen
    assert np.isnan(found[~covered]).all()
    for path, sheet in zip(paths, mosaic.sheets, strict=True):
        assert (sheet.scale, sheet.nodata, sheet.declared) == (0.01, -9999, True)
        with rasterio.open(path) as source:
            raw = source.read(1, masked=True)
        part = found[mosaic.window.slices(sheet.window)]
        np.testing.assert_array_equal(np.isnan(part), raw.mask)
        np.testing.assert_array_equal(np.rint(part[~raw.mask] * 100), raw.compressed())
        assert 20 < np.nanmin(part) < np.nanmax(part) < 60


def test_a_folder_a_glob_and_files_are_the_same_sheets(data_file: DataFile) -> None:
    paths = achterhoek(data_file, SIX)
    by_files = opened(*paths)
    assert opened(paths[0].parent).sheets == by_files.sheets
    assert opened(paths[0].parent / "*_CM.tif").sheets == by_files.sheets
    with pytest.raises(InputError, match="location"):  # an index of names, not of files
        opened(data_file("achterhoek-5m-sheets/index.shp"))


def test_the_achterhoek_with_footprints(data_file: DataFile, tmp_path: Path) -> None:
    """Its DTM as DSM too: every roof lies on the ground, and in a hole there is none."""
    sheets = achterhoek(data_file, FOUR)
    files = Files(sheets, sheets, written(footprints(sheets, 700, 22), tmp_path))
    settings = {"min_height_m": 0.0}
    found = judge(files, tmp_path / "out", settings=settings, block=500)
    assert_equal(found, expect(files, **settings))
    no_data = found["rejected"] == "no_data"
    assert 80 <= no_data.sum() < 150
    assert (found["cells"][no_data] == 0).all()
    assert found["roof_m"][no_data].isna().all()
    known = found["roof_m"][~no_data].astype(float)
    assert known.between(22, 56).all()
    assert found["height_m"][~no_data].astype(float).abs().median() < 0.1
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    inside = [str(path) for path in sheets]
    masked = sum(int(rasterio.open(path).read(1, masked=True).mask.sum()) for path in inside)
    assert report["accounting"]["cells"]["dsm_without_data"] == masked


@pytest.mark.parametrize(
    ("name", "crs", "resolution", "holes"),
    [
        ("westland-05m/westland_ahn_dsm_05m.tif", "Amersfoort / RD New", 0.5, 42_475),
        ("sluis-5m/ahn_dtm_5m.tif", "Amersfoort / RD New", 5.0, 2_015),
        ("bergermeer-05m/dem_bergermeer_05m_clip2048.tif", "Amersfoort / RD New", 0.5, 355),
    ],
)
def test_a_sheet_is_read_as_rasterio_reads_it(
    data_file: DataFile, name: str, crs: str, resolution: float, holes: int
) -> None:
    mosaic = opened(data_file(name))
    (sheet,) = mosaic.sheets
    assert sheet.crs.startswith(crs)
    assert (sheet.resolution, sheet.scale) == (resolution, 1.0)
    with rasterio.open(data_file(name)) as source:
        expected = source.read(1, masked=True)
        assert mosaic.window.bounds(resolution) == tuple(source.bounds)
    found = whole(mosaic)
    np.testing.assert_array_equal(np.isnan(found), np.ma.getmaskarray(expected))
    np.testing.assert_array_equal(found[~np.isnan(found)], expected.compressed())
    assert np.isnan(found).sum() == holes
    assert np.nanmax(found) < 50
    window = Window(mosaic.window.top + 100, mosaic.window.left + 77, 130, 111)
    with mosaic.reader() as reader:
        part = reader.read(window)
    np.testing.assert_array_equal(part, found[mosaic.window.slices(window)])


@pytest.mark.parametrize(
    ("name", "step", "side", "surface"),
    [
        ("westland-05m/westland_ahn_dsm_05m.tif", 25, 7, "dsm"),
        ("sluis-5m/ahn_dtm_5m.tif", 90, 22, "extruded"),
    ],
)
def test_where_there_is_no_data_nothing_is_invented(
    data_file: DataFile, tmp_path: Path, name: str, step: float, side: float, surface: str
) -> None:
    """One raster as DSM and DTM; footprints all over its ponds and roofs."""
    path = data_file(name)
    with rasterio.open(path) as source:
        height = source.read(1, masked=True)
    files = Files((path,), (path,), written(footprints((path,), step, side), tmp_path))
    settings = {"min_height_m": 0.0, "surface": surface, "ground_ring_m": 3.0}
    found = judge(files, tmp_path / "out", settings=settings)
    assert_equal(found, expect(files, **settings))
    no_data = found["rejected"] == "no_data"
    assert no_data.sum() >= 20
    assert found["roof_m"][no_data].isna().all()
    assert found["class"][no_data].isna().all()
    roofs: pd.Series = found["roof_m"].dropna().astype(float)
    assert height.min() - 0.01 <= roofs.min()
    assert roofs.max() <= height.max() + 0.01
