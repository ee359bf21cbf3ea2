"""A region of many shards, a run of it in one go, and whether another run left the same."""

import json
import subprocess
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import quarter
from pipeline.methods.powermapping.passes import MEASURE, SHADE
from pipeline.results.store import open_store
from pipeline.storage.ledger import RASTERS, Ledger
from pipeline.storage.places import Place, below, storage_of
from tests.support.clusters import PATIENCE_S, wait
from tests.support.commands import FINAL, arguments, call, start
from tests.support.runs import Files

SIZE = 520, 500  # m; of cells of 1 m, so five by four shards and four sheets of each kind
LAYERS = "hillshade,shadow,sun_hillshade,surface"
Task = tuple[str, str]  # stage and shard


@dataclass(frozen=True)
class Region:
    """Inputs, and what one run leaves that nobody disturbs: `out`, and the tasks that it took."""

    files: Files
    out: Path
    tasks: frozenset[Task]

    @classmethod
    def generate(cls, folder: Path) -> "Region":
        q = quarter.generate(folder / "in", size=SIZE, resolution=1)
        region = cls(Files(q.dsm, q.dtm, q.buildings), folder / "out", frozenset())
        log = folder / "log"
        assert call(*region.command(region.out, "--log-json", log)).exit_code == 0
        return cls(region.files, region.out, frozenset(outcomes(log)["done"]))

    def command(self, out: Any, *more: Any) -> list[str]:
        """A run of it, on two threads if nothing else is said."""
        options = ("--layers", LAYERS, "--block", 64, "--workers", 2)
        return arguments(self.files, out, *options, *more)

    def assert_same(self, place: Place) -> None:
        """A place holds what the undisturbed run left."""
        assert_same(place, self.out)


def assert_same(place: Place, other: Place) -> None:
    """Every byte of the table and the map, every cell, every word of the report but on the
    machine."""
    found, expected = storage_of(place), storage_of(other)
    assert found.names() == expected.names() == FINAL
    for name in ("buildings.parquet", "map.png", "rasters.zarr/zarr.json"):
        assert found.read(name) == expected.read(name)
    said, whole = (json.loads(each.read("report.json")) for each in (found, expected))
    assert said.pop("machine").keys() == whole.pop("machine").keys()
    assert said == whole
    cells, others = _arrays(place), _arrays(other)
    assert cells.keys() == others.keys()
    for name, values in cells.items():
        assert np.array_equal(values, others[name], equal_nan=values.dtype.kind == "f")


def _arrays(place: Place) -> dict[str, Any]:
    members = open_store(below(place, RASTERS)).members(max_depth=None)
    return {name: node[...] for name, node in members if hasattr(node, "shape")}


def outcomes(log: Path) -> dict[str, set[Task]]:
    """Tasks by what a log says of them; of a line that a kill cut off, nothing."""
    found: dict[str, set[Task]] = defaultdict(set)
    for line in log.read_text().splitlines(keepends=True) if log.exists() else ():
        document = json.loads(line) if line.endswith("\n") else {}
        if "shard" in document:
            found[document["outcome"]].add((document["stage"], document["shard"]))
    return found


def finished(place: Place) -> set[Task]:
    """The tasks whose tables are kept in an unfinished run."""
    return {(stage, name) for stage in (MEASURE, SHADE) for name in Ledger(place).finished(stage)}


def interrupt(words: list[str], due: Callable[[], bool], number: int) -> tuple[int, str]:
    """Start a command, and when it is due, or it has ended, send it a signal; its exit status, and
    what it said."""
    process = start(*words)
    wait(lambda: process.poll() is not None or due())
    process.send_signal(number)
    return ended(process)


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit status of a command and what it said, which is no traceback."""
    _, output = process.communicate(timeout=PATIENCE_S)
    assert "Traceback" not in output, output
    return process.returncode, output


def after(out: Place, tasks: int) -> Callable[[], bool]:
    """Whether a run has finished so many tasks."""
    return lambda: len(finished(out)) >= tasks
