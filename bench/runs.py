"""Whole runs on a generated quarter, as the benchmark of scaling makes them."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

from pipeline.quarter import Quarter
from pipeline.runs.request import Request
from pipeline.runs.run import run


def cells_of(quarter: Quarter) -> int:
    """Cells of 0.5 m of one of its rasters."""
    xmin, ymin, xmax, ymax = quarter.bounds
    return round((xmax - xmin) * (ymax - ymin) * 4)


def whole_run(quarter: Quarter, folder: Path, **asked: Any) -> Callable[[], None]:
    """A run that goes to a new folder in `folder` at each call."""
    numbers = count()

    def call() -> None:
        run(Request.of(**quarter.inputs, out=folder / str(next(numbers)), **asked))

    return call
