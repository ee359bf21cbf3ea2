"""Marks of roofs of any class on the map: for flags, and for added buildings."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.methods.method import Method
from pipeline.results.totals import flagged
from pipeline.storage.slices import Buildings, column_names, slices

COLUMNS = ("flags", "id", "centre_x", "centre_y")
MARGIN_M = 1.0  # around the rectangles of added buildings, for their rounding


def marked(
    buildings: pa.Table, method: Method, added: Sequence[Mapping[str, Any]]
) -> dict[str, NDArray[np.bool_]]:
    """The rows with each mark, from COLUMNS, of which none but `flags` is needed where none are
    added; added: a report's `inputs.added`."""
    marks = {flag.name: flagged(buildings, flag.name) for flag in method.flags if flag.highlight}
    marks["added"] = np.zeros(len(buildings), bool)
    for file in added:
        marks["added"] |= _of_file(buildings, file)
    return marks


def _of_file(buildings: pa.Table, file: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Rows that bear an id of a file of added buildings, and lie where those stand."""
    west, south, east, north = file["bounds"]
    rows = pc.is_in(buildings["id"], pa.array(file["ids"], pa.string())).to_numpy()
    x, y = (pc.fill_null(buildings[f"centre_{axis}"], np.nan).to_numpy() for axis in "xy")
    rows = rows & (x >= west - MARGIN_M) & (x <= east + MARGIN_M)
    return np.asarray(rows & (y >= south - MARGIN_M) & (y <= north + MARGIN_M))


def count_marks(
    buildings: Buildings, method: Method, added: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """The number of rows with each mark, slice by slice; empty without the columns for it."""
    columns = COLUMNS if added else COLUMNS[:1]
    if not {*columns} <= {*column_names(buildings)}:
        return {}
    counts = Counter[str]()
    for part in slices(buildings, columns):
        marks = marked(part, method, added)
        counts.update({name: int(rows.sum()) for name, rows in marks.items()})
    return counts
