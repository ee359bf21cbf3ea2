"""The planes of roofs: each fit against numpy, the books against a plain reference, the laws."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kernels.plane_fit import fit, moments
from kernels.planes import MOST_PLANES, REST, Planes, roof_planes
from kernels.spans import Spans, cells_of
from kernels.zonal import NO_HEIGHT, centimetres
from tests.support.planes import overgrown_of, setback_of, spans_of

Heights = NDArray[np.float32]


Building = Callable[[], tuple[Heights, NDArray[np.bool_]]]


def noisy(height: NDArray[np.float64], seed: int = 1) -> Heights:
    """Heights with 5 cm of noise."""
    error = np.random.default_rng(seed).normal(0, 0.05, height.shape)
    return (height + error).astype(np.float32)


def gable(rows: int = 16, columns: int = 24, slope: float = 0.7) -> Heights:
    """A gable whose ridge runs from west to east, at 0.5 m."""
    y = np.arange(rows) + 0.5
    rise = slope * 0.5 * (rows / 2 - np.abs(y - rows / 2))
    return noisy(np.repeat(6 + rise[:, None], columns, axis=1))


def house() -> tuple[Heights, NDArray[np.bool_]]:
    """A gable with a flat annex, a chimney, a crown over a corner, and places without data."""
    height = np.vstack([gable(), noisy(np.full((8, 24), 3.0), 2)])
    height[10:12, 15:17] += 2.5
    height[:4, :4] += 4 + noisy(np.zeros((4, 4)), 3) * 10
    height[5, 9:11], height[23, 5] = np.nan, np.nan
    own = np.ones(height.shape, bool)
    own[16:, 18:] = False
    return height, own


def hall() -> tuple[Heights, NDArray[np.bool_]]:
    """Two spans of a sawtooth roof, askew on the grid, whose glazing of 63 degrees is 2.6 cells
    wide: each cell the mean of 5 x 5 sub-samples, as surveys have it."""
    v, u = (np.mgrid[:200, :200] + 0.5) / 10
    across, along = u * np.cos(0.4) + v * np.sin(0.4), v * np.cos(0.4) - u * np.sin(0.4)
    in_span = across % 8.0
    height = 6 + np.minimum(0.4 * in_span, 2.0 * (8.0 - in_span))
    own = (across > 8) & (across < 24) & (along > 0) & (along < 12)
    mean = np.where(own, height, 0).reshape(40, 5, 40, 5).mean(axis=(1, 3))
    own = own[2::5, 2::5]
    window = np.ix_(own.any(axis=1), own.any(axis=0))
    return noisy(mean)[window], own[window]


def planes_of(height: Heights, own: NDArray[np.bool_], **rules: float) -> Planes:
    return roof_planes(centimetres(height), spans_of([own]), 0.5, **rules)  # type: ignore[arg-type]


def numbers(planes: Planes, own: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The planes' numbers as a raster, of a single footprint."""
    out = np.zeros(own.shape, np.uint8)
    out[own] = planes.number
    return out


def test_a_house_has_the_planes_that_it_was_made_of() -> None:
    height, own = house()
    planes = planes_of(height, own)
    number = numbers(planes, own)
    assert len(planes.cells) == 3
    assert (number[9:15, 2:14] == number[9, 2]).all() and (number[4:7, 6:22] == number[4, 6]).all()
    assert (number[10:12, 15:17] == REST).all()  # the chimney
    assert (number[:3, :3] == REST).all()  # the crown
    assert number[5, 9] == number[4, 9]  # enclosed by one plane
    assert number[23, 5] == REST  # without data at the edge
    slopes = np.degrees(np.arctan(np.hypot(planes.slope_east, planes.slope_north)))
    tilt = np.degrees(np.arctan(0.7))
    north, south, annex = (int(number[cell]) - 1 for cell in ((5, 12), (12, 12), (20, 5)))
    assert slopes[[north, south]] == pytest.approx([tilt, tilt], abs=1)
    assert slopes[annex] < 1
    assert planes.slope_north[north] < 0 < planes.slope_north[south]


def test_glazing_of_three_cells_width_has_its_tilt_though_the_ridge_bends_its_cells() -> None:
    height, own = hall()
    planes = planes_of(height, own)
    tilt = np.degrees(np.arctan(np.hypot(planes.slope_east, planes.slope_north)))
    steep = tilt > 40
    assert steep.sum() == 2 and len(tilt) == 4
    assert tilt[steep] == pytest.approx(np.degrees(np.arctan(2.0)), abs=1)
    assert tilt[~steep] == pytest.approx(np.degrees(np.arctan(0.4)), abs=1)
    assert (planes.fitted[steep] < planes.cells[steep]).all()


@pytest.mark.parametrize("building", [house, hall])
def test_each_fit_is_least_squares_on_its_own_cells(building: Building) -> None:
    height, own = building()
    planes, cm = planes_of(height, own), centimetres(height)
    cells = cells_of(spans_of([own]))
    for p in range(len(planes.cells)):
        fitted = (planes.number == p + 1) & planes.was_fitted
        counted = planes.number == p + 1
        row, column = cells.row[fitted], cells.column[fitted]
        z = cm[row, column] / 100
        at = np.column_stack([np.ones(len(row)), column * 0.5, -row * 0.5])
        (level, east, north), *_ = np.linalg.lstsq(at, z, rcond=None)
        rest = z - at @ [level, east, north]
        middle = cells.row[counted].mean(), cells.column[counted].mean()
        assert (planes.fitted[p], planes.cells[p]) == (fitted.sum(), counted.sum())
        assert (planes.row[p], planes.column[p]) == pytest.approx(middle, abs=1e-12)
        assert planes.slope_east[p] == pytest.approx(east, abs=1e-9)
        assert planes.slope_north[p] == pytest.approx(north, abs=1e-9)
        assert planes.rmse[p] == pytest.approx(np.sqrt((rest**2).mean()), abs=1e-9)
        there = level + east * middle[1] * 0.5 - north * middle[0] * 0.5
        assert planes.height[p] == pytest.approx(there, abs=1e-9)


def test_the_books_agree_with_a_plain_reference() -> None:
    height, own = house()
    planes = planes_of(height, own)
    number = numbers(planes, own)
    assert planes.own == own.sum() and planes.known == np.isfinite(height[own]).sum()
    assert planes.cells.sum() + (planes.number == REST).sum() == own.sum()
    assert (np.diff(planes.cells) <= 0).all()
    flat = np.hypot(planes.slope_east, planes.slope_north) < np.tan(np.radians(10))
    expected = setback_of(number, len(planes.cells), 1.2 / 0.5)
    assert planes.free.tolist() == np.where(flat, expected, 0).tolist() and flat.any()
    assert planes.overgrown == overgrown_of(height, number, planes, 1.0) > 0


@pytest.mark.parametrize("setback", [0.0, 0.5, 1.0, 2.2])
def test_cells_are_free_beyond_any_setback(setback: float) -> None:
    height, own = house()
    planes = planes_of(height, own, setback=setback, flat_below=1.5)
    expected = setback_of(numbers(planes, own), len(planes.cells), setback / 0.5)
    assert planes.free.tolist() == expected


Turn = Callable[[NDArray[Any]], NDArray[Any]]


@pytest.mark.parametrize("building", [house, hall])
@pytest.mark.parametrize(
    ("turn", "slopes"),
    [
        (np.rot90, lambda e, n: (-n, e)),
        (np.fliplr, lambda e, n: (-e, n)),
        (np.flipud, lambda e, n: (e, -n)),
        (np.transpose, lambda e, n: (-n, -e)),
    ],
)
def test_a_turned_or_mirrored_house_has_its_planes_turned(
    turn: Turn,
    slopes: Callable[..., tuple[NDArray[np.float64], NDArray[np.float64]]],
    building: Building,
) -> None:
    height, own = building()
    planes = planes_of(height, own)
    turned_own = np.ascontiguousarray(turn(own))
    turned = planes_of(np.ascontiguousarray(turn(height)), turned_own)
    assert (numbers(turned, turned_own) == turn(numbers(planes, own))).all()
    east, north = slopes(planes.slope_east, planes.slope_north)
    assert (turned.slope_east == east).all() and (turned.slope_north == north).all()
    assert (turned.rmse == planes.rmse).all() and (turned.free == planes.free).all()


def test_a_raised_house_has_its_planes_raised() -> None:
    height, own = house()
    cm, spans = centimetres(height), spans_of([own])
    up = np.where(cm == NO_HEIGHT, cm, cm + 12_345).astype(np.int32)
    planes, raised = roof_planes(cm, spans, 0.5), roof_planes(up, spans, 0.5)
    assert raised.height == pytest.approx(planes.height + 123.45, abs=1e-9)
    for name in set(Planes._fields) - {"height"}:
        assert (getattr(raised, name) == getattr(planes, name)).all(), name


def test_a_building_is_the_same_in_any_window_and_among_others() -> None:
    height, own = house()
    alone = planes_of(height, own)
    wide = np.full((60, 90), 2.0, np.float32)
    shifted, other = np.zeros((2, 60, 90), bool)
    wide[20:44, 50:74], shifted[20:44, 50:74] = height, own
    wide[3:15, 4:30], other[3:15, 4:30] = gable(12, 26), True
    both = roof_planes(centimetres(wide), spans_of([other, shifted]), 0.5)
    here = slice(both.start[1], both.start[2])
    for name in ("cells", "fitted", "free", "column", "row", "height", "slope_east", "slope_north"):
        assert (getattr(both, name)[here] == getattr(alone, name)).all(), name
    assert (both.number[other.sum() :] == alone.number).all()
    assert (both.top[1], both.left[1]) == (20, 50)


def test_what_is_no_roof_has_no_planes() -> None:
    one, nothing = np.zeros((2, 6, 6), bool)
    one[2, 3] = True
    none = roof_planes(centimetres(np.zeros((6, 6), np.float32)), spans_of([one, nothing]), 0.5)
    assert none.start.tolist() == [0, 0, 0] and none.number.tolist() == [REST]
    blind = planes_of(np.full((6, 6), np.nan, np.float32), np.ones((6, 6), bool))
    assert len(blind.cells) == 0 and (blind.known, blind.own) == (0, 36)


def test_faulty_heights_leave_the_planes_of_the_others() -> None:
    height, own = gable(), np.ones((16, 24), bool)
    height[3, 3], height[12, 20] = -2.1e7, 2.1e7
    planes = planes_of(height, own)
    assert planes.cells.sum() >= own.sum() - 2 and len(planes.cells) == 2
    assert np.abs(planes.height).max() < 20 and planes.rmse.max() < 0.1


def test_only_the_largest_planes_have_numbers() -> None:
    steps = np.zeros((4, 3 * (MOST_PLANES + 20)), np.float32)
    steps += 2.0 * (np.arange(steps.shape[1]) // 3 % 7)
    steps[:, -4:] = 40.0
    planes = planes_of(steps, np.ones(steps.shape, bool))
    assert planes.found > MOST_PLANES == len(planes.cells)
    assert planes.number.max() == REST and (np.diff(planes.cells) <= 0).all()


def test_runs_outside_the_heights_are_refused() -> None:
    beyond = Spans(np.array([0, 1]), np.array([6]), np.array([0]), np.array([2]))
    with pytest.raises(ValueError, match="6 rows and 6 columns"):
        roof_planes(np.zeros((6, 6), np.int32), beyond, 0.5)


@pytest.mark.parametrize("side", [3, 400, 2000])
def test_moments_are_exact_up_to_greenhouses_of_a_kilometre(side: int) -> None:
    rng = np.random.default_rng(side)
    y, x = (part.ravel() for part in np.mgrid[:side, :side])
    z = rng.integers(-30_000, 30_000, side * side)
    kept = rng.random(side * side) < 0.9
    sums, mirrored = (_sums(u[kept], y[kept], z[kept]) for u in (x, side - 1 - x))
    n, *first = map(int, sums[:4])
    pairs = [(i, j) for i in range(3) for j in range(i, 3)]
    products = dict(zip([(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2)], sums[4:], strict=True))
    exact = {(i, j): float(n * int(products[i, j]) - first[i] * first[j]) for i, j in pairs}
    assert moments(sums) == tuple(exact[pair] for pair in products)
    one, other = fit(sums), fit(mirrored)
    assert (one.east, one.south, one.spread) == (-other.east, other.south, other.spread)


def _sums(x: NDArray[np.int64], y: NDArray[np.int64], z: NDArray[np.int64]) -> NDArray[np.int64]:
    products = (x * x, x * y, y * y, x * z, y * z, z * z)
    return np.array([len(x), *(part.sum() for part in (x, y, z, *products))])
