"""Polygons that are not valid, or entangled: mended and joined within limits, else refused."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import shapely

from pipeline.engine.tasks import stop_flag
from pipeline.errors import InputError, Stopped
from pipeline.results import coverage
from pipeline.vectors import crossings, overlay
from pipeline.vectors.crossings import crossings_of
from pipeline.vectors.overlay import LimitError, difference, intersection, make_valid, union
from service.processes.geojson import Kind, read_shapes
from tests.support.clocks import using_at_most
from tests.support.clusters import PATIENCE_S, wait
from tests.support.commands import ROOT, arguments, call
from tests.support.outlines import read, table, write
from tests.support.runs import Files
from tests.support.tangled import CORNER, at_random, bent, chain, frames, many, slanting, upright

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def boundless(monkeypatch: pytest.MonkeyPatch) -> None:
    """No count refuses anything, so that GEOS gets to see it."""
    for module, name in ((crossings, "PAIRS"), (overlay, "KNOTS"), (overlay, "CROSSINGS")):
        monkeypatch.setattr(module, name, 10**9)


def test_crossings_are_counted() -> None:
    """A row of n crossings has n; each pair of two grids of bars crosses four times."""
    counted = crossings_of(many([chain(90), chain(50)]), "x")
    assert counted.knots.tolist() == [90, 50]
    assert counted.sides == 2 * 91 + 2 * 51
    bars = [shapely.box(i, -1, i + 0.5, 30) for i in range(20)]
    across = [shapely.box(-1, i, 30, i + 0.5) for i in range(20)]
    assert crossings_of(many(bars + across), "x").between == 4 * 400


def test_neighbours_do_not_cross() -> None:
    """Squares that share sides, and rings that repeat positions."""
    squares = [shapely.box(i, j, i + 1, j + 1) for i in range(20) for j in range(20)]
    counted = crossings_of(many(squares), "x")
    assert (counted.between, counted.knots.any(), counted.light) == (0, False, True)
    twice = shapely.Polygon(np.repeat(shapely.get_coordinates(at_circle()), 2, axis=0))
    assert crossings_of(many([twice]), "x").knots.tolist() == [0]


def at_circle() -> shapely.Polygon:
    return shapely.Point(0, 0).buffer(10, quad_segs=50)


def test_collections_are_looked_into() -> None:
    inner = shapely.GeometryCollection([shapely.MultiPolygon([chain(90)]), shapely.Point(0, 0)])
    assert crossings_of(many([inner]), "x").knots.tolist() == [90]


@pytest.mark.parametrize("n", [5, 150, 600])
def test_polygons_are_repaired_as_geos_does(n: int) -> None:
    """Here for few crossings, in a process of its own for more."""
    given = many([at_circle(), chain(n), shapely.Polygon(), None])
    found = make_valid(given, "x")
    assert shapely.equals_exact(found, shapely.make_valid(given), 0).tolist()[:3] == [True] * 3
    assert found[3] is None
    assert union(found, "x").equals(shapely.union_all(found))


REFUSED: dict[str, tuple[list[shapely.Polygon], str]] = {
    "3,000 corners at random": ([at_random(3000)], "feature 0: its sides are too entangled"),
    "200 corners at random": ([at_circle(), at_random(200)], "feature 1: is not valid, and meets"),
    "a slanting comb": ([slanting(20_000)], "too entangled"),
    "frames": (frames(2_000), "too many rings"),
    "frames of one": ([shapely.MultiPolygon(frames(2_000))], "too many rings"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_polygons_that_take_geos_minutes_are_refused(case: str) -> None:
    polygons, said = REFUSED[case]
    with using_at_most(10), pytest.raises(InputError, match=r"; (simplify|repair)") as error:
        union(make_valid(many(polygons), "roofs.gpkg"), "roofs.gpkg")
    assert said in str(error.value) and str(error.value).startswith("roofs.gpkg: ")


@pytest.mark.slow
@pytest.mark.usefixtures("boundless")
def test_the_subprocess_ends_at_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay, "SECONDS", 1.0)
    with (
        using_at_most(20),
        pytest.raises(InputError, match=r"polygons take more than 1 s or \d+ MB"),
    ):
        make_valid(many([at_random(400)]), "x")
    monkeypatch.setattr(overlay, "SECONDS", 60.0)
    monkeypatch.setattr(overlay, "BYTES", 120_000_000)
    with using_at_most(20), pytest.raises(InputError, match=r"take more than 60 s or 11\d MB"):
        make_valid(many([at_random(400)]), "x")


@pytest.mark.usefixtures("boundless")
def test_a_stop_does_not_wait_for_geos() -> None:
    began = time.monotonic()
    with using_at_most(5), pytest.raises(Stopped), stop_flag(lambda: time.monotonic() - began > 1):
        make_valid(many([at_random(400)]), "x")


def test_an_intersection_is_of_areas_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of those that also touch along lines, here and apart."""
    comb = upright(300)
    box = shapely.transform(shapely.box(0, 0, 1, 1000), lambda xy: xy + CORNER)
    expected = shapely.intersection(comb, shapely.union(box, shapely.box(0, 0, 1, 1)))
    for light in (10**6, -1):
        monkeypatch.setattr(overlay, "LIGHT", light)
        found = intersection(comb, box, "x")
        assert found.geom_type == "MultiPolygon"
        assert found.area == pytest.approx(expected.area)
        assert difference(comb, box, "x").area == pytest.approx(comb.area - expected.area)


@pytest.mark.slow
def test_a_comb_across_the_land_is_compared_with_it_in_seconds() -> None:
    """It took 17 s, in which the service could not be stopped."""
    at = np.arange(44_000)
    tips = np.stack([20_000 + at * 5.7, np.where(np.isin(at % 4, (1, 2)), 6e5, 3.2e5)], axis=1)
    comb = shapely.Polygon(np.vstack([tips, [[tips[-1, 0], 3.1e5], [2e4, 3.1e5]]]))
    assert comb.is_valid
    with using_at_most(15):
        share = coverage.of_ground(comb, shapely.box(2e4, 3e5, 3e5, 4.5e5))
    assert share is not None and 0.2 < share < 0.6


def test_a_polygon_that_bends_into_crossings_is_refused_as_an_input() -> None:
    """30 kB kept the service busy for minutes, and 150 kB took 5.7 GB."""
    for rows, said in ((750, "feature 0: is not valid, and meets itself"), (3600, "too entangled")):
        drawn = bent(rows)
        assert shapely.from_geojson(json.dumps(drawn)).is_valid
        with using_at_most(10), pytest.raises(InputError, match=said):
            read_shapes(drawn, "input area", Kind())


def test_one_that_bends_into_a_few_crossings_is_mended() -> None:
    whole = read_shapes(bent(20), "input area", Kind()).whole
    assert whole.is_valid and whole.area > 1e8


def test_the_command_line_refuses_it_too(files: Files, tmp_path: Path) -> None:
    """As AREA, as areas of a report, and as restrictions."""
    shape = table([at_random(3000)], what=["solar"], effect=["exclude"], kind=["other"])
    file = write(tmp_path / "tangle.gpkg", shape)
    out = tmp_path / "out"
    for words in ([str(file)], ["--restrictions", file]):
        with using_at_most(20):
            result = call(*arguments(files, out, *words))
        assert result.exit_code == 2
        assert "tangle.gpkg: feature 0: its sides are too entangled; simpl" in result.stderr
    assert call(*arguments(files, out)).exit_code == 0
    with using_at_most(20):
        result = call("report", out, "--by", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "tangle.gpkg: feature 0" in result.stderr


def test_a_footprint_that_is_too_entangled_is_invalid(tmp_path: Path) -> None:
    """The others are read as they are; it is invalid for its shape, not for its time."""
    shapes = [at_circle(), at_random(3000), at_random(150), slanting(5000), chain(600)]
    with using_at_most(20):
        found = read(write(tmp_path / "pand.gpkg", table(shapes)))
    assert found.reason.tolist() == [None, "invalid", "invalid", "invalid", None]
    assert found.repaired.tolist() == [False, False, False, False, True]


@pytest.mark.slow
@pytest.mark.usefixtures("boundless")
def test_a_footprint_is_not_invalid_for_a_slow_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlay, "SECONDS", 1.0)
    with pytest.raises(LimitError, match="buildings: its polygons take more than 1 s"):
        read(write(tmp_path / "pand.gpkg", table([at_random(400)])))


def test_footprints_that_take_long_are_mended_until_somebody_asks_to_stop(tmp_path: Path) -> None:
    file = write(tmp_path / "pand.gpkg", table([chain(150)] * 50))
    asked = iter([False] * 10)
    with pytest.raises(Stopped), stop_flag(lambda: next(asked, True)):
        read(file)


AT_ONCE_S = 20.0  # of a core, the program's start counted; GEOS alone would take 130
INTERRUPTED = """
from pipeline.results import coverage
from pipeline.vectors import crossings, overlay
crossings.PAIRS = overlay.KNOTS = overlay.CROSSINGS = 10**9
overlay.SECONDS = 600.0
from service.cli.main import main
main(prog_name="daklaag")
"""


@contextmanager
def interrupted(*words: object) -> Iterator[subprocess.Popen[str]]:
    """A command in which no count refuses anything; it ends with the test."""
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *map(str, words)],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_ctrl_c_is_heard_while_geos_works(files: Files, tmp_path: Path) -> None:
    file = write(tmp_path / "tangle.gpkg", table([at_random(400)]))
    with interrupted(*arguments(files, tmp_path / "out", file)) as process:
        until_mending(process.pid)
        process.send_signal(signal.SIGINT)
        with using_at_most(AT_ONCE_S):
            _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert said.startswith("stopped")


def test_the_service_stops_while_geos_works(tmp_path: Path) -> None:
    """It waited 132 s."""
    area = json.loads(shapely.to_geojson(at_random(400)))
    area["crs"] = {"type": "name", "properties": {"name": "EPSG:28992"}}
    body = json.dumps({"inputs": {"area": area}}).encode()
    with interrupted("serve", "--port", 0, "--state", tmp_path) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3]
        asked = urllib.request.Request(f"{url}processes/suitability/execution", body, JSON)
        with ThreadPoolExecutor() as pool:
            answer = pool.submit(status_of, asked)
            until_mending(process.pid)
            process.send_signal(signal.SIGTERM)
            with using_at_most(AT_ONCE_S):
                _, said = process.communicate(timeout=PATIENCE_S)
            assert answer.result() == 503
    assert process.returncode == 0 and "Traceback" not in said, said


def status_of(asked: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(asked) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def until_mending(pid: int) -> None:
    """Wait for the process that a process started to mend polygons."""
    wait(lambda: any(b"pipeline.vectors.overlay" in each for each in children(pid)))


def children(pid: int) -> list[bytes]:
    """The commands of the processes that the threads of a process started; none where one of
    them ends meanwhile."""
    with suppress(OSError):
        files = Path(f"/proc/{pid}/task").glob("*/children")
        ids = [id for file in files for id in file.read_text().split()]
        return [Path(f"/proc/{child}/cmdline").read_bytes() for child in ids]
    return []
