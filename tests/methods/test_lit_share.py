"""How much of a roof lies in the sun, cell by cell, beside the verdict that hangs on one cell."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shapely

from pipeline.grid.windows import LATTICE_M, LatticeCell, Window
from pipeline.methods.passes import Block, Work
from pipeline.methods.powermapping import passes
from pipeline.methods.powermapping.cast import Roofs
from tests.support.runs import Files, World, assert_equal, expect, judge

SURFACES = ("extruded", "dsm")
ALL_DAY = {"times": ("09:30", "12:00", "14:30")}


def hall_behind_a_tower() -> World:
    """A hall of 80 x 60 m whose middle lies in the shadow of a mast of 60 m to the south."""
    w = World(400, 300, 1.0)
    w.block(100, 150, 180, 210, 8.0)
    w.block(146, 100, 156, 110, 60.0)
    w.frame()
    return w


@pytest.mark.parametrize("surface", SURFACES)
def test_a_hall_whose_centre_is_dark_may_lie_in_the_sun(tmp_path: Path, surface: str) -> None:
    world, settings = hall_behind_a_tower(), {"surface": surface, "times": ("12:00",)}
    found = world.judge(tmp_path, settings=settings)
    assert_equal(found, world.expected(**settings))
    assert found["class"][0] == "none"
    assert 0.7 < found["lit_share"][0] < 0.95
    assert found["lit_area_m2"][0] == found["lit_share"][0] * 4800
    assert found["lit_share"][1] == 1


def test_rejected_rows_have_no_lit_share(tmp_path: Path) -> None:
    world = World(100, 100, 1.0)
    world.block(20, 20, 40, 40, 0.5)
    world.block(60, 20, 80, 40, 9.0)
    found = world.judge(tmp_path)
    assert found["rejected"].tolist() == ["not_in_heights", None]
    for name in ("lit_share", "lit_area_m2"):
        assert found[name].isna().tolist() == [True, False]


@pytest.mark.parametrize("surface", SURFACES)
def test_cells_without_data_do_not_count(tmp_path: Path, surface: str) -> None:
    """A third of a hall's cells, in its shaded half, has no data; its roof is as high as before."""
    world = World(300, 200, 1.0)
    hall = world.block(100, 80, 160, 110, 6.0)
    world.block(130, 60, 160, 70, 40.0)
    world.frame()
    settings = {"surface": surface, "times": ("12:00",)}
    before = world.judge(tmp_path / "whole", settings=settings)
    world.dsm[world.part(140, 80, 160, 110)] = np.nan
    found = world.judge(tmp_path / "holed", settings=settings)
    assert_equal(found, world.expected(**settings))
    whole, holed = before.loc[hall], found.loc[hall]
    assert (whole["cells"], holed["cells"]) == (60 * 30, 40 * 30)
    lit, left = whole["lit_share"] * 1800, holed["lit_share"] * 1200
    assert left == pytest.approx(round(left), abs=1e-9)
    assert lit - 600 < left < lit
    assert holed["lit_share"] > whole["lit_share"] + 0.1


def halls_across_the_lattice(folder: Path) -> Files:
    """Where four squares of the lattice meet: halls of 1,400 m whose cells lie in all of them, far
    more than BESIDE cells from their centre, among masts."""
    w = World(2000, 2000, 4.0, west=12 * LATTICE_M - 900, south=47 * LATTICE_M - 1000)
    rng = np.random.default_rng(7)
    for south in (200, 800):
        w.block(300, south, 1700, south + 440, 9.0 + south / 100)
    w.block(100, 1300, 160, 1900, 7.0)
    for x, y in rng.uniform(100, 1900, (60, 2)).round(-1):
        w.block(x, y, x + 8, y + 8, float(rng.uniform(15, 60)))
    w.frame()
    return w.write(folder)


@pytest.fixture
def little_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what lies within 8 cells of a block is cast with it."""
    monkeypatch.setattr(passes, "BESIDE", 8)


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("block", [32, 4096])
def test_each_cell_has_the_sun_of_its_own_square(
    tmp_path: Path, little_beside: None, surface: str, block: int
) -> None:
    files = halls_across_the_lattice(tmp_path / "in")
    settings = {"surface": surface, **ALL_DAY}
    found = judge(files, tmp_path / "out", settings=settings, block=block)
    assert_equal(found, expect(files, **settings))
    assert ((found["lit_share"][:2] > 0.2) & (found["lit_share"][:2] < 0.98)).all()


def test_the_sun_of_the_centre_s_square_would_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The halls are large enough that another square's sun changes their share."""
    files = halls_across_the_lattice(tmp_path / "in")

    def at_once(
        work: Work, block: Block, roofs: Roofs
    ) -> Iterator[tuple[LatticeCell, Window, Window]]:
        window = roofs.window.intersect(work.context.terrain.window)
        if window.size:
            yield block.square, window, Window(0, 0, 0, 0)

    monkeypatch.setattr(passes, "_parts", at_once)
    found = judge(files, tmp_path / "out", settings=ALL_DAY)
    expected = expect(files, **ALL_DAY)
    assert (found["lit_share"][:2] != expected["lit_share"][:2]).all()


def test_a_court_a_sliver_and_an_overlap(tmp_path: Path) -> None:
    world = World(200, 200, 1.0)
    court = shapely.box(40, 40, 90, 90) - shapely.box(55, 55, 75, 75)
    world.dsm[world.part(40, 40, 90, 90)] = 12.0
    world.dsm[world.part(55, 55, 75, 75)] = 0.0
    world.footprint(court)
    world.footprint(shapely.box(80.1, 80.1, 110.0, 80.4))
    world.block(85, 85, 120, 120, 25.0)
    world.frame()
    assert_equal(world.judge(tmp_path, block=64), world.expected())
