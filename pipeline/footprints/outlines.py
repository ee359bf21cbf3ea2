"""Outlines of footprints, and the cells in them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.rings import Rings, count_cells, footprint_spans
from kernels.spans import Cells, Spans, cells_of
from pipeline.footprints.footprints import to_rings
from pipeline.grid.windows import Window, cell_of


@dataclass(frozen=True)
class Outlines:
    """Outlines of footprints on a grid. rows: their rows in the input; wkb: polygons, as in
    Footprints; centre: (n, 2) [m]; bounds: (n, 4) [m]; resolution: of the grid [m]."""

    rows: NDArray[np.int64]
    wkb: NDArray[Any]
    centre: NDArray[np.float64]
    bounds: NDArray[np.float64]
    resolution: float

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def rings(self) -> Rings:
        """The polygons as rings in cells."""
        return to_rings(self.wkb, self.resolution)

    @cached_property
    def one_cell(self) -> NDArray[np.bool_]:
        """Which outlines contain no cell centre: they take the cell that contains their own. (n,)
        bool."""
        return count_cells(self.rings, most=1) == 0

    def have_more_cells(self, than: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each has more cells by its outline, on whatever ground."""
        return np.maximum(count_cells(self.rings, most=than + 1), 1) > than

    def take(self, chosen: NDArray[Any]) -> "Outlines":
        """Some of these, by position or mask."""
        return Outlines(
            self.rows[chosen],
            self.wkb[chosen],
            self.centre[chosen],
            self.bounds[chosen],
            self.resolution,
        )

    def windows(self, grow_m: float = 0.0) -> NDArray[np.int64]:
        """(n, 4) cells that can belong to each footprint, as `windows_of` gives them."""
        return windows_of(self.bounds, self.resolution, grow_m)

    def within(self, window: Window, grow_m: float = 0.0) -> "Outlines":
        """The outlines whose windows touch a window."""
        return self.take(np.flatnonzero(touches(self.windows(grow_m), window)))

    def spans(self, window: Window) -> Spans:
        """Own cells in a window as runs, the footprint being the position in these outlines."""
        spans = footprint_spans(self.rings, window.box)
        none = np.flatnonzero(np.diff(spans.start) == 0)  # here, perhaps anywhere
        small = none[self.take(none).one_cell]
        if len(small):
            spans = _with_centres(spans, small, self.centre[small], window, self.resolution)
        return spans

    def cells(self, window: Window, on_raster: NDArray[np.bool_]) -> Cells:
        """The cells of all outlines in a window, one by one, without those where `on_raster` is
        False."""
        cells = cells_of(self.spans(window))
        keep = on_raster[cells.row, cells.column]
        return Cells(*(array[keep] for array in cells))


def windows_of(
    bounds: NDArray[np.float64], resolution: float, grow_m: float = 0.0
) -> NDArray[np.int64]:
    """(n, 4) top, left, bottom, right, half open: cells that can belong to footprints (the cell of
    their centre included) or lie within `grow_m` of their bounding boxes, (n, 4) [m]."""
    xmin, ymin, xmax, ymax = bounds.T
    return np.column_stack(
        [
            -np.ceil((ymax + grow_m) / resolution) - 1,
            np.floor((xmin - grow_m) / resolution),
            -np.floor((ymin - grow_m) / resolution),
            np.ceil((xmax + grow_m) / resolution) + 1,
        ]
    ).astype(np.int64)


def touches(windows: NDArray[np.int64], window: Window) -> NDArray[np.bool_]:
    """Which (n, 4) windows have a cell in common with a window."""
    top, left, bottom, right = windows.T
    return (
        (top < window.bottom)
        & (bottom > window.top)
        & (left < window.right)
        & (right > window.left)
    )


def _with_centres(
    spans: Spans, small: NDArray[np.int64], centre: NDArray[np.float64], window: Window, r: float
) -> Spans:
    """With a cell more for the footprints that have none, if the window holds it."""
    cells = np.array([cell_of(x, y, r) for x, y in centre]) - (window.top, window.left)
    inside = ((cells >= 0) & (cells < (window.height, window.width))).all(axis=1)
    (row, column), at = cells[inside].T, spans.start[small[inside]]
    start = spans.start.copy()
    start[1:] += np.cumsum(np.bincount(small[inside], minlength=len(start) - 1))
    return Spans(
        start,
        np.insert(spans.row, at, row),
        np.insert(spans.begin, at, column),
        np.insert(spans.end, at, column + 1),
    )
