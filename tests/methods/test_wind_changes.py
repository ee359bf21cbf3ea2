"""Changes of one obstacle in random towns, and of a wall that is moved away: what they do to the
yield of a roof."""

import os
from typing import NamedTuple

import numpy as np
import pytest

from pipeline.grid.windows import LatticeCell
from pipeline.methods.annual.rules import Annual
from pipeline.methods.annual.wind import model
from pipeline.methods.annual.wind.year import year_of_wind
from pipeline.methods.climate import shipped_climate
from pipeline.methods.climate.turbines import shipped_turbines
from pipeline.methods.climate.wind import wind_of
from tests.support.wind_random import SIDE, Box, Scene, change, scene_of

SQUARE = LatticeCell(11, 47)
SCENES = int(os.environ.get("DAKLAAG_WIND_SCENES", "60"))
LEAST = 1e-9  # of a yield, which rounding reaches


class Years(NamedTuple):
    """Yields of a roof [kWh]: before and after a change, and after it over the ground of before."""

    before: float
    after: float
    sheltered: float


def kwh(scene: Scene, ground: model.Ground) -> float:
    wind, turbine = wind_of(shipped_climate(), SQUARE), shipped_turbines().named("study")
    year = year_of_wind(
        model.Scene(scene.candidates, ground, scene.obstacles), wind, turbine, Annual()
    )
    return float(year.kwh[0])


@pytest.fixture(scope="module")
def rises() -> np.ndarray:
    """By how much of it the yield of each random scene rises: (scenes, 2), with the ground as it
    becomes, and as it was."""
    found = []
    for seed in range(SCENES):
        first, second = change(seed)
        ground = first.ground
        before, after = kwh(first, ground), kwh(second, second.ground)
        found.append((after / before - 1, kwh(second, ground) / before - 1))
    return np.array(found)


def test_what_rises_higher_stands_wider_or_nearer_hardly_ever_shelters_less(
    rises: np.ndarray,
) -> None:
    """Of 900 scenes about 12 rise, one by 2.1 % (seed 734), the others by 1.6 % at most: within a
    ring the highest hides what is nearer, and a far cell looks wider than the wall in it."""
    sheltered = rises[:, 1]
    assert (sheltered < -0.001).sum() > len(rises) / 4
    assert (sheltered > LEAST).mean() <= 0.02
    assert sheltered.max() <= 0.02


def test_the_roughness_that_changes_with_it_raises_a_yield_little(rises: np.ndarray) -> None:
    """A block that comes into the roof's own square of 256 m is no roughness any more. Of 300
    scenes 24 rise, a third of them by less than 0.01 %; 6 by more than 0.1 %, 1.6 % at most."""
    whole = rises[:, 0]
    assert whole.max() <= 0.02
    assert (whole > 0.001).mean() <= 0.02


def wall(away: int) -> Scene:
    """A wall of 40 m, 2 m thick and 160 m long, so far south of a roof of 25 m."""
    middle = SIDE // 2 + 30
    roof = Box(middle - 10, middle - 10, 20, 20, 25.0)
    return scene_of(roof, [Box(middle + 10 + away, middle - 80, 2, 160, 40.0)])


def test_a_thin_wall_moved_beyond_100_m_loses_its_shelter_gradually() -> None:
    """A rule that ends at 100 m would give back all that the wall takes in one step. Here it is at
    most a tenth: a cell of the relief, which is 4 m wide, is left behind."""
    ground = wall(90).ground
    yields = np.array([kwh(wall(away), ground) for away in range(90, 111)])
    taken = kwh(scene_of(wall(90).roof, []), ground) - yields
    assert taken[0] > taken[-1] > 0.75 * taken[0]
    assert (np.diff(taken) <= 0).all()
    assert np.diff(taken).min() > -0.11 * taken[0]
