"""An answer from a finished run: a result that is cut out of it, not computed again.

A building's row and a raster's cell do not depend on the requested area; so an area inside that of
a finished run of the same method, parameters and inputs is cut out of it. The outputs are those of
`run`, but for counts that no table has: cells read, and neighbours.
"""

import hashlib
import os
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.areas.selection import within_circle
from pipeline.engine.engine import Progress, Stop, never_stop, no_progress
from pipeline.errors import EmptyAreaError, InputError, Stopped
from pipeline.footprints.prepared import centres_of
from pipeline.grid.windows import Shard
from pipeline.results import coverage, report, store
from pipeline.results.buildings import in_space, rows_by_shard
from pipeline.results.finished import KINDS, Finished, open_finished
from pipeline.results.printed import warnings
from pipeline.results.store import RasterLayer
from pipeline.runs import matching
from pipeline.runs.matching import RunQuery, match
from pipeline.runs.passes import along_curve
from pipeline.runs.provenance import PROGRAM, machine
from pipeline.runs.publish import Result, complete, off_rasters, result_of, write_rows
from pipeline.runs.request import Request
from pipeline.storage.ledger import BUILDINGS, RASTERS, REPORT, Ledger, locked, open_ledger
from pipeline.storage.lru import LRUCache
from pipeline.storage.places import Place, storage_of
from pipeline.terms import Field, File

COPY = "copy"
NOT_KNOWN = ["counts.neighbours", "accounting.cells"]
KEPT_BYTES = 192 << 20  # of row groups, which neighbouring shards share
Check = Callable[[], None]  # raises Stopped


def why_not(directory: Place, request: Request) -> str | None:
    """The reason why a finished run does not hold the answer to a request; None if it does.

    A request without sheets or footprints means those of the finished run. Raises InputError for a
    request that is not valid, and where there is no finished run.
    """
    return matching.why_not(open_finished(directory), request)


def answer(
    request: Request, directory: Place, progress: Progress = no_progress, stop: Stop = never_stop
) -> Result:
    """The result that `run` would write for a request, cut out of a finished run of a larger area.

    After a kill the same call resumes it. Raises InputError where the finished run does not hold
    the answer, or no footprint is in the area or the circle; Stopped when the flag is up.
    """
    started, query = time.monotonic(), _query(open_finished(directory), request)
    outputs = request.outputs
    with locked(outputs.out) as lost:

        def check() -> None:
            if stop() or lost():
                raise Stopped

        origin = _provenance(query)
        ledger = open_ledger(outputs.out, origin, outputs.overwrite)
        if ledger is not None:
            _copy_rasters(query, ledger, origin, progress, check)
            _write_table(query, ledger, progress, check)
            composed = _composed(query, ledger, origin)
            composed["machine"] = machine(started)
            layout, layers = query.grid_area.layout, _layers(query)
            complete(ledger, outputs, layout, layers, origin, composed, check)
        return result_of(outputs, ledger is None)


def _query(finished: Finished, request: Request) -> RunQuery:
    if os.path.realpath(request.outputs.out) == os.path.realpath(finished.directory):
        raise InputError(
            File(finished.directory), "is what is read", "give another place for the answer"
        )
    query = match(finished, request)
    if isinstance(query, str):
        raise InputError(
            File(finished.directory), "does not hold the answer: {reason}", reason=query
        )
    if not query.grid_area.scope.asked:
        raise EmptyAreaError(
            File(finished.directory),
            "no footprint lies in {area}",
            "give another",
            area=Field("area", request.selection.area),
        )
    if not query.grid_area.scope.selected:
        raise InputError(
            Field("around", request.selection.around), "no footprint's centre lies in it"
        )
    return query


def _provenance(query: RunQuery) -> dict[str, Any]:
    """The provenance of an answer: that of a run, and the run it was read from."""
    parsed, finished = query.parsed, query.finished
    request = parsed.request
    changed = {"layers": list(request.layers), "lang": request.outputs.lang}
    return {
        "method": {
            **{key: finished.report["method"][key] for key in ("name", "parameters")},
            **parsed.method.states(parsed.p, query.grid_area.squares),
        },
        "inputs": {
            **finished.inputs,
            **{kind: query.sheets(kind) for kind in KINDS},
            "area": parsed.area.source if parsed.area else None,
            "around": list(parsed.around) if parsed.around else None,
            "options": finished.inputs["options"] | changed,
            "answered_from": _source(finished),
        },
        "program": PROGRAM,
    }


def _source(finished: Finished) -> dict[str, Any]:
    """The identity of a finished run, and the counts that it does not give."""
    content = storage_of(finished.directory).read(REPORT)
    return {
        "name": finished.name,
        "report_sha256": hashlib.sha256(content).hexdigest(),
        "finished": finished.report["machine"].get("finished"),
        "area": finished.inputs["area"],
        "not_known": NOT_KNOWN,
    }


def _copy_rasters(
    query: RunQuery, ledger: Ledger, origin: dict[str, Any], progress: Progress, check: Check
) -> None:
    """Copy the raster layers shard by shard; the coarser levels are made anew."""
    layout, finished, place = query.grid_area.layout, query.finished, ledger.place(RASTERS)
    layers = _layers(query)
    store.create(place, layout, layers, origin)
    shards = along_curve(layout, layout.shards()) if layers else []
    for i, shard in enumerate(shards):
        progress(COPY, i, len(shards))
        check()
        part = finished.extent.slices(layout.window(shard).intersect(layout.extent))
        values = {x.name: finished.rasters[f"0/{x.name}"][(..., *part)] for x in layers}
        ledger.record_chunks(shard.name, store.write_shard(place, layout, layers, shard, values))
    progress(COPY, len(shards), len(shards))


def _layers(query: RunQuery) -> list[RasterLayer]:
    return store.layers_of(query.parsed.method, query.parsed.request.layers, query.parsed.p)


def _write_table(query: RunQuery, ledger: Ledger, progress: Progress, check: Check) -> None:
    """Write the rows in the order in which a run writes them."""
    finished, layout, schema = query.finished, query.grid_area.layout, query.parsed.method.schema
    cache: LRUCache[dict[Shard, pa.Table]] = LRUCache(KEPT_BYTES, _size)

    def group_by_shard(group: int) -> dict[Shard, pa.Table]:
        return cache.get(group, lambda: _by_shard(query, _rows_of(query, group)))

    def read(shard: Shard) -> tuple[pa.Table, dict[str, Any]]:
        check()
        groups = finished.touching(layout.window(shard).bounds(layout.resolution))
        tables = [part[shard] for part in map(group_by_shard, groups) if shard in part]
        rows = in_space(_selected(query, pa.concat_tables(tables)), "")
        return rows, {"rows": len(rows)}

    def without_polygon() -> pa.Table:
        tables = (_rows_of(query, group) for group in finished.without_centres)
        rows = [table.filter(pc.is_null(table["centre_x"])) for table in tables]
        return _selected(query, pa.concat_tables([schema.empty_table(), *rows]).sort_by("row"))

    shards = along_curve(layout, query.grid_area.scope.own)
    write_rows(ledger, shards, read, without_polygon, finished.bounds, schema, progress)


def _rows_of(query: RunQuery, group: int) -> pa.Table:
    schema = query.parsed.method.schema
    return query.finished.table.read([group], schema.names).cast(schema)


def _size(tables: dict[Shard, pa.Table]) -> int:
    return sum(int(table.nbytes) for table in tables.values())


def _by_shard(query: RunQuery, table: pa.Table) -> dict[Shard, pa.Table]:
    """Rows within the area, by the shard that holds their centre."""
    if area := query.parsed.area:
        table = table.filter(pa.array(area.contains(centres_of(table))))
    return rows_by_shard(table, query.grid_area.layout)


def _selected(query: RunQuery, table: pa.Table) -> pa.Table:
    """The rows with `selected` set for those in the circle."""
    inside = pa.array(within_circle(centres_of(table), query.parsed.around))
    return table.set_column(table.column_names.index("selected"), "selected", inside)


def _composed(query: RunQuery, ledger: Ledger, origin: dict[str, Any]) -> dict[str, Any]:
    """The content of the report."""
    area, finished = query.parsed.area, query.finished
    bounds = area.geometry.bounds if area else finished.bounds
    ground = coverage.ground_asked(area, finished)
    composed = report.compose(
        ledger.place(BUILDINGS),
        **origin,
        machine={},
        neighbours=None,
        cells={},
        restrictions_by_kind={},
        ground=coverage.of_ground(ground, finished.sheets(bounds)),
    )
    sheets = [sheet["name"] for kind in KINDS for sheet in query.sheets(kind)]
    texts = [text for text in warnings(finished.report) if any(name in text for name in sheets)]
    texts += off_rasters(composed["accounting"], query.grid_area.scope.asked)
    composed["accounting"] |= report.warned(texts)
    return composed
