"""Footprints in every format, with every column and every fault that a file can have."""

import json
import shutil
import zipfile
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from pipeline.footprints.footprints import Footprints
from tests.support.outlines import HOUSES, TWINS, X, Y, box, read, refusal, table, write

FORMATS = (".gpkg", ".geojson", ".parquet", ".shp")
CRS = ("EPSG:28992", "EPSG:7415", "EPSG:4326", "EPSG:4258")
UNWRITTEN = (".geojson", "EPSG:7415")  # GDAL writes no compound CRS into GeoJSON


def apart(found: Footprints, geometry: list[Any]) -> float:
    """How far the outlines lie from these at most [m]."""
    return float(shapely.hausdorff_distance(found.geometry, np.array(geometry)).max())


@pytest.mark.parametrize(("ending", "crs"), sorted({*product(FORMATS, CRS)} - {UNWRITTEN}))
def test_a_format_in_a_crs(tmp_path: Path, ending: str, crs: str) -> None:
    """Without PROJ's grid files the transformation is good to some 0.25 m."""
    there = table([*HOUSES, TWINS], id=["a", "b", "c", "d"]).to_crs(crs)
    found = read(write(tmp_path / f"pand{ending}", there))
    assert found.id.tolist() == ["a", "b", "c", "d"]
    assert apart(found, [*HOUSES, TWINS]) < (1e-6 if crs in ("EPSG:28992", "EPSG:7415") else 0.5)
    assert found.area == pytest.approx([80, 80, 128, 160], abs=0.1)
    assert found.usable.all()
    assert not found.repaired.any()


def test_geojson_without_a_crs_is_lon_lat(tmp_path: Path) -> None:
    path = write(tmp_path / "pand.geojson", table(HOUSES).to_crs(4326), RFC7946=True)
    assert "crs" not in json.loads(path.read_text())
    assert apart(read(path), HOUSES) < 0.5


def test_rd_in_geojson_that_does_not_say_so(tmp_path: Path) -> None:
    collection = json.loads(table(HOUSES).to_json())
    collection.pop("crs", None)
    (tmp_path / "pand.geojson").write_text(json.dumps(collection))
    said = refusal(tmp_path / "pand.geojson")
    assert said.startswith("pand.geojson: its coordinates are none of WGS 84")
    assert "ogr2ogr -a_srs EPSG:28992" in said


@pytest.mark.parametrize("ending", [".gpkg", ".parquet", ".shp"])
def test_a_crs_that_is_missing(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"pand{ending}", table(HOUSES, id=["a", "b", "c"]))
    if ending == ".shp":
        path.with_suffix(".prj").unlink()
    elif ending == ".parquet":
        table(HOUSES, crs=None, id=["a", "b", "c"]).to_parquet(path)
    else:
        with pytest.warns(UserWarning, match="'crs' was not provided"):
            table(HOUSES, crs=None, id=["a", "b", "c"]).to_file(path)
    said = refusal(path)
    assert said == f"pand{ending}: states no CRS; assign one (ogr2ogr -a_srs EPSG:28992)"


@pytest.mark.parametrize("ending", FORMATS)
def test_heights_of_corners_are_dropped(tmp_path: Path, ending: str) -> None:
    high = [shapely.force_3d(house, 12.5) for house in HOUSES]
    found = read(write(tmp_path / f"pand{ending}", table(high, id=["a", "b", "c"])))
    assert not shapely.has_z(found.geometry).any()
    assert shapely.equals(found.geometry, np.array(HOUSES)).all()


def test_several_files_are_one_after_another(tmp_path: Path) -> None:
    a = write(tmp_path / "a.gpkg", table(HOUSES[:1], id=["1"], bouwjaar=[1900]))
    b = write(tmp_path / "b.parquet", table(HOUSES[1:], ID=["2", "1"], status=["x", None]))
    none = write(tmp_path / "none.gpkg", table(HOUSES[:0], id=[]))
    found = read(b, none, a)
    assert found.id.tolist() == ["2", "1", "1"]
    assert found.repeated.tolist() == [False, True, True]
    assert found.status.tolist() == ["x", None, None]
    assert found.has_status.tolist() == [True, True, False]
    assert np.array_equal(found.built, [np.nan, np.nan, 1900], equal_nan=True)
    assert [source["name"] for source in found.sources] == ["b.parquet", "none.gpkg", "a.gpkg"]


def test_a_file_given_twice_counts_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", table(HOUSES))
    assert len(read(path, tmp_path / "*.gpkg", tmp_path)) == 3


def test_files_in_a_folder_and_in_a_zip(tmp_path: Path) -> None:
    write(tmp_path / "a.gpkg", table(HOUSES[:1], id=["1"]))
    write(tmp_path / "b.shp", table(HOUSES[1:], id=["2", "3"]))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for path in sorted(tmp_path.glob("[ab].*")):
            archive.write(path, f"in/{path.name}")
    assert read(tmp_path / "all.zip").id.tolist() == ["1", "2", "3"]
    (tmp_path / "all.zip").unlink()
    assert read(tmp_path).id.tolist() == ["1", "2", "3"]


BOW_TIE = shapely.Polygon([(X, Y), (X + 20, Y + 20), (X + 20, Y), (X, Y + 20)])
LINE = shapely.LineString([(X, Y), (X + 9, Y)])
FLAT = shapely.Polygon([(X, Y), (X + 9, Y), (X + 5, Y)])


def with_corner(value: float) -> shapely.Geometry:
    corners = shapely.get_coordinates(HOUSES[0])
    corners[1, 0] = value
    with np.errstate(invalid="ignore"):
        ring = shapely.linearrings(corners, handle_nan=shapely.creation.HandleNaN.allow)
        return shapely.polygons(ring)


FAULTS: dict[str, tuple[Any, str | None, bool]] = {
    "sound": (HOUSES[0], None, False),
    "with a hole": (HOUSES[2], None, False),
    "multi-part": (TWINS, None, False),
    "null": (None, "empty", False),
    "empty": (shapely.Polygon(), "empty", False),
    "a bow tie": (BOW_TIE, None, True),
    "a collection": (shapely.GeometryCollection([HOUSES[0], LINE]), None, True),
    "a line": (LINE, "invalid", False),
    "a point": (shapely.Point(X, Y), "invalid", False),
    "without area": (FLAT, "invalid", False),
    "without area, valid": (shapely.box(X, Y, X + 1e-300, Y + 1), "invalid", False),
    "not a number": (with_corner(np.nan), "invalid", False),
    "infinite": (with_corner(np.inf), "invalid", False),
    "far beyond the Earth": (shapely.box(1e9, 1e9, 1e9 + 5, 1e9 + 5), "invalid", False),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("crs", [28992, 4326])
def test_a_fault_of_one_footprint_leaves_the_others(tmp_path: Path, fault: str, crs: int) -> None:
    geometry, reason, repaired = FAULTS[fault]
    there = table([HOUSES[1], geometry, HOUSES[0]])
    if crs == 4326 and reason != "invalid":
        there = there.to_crs(crs)
    found = read(write(tmp_path / "pand.parquet", there))
    assert found.reason.tolist() == [None, reason, None]
    assert found.repaired.tolist() == [False, repaired, False]
    assert shapely.is_missing(found.geometry).tolist() == [False, reason is not None, False]
    assert np.isnan(found.centre[1]).all() == (reason is not None)
    assert found.usable.tolist() == [True, reason is None, True]


def test_a_bow_tie_becomes_its_two_triangles(tmp_path: Path) -> None:
    found = read(write(tmp_path / "pand.parquet", table([BOW_TIE])))
    assert found.geometry[0].geom_type == "MultiPolygon"
    assert found.area[0] == pytest.approx(200)


def test_the_centre(tmp_path: Path) -> None:
    court = box(0, 0, 30, 30) - box(2, 2, 26, 26)
    path = write(tmp_path / "pand.parquet", table([HOUSES[0], court]))
    found = read(path)
    assert found.centre[0].tolist() == [X + 5, Y + 4]
    assert shapely.intersects_xy(court, *found.centre[1])
    on_surface = shapely.get_coordinates(shapely.point_on_surface([HOUSES[0], court]))
    assert np.array_equal(read(path, centre="point_on_surface").centre, on_surface)
    assert np.array_equal(found.centre[1], on_surface[1])


FILES: dict[str, tuple[bytes, str]] = {
    "empty.gpkg": (b"", "cannot be read"),
    "text.gpkg": (b"hello", "cannot be read"),
    "half.geojson": (b'{"type": "FeatureColl', "cannot be read"),
    "none.geojson": (b'{"type": "FeatureCollection", "features": []}', "holds no footprints"),
    "half.parquet": (b"PAR1", "cannot be read"),
    "empty.shp": (b"", "cannot be read"),
    "other.json": (b"{}", "cannot be read"),
    "no.csv": (b"id,x\n1,2\n", "has no geometry"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_holds_no_footprints(tmp_path: Path, name: str) -> None:
    content, expected = FILES[name]
    (tmp_path / name).write_bytes(content)
    said = refusal(tmp_path / name)
    assert said.startswith(f"{name}: {expected}")
    assert str(tmp_path) not in said


def test_a_table_without_geometry(tmp_path: Path) -> None:
    pd.DataFrame({"id": [1]}).to_parquet(tmp_path / "plain.parquet")
    assert "plain.parquet: has no geometry; give" in refusal(tmp_path / "plain.parquet")
    assert "gone.gpkg does not exist; check the path" in refusal(tmp_path / "gone.gpkg")
    half = shutil.copy(write(tmp_path / "a.gpkg", table(HOUSES)), tmp_path / "half.gpkg")
    Path(half).write_bytes(Path(half).read_bytes()[:3000])
    assert refusal(Path(half)).startswith("half.gpkg: cannot be read")


def test_the_accuracy_of_other_crs_is_that_of_proj(tmp_path: Path) -> None:
    """What is read is what PROJ's best operation at hand gives, x before y."""
    there = table(HOUSES).to_crs(4326)
    to_rd = pyproj.Transformer.from_crs(4326, 28992, always_xy=True).transform
    expected = shapely.transform(there.geometry.to_numpy(), to_rd, interleaved=False)
    assert apart(read(write(tmp_path / "pand.gpkg", there)), list(expected)) < 1e-9
