"""The generated quarter's files: sheets and footprints as the national ones are."""

from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely

from pipeline import quarter
from pipeline.addresses import open_index, read_addresses
from pipeline.addresses.search import search
from pipeline.areas.regions import find_region, regions_of
from pipeline.quarter import Scene, write
from pipeline.quarter.scene import Cells


def digest(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> quarter.Quarter:
    return quarter.generate(
        tmp_path_factory.mktemp("quarter"), size=(240, 210), resolution=1, sheets=(3, 2)
    )


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    places = [tmp_path / name for name in "abc"]
    for place, seed in zip(places, (4, 4, 5), strict=True):
        quarter.generate(place, size=(200, 200), resolution=2, seed=seed)
    first, second, other = map(digest, places)
    assert first == second
    same = {name for name in first if first[name] == other[name]}
    assert same == {"boundaries.geojson"}  # of the same ground


def test_its_regions_are_found_by_code_and_name(files: quarter.Quarter) -> None:
    named = [(r.code, r.name) for r in regions_of(files.boundaries)]
    assert named[:3] == [("PV99", "Dakland"), ("GM9999", "Daklaag"), ("BU99990001", "Noordwest")]
    whole = shapely.box(*files.bounds)
    for name in ("PV99", "Daklaag", "0999"):
        assert find_region(name, [files.boundaries]).geometry.equals(whole)
    corners = [find_region(f"BU9999000{i}", [files.boundaries]).geometry for i in range(1, 5)]
    assert shapely.union_all(corners).equals(whole)
    assert corners[0].bounds == (files.bounds[0], files.bounds[1] + 105, files.bounds[0] + 120,
                                 files.bounds[3])  # fmt: skip


def test_its_addresses_lead_to_buildings(files: quarter.Quarter) -> None:
    """By an id, some by their point; one by neither."""
    index = open_index([files.addresses])
    shapes = {b.id: b.geometry for b in files.truth}
    rows = [list(row) for batch in read_addresses([files.addresses])
            for row in zip(batch.buildings, batch.points, strict=True)]  # fmt: skip
    (both,) = [ids for ids, _ in rows if len(ids) > 1]
    assert {f"{id_:016d}" for id_ in both} <= shapes.keys()
    named = [search(index, f"{street} 1", 50) for street in ("Dakpanweg", "Gevelstraat")]
    for address in (each for some in named for each in some if each.buildings):
        assert shapes[address.buildings[0]].covers(shapely.Point(address.bounds[:2]))
    unnamed = [shapely.Point(point) for ids, point in rows if not ids]
    whole = shapely.union_all([each for each in shapes.values() if each.is_valid])
    assert 1 < len(unnamed) < len(rows) / 5
    assert [whole.buffer(0.01).covers(point) for point in unnamed].count(False) == 1


def test_a_geopackage_does_not_hold_the_time_of_writing(files: quarter.Quarter) -> None:
    info = pyogrio.read_dataframe(
        files.buildings, sql="select last_change from gpkg_contents", sql_dialect="SQLITE"
    )
    assert str(info.last_change[0]).startswith("2008-12-21")
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None


def test_sheets_are_as_the_ahn_has_them(files: quarter.Quarter) -> None:
    names = [path.name for path in (*files.dsm, *files.dtm)]
    assert names == [f"{letter}_QUARTER_{i}.tif" for letter in "RM" for i in range(1, 7)]
    for path in (*files.dsm, *files.dtm):
        with rasterio.open(path) as sheet:
            assert sheet.crs.to_epsg() == 28992
            assert sheet.nodata == 3.4028234663852886e38
            assert sheet.dtypes == ("float32",)
            assert sheet.res == (1, 1)
            assert sheet.block_shapes == [(512, 512)]
            assert sheet.compression.name == "deflate"


def test_sheets_tile_the_quarter_from_the_north_west(files: quarter.Quarter) -> None:
    west, south, east, north = files.bounds
    mosaic = np.full((int(north - south), int(east - west)), -np.inf, np.float32)
    corners = []
    for path in files.dsm:
        with rasterio.open(path) as sheet:
            corners.append((-sheet.bounds.top, sheet.bounds.left))
            row, column = int(north - sheet.bounds.top), int(sheet.bounds.left - west)
            part = mosaic[row : row + sheet.height, column : column + sheet.width]
            assert np.isneginf(part).all()
            part[:] = sheet.read(1, masked=True).filled(np.nan)
    assert corners == sorted(corners)
    scene = quarter.scene((240, 210))
    np.testing.assert_array_equal(mosaic, scene.dsm(1, noise=0.03))


def test_sheets_are_rendered_in_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    surfaces = Scene.surfaces

    def watch(scene: Scene, cells: Cells, noise: float) -> tuple[np.ndarray, np.ndarray]:
        seen.append(max(cells.width, cells.height))
        return surfaces(scene, cells, noise)

    monkeypatch.setattr(Scene, "surfaces", watch)
    monkeypatch.setattr(write, "WINDOW", 64)
    files = quarter.generate(tmp_path, size=(200, 150), resolution=1, sheets=(1, 1))
    assert max(seen) == 64
    assert len(seen) == 4 * 3
    with rasterio.open(files.dtm[0]) as sheet:
        decoded = sheet.read(1, masked=True).filled(np.nan)
    np.testing.assert_array_equal(decoded, quarter.scene((200, 150)).dtm(1, noise=0.03))


def test_footprints_are_the_truth_row_by_row(files: quarter.Quarter) -> None:
    pand = pyogrio.read_dataframe(files.buildings, layer="pand")
    assert list(pand.columns) == ["identificatie", "bouwjaar", "status", "geometry"]
    assert pand.crs.to_epsg() == 28992
    for row, b in zip(pand.itertuples(), files.truth, strict=True):
        status = row.status if isinstance(row.status, str) else None
        assert (row.identificatie, row.bouwjaar, status) == (b.id, b.built, b.status)
        assert row.geometry.equals_exact(b.geometry, 0)


def test_an_earlier_quarter_is_replaced(tmp_path: Path) -> None:
    quarter.generate(tmp_path, size=(100, 100), resolution=5, sheets=(2, 2))
    quarter.generate(tmp_path, size=(50, 50), resolution=5, sheets=(1, 1), compress="none")
    names = ["M_QUARTER_1.tif", "R_QUARTER_1.tif", "addresses.csv", "boundaries.geojson",
             "pand.gpkg"]  # fmt: skip
    assert list(digest(tmp_path)) == names
    with rasterio.open(tmp_path / "R_QUARTER_1.tif") as sheet:
        assert sheet.compression is None
        assert sheet.shape == (10, 10)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"size": (200.5, 200), "resolution": 1}, "no multiples"),
        ({"origin": (122801, 481200), "resolution": 5}, "no multiples"),
        ({"size": (0, 200)}, "positive"),
        ({"seed": -1}, "negative"),
        ({"size": (20, 20), "resolution": 5, "sheets": (5, 1)}, "more than there are cells"),
    ],
    ids=str,
)
def test_arguments_that_do_not_fit(tmp_path: Path, arguments: dict, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        quarter.generate(tmp_path / "q", **{"size": (200, 200), **arguments})
    assert not (tmp_path / "q").exists()
