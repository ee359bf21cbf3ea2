"""Hillshade: analytic planes, GDAL itself, the independent reference, and the seams."""

import ctypes
import math
import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from kernels.gradient import hillshade
from kernels.shadow import Sun
from pipeline.grid.windows import uniform_halo
from tests.support import reference
from tests.support.scenes import (
    SEEDS,
    Raster,
    Sight,
    degrees,
    examples,
    houses,
    odd_rasters,
    sights,
    suns,
    terrains,
    tiles,
)

NORTH_WEST = Sun(math.radians(315), math.radians(45))


def plane(slope: float, aspect: float, resolution: float) -> Raster:
    """Ground that falls towards the aspect [rad]."""
    north, east = np.mgrid[6:0:-1, 0:7] * resolution
    downhill = east * math.sin(aspect) + north * math.cos(aspect)
    return (40 - math.tan(slope) * downhill).astype(np.float32)


@pytest.mark.parametrize("resolution", [0.5, 5.0])
@pytest.mark.parametrize("slope", [0, 3, 30, 60])
@pytest.mark.parametrize("aspect", range(0, 360, 15))
def test_planes_of_all_aspects(aspect: int, slope: int, resolution: float) -> None:
    """1 + 254 cos(incidence), rounded, but for the rounding of the heights to float32."""
    s, a, sun = math.radians(slope), math.radians(aspect), Sun(2.5, 0.6)
    cosine = math.sin(sun.elevation) * math.cos(s)
    cosine += math.cos(sun.elevation) * math.sin(s) * math.cos(sun.azimuth - a)
    found = hillshade(plane(s, a, resolution), sun, resolution)[1:-1, 1:-1]
    assert np.abs(found - (1 + 254 * max(cosine, 0))).max() < 0.502


@given(suns(), st.floats(-500, 500, width=32))
@examples(100)
def test_flat_ground_is_as_grey_as_the_sun_is_high(sun: reference.Sun, height: float) -> None:
    found = hillshade(np.full((3, 4), height, np.float32), degrees(sun), 0.5)
    grey = math.floor(1 + 254 * math.sin(degrees(sun).elevation) + 0.5)
    assert found.tolist() == [[0] * 4, [0, grey, grey, 0], [0] * 4]


def test_slopes_turned_away_are_black_but_not_without_data() -> None:
    found = hillshade(plane(math.radians(60), math.radians(135), 1.0), NORTH_WEST, 1.0)
    assert (found[1:-1, 1:-1] == 1).all()


@given(SEEDS)
@examples(60)
def test_nothing_at_the_edge_and_beside_no_data(seed: int) -> None:
    """0 there, and there only."""
    height = houses(seed, 20, 30)
    known = np.pad(~np.isnan(height), 1)
    around = [known[i : i + 20, j : j + 30] for i in range(3) for j in range(3)]
    inside = np.pad(np.ones((18, 28), bool), 1)
    found = hillshade(height, NORTH_WEST, 0.5)
    assert np.array_equal(found > 0, np.logical_and.reduce(around) & inside)


@given(sights(terrains() | odd_rasters()))
@examples(300)
def test_equals_the_reference(s: Sight) -> None:
    towards, resolution = degrees(s.sun), s.grid.resolution
    with np.errstate(over="ignore", invalid="ignore"):  # heights of 3e38, the compiler off
        found = hillshade(s.height, towards, resolution)
    assert np.array_equal(found, reference.hillshade(s.height, resolution, *towards))


@given(sights(terrains()), SEEDS)
@examples(60)
def test_any_tiling_gives_the_whole(s: Sight, seed: int) -> None:
    """With a halo of one cell; without, its border stays 0."""
    whole = hillshade(s.height, degrees(s.sun), s.grid.resolution)
    for tile in tiles(s.window, seed):
        wide = tile.grow(uniform_halo(1)).intersect(s.window)
        part = hillshade(s.height[s.window.slices(wide)], degrees(s.sun), s.grid.resolution)
        assert np.array_equal(part[wide.slices(tile)], whole[s.window.slices(tile)])
        alone = hillshade(s.height[s.window.slices(tile)], degrees(s.sun), s.grid.resolution)
        assert not alone[0].any()


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1), (2, 5)])
def test_no_room_is_no_data(shape: tuple[int, int]) -> None:
    assert np.array_equal(hillshade(np.ones(shape, np.float32), NORTH_WEST, 1.0), np.zeros(shape))


@pytest.fixture(scope="module")
def gdal() -> ctypes.CDLL:
    """The library that comes with rasterio, which opens no door to gdaldem."""
    found = sorted(Path(rasterio.__file__).parents[1].glob("rasterio.libs/libgdal*"))
    if not found:
        pytest.skip("this rasterio has no GDAL of its own")
    library = ctypes.CDLL(str(found[0]))
    library.GDALAllRegister()
    for name in ("GDALOpen", "GDALDEMProcessing", "GDALDEMProcessingOptionsNew"):
        getattr(library, name).restype = ctypes.c_void_p
    return library


def gdaldem(gdal: ctypes.CDLL, source: Path, target: Path, sun: reference.Sun) -> None:
    """Write GDAL's hillshade of a file."""
    words = (b"-az", b"%r" % sun.azimuth, b"-alt", b"%r" % sun.elevation, None)
    argv = (ctypes.c_char_p * len(words))(*words)
    options = ctypes.c_void_p(gdal.GDALDEMProcessingOptionsNew(argv, None))
    opened = ctypes.c_void_p(gdal.GDALOpen(os.fsencode(source), 0))
    made = gdal.GDALDEMProcessing(os.fsencode(target), opened, b"hillshade", None, options, None)
    gdal.GDALClose(ctypes.c_void_p(made))
    gdal.GDALClose(opened)
    gdal.GDALDEMProcessingOptionsFree(options)


@pytest.mark.parametrize("sun", [(315, 45), (143.9, 6.7), (90, 60), (199.04, 12.13)])
@pytest.mark.parametrize("resolution", [0.5, 5.0])
def test_equals_gdal(
    sun: tuple[float, float], resolution: float, gdal: ctypes.CDLL, tmp_path: Path
) -> None:
    """To the cell, but where its float32 rounds the other way."""
    height, towards = houses(7, 150, 120), reference.Sun(*sun)
    profile = {"driver": "GTiff", "height": 150, "width": 120, "count": 1, "dtype": "float32"}
    transform = Affine(resolution, 0, 0, 0, -resolution, 0)
    source, target = tmp_path / "height.tif", tmp_path / "grey.tif"
    with rasterio.open(source, "w", nodata=np.nan, transform=transform, **profile) as raster:
        raster.write(height, 1)
    gdaldem(gdal, source, target, towards)
    with rasterio.open(target) as raster:
        expected = raster.read(1).astype(int)
    found = hillshade(height, degrees(towards), resolution)
    assert np.array_equal(found == 0, expected == 0)
    assert np.abs(found - expected).max() <= 1
    assert (found != expected).mean() < 0.001
