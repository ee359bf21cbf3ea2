"""The profile of the wind: published speeds, a plain reference, and open ground as its limit."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.profile import Drag, speed_ratios
from tests.support import wind_year

SCHIPHOL = 4.93  # mean speed [m/s]


def ratio(z: float, z0: float, d: float, blending: float = 60.0) -> float:
    drag = Drag(*(np.array([[value]]) for value in (z0, d, blending)))
    return float(speed_ratios(np.array([z]), drag)[0, 0])


@pytest.mark.parametrize(("z", "speed"), [(20.0, 4.06), (30.0, 5.05), (40.0, 5.66)])
def test_published_speeds_over_a_town(z: float, speed: float) -> None:
    assert round(SCHIPHOL * ratio(z, 1.0, 8.0), 2) == speed


def test_open_ground_has_the_station_s_wind_and_the_published_one_at_60_m() -> None:
    assert ratio(10.0, 0.03, 0.0) == pytest.approx(1.0, rel=1e-15)
    assert round(ratio(60.0, 0.03, 0.0), 4) == 1.3084
    assert ratio(0.0, 0.03, 0.0) == ratio(-5.0, 0.03, 0.0) == 0.0


def test_both_profiles_meet_at_the_blending_height_and_there_is_none_within_the_roughness() -> None:
    above = math.log(80 / 0.03) / math.log(10 / 0.03)
    assert ratio(80.0, 2.0, 20.0, 80.0) == pytest.approx(above, rel=1e-15)
    assert ratio(80.1, 2.0, 20.0, 80.0) == math.log(80.1 / 0.03) / math.log(10 / 0.03)
    assert ratio(22.0, 2.0, 20.0) == 0.0 < ratio(22.1, 2.0, 20.0)


@given(
    st.floats(1.0, 300.0), st.floats(0.03, 5.0), st.floats(0.0, 50.0), st.floats(0.0, 30.0),
    st.floats(0.0, 30.0),
)  # fmt: skip
def test_it_is_the_reference_s_and_never_exceeds_open_ground(
    z: float, z0: float, d: float, height: float, deviation: float
) -> None:
    blending = max(60.0, 2 * (height + 2 * deviation))
    d = min(d, 0.9 * (height + 3 * deviation))
    found = ratio(z, z0, d, blending)
    assert found == pytest.approx(wind_year.ratio(z, wind_year.Drag(z0, d, blending)), rel=1e-14)
    assert 0.0 <= found <= max(math.log(z / 0.03), 0.0) / math.log(10 / 0.03)
