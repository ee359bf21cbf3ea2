"""The year of wind at hubs: published vectors, a plain reference of drag, and odd cases."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pipeline.methods.annual.rules import Annual
from pipeline.methods.annual.wind.drag import drag_of
from pipeline.methods.annual.wind.model import (
    FAR_DIRECTIONS,
    FAR_M,
    NEAR_DIRECTIONS,
    NEAR_M,
    Candidates,
    Ground,
    Obstacles,
    Scene,
    WindYear,
)
from pipeline.methods.annual.wind.year import year_of_wind
from pipeline.methods.climate import SquareWind, shipped_climate, shipped_turbines
from pipeline.methods.climate.wind import shape_of
from tests.support import wind_year

OPEN, TOWN = (0.0,) * 5, (10.0, 0.0, 10.0, 0.25, 0.2)  # H, s, highest [m], plan, frontal area
STUDY = shipped_turbines().named("study")
P = Annual()


def schiphol() -> SquareWind:
    """The wind of Schiphol's own rose."""
    climate = shipped_climate()
    i, roses = climate.wind_stations.index("240"), climate.roses
    shape = shape_of(roses.frequency[i], roses.mean[i], float(roses.cube[i]))
    return SquareWind(roses.frequency[i], roses.mean[i], shape)


def ground_of(*sectors: tuple[float, ...]) -> Ground:
    """The ground of one candidate, the same in all sectors or of each."""
    table = np.array(sectors if len(sectors) == 12 else sectors * 12)
    return Ground(*(column[None].copy() for column in table.T))


def nothing() -> Obstacles:
    near, far = (1, NEAR_DIRECTIONS, len(NEAR_M)), (1, FAR_DIRECTIONS, len(FAR_M))
    return Obstacles(*(np.full(shape, np.nan) for shape in (near, near, far, far)))


def tower(bearing: int, height: float, x: float, half: int = 7) -> Obstacles:
    """One obstacle nearby, over some degrees on both sides of a bearing."""
    seen = nothing()
    for q, radius in enumerate(NEAR_M):
        if x <= radius:
            directions = np.arange(bearing - half, bearing + half + 1) % 360
            seen.near_height[0, directions, q], seen.near_distance[0, directions, q] = height, x
    return seen


def year(
    roof: float, ground: Ground, seen: Obstacles | None = None, wind: SquareWind | None = None,
    **p: Any,
) -> WindYear:  # fmt: skip
    """The year of one roof, above ground at 0 m NAP."""
    candidates = Candidates(np.arange(1), np.array([roof]), np.zeros(1))
    scene = Scene(candidates, ground, seen or nothing())
    return year_of_wind(scene, wind or schiphol(), STUDY, replace(P, **p))


@pytest.mark.parametrize(
    ("sums", "model", "d", "z0"),
    [
        ((10.0, 3.0, 20.0, 0.25, 0.2), "macdonald", 4.830, 1.038),
        ((10.0, 3.0, 20.0, 0.25, 0.2), "kanda", 10.955, 0.795),
        ((15.0, 5.0, 30.0, 0.5, 0.4), "macdonald", 11.437, 0.667),
        ((15.0, 5.0, 30.0, 0.5, 0.4), "kanda", 21.236, 0.763),
        ((40.0, 25.0, 105.0, 0.3, 0.3), "kanda", 58.6, None),
    ],
)
def test_published_roughness(
    sums: tuple[float, ...], model: str, d: float, z0: float | None
) -> None:
    drag = drag_of(ground_of(sums), model)
    assert round(float(drag.displacement[0, 0]), 3 if z0 else 1) == d
    assert z0 is None or round(float(drag.roughness[0, 0]), 3) == z0


@pytest.mark.parametrize("model", ["macdonald", "kanda"])
def test_drag_is_the_reference_s_and_keeps_its_limits(model: str) -> None:
    ground = random_ground(np.random.default_rng(1998), 200)
    drag = drag_of(ground, model)
    expected = [
        wind_year.drag_of(wind_year.Roughness(*map(float, sums)), model)
        for sums in np.column_stack([part.reshape(-1) for part in ground])
    ]
    for found, plain in zip(drag, zip(*expected, strict=True), strict=True):
        np.testing.assert_allclose(found.reshape(-1), plain, rtol=1e-12)
    assert drag.roughness.min() >= 0.03 and drag.roughness.max() <= 5
    assert (drag.displacement <= 0.9 * ground.highest).all() and drag.displacement.min() == 0
    bare = ground.height == 0
    assert bare.any() and (drag.roughness[bare] == 0.03).all()
    assert (drag.displacement[bare] == 0).all() and (drag.blending[bare] == 60).all()


def random_ground(rng: np.random.Generator, n: int) -> Ground:
    """Sums of towns, some sectors without anything that stands."""
    height = rng.uniform(2, 40, (n, 12)) * (rng.random((n, 12)) > 0.1)
    deviation = height * rng.uniform(0, 1, (n, 12))
    highest = np.minimum(height * rng.uniform(1, 5, (n, 12)), height + 3 * deviation)
    plan, frontal = (
        rng.uniform(0, most, (n, 12)) * (rng.random((n, 12)) > 0.1) for most in (0.9, 0.7)
    )
    return Ground(height, deviation, highest, plan, frontal)


def test_the_wind_of_the_trial_gives_248_kwh() -> None:
    even = SquareWind(np.full(12, 1 / 12), np.full(12, 3.8), 2.0)
    assert round(float(year(5.0, ground_of(OPEN), wind=even, mast_m=5.0).kwh[0])) == 248


def test_a_hub_within_the_roughness_gives_nothing_and_is_flagged() -> None:
    canyon = (40.0, 25.0, 105.0, 0.3, 0.3)
    flagged = year(20.0, ground_of(canyon), roughness_model="kanda")
    assert flagged.kwh[0] == flagged.mean[0] == 0 and flagged.low_hub[0]
    assert flagged.low_kwh[0] == flagged.high_kwh[0] == 0
    assert flagged.displacement[0] == pytest.approx(58.6, abs=0.05)  # the plain mean
    one = ground_of(*[canyon] * 1, *[TOWN] * 11)
    partly = year(20.0, one, roughness_model="kanda")
    assert partly.low_hub[0] and partly.sector_kwh[0, 0] == 0 < partly.sector_kwh[0, 1:].min()


def test_energy_is_summed_over_directions() -> None:
    """A sector that is half open has more than the energy of its mean speed."""
    half = tower(240, 80.0, 40.0, half=7)
    sector = float(year(30.0, ground_of(TOWN), half).sector_kwh[0, 8])
    free = float(year(30.0, ground_of(TOWN)).sector_kwh[0, 8])
    blocked = float(year(30.0, ground_of(TOWN), tower(240, 80.0, 40.0, 15)).sector_kwh[0, 8])
    assert sector == pytest.approx(free / 2 + blocked / 2, rel=1e-12)
    assert blocked < 0.1 * free


def test_bare_yields_below_a_kwh_count_as_one_in_the_interval() -> None:
    calm = SquareWind(np.full(12, 1 / 12), np.full(12, 0.2), 2.0)
    found = year(20.0, ground_of(TOWN), wind=calm)
    assert 0 < found.kwh[0] < 1
    least = math.exp(1.28 * math.hypot(0.40, 0.9))
    assert found.high_kwh[0] == pytest.approx(found.kwh[0] * least, rel=1e-12)
