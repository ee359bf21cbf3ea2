"""The peers' bench without a peer: what is said of outputs, and what becomes of bad programs."""

import json
import os
import sys
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely

from bench.peers import compare, install, run, stage, tasks, truth, year
from bench.peers.program import RESOLUTION, PeerCall, Scene, Timing, play, timed
from bench.peers.roster import PEERS, Peer
from bench.peers.tasks import Answer
from bench.scenes import city, footprints
from pipeline.methods.climate import climate_of, shipped_climate
from tests.support.clusters import wait

ANSWER: dict[str, Any] = {
    "seconds": 0.5,
    "copies": 40.0,
    "version": "1.2",
    "definition": "",
    "reach": None,
}
SIDE = 120


def box(side: int = 64) -> np.ndarray:
    """A block of 10 m high on rows 20-29, columns 30-39."""
    height = np.zeros((side, side), np.float32)
    height[20:30, 30:40] = 10.0
    return height


def program(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def leaving(folder: Path, answer: object, output: str = "[[1.0]]") -> list[str]:
    return program(
        f"import json, numpy as np; folder = {str(folder)!r}\n"
        f"json.dump({answer!r}, open(folder + '/answer.json', 'w'))\n"
        f"np.save(folder + '/output.npy', {output})"
    )


@pytest.mark.parametrize(
    ("hits", "said"),
    [
        ([0, 0], "none"),
        ([1, 1], "all"),
        ([0, 1], "50.0 %"),
        ([1] * 9999 + [0], "all but 1"),
        ([0] * 9999 + [1], "1"),
    ],
)
def test_share_is_whole_only_if_it_is(hits: list[int], said: str) -> None:
    assert compare.share(np.array(hits, np.bool_)) == said


def test_greys_of_bytes_and_of_cosines() -> None:
    right = np.array([0, 1, 128, 255], np.uint8)
    assert compare.greys(right, right, right) == "greys right: all, at most 0 apart"
    cosines = np.array([np.nan, -0.5, 0.5, 1.0])
    assert compare.greys(cosines, right, right) == "greys right: all, at most 0 apart"
    off = np.array([7, 1, 126, 255], np.uint8)
    assert compare.greys(off, right, right) == "greys right: 66.7 %, at most 2 apart"


def test_a_mirrored_hillshade_is_told() -> None:
    south, north = (tasks._greys(SIDE, azimuth) for azimuth in (150.0, 30.0))
    assert "mirrored" in compare.greys(north, south, north)
    assert "mirrored" not in compare.greys(south, south, north)


def test_shadows_by_ours_and_by_the_edge() -> None:
    cells = truth.Cells(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    above = np.array([1.0, -1.0, 0.1, -0.1])
    ours = np.array([[True, False], [False, False]])
    theirs = np.array([[0, 1], [1, 0]])
    said = compare.shadows(theirs, ours, above, cells)
    assert said.startswith("cells that differ from ours: 75.0 %; on the wrong side of")
    assert said.endswith("shadow: all (ours none)")


def test_errors_leave_out_what_is_unknown() -> None:
    said = compare.errors(np.array([1.0, 2.0, np.nan]), np.array([1.5, 2.5, 0.0]), " m")
    assert said == "rmse 0.5 m, bias -0.5 m"


def test_maxima_above_and_below() -> None:
    said = compare.maxima(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 4.0, 5.0]))
    assert said == "higher than the disc's maximum: 25.0 %; lower: 50.0 %"


def test_sums_by_count_and_mean_height() -> None:
    ours = np.array([[10.0, 4.0, 0.0], [50.0, 8.0, 0.0]])
    assert compare.sums(ours, ours) == "counts as ours: all; mean heights at most 0 m apart"
    theirs = np.array([[10.0, 5.0, 0.0], [60.0, 10.0, 0.0]])
    said = "counts as ours: 66.7 %, 12 % apart on average; mean heights at most 1 m apart"
    assert compare.sums(theirs, ours) == said


def test_the_shadow_of_a_box() -> None:
    """Sun in the south at 45 degrees: 10 m of shadow, 20 cells, north of the box."""
    rows, columns = np.array([[1, 19, 10, 25, 31], [35, 35, 29, 35, 35]])
    above = truth.shadow_above(box(), truth.Cells(rows, columns), 180, 45)
    assert (above > 0).tolist() == [True, True, False, False, False]
    assert above[1] == pytest.approx(10 - 0.5 * RESOLUTION, abs=RESOLUTION / 16)


def test_horizon_and_sky_view_of_a_box() -> None:
    """From 10 m south of the wall, northward: 45 degrees; eastward nothing."""
    cells = truth.Cells(np.array([49]), np.array([35]))
    assert truth.horizon(box(), cells, 0, 100) == pytest.approx(np.arctan([1.0]), abs=0.03)
    assert truth.horizon(box(), cells, 90, 100) == 0
    assert truth.horizon(box(), cells, 0, 9) == 0
    # of four directions one is closed to 45 degrees
    for definition, seen in {"cos2 h": 0.5, "1 - sin h": 1 - 0.5**0.5, "1 - 2 h / pi": 0.5}.items():
        sky = truth.sky_view(box(), cells, 4, 100, definition)
        assert sky == pytest.approx([(3 + seen) / 4], abs=0.01)


def test_the_disc_is_no_square() -> None:
    height = np.zeros((41, 41), np.float32)
    height[6, 6] = 5.0
    rows = truth.Cells(np.array([20, 20, 10]), np.array([20, 6, 9]))
    assert truth.disc_maximum(height, rows, 14 * RESOLUTION).tolist() == [0, 5, 5]


def test_two_neighbours_of_a_plane() -> None:
    """Down to the south at 45 degrees, sun there at 45: cos 0."""
    plane = -0.5 * np.arange(9, dtype=np.float32)[:, None] * np.ones(9, np.float32)
    assert truth.two_neighbours(plane, 180, 45)[1:-1, 1:-1] == pytest.approx(1.0)
    assert truth.two_neighbours(plane, 0, 45)[1:-1, 1:-1] == pytest.approx(0.0)


def judged(task: str, output: np.ndarray, **more: Any) -> str:
    return tasks.TASKS[task].judged(SIDE, output, Answer(**(ANSWER | more)))


def test_our_own_answers_are_judged_right() -> None:
    """Each task's judge on an answer that is right, and on one that is not."""
    greys, sums = tasks._greys(SIDE, 150.0), tasks._sums(SIDE)
    assert judged("hillshade", greys).startswith("greys right: all")
    assert not judged("hillshade", greys[::-1]).startswith("greys right: all")
    two = truth.two_neighbours(city(SIDE), 150, 20)
    assert judged("hillshade", two, definition="gradient of two neighbours").endswith("0 apart")
    shadow = tasks._shade(SIDE)
    assert judged("cast shadow", shadow).startswith("cells that differ from ours: none")
    assert not judged("cast shadow", shadow.T).startswith("cells that differ from ours: none")
    assert judged("sums per building", sums, definition="d").startswith("d: counts as ours: all")
    assert not judged("sums per building", sums + 1).startswith("counts as ours: all")
    angle = np.degrees(tasks.slope(city(SIDE), RESOLUTION))
    assert judged("slope", angle) == "at most 0 degrees from ours"
    assert judged("slope", angle + 1).startswith("at most 1 degrees")


def test_far_answers_are_judged_far() -> None:
    nothing = np.zeros((SIDE, SIDE))
    assert "bias -" in judged("horizon", nothing, reach=20.0)
    assert "bias -" in judged("sky view", nothing, definition="cos2 h", reach=20.0)
    assert "lower: all" in judged("higher within 100 m", nothing - 9)


def test_a_good_program_is_heard(tmp_path: Path) -> None:
    answer, output = run.ask(leaving(tmp_path, ANSWER), tmp_path)
    assert answer == Answer(**ANSWER)
    assert output.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_peer", "No module named 'no_such_peer'"),
        ("import sys; sys.exit('no peer on PATH')", "^no peer on PATH$"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "exit code -11"),
        ("print('rubbish')", "no answer that can be read"),
    ],
)
def test_a_bad_program_is_skipped_with_its_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(run.Skip, match=reason):
        run.ask(program(text), tmp_path)


@pytest.mark.parametrize(
    "answer",
    [
        "rubbish",
        {"seconds": 1.0},
        [1, 2],
        {**ANSWER, "more": 1},
        {**ANSWER, "seconds": "fast"},
        {**ANSWER, "copies": 0},
    ],
)
def test_an_odd_answer_is_skipped(tmp_path: Path, answer: object) -> None:
    with pytest.raises(run.Skip, match="no answer that can be read"):
        run.ask(leaving(tmp_path, answer), tmp_path)


def test_an_answer_of_the_program_before_is_not_taken(tmp_path: Path) -> None:
    run.ask(leaving(tmp_path, ANSWER), tmp_path)
    with pytest.raises(run.Skip, match="no answer that can be read"):
        run.ask(program("print('nothing left')"), tmp_path)


def test_a_program_that_hangs_is_stopped_with_all_that_it_began(tmp_path: Path) -> None:
    child = "import subprocess, sys, time; p = subprocess.Popen(['sleep', '600'])\n"
    child += f"open({str(tmp_path / 'pid')!r}, 'w').write(str(p.pid)); time.sleep(600)"
    for limit in (2, 20, 200):  # it has begun nothing yet where others keep the machine busy
        with pytest.raises(run.Skip, match=f"no answer within {limit} s"):
            run.ask(program(child), tmp_path, limit=limit)
        if (tmp_path / "pid").exists():
            break
    stat = Path("/proc", (tmp_path / "pid").read_text(), "stat")
    wait(lambda: not stat.exists() or stat.read_text().split()[2] == "Z")


def fake(folder: Path, module: str, output: str) -> Path:
    """A Python that leaves `output` for the peer of that name, and crashes for all others."""
    python = folder / "python"
    python.write_text(
        f"#!{sys.executable}\n"
        "import json, sys, numpy as np\n"
        f"if not sys.argv[2].endswith('.{module}'): sys.exit('broken')\n"
        f"json.dump({ANSWER!r}, open(sys.argv[3] + '/answer.json', 'w'))\n"
        f"height = np.load(sys.argv[3] + '/height.npy')\n"
        f"np.save(sys.argv[3] + '/output.npy', {output})\n"
    )
    python.chmod(0o755)
    return python


PAIR = (Peer("Good", "good", {"slope": 32}), Peer("Bad", "bad", {"hillshade": 32, "slope": 32}))


def test_rows_and_skips_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "PEERS", PAIR)
    monkeypatch.setattr(run, "COPIED", 256)
    monkeypatch.setattr("bench.peers.program.ROUNDS", 1)
    told: list[str] = []
    found = run.run(SIDE, told.append, fake(tmp_path, "good", "height"))
    assert told == ["Good: slope", "Bad: hillshade", "Bad: slope"]
    (row,), ours = found["peers"], {own["task"]: own["copies"] for own in found["ours"]}
    assert (row["task"], row["peer"], row["version"], row["side"]) == ("slope", "Good", "1.2", 32)
    assert row["mcells"] == pytest.approx(32 * 32 / 0.5 / 1e6)
    assert row["ratio_to_ours"] == pytest.approx(40 / ours["slope"])
    assert row["correct"].startswith("at 32 x 32: at most")
    assert found["skipped"] == [{"peer": "Bad", "reason": "hillshade, slope: broken"}]
    assert json.loads(json.dumps(found)) == found


def test_an_output_of_another_shape_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "PEERS", PAIR[:1])
    monkeypatch.setattr(run, "COPIED", 256)
    monkeypatch.setattr(run, "beside", lambda task, side: None)
    found = run.run(SIDE, lambda _: None, fake(tmp_path, "good", "height[:5]"))
    assert "can't be compared" in found["skipped"][0]["reason"]
    assert found["peers"] == []


def test_without_an_environment_all_are_skipped(tmp_path: Path) -> None:
    found = run.run(SIDE, lambda _: None, tmp_path / "none" / "python")
    assert {one["peer"] for one in found["skipped"]} == {peer.name for peer in PEERS}
    assert all("make peers" in one["reason"] for one in found["skipped"])


def test_where_we_have_nothing_there_is_no_ratio() -> None:
    rows = [{"task": "horizon", "copies": 2.0}, {"task": "slope", "copies": 6.0}]
    found = run.merged(rows, [{"task": "slope", "copies": 4.0}], [])
    assert [row["ratio_to_ours"] for row in found["peers"]] == [None, 1.5]


def test_a_program_plays_its_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.peers.program.ROUNDS", 1)
    np.save(tmp_path / "whole.npy", city(64))
    stage.write_scene(tmp_path / "32", 32)
    job = PeerCall(lambda scene: lambda: scene.height * 2, definition="twice", reach=100.0)
    play({"double": job}, "numpy", (str(tmp_path / "32"), "double"))
    answer = Answer(**json.loads((tmp_path / "32" / "answer.json").read_text()))
    assert (answer.version, answer.definition, answer.reach) == (np.__version__, "twice", 100.0)
    assert answer.seconds > 0 and answer.copies > 0
    assert np.array_equal(np.load(tmp_path / "32" / "output.npy"), city(32) * 2)


def test_of_a_part_the_cost_of_the_whole_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of roofs alone that of a roof cell: a call is charged with what is not asked for."""
    monkeypatch.setattr("bench.peers.program.ROUNDS", 1)
    np.save(tmp_path / "whole.npy", city(64))
    stage.write_scene(tmp_path / "96", 96)
    roofs, asked = np.mean(city(96) > 1), []

    def timing(call: Any, cells: float, whole: Any) -> Timing:
        asked.append(cells)
        return Timing(3.0, 5.0)

    monkeypatch.setattr("bench.peers.program.timed", timing)
    job = PeerCall(lambda scene: lambda: scene.height, part=0.25, roofs=True)
    play({"year": job}, "numpy", (str(tmp_path / "96"), "year"))
    answer = Answer(**json.loads((tmp_path / "96" / "answer.json").read_text()))
    assert asked == [pytest.approx(0.25 * roofs * 96**2)]
    assert answer.seconds == pytest.approx(3 / (0.25 * roofs))


def test_the_hours_of_the_scene_are_a_year() -> None:
    day, elevation, azimuth, beam, diffuse, whole = stage.hours().T
    here = climate_of(shipped_climate(), stage.SQUARE)
    assert whole.sum() / 1000 == pytest.approx(here.irradiation.sum(), rel=0.02)
    assert day.min() == 1 and day.max() == 365
    noon = elevation[11::24].max(), azimuth[elevation.argmax()]
    assert noon == (pytest.approx(61, abs=2), pytest.approx(180, abs=15))
    assert (beam[elevation < -12] == 0).all() and (diffuse >= 0).all()


@pytest.mark.slow
def test_a_year_is_judged_by_brute_force() -> None:
    side = 200
    cells, right = year.by_force(side)
    assert len(cells.row) > 100 and right.max() <= 1 and right.min() < 0.9
    own = np.ones((side, side))
    own[cells] = right
    assert year.judged(side, own).startswith("off brute force by at most 0 %")
    work = year.share_of_roofs(side)
    assert work.cells == (city(side) > 1).sum()
    assert (work.call() <= 1.001).all()


def test_the_scene_is_one_in_all_its_files(tmp_path: Path) -> None:
    stage.write_scene(tmp_path / "200", 200)
    scene = Scene(tmp_path / "200")
    with rasterio.open(scene.raster) as sheet:
        assert np.array_equal(sheet.read(1), scene.height)
        assert sheet.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR") is None
        assert sheet.res == (RESOLUTION, RESOLUTION)
    shapes = stage.polygons(footprints(200))
    assert len(scene.footprints) == len(shapes) >= scene.labels.max()
    clear = stage.alone(shapes)
    counted = np.bincount(scene.labels.ravel(), minlength=len(shapes) + 1)[1:]
    heights = np.bincount(scene.labels.ravel(), scene.height.ravel(), len(shapes) + 1)[1:]
    assert clear.sum() > 5
    assert np.array_equal(counted[clear], tasks._sums(200)[0, clear])
    assert np.abs(heights - tasks._sums(200)[1])[clear] == pytest.approx(0, abs=0.005 * 400)


def test_which_touch_no_other() -> None:
    shapes = shapely.box([0, 1, 5], [0, 0, 5], [2, 3, 6], [1, 1, 6])
    assert stage.alone(shapes).tolist() == [False, False, True]


def test_a_cell_costs_what_it_costs_beside_a_copied_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that ticks at every look, copy and call take a second each."""
    ticks = count()
    for clock in ("time.perf_counter", "bench.peers.program.perf_counter"):
        monkeypatch.setattr(clock, lambda: float(next(ticks)))
    assert timed(lambda: None, 100, np.zeros((50, 20), np.float32)) == (1.0, 10.0)


def test_ours_is_the_median_of_the_run() -> None:
    measured = [run.Own("slope", 1.0, 30.0), run.Own("slope", 9.0, 10.0), run.Own("x", 5.0, 5.0)]
    rows = [("slope", 2.0, 20.0), ("x", 5.0, 5.0)]
    found = run.medians([*measured, run.Own("slope", 2.0, 20.0)])
    assert [tuple(row.values()) for row in found] == rows


def test_every_peer_is_asked_what_we_can_judge() -> None:
    programs = Path(run.__file__).parent / "programs"
    assert {peer.module for peer in PEERS} | {"__init__"} == {p.stem for p in programs.glob("*.py")}
    assert {task for peer in PEERS for task in peer.tasks} == set(tasks.TASKS)
    assert all(bool(peer.install) != bool(peer.command) for peer in PEERS)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "ERROR: Ignored\nERROR: No matching distribution\nhint",
            "ERROR: No matching distribution",
        ),
        ("Traceback\n  File\nOSError: disk full\n", "OSError: disk full"),
        ("", "pip gave no reason"),
    ],
)
def test_pips_reason_is_one_line(said: str, reason: str) -> None:
    assert install.why(said) == reason


def test_what_fails_to_install_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'ERROR: no wheel' >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("PATH", os.fspath(tmp_path))
    assert install.install(Peer("P", "p", {}, ("p==1",))) == "skipped: ERROR: no wheel"
    assert install.install(Peer("P", "p", {}, command="python")) == f"found {python}"
    assert install.install(Peer("P", "p", {}, command="absent")) == "skipped: no absent on PATH"
