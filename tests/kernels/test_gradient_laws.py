"""Slope, aspect and hillshade: planes whose answer is known, symmetries, holes and infinities."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from kernels.gradient import aspect, hillshade, slope
from kernels.shadow import Sun
from tests.support.exact import Raster
from tests.support.scenes import SEEDS, degrees, examples, houses, suns, terrains

RESOLUTIONS = st.sampled_from([0.5, 1.0, 5.0])
SUNS = suns().map(degrees)
GROUND = terrains(20, 30)
EIGHTHS = GROUND.map(lambda height: (np.rint(height * 8) / 8).astype(np.float32))
SPIKES = (np.nan, -1e4, -7.375, -0.0, 0.0, 0.125, 1.0, 322.75, 1e4)
ODD = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.sampled_from(SPIKES).map(np.float32),
)
SUN = Sun(math.radians(143.9), math.radians(26.7))
LAYERS: dict[str, Callable[[Raster], NDArray[Any]]] = {
    "hillshade": lambda height: hillshade(height, SUN, 0.5),
    "slope": lambda height: slope(height, 0.5),
    "aspect": aspect,
}


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Flat ground divides 0 by 0, of which compiled code says nothing."""
    with np.errstate(invalid="ignore"):
        yield


def horn(height: Raster, resolution: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The slopes towards the east and the north, in double, by weights of 1, 2, 1; NaN at the edge
    and beside no data."""
    z, (rows, columns) = np.pad(height.astype(float), 1, constant_values=np.nan), height.shape
    east, north, known = np.zeros((3, rows, columns))
    for i in range(3):
        for j in range(3):
            part = z[i : i + rows, j : j + columns]
            east += (j - 1) * (2 - abs(i - 1)) * part
            north += (1 - i) * (2 - abs(j - 1)) * part
            known += part
    missing = np.where(np.isnan(known), np.nan, 0.0)
    return east / (8 * resolution) + missing, north / (8 * resolution) + missing


def apart(a: NDArray[Any], b: NDArray[Any] | float) -> NDArray[np.float64]:
    """The angle between two directions [rad]."""
    return abs((np.subtract(a, b, dtype=float) + math.pi) % (2 * math.pi) - math.pi)


def plane(lean: float, facing: float, resolution: float) -> Raster:
    """7 x 7 cells that fall by `lean` towards `facing` [rad]."""
    north, east = np.mgrid[3:-4:-1, -3:4] * resolution
    downhill = east * math.sin(facing) + north * math.cos(facing)
    return (-math.tan(lean) * downhill).astype(np.float32)


@pytest.mark.parametrize("resolution", [0.5, 5.0])
@pytest.mark.parametrize("lean", [0.01, 3, 30, 60, 85])
@pytest.mark.parametrize("facing", [*range(0, 360, 45), 13, 77, 201, 340])
def test_planes(facing: int, lean: float, resolution: float) -> None:
    """Slope, aspect and 1 + 254 cos(incidence), but for the heights' rounding to float32."""
    s, a = math.radians(lean), math.radians(facing)
    height, inside = plane(s, a, resolution), (slice(1, -1), slice(1, -1))
    assert slope(height, resolution)[inside] == pytest.approx(s, rel=1e-5)
    assert apart(aspect(height)[inside], a).max() < 1e-5
    cosine = math.sin(SUN.elevation) * math.cos(s)
    cosine += math.cos(SUN.elevation) * math.sin(s) * math.cos(SUN.azimuth - a)
    grey = hillshade(height, SUN, resolution)[inside]
    assert abs(grey - (1 + 254 * max(cosine, 0))).max() < 0.502


@given(st.floats(-500, 500, width=32), RESOLUTIONS)
@examples(30)
def test_flat_ground_has_no_aspect(high: float, resolution: float) -> None:
    height = np.full((3, 4), high, np.float32)
    assert slope(height, resolution)[1, 1:3].tolist() == [0, 0]
    assert np.isnan(aspect(height)).all()


@given(EIGHTHS | ODD, RESOLUTIONS)
@examples(150)
def test_slope_and_aspect_equal_a_reference_in_double(height: Raster, resolution: float) -> None:
    """To float32's last places, for heights whose sums are exact in it; aspect clockwise from
    north, 0 to 2 pi."""
    east, north = horn(height, resolution)
    found, facing = slope(height, resolution), aspect(height)
    assert found.dtype == facing.dtype == np.float32
    np.testing.assert_allclose(found, np.arctan(np.hypot(east, north)), rtol=5e-7)
    steep = ~np.isnan(east) & ((east != 0) | (north != 0))
    assert np.array_equal(~np.isnan(facing), steep)
    assert (facing[steep] >= 0).all()
    assert (facing[steep] <= np.float32(2 * math.pi)).all()
    expected = np.arctan2(-east[steep], -north[steep])
    assert apart(facing[steep], expected).max(initial=0) < 1e-6


@given(GROUND, RESOLUTIONS)
@examples(40)
def test_any_heights_but_for_the_rounding_of_their_sums(height: Raster, resolution: float) -> None:
    """At most six roundings of a number as large as eight times the relief."""
    east, north = horn(height, resolution)
    relief = float(np.nanmax(height) - np.nanmin(height))
    off, known = 6 * 2.0**-24 * relief / resolution, ~np.isnan(east)
    steep = np.hypot(east, north)
    assert abs(slope(height, resolution) - np.arctan(steep))[known].max(initial=0) < 1e-6 + 2 * off
    sure = known & (steep > 100 * off)
    turned = apart(aspect(height), np.arctan2(-east, -north))
    assert (turned[sure] < 1e-6 + 2 * off / steep[sure]).all()


@given(GROUND, SUNS, RESOLUTIONS)
@examples(40)
def test_hillshade_is_what_slope_and_aspect_say(
    height: Raster, sun: Sun, resolution: float
) -> None:
    s = slope(height, resolution).astype(float)
    a = np.where(s == 0, 0, aspect(height))
    cosine = math.sin(sun.elevation) * np.cos(s)
    cosine += math.cos(sun.elevation) * np.sin(s) * np.cos(sun.azimuth - a)
    expected = np.nan_to_num(1 + 254 * np.maximum(cosine, 0))
    assert abs(hillshade(height, sun, resolution) - expected).max() < 0.501


def assert_equal_but_for_rounding(
    height: Raster, sun: Sun, grey: NDArray[Any], lean: NDArray[Any], facing: NDArray[Any]
) -> None:
    """Where sums are exact; a grey between two may round the other way."""
    off = abs(grey.astype(int) - hillshade(height, sun, 0.5))
    assert off.max(initial=0) <= 1
    assert off.mean() < 0.01
    np.testing.assert_allclose(lean, slope(height, 0.5), rtol=5e-7)
    expected = aspect(height)
    assert np.array_equal(np.isnan(facing), np.isnan(expected))
    assert np.nanmax(apart(facing, expected), initial=0) < 1e-6


@given(EIGHTHS, SUNS, st.integers(1, 3))
@examples(40)
def test_turned(height: Raster, sun: Sun, quarter: int) -> None:
    angle, turned = quarter * math.pi / 2, np.rot90(height, -quarter)  # clockwise
    grey = hillshade(turned, sun._replace(azimuth=sun.azimuth + angle), 0.5)
    layers: list[NDArray[Any]] = [grey, slope(turned, 0.5), aspect(turned) - angle]
    assert_equal_but_for_rounding(height, sun, *(np.rot90(layer, quarter) for layer in layers))


@given(EIGHTHS, SUNS)
@examples(40)
def test_mirrored(height: Raster, sun: Sun) -> None:
    mirrored = height[:, ::-1]
    grey = hillshade(mirrored, sun._replace(azimuth=-sun.azimuth), 0.5)
    layers: list[NDArray[Any]] = [grey, slope(mirrored, 0.5), -aspect(mirrored)]
    assert_equal_but_for_rounding(height, sun, *(layer[:, ::-1] for layer in layers))


@given(GROUND, SUNS, RESOLUTIONS, st.sampled_from([0.25, 2.0, 64.0]))
@examples(40)
def test_scaling_height_and_cell_together_changes_nothing(
    height: Raster, sun: Sun, resolution: float, times: float
) -> None:
    """To the bit by powers of two."""
    larger, wider = height * np.float32(times), resolution * times
    assert np.array_equal(hillshade(larger, sun, wider), hillshade(height, sun, resolution))
    leaning = slope(larger, wider), slope(height, resolution)
    for scaled, layer in leaning, (aspect(larger), aspect(height)):
        assert np.array_equal(scaled, layer, equal_nan=True)


@pytest.mark.parametrize("name", LAYERS)
@given(EIGHTHS, st.sampled_from([-4096.0, -0.5, 1000.0]))
@examples(40)
def test_adding_a_constant_changes_nothing(name: str, height: Raster, constant: float) -> None:
    """To the bit where nothing rounds."""
    higher = LAYERS[name](height + np.float32(constant))
    assert np.array_equal(higher, LAYERS[name](height), equal_nan=True)


@pytest.mark.parametrize("name", LAYERS)
@given(SEEDS)
@examples(20)
def test_a_hole_is_a_hole_of_three_by_three(name: str, seed: int) -> None:
    """And changes nothing beyond; nor is the edge known."""
    height, layer = houses(seed, 12, 15, holes=False), LAYERS[name]
    row, column = np.random.default_rng(seed).integers((12, 15))
    expected, nothing = layer(height), 0 if name == "hillshade" else np.nan
    expected[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2] = nothing
    height[row, column] = np.nan
    found = layer(height)
    assert np.array_equal(found, expected, equal_nan=True)
    for edge in found[0], found[-1], found[:, 0], found[:, -1]:
        assert np.array_equal(edge, np.full(len(edge), nothing), equal_nan=True)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (1, 1), (1, 9), (9, 1), (2, 5)])
def test_no_room_is_no_data(name: str, shape: tuple[int, int]) -> None:
    found = LAYERS[name](np.ones(shape, np.float32))
    assert found.shape == shape
    assert not np.nan_to_num(found).any()


@pytest.mark.parametrize("name", LAYERS)
@given(ODD, st.sampled_from([np.inf, -np.inf]), SEEDS)
@examples(30)
def test_infinities_are_refused(name: str, height: Raster, infinity: float, seed: int) -> None:
    """The first is named, row by row."""
    chosen = np.random.default_rng(seed).choice(height.size, 1 + height.size // 9, replace=False)
    height.flat[chosen] = infinity
    row, column = divmod(int(chosen.min()), height.shape[1])
    with pytest.raises(ValueError, match=f"row {row}, column {column} is infinite"):
        LAYERS[name](height)
