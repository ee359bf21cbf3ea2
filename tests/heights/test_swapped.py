"""DSM and DTM that were swapped are refused before anything is computed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from pipeline.errors import InputError
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import TILE, Window
from pipeline.heights.rasters import Reader
from pipeline.heights.swapped import MOST, sample
from pipeline.results import report
from pipeline.runs.prepare import prepare
from pipeline.runs.request import Request
from tests.support.commands import arguments, call
from tests.support.places import PLACES, DataFile
from tests.support.runs import Files, World

SIDE = 100  # cells a side of the worlds, of 1 m


def world(below: float, above: float = 0.0, depth: float = 0.6) -> World:
    """Flat ground whose DSM lies below the DTM on this part of the cells, above it on that."""
    made = World(SIDE, SIDE, resolution=1.0, ground=5.0)
    made.footprint(shapely.box(1, 1, SIDE - 1, SIDE - 1))
    order = made.dsm.reshape(-1)
    order[: round(below * order.size)] -= depth
    order[order.size - round(above * order.size) :] += depth
    return made


def swapped(files: Files) -> Files:
    return replace(files, dsm=files.dtm, dtm=files.dsm)


def prepared(files: Files, folder: Path, **options: Any) -> None:
    prepare(files.request(folder / "out", layers=(), **options))


@pytest.mark.parametrize(
    ("shares", "depth"), [((0.02,), 0.6), ((0.9,), 0.5), ((0.3, 0.3), 0.6), ((0.1, 0.4), 9.0)]
)
def test_a_little_below_or_more_above_is_no_swap(
    tmp_path: Path, shares: tuple[float, ...], depth: float
) -> None:
    prepared(world(*shares, depth=depth).write(tmp_path / "in"), tmp_path)


@pytest.mark.parametrize(("shares", "said"), [((0.021,), "2%"), ((0.3, 0.29), "30%")])
def test_more_below_than_above_is_refused(
    tmp_path: Path, shares: tuple[float, ...], said: str
) -> None:
    files = world(*shares).write(tmp_path / "in")
    with pytest.raises(
        InputError, match=f"R_1.tif: lies as DSM below M_1.tif as DTM in {said}"
    ) as refused:
        prepared(files, tmp_path)
    assert "are they swapped?" in str(refused.value)
    prepared(files, tmp_path, allow=frozenset({"heights"}))


def test_cells_without_data_do_not_count(tmp_path: Path) -> None:
    made = world(0.03)
    made.dtm[:, : SIDE // 2] = np.nan
    with pytest.raises(InputError, match="in 3%"):
        prepared(made.write(tmp_path / "in"), tmp_path)
    made.dtm[:] = np.nan
    prepared(made.write(tmp_path / "none"), tmp_path)


def test_the_command_line_refuses_and_computes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = World(SIDE, SIDE, resolution=1.0)
    made.block(40, 40, 60, 60, 9.0)
    files, out = swapped(made.write(tmp_path / "in")), tmp_path / "out"
    monkeypatch.setenv("DAKLAAG_CACHE", str(tmp_path / "cache"))
    for command in ("plan", "run"):
        words = [command, *arguments(files, out, "--layers", "none")[1:]]
        answer = call(*words)
        assert answer.exit_code == 2 and "are they swapped?" in answer.stderr
        assert len(answer.stderr.splitlines()) == 1
    assert not out.exists() and not (tmp_path / "cache" / "relief").exists()
    assert call(*arguments(files, out, "--layers", "none", "--allow", "heights")).exit_code == 0
    assert report.read(out)["inputs"]["options"]["allow"] == ["heights"]


def test_the_sample_is_small_and_evenly_spread() -> None:
    marked = np.zeros((300, 400), bool)
    marked[50:250, 100:300] = True
    tiles = TileMask(Window(-1000, 500, *marked.shape), marked)
    windows = sample(tiles)
    assert len(set(windows)) == MOST and sample(tiles) == windows
    rows, columns = np.array(windows)[:, :2].T // TILE
    assert marked[rows + 1000, columns - 500].all()
    assert np.ptp(rows) == 199 and np.ptp(columns) > 150
    assert np.diff(np.sort(rows)).max() <= 4
    assert sample(TileMask.none(tiles.frame)) == []


def test_of_much_ground_little_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, read = World(3000, 2000, resolution=1.0), list[int]()
    for x in range(20, 2980, 90):
        for y in range(20, 1980, 90):
            made.footprint(shapely.box(x, y, x + 10, y + 10))
    files, usual = made.write(tmp_path / "in"), Reader.read

    def reading(self: Reader, window: Window, *tiles: Any) -> Any:
        read.append(window.size)
        return usual(self, window, *tiles)

    monkeypatch.setattr(Reader, "read", reading)
    prepared(files, tmp_path)
    assert 2 * MOST * TILE**2 / 2 < sum(read) <= 2 * MOST * TILE**2 < made.dsm.size


@pytest.mark.parametrize("name", PLACES)
def test_real_heights(tmp_path: Path, data_file: DataFile, name: str) -> None:
    files, options = PLACES[name](data_file)
    prepared(files, tmp_path, **options)
    with pytest.raises(InputError, match="are they swapped") as refused:
        prepared(swapped(files), tmp_path, **options)
    print(name, refused.value)


def test_other_allowances_do_not_accept_it(tmp_path: Path) -> None:
    request: Request = (
        world(0.5)
        .write(tmp_path / "in")
        .request(tmp_path / "out", allow=frozenset({"gaps", "versions"}))
    )
    with pytest.raises(InputError, match="allow heights"):
        prepare(request)
