"""A finished run: a report, rows in an order in space, and rasters."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, reduce
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from pipeline.areas.regions import Area, boundary_files, find_region
from pipeline.errors import InputError
from pipeline.footprints.prepared import BOX_COLUMNS, FootprintBoxes
from pipeline.grid.windows import Window
from pipeline.methods import method_of
from pipeline.methods.method import Column, Method
from pipeline.results import report
from pipeline.results.buildings import SHARDS
from pipeline.results.parts import PartTable, part_columns
from pipeline.results.store import open_store
from pipeline.storage.geoparquet import GeoParquet, touches
from pipeline.storage.ledger import RASTERS, REPORT
from pipeline.storage.places import Place, below, storage_of
from pipeline.storage.slices import Rectangle
from pipeline.terms import File

LAYER = "buildings"  # the name of that table, of exports and collections
KINDS = ("dsm", "dtm")
KEPT = 16  # runs that stay open


@dataclass(frozen=True, eq=False)
class Finished:
    """A finished run that is open: its report, its table of buildings, and its rasters. The table
    and the rasters are opened at their first use, and raise InputError where they are damaged."""

    directory: Place
    report: dict[str, Any]

    @cached_property
    def table(self) -> GeoParquet:
        """The table of its buildings."""
        return GeoParquet(report.buildings_file(self.directory))

    @cached_property
    def tables(self) -> dict[str, GeoParquet]:
        """Its tables by name: of its buildings, and of each kind of their parts."""
        file, method = report.buildings_file(self.directory), self.method
        parts = {of.name: PartTable(file, method, of) for of in method.parts}
        return {LAYER: self.table, **parts}

    def columns(self, table: str) -> Mapping[str, Column]:
        """The columns of one of its tables, by name, as they are declared."""
        part = self.part(table)
        return self.method.by_name if part is None else part_columns(self.method, part)

    def part(self, table: str) -> Column | None:
        """The column of which one of its tables is made; None for that of its buildings."""
        return None if table == LAYER else self.method.by_name[table]

    @property
    def name(self) -> str:
        """Name of its folder, without the path."""
        return Path(os.fspath(self.directory)).name

    @property
    def method(self) -> Method:
        """The method by which it was computed. Raises InputError for one that is unknown."""
        return method_of(self.report)

    @property
    def inputs(self) -> dict[str, Any]:
        """Its inputs, by its report."""
        return dict(self.report["inputs"])

    # Its rows.

    @cached_property
    def beside(self) -> dict[str, Any]:
        """The metadata of its table: `bounds`, and `shards` with the counts of each. Raises
        InputError for a table of another program."""
        metadata = (self.table.footer.metadata or {}).get(SHARDS.encode())
        if metadata is None:
            raise InputError(File(self.directory), "its table is of another program", "run it anew")
        return dict(json.loads(metadata))

    @property
    def bounds(self) -> Rectangle:
        """xmin, ymin, xmax, ymax of all footprints of its inputs, of its area or not [m]."""
        xmin, ymin, xmax, ymax = (float(edge) for edge in self.beside["bounds"])
        return xmin, ymin, xmax, ymax

    @property
    def group_bounds(self) -> NDArray[np.float64]:
        """(row groups, 4) xmin, ymin, xmax, ymax of the polygons [m]; NaN without any."""
        return self.table.bounds

    def boxes(self, group: int) -> FootprintBoxes:
        """The rows of one row group that have a polygon, without the polygon."""
        return FootprintBoxes.of(self.table.rows(group, BOX_COLUMNS, keep=False))

    @cached_property
    def centre_bounds(self) -> NDArray[np.float64]:
        """(row groups, 4) xmin, ymin, xmax, ymax of the centres [m]; NaN without any."""
        x, y = (self.table.statistics(f"centre_{axis}") for axis in "xy")
        edges = x.lowest, y.lowest, x.highest, y.highest
        return np.column_stack([np.array(edge, np.float64) for edge in edges])

    def touching(self, rectangle: Rectangle) -> list[int]:
        """The row groups that may have a centre in a closed rectangle [m]."""
        return list(np.flatnonzero(touches(self.centre_bounds, rectangle)).tolist())

    @cached_property
    def without_centres(self) -> list[int]:
        """The row groups in which a row may have no centre."""
        return list(np.flatnonzero(self.table.statistics("centre_x").nulls).tolist())

    # Its ground.

    @cached_property
    def rasters(self) -> Any:
        """The root of its zarr store. Raises InputError if there is none."""
        root = open_store(below(self.directory, RASTERS))
        if root is None:
            raise InputError(
                File(self.directory), "no {rasters} in it", "run it anew", rasters=RASTERS
            )
        return root

    @cached_property
    def resolution(self) -> float:
        """Cell size [m]."""
        return float(self.rasters.attrs["multiscales"]["layout"][0]["spatial:transform"][0])

    @property
    def extent(self) -> Window:
        """The cells of its raster layers."""
        return self.cells(self.rasters.attrs["spatial:bbox"])

    @property
    def rectangle(self) -> shapely.Geometry:
        """The extent as a polygon in RD metres."""
        return shapely.box(*self.extent.bounds(self.resolution))

    def cells(self, bounds: Sequence[float]) -> Window:
        """The cells of a rectangle [m] whose sides lie on their lines."""
        left, bottom, right, top = (round(edge / self.resolution) for edge in bounds)
        return Window.between(-top, left, -bottom, right)

    @cached_property
    def window(self) -> Window:
        """The smallest window around the sheets of each kind, as far as both have it in common."""
        windows = ([self.cells(sheet["bounds"]) for sheet in self.inputs[kind]] for kind in KINDS)
        dsm, dtm = (reduce(Window.union, of_kind) for of_kind in windows)
        return dsm.intersect(dtm)

    def sheets(self, bounds: Rectangle) -> shapely.Geometry:
        """The ground near a rectangle that sheets of both kinds cover, without sheets that no
        footprint touches [RD m]."""
        dsm, dtm = (
            shapely.union_all(_touching(_touching(_boxes(self.inputs[k]), self.bounds), bounds))
            for k in KINDS
        )
        return shapely.intersection(dsm, dtm)

    def ground(self, boundaries: Sequence[str] = ()) -> shapely.Geometry | None:
        """The area that was requested [RD m]; None where that is not known any more.

        boundaries: files that know the regions, by default those in the cache.
        """
        source = self.inputs["area"]
        if isinstance(source, list):
            return shapely.box(*source)
        if isinstance(source, dict) and "region" in source:
            files = boundary_files(boundaries)
            stamps = tuple((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files)
            return _region(json.dumps(source), stamps)
        return None

    def holds(self, area: Area | None, boundaries: Sequence[str] = ()) -> bool:
        """Whether an area lies in the one that was requested, as far as that is known."""
        source = self.inputs["area"]
        if source is None or area is None:
            return source is None
        if json.loads(json.dumps(area.source)) == source:
            return True
        ground = self.ground(boundaries)
        return ground is not None and bool(shapely.covers(ground, area.geometry))


def open_finished(directory: Place) -> Finished:
    """A finished run, opened once as long as its report is the same. Raises InputError if there is
    none, or its report is damaged."""
    return _opened(directory, storage_of(directory).mark(REPORT))


def mark_of(directory: Path) -> tuple[int, int]:
    """The version of a finished run: when its report was written [ns], and its size [bytes]. Raises
    InputError if the folder holds none."""
    mark: tuple[int, int] | None = storage_of(directory).mark(REPORT)
    if mark is None:
        raise InputError(File(directory), "no {file} in it, so no finished run", file=REPORT)
    return mark


@lru_cache(maxsize=KEPT)
def _opened(directory: Place, mark: object) -> Finished:
    """mark: of the report, which an update writes last."""
    return Finished(directory, report.read(directory))


def _boxes(sheets: Sequence[dict[str, Any]]) -> NDArray[Any]:
    return shapely.box(*np.array([sheet["bounds"] for sheet in sheets], np.float64).T)


def _touching(boxes: NDArray[Any], bounds: Rectangle) -> NDArray[Any]:
    return boxes[shapely.intersects(boxes, shapely.box(*bounds))]


@lru_cache(maxsize=32)  # the files of CBS take a second to read
def _region(source: str, files: tuple[tuple[str, int, int], ...]) -> shapely.Geometry | None:
    """A region as the same file of boundaries has it; None if that is not among these."""
    wanted = json.loads(source)
    for name, *_ in files:
        try:
            area = find_region(wanted["region"], [Path(name)])
        except InputError:
            continue
        if area.source == wanted:
            return area.geometry
    return None
