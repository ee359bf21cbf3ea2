"""A quarter turn of the scene and of the suns leaves the year of its planes."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from numpy.typing import NDArray

from pipeline.methods.annual import light
from pipeline.methods.climate.square import SquareClimate
from tests.support.outcomes import compute
from tests.support.runs import World

SIDE = 64.0  # [m]: whole tiles of the horizon, so that a tile becomes a tile
FIELDS = ("irradiation_kwh_m2", "unshaded_kwh_m2", "sky_view")
NEAR = 5e-4  # along the axes, means of 2 x 2 and 4 x 4 cells lie half a cell to one side

Planes = dict[tuple[int, float, float], dict[str, Any]]


def street() -> World:
    """Gables that face all four ways, a chimney, a tower and a wall, all within the near field."""
    w = World(SIDE, SIDE)
    x, y = np.meshgrid(np.arange(0.25, SIDE, 0.5), np.arange(0.25, SIDE, 0.5)[::-1])
    for x0, y0, across in ((8, 8, x), (30, 10, y), (10, 34, y), (40, 40, x)):
        part = w.part(x0, y0, x0 + 11, y0 + 11)
        ridge = (x0 if across is x else y0) + 4.5
        w.dsm[part] = 9 - 0.6 * np.abs(across[part] - ridge)
        w.footprint(shapely.box(x0, y0, x0 + 11, y0 + 11))
    for bounds, top in (((12, 10, 13, 11), 11), ((22, 22, 28, 28), 30), ((38, 2, 60, 3), 8)):
        w.dsm[w.part(*bounds)] = top
    return w


def turned(w: World) -> World:
    """Clockwise, about its centre."""
    made = World(SIDE, SIDE)
    made.dsm, made.dtm = (np.rot90(heights, -1).copy() for heights in (w.dsm, w.dtm))

    def clockwise(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = (xy - [w.west, w.south]).T
        return np.column_stack([y, SIDE - x])

    for row in w.rows:
        made.footprint(shapely.transform(row["geometry"], clockwise))
    return made


def planes_of(w: World, folder: Path) -> Planes:
    """By row and by their slopes east and north."""
    compute(w.write(folder / "in"), folder / "out", method="annual", layers=(), workers=1)
    rows = pq.read_table(folder / "out" / "buildings.parquet").to_pylist()
    return {
        (row["row"], round(plane["slope_east"], 1), round(plane["slope_north"], 1)): plane
        for row in rows
        for plane in row["planes"]
    }


@pytest.fixture
def suns_turned(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All suns a quarter further; what is remembered of squares is forgotten."""
    usual = light.climate_of

    def climate_of(*place: Any) -> SquareClimate:
        here = usual(*place)
        azimuth = (here.suns.azimuth + math.pi / 2) % (2 * math.pi)
        return here._replace(suns=here.suns._replace(azimuth=azimuth))

    monkeypatch.setattr(light, "climate_of", climate_of)
    light.square_light.cache_clear()
    yield
    light.square_light.cache_clear()


@pytest.fixture
def before(tmp_path: Path) -> Planes:
    return planes_of(street(), tmp_path / "before")


@pytest.mark.usefixtures("before", "suns_turned")
def test_a_quarter_turn_of_scene_and_suns_leaves_the_year(tmp_path: Path, before: Planes) -> None:
    after = planes_of(turned(street()), tmp_path / "after")
    assert len(before) == len(after) == 8
    for (row, east, north), plane in before.items():
        other = after[row, north, -east]
        assert other["cells"] == plane["cells"]
        for name in FIELDS:
            assert other[name] == pytest.approx(plane[name], rel=NEAR), (row, plane["n"], name)
    unshaded, got = ([plane[n] for plane in before.values()] for n in (FIELDS[1], FIELDS[0]))
    assert min(a / b for a, b in zip(got, unshaded, strict=True)) < 0.9
    assert max(unshaded) > 1.3 * min(unshaded)  # so that the suns must turn too
