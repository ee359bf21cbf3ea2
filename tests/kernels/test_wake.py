"""Wakes of what rises above a roof: published deficits, a plain reference, the laws of shelter."""

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.profile import Drag, speed_ratios
from kernels.wake import Hubs, Seen, growth, wake, wakes_of
from tests.support import wind_year

RADII = {360: range(10, 101, 10), 120: (120, 150, 200, 250, 300, 400, 500, 600, 800)}
ROOF, GROUND, MAST = 25.0, 1.0, 5.0


@pytest.mark.parametrize(
    ("z", "deficits"), [(20.0, [0.820, 0.492, 0.243, 0.080]), (30.0, [0.408, 0.375, 0.240, 0.097])]
)
def test_published_deficits_of_the_formula_without_holds(z: float, deficits: list[float]) -> None:
    k = growth(20.0, 0.3)
    found = [wake(20.0, 20.0 * away, z, k, 0.0) for away in (5, 10, 20, 50)]
    assert [round(each, 3) for each in found] == deficits


def drag(n: int = 1, z0: float = 0.5, d: float = 5.0) -> Drag:
    return Drag(*(np.full((n, 12), value) for value in (z0, d, 60.0)))


def empty(directions: int, n: int = 1) -> Seen:
    shape = n, directions, len(RADII[directions])
    return Seen(np.full(shape, np.nan), np.full(shape, np.nan))


def one(direction: int, height: float, x: float, directions: int = 360) -> Seen:
    """An obstacle in one direction."""
    seen = empty(directions)
    within = np.array([x <= radius for radius in RADII[directions]])
    seen.height[0, direction, within], seen.distance[0, direction, within] = height, x
    return seen


def deficit(height: float, x: float, z0: float = 0.5, mast: float = MAST) -> float:
    """Of an obstacle in the north."""
    hubs = Hubs(np.array([ROOF]), np.array([GROUND]), mast)
    wakes = wakes_of(hubs, drag(z0=z0), one(0, height, x), empty(120), 0.0)
    assert np.count_nonzero(wakes.deficit) == (wakes.deficit[0, 0, 15] > 0)
    return float(wakes.deficit[0, 0, 15])


@pytest.mark.parametrize("z0", [0.03, 0.5, 5.0])
@pytest.mark.parametrize("mast", [1.0, 5.0, 20.0])
def test_what_rises_or_comes_nearer_never_takes_less(z0: float, mast: float) -> None:
    heights = ROOF + np.array([0.1, 0.5, 1, 2, 4, 8, 12, 20, 40, 80, 150])
    table = np.array(
        [[deficit(h, x, z0, mast) for x in (2.0, 9, 20, 35, 60, 80, 100)] for h in heights]
    )
    assert (np.diff(table, axis=0) >= 0).all() and (np.diff(table, axis=1) <= 0).all()
    assert 0 < table.min() < 0.01 and table.max() <= 1


def test_what_stays_below_the_roof_takes_nothing() -> None:
    assert deficit(ROOF, 10.0) == deficit(ROOF - 5, 10.0) == 0.0 < deficit(ROOF + 0.01, 10.0)


def test_porous_obstacles_take_their_solid_part() -> None:
    hubs, seen = Hubs(np.array([ROOF]), np.array([GROUND]), MAST), one(90, 35.0, 90.0)
    solid, half, none = (
        wakes_of(hubs, drag(), seen, empty(120), porosity).deficit[0, 3, 15]
        for porosity in (0.0, 0.5, 1.0)
    )
    assert half == pytest.approx(solid / 2) and none == 0.0 < solid < 1.0


def test_a_border_belongs_to_both_of_its_sectors_and_a_far_direction_has_three_degrees() -> None:
    hubs = Hubs(np.array([ROOF]), np.array([GROUND]), MAST)
    near = wakes_of(hubs, drag(), one(45, 40.0, 50.0), empty(120), 0.0).deficit[0]
    assert {*zip(*np.nonzero(near), strict=True)} == {(1, 30), (2, 0)}
    far = wakes_of(hubs, drag(), empty(360), one(5, 60.0, 200.0, 120), 0.0).deficit[0]
    assert {*zip(*np.nonzero(far), strict=True)} == {(0, 29), (0, 30), (1, 0), (1, 1)}
    north = wakes_of(hubs, drag(), empty(360), one(0, 60.0, 200.0, 120), 0.0).deficit[0]
    assert {*zip(*np.nonzero(north), strict=True)} == {(0, 14), (0, 15), (0, 16)}


def test_the_greatest_deficit_says_whether_it_was_held() -> None:
    """An obstacle of 10 m above the roof is held within 50 m; of equal ones the nearest counts."""
    hubs = Hubs(np.array([ROOF]), np.array([GROUND]), MAST)
    near, far = one(0, ROOF + 10, 49.0), one(0, ROOF + 10, 130.0, 120)
    assert wakes_of(hubs, drag(), near, far, 0.0).held[0, 0].tolist() == [
        j == 15 for j in range(31)
    ]
    assert not wakes_of(hubs, drag(), one(0, ROOF + 10, 50.0), far, 0.0).held.any()
    assert not wakes_of(hubs, drag(), one(0, ROOF - 1, 10.0), empty(120), 0.0).held.any()
    low_hub = drag(z0=2.0, d=29.0)  # no wind there at all, so that both take all of it
    assert speed_ratios(np.array([29.0]), low_hub).max() == 0.0
    two = one(0, 95.0, 45.0)
    two.height[0, 0, 4:], two.distance[0, 0, 4:] = 95.5, 55.0
    assert wakes_of(hubs, low_hub, two, far, 0.0).held[0, 0, 15]


def random_seen(rng: np.random.Generator, directions: int, n: int) -> Seen:
    """Obstacles as they are sought: within larger radii the highest is as high or higher."""
    seen = empty(directions, n)
    for i in np.ndindex(n, directions):
        highest, away = np.nan, np.nan
        for q, radius in enumerate(RADII[directions]):
            height = float(np.float32(rng.normal(ROOF, 10)))
            if rng.random() < 0.4 and not height <= highest:
                highest, away = height, radius - 10 * rng.random()
            seen.height[i][q], seen.distance[i][q] = highest, away
    return seen


def plain(seen: Seen, i: int) -> list[list[tuple[float, float]]]:
    """What a site sees as the reference takes it."""
    return [
        [(h, x) for h, x in zip(heights, away, strict=True) if h == h]
        for heights, away in zip(seen.height[i].tolist(), seen.distance[i].tolist(), strict=True)
    ]


def scene(n: int) -> tuple[NDArray[np.float64], Hubs, Drag, Seen, Seen]:
    rng = np.random.default_rng(1981)
    hubs = Hubs(rng.uniform(20, 35, n), rng.uniform(-3, 3, n), MAST)
    z0, d = rng.uniform(0.03, 5, (n, 12)), rng.uniform(0, 25, (n, 12))
    near, far = random_seen(rng, 360, n), random_seen(rng, 120, n)
    drag = Drag(z0, d, rng.uniform(60, 90, (n, 12)))
    return rng.random(n), hubs, drag, near, far


def test_it_is_the_plain_reference() -> None:
    _, hubs, drag, near, far = scene(2)
    wakes = wakes_of(hubs, drag, near, far, 0.2)
    for i in range(2):
        drags = [wind_year.Drag(*(float(part[i, s]) for part in drag)) for s in range(12)]
        hub = wind_year.Hub(float(hubs.roof[i]), float(hubs.ground[i]), MAST, 0.2, drags)
        for s in range(12):
            expected = hub.directions(s, plain(near, i), plain(far, i))
            assert wakes.held[i, s].tolist() == [each.held for each in expected]
            kept = [each.kept for each in expected]
            np.testing.assert_allclose(1 - wakes.deficit[i, s], kept, rtol=1e-12, atol=1e-14)


def test_a_site_hangs_on_no_other() -> None:
    _, hubs, drag, near, far = scene(3)
    together = wakes_of(hubs, drag, near, far, 0.0)
    for i in range(3):
        here = slice(i, i + 1)
        alone = wakes_of(
            Hubs(hubs.roof[here], hubs.ground[here], MAST), Drag(*(part[here] for part in drag)),
            Seen(*(part[here] for part in near)), Seen(*(part[here] for part in far)), 0.0,
        )  # fmt: skip
        assert (alone.deficit[0] == together.deficit[i]).all()
        assert (alone.held[0] == together.held[i]).all()


def test_quarter_turns_turn_the_wakes() -> None:
    _, hubs, _, near, far = scene(1)
    wakes = wakes_of(hubs, drag(), near, far, 0.0)
    turned = wakes_of(
        hubs, drag(), Seen(*(np.roll(part, 90, 1) for part in near)),
        Seen(*(np.roll(part, 30, 1) for part in far)), 0.0,
    )  # fmt: skip
    assert (turned.deficit == np.roll(wakes.deficit, 3, 1)).all()
    assert (turned.held == np.roll(wakes.held, 3, 1)).all()


def test_mirroring_mirrors_the_wakes() -> None:
    _, hubs, _, near, far = scene(1)
    wakes = wakes_of(hubs, drag(), near, far, 0.0)
    mirrored = wakes_of(
        hubs, drag(), Seen(*(np.roll(part[:, ::-1], 1, 1) for part in near)),
        Seen(*(np.roll(part[:, ::-1], 1, 1) for part in far)), 0.0,
    )  # fmt: skip
    assert (mirrored.deficit == np.roll(wakes.deficit[:, ::-1, ::-1], 1, 1)).all()
