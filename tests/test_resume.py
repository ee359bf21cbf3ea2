"""Killed, stopped or out of room at any moment: the same command ends with the same bytes."""

import errno
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from pipeline import quarter
from pipeline.ledger import Ledger
from tests.commands import FINAL, ROOT, RUNNABLE, arguments, call, contents, start
from tests.runs import Files

PATIENCE_S = 120


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Four sheets of each kind, nine shards, and a corner of the lattice."""
    q = quarter.generate(tmp_path_factory.mktemp("in"), size=(390, 340), resolution=1)
    return Files(q.dsm, q.dtm, q.buildings)


def command(files: Files, out: Path) -> list[str]:
    layers = "hillshade,shadow,sun_hillshade,surface"
    return arguments(files, out, "--layers", layers, "--block", 64, "--workers", 2)


@pytest.fixture(scope="module")
def undisturbed(files: Files, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in one go; beside it stands how many tasks it took."""
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    publish = Ledger.publish

    def counted(ledger: Ledger) -> None:
        (out.parent / "tasks").write_text(str(tables(out)))
        publish(ledger)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ledger, "publish", counted)
        assert call(*command(files, out)).exit_code == 0
    return out


def tables(out: Path) -> int:
    """How many tasks are finished."""
    return len(list((out / "work.partial").glob("*/*.npz")))


def interrupt(files: Files, out: Path, due: Callable[[], bool], number: signal.Signals) -> int:
    """Start, and when it is due send a signal; the exit status."""
    process = start(*command(files, out))
    deadline = time.monotonic() + PATIENCE_S
    while process.poll() is None and not due():
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in said
    if process.returncode == 130:
        assert said.endswith("stopped; the same command takes it up again\n")
    return process.returncode


def apart(words: list[Any], **environment: str) -> tuple[str, int, str]:
    """Output, status and errors of a command in a process of its own; 77 where there is none."""
    if shutil.which(words[0]) is None:
        return "", 77, ""
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )  # fmt: skip
    return done.stdout, done.returncode, done.stderr


def arrays(out: Path) -> dict[str, Any]:
    group: Any = zarr.open_group(out / "rasters.zarr", mode="r")
    return {
        name: node[...] for name, node in group.members(max_depth=None) if hasattr(node, "shape")
    }


def assert_equal(out: Path, undisturbed: Path) -> None:
    """Every byte of the table and the map, every cell, every word of the report but the machine."""
    assert {path.name for path in out.iterdir()} == FINAL
    found, expected = contents(out), contents(undisturbed)
    assert found.keys() == expected.keys()
    for name in ("buildings.parquet", "map.png", "rasters.zarr/zarr.json"):
        assert found[name] == expected[name]
    said, whole = (json.loads(each["report.json"]) for each in (found, expected))
    assert said.pop("machine").keys() == whole.pop("machine").keys()
    assert said == whole
    cells, others = arrays(out), arrays(undisturbed)
    assert cells.keys() == others.keys()
    for name, values in cells.items():
        assert np.array_equal(values, others[name], equal_nan=values.dtype.kind == "f")


@pytest.mark.parametrize("kills", [3, pytest.param(15, marks=pytest.mark.slow)])
def test_killed_at_any_moment(tmp_path: Path, files: Files, undisturbed: Path, kills: int) -> None:
    """Each kill comes a little after so many tasks were finished, drawn by a seed."""
    rng, out = np.random.default_rng(kills), tmp_path / "out"
    tasks = int((undisturbed.parent / "tasks").read_text())
    killed = 0
    for moment in np.sort(rng.integers(0, tasks + 1, kills)).tolist():
        late = float(rng.uniform(0, 0.1))

        def due(moment: int = moment, late: float = late) -> bool:
            if not (out / "work.partial" / "request.json").exists() or tables(out) < moment:
                return False
            time.sleep(late)
            return True

        before = tables(out)
        status = interrupt(files, out, due, signal.SIGKILL)
        if status == 0:  # the last ones may come too late
            break
        assert status == -signal.SIGKILL
        killed += 1
        assert (out / "report.json").exists() or tables(out) >= before
    assert killed >= min(kills, tasks) / 2
    assert call(*command(files, out)).exit_code == 0
    assert_equal(out, undisturbed)


def test_stopped_by_signals(tmp_path: Path, files: Files, undisturbed: Path) -> None:
    out = tmp_path / "out"
    for number, least in ((signal.SIGTERM, 1), (signal.SIGINT, 12)):
        assert interrupt(files, out, lambda n=least: tables(out) >= n, number) == 130  # type: ignore[misc]
        assert {path.name for path in out.iterdir()} == {"work.partial"}
    assert call(*command(files, out)).exit_code == 0
    assert_equal(out, undisturbed)


WRITES = [
    "pipeline.ledger.np.savez",
    "pipeline.store._create_array",
    "pipeline.tasks.write_shard",
    "pipeline.ledger.Ledger.write",
    "pipeline.cartography.draw",
]


@pytest.mark.parametrize("what", WRITES)
def test_out_of_room(
    tmp_path: Path, files: Files, undisturbed: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Whatever cannot be written says so in one line; with room the same command goes on."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(what, full)
        result = call(*command(files, out), "-q")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: the output: No space left on device; make room, and the same command takes it up"
        " again\n"
    )
    assert {path.name for path in out.iterdir()} == {"work.partial"}
    assert call(*command(files, out), "-q").exit_code == 0
    assert_equal(out, undisturbed)


def test_files_that_may_not_grow(tmp_path: Path, files: Files, undisturbed: Path) -> None:
    """A limit of the system, met in the middle of a write."""
    out = tmp_path / "out"
    words = [*RUNNABLE, *command(files, out), "-q"]
    _, status, said = apart(["sh", "-c", 'ulimit -f 60; exec "$@"', "sh", *words])
    assert status == 2
    assert said.startswith("error: ")
    assert "File too large; make room, and the same command takes it up again" in said
    assert said.count("\n") == 1
    assert {path.name for path in out.iterdir()} == {"work.partial"}
    assert call(*command(files, out)).exit_code == 0
    assert_equal(out, undisturbed)


SCRIPT = """mount -t tmpfs -o size=$1 tmpfs "$2" || exit 77
shift 2
"$@"; echo "status $?"
mount -o remount,size=50m tmpfs "$OUT" && "$@"; echo "status $?"
cp -r "$OUT" "$KEPT"
"""


@pytest.mark.slow
@pytest.mark.parametrize("size", ["40k", "200k", "600k", "900k"])
def test_a_disk_that_fills_up(tmp_path: Path, files: Files, undisturbed: Path, size: str) -> None:
    """A small disk, in a name space of its own where the system allows one."""
    out = tmp_path / "out"
    out.mkdir()
    words = [*RUNNABLE, *command(files, out)]
    script = ["unshare", "-rm", "sh", "-c", SCRIPT, "sh", size, out, *words]
    said, status, errors = apart(script, OUT=str(out), KEPT=str(tmp_path / "kept"))
    if status in (1, 77) and "status" not in said:
        pytest.skip("no disk may be mounted here")
    assert [line for line in said.splitlines() if line.startswith("status")] == [
        "status 2", "status 0",
    ]  # fmt: skip
    assert "No space left on device; make room, and the same command takes" in errors
    assert "Traceback" not in errors
    assert_equal(tmp_path / "kept", undisturbed)
