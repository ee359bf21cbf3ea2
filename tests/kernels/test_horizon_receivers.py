"""The horizon from planes above the surface: laws, seams, bins; its definition: test_horizon.py."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.coarse import coarsen
from kernels.field import far_field, near_field
from kernels.horizon import FLOOR, horizon
from pipeline.grid.windows import Window
from tests.support.march import Place, Raster, Reals, Receivers, tangents
from tests.support.scenes import COMPILED, SEEDS, examples, tiles
from tests.support.skies import (
    ANY,
    FANS,
    FLOORS,
    HOUSES,
    LEVELS,
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

BLURRED = 1e-6  # between angles that may fall into the next bin [rad]
LIFT = np.float32(0.1)


@given(ANY, PLACES, SEEDS, FANS, FLOORS)
@examples(60)
def test_from_the_surface_itself_nothing_changes(
    height: Raster, place: Place, seed: int, azimuths: Reals, floor: float
) -> None:
    table = np.random.default_rng(seed).random((len(azimuths), 90, 2), np.float32)
    chosen = choose(height, seed)
    plain = look(height, place, chosen, azimuths, floor, table)
    level = Receivers(height, np.zeros((*height.shape, 2), np.float32))
    found = look(height, place, chosen, azimuths, floor, table, level, bins=90)
    assert np.array_equal(found.sky_view, plain.sky_view, equal_nan=True)
    assert np.array_equal(found.sums, plain.sums, equal_nan=True)
    assert plain.bins.shape == (chosen.sum(), 0)


@given(TOWERS | HOUSES, SEEDS, FANS, st.integers(1, 256))
@examples(60)
def test_bins_are_where_the_horizon_stands(
    height: Raster, seed: int, azimuths: Reals, bins: int
) -> None:
    """But where an angle lies between two bins; the last where nothing looks."""
    chosen, from_ = choose(height, seed), receivers(height, seed)
    found = look(height, ORIGIN, chosen, azimuths, receivers=from_, bins=bins).bins
    seen = tangents(height, ORIGIN, np.argwhere(chosen), azimuths, FLOOR, from_)
    angles = np.arctan(seen.astype(float))
    low, high = (np.floor((angles + off) * (bins / (math.pi / 2))) for off in (-BLURRED, BLURRED))
    sure = low == high
    assert found.shape == angles.shape
    assert np.array_equal(found[sure], low[sure])
    assert (found[np.isnan(angles)] == bins - 1).all()


@pytest.mark.parametrize("slope", [0.05, 0.4, 1.7])
@pytest.mark.parametrize("turn", [0.0, 1.1])
@pytest.mark.parametrize(("far", "most"), [(5, 0), (60, 0.05)])
def test_a_plane_is_its_own_horizon(slope: float, turn: float, far: int, most: float) -> None:
    """However far it goes on uphill; where the nearest cells are looked at, from nine cells on, it
    may stand half a cell too far: a 20th of its slope."""
    row, column = np.indices((2 * far + 1, 2 * far + 1)) * np.float32(0.5)
    east, north = slope * math.sin(turn), slope * math.cos(turn)
    height = (east * column - north * row).astype(np.float32)
    gradient = np.full((*height.shape, 2), (east, north), np.float32)
    chosen = np.zeros(height.shape, np.bool_)
    chosen[far, far] = True
    azimuths = around(24)
    from_ = Receivers(height + LIFT, gradient)
    found = tangents(height, ORIGIN, np.argwhere(chosen), azimuths, FLOOR, from_)[0]
    uphill = np.maximum(east * np.sin(azimuths) + north * np.cos(azimuths), math.tan(FLOOR))
    assert (found >= uphill * (1 - 1e-6)).all()
    assert (found <= uphill + slope * most + 1e-6).all()
    seen = look(height, ORIGIN, chosen, azimuths, receivers=from_).sky_view
    assert seen == pytest.approx((1 / (1 + found**2)).mean(), rel=1e-6)


def test_a_higher_receiver_sees_no_less() -> None:
    height, roofs = quarter(200 if COMPILED else 48, 0.2, 2.5, True, seed=4)
    level = np.zeros((*height.shape, 2), np.float32)
    views = [
        look(height, ORIGIN, roofs, around(16), receivers=Receivers(height + up, level)).sky_view
        for up in np.float32([0, 0.05, 0.1, 1, 30])
    ]
    assert all((higher >= lower).all() for lower, higher in itertools.pairwise(views))
    assert (views[2] > views[0]).mean() > 0.5  # what a cell's noise hides
    assert np.ptp(views[-1]) < 1e-6


def test_blocks_see_what_the_whole_does() -> None:
    """To the bit, bins too, with receivers of their own."""
    side = 160 if COMPILED else 40
    height = quarter(side, 0.2, 2.5, True, seed=5).height
    from_, chosen, azimuths = receivers(height, 5), choose(height, 3), around(16)
    whole = look(height, ORIGIN, chosen, azimuths, receivers=from_, bins=256)
    seen = np.full((side, side, 17), np.nan)
    window = Window(0, 0, side, side)
    near, far = near_field(height, 0, 0), far_field(coarsen(height, 0, 0), LEVELS)
    for block in tiles(window, 7):
        here, at = window.slices(block), near.block._replace(**block._asdict())
        at = at._replace(top=block.top + near.block.top, left=block.left + near.block.left)
        mask, own, gradient = chosen[here], from_.height[here], from_.gradient[here]
        found = horizon(
            near._replace(block=at), far, mask, azimuths, 0.5, None, FLOOR, own, gradient, 256
        )
        seen[here][mask] = np.column_stack([found.sky_view, found.bins])
    expected = np.column_stack([whole.sky_view, whole.bins])
    assert np.array_equal(seen[chosen], expected, equal_nan=True)


@pytest.mark.parametrize(
    ("own", "gradient", "bins", "problem"),
    [
        ((4, 6), (5, 6, 2), 0, "the receivers are"),
        ((5, 6), (5, 6), 0, "the gradients are"),
        ((5, 6), (5, 6, 3), 0, "the gradients are"),
        ((5, 6), (5, 6, 2), 257, "257 bins are more than 256"),
        ((5, 6), (5, 6, 2), -1, "-1 bins are"),
    ],
)
def test_what_is_refused(
    own: tuple[int, ...], gradient: tuple[int, ...], bins: int, problem: str
) -> None:
    level = np.zeros((5, 6), np.float32)
    from_ = Receivers(np.zeros(own, np.float32), np.zeros(gradient, np.float32))
    with pytest.raises(ValueError, match=problem):
        look(level, ORIGIN, all_of(level), around(3), receivers=from_, bins=bins)


def test_bins_other_than_the_tables_are_refused() -> None:
    level, table = np.zeros((5, 6), np.float32), np.zeros((3, 9, 1), np.float32)
    with pytest.raises(ValueError, match="10 bins"):
        look(level, ORIGIN, all_of(level), around(3), table=table, bins=10)
