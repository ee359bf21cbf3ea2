"""The year of sun of the method `annual`: every kWh against a plain reference, and laws."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
import zarr
from numpy.typing import NDArray
from rasterio.features import rasterize

from pipeline import quarter
from pipeline.methods.climate import climate_of, shipped_climate
from pipeline.quarter.roofscape import generate_roofs
from tests.support.outcomes import compute
from tests.support.runs import Files, World, read
from tests.support.year import Surface, expected_year, square_of

NEAR = 1e-4  # of the unshaded sum: 0.01 %
OPTIONS: dict[str, Any] = {"method": "annual", "layers": ("plane",), "workers": 1}


class Finished:
    """A run, its rows that are judged, and what it looked at: the surface, and on its raster the
    layer of planes."""

    def __init__(self, files: Files, out: Path, **settings: Any) -> None:
        compute(files, out, settings=settings, **OPTIONS)
        table = pq.read_table(out / "buildings.parquet").to_pylist()
        self.rows = [row for row in table if row["rejected"] is None]
        height, self.transform, _ = read(files.dsm)
        self.surface = Surface(height, self.transform.c, self.transform.f, self.transform.a)
        self.numbers = self._numbers(out)
        self.count = sum(self.own(row).astype(int) for row in table)

    def _numbers(self, out: Path) -> NDArray[np.uint8]:
        group = zarr.open_group(out / "rasters.zarr", mode="r")["0"]
        x, y, layer = (np.asarray(group[name]) for name in ("x", "y", "plane"))
        found = np.zeros(self.surface.height.shape, np.uint8)
        r = self.surface.resolution
        column = np.rint((x - self.surface.west) / r - 0.5).astype(int)
        row = np.rint((self.surface.north - y) / r - 0.5).astype(int)
        rows, columns = (
            (at >= 0) & (at < size) for at, size in zip((row, column), found.shape, strict=True)
        )
        found[np.ix_(row[rows], column[columns])] = layer[np.ix_(rows, columns)]
        return found

    def own(self, row: dict[str, Any]) -> NDArray[np.bool_]:
        geometry = shapely.from_wkb(row["geometry"])
        mask = rasterize([geometry], self.surface.height.shape, transform=self.transform)
        return np.asarray(mask, bool)

    @property
    def alone(self) -> list[dict[str, Any]]:
        """The rows whose cells no other footprint has, all of them on the raster."""
        odd = {"part_outside", "one_cell"}
        return [
            row for row in self.rows
            if not odd & {*row["flags"]} and (self.count[self.own(row)] == 1).all()
        ]  # fmt: skip


SCENES = [pytest.param(name, marks=pytest.mark.slow) for name in ("quarter", "roofs", "far")]


@pytest.fixture(scope="module", params=SCENES)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    folder = tmp_path_factory.mktemp("year")
    made: Any
    if request.param == "quarter":
        made = quarter.generate(folder / "in", size=(200, 200))
    elif request.param == "roofs":
        made = generate_roofs(folder / "in", repeats=1)
    else:
        return Finished(hills().write(folder / "in"), folder / "out")
    return Finished(Files(made.dsm, made.dtm, made.buildings), folder / "out")


def hills() -> World:
    """Roofs before towers and a hill that stand hundreds of metres away, and a hole in one."""
    w = World(900, 700)
    x, y = np.meshgrid(np.arange(1800) * 0.5, np.arange(1400)[::-1] * 0.5)
    hill = 40 * np.exp(-(((x - 700) / 120) ** 2) - ((y - 200) / 90) ** 2)
    w.dtm += hill.astype(np.float32)
    w.dsm += hill.astype(np.float32)
    for x0, y0, top in ((300, 100, 80), (120, 350, 55), (420, 520, 33)):
        w.dsm[w.part(x0, y0, x0 + 25, y0 + 25)] = top
    for x0, y0 in ((200, 200), (330, 330), (60, 500), (560, 260)):
        w.block(x0, y0, x0 + 12, y0 + 9, 9.0)
        part = w.part(x0 + 20, y0, x0 + 32, y0 + 9)
        fall = np.abs(np.arange(24) + 0.5 - 12) * 0.5
        w.dsm[part] = (10 - 0.7 * fall).astype(np.float32)
        w.footprint(shapely.box(x0 + 20, y0, x0 + 32, y0 + 9))
        w.dsm[w.part(x0 + 3, y0 + 3, x0 + 4, y0 + 4)] = np.nan
    return w


def assert_year(run: Finished, **parameters: Any) -> int:
    """Compare every row; how many planes were."""
    rows, planes = run.alone, 0
    assert len(rows) > len(run.rows) / 2
    for row in rows:
        due = expected_year(row, run.own(row), run.numbers, run.surface, **parameters)
        scale = sum(plane["kwp"] for plane in row["planes"]) * 1000
        for plane, values in zip(row["planes"], due.pop("planes"), strict=True):
            planes += 1
            for name, value in values.items():
                unit = {"kwh": 1000 * plane["kwp"], "m2": 1000.0}.get(name.split("_")[-1], 1.0)
                assert plane[name] == pytest.approx(value, rel=NEAR, abs=NEAR * unit), (
                    row["row"], plane["n"], name,
                )  # fmt: skip
        for name, value in due.items():
            unit = 1.0 if name == "sky_view" else scale
            if value is None:
                assert row[name] is None, (row["row"], name)
            else:
                assert row[name] == pytest.approx(value, rel=NEAR, abs=NEAR * unit), (
                    row["row"], name,
                )  # fmt: skip
    return planes


def test_every_kwh_is_the_reference_s(run: Finished) -> None:
    assert assert_year(run) > 6


def test_months_add_up(run: Finished) -> None:
    for row in run.rows:
        for plane in row["planes"]:
            assert sum(plane["month_kwh"]) == pytest.approx(plane["kwh"], rel=1e-5)
        assert sum(row["solar_month_kwh"]) == pytest.approx(row["solar_kwh"], rel=1e-5)


def test_shade_only_takes(run: Finished) -> None:
    """But for suns behind a plane, which count negatively: 0.01 % of what it gets."""
    for row in run.rows:
        for plane in row["planes"]:
            assert plane["irradiation_kwh_m2"] <= 1.0001 * plane["unshaded_kwh_m2"] + 0.01
            assert 0 < plane["sky_view"] <= 1.001


def lone(tilt: float, west: float, south: float, wall: float = 0.0) -> World:
    """A roof of 12 x 8 m that falls southward, and a wall 9 m south of it."""
    w = World(80, 60, west=west, south=south)
    part = w.part(30, 30, 42, 38)
    rise = np.arange(part[0].stop - part[0].start)[::-1, None] * 0.5 * np.tan(np.radians(tilt))
    w.dsm[part] = (6 + rise).astype(np.float32)
    w.footprint(shapely.box(30, 30, 42, 38))
    if wall:
        w.dsm[w.part(20, 15, 55, 21)] = wall
    return w


def judged(w: World, folder: Path, **settings: Any) -> Any:
    """The only row of a world."""
    (row,) = w.judge(folder, method="annual", settings=settings).to_dict("records")
    return row


PLACES = [(13_000.0, 380_000.0), (121_000, 487_000), (191_000, 318_000), (257_500, 593_000)]


@pytest.mark.parametrize(("west", "south"), PLACES)
def test_a_level_plane_gets_the_irradiation_of_its_square(
    tmp_path: Path, west: float, south: float
) -> None:
    """To a Wh/m2 in each month; a level roof that counts as pitched has its modules level."""
    row = judged(lone(0, west, south), tmp_path, flat_below_deg=0.0, scheme="orientation")
    (plane,) = row["planes"]
    here = climate_of(shipped_climate(), square_of(row["centre_x"], row["centre_y"]))
    months = np.array(plane["month_kwh"], float) / (plane["kwp"] * 0.795)
    assert months == pytest.approx(here.irradiation, abs=0.001)
    assert plane["irradiation_kwh_m2"] == pytest.approx(here.irradiation.sum(), abs=0.001)
    assert plane["sky_view"] == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("tilt", [0, 35])
def test_raising_an_obstacle_never_adds(tmp_path: Path, tilt: float) -> None:
    sums, views = [], []
    for wall in (0.0, 8.0, 11.0, 16.0, 30.0):
        row = judged(lone(tilt, 121_000, 487_000, wall), tmp_path / str(wall))
        (plane,) = row["planes"]
        sums.append(plane["irradiation_kwh_m2"])
        views.append(plane["sky_view"])
    assert (np.diff(sums) <= 0.01).all() and sums[-1] < 0.8 * sums[0]
    assert (np.diff(views) <= 1e-6).all()


@pytest.mark.slow
def test_twice_as_many_directions_change_little(tmp_path: Path) -> None:
    """What the roofs of a quarter give, by less than 0.1 %."""
    made = quarter.generate(tmp_path / "in", size=(200, 200))
    files = Files(made.dsm, made.dtm, made.buildings)
    sums = []
    for directions in (72, 144):
        rows = Finished(files, tmp_path / str(directions), directions=directions).rows
        planes = [plane for row in rows for plane in row["planes"]]
        sums.append(sum(plane["kwp"] * plane["irradiation_kwh_m2"] for plane in planes))
    assert sums[1] == pytest.approx(sums[0], rel=0.001)
    assert sums[1] != sums[0]
