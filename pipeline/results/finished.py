"""A finished run, read as what it is: a store of rows in an order in space, and of rasters."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from numpy.typing import NDArray

from pipeline.areas.regions import Area, boundary_files, find_region
from pipeline.errors import InputError
from pipeline.footprints.prepared import EDGES, GROUPS, LIGHT, Box, Light
from pipeline.grid.windows import Window
from pipeline.results import report
from pipeline.results.buildings import SHARDS
from pipeline.results.store import open_store
from pipeline.storage.ledger import RASTERS
from pipeline.storage.places import Place, below
from pipeline.storage.slices import BBOX, footer_of, row_groups

LOWEST, HIGHEST = 0, 1


@dataclass(frozen=True)
class Finished:
    """A run that is finished. said: its report; footer: of its table."""

    directory: Place
    said: dict[str, Any]
    footer: pq.FileMetaData

    @property
    def name(self) -> str:
        """Of its place, without where that is."""
        return Path(os.fspath(self.directory)).name

    @property
    def inputs(self) -> dict[str, Any]:
        """What it was made of, by its report."""
        found: dict[str, Any] = self.said["inputs"]
        return found

    # Its rows.

    def rows(self, groups: Sequence[int], columns: Sequence[str] | None = None) -> pa.Table:
        """Columns, by default all, of some row groups. Raises InputError if they are damaged."""
        return row_groups(report.buildings_file(self.directory), groups, columns, self.footer)

    @cached_property
    def bounds(self) -> Box:
        """xmin, ymin, xmax, ymax of all footprints that it saw, of its area or not [m]."""
        told = (self.footer.metadata or {}).get(SHARDS.encode())
        if told is None:
            raise InputError("{name}: its table is of another program; run it anew", name=self.name)
        xmin, ymin, xmax, ymax = (float(edge) for edge in json.loads(told)["bounds"])
        return xmin, ymin, xmax, ymax

    def groups(self) -> NDArray[Any]:
        """The row groups, in order: first row, count, and xmin, ymin, xmax, ymax [m] of the
        polygons; NaN without any."""
        groups = np.zeros(self.footer.num_row_groups, GROUPS)
        for i, edge in enumerate(EDGES):
            groups[edge] = self._extremes(f"bbox.{edge}")[LOWEST if i < 2 else HIGHEST]
        groups["count"] = [self.footer.row_group(i).num_rows for i in range(len(groups))]
        groups["first"] = np.cumsum(groups["count"]) - groups["count"]
        return groups

    def light(self, group: int) -> Light:
        """Of one row group those with a polygon, without that."""
        table = self.rows([group], LIGHT)
        table = table.filter(pc.is_valid(table["centre_x"]))
        rows = table["row"].to_numpy()
        return Light(np.arange(len(table)), rows, centres(table), rectangles(table))

    @cached_property
    def middles(self) -> NDArray[np.float64]:
        """(row groups, 4) xmin, ymin, xmax, ymax of the centres [m]; NaN without any."""
        x, y = (self._extremes(f"centre_{axis}") for axis in "xy")
        return np.column_stack([x[LOWEST], y[LOWEST], x[HIGHEST], y[HIGHEST]])

    def touching(self, bounds: Box) -> list[int]:
        """The row groups that may have a centre in a closed rectangle [m]."""
        west, south, east, north = self.middles.T
        xmin, ymin, xmax, ymax = bounds
        here = (west <= xmax) & (east >= xmin) & (south <= ymax) & (north >= ymin)
        return [int(group) for group in np.flatnonzero(here)]

    @cached_property
    def without_centres(self) -> list[int]:
        """The row groups in which a row may have no centre."""
        at, every = self._column("centre_x"), range(self.footer.num_row_groups)
        known = [self.footer.row_group(i).column(at).statistics for i in every]
        return [i for i, found in enumerate(known) if found is None or found.null_count]

    def _extremes(self, name: str) -> NDArray[np.float64]:
        """(2, row groups) lowest and highest of a column, NaN without any value."""
        at, every = self._column(name), range(self.footer.num_row_groups)
        known = [self.footer.row_group(i).column(at).statistics for i in every]
        ends = [(s.min, s.max) if s and s.has_min_max else (np.nan, np.nan) for s in known]
        return np.array(ends, np.float64).reshape(-1, 2).T

    def _column(self, name: str) -> int:
        names = [self.footer.schema.column(i).path for i in range(self.footer.num_columns)]
        if name not in names:
            raise InputError(
                "{name}: its table has no column {column}; run it anew", name=self.name, column=name
            )
        return names.index(name)

    # Its ground.

    @cached_property
    def rasters(self) -> Any:
        """The root of its zarr store. Raises InputError if there is none."""
        found = open_store(below(self.directory, RASTERS))
        if found is None:
            raise InputError(
                "{name}: no {rasters} in it; run it anew", name=self.name, rasters=RASTERS
            )
        return found

    @cached_property
    def resolution(self) -> float:
        """Of its cells [m]."""
        return float(self.rasters.attrs["multiscales"]["layout"][0]["spatial:transform"][0])

    @property
    def extent(self) -> Window:
        """The cells of its raster layers."""
        return self.cells(self.rasters.attrs["spatial:bbox"])

    @property
    def rectangle(self) -> shapely.Geometry:
        """The same in RD metres."""
        return shapely.box(*self.extent.bounds(self.resolution))

    def cells(self, bounds: Sequence[float]) -> Window:
        """The cells of a rectangle [m] whose sides lie on their lines."""
        left, bottom, right, top = (round(edge / self.resolution) for edge in bounds)
        return Window.between(-top, left, -bottom, right)

    @cached_property
    def window(self) -> Window:
        """The smallest window around the sheets of each kind, as far as both have it in common."""
        dsm, dtm = (_around([self.cells(s["bounds"]) for s in self.inputs[k]]) for k in KINDS)
        return dsm.intersect(dtm)

    def sheets(self, bounds: Box) -> shapely.Geometry:
        """What sheets of both kinds cover near a rectangle, where footprints touch them [RD m]."""
        dsm, dtm = (
            shapely.union_all(_touching(_touching(_boxes(self.inputs[k]), self.bounds), bounds))
            for k in KINDS
        )
        return shapely.intersection(dsm, dtm)

    def ground(self, boundaries: Sequence[str] = ()) -> shapely.Geometry | None:
        """The area that it was asked for [RD m], None where that cannot be told any more.

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
        """Whether an area lies in the one that it was asked for, as far as that can be told."""
        source = self.inputs["area"]
        if source is None or area is None:
            return source is None
        if json.loads(json.dumps(area.source)) == source:
            return True
        ground = self.ground(boundaries)
        return ground is not None and bool(shapely.covers(ground, area.geometry))


KINDS = ("dsm", "dtm")


def open_finished(directory: Place) -> Finished:
    """A finished run. Raises InputError if there is none, or it is damaged."""
    said = report.read(directory)
    return Finished(directory, said, footer_of(report.buildings_file(directory)))


def centres(table: pa.Table) -> NDArray[np.float64]:
    """(rows, 2) x and y [m], NaN for null."""
    return np.column_stack([table[f"centre_{axis}"].to_numpy() for axis in "xy"]).astype(float)


def rectangles(table: pa.Table) -> NDArray[np.float64]:
    """(rows, 4) xmin, ymin, xmax, ymax [m]."""
    box = table[BBOX].combine_chunks()
    return np.column_stack([pc.struct_field(box, edge).to_numpy() for edge in EDGES])


def _around(windows: Sequence[Window]) -> Window:
    whole = Window(0, 0, 0, 0)
    for window in windows:
        whole = whole.union(window)
    return whole


def _boxes(sheets: Sequence[dict[str, Any]]) -> NDArray[Any]:
    return shapely.box(*np.array([sheet["bounds"] for sheet in sheets], np.float64).T)


def _touching(boxes: NDArray[Any], bounds: Box) -> NDArray[Any]:
    return boxes[shapely.intersects(boxes, shapely.box(*bounds))]


@lru_cache(maxsize=32)  # the files of CBS take a second to read
def _region(source: str, files: tuple[tuple[str, int, int], ...]) -> shapely.Geometry | None:
    """A region as the same file of boundaries has it; None if that is not among these."""
    wanted = json.loads(source)
    for name, *_ in files:
        try:
            found = find_region(wanted["region"], [Path(name)])
        except InputError:
            continue
        if found.source == wanted:
            return found.geometry
    return None
