"""The plan: it counts what the run then does, and reads nothing but the relief."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.engine.events import DONE
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import Window, uniform_halo
from pipeline.heights import sheets
from tests.support.outcomes import compute, counted, outcome, small_quarter
from tests.support.runs import Files, World

pytestmark = pytest.mark.usefixtures("tiles_of_16")

WAYS: dict[str, dict[str, Any]] = {
    "extruded": {"layers": ()},
    "measured": {"layers": (), "settings": {"surface": "dsm"}},
    "layers": {"layers": ("shadow", "surface")},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return small_quarter(tmp_path_factory.mktemp("quarter"))


AREA = "122700,481100,122950,481350"


def cast(files: Files, out: Path, **options: Any) -> list[dict[str, Any]]:
    """Run; what the log says of the shards of the pass that casts the shadows."""
    events: list[dict[str, Any]] = []
    compute(files, out, log=events.append, **options)
    stage = "measure" if options.get("settings") else "shade"
    return [event for event in events if event["stage"] == stage and event.get("outcome") == DONE]


@pytest.mark.parametrize("way", WAYS)
def test_it_counts_what_the_run_does(tmp_path: Path, files: Files, way: str) -> None:
    options = WAYS[way] | {"area": AREA, "block": 64}
    found = counted(files.request(tmp_path / "out", **options))
    shards = cast(files, tmp_path / "out", **options)
    report = outcome(tmp_path / "out").report
    if way != "measured":  # which measures neighbours in the same pass
        assert found.shards == len(shards) == 4
        assert found.blocks + found.skipped == sum(shard["blocks"] for shard in shards)
    assert found.neighbours == report["counts"]["neighbours"] > 20
    assert found.asked == report["counts"]["footprints"] > 20
    assert found.footprints > found.asked + found.neighbours
    every = (*files.dsm, *files.dtm)
    assert found.sheets == len(every)
    assert found.disk == sum(path.stat().st_size for path in every)


def test_with_the_relief_at_hand_no_sheet_is_read(
    tmp_path: Path, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for the sample that tells whether they are swapped."""
    request = files.request(tmp_path / "out", allow=frozenset({"heights"}))
    first = counted(request)
    monkeypatch.setattr(sheets.OpenSheet, "__init__", None)
    assert counted(request) == first
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("time", ["10:00", "12:00", "14:00"])
def test_a_tower_is_read_where_its_shadow_falls_and_nowhere_else(tmp_path: Path, time: str) -> None:
    """On a plain in blocks of a tile: those that it darkens read it, and the tiles between; a tile
    more on all sides may do so, since the tower may stand anywhere in its own. What they read is
    what they read more than without the tower."""
    settings = {"times": time, "surface": "dsm", "min_height_m": 0.0}
    options: dict[str, Any] = {"layers": ("shadow",), "settings": settings, "block": 16}
    halo = []
    for height in (0.0, 60.0):
        w = World(640, 640, 2.0)
        w.block(400, 60, 420, 80, height)
        w.block(40, 600, 48, 608, 0.0)
        files, out = w.write(tmp_path / f"in{height}"), tmp_path / f"out{height}"
        shards = cast(files, out, **options)
        halo.append(sum(shard["cells"] - shard["own"] for shard in shards) / 256)
    (top, left), shadow = outcome(out).arrays[0, "shadow"]
    rows, columns = np.nonzero(shadow == 1)
    tiles = Window(top, left, *shadow.shape).coarse(16)
    dark = TileMask.none(tiles)
    dark.marked[(top + rows) // 16 - tiles.top, (left + columns) // 16 - tiles.left] = True
    near = dark.grow(uniform_halo(1))
    assert dark.marked.sum() - 4 <= halo[1] - halo[0] <= 3 * near.marked.sum()
