"""Run the benchmarks of one kind: pytest in a process of its own, with our files and no others."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import peers, sheets
from bench.cases import SWEEPS
from bench.machine import machine
from bench.result import Result, Row, result, rows
from bench.rounds import Rounds
from bench.targets import judge_even, judge_peers
from pipeline.errors import InputError, Stopped
from pipeline.terms import Field

FILES = {"kernels": ("bench_limits.py", "bench_kernels.py"), "scaling": ("bench_scaling.py",)}
# The rounds of a kernel are over in half a second: passes minutes apart show how it drifts.
PASSES = {"kernels": 3, "scaling": 1}
SIDE = 4000  # cells
LEAST = 512  # fewer cells hold no roof in the middle of the country
OURS = "daklaag"
WORKERS = 2  # of the runs on sheets, beside which two threads decode
NOTHING_KEPT = "what was measured is not kept"
Stop = Callable[[], bool]
CONFIGURATION = "[pytest]\npython_files = bench_*.py\npython_functions = bench_*\n"


def run(kind: str, side: int | None, quiet: bool, stop: Stop = lambda: False) -> Result:
    """Measure. kind: any but `sheet`; side: cells along a side of the rasters, SIDE if None; quiet:
    tell nothing on standard error meanwhile; stop: asked now and then.

    Raises InputError for too small a side, and where pytest is missing.
    """
    side, its = SIDE if side is None else side, machine()  # before our own load
    if side < LEAST:
        raise InputError(
            Field("size", side),
            remedy="give {least} cells or more, or a copy is no measure",
            least=LEAST,
        )
    if kind == "peers":
        found = peers.measure(side, _teller(quiet, stop))
        own = [row | {"peer": OURS} for row in found["ours"]]
        measured = [_peer(row, side) for row in own + found["peers"]]
        tasks = list(dict.fromkeys(row["task"] for row in measured))
        measured.sort(key=lambda row: (tasks.index(row["task"]), row["copies"]))
        judge_peers(measured, OURS)
        return result(kind, side, its, measured, found["skipped"])
    return result(kind, side, its, _measure(kind, side, quiet, stop), [])


def run_sheets(folder: Path, rounds: int, quiet: bool, stop: Stop = lambda: False) -> Result:
    """Measure what a sheet costs (bench.sheets). folder: where the generated sheets are kept."""
    its, at = machine(), Rounds(folder, rounds, tell=_teller(quiet, stop))
    try:
        sheets.measure(at, WORKERS)
    except RuntimeError:
        if stop():  # the interrupt reached the process that was measured too
            raise Stopped(NOTHING_KEPT) from None
        raise
    return result("sheet", None, its, at.rows, [])


def _teller(quiet: bool, stop: Stop) -> Callable[[str], None]:
    def tell(text: str) -> None:
        if stop():
            raise Stopped(NOTHING_KEPT)
        if not quiet:
            print(text, file=sys.stderr)

    return tell


def _measure(kind: str, side: int, quiet: bool, stop: Stop) -> list[Row]:
    missing = [name for name in ("pytest", "pytest_benchmark") if find_spec(name) is None]
    if missing:
        raise InputError(missing[0], "{source} is not installed", "pip install 'daklaag[bench]'")
    found = rows([_pass(kind, side, quiet, stop) for _ in range(PASSES[kind])])
    for group, sweep in SWEEPS.items():
        swept = [row for row in found if row["group"] == group]
        if swept and sweep.even:
            judge_even(swept, sweep.even)
    return found


def _pass(kind: str, side: int, quiet: bool, stop: Stop) -> list[Any]:
    """The benchmarks as pytest-benchmark tells of them."""
    with TemporaryDirectory(prefix="daklaag-bench-") as folder:
        _pytest(Path(folder), kind, side, quiet, stop)
        values: dict[str, Any] = json.loads((Path(folder) / "measured.json").read_text("utf-8"))
    return list(values["benchmarks"])


def _pytest(folder: Path, kind: str, side: int, quiet: bool, stop: Stop) -> None:
    here = Path(__file__).parent
    (folder / "pytest.ini").write_text(CONFIGURATION)
    command: list[str | Path] = [
        sys.executable, "-m", "pytest", "-q", "--no-header", "-c", folder / "pytest.ini",
        "-p", "no:cacheprovider", "-p", "no:xdist", "--basetemp", folder / "files",
        "--benchmark-storage", f"file://{folder}", "--benchmark-enable", "--benchmark-quiet",
        "--benchmark-disable-gc",
        "--benchmark-json", folder / "measured.json", "--side", str(side),
        *(here / name for name in FILES[kind]),
    ]  # fmt: skip
    stream = subprocess.DEVNULL if quiet else sys.stderr
    # of a session of its own, so that Ctrl-C reaches us alone, and its own processes end with it
    child = subprocess.Popen(command, stdout=stream, stderr=stream, start_new_session=True)
    try:
        while child.poll() is None:
            if stop():
                raise Stopped(NOTHING_KEPT)
            time.sleep(0.1)
    finally:
        _end(child)
    if child.returncode:
        raise RuntimeError(f"pytest ended with status {child.returncode}")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Nothing of it is left: an interrupt lets it put away its files."""
    for number, patience in ((signal.SIGINT, 10.0), (signal.SIGKILL, None)):
        if child.poll() is None:
            os.killpg(child.pid, number)
            with suppress(subprocess.TimeoutExpired):
                child.wait(patience)


def _peer(measured: Row, side: int) -> Row:
    """A peer's row: it is measured a few times, hence without a spread; the slow on less ground."""
    cells = measured.get("side", side) ** 2
    row = {"name": f"{measured['task']}, {measured['peer']}", "group": measured["task"]}
    row |= {"cells": cells, "median_s": cells / measured["mcells"] / 1e6}
    row |= {"mcells_s": measured["mcells"], "copies": measured["copies"]}
    return row | {"spread": None, "rounds": None} | measured
