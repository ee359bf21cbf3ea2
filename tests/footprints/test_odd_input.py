"""Odd things that once went wrong: files behind a sheet, units, attributes, enormous polygons."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine

from kernels.rings import MANY, count_cells
from pipeline.errors import InputError
from pipeline.footprints.footprints import to_rings
from pipeline.grid.windows import Window, cell_of
from pipeline.heights.rasters import Mosaic
from pipeline.heights.sheets import OpenSheet, open_sheet
from pipeline.output.export import export
from pipeline.storage.files import identity, on_disk
from tests.support import outlines, sheets
from tests.support.clocks import using_at_most
from tests.support.commands import arguments, call, small_world
from tests.support.runs import table_of

RD_FEET = (
    "+proj=sterea +lat_0=52.15616055555555 +lon_0=5.38763888888889 +k=0.9999079 +x_0=155000"
    " +y_0=463000 +ellps=bessel +units=ft"
)


def test_a_vrt_has_the_identity_of_its_sources(tmp_path: Path) -> None:
    sheets.write(tmp_path / "a.tif", sheets.heights(1))
    vrt = str(sheets.write_vrt(tmp_path / "a.vrt", ["a.tif"]))
    before = identity(vrt, open_sheet(vrt, "DSM", None).files)
    sheets.write(tmp_path / "a.tif", sheets.heights(2))
    assert identity(vrt, open_sheet(vrt, "DSM", None).files)["sha256"] != before["sha256"]


def test_an_offset_has_the_unit_of_its_raster(tmp_path: Path) -> None:
    values = np.full((20, 30), 250, np.int16)
    path = sheets.write(tmp_path / "a.tif", values, nodata=-9999, offset=100, unit="cm")
    sheet = open_sheet(str(path), "DSM", None)
    with OpenSheet(sheet) as opened:
        assert (opened.metres(sheet.window) == np.float32(3.5)).all()


def test_feet_are_no_metres(tmp_path: Path) -> None:
    path = sheets.write(tmp_path / "a.tif", sheets.heights(), crs=RD_FEET)
    with pytest.raises(InputError, match="not Amersfoort / RD New in metres"):
        open_sheet(str(path), "DSM", None)


def test_a_scale_of_nothing_is_refused(tmp_path: Path) -> None:
    path = sheets.write(tmp_path / "a.tif", sheets.heights(), scale=0)
    with pytest.raises(InputError, match="scale of 0"):
        open_sheet(str(path), "DSM", None)


def test_a_folder_may_be_called_zip(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip.d" / "b.zip"
    archive.parent.mkdir()
    archive.write_bytes(b"")
    assert on_disk(f"/vsizip/{archive}/c.tif") == archive


def test_a_list_may_stand_where_a_text_should(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(
        '{"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name":'
        ' "urn:ogc:def:crs:EPSG::28992"}}, "features": [{"type": "Feature", "properties":'
        ' {"identificatie": "1", "status": ["a", "b"]}, "geometry": {"type": "Polygon",'
        ' "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 0]]]}}]}'
    )
    (status,) = outlines.read(path).status
    assert "a" in status and "b" in status


def test_polygons_are_found_in_collections_of_collections(tmp_path: Path) -> None:
    inner = shapely.GeometryCollection([shapely.MultiPolygon([outlines.box(121_000, 487_000)])])
    rows = outlines.table([shapely.GeometryCollection([inner])], identificatie=["1"])
    found = outlines.read(outlines.write(tmp_path / "a.gpkg", rows))
    assert found.repaired.all() and found.area[0] == 80


def test_an_enormous_polygon_costs_what_is_asked_of_it() -> None:
    country = to_rings(shapely.to_wkb(np.array([shapely.box(0, 300_000, 300_000, 600_000)])), 0.5)
    with using_at_most(5):
        assert count_cells(country, most=1000)[0] == 600_000  # its first row
    assert MANY > 600_000**2


def test_a_users_file_in_the_work_folder_stays(tmp_path: Path) -> None:
    files, out = small_world().write(tmp_path / "in"), tmp_path / "out"
    (out / "work.partial").mkdir(parents=True)
    (out / "work.partial" / "thesis.txt").write_text("mine")
    result = call(*arguments(files, out))
    assert result.exit_code == 2 and "thesis.txt" in result.output
    assert (out / "work.partial" / "thesis.txt").read_text() == "mine"


def test_an_export_touches_no_other_file(tmp_path: Path) -> None:
    files, out = small_world().write(tmp_path / "in"), tmp_path / "out"
    assert call(*arguments(files, out)).exit_code == 0
    assert len(table_of(out))
    (tmp_path / ".x.partial.notes").write_text("mine")
    export(out, tmp_path / "x.csv")
    assert (tmp_path / ".x.partial.notes").read_text() == "mine"
    assert {p.name for p in tmp_path.iterdir()} == {"in", "out", "x.csv", ".x.partial.notes"}
    with pytest.raises(InputError, match="the run's own"):
        export(out, out / "map.png", "shadow")


def test_a_centre_is_on_the_rasters_if_its_cell_is(tmp_path: Path) -> None:
    """Cells of 0.4 m: what a sheet's edge is in metres is rounded, which cell holds a point not."""
    place = Affine(0.4, 0, 121_000.4, 0, -0.4, 481_230.8)
    path = sheets.write(tmp_path / "a.tif", sheets.heights(), place)
    mosaic = Mosaic("DSM", (open_sheet(str(path), "DSM", None),))
    window = mosaic.window
    x = np.round(0.4 * np.arange(window.left - 2, window.right + 3), 1)
    y = np.round(0.4 * np.arange(-window.bottom - 2, -window.top + 3), 1)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    for (east, north), held in zip(points, mosaic.contains(points), strict=True):
        row, column = cell_of(east, north, 0.4)
        assert held == window.covers(Window(row, column, 1, 1))
