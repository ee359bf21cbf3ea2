"""The relief store: exact over the borders of sheets, kept by sheet, made anew where it is not
whole."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.coarse import COARSE, Coarse, coarsen, coarser
from kernels.field import far_field
from kernels.zonal import NO_HEIGHT
from pipeline.engine.engine import never_stop
from pipeline.errors import InputError, MendableError
from pipeline.grid.windows import TILE, Window
from pipeline.heights import relief
from pipeline.heights.levels import LEVELS, STATISTICS, tiles_file
from pipeline.heights.mosaics import open_mosaic
from pipeline.heights.rasters import Mosaic
from pipeline.heights.relief import (
    SheetManifest,
    coarse,
    height_bounds,
    sheet_manifest,
    survey_sheet,
)
from tests.support.clusters import PATIENCE_S
from tests.support.commands import ROOT
from tests.support.damage import HOW, flip
from tests.support.runs import write_sheet
from tests.support.scenes import SEEDS, examples, houses

WEST, NORTH = 121_003, 487_205  # on a grid of 1 m: borders of sheets fall inside coarse cells
ROWS, COLUMNS = 300, 420


def sheets_of(
    folder: Path, heights: NDArray[np.float32], rows: list[int], columns: list[int]
) -> Mosaic:
    """The heights cut along these lines into sheets."""
    lines = [0, *rows, len(heights)], [0, *columns, heights.shape[1]]
    n = 0
    for top, bottom in zip(lines[0][:-1], lines[0][1:], strict=True):
        for left, right in zip(lines[1][:-1], lines[1][1:], strict=True):
            place = Affine(1, 0, WEST + left, 0, -1, NORTH - top)
            write_sheet(folder / f"R_{n}.tif", heights[top:bottom, left:right], place)
            n += 1
    return opened(folder)


def opened(folder: Path) -> Mosaic:
    return open_mosaic([str(folder)], "DSM", None, frozenset({"gaps"}))


def surveyed(mosaic: Mosaic, store: Path) -> list[SheetManifest]:
    return [survey_sheet(sheet, store, never_stop) for sheet in mosaic.sheets]


def assert_same(found: Coarse, expected: Coarse) -> None:
    assert (found.top, found.left) == (expected.top, expected.left)
    for name in STATISTICS:
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "relief"


@pytest.fixture
def mosaic(tmp_path: Path) -> Mosaic:
    (tmp_path / "in").mkdir()
    return sheets_of(tmp_path / "in", houses(4, ROWS, COLUMNS), [141], [133, 262])


@given(SEEDS, st.lists(st.integers(1, ROWS - 1), max_size=2, unique=True),
       st.lists(st.integers(1, COLUMNS - 1), max_size=2, unique=True))  # fmt: skip
@examples(12)
def test_sheets_are_as_one_raster(
    tmp_path_factory: pytest.TempPathFactory, seed: int, rows: list[int], columns: list[int]
) -> None:
    """Every coarser level and the tiles too, also of a part of it."""
    folder = tmp_path_factory.mktemp("sheets")
    heights = houses(seed, ROWS, COLUMNS)
    mosaic = sheets_of(folder, heights, sorted(rows), sorted(columns))
    whole = mosaic.window
    surveyed(mosaic, folder / "relief")
    expected = coarsen(heights, whole.top, whole.left)
    part = Window(whole.top + seed % 100, whole.left + seed % 140, 100 + seed % 90, 130)
    for level in range(LEVELS + 2):
        side = COARSE << level
        assert_same(coarse(mosaic.sheets, folder / "relief", whole, level), expected)
        found = coarse(mosaic.sheets, folder / "relief", part, level)
        here = whole.coarse(side).slices(part.coarse(side))
        for name in STATISTICS:
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name)[here])
        if side == TILE:
            tiles = height_bounds(mosaic.sheets, folder / "relief", whole)
            assert tiles.frame[:2] == (expected.top, expected.left)
            np.testing.assert_array_equal(tiles.lowest, expected.lowest)
            np.testing.assert_array_equal(tiles.highest, expected.highest)
        expected = coarser(expected)


def test_where_no_sheet_is_nothing_is_known(store: Path, mosaic: Mosaic) -> None:
    surveyed(mosaic, store)
    w = mosaic.window
    beyond = Window(w.top - 500, w.left - 600, 1300, 1400)
    tiles = height_bounds(mosaic.sheets, store, beyond)
    known = tiles.highest != NO_HEIGHT
    frame = beyond.coarse(TILE)
    assert known[frame.slices(w.coarse(TILE))].any()
    known[frame.slices(w.coarse(TILE))] = False
    assert not known.any()
    assert (tiles.lowest[~known] == NO_HEIGHT).sum() > known.size / 2


def test_sheets_that_overlap_count_a_cell_once(tmp_path: Path, store: Path) -> None:
    heights = houses(8, 90, 200, holes=False)
    for name, part in (("a", slice(0, 120)), ("b", slice(100, 200))):
        place = Affine(1, 0, WEST + part.start, 0, -1, NORTH)
        write_sheet(tmp_path / f"R_{name}.tif", heights[:, part], place)
    mosaic = opened(tmp_path)
    surveyed(mosaic, store)
    expected = coarsen(heights, mosaic.window.top, mosaic.window.left)
    assert_same(coarse(mosaic.sheets, store, mosaic.window, 0), expected)


# Kept by sheet.


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sheets that are read from here on."""
    usual, names = relief._read, list[str]()

    def read(source: Any, *more: Any) -> Any:
        names.append(source.sheet.name)
        return usual(source, *more)

    monkeypatch.setattr(relief, "_read", read)
    return names


def test_a_sheet_is_read_once(store: Path, mosaic: Mosaic, monkeypatch: pytest.MonkeyPatch) -> None:
    names = reads(monkeypatch)
    cards = surveyed(mosaic, store)
    assert names == [sheet.name for sheet in mosaic.sheets]
    assert surveyed(mosaic, store) == cards
    assert len(names) == len(mosaic.sheets)


def test_a_sheet_that_is_replaced_is_noticed_and_read_alone(
    store: Path, mosaic: Mosaic, monkeypatch: pytest.MonkeyPatch
) -> None:
    surveyed(mosaic, store)
    names, third = reads(monkeypatch), mosaic.sheets[2]
    heights = houses(9, third.window.height, third.window.width)
    place = Affine(1, 0, third.window.left, 0, -1, -third.window.top)
    write_sheet(Path(third.path), heights, place)
    assert sheet_manifest(third, store) is None
    with pytest.raises(InputError, match=f"{third.name}: was changed during the run; run again"):
        height_bounds(mosaic.sheets, store, mosaic.window)
    surveyed(mosaic, store)
    assert names == [third.name]
    expected = coarsen(heights, third.window.top, third.window.left)
    assert_same(coarse([third], store, third.window, 0), expected)


def test_how_numbers_are_read_is_part_of_what_a_sheet_is(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heights = np.full((40, 40), 3.0, np.float32)
    heights[:20] = 0
    place = Affine(1, 0, WEST, 0, -1, NORTH)
    write_sheet(tmp_path / "R_1.tif", heights, place, nodata=None)
    paths, names = [str(tmp_path / "R_1.tif")], reads(monkeypatch)
    found = [
        survey_sheet(open_mosaic(paths, "DSM", nodata).sheets[0], store, never_stop).survey
        for nodata in (None, 0.0, None)
    ]
    assert [survey.without_data for survey in found] == [0, 800, 0]
    assert len(names) == 2


def test_a_sheet_that_is_gone(store: Path, mosaic: Mosaic) -> None:
    surveyed(mosaic, store)
    Path(mosaic.sheets[0].path).unlink()
    with pytest.raises(InputError, match=r"R_0\.tif: is gone"):
        height_bounds(mosaic.sheets, store, mosaic.window)


# Damage.


def tile_file(store: Path) -> Path:
    return store / tiles_file()


DAMAGE = {
    "no card": lambda known: known.store.with_suffix(".json").unlink(),
    "half a card": lambda known: known.store.with_suffix(".json").write_text('{"survey": {'),
    "another's card": lambda known: known.store.with_suffix(".json").write_text('{"survey": 1}'),
    "half the tiles": lambda known: tile_file(known.store).write_bytes(b"\0" * 12),
    "no tiles": lambda known: tile_file(known.store).unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_not_whole_is_made_anew(store: Path, mosaic: Mosaic, damage: str) -> None:
    cards = surveyed(mosaic, store)
    expected = height_bounds(mosaic.sheets, store, mosaic.window)
    DAMAGE[damage](cards[1])
    assert sheet_manifest(mosaic.sheets[1], store) is None
    assert surveyed(mosaic, store) == cards
    found = height_bounds(mosaic.sheets, store, mosaic.window)
    assert found.frame == expected.frame
    np.testing.assert_array_equal(found.lowest, expected.lowest)
    np.testing.assert_array_equal(found.highest, expected.highest)


@pytest.mark.parametrize(
    ("name", "how"), [*(("0/c.0.0.0", how) for how in HOW), (tiles_file(), "a bit flipped")]
)
def test_a_damaged_file_is_said_and_made_anew(
    store: Path, mosaic: Mosaic, name: str, how: str
) -> None:
    def read() -> tuple[Coarse, Coarse]:
        surveyed(mosaic, store)
        return tuple(coarse(mosaic.sheets, store, mosaic.window, n) for n in (0, LEVELS - 1))

    expected, known = read(), surveyed(mosaic, store)[0].store
    HOW[how](known / name)
    with pytest.raises(MendableError, match=rf"{name} is (damaged|missing) in the cache"):
        coarse(mosaic.sheets, store, mosaic.window, int(name[0]))
    assert not known.exists()
    for found, other in zip(read(), expected, strict=True):
        assert_same(found, other)


@pytest.mark.parametrize("bit", [3, 1000, -5])
def test_a_flipped_bit_in_a_card_is_noticed(
    store: Path, mosaic: Mosaic, bit: int, caplog: pytest.LogCaptureFixture
) -> None:
    cards = surveyed(mosaic, store)
    flip(cards[0].store.with_suffix(".json"), bit)
    assert surveyed(mosaic, store) == cards
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert cards[0].store.with_suffix(".json").name in caplog.text


def test_any_reader_of_zarr_opens_it(store: Path, mosaic: Mosaic) -> None:
    for sheet, known in zip(mosaic.sheets, surveyed(mosaic, store), strict=True):
        group: Any = zarr.open_group(known.store, mode="r")
        assert group.attrs["levels"] == LEVELS
        for level in range(LEVELS):
            array, mine = group[str(level)], coarse([sheet], store, sheet.window, level)
            assert (array.attrs["top"], array.attrs["left"]) == (mine.top, mine.left)
            assert array.attrs["cells"] == COARSE << level
            assert list(array.attrs["statistics"]) == list(STATISTICS)
            expected = np.stack([getattr(mine, name) for name in STATISTICS])
            np.testing.assert_array_equal(array[:], expected)


# Two at once.


def test_threads_that_survey_the_same_sheets(store: Path, mosaic: Mosaic) -> None:
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: surveyed(mosaic, store), range(6)))
    assert all(cards == found[0] for cards in found)
    assert not list(store.glob("*.partial"))
    assert len(list(store.glob("*.json"))) == len(mosaic.sheets)


def test_one_that_comes_late_leaves_what_is_there(
    store: Path, mosaic: Mosaic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run has begun to read from it."""
    (kept,) = surveyed(Mosaic("DSM", mosaic.sheets[:1]), store)
    node = kept.store.stat().st_ino
    monkeypatch.setattr(
        relief, "_sheet_manifest", lambda *_: None
    )  # what the late one saw when it began
    survey_sheet(mosaic.sheets[0], store, never_stop)
    assert kept.store.stat().st_ino == node
    assert not list(store.glob("*.partial"))


SURVEYS = """
import sys
from pathlib import Path
from pipeline.engine.engine import never_stop
from pipeline.heights.mosaics import open_mosaic
from pipeline.heights.relief import survey_sheet
for sheet in open_mosaic(sys.argv[1:2], "DSM", None).sheets:
    print(survey_sheet(sheet, Path(sys.argv[2]), never_stop))
"""


@pytest.mark.slow
def test_processes_that_survey_the_same_sheets(store: Path, mosaic: Mosaic) -> None:
    folder = str(Path(mosaic.sheets[0].path).parent)
    words = [sys.executable, "-c", SURVEYS, folder, str(store)]
    started = [
        subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = {process.communicate(timeout=PATIENCE_S)[0] for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    assert said == {"".join(f"{found}\n" for found in surveyed(mosaic, store))}
    assert not list(store.glob("*.partial"))


def test_the_horizon_looks_far_by_the_store(store: Path, mosaic: Mosaic) -> None:
    """What lies beyond the near window comes from the store, with not a sheet opened."""
    surveyed(mosaic, store)
    ground = mosaic.window
    found = far_field(coarse(mosaic.sheets, store, ground, 0), 4)
    expected = far_field(coarsen(houses(4, ROWS, COLUMNS), ground.top, ground.left), 4)
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.levels, expected.levels)
    assert found.highest == expected.highest
