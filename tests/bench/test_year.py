"""What `bench.year` counts: brute force against closed forms, a run against it, known ground."""

import math
from pathlib import Path

import numpy as np
import pytest

from bench.exact_light import FLOOR, Receivers, light_by_force
from bench.year import compared, level_off, lines_of_cells, times_of_receivers
from bench.year_laws import beams, laws
from pipeline.grid.windows import LatticeCell
from pipeline.methods.climate import SquareClimate, climate_of, shipped_climate
from pipeline.methods.climate.light import Planes, irradiation, light_of_year, own_horizon
from pipeline.quarter.roofscape import generate_roofs
from tests.support.march import surface_tangents
from tests.support.skies import around, quarter

SQUARE = LatticeCell(11, 47)


def climate() -> SquareClimate:
    return climate_of(shipped_climate(), SQUARE)


def one(own: float, gradient: tuple[float, float], row: int, column: int) -> Receivers:
    return Receivers(*np.array([[row], [column]]), np.array([own]), np.array([[gradient]]))


@pytest.mark.parametrize(("tilt", "azimuth"), [(0, 0), (10, 90), (35, 180), (45, 315)])
def test_by_force_on_open_ground(tilt: float, azimuth: float) -> None:
    """Within what the directions of the table cost."""
    planes = Planes(*np.radians([[tilt], [azimuth]], dtype=float))
    steep = -math.tan(planes.tilt[0])
    gradient = steep * math.sin(planes.azimuth[0]), steep * math.cos(planes.azimuth[0])
    height = np.zeros((9, 9), np.float32)
    found = light_by_force(height, one(0.1, gradient, 4, 4), climate(), 0.5, 0.2)
    light = light_of_year(climate())
    (due,) = irradiation(light, planes, own_horizon(planes))
    assert found.irradiation[0, 0] == pytest.approx(due, abs=0.001 * light.irradiation)
    assert found.unshaded[0, 0] == pytest.approx(due, abs=0.001 * light.irradiation)
    assert found.sky_view[0, 0] == pytest.approx((1 + math.cos(planes.tilt[0])) / 2, abs=1e-4)


def test_by_force_behind_a_wall_in_the_south() -> None:
    """A wall without end: each sun by itself."""
    height = np.zeros((60, 4001), np.float32)
    height[40:] = top = 6.0
    suns, low = climate().suns, math.tan(FLOOR)
    found = light_by_force(height, one(0.0, (0.0, 0.0), 30, 2000), climate(), 0.5, 0.2)
    horizon = top / (10 * 0.5) * np.maximum(-np.cos(suns.azimuth), 0)
    lit = np.tan(suns.elevation) >= np.where(horizon > low, horizon, 0)
    beam = (suns.energy * np.sin(suns.elevation))[lit].sum()
    view = (1 + math.cos(math.atan(top / 5))) / 2
    assert found.sky_view[0, 0] == pytest.approx(view, abs=1e-3)
    due = beam + climate().isotropic.sum() * found.sky_view[0, 0]
    assert found.irradiation[0, 0] == pytest.approx(due, rel=1e-4)


def test_by_force_no_horizon_is_below_that_of_a_cell_a_step() -> None:
    """Of the same surface: the exact march sees more of it, and hardly more sky is hidden."""
    height, roofs = quarter(160, 0.2, 2.5, True, 3)
    cells = np.argwhere(roofs)[::199]
    own = height[tuple(cells.T)].astype(float)
    level = np.zeros((len(cells), 1, 2))
    found = light_by_force(height, Receivers(*cells.T, own, level), climate(), 0.5, 0.2)
    tangents = surface_tangents(height, cells, around(360), 0.5, FLOOR)
    hidden = np.where(tangents > math.tan(FLOOR) + 1e-9, tangents, 0)
    by_step = (1 / (1 + hidden**2)).mean(axis=1)
    assert (found.sky_view[:, 0] <= by_step + 1e-9).all()
    assert found.sky_view[:, 0] == pytest.approx(by_step, abs=0.01)


def test_a_run_beside_brute_force(tmp_path: Path) -> None:
    """A few cells of the smallest scene: what the whole has in `docs/methods/annual.md`."""
    made = generate_roofs(tmp_path / "in", repeats=1)
    cells = compared(made, tmp_path / "out", 150)
    assert len(cells.table) == 150 and cells.flat.any() and not cells.flat.all()
    assert abs(cells.off.mean()) < 0.2
    assert np.quantile(np.abs(cells.off), 0.95) < 0.8
    names = [name for name, *_ in lines_of_cells(cells)]
    assert names[0] == "all cells" and len(names) >= 3


def test_known_ground() -> None:
    """All within half a percent, but for a bowl of 53 degrees at its rim, which lies between the
    samples that are far."""
    off = {law.name: abs(law.found - law.known) for law in laws()}
    assert {name for name, value in off.items() if value > 0.005} == {"bowl, depth 0.5 of radius"}
    assert max(off.values()) < 0.008


def test_the_beam_of_hills_is_kept_closely() -> None:
    assert all(abs(law.found - law.known) < 5e-4 for law in beams())


def test_a_level_plane_gets_its_month() -> None:
    assert level_off(SQUARE) < 1e-9


def test_receivers_are_timed() -> None:
    middle, least, most = times_of_receivers(200)
    assert 0 < least <= middle <= most
