"""A run beside the one without what it supposes: what buildings that come or go, or new sheets,
change."""

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
    """What a run changes: the rows that differ, and the sums before, after and their difference,
    as pipeline/results/changes.py makes both, by its method."""

    rows: pa.Table
    totals: dict[str, Any]
    method: Method


def run_compared(
    request: Request, progress: Progress, stop: Stop, log: Log
) -> tuple[Result, Changes | None]:
    """`run`, and what it changes: beside the run that it updates; or, with buildings added or
    removed, beside the area without them, which is judged for this. None where nothing is supposed.

    Raises what `run` does.
    """
    out = request.outputs.out
    if request.outputs.update and not is_remote(out) and (Path(out) / REPORT).exists():
        with _scratch(out) as folder:
            for name in (REPORT, BUILDINGS):  # which the run replaces, and does not change
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
        except EmptyAreaError:  # nothing stands there but what is added
            return result, None
        return result, _compare(folder, result)


@contextmanager
def _scratch(place: Place) -> Iterator[Path]:
    """A folder for the other run, where its files can be the same as those of this one."""
    within = None if is_remote(place) else place
    with TemporaryDirectory(prefix=HIDDEN, dir=within) as folder:
        yield Path(folder)


def _compare(before: Path, after: Result) -> Changes:
    places = before, after.directory
    method = open_finished(after.directory).method
    return Changes(changes(*places), totals_changed(*places), method)
