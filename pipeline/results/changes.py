"""Differences between two finished runs of one area."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.errors import InputError
from pipeline.messages import Text
from pipeline.methods.method import NUMBER, Column, Method
from pipeline.results.columns import as_text
from pipeline.results.finished import open_finished
from pipeline.results.totals import sections_in
from pipeline.storage.ledger import first_difference
from pipeline.storage.places import Place
from pipeline.storage.slices import slices, where

PLACE = ("centre_x", "centre_y")
AT_ONCE = 1_000_000  # rows that are compared at once, so that a nation needs no more memory


def compared(method: Method) -> list[Column]:
    """The columns by which two runs are compared: verdicts, and then numbers."""
    own = [column for column in method.columns if column.compared]
    verdicts = [method.by_name[name] for name in ("rejected", "class")]
    return [*verdicts, *sorted(own, key=lambda column: column.type == NUMBER)]


def changes(before: Place, after: Place, at_once: int = AT_ONCE) -> pa.Table:
    """The rows that differ between two finished runs of one area, by row: row, id, centre, `what`
    (changed, added, gone), and each column of `compared` before and after; lists as text.
    at_once: how many rows are compared at a time.

    Raises InputError where one is no finished run, their areas differ, or their methods.
    """
    runs = [open_finished(directory) for directory in (before, after)]
    for name in ("area", "around"):
        old, new = (run.inputs[name] for run in runs)
        if difference := first_difference(old, new, name):
            raise InputError(
                Text("the two runs"),
                "{source} are not of one area: {found}",
                "run both for the same",
                found=difference,
            )
    names = [column.name for column in compared(runs[1].method)]
    files = [run.table.file for run in runs]
    every = range(0, 1 + max(map(_last_row, files)), at_once)
    return pa.concat_tables([_changed(files, first, first + at_once, names) for first in every])


def _last_row(file: Place) -> int:
    """The highest number of a row; 0 where there is none."""
    return max(pc.max(part["row"]).as_py() or 0 for part in slices(file, ["row"]))


def _changed(files: Sequence[Place], first: int, end: int, names: Sequence[str]) -> pa.Table:
    """Rows that differ among those from `first` up to `end`, by row."""
    old, new = (_compared(file, first, end, names) for file in files)
    both = old.join(
        new, ["row", "id"], join_type="full outer", left_suffix="_before", right_suffix="_after"
    ).sort_by([("row", "ascending"), ("id", "ascending")])
    gone, added = (pc.is_null(both[f"here_{name}"]).to_numpy() for name in ("after", "before"))
    pairs = [(both[f"{name}_before"], both[f"{name}_after"]) for name in names]
    differs = np.any([gone | added, *(_unequal(a, b) for a, b in pairs)], axis=0)
    what = np.where(gone, "gone", np.where(added, "added", "changed"))
    sides = [f"{name}_{side}" for name in names for side in ("before", "after")]
    centre = [pc.coalesce(both[f"{name}_before"], both[f"{name}_after"]) for name in PLACE]
    columns = dict(zip(PLACE, centre, strict=True)) | {"what": pa.array(what.tolist(), pa.string())}
    columns |= {name: both[name] for name in sides}
    return pa.table({"row": both["row"], "id": both["id"], **columns}).filter(pa.array(differs))


def totals_changed(before: Place, after: Place) -> dict[str, Any]:
    """The sums of two finished runs and their differences, each as a report has them."""
    runs = [open_finished(directory) for directory in (before, after)]
    old, new = (sections_in(run.report, run.method) for run in runs)
    return {"before": old, "after": new, "difference": _differences(old, new)}


def _compared(file: Place, first: int, end: int, names: Sequence[str]) -> pa.Table:
    between = (pc.field("row") >= first) & (pc.field("row") < end)
    table = where(file, ["row", "id", *PLACE, *names], between)
    for at, field in enumerate(table.schema):
        if pa.types.is_list(field.type):
            table = table.set_column(at, field.name, as_text(table[field.name]))
    return table.append_column("here", pa.array(np.ones(len(table), np.bool_)))


def _unequal(a: pa.ChunkedArray, b: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Where two columns differ; null differs from all but null."""
    unequal = pc.fill_null(pc.not_equal(a, b), False)
    return np.asarray(pc.or_(unequal, pc.xor(pc.is_null(a), pc.is_null(b))))


def _differences(old: Any, new: Any) -> Any:
    """New minus old numbers, at whatever depth; those that only one has are left out."""
    if isinstance(old, Mapping):
        both = {key: _differences(old[key], new[key]) for key in old if key in new}
        return {key: value for key, value in both.items() if value is not None}
    numbers = isinstance(old, int | float) and isinstance(new, int | float)
    return new - old if numbers else None
