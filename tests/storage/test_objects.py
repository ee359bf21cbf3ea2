"""A run from sheets on object storage to a result there: the same as on disk.

What reads sheets from there does it in a process of its own: GDAL may wait for the server while
it keeps other threads, and so that server, from running.
"""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from affine import Affine

from pipeline.storage import lock
from pipeline.storage.places import storage_of
from tests.support.clusters import processes
from tests.support.commands import FINAL, arguments, call, start
from tests.support.outlines import table, write
from tests.support.region import Region, after, ended, finished, interrupt, outcomes
from tests.support.runs import Files, write_sheet
from tests.support.s3 import Server

OUT = "s3://bucket/runs/out"


def put(s3: Server, files: Files) -> Files:
    """The same inputs with the sheets on object storage, both kinds in one folder."""
    for path in (*files.dsm, *files.dtm):
        s3.objects[f"ahn/{path.name}"] = path.read_bytes(), s3.now()
    folder: Any = ("s3://bucket/ahn/",)
    return replace(files, dsm=folder, dtm=folder)


@pytest.fixture
def there(s3: Server, region: Region) -> Region:
    return replace(region, files=put(s3, region.files))


def run(*words: Any) -> tuple[int, str]:
    """Exit status, and what was said of faults."""
    return ended(start(*words, "-q"))


@pytest.mark.slow
def test_a_run_there_is_a_run_here(there: Region, s3: Server, tmp_path: Path) -> None:
    assert run(*there.command(OUT)) == (0, "")
    there.assert_same(OUT)
    before = s3.below("runs/out")
    assert run(*there.command(OUT)) == (0, "")  # it is finished already
    status, said = run(*there.command(OUT, "--set", "panel_share=0.2"))
    assert (status, said.count("\n")) == (2, 1)
    assert f"{OUT}: holds a run with another method.parameters.panel_share (0.1 there, 0.2" in said
    assert s3.below("runs/out") == before
    areas = write(tmp_path / "areas.gpkg", table([shapely.box(0, 0, 3e5, 6e5)], name=["all"]))
    for more in ([], ["--by", areas], ["--format", "json", "--lang", "nl"]):
        said_there, said_here = (call("report", place, *more) for place in (OUT, there.out))
        assert (said_there.exit_code, said_here.exit_code) == (0, 0)
        if "json" not in more:  # where the seconds are told
            assert said_there.stdout == said_here.stdout
    assert run(*there.command(OUT, "--by", areas)) == (0, "")
    assert storage_of(OUT).names() == FINAL | {"by-areas.csv"}


EXPORTS: dict[str, list[str]] = {
    "a.parquet": [], "a.csv": [], "a.tif": [], "a.png": [], "b.png": ["--layer", "hillshade"],
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_from_object_storage_are_the_same(
    region: Region, s3: Server, tmp_path: Path, name: str
) -> None:
    for path in region.out.rglob("*"):
        if path.is_file():
            s3.objects[f"runs/out/{path.relative_to(region.out)}"] = path.read_bytes(), s3.now()
    files = []
    for place, folder in ((OUT, tmp_path / "there"), (region.out, tmp_path / "here")):
        folder.mkdir()
        files.append(folder / name)
        assert call("export", place, "--to", files[-1], *EXPORTS[name]).exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.slow
def test_killed_there(there: Region, s3: Server, tmp_path: Path) -> None:
    """While it lives, and a minute longer, another run is refused; then it is gone on with."""
    words = there.command(OUT)
    status, _ = interrupt(words, after(OUT, len(there.tasks) // 2), signal.SIGKILL)
    assert status == -signal.SIGKILL
    kept = finished(OUT)
    status, said = run(*words)
    assert (status, said.count("\n")) == (2, 1)
    assert said.startswith(f"error: {OUT}: another run holds this folder (pid ")
    assert "wait for it (if it was killed, " in said
    assert finished(OUT) == kept
    s3.clock += lock.LEASE.duration + 1
    assert run(*words, "--log-json", tmp_path / "log") == (0, "")
    assert outcomes(tmp_path / "log")["kept"] == kept
    there.assert_same(OUT)


@pytest.mark.slow
def test_workers_read_and_write_there(there: Region, tmp_path: Path) -> None:
    with processes(tmp_path / "cluster", workers=2) as cluster:
        assert run(*there.command(OUT, "--scheduler", cluster.address)) == (0, "")
    there.assert_same(OUT)


def test_a_storage_that_fails(there: Region, s3: Server, tmp_path: Path) -> None:
    s3.down = True
    for words in (
        there.command(OUT, "-q"),
        ["report", OUT],
        ["export", OUT, "--to", tmp_path / "a.csv"],
    ):
        result = call(*words)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert "the object storage refuses" in result.stderr


def test_footprints_lie_on_a_disk(region: Region, tmp_path: Path) -> None:
    files: Any = replace(region.files, buildings="s3://bucket/pand.parquet")
    result = call(*arguments(files, tmp_path / "out"))
    assert (result.exit_code, result.stderr) == (
        2,
        "error: buildings: s3://bucket/pand.parquet: only sheets are read from there; copy it to a"
        " disk\n",
    )


@pytest.mark.slow
def test_of_a_sheet_only_what_matters_is_read(s3: Server, tmp_path: Path) -> None:
    """As soon as its relief is known."""
    side, west, north = 1536, 120_000, 481_536
    tiles: Any = {"tiled": True, "blockxsize": 256, "blockysize": 256}
    ground = np.random.default_rng(4).uniform(0, 1, (side, side)).astype(np.float32)
    corners = [(x, y) for x in (400, 1200) for y in (400, 1200)]
    surface = ground.copy()
    for x, y in corners:
        surface[side - y - 9 : side - y, x : x + 12] = 8
    for name, values in (("R_1.tif", surface), ("M_1.tif", ground)):
        write_sheet(tmp_path / name, values, Affine(1, 0, west, 0, -1, north), **tiles)
    south = north - side
    roofs = [shapely.box(west + x, south + y, west + x + 12, south + y + 9) for x, y in corners]
    buildings = write(tmp_path / "pand.gpkg", table(roofs))
    there = put(s3, Files((tmp_path / "R_1.tif",), (tmp_path / "M_1.tif",), buildings))
    assert run(*arguments(there, OUT, "--layers", "none")) == (0, "")
    s3.asked.clear()
    area = f"{west + 350},{south + 350},{west + 450},{south + 450}"
    assert run(*arguments(there, f"{OUT}2", area, "--layers", "none")) == (0, "")
    for name in ("ahn/R_1.tif", "ahn/M_1.tif"):
        ranges = [asked for method, key, asked in s3.asked if (method, key) == ("GET", name)]
        edges = [[int(n) for n in asked.removeprefix("bytes=").split("-")] for asked in ranges]
        assert 0 < sum(end + 1 - begin for begin, end in edges) < len(s3.objects[name][0]) / 4
