"""`--update`: only what a change can reach is computed anew, and the result is that of a full run,
to the bit."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from pipeline.engine.events import DONE
from pipeline.errors import InputError, Stopped
from pipeline.methods.powermapping.influence import SunAndWind
from pipeline.results import report
from pipeline.runs import update
from pipeline.runs.run import run
from pipeline.storage.places import Folder
from tests.support.outcomes import Outcome, assert_equal, compute, outcome, run_without_map
from tests.support.runs import Files, World, recut

pytestmark = pytest.mark.usefixtures("tiles_of_16")

LAYERS = ("hillshade", "shadow")
SURFACES = ("extruded", "dsm")
WIDTH, HEIGHT = 1024.0, 768.0  # 512 x 384 cells of 2 m
SHARDS = 12  # of 128


def ground() -> World:
    """With sheds in its corners, so that what is added between them leaves the box around all."""
    w = World(WIDTH, HEIGHT, 2.0)
    for x, y in [(4, 4), (WIDTH - 8, HEIGHT - 8)]:
        w.block(x, y, x + 4, y + 4, 3.0)
    return w


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Houses of 6 m and some candidates all over four sheets."""
    w = ground()
    for i, x in enumerate(range(20, int(WIDTH) - 20, 44)):
        for j, y in enumerate(range(20, int(HEIGHT) - 20, 36)):
            w.block(x, y, x + 12, y + 10, 22.0 if (i * j) % 17 == 5 else 6.0)
    folder = tmp_path_factory.mktemp("in")
    whole = w.write(folder / "whole")
    lines = [int(HEIGHT / 4)], [int(WIDTH / 4)]
    dsm, dtm = (recut(paths, folder, *lines) for paths in (whole.dsm, whole.dtm))
    return Files(dsm, dtm, whole.buildings)


def tower(path: Path, x: float, y: float, height: float, name: str = "toren") -> str:
    """A file with a tower to add, of 16 x 16 m, its corner counted from the ground's [m]."""
    shape = shapely.box(121_000 + x, 487_000 + y, 121_016 + x, 487_016 + y)
    rows = {"identificatie": [name], "height_m": [height], "geometry": [shape]}
    gpd.GeoDataFrame(rows, crs=28992).to_parquet(path)
    return str(path)


@dataclass(frozen=True)
class Bare:
    """A finished run without a tower; outcomes of full runs, each computed once; two towers."""

    files: Files
    options: dict[str, Any]
    out: Path
    known: dict[str, Outcome]
    towers: tuple[str, str]

    def whole(self, files: Files | None = None, **more: Any) -> Outcome:
        """What a full run gives."""
        key = repr((files, sorted(more.items())))
        if key not in self.known:
            out = self.out.with_name(f"whole {len(self.known)}")
            self.known[key] = run_without_map(files or self.files, out, **self.options, **more)
        return self.known[key]

    def updated(self, files: Files | None = None, **more: Any) -> set[str]:
        """Bring the finished run up to date; the shards that were computed anew."""
        return updated(files or self.files, self.out, **(self.options | more))

    def check(self, files: Files | None = None, most: int = SHARDS - 3, **more: Any) -> set[str]:
        """An update equals a full run, and is done for no more than so many shards."""
        anew = self.updated(files, **more)
        assert 0 < len(anew) <= most, anew
        assert_equal(outcome(self.out), self.whole(files, **more))
        return anew


@pytest.fixture(scope="module", params=SURFACES)
def home(
    request: pytest.FixtureRequest, files: Files, tmp_path_factory: pytest.TempPathFactory
) -> Bare:
    """In the south-east and in the north-west a tower is to come."""
    folder = tmp_path_factory.mktemp(request.param)
    options: dict[str, Any] = {"settings": {"surface": request.param}, "layers": LAYERS}
    compute(files, folder / "out", **options)
    towers = (
        tower(folder / "a.parquet", 800, 100, 30),
        tower(folder / "b.parquet", 122, 640, 25, "b"),
    )
    return Bare(files, options, folder / "out", {}, towers)


@pytest.fixture
def case(home: Bare, tmp_path: Path) -> Bare:
    """A copy of the run, to be brought up to date."""
    return replace(home, out=Path(shutil.copytree(home.out, tmp_path / "out")))


def updated(files: Files, out: Path, **options: Any) -> set[str]:
    """Bring a finished run up to date; the names of the shards that were computed anew."""
    events: list[dict[str, Any]] = []
    compute(files, out, log=events.append, update=True, **options)
    return {e["shard"] for e in events if e["stage"] == "shade" and e.get("outcome") == DONE}


def test_a_tower_is_added_and_exchanged_and_removed(case: Bare) -> None:
    a, b = case.towers
    before = outcome(case.out)
    case.check(most=4, add_building=(a,))
    assert outcome(case.out).rows != before.rows
    case.check(add_building=(b,))
    case.check(add_building=(a, b))
    case.check(add_building=(b,))
    assert case.updated()
    assert_equal(outcome(case.out), before)
    assert not case.updated()  # nothing is left to do


@pytest.mark.parametrize("home", ["extruded"], indirect=True)
def test_a_building_is_removed_and_comes_back(case: Bare) -> None:
    """A candidate of 22 m, then another beside an added tower."""
    before = outcome(case.out)
    tall = [row["id"] for row in before.rows.values() if row["wind_candidate"]]
    case.check(most=6, remove_building=(tall[0],))
    assert outcome(case.out).rows != before.rows
    both: dict[str, Any] = {"remove_building": (tall[-1],), "add_building": case.towers[:1]}
    case.check(**both)
    assert case.updated()
    assert_equal(outcome(case.out), before)


def test_one_sheet_is_replaced(tmp_path: Path, case: Bare) -> None:
    """The north-western one, by one in which a tower stands and the ground is higher."""
    newer = Files(
        tuple(shutil.copy(path, tmp_path) for path in case.files.dsm),
        tuple(shutil.copy(path, tmp_path) for path in case.files.dtm),
        case.files.buildings,
    )
    with rasterio.open(newer.dsm[0], "r+") as sheet:
        heights = sheet.read(1)
        heights[100:106, 100:106] = 40
        sheet.write(np.where(heights == 0, np.float32(0.4), heights), 1)
    case.check(newer)


def test_a_tower_where_no_footprint_was(tmp_path: Path, case: Bare) -> None:
    """The rows' box grows with it, hence what is seen, and the ground of the layers."""
    beyond = (tower(tmp_path / "t.parquet", 2, 752, 30),)
    case.check(most=SHARDS, add_building=beyond)


def test_an_id_is_repeated_far_away(tmp_path: Path, case: Bare) -> None:
    same = (tower(tmp_path / "t.parquet", 800, 200, 9, f"{3:016d}"),)
    anew = case.check(add_building=same)
    rows = outcome(case.out).rows
    assert "repeated_id" in rows[3]["flags"]
    assert len(anew) > 2


# What a shadow just reaches.


def line_of_houses(folder: Path) -> Files:
    """Houses of one height from the south to the north, of which only those in shadow change."""
    w = ground()
    for y in range(100, 750, 16):
        w.block(500, y, 512, y + 8, 4.0)
    return w.write(folder)


@pytest.mark.parametrize(
    "height",
    [
        28.0,
        54.0,
        pytest.param(53.0, marks=pytest.mark.slow),
        pytest.param(70.0, marks=pytest.mark.slow),
    ],
)
def test_no_fewer_and_hardly_more_shards_than_change(tmp_path: Path, height: float) -> None:
    """At noon a tower of 54 m throws its shadow just across a border of shards."""
    files = line_of_houses(tmp_path / "in")
    options: dict[str, Any] = {
        "settings": {"times": ("12:00",), "wind_radius_m": 10.0}, "layers": ("shadow",),
    }  # fmt: skip
    out = tmp_path / "out"
    compute(files, out, **options)
    before = outcome(out)
    added = (tower(tmp_path / "t.parquet", 535, 280, height),)
    anew = updated(files, out, add_building=added, **options)
    after = outcome(out)
    assert_equal(after, run_without_map(files, tmp_path / "b", add_building=added, **options))
    other = np.argwhere(before.arrays[0, "shadow"][1] != after.arrays[0, "shadow"][1])
    room = 3 * 16  # tiles that the change, the askers and the wind are rounded to
    rows, columns = (
        range((side.min() - room) // 128, (side.max() + room) // 128 + 1) for side in other.T
    )
    assert {f"{i}_{j}" for i, j in np.unique(other // 128, axis=0)} <= anew
    assert anew <= {f"{i}_{j}" for i in rows for j in columns}
    assert ("0_2" in anew) == (height > 50)


# What is refused, and what a kill leaves.


def refusal(update: Callable[..., set[str]], *given: Any, **options: Any) -> str:
    """The line with which an update ends that is refused."""
    with pytest.raises(InputError) as caught:
        update(*given, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_only_sheets_and_added_buildings_may_differ(tmp_path: Path, case: Bare) -> None:
    before = outcome(case.out)
    said = refusal(case.updated, layers=("shadow",))
    assert "but inputs.options.layers " in said
    assert said.endswith("run it anew with overwrite")
    lower = case.options["settings"] | {"wind_min_height_m": 15.0}
    assert "wind_min_height_m (20.0 there, 15.0 here)" in refusal(case.updated, settings=lower)
    files = case.files
    fewer = replace(files, dsm=files.dsm[:3], dtm=files.dtm[:3])
    assert "but inputs.dsm" in refusal(case.updated, fewer, allow=frozenset({"gaps"}))
    gpd.read_parquet(files.buildings).iloc[1:].to_parquet(tmp_path / "pand.parquet")
    other = replace(files, buildings=tmp_path / "pand.parquet")
    assert "but inputs.buildings[0].size" in refusal(case.updated, other)
    assert_equal(outcome(case.out), before)


def test_there_must_be_a_finished_run(tmp_path: Path, files: Files) -> None:
    said = refusal(updated, files, tmp_path / "out")
    assert said == f"{tmp_path / 'out'}: no finished run on disk, so none to update; run it anew"


def test_a_table_that_is_damaged(case: Bare) -> None:
    (case.out / "buildings.parquet").write_bytes(b"PAR1")
    said = refusal(case.updated, add_building=case.towers)
    assert "buildings.parquet is damaged" in said


@pytest.mark.parametrize("patience", [10, 90])
def test_a_kill_leaves_the_old_run_and_the_update_goes_on(
    tmp_path: Path, case: Bare, patience: int
) -> None:
    before = outcome(case.out)
    polls, out = iter(range(patience)), case.out
    more: dict[str, Any] = {"add_building": case.towers, "update": True, "block": 64}
    with pytest.raises(Stopped):
        compute(case.files, out, stop=lambda: next(polls, None) is None, **case.options, **more)
    work = out.rename(tmp_path / "held") / "work.partial"
    shutil.copytree(tmp_path / "held", out, ignore=shutil.ignore_patterns("work.partial"))
    assert_equal(outcome(case.out), before)  # its rasters are linked, and none was written into
    shutil.rmtree(out)
    work.parent.rename(out)
    case.check(add_building=case.towers)


class Dies:
    """Folder.move, that dies after so many."""

    def __init__(self, moves: int) -> None:
        self.left, self.usual = iter(range(moves)), Folder.move

    def __call__(self, folder: Folder, name: str, to: str) -> None:
        if next(self.left, None) is None:
            raise KeyboardInterrupt
        self.usual(folder, name, to)


def die_between_renames(case: Bare, moves: int, **more: Any) -> None:
    """Begin an update, and die when so many outputs have their new names, or are put aside."""
    dies = Dies(moves)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Folder, "move", lambda *given: dies(*given))
        case.updated(**more)


@pytest.mark.parametrize("home", ["extruded"], indirect=True)
@pytest.mark.parametrize(
    "moves", [pytest.param(n, marks=[pytest.mark.slow] * (n not in (2, 7))) for n in range(8)]
)
def test_killed_between_two_renames(case: Bare, moves: int) -> None:
    """Of the four outputs: the old one aside, the new one in its place."""
    added = {"add_building": case.towers[:1]}
    die_between_renames(case, moves, **added)
    assert not case.updated(**added)
    assert_equal(outcome(case.out), case.whole(**added))


@pytest.mark.parametrize("home", ["extruded"], indirect=True)
@pytest.mark.parametrize("moves", [pytest.param(0, marks=pytest.mark.slow), 1, 5])
def test_killed_between_two_renames_and_something_else_is_asked(
    home: Bare, case: Bare, moves: int
) -> None:
    """What was begun is brought to its end first, so that no two runs are mixed."""
    added = {"add_building": case.towers[:1]}
    die_between_renames(case, moves, **added)
    if moves:
        with pytest.raises(InputError, match="is not finished"):
            report.read(case.out)
    with pytest.raises(InputError, match=r"another inputs\.added"):
        compute(case.files, case.out, **case.options)
    assert not case.updated(**added)
    assert case.updated()
    assert_equal(outcome(case.out), outcome(home.out))


@pytest.mark.parametrize("home", ["extruded"], indirect=True)
def test_reports_by_area_of_the_run_before_are_told(case: Bare) -> None:
    (case.out / "by-wijken.csv").write_text("of before")
    request = case.files.request(
        case.out, update=True, add_building=case.towers[:1], **case.options
    )
    assert run(request).warnings == ("by-wijken.csv: is of the run before; give its by again",)
    assert not run(request).warnings


# The law must be able to fail.


@pytest.mark.parametrize(("where", "name"), [(SunAndWind, "_shaded"), (update, "shards_with_ids")])
def test_a_forgotten_influence_is_seen(
    case: Bare, where: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = (tower(case.files.buildings.with_name("t.parquet"), 800, 200, 60, f"{3:016d}"),)
    case.whole(add_building=added)  # while nothing is forgotten
    monkeypatch.setattr(where, name, lambda *_: frozenset())
    with pytest.raises(AssertionError):
        case.check(add_building=added)
