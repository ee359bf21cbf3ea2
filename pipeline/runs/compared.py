"""A run compared with the one before or without its added and removed buildings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pyarrow as pa

from pipeline.engine.engine import Progress, Stop
from pipeline.engine.events import Log
from pipeline.errors import EmptyAreaError
from pipeline.methods.method import Method
from pipeline.results.changes import changes, totals_changed
from pipeline.results.finished import open_finished
from pipeline.runs import run as runs
from pipeline.runs.request import Request
from pipeline.runs.run import Result
from pipeline.runs.update import link
from pipeline.storage.ledger import BUILDINGS, REPORT
from pipeline.storage.places import Place, is_remote

HIDDEN = ".daklaag-"


class Changes(NamedTuple):
    """The changes by a run: the rows that differ, and the totals before, after and their
    difference (pipeline/results/changes.py)."""

    rows: pa.Table
    totals: dict[str, Any]
    method: Method


def run_compared(
    request: Request, progress: Progress, stop: Stop, log: Log
) -> tuple[Result, Changes | None]:
    """`run`, and the changes from the run that it updates; or, with buildings added or removed,
    from a run without them, which is made for this. Without either the changes are None.

    Raises what `run` does.
    """
    out = request.outputs.out
    if request.outputs.update and not is_remote(out) and (Path(out) / REPORT).exists():
        with _scratch(out) as folder:
            for name in (REPORT, BUILDINGS):  # which an update replaces, and does not write to
                link(Path(out) / name, folder / name)
            result = runs.run(request, progress, stop, log)
            return result, None if result.was_finished else _compare(folder, result)
    result = runs.run(request, progress, stop, log)
    if not (request.inputs.add_building or request.inputs.remove_building):
        return result, None
    with _scratch(out) as folder:
        plain: dict[str, Any] = {"add_building": (), "remove_building": (), "layers": (), "by": ()}
        try:
            runs.run(request.replace(out=folder, **plain), progress, stop, log)
        except EmptyAreaError:  # only added buildings are there
            return result, None
        return result, _compare(folder, result)


@contextmanager
def _scratch(place: Place) -> Iterator[Path]:
    """A temporary folder for the other run, on the same disk, so that files can be linked."""
    with TemporaryDirectory(prefix=HIDDEN, dir=None if is_remote(place) else place) as folder:
        yield Path(folder)


def _compare(before: Path, after: Result) -> Changes:
    places = before, after.directory
    method = open_finished(after.directory).method
    return Changes(changes(*places), totals_changed(*places), method)
