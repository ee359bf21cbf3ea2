"""Where the squares of a web map lie, against pyproj at every point."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import InputError
from pipeline.grid.crs import lonlat
from pipeline.output.tiles.scheme import HALF, SIDE, MapTile, Units, mercator_transformer

LON, LAT = st.floats(3.2, 7.3), st.floats(50.7, 53.6)


@given(LON, LAT, st.integers(0, 24))
def test_pixels_are_where_pyproj_has_them(lon: float, lat: float, z: int) -> None:
    tile = MapTile.at(lon, lat, z)
    if z < 5:  # half the world, of which RD knows nothing
        return
    west, _, _, north = tile.mercator
    rng = np.random.default_rng(z)
    row, column = rng.integers(0, SIDE, (2, 50))
    pixel = tile.side / SIDE
    x, y = mercator_transformer(True).transform(
        west + (column + 0.5) * pixel, north - (row + 0.5) * pixel
    )
    found = tile.pixels()
    assert np.abs(found[0][row, column] - x).max() < 1e-6
    assert np.abs(found[1][row, column] - y).max() < 1e-6


@given(LON, LAT, st.integers(12, 18), st.integers(0, 99))
def test_units_are_where_pyproj_has_them(lon: float, lat: float, z: int, seed: int) -> None:
    tile, buffer = MapTile.at(lon, lat, z), 1 / 64
    west, south, east, north = tile.rd(buffer)
    points = np.random.default_rng(seed).uniform((west, south), (east, north), (50, 2))
    x, y = mercator_transformer(False).transform(*points.T)
    metres = Units.of(tile, 4096, buffer)(points) * tile.side / 4096
    left, _, _, top = tile.mercator
    assert np.abs(metres - np.column_stack([x - left, top - y])).max() < 1e-5


@given(LON, LAT, st.integers(5, 20))
def test_the_rectangle_in_rd_holds_the_pixels(lon: float, lat: float, z: int) -> None:
    tile = MapTile.at(lon, lat, z)
    west, south, east, north = tile.rd()
    x, y = tile.pixels()
    assert west < x.min() and x.max() < east and south < y.min() and y.max() < north


@given(LON, LAT, st.integers(9, 18))
def test_a_pixel_is_as_large_as_told(lon: float, lat: float, z: int) -> None:
    tile = MapTile.at(lon, lat, z)
    x, y = tile.pixels()
    step = np.hypot(x[128, 128] - x[128, 127], y[128, 128] - y[128, 127])
    assert step == pytest.approx(tile.pixel_m, rel=5e-3)


def test_the_world_is_one_tile_and_four_below() -> None:
    assert MapTile(0, 0, 0).mercator == (-HALF, -HALF, HALF, HALF)
    assert MapTile(1, 1, 0).mercator == (0, 0, HALF, HALF)
    assert MapTile.at(4.9, 52.37, 14) == MapTile(14, 8415, 5384)  # Amsterdam


@pytest.mark.parametrize("place", [(-1, 0, 0), (25, 0, 0), (1, 2, 0), (1, 0, 2), (3, -1, 0)])
def test_tiles_outside_the_scheme_are_refused(place: tuple[int, int, int]) -> None:
    with pytest.raises(InputError, match=r"^(zoom|tile) "):
        MapTile(*place)


def test_degrees_around_a_rectangle() -> None:
    west, south, east, north = lonlat((121_000, 487_000, 122_000, 488_000))
    assert (west, south) == pytest.approx((4.8879, 52.3698), abs=1e-4)
    assert (east, north) == pytest.approx((4.9027, 52.3789), abs=1e-4)
