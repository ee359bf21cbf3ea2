"""Elevation rasters of many sheets: found, held against each other, and read in windows."""

import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.windows import Window as FileWindow

from pipeline.errors import InputError
from pipeline.files import find
from pipeline.grid import Window
from pipeline.sheets import Sheet, open_sheet, reason

ENDINGS = (".tif", ".tiff", ".vrt", ".asc", ".img")
PIECE = 1024  # cells a side of what is decoded at once: a window costs little more than itself
CACHE_MB = 256  # decoded tiles that GDAL keeps, for all threads together


class Reader:
    """Opens each sheet once and reads windows across them; for one task, in one thread."""

    def __init__(self, mosaic: "Mosaic", stack: ExitStack) -> None:
        self._mosaic = mosaic
        self._stack = stack
        self._open: dict[str, Any] = {}

    def sheet(self, sheet: Sheet, window: Window) -> NDArray[np.float32]:
        """The part of one sheet, as float32 metres.

        Raises InputError where the file cannot be decoded or holds an infinite value.
        """
        row, column = window.top - sheet.window.top, window.left - sheet.window.left
        part = FileWindow(column, row, window.width, window.height)
        try:
            if sheet.path not in self._open:
                self._open[sheet.path] = self._stack.enter_context(rasterio.open(sheet.path))
            height = sheet.to_metres(self._open[sheet.path].read(1, window=part))
        except rasterio.errors.RasterioError as error:
            raise InputError(
                f"{sheet.name}: rows {row} to {row + window.height} cannot be read"
                f" ({reason(error)}); is the file cut off? Fetch it again"
            ) from None
        if np.isinf(height).any():
            i, j = np.argwhere(np.isinf(height))[0]
            raise InputError(
                f"{sheet.name}: infinite value at row {row + i}, column {column + j};"
                " give that value as nodata or repair the file"
            )
        return height

    def read(self, window: Window) -> NDArray[np.float32]:
        """(rows, columns) float32 metres, NaN where no sheet has data. Where sheets overlap, the
        first that has data counts."""
        out = np.full((window.height, window.width), np.nan, np.float32)
        for sheet in self._mosaic.sheets:
            for part in sheet.window.intersect(window).pieces(PIECE):
                target = out[window.slices(part)]
                np.copyto(target, self.sheet(sheet, part), where=np.isnan(target))
        return out


@dataclass(frozen=True)
class Mosaic:
    """The sheets of one kind (`DSM` or `DTM`), on one grid."""

    kind: str
    sheets: tuple[Sheet, ...]

    @property
    def resolution(self) -> float:
        return self.sheets[0].resolution

    @property
    def window(self) -> Window:
        """The smallest window around all sheets."""
        window = self.sheets[0].window
        for sheet in self.sheets[1:]:
            window = window.union(sheet.window)
        return window

    @property
    def ground(self) -> shapely.Geometry:
        """What the sheets cover, in RD metres."""
        return shapely.union_all([shapely.box(*s.window.bounds(s.resolution)) for s in self.sheets])

    def mask(self, window: Window) -> NDArray[np.bool_]:
        """Which cells of a window lie on a sheet."""
        out = np.zeros((window.height, window.width), np.bool_)
        for sheet in self.sheets:
            part = sheet.window.intersect(window)
            if part.size:
                out[window.slices(part)] = True
        return out

    def hold(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which (n, 2) points lie on a cell of a sheet; on a line counts the cell north-east."""
        column, north = np.floor(points / self.resolution).T
        row = -north - 1
        inside = np.zeros(len(points), np.bool_)
        for sheet in self.sheets:
            w = sheet.window
            inside |= (row >= w.top) & (row < w.bottom) & (column >= w.left) & (column < w.right)
        return inside

    @contextmanager
    def reader(self) -> Iterator[Reader]:
        with rasterio.Env(GDAL_CACHEMAX=CACHE_MB), ExitStack() as stack:
            yield Reader(self, stack)


def _of_kind(paths: list[str], kind: str) -> list[str]:
    """Of a folder with both kinds, those whose names say that they are of this one."""
    prefix = {"DSM": "r", "DTM": "m"}[kind]
    other = {"DSM": "m", "DTM": "r"}[kind]
    names = [re.sub(r"^.*_(?=[rm]_)", "", Path(path).name.lower()) for path in paths]
    mine = [p for p, n in zip(paths, names, strict=True) if re.match(rf"{prefix}5?_", n)]
    theirs = [n for n in names if re.match(rf"{other}5?_", n)]
    return mine if mine and theirs else paths


def open_mosaic(
    sources: Iterable[str], kind: str, nodata: float | None, allow: frozenset[str] = frozenset()
) -> Mosaic:
    """The sheets of one kind from files, folders, globs or tile indexes, checked but not read.

    nodata: for files that declare none. allow: `gaps`, `versions`.
    Raises InputError for what cannot be used; see docs/inputs.md.
    """
    paths = list(dict.fromkeys(_of_kind(find(sources, ENDINGS, kind), kind)))
    sheets = tuple(open_sheet(path, kind, nodata) for path in paths)
    first = sheets[0]
    for sheet in sheets[1:]:
        if sheet.resolution != first.resolution:
            raise InputError(
                f"{sheet.name}: cells of {sheet.resolution:g} m, but {first.name} has"
                f" {first.resolution:g} m; give sheets of one resolution"
            )
    mosaic = Mosaic(kind, sheets)
    _check_overlaps(mosaic)
    if "gaps" not in allow:
        _check_gaps(mosaic)
    return mosaic


def _check_overlaps(mosaic: Mosaic) -> None:
    """Refuse sheets that give one cell two heights."""
    boxes = [shapely.box(*s.window.bounds(s.resolution)) for s in mosaic.sheets]
    first, second = shapely.STRtree(boxes).query(boxes, predicate="intersects")
    with mosaic.reader() as reader:
        for i, j in zip(first, second, strict=True):
            a, b = mosaic.sheets[i], mosaic.sheets[j]
            common = a.window.intersect(b.window)
            if i >= j or not common.size:
                continue
            for part in common.pieces(PIECE):
                one, other = reader.sheet(a, part), reader.sheet(b, part)
                if (differ := (one != other) & ~np.isnan(one) & ~np.isnan(other)).any():
                    row, column = np.argwhere(differ)[0]
                    x, _, _, y = Window(part.top + int(row), part.left + int(column), 1, 1).bounds(
                        a.resolution
                    )
                    raise InputError(
                        f"{a.name} and {b.name} overlap and disagree at {x:g}, {y:g}"
                        f" ({one[row, column]:g} and {other[row, column]:g} m);"
                        " give one of them"
                    )


def gaps(mosaic: Mosaic) -> list[tuple[Window, str, str]]:
    """Ground without a sheet between two sheets of a row or of a column, and those two."""
    windows = [sheet.window for sheet in mosaic.sheets]
    rows = sorted({w.top for w in windows} | {w.bottom for w in windows})
    columns = sorted({w.left for w in windows} | {w.right for w in windows})
    owner = np.full((len(rows) - 1, len(columns) - 1), -1)
    for k, w in enumerate(windows):
        owner[
            rows.index(w.top) : rows.index(w.bottom),
            columns.index(w.left) : columns.index(w.right),
        ] = k
    found = []
    for i, j in np.argwhere(owner < 0):
        for line, at in ((owner[i], j), (owner[:, j], i)):
            before, after = line[:at][line[:at] >= 0], line[at + 1 :][line[at + 1 :] >= 0]
            if len(before) and len(after):
                hole = Window.between(rows[i], columns[j], rows[i + 1], columns[j + 1])
                names = mosaic.sheets[before[-1]].name, mosaic.sheets[after[0]].name
                found.append((hole, *names))
                break
    return found


def _check_gaps(mosaic: Mosaic) -> None:
    holes = gaps(mosaic)
    if holes:
        said = "; ".join(
            "between {} and {} at {:g},{:g},{:g},{:g}".format(a, b, *w.bounds(mosaic.resolution))
            for w, a, b in holes[:3]
        )
        raise InputError(
            f"{mosaic.kind}: {len(holes)} sheet(s) missing, {said}; add them or accept it"
            " with --allow gaps"
        )
