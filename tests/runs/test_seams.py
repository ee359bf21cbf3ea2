"""The seam law: a result is the same to the bit however the run is cut, ordered or stopped."""

import math
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from kernels.shadow import Sun
from pipeline import quarter
from pipeline.errors import Stopped
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import Layout, Window, uniform_halo
from pipeline.heights import rasters
from pipeline.methods.powermapping.cast import Casters, Roofs
from tests.support.outcomes import (
    LAYERS,
    Outcome,
    assert_agrees,
    assert_equal,
    compute,
    outcome,
    run_interrupted,
    run_without_map,
    set_everywhere,
    shuffle_tasks,
    small_tiles,
)
from tests.support.runs import Files, World, expect, generated
from tests.support.runs import assert_equal as assert_same_rows
from tests.support.runs import judge as run_on

WHOLE = 4096
SURFACES = ("extruded", "dsm")


@pytest.fixture(scope="module", autouse=True)
def small_parts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Small ground has one level and a few tiles; of smaller ones it has three, and hundreds."""
    with small_tiles(tmp_path_factory.mktemp("cache")), pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipeline.grid.windows.CHUNK", 64)
        patch.setattr("pipeline.results.store.CHUNK", 64)
        yield


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """300 x 280 m of four sheets, in which four squares of the lattice meet; 9 shards of 128."""
    folder = tmp_path_factory.mktemp("quarter")
    return generated(folder, size=(300, 280), resolution=1)


@pytest.fixture(scope="module", params=SURFACES)
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"surface": request.param}


@pytest.fixture(scope="module")
def whole(
    files: Files, settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Outcome:
    """In as few blocks as there can be, one after another."""
    folder = tmp_path_factory.mktemp("whole") / "out"
    return run_without_map(files, folder, settings=settings, block=WHOLE, workers=1)


def test_the_quarter_has_seams_to_cross(whole: Outcome, settings: dict[str, Any]) -> None:
    (place, surface) = whole.arrays[0, "surface"]
    layout = Layout.of(Window(*place, *surface.shape), 1.0)
    assert len(list(layout.shards())) == 9
    assert len({tuple(sun["lattice"]) for sun in whole.report["method"]["suns"]}) == 4
    assert sum(bool(row["wind_candidate"]) for row in whole.rows.values()) >= 3
    assert whole.arrays.keys() == set(product((0, 1, 2), LAYERS))


@pytest.mark.parametrize(("block", "workers"), [(50, 2), (WHOLE, 2)])
def test_any_block_and_any_workers(
    tmp_path: Path, files: Files, settings: dict[str, Any], whole: Outcome, block: int, workers: int
) -> None:
    found = run_without_map(
        files, tmp_path / "out", settings=settings, block=block, workers=workers
    )
    assert_equal(found, whole)


def test_any_order_and_however_much_is_read_at_once(
    tmp_path: Path,
    files: Files,
    settings: dict[str, Any],
    whole: Outcome,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stages = shuffle_tasks(monkeypatch, seed=3)
    set_everywhere(monkeypatch, rasters, "PIECE", 50)
    options: dict[str, Any] = {"settings": settings, "relief": tmp_path / "relief"}
    found = run_without_map(files, tmp_path / "out", block=64, workers=2, **options)
    assert stages == ["survey", "measure", "shade"]
    assert_equal(found, whole)


def test_interrupted_time_and_again(
    tmp_path: Path, files: Files, settings: dict[str, Any], whole: Outcome
) -> None:
    """On one worker, in blocks of which a shard is no multiple."""
    interruptions = run_interrupted(
        files, tmp_path / "out", 22, settings=settings, block=100, workers=1
    )
    assert interruptions >= 3
    assert_equal(outcome(tmp_path / "out"), whole)


def test_gone_on_with_in_another_way(
    tmp_path: Path, files: Files, settings: dict[str, Any], whole: Outcome
) -> None:
    """Block and workers are no part of a run's identity."""
    polls = iter(range(70))
    options: dict[str, Any] = {"settings": settings, "block": 50, "workers": 2}
    with pytest.raises(Stopped):
        compute(files, tmp_path / "out", stop=lambda: next(polls, None) is None, **options)
    assert list((tmp_path / "out" / "work.partial").rglob("*.npz"))
    found = run_without_map(files, tmp_path / "out", settings=settings, block=128, workers=1)
    assert_equal(found, whole)


@pytest.mark.parametrize("box", [(0, 0, 150, 120), (110.7, 90.2, 230.3, 208.8)], ids=str)
def test_a_part_of_the_area_is_a_part_of_the_result(
    tmp_path: Path, files: Files, settings: dict[str, Any], whole: Outcome, box: tuple[float, ...]
) -> None:
    west, south = quarter.default_origin((300, 280))
    area = ",".join(str(v + corner) for v, corner in zip(box, (west, south) * 2, strict=True))
    found = run_without_map(
        files, tmp_path / "out", settings=settings, area=area, block=48, workers=2
    )
    cells = (box[2] - box[0]) * (box[3] - box[1])
    assert assert_agrees(found, whole) > 4 * cells
    assert 5 < len(found.rows) < len(whole.rows) / 2


# The law must be able to fail.


def cut_reach(patch: pytest.MonkeyPatch, share: float) -> None:
    """From here on a block reads only the tiles on so much of the way to the farthest it needs."""
    usual = Casters.relevant_tiles

    def shorter(
        casters: Casters, painted: Window, roofs: Roofs, *sky: Any
    ) -> tuple[TileMask, TileMask]:
        found = usual(casters, painted, roofs, *sky)
        rings = [TileMask.of(painted, casters.frame)]
        rings[0].add(roofs.windows)
        while (found[0].marked & ~rings[-1].marked).any():
            rings.append(rings[-1].grow(uniform_halo(1)).part(casters.frame))
        kept = rings[int(share * (len(rings) - 1))].marked
        needed, bare = (TileMask(casters.frame, marks.marked & kept) for marks in found)
        return needed, bare

    patch.setattr(Casters, "relevant_tiles", shorter)


def test_a_reach_too_short_is_seen(
    tmp_path: Path,
    files: Files,
    settings: dict[str, Any],
    whole: Outcome,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut_reach(monkeypatch, 0.05)
    found = run_without_map(files, tmp_path / "out", settings=settings, block=50)
    with pytest.raises(AssertionError):
        assert_agrees(found, whole)
    lit = [row for row in whole.rows if found.rows[row]["lit"] != whole.rows[row]["lit"]]
    assert lit


def towers(folder: Path) -> Files:
    """60 m on a plain: shadows of ten o'clock, 513 m long, that end on any row of a block."""
    w = World(700, 700, 2.0)
    for i in range(8):
        w.block(400 + 32 * i, 40 + 4 * i, 416 + 32 * i, 56 + 4 * i, 60.0)
    return w.write(folder)


@pytest.mark.parametrize(("share", "equal"), [(1.0, True), (0.98, False)])
def test_a_reach_is_as_long_as_it_must_be_and_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, equal: bool
) -> None:
    """The tip of the longest shadow there can be needs the last of the 17 tiles."""
    files = towers(tmp_path / "in")
    options: dict[str, Any] = {"layers": ("shadow",), "settings": {"times": ("10:00",)}}
    area = {"area": "121000,487000,121700,487700"}
    at_once = run_without_map(files, tmp_path / "a", block=WHOLE, **area, **options)
    cut_reach(monkeypatch, share)
    found = run_without_map(files, tmp_path / "b", block=16, **area, **options)
    a, b = (each.arrays[0, "shadow"][1] for each in (at_once, found))
    assert a.any()
    assert (a == b).all() == equal


NORTHERN: dict[str, Any] = {"date": "2026-06-21", "times": ("05:00", "20:15")}
SOUTHERN: dict[str, Any] = {"date": "2025-12-21", "times": ("09:30", "15:30")}


def low_roofs_among_towers(folder: Path) -> Files:
    """Towers of 40 m in the corners and the middle; between them, roofs of 6 m."""
    w = World(480, 480, 4.0)
    w.frame()
    for x in range(40, 440, 40):
        for y in range(40, 440, 40):
            tower = x % 200 == y % 200 == 40
            w.block(x, y, x + 16, y + 12, 40.0 if tower else 6.0)
    return w.write(folder)


@pytest.mark.parametrize("season", [NORTHERN, SOUTHERN], ids=["summer", "winter"])
def test_a_reach_lies_on_the_side_of_the_sun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, season: dict[str, Any]
) -> None:
    """In blocks of 64 m, whose neighbours' towers a reach on the other side would not see."""
    files = low_roofs_among_towers(tmp_path / "in")
    expected = expect(files, **season)
    assert_same_rows(run_on(files, tmp_path / "a", settings=season, block=16), expected)
    usual = Casters.relevant_tiles

    def turned_round(
        casters: Casters, painted: Window, roofs: Roofs, towards: list[Sun], resolution: float
    ) -> tuple[TileMask, TileMask]:
        opposite = [sun._replace(azimuth=sun.azimuth + math.pi) for sun in towards]
        return usual(casters, painted, roofs, opposite, resolution)

    monkeypatch.setattr(Casters, "relevant_tiles", turned_round)
    with pytest.raises(AssertionError, match="lit"):
        assert_same_rows(run_on(files, tmp_path / "b", settings=season, block=16), expected)
