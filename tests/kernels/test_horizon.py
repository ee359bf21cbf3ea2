"""The horizon of chosen cells: its definition to the bit, the surface itself, what is refused."""

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.coarse import coarsen
from kernels.fan import fan
from kernels.field import far_field, near_field
from kernels.horizon import FLOOR, horizon, horizon_halo
from tests.support.march import Cells, Place, Raster, Reals, sky_view, surface_tangents, tangents
from tests.support.scenes import COMPILED, SEEDS, examples
from tests.support.skies import (
    ANY,
    FANS,
    FLOORS,
    HOUSES,
    ORIGIN,
    PLACES,
    TOWERS,
    all_of,
    around,
    choose,
    look,
    quarter,
    quiet,  # noqa: F401
    receivers,
)

LEVEL = np.zeros((5, 6), np.float32)
BLURRED = 1e-6  # between angles that may fall into the next bin [rad]


# The definition.


@given(ANY, PLACES, SEEDS, FANS, FLOORS, st.booleans())
@examples(200)
def test_equals_the_definition(
    height: Raster, place: Place, seed: int, azimuths: Reals, floor: float, from_planes: bool
) -> None:
    """To the bit, though it skips: any shape, spikes, all or nearly all without data; from the
    surface, or from planes near it, where cells without data look around too."""
    chosen, own = choose(height, seed), receivers(height, seed) if from_planes else None
    expected = tangents(height, place, np.argwhere(chosen), azimuths, floor, own)
    found = look(height, place, chosen, azimuths, floor, receivers=own)
    assert np.array_equal(found.sky_view, sky_view(expected), equal_nan=True)
    assert found.sums.shape == (chosen.sum(), 0)


def test_a_sum_that_rounds_above_its_terms_is_not_skipped() -> None:
    """Between cells a thousand kilometres up the surface stands a last bit higher than they do."""
    height, chosen, azimuths = np.full((20, 20), 1e6, np.float32), np.eye(20) > 0, around(16, 0.3)
    expected = tangents(height, ORIGIN, np.argwhere(chosen), azimuths, FLOOR)
    assert (expected > 0.1).any()
    found = look(height, ORIGIN, chosen, azimuths)
    assert np.array_equal(found.sky_view, sky_view(expected))


@given(TOWERS | HOUSES, SEEDS, FANS, st.integers(1, 400), st.integers(1, 3))
@examples(60)
def test_sums_are_those_of_the_table(
    height: Raster, seed: int, azimuths: Reals, bins: int, channels: int
) -> None:
    """To the bit, in the order of directions, but where an angle lies between two bins."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(len(azimuths), bins, channels)).astype(np.float32)
    chosen = choose(height, seed)
    found = look(height, ORIGIN, chosen, azimuths, table=table)
    angles = np.arctan(tangents(height, ORIGIN, np.argwhere(chosen), azimuths, FLOOR).astype(float))
    low, high = (np.floor((angles + off) * (bins / (math.pi / 2))) for off in (-BLURRED, BLURRED))
    sure = (low == high).all(axis=1)
    expected = np.zeros((sure.sum(), channels), np.float32)
    for k, bin_of in enumerate(low[sure].T.astype(int)):
        expected += table[k, bin_of]
    assert np.array_equal(found.sums[sure], expected)
    lost = np.isnan(angles).any(axis=1)
    assert np.isnan(found.sums[lost]).all()
    assert not np.isnan(found.sums[~lost]).any()


@given(ANY, PLACES, SEEDS, SEEDS, FANS)
@examples(60)
def test_a_cell_does_not_depend_on_the_others_chosen(
    height: Raster, place: Place, seed: int, other: int, azimuths: Reals
) -> None:
    """To the bit: what is skipped for a tile's lowest cell is nothing to the others."""
    table = np.random.default_rng(seed).random((len(azimuths), 90, 2), np.float32)
    every = look(height, place, all_of(height), azimuths, table=table)
    chosen = choose(height, seed) & ~choose(height, other)
    some = look(height, place, chosen, azimuths, table=table)
    assert np.array_equal(some.sky_view, every.sky_view[chosen.ravel()], equal_nan=True)
    assert np.array_equal(some.sums, every.sums[chosen.ravel()], equal_nan=True)


# The surface itself.


class Quality(NamedTuple):
    """Share of roofs, mean of a storey's scale [m], trees, and the most that beam may be off."""

    share: float
    storeys: float
    trees: bool
    beam: float


QUALITIES = {"city": Quality(0.19, 2.5, False, 0.009), "country": Quality(0.03, 1.2, True, 0.0055)}
DIRECTIONS, BINS = 72, 360
SIZE, MARGIN, CELLS, DAYS = (1200, 300, 300, 24) if COMPILED else (400, 80, 80, 12)


class Suns(NamedTuple):
    """A year's: azimuth, altitude [rad], and beam on level ground."""

    azimuth: Reals
    altitude: Reals
    beam: Reals


def year(latitude: float = math.radians(52.2)) -> Suns:
    """Every half an hour of some days under a clear sky."""
    days, hours = np.meshgrid((np.arange(DAYS) + 0.5) / DAYS, np.arange(3, 21.01, 0.5))
    declination = math.radians(-23.44) * np.cos(2 * math.pi * (days + 10 / 365))
    hour = np.radians(15 * (hours - 12))
    up = math.cos(latitude) * np.cos(declination) * np.cos(hour)
    up += math.sin(latitude) * np.sin(declination)
    north = math.cos(latitude) * np.sin(declination)
    north -= math.sin(latitude) * np.cos(declination) * np.cos(hour)
    azimuth = np.arctan2(-np.cos(declination) * np.sin(hour), north) % (2 * math.pi)
    day = up > 0.01
    return Suns(azimuth[day], np.arcsin(up[day]), (900 * np.exp(-0.15 / up) * up)[day])


def beam_table(suns: Suns) -> Raster:
    """What of each direction's suns stands above the middle of each bin."""
    table = np.zeros((DIRECTIONS, BINS, 1), np.float32)
    middles = (np.arange(BINS) + 0.5) * (math.pi / 2 / BINS)
    nearest = np.rint(suns.azimuth / (2 * math.pi / DIRECTIONS)).astype(int) % DIRECTIONS
    for k, altitude, beam in zip(nearest, suns.altitude, suns.beam, strict=True):
        table[k, :, 0] += beam * (altitude > middles)
    return table


def beam_of_each(height: Raster, cells: Cells, suns: Suns) -> Reals:
    """Of the suns, each at its own azimuth, that the surface does not hide."""
    total = np.zeros(len(cells))
    for azimuth, altitude, beam in zip(*suns, strict=True):
        here = surface_tangents(height, cells, np.array([azimuth]), ORIGIN.resolution, altitude)
        total += beam * (here[:, 0] <= math.tan(altitude))
    return total


@pytest.mark.parametrize("name", QUALITIES)
def test_against_the_surface_a_cell_a_step(name: str) -> None:
    share, storeys, trees, most = QUALITIES[name]
    height, roofs = quarter(SIZE, share, storeys, trees, seed=5)
    assert abs(roofs.mean() - share) < share / 4
    inner = slice(MARGIN, -MARGIN)
    cells = np.argwhere(roofs[inner, inner]) + MARGIN
    cells = cells[np.sort(np.random.default_rng(1).choice(len(cells), CELLS, replace=False))]
    chosen = np.zeros(roofs.shape, np.bool_)
    chosen[tuple(cells.T)] = True
    suns, azimuths = year(), around(DIRECTIONS)
    found = look(height, ORIGIN, chosen, azimuths, table=beam_table(suns))
    truth = surface_tangents(height, cells, azimuths, ORIGIN.resolution, FLOOR)
    off = found.sky_view - (1 / (1 + truth**2)).mean(axis=1)
    assert abs(off.mean()) <= 0.0025
    assert math.sqrt((off**2).mean()) <= 0.005
    off = (found.sums[:, 0] - beam_of_each(height, cells, suns)) / suns.beam.sum()
    assert math.sqrt((off**2).mean()) <= most


# What is refused, and how far it looks.


@pytest.mark.parametrize("shape", [(4, 6), (5, 5), (30,), (6, 5, 1)])
def test_a_mask_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"the mask is .*, the block \(5, 6\)"):
        look(LEVEL, ORIGIN, np.ones(shape, np.bool_), around(3))


@pytest.mark.parametrize("shape", [(2, 9, 1), (4, 9, 1), (3, 0, 1), (3, 9), (3,), (3, 9, 1, 1)])
def test_a_table_of_other_directions_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"the table is .*, not \(3, bins, channels\)"):
        look(LEVEL, ORIGIN, all_of(LEVEL), around(3), table=np.zeros(shape, np.float32))


@pytest.mark.parametrize("azimuths", [[], [0.0, math.nan, 1.0], [math.inf]])
def test_a_direction_that_is_none_is_refused(azimuths: list[float]) -> None:
    with pytest.raises(ValueError, match="azimuths"):
        look(LEVEL, ORIGIN, all_of(LEVEL), np.array(azimuths))


@pytest.mark.parametrize("resolution", [0.0, -0.5, math.nan, math.inf])
def test_a_resolution_that_is_no_length_is_refused(resolution: float) -> None:
    with pytest.raises(ValueError, match=r"the resolution .* is no length"):
        look(LEVEL, Place(0, 0, resolution), all_of(LEVEL), around(3))


@pytest.mark.parametrize("floor", [0.0, -0.1, math.pi / 2, 3.0, math.nan, math.inf])
def test_a_floor_that_is_none_is_refused(floor: float) -> None:
    with pytest.raises(ValueError, match=r"the floor .* is not in"):
        look(LEVEL, ORIGIN, all_of(LEVEL), around(3), floor)


@given(st.floats(0, 1e4), st.floats(0.01, 1.5), st.sampled_from([0.5, 1.0, 5.0]))
@examples(100)
def test_the_far_halo_holds_what_rises_above_the_floor(
    relief: float, floor: float, resolution: float
) -> None:
    """And a sixteenth more, a tile, and the cell that is looked at: no more."""
    found = horizon_halo(relief, floor, resolution)
    reach, widest = max(relief / math.tan(floor) / resolution, 132), 8 << (found.levels - 1)
    assert found.near == horizon_halo(0, floor, resolution).near
    assert reach <= found.far - 16 - widest <= reach * (1 + 1 / 16) + 1
    assert widest <= max(found.far / 16, 8)


@pytest.mark.parametrize("relief", [30.0, 60.0, 1000.0])
def test_a_far_field_of_too_few_levels_is_refused(relief: float) -> None:
    height = np.repeat(np.array([[relief, 0]], np.float32), 8, axis=1)  # as one coarse cell sees it
    near, coarse, chosen = near_field(height, 0, 0), coarsen(height, 0, 0), all_of(height)
    enough = horizon_halo(relief, FLOOR, 0.5).levels
    assert enough > 1
    horizon(near, far_field(coarse, enough), chosen, around(3), 0.5)
    with pytest.raises(ValueError, match=f"the far field has {enough - 1} levels"):
        horizon(near, far_field(coarse, enough - 1), chosen, around(3), 0.5)


@pytest.mark.parametrize("k", [24, 72, 144])
def test_samples_hang_on_no_last_bit_of_an_azimuth(k: int) -> None:
    """At 60 degrees every second sample lies in the middle between two cells."""
    n = np.arange(k)
    ways = (np.radians(n * 360 / k), 2 * np.pi * n / k, n * (2 * np.pi / k))
    first, *others = (fan(tuple(way), 1000, 70, 0.5, 32) for way in ways)
    for other in others:
        for name in ("corners", "offsets", "tiles", "steps"):
            assert np.array_equal(getattr(other, name), getattr(first, name)), name
