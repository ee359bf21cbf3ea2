"""The generated nation: files as the national ones are, and the truth that they are made from."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely

from bench import nation
from bench.nation import write
from bench.nation.houses import Houses, houses
from bench.nation.land import (
    COLUMNS,
    ROWS,
    SOUTH,
    SQUARE,
    WEST,
    Land,
    elevation,
    in_canal,
    land,
    squares_of,
    squares_touching,
)
from bench.nation.surface import Surface
from kernels.planes import roof_planes
from kernels.rings import footprint_spans
from kernels.zonal import centimetres
from pipeline.errors import InputError
from pipeline.footprints.footprints import to_rings
from pipeline.footprints.prepared_sort import hilbert
from pipeline.grid.windows import Window
from pipeline.heights.ahn_index import sheets
from pipeline.vectors.files import read_vector

CITY, EAST = "25GN1", "25GN2"
CORNER = (124_000.0, 486_000.0, 126_000.0, 486_500.0)  # of both of them, in the capital
ONE_IN = 200
PLACES = {place.name: place for place in sheets()}


@pytest.fixture(scope="module")
def what() -> Land:
    return land()


@pytest.fixture(scope="module")
def some(what: Land) -> Houses:
    """The buildings of one in ONE_IN squares."""
    row, column = np.nonzero(what.density)
    chosen = np.random.default_rng(0).random(len(row)) < 1 / ONE_IN
    return houses(what, column[chosen], row[chosen])


@pytest.fixture(scope="module")
def piece(tmp_path_factory: pytest.TempPathFactory) -> nation.Nation:
    """A corner of two sheets of the capital at 5 m."""
    return nation.generate(tmp_path_factory.mktemp("piece"), names=[EAST, CITY], within=CORNER)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# The files


def test_the_workers_leave_no_trace(piece: nation.Nation, tmp_path: Path) -> None:
    nation.generate(tmp_path / "same", names=[CITY, EAST], within=CORNER, workers=5)
    nation.generate(tmp_path / "other", names=[CITY, EAST], within=CORNER, seed=1)
    first, second = contents(piece.dsm.parent), contents(tmp_path / "same")
    other = contents(tmp_path / "other")
    assert first == second
    assert first.keys() == other.keys()
    assert all(first[name] != other[name] for name in first)


def test_the_sheets_are_as_the_ahn_has_them(piece: nation.Nation) -> None:
    found = [sorted(path.name for path in folder.iterdir()) for folder in (piece.dsm, piece.dtm)]
    assert found == [[f"{letters}_{name}.tif" for name in (CITY, EAST)] for letters in ("R5", "M5")]
    for path in (*piece.dsm.iterdir(), *piece.dtm.iterdir()):
        with rasterio.open(path) as sheet:
            assert sheet.driver == "GTiff" and sheet.dtypes == ("float32",)
            assert sheet.crs.to_epsg() == 28992
            assert sheet.nodata == 3.4028234663852886e38
            assert tuple(sheet.bounds) == PLACES[path.stem[-5:]].bounds
            assert (sheet.res, sheet.shape) == ((5, 5), (1250, 1000))
            assert sheet.block_shapes == [(256, 256)] and sheet.compression.name == "deflate"
            assert sheet.tags(ns="IMAGE_STRUCTURE")["PREDICTOR"] == "3"
            heights = sheet.read(1, masked=True).compressed()
        assert len(heights) and np.abs(heights).max() < 200
        np.testing.assert_array_equal(heights, np.round(heights, 2))


def test_what_is_there_already_stays(piece: nation.Nation) -> None:
    times = {path: path.stat().st_mtime_ns for path in piece.dsm.parent.rglob("*.*")}
    again = nation.generate(piece.dsm.parent, names=[EAST, CITY], within=CORNER)
    card = piece.dsm.parent / "nation.json"
    assert again == piece
    assert all(path.stat().st_mtime_ns == times[path] for path in times if path != card)


def test_a_sheet_cut_off_while_it_was_written_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(write, "filled", fail)
        with pytest.raises(KeyboardInterrupt):
            nation.generate(tmp_path, names=[CITY], within=CORNER, workers=1)
    assert not list(tmp_path.rglob("*.tif"))
    made = nation.generate(tmp_path, names=[CITY], within=CORNER)
    assert [path.suffix for path in made.dsm.iterdir()] == [".tif"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"names": ["99XX9"]}, "99XX9: is no sheet with land; give names as 25GN1"),
        ({"names": [CITY], "within": CORNER, "seed": 1}, "holds another generated nation"),
        ({"names": [CITY], "within": CORNER, "pitched": True}, "holds another generated nation"),
    ],
)
def test_what_cannot_be_made_is_refused(
    piece: nation.Nation, options: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        nation.generate(piece.dsm.parent, **options)  # type: ignore[arg-type]


def test_the_geopackage_has_the_same_footprints(piece: nation.Nation, tmp_path: Path) -> None:
    made = nation.generate(tmp_path, names=[EAST, CITY], within=CORNER, geopackage=True)
    a, b = read_vector(piece.buildings), read_vector(made.buildings)
    assert made.buildings.suffix == ".gpkg" and made.footprints == piece.footprints == len(b)
    assert a.identificatie.tolist() == b.identificatie.tolist()
    assert shapely.equals_exact(a.geometry.values, b.geometry.values).all()


# The sheets of the country


def test_the_nation_is_of_the_size_that_was_asked_for(what: Land) -> None:
    with_land = [place for place in sheets() if place.land]
    assert len(with_land) == 1370
    expected = sum(what.expected(place) for place in with_land)
    assert expected == pytest.approx(nation.FOOTPRINTS, rel=0.001)


def test_every_square_is_of_one_sheet(what: Land) -> None:
    owners = np.zeros((ROWS, COLUMNS), np.int64)
    for place in sheets():
        column, row = squares_of(place)
        inside = (column >= 0) & (row >= 0) & (column < COLUMNS) & (row < ROWS)
        np.add.at(owners, (row[inside], column[inside]), 1)
    assert owners.max() == 1
    assert (owners[what.density > 0] == 1).all()


def test_a_province_is_whole_and_of_the_size_that_it_says() -> None:
    xmin, ymin, xmax, ymax = write.PROVINCE
    inside = [
        place
        for place in sheets()
        if place.bounds[0] >= xmin
        and place.bounds[2] <= xmax
        and place.bounds[1] >= ymin
        and place.bounds[3] <= ymax
    ]
    assert len(inside) == 30 and all(place.land for place in inside)


def test_a_typical_sheet_has_as_many_buildings_as_the_mean(what: Land) -> None:
    wanted = nation.FOOTPRINTS / 1370
    assert what.expected(nation.typical()) == pytest.approx(wanted, rel=0.01)


@pytest.mark.parametrize("kind", nation.FOUR)
def test_four_typical_sheets_are_a_square_with_as_many_buildings_as_their_kind(
    what: Land, kind: str
) -> None:
    found, wanted = nation.typical_four(kind), nation.FOUR[kind]
    corners = np.array([place.bounds for place in found])
    size = corners[:, 2:].max(axis=0) - corners[:, :2].min(axis=0)
    assert len(set(found)) == 4 and size.tolist() == [10_000, 12_500]
    beside = [abs(what.expected(place) - wanted) / wanted for place in found]
    assert beside == sorted(beside) and beside[0] < 0.1 and beside[-1] < 0.3


def test_a_typical_province_is_a_rectangle_with_as_many_buildings_as_usual(what: Land) -> None:
    found = nation.typical_province()
    corners = np.array([place.bounds for place in found])
    size = corners[:, 2:].max(axis=0) - corners[:, :2].min(axis=0)
    assert len(set(found)) == 30 and size.tolist() == [30_000, 31_250]
    mean = sum(what.expected(place) for place in found) / 30
    assert mean == pytest.approx(nation.FOOTPRINTS / 1370, rel=0.01)


# The truth


def test_footprints_take_three_percent_of_the_land(some: Houses, what: Land) -> None:
    squares = (squares_of(place) for place in sheets() if place.land)
    dry = sum(int((~what.wet[row, column]).sum()) for column, row in squares)
    roofs = shapely.area(some.geometry).mean() * nation.FOOTPRINTS
    assert 0.027 < roofs / (dry * SQUARE**2) < 0.036


def test_as_many_footprints_as_the_squares_expect(some: Houses, what: Land) -> None:
    assert len(some) * ONE_IN == pytest.approx(what.density.sum(), rel=0.03)


def test_each_footprint_stands_by_itself_within_its_square_on_a_sheet(some: Houses) -> None:
    assert shapely.is_valid(some.geometry).all() and len(np.unique(some.id)) == len(some)
    west, south, east, north = shapely.bounds(some.geometry).T
    column, row = (west - WEST) // SQUARE, (south - SOUTH) // SQUARE
    assert ((east - WEST) // SQUARE == column).all() and ((north - SOUTH) // SQUARE == row).all()
    tree = shapely.STRtree(some.geometry)
    a, b = tree.query(some.geometry, predicate="intersects")
    overlap = shapely.area(shapely.intersection(some.geometry[a], some.geometry[b])[a < b])
    assert overlap.max(initial=0) < 0.1  # walls in common, to the millimetre
    centre = shapely.centroid(some.geometry)
    ground = shapely.union_all([shapely.box(*place.bounds) for place in sheets() if place.land])
    beyond = ~shapely.covers(ground, centre)  # where a square reaches over the country's edge
    assert beyond.mean() < 0.001
    assert shapely.distance(ground, centre[beyond]).max(initial=0) < SQUARE
    x, y = shapely.get_coordinates(centre).T
    assert not in_canal(x, y).any()


def test_heights_are_those_of_a_country(some: Houses) -> None:
    centre = shapely.get_coordinates(shapely.centroid(some.geometry))
    ground = elevation(*centre.T)
    assert -7 < ground.min() < 0 and 30 < ground.max() < 330
    assert some.height.min() >= 3 and np.median(some.height) < 10 and some.height.max() <= 220
    assert 0.001 < (some.height > 20).mean() < 0.02
    simple = shapely.get_num_coordinates(some.geometry) == 5  # its centroid is its lot's middle
    above = some.top[simple] - some.height[simple]
    np.testing.assert_allclose(above, ground[simple], atol=0.01)


@pytest.mark.parametrize("resolution", [0.5, 5.0])
def test_roofs_and_ground_are_as_high_as_they_are_made(what: Land, resolution: float) -> None:
    window = Window.around((121_000.0, 484_000.0, 121_300.0, 484_300.0), resolution)
    dsm, dtm = Surface(what, window, resolution).heights(window)
    row, column = np.nonzero(~np.isnan(dtm))
    x, y = (column + window.left + 0.5) * resolution, -(row + window.top + 0.5) * resolution
    error = dtm[row, column] - elevation(x, y)
    assert np.abs(error).max() < 0.15 and abs(error.mean()) < 0.01 and 0.02 < error.std() < 0.04
    found = houses(what, *squares_touching(window.bounds(resolution)))
    inside = shapely.buffer(found.geometry, -resolution)  # whatever the rule at the border
    x, y = shapely.get_coordinates(shapely.point_on_surface(inside)).T
    known = np.flatnonzero(~shapely.is_empty(inside))
    row, column = (np.floor(v / resolution).astype(np.int64) for v in (-y, x))
    at = row - window.top, column - window.left
    here = np.logical_and.reduce(
        [(n >= 0) & (n < size) for n, size in zip(at, dsm.shape, strict=True)]
    )
    at = tuple(n[here] for n in at)
    assert here.sum() > 20
    np.testing.assert_allclose(dsm[at], found.top[known][here], atol=0.15)
    assert np.isnan(dtm[at]).all()


def test_pitched_roofs_have_the_planes_that_they_are_made_with(what: Land) -> None:
    window = Window.around((129_110.0, 484_840.0, 129_860.0, 485_590.0), 0.5)
    found = houses(what, *squares_touching(window.bounds(0.5)))
    west, south, east, north = window.bounds(0.5)
    inside = shapely.contains(shapely.box(west, south, east, north), found.geometry)
    whole = shapely.get_num_coordinates(found.geometry) == 5  # neither L-shaped
    chosen = np.flatnonzero(
        inside & whole & (np.minimum(found.roofs.across, found.roofs.along) > 3)
    )
    dsm, dtm = Surface(what, window, 0.5, pitched=True).heights(window)
    flat_dsm, flat_dtm = Surface(what, window, 0.5).heights(window)
    np.testing.assert_array_equal(dtm, flat_dtm)
    np.testing.assert_array_equal(dsm[~np.isnan(dtm)], flat_dsm[~np.isnan(dtm)])
    spans = footprint_spans(to_rings(shapely.to_wkb(found.geometry[chosen]), 0.5), window.box)
    planes = roof_planes(centimetres(dsm), spans, 0.5)
    slope, hipped = found.roofs.slope[chosen], found.roofs.hipped[chosen]
    assert len(chosen) > 200 and 0 < hipped.sum() < (slope > 0).sum() < len(chosen)
    count = np.where(slope == 0, 1, np.where(hipped, 4, 2))
    assert (np.diff(planes.start) == count).mean() > 0.95
    steepest = np.hypot(planes.slope_east, planes.slope_north)[planes.start[:-1]]
    assert np.median(np.abs(steepest - slope)[slope > 0]) < 0.01
    assert np.abs(steepest[slope == 0]).max() < 0.02


@pytest.mark.parametrize("pitched", [False, True])
def test_a_window_sees_what_the_whole_does(what: Land, pitched: bool) -> None:
    whole = Window(-97_300, 24_800, 40, 60)
    every = Surface(what, whole, 5.0, pitched).heights(whole)
    part = Window(-97_290, 24_820, 20, 30)
    for a, b in zip(every, Surface(what, part, 5.0, pitched).heights(part), strict=True):
        np.testing.assert_array_equal(a[whole.slices(part)], b)
    with pytest.raises(ValueError, match="10 m"):
        Surface(what, whole, 5.0).heights(Window(-97_301, 24_800, 4, 4))


def test_the_table_is_no_help_to_who_sorts_it(piece: nation.Nation) -> None:
    table = read_vector(piece.buildings)
    assert pq.read_metadata(piece.buildings).num_rows == len(table) == piece.footprints > 100
    assert table.crs.to_epsg() == 28992 and table.identificatie.is_unique
    places = hilbert(shapely.get_coordinates(shapely.centroid(table.geometry.values)))
    assert 0.4 < (np.diff(places) > 0).mean() < 0.6
    assert {"Pand in gebruik", "Sloopvergunning verleend"} <= set(table.status)
