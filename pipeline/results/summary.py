"""Sums of the roofs of an area, from the table of a finished run.

Of its row groups only those are read that can have a centre in the area, and of those that lie in
it wholly no centre is looked at.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from pipeline.areas.polygons import own_copy
from pipeline.areas.selection import Area, Circle, within_circle
from pipeline.engine.engine import prefetch
from pipeline.footprints.prepared import centres_of
from pipeline.heights.ahn_index import sheets_touching
from pipeline.results import coverage, report, totals
from pipeline.results.finished import Finished, open_finished
from pipeline.storage.places import Place
from pipeline.terms import Field
from pipeline.vectors.overlay import difference, intersection

By = tuple[Sequence[dict[str, Any]], Sequence[Any] | NDArray[Any]]
PLACE = ["centre_x", "centre_y"]
CORNERS = 256  # of the polygon around a circle
SLIVER_M = 1.0  # so thin a strip beside the sheets is a rounding of borders


def summary(
    directory: Place,
    area: Area | None = None,
    around: Circle | None = None,
    by: By | None = None,
    households: float | None = None,
    boundaries: Sequence[str] = (),
) -> dict[str, Any]:
    """Totals of what lies in an area and a circle, or in one of them, fit for JSON without NaN.

    by: columns and polygons of sub-areas, as `read_areas` gives them: a row each in `rows`, and
    `outside` for what lies in none of them. households: that live there. boundaries: by which the
    run's own area is found again; `complete` says whether the run covers all that is asked for,
    `coverage` which part of the footprints and of the ground.
    Counts are of the rows whose centre lies in the area, its border included; without an area, of
    the circle's, without both of all rows. Raises InputError where no finished run is.
    """
    finished = open_finished(directory)
    area = area and replace(area, geometry=own_copy(area.geometry))
    if area is None and around is None and by is None and finished.inputs["around"] is None:
        added = _reported(finished, households)
    else:
        added = _added(finished, area, around, by or ((), ()), households)
    answer = {
        "area": area.source if area else None,
        "around": list(around) if around else None,
        "complete": is_complete(finished, area, around, boundaries),
        "coverage": _coverage(finished, area, around, added["accounting"], boundaries),
        **added,
        "method": {key: finished.report["method"][key] for key in ("name", "parameters")},
    }
    return dict(report.plain(answer))


def _reported(finished: Finished, households: float | None) -> dict[str, Any]:
    """The sums of all rows, from the report."""
    document = finished.report
    sections = totals.sections_in(document, finished.method, households)
    counts = sections["counts"]
    whole_run = ("neighbours", "restrictions")
    sections["counts"] = {name: counts[name] for name in counts if name not in whole_run}
    left_out = ("cells", "warnings", "warning_values")
    accounting = {k: v for k, v in document["accounting"].items() if k not in left_out}
    return {"totals": sections, "accounting": accounting, "rows": [], "outside": None}


def _added(
    finished: Finished,
    area: Area | None,
    around: Circle | None,
    by: By,
    households: float | None,
) -> dict[str, Any]:
    """The sums of the rows that count, from the table."""
    own, polygons = by[0], own_copy(np.asarray(by[1], object))
    method, document = finished.method, finished.report["method"]
    sums, accounting = totals.Totals(method, len(own) + 1), totals.Accounting(method)
    for rows in prefetch(_rows(finished, area, around)):
        accounting.add(rows)
        sums.add(rows, report.areas_of(rows, polygons) if own else None)
    *rows_by, outside = report.rows_by(own, {}, sums, document) if own else [None]
    return {
        "totals": totals.sections(sums.whole(), method, document["parameters"], households),
        "accounting": {k: v for k, v in accounting.section({}).items() if k != "cells"},
        "rows": rows_by,
        "outside": outside,
    }


def _rows(finished: Finished, area: Area | None, around: Circle | None) -> Iterator[pa.Table]:
    """Row group by row group, the rows that count; first an empty table, so that there is one."""
    columns = [*totals.columns_of(finished.method), *PLACE]
    yield finished.table.read([], columns)
    for group in _groups(finished, area, around):
        table = finished.table.read([group], columns)
        if area is not None and not _holds_all(area, finished, group):
            table = table.filter(pa.array(area.contains(centres_of(table))))
        yield _selected(table, around, area is None)


def _groups(finished: Finished, area: Area | None, around: Circle | None) -> Iterator[int]:
    """The row groups that may have a centre in the area, or else in the circle."""
    if area is None:
        everywhere = range(len(finished.centre_bounds))
        yield from finished.touching(_box(around)) if around else everywhere
        return
    shapely.prepare(area.geometry)
    for group in finished.touching(area.geometry.bounds):
        if shapely.intersects(area.geometry, shapely.box(*finished.centre_bounds[group])):
            yield group


def _holds_all(area: Area, finished: Finished, group: int) -> bool:
    """Whether all rows of a row group lie in an area."""
    inside = shapely.covers(area.geometry, shapely.box(*finished.centre_bounds[group]))
    return bool(inside) and group not in finished.without_centres


def _selected(table: pa.Table, around: Circle | None, alone: bool) -> pa.Table:
    """The rows with those in the circle as selected; no others where the circle stands alone."""
    inside = within_circle(centres_of(table), around)
    if around and alone:
        table, inside = table.filter(pa.array(inside)), inside[inside]
    return table.set_column(table.column_names.index("selected"), "selected", pa.array(inside))


def _box(circle: Circle) -> tuple[float, float, float, float]:
    x, y, radius = circle
    return x - radius, y - radius, x + radius, y + radius


def _coverage(
    finished: Finished,
    area: Area | None,
    around: Circle | None,
    accounting: dict[str, Any],
    boundaries: Sequence[str],
) -> coverage.Section | None:
    """Coverage of an area or a circle; of all rows that of the report, None for a report without
    it."""
    if area is None and around is None:
        return finished.report.get("coverage")
    return coverage.section(accounting, computed(finished, area, around, boundaries))


def computed(
    finished: Finished, area: Area | None, around: Circle | None, boundaries: Sequence[str] = ()
) -> float | None:
    """The share of the ground that is asked for which a run computed: its inputs cover it, and it
    lies in the run's own area, or in the rectangle of that where it cannot be told any more."""
    asked = [part.geometry for part in (area, _area(around)) if part is not None]
    ground = asked[0] if len(asked) == 1 else intersection(asked[0], asked[1], Field("area"))
    seen, source = finished.sheets(ground.bounds), finished.inputs["area"]
    if source is not None and not (area and report.plain(area.source) == source):
        own = finished.ground(boundaries)
        seen = shapely.intersection(seen, finished.rectangle if own is None else own)
    return coverage.of_ground(ground, seen)


def is_complete(
    finished: Finished, area: Area | None, around: Circle | None, boundaries: Sequence[str] = ()
) -> bool:
    """Whether a run covers what is asked for: it lies in its area, and its sheets of both kinds
    hold all land of it. False where its area cannot be told any more."""
    asked = _area(around) if around else area
    if asked is None:
        return True
    source = finished.inputs["area"]
    if source is not None and not finished.holds(area or asked, boundaries):
        return False
    if area is not None and report.plain(area.source) == source:
        return True
    seen = finished.sheets(asked.geometry.bounds)
    # Only what is ours is buffered: of a comb of 8,000 positions that would take 8 s and 1 GB.
    beside = difference(
        asked.geometry, shapely.buffer(seen, SLIVER_M, join_style="mitre"), Field("area")
    )
    shapely.prepare(beside)
    land = np.array([place.bounds for place in sheets_touching(beside) if place.land])
    inside = shapely.buffer(shapely.box(*land.reshape(-1, 4).T), -SLIVER_M, join_style="mitre")
    return not shapely.intersects(beside, inside).any()


def _area(circle: Circle | None) -> Area | None:
    """The polygon around a circle."""
    if circle is None:
        return None
    x, y, radius = circle
    wide = radius / math.cos(math.pi / CORNERS)
    return Area(shapely.buffer(shapely.Point(x, y), wide, quad_segs=CORNERS // 4), list(circle))
