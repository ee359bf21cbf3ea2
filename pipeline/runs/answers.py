"""An answer from a finished run: what was computed already is read, not computed again.

A building's row and a raster's cell do not depend on the area that is asked for; so an area inside
that of a finished run of the same method, parameters and inputs is cut out of it. That leaves what
`run` leaves, but for what no table tells: cells read, and neighbours.
"""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.areas.selection import within_circle
from pipeline.engine.engine import Progress, Stop, never_stop, no_progress
from pipeline.errors import EmptyAreaError, InputError, Stopped
from pipeline.footprints.prepared import centres_of
from pipeline.grid.windows import Shard
from pipeline.results import coverage, report, store
from pipeline.results.buildings import in_space, rows_by_shard, write_buildings
from pipeline.results.finished import KINDS, Finished, open_finished
from pipeline.results.printed import warnings
from pipeline.results.store import RasterLayer
from pipeline.runs import matching
from pipeline.runs.matching import RunQuery, match
from pipeline.runs.passes import along_curve
from pipeline.runs.provenance import PROGRAM, machine
from pipeline.runs.publish import TABLE, Result, complete, off_rasters, result_of
from pipeline.runs.request import Request
from pipeline.storage.ledger import BUILDINGS, RASTERS, REPORT, Ledger, locked, open_ledger
from pipeline.storage.lru import LRUCache
from pipeline.storage.places import Place, storage_of
from pipeline.terms import Field, File

COPY = "copy"
NOT_KNOWN = ["counts.neighbours", "accounting.cells"]
KEPT_BYTES = 192 << 20  # of row groups, which neighbouring shards share
Check = Callable[[], None]


def covers(directory: Place, request: Request) -> bool:
    """Whether a finished run holds the answer to a request."""
    return why_not(directory, request) is None


def why_not(directory: Place, request: Request) -> str | None:
    """Why a finished run does not hold the answer to a request, in words; None if it does.

    A request without sheets or footprints means those of the finished run. Raises InputError for a
    request that is wrong in itself, and where no finished run is.
    """
    return matching.why_not(open_finished(directory), request)


def answer(
    request: Request, directory: Place, progress: Progress = no_progress, stop: Stop = never_stop
) -> Result:
    """What `run` would leave for a request, read from a finished run of more.

    After a kill the same call does it again. Raises InputError where the finished run does not hold
    the answer, or no footprint is in the area or the circle; Stopped when the flag is up.
    """
    started, asked = time.monotonic(), _asked(open_finished(directory), request)
    outputs = request.outputs
    with locked(outputs.out) as lost:

        def check() -> None:
            if stop() or lost():
                raise Stopped

        origin = _provenance(asked)
        ledger = open_ledger(outputs.out, origin, outputs.overwrite)
        if ledger is not None:
            _copy_rasters(asked, ledger, origin, progress, check)
            _write_table(asked, ledger, progress, check)
            composed = _composed(asked, ledger, origin)
            composed["machine"] = machine(started)
            complete(ledger, outputs, asked.on_grid.layout, _layers(asked), origin, composed, check)
        return result_of(outputs, ledger is None)


def _asked(finished: Finished, request: Request) -> RunQuery:
    if os.path.realpath(request.outputs.out) == os.path.realpath(finished.directory):
        raise InputError(
            File(finished.directory), "is what is read", "give another place for the answer"
        )
    found = match(finished, request)
    if isinstance(found, str):
        raise InputError(File(finished.directory), "does not hold the answer: {found}", found=found)
    if not found.on_grid.scope.asked:
        raise EmptyAreaError(
            File(finished.directory),
            "no footprint lies in {area}",
            "give another",
            area=Field("area", request.selection.area),
        )
    if not found.on_grid.scope.selected:
        raise InputError(
            Field("around", request.selection.around), "no footprint's centre lies in it"
        )
    return found


def _provenance(asked: RunQuery) -> dict[str, Any]:
    """The provenance of an answer: that of a run, and the run it was read from."""
    question, finished = asked.question, asked.finished
    request = question.request
    changed = {"layers": list(request.layers), "lang": request.outputs.lang}
    return {
        "method": {
            **{key: finished.report["method"][key] for key in ("name", "parameters")},
            **question.method.states(question.p, asked.on_grid.squares),
        },
        "inputs": {
            **finished.inputs,
            **{kind: asked.sheets(kind) for kind in KINDS},
            "area": question.area.source if question.area else None,
            "around": list(question.around) if question.around else None,
            "options": finished.inputs["options"] | changed,
            "answered_from": _source(finished),
        },
        "program": PROGRAM,
    }


def _source(finished: Finished) -> dict[str, Any]:
    """Which finished run, and what cannot be known from it."""
    text = storage_of(finished.directory).read(REPORT)
    return {
        "name": finished.name,
        "report_sha256": hashlib.sha256(text).hexdigest(),
        "finished": finished.report["machine"].get("finished"),
        "area": finished.inputs["area"],
        "not_known": NOT_KNOWN,
    }


def _copy_rasters(
    asked: RunQuery, ledger: Ledger, origin: dict[str, Any], progress: Progress, check: Check
) -> None:
    """The raster layers, shard by shard, with coarser levels of their own."""
    layout, finished, place = asked.on_grid.layout, asked.finished, ledger.place(RASTERS)
    layers = _layers(asked)
    store.create(place, layout, layers, origin)
    every = along_curve(layout, layout.shards()) if layers else []
    for i, shard in enumerate(every):
        progress(COPY, i, len(every))
        check()
        part = finished.extent.slices(layout.window(shard).intersect(layout.extent))
        values = {x.name: finished.rasters[f"0/{x.name}"][(..., *part)] for x in layers}
        ledger.record_chunks(shard.name, store.write_shard(place, layout, layers, shard, values))
    progress(COPY, len(every), len(every))


def _layers(asked: RunQuery) -> list[RasterLayer]:
    return store.layers_of(asked.question.method, asked.question.request.layers, asked.question.p)


def _write_table(asked: RunQuery, ledger: Ledger, progress: Progress, check: Check) -> None:
    """The rows, in the order in which a run writes them."""
    shards = dict[str, Any]()
    with ledger.writing(BUILDINGS) as stream:
        beside = {"bounds": list(asked.finished.bounds), "shards": shards}
        rows = _rows(asked, shards, progress, check)
        write_buildings(stream, rows, beside, asked.question.method.schema)


def _rows(
    asked: RunQuery, shards: dict[str, Any], progress: Progress, check: Check
) -> Iterator[pa.Table]:
    """The rows of all shards of the area's own layout, and of what has no polygon."""
    finished, layout, schema = asked.finished, asked.on_grid.layout, asked.question.method.schema
    every = along_curve(layout, asked.on_grid.scope.own)
    kept: LRUCache[dict[Shard, pa.Table]] = LRUCache(KEPT_BYTES, _size)

    def read(group: int) -> dict[Shard, pa.Table]:
        return kept.get(group, lambda: _by_shard(asked, _rows_of(asked, group)))

    for i, shard in enumerate(every):
        progress(TABLE, i, len(every))
        check()
        ground = layout.window(shard).bounds(layout.resolution)
        found = (read(group).get(shard) for group in finished.touching(ground))
        parts = [part for part in found if part is not None]
        table = in_space(_selected(asked, pa.concat_tables(parts)), "")
        shards[shard.name] = {"rows": len(table)}
        yield table
    nowhere = (_rows_of(asked, group) for group in finished.without_centres)
    rest = pa.concat_tables([schema.empty_table(), *map(_without_centre, nowhere)])
    yield _selected(asked, rest.sort_by("row"))
    progress(TABLE, len(every), len(every))


def _rows_of(asked: RunQuery, group: int) -> pa.Table:
    schema = asked.question.method.schema
    return asked.finished.table.read([group], schema.names).cast(schema)


def _without_centre(table: pa.Table) -> pa.Table:
    return table.filter(pc.is_null(table["centre_x"]))


def _size(parts: dict[Shard, pa.Table]) -> int:
    return sum(int(table.nbytes) for table in parts.values())


def _by_shard(asked: RunQuery, table: pa.Table) -> dict[Shard, pa.Table]:
    """Rows within the area, by the shard that holds their centre."""
    if area := asked.question.area:
        table = table.filter(pa.array(area.contains(centres_of(table))))
    return rows_by_shard(table, asked.on_grid.layout)


def _selected(asked: RunQuery, table: pa.Table) -> pa.Table:
    """The rows with what lies in the circle as selected."""
    inside = pa.array(within_circle(centres_of(table), asked.question.around))
    return table.set_column(table.column_names.index("selected"), "selected", inside)


def _composed(asked: RunQuery, ledger: Ledger, origin: dict[str, Any]) -> dict[str, Any]:
    """The content of the report."""
    area = asked.question.area
    bounds = area.geometry.bounds if area else asked.finished.bounds
    ground = coverage.ground_asked(area, asked.finished)
    composed = report.compose(
        ledger.place(BUILDINGS),
        **origin,
        machine={},
        neighbours=None,
        cells={},
        restrictions_by_kind={},
        ground=coverage.of_ground(ground, asked.finished.sheets(bounds)),
    )
    names = [sheet["name"] for kind in KINDS for sheet in asked.sheets(kind)]
    before = warnings(asked.finished.report)
    warned = [text for text in before if any(name in text for name in names)]
    warned += off_rasters(composed["accounting"], asked.on_grid.scope.asked)
    composed["accounting"] |= report.warned(warned)
    return composed
