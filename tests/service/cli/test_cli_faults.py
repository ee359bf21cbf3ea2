"""What goes wrong at the command line: an exit status and one line, never a traceback."""

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from pyogrio.errors import DataLayerError
from rasterio.errors import RasterioIOError

from pipeline.errors import Stopped
from tests.support.clusters import PATIENCE_S
from tests.support.commands import arguments, call, start
from tests.support.runs import Files

FAULTS: dict[str, tuple[list[str], str]] = {
    "an unknown parameter": (
        ["--set", "wind_radius=3"],
        "parameter 'wind_radius' is unknown; did you mean wind_radius_m? (`daklaag methods`",
    ),
    "a parameter of another method": (
        ["--set", "flat_layout=south"],
        "parameter 'flat_layout' is one of the method annual, not of powermapping; `daklaag metho",
    ),
    "a parameter twice": (
        ["--set", "surface=dsm", "--set", " surface = extruded"],
        "--set surface is given twice; give it once",
    ),
    "an unknown parameter like no other": (
        ["--set", "climate=mine"], "parameter 'climate' is unknown (`daklaag methods` lists them)"
    ),
    "no parameter": (["--set", "=3"], "parameter '' is unknown (`daklaag methods` lists them)"),
    "no value": (["--set", "wind_radius_m"], "--set wind_radius_m: give NAME=VALUE"),
    "an empty value": (["--set", "wind_radius_m="], "'' is not accepted; it takes 0 to 2000 m"),
    "below the range": (["--set", "roof_percentile=0"], "'0' is not accepted; it takes 1 to 100 %"),
    "above the range": (["--set", "panel_share=1.01"], "'1.01' is not accepted; it takes 0 to 1"),
    "NaN": (["--set", "household_kwh=nan"], "'nan' is not accepted; it takes 100 to 100000"),
    "infinite": (["--set", "reach_height_m=inf"], "'inf' is not accepted; it takes 0 to 400 m"),
    "a half year": (["--set", "heights_year=2020.5"], "it takes 1995 to 2100 (default none)"),
    "a wrong word": (["--set", "surface=DSM"], "'DSM' is not accepted; it takes extruded, dsm"),
    "no statuses": (["--set", "statuses="], "parameter statuses: '' is not accepted"),
    "no date": (["--set", "date=2025-02-30"], "parameter date: '2025-02-30' is not accepted"),
    "no time": (["--set", "times=25:00"], "it takes 1 to 7 times HH:MM CET"),
    "the same time twice": (["--set", "times=10:00,10:00"], "parameter times"),
    "eight suns": (
        ["--set", "times=10:00,10:30,11:00,11:30,12:00,12:30,13:00,13:30"], "it takes 1 to 7 times"
    ),
    "another time zone": (["--set", "times=10:00+01:00"], "HH:MM CET"),
    "before sunrise": (
        ["--set", "times=08:30,12:00"],
        "parameter times: on 2025-12-21 at 08:30 CET the sun stands 3.07 degrees below the horizon",
    ),
    "after sunset": (["--set", "date=2025-06-21", "--set", "times=23:59"], "another date or time"),
    "an unknown method": (["--method", "yearly"], "--method yearly: unknown; there is"),
    "an unknown layer": (
        ["--layers", "shadow,slope"],
        "--layers: 'slope' is unknown; it takes hillshade, shadow, sun_hillshade, surface",
    ),
    "none and a layer": (
        ["--layers", "none,shadow"],
        "--layers none,shadow: no layers, and some; give none alone, or layers without it",
    ),
    "an unknown allowance": (["--allow", "overlaps"], "--allow: 'overlaps' is unknown; it takes"),
    "too small a block": (["--block", "15"], "--block 15: give 16 cells or more"),
    "a negative block": (["--block", "-1"], "--block -1: give 16 cells or more"),
    "no workers": (["--workers", "0"], "--workers 0: give 1 or more"),
    "no scheduler": (["--scheduler", "here"], "--scheduler here: no dask scheduler answers there"),
    "no circle": (["--around", "1,2"], "--around 1,2: give X,Y,RADIUS in RD metres"),
    "an area upside down": (["121100,0,121000,9"], "AREA 121100,0,121000,9: upside down or empty"),
    "an area elsewhere": (["0,0,9,9"], "no footprint lies in AREA 0,0,9,9; they lie in"),
    "no restrictions": (["--restrictions", "gone.csv"], "gone.csv: does not exist; check the path"),
    "no id": (["--id", "nummer"], "pand.parquet: no column 'nummer' (it has identificatie,"),
    "no group": (["--group", "blok"], "pand.parquet: no column 'blok'"),
    "no sheet": (["--dsm", "gone.tif"], "DSM: gone.tif does not exist; check the path"),
    "no footprints": (["--buildings", "gone.gpkg"], "buildings: gone.gpkg does not exist"),
}  # fmt: skip


def one_line(result: Any, status: int) -> str:
    """What a command that failed said, which is one line on standard error."""
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    said: str = result.stderr.rstrip("\n").splitlines()[-1]
    others = result.stderr.splitlines()[:-1]
    assert all(line.startswith(("survey: ", "measure: ", "shade: ")) for line in others)
    assert "Traceback" not in result.output
    return said


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_caller(files: Files, tmp_path: Path, fault: str, command: str) -> None:
    words, expected = FAULTS[fault]
    if (command, fault) == ("plan", "no scheduler"):
        return  # a plan computes nothing
    said = one_line(call(*arguments(files, tmp_path / "out", *words, command=command)), 2)
    assert said.startswith("error: ")
    assert expected in said
    left = tmp_path / "out"
    assert not left.exists() or {path.name for path in left.iterdir()} <= {"work.partial"}


USAGE: dict[str, tuple[list[str], str]] = {
    "no command": (["judge"], "No such command 'judge'"),
    "an unknown option": (["run", "--fast"], "No such option '--fast'"),
    "no inputs": (["run"], "Missing option '--dsm'"),
    "no number": (["run", "--block", "x"], "'x' is not a valid integer"),
    "no nodata": (["run", "--nodata", "x"], "'x' is not a valid float"),
    "an unknown language": (["demo", "--lang", "de"], "'de' is not one of 'en', 'nl'"),
    "no folder": (["report"], "Missing argument 'DIR'"),
    "no file": (["export", "."], "Missing option '--to'"),
    "an unknown format": (["methods", "--format", "xml"], "'xml' is not one of"),
}


@pytest.mark.parametrize("fault", USAGE)
def test_a_command_that_is_none(fault: str) -> None:
    words, expected = USAGE[fault]
    result = call(*words)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert "--help' for help" in result.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["report", "{}"], "no report.json in it, so no finished run; daklaag run makes one"),
        (["export", "{}", "--to", "{}/x.csv"], "no report.json in it"),
        (["export", "{}", "--to", "{}/x.dwg"], "x.dwg: unknown ending; possible are .tif, .gpkg"),
        (["export", "{}", "--to", "{}/gone/x.csv"], "not a file in a folder that exists; name an"),
        (["report", "{}", "--by", "{}/gone.gpkg"], "does not exist; check the path"),
        (["methods", "yearly"], "method 'yearly' is unknown; there is powermapping, annual"),
    ],
)
def test_faults_of_the_other_commands(tmp_path: Path, words: list[str], expected: str) -> None:
    said = one_line(call(*(word.format(tmp_path) for word in words)), 2)
    assert expected in said
    assert not list(tmp_path.iterdir())


def full(path: Path) -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


RAISED: dict[str, tuple[BaseException, int, str]] = {
    "a bug": (ValueError("what\nis this"), 1, "internal error: ValueError: what (-v shows where)"),
    "a bug with files": (
        FileNotFoundError(2, "No such file", "x.npz"),
        1,
        "internal error: File",
    ),
    "a full disk": (full(Path("a/b.npz")), 2, "error: a/b.npz: No space left on device; make room"),
    "a full disk, unnamed": (OSError(errno.ENOSPC, "No space"), 2, "error: the output: No space;"),
    "a quota": (OSError(errno.EDQUOT, "Quota exceeded", "b"), 2, "error: b: Quota exceeded; make"),
    "too large a file": (OSError(errno.EFBIG, "File too large"), 2, "File too large; make room"),
    "a full disk, by GDAL": (RasterioIOError("Write failed"), 2, "output: Write failed; make room"),
    "a full disk, by OGR": (DataLayerError("Error while"), 2, "error: the output: Error while; ma"),
    "a locked file": (
        PermissionError(errno.EACCES, "Denied", "b"),
        2,
        "error: b: Denied; see",
    ),
    "a disk that breaks": (OSError(errno.EIO, "I/O error", "b"), 2, "error: b: I/O error; see"),
    "no memory": (MemoryError(), 2, "error: out of memory; give a smaller --block or fewer"),
    "a second Ctrl-C": (KeyboardInterrupt(), 130, "stopped; the same command takes it up again"),
    "a stop": (Stopped(), 130, "stopped; the same command takes it up again"),
}


@pytest.mark.parametrize("name", RAISED)
def test_errors_of_the_library(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    error, status, expected = RAISED[name]

    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr("pipeline.runs.run.run", fails)
    said = one_line(call(*arguments(files, tmp_path / "out")), status)
    assert said.startswith(("error: ", "internal error: ", "stopped"))
    assert expected in said


@pytest.mark.parametrize("before", [True, False])
def test_verbose_shows_where_a_fault_arose(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: bool
) -> None:
    error = ValueError("what is this")

    def fails(*_: Any) -> None:
        raise error

    monkeypatch.setattr("pipeline.runs.run.run", fails)
    words = arguments(files, tmp_path / "out")
    result = call(*(["-v", *words] if before else [*words, "-v"]))
    assert (result.exit_code, result.exception) == (1, error)


def test_a_process_of_its_own(files: Files, tmp_path: Path) -> None:
    """Its exit status and its streams are those that the shell sees."""
    process = start(*arguments(files, tmp_path / "out", "--set", "times=23:00"))
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("error: parameter times: on 2025-12-21 at 23:00 CET")
    assert err.count("\n") == 1


def test_a_reader_who_leaves_early() -> None:
    """`daklaag methods | head -1`"""
    process = start("methods")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=PATIENCE_S) != 0
    assert process.stderr.read() == ""
    process.stderr.close()
