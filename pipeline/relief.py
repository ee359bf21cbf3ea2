"""How high and low the surface goes, and what is wrong with a sheet: found by reading it once."""

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from pipeline.errors import InputError, Stopped
from pipeline.rasters import PIECE, Mosaic
from pipeline.sheets import Sheet

LOWEST_M, HIGHEST_M = -50.0, 500.0  # Zuidplaspolder -7 m, Vaalserberg 323 m, masts up to 375 m
SUSPICIOUS_SHARE = 0.05
SAMPLE = 200_000  # cells looked at for a common value: one that fills 5 % cannot hide


class Survey(NamedTuple):
    """What reading a whole sheet tells. lowest, highest [m]: NaN if nothing has data; cells, and
    how many of them without data; filled, share: the commonest value [m] and its part of the
    cells."""

    lowest: float
    highest: float
    cells: int
    without_data: int
    filled: float
    share: float


def survey(mosaic: Mosaic, sheet: Sheet, stop: Callable[[], bool]) -> Survey:
    """Read a sheet once. Raises InputError for heights that are not of the Netherlands."""
    lowest, highest, missing = np.inf, -np.inf, 0
    sample: Counter[float] = Counter()
    step = max(1, sheet.window.size // SAMPLE)
    with mosaic.reader() as reader:
        for piece in sheet.window.pieces(PIECE):
            if stop():
                raise Stopped
            height = reader.sheet(sheet, piece)
            valid = height[~np.isnan(height)]
            missing += height.size - valid.size
            if valid.size:
                lowest, highest = min(lowest, valid.min()), max(highest, valid.max())
                values, counts = np.unique(valid[::step], return_counts=True)
                sample.update(dict(zip(values.tolist(), (counts * step).tolist(), strict=True)))
    if missing == sheet.window.size:
        return Survey(np.nan, np.nan, sheet.window.size, missing, np.nan, 0.0)
    _check_range(sheet, float(lowest), float(highest))
    value, count = sample.most_common(1)[0]
    share = min(count / sheet.window.size, 1.0)
    return Survey(float(lowest), float(highest), sheet.window.size, missing, value, share)


def _check_range(sheet: Sheet, lowest: float, highest: float) -> None:
    if lowest < LOWEST_M or highest > HIGHEST_M:
        raise InputError(
            f"{sheet.name}: heights from {lowest:g} to {highest:g} m are not of the Netherlands;"
            " are they centimetres, or an undeclared nodata value (--nodata VALUE)?"
        )


def warnings(mosaic: Mosaic, surveys: list[Survey]) -> list[str]:
    """What the reader of a report should know of the sheets."""
    said = []
    for sheet, found in zip(mosaic.sheets, surveys, strict=True):
        if found.share > SUSPICIOUS_SHARE:
            raw = (found.filled - sheet.offset) / sheet.scale
            remedy = (
                f"declare it in the file (gdal_edit.py -a_nodata {raw:g})"
                if sheet.declared
                else f"run with --nodata {raw:g}"
            )
            said.append(
                f"{sheet.name}: {found.share:.0%} of the cells are exactly {found.filled:g} m;"
                f" if that stands for no data, {remedy}"
            )
    return said


def check_any_data(mosaic: Mosaic, surveys: list[Survey]) -> None:
    """Raises InputError if no cell of a mosaic has data."""
    if all(found.without_data == found.cells for found in surveys):
        names = ", ".join(sheet.name for sheet in mosaic.sheets[:3])
        raise InputError(f"{mosaic.kind}: no cell has data ({names}); check their nodata value")


def extremes(surveys: list[Survey]) -> tuple[float, float]:
    """Lowest and highest [m] over all sheets."""
    return (
        float(np.nanmin([found.lowest for found in surveys])),
        float(np.nanmax([found.highest for found in surveys])),
    )
