"""Outputs of a run: the table of buildings, the report and the map, written and published."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pyarrow as pa

from pipeline.engine.engine import Progress
from pipeline.footprints.restrictions import WORDS
from pipeline.grid.windows import Layout, Shard
from pipeline.heights import relief
from pipeline.heights.mosaics import duplicates_warning
from pipeline.heights.relief import SheetManifest, Survey
from pipeline.messages import Text
from pipeline.methods.buildings import Judged, Measured
from pipeline.methods.climate import stations_warning
from pipeline.methods.context import Context
from pipeline.methods.method import Method
from pipeline.methods.reach import Influence
from pipeline.results import coverage, report
from pipeline.results.buildings import Counts, rows_of, write_buildings
from pipeline.results.store import RasterLayer, laid_out
from pipeline.runs.passes import along_curve
from pipeline.runs.prepare import Run
from pipeline.runs.request import Outputs
from pipeline.storage.checksums import Checksums
from pipeline.storage.integrity import check_there, with_checksums
from pipeline.storage.ledger import BUILDINGS, MAP, RASTERS, REPORT, Ledger
from pipeline.storage.places import Place

TABLE = "table"
MANY_OFF = 0.05  # share of the footprints beside the sheets above which there is a warning
Manifests = dict[str, list[SheetManifest]]  # of the sheets of `dsm` and `dtm`, in their order


@dataclass(frozen=True)
class Result:
    """A finished run: its folder, its report, whether it was finished before, and warnings
    about the reports by area."""

    directory: Place
    report: dict[str, Any]
    was_finished: bool
    warnings: tuple[str, ...] = ()


def write_table(run: Run, progress: Progress) -> Counts:
    """Write the rows of all shards as one table. Returns the counts of all of them."""
    context, stage, counts = run.context, run.method.passes[-1].name, Counts()

    def read(shard: Shard) -> tuple[pa.Table, dict[str, Any]]:
        rows = context.ledger.read_rows(stage, shard.name)
        return rows, counts.add_table(rows)

    def without_polygon() -> pa.Table:
        footprints = Measured.nothing(context.prepared.unusable(), context.resolution)
        return rows_of(run.method, context, Judged.nothing(footprints), counts)

    shards, bounds = along_curve(context.layout, context.scope.own), context.prepared.bounds
    write_rows(context.ledger, shards, read, without_polygon, bounds, run.method.schema, progress)
    return counts


def write_rows(
    ledger: Ledger,
    shards: list[Shard],
    read: Callable[[Shard], tuple[pa.Table, dict[str, Any]]],
    without_polygon: Callable[[], pa.Table],
    bounds: tuple[float, ...],
    schema: pa.Schema,
    progress: Progress,
) -> None:
    """Write the table of buildings: the rows of each shard, then those without a polygon.

    read: gives the rows of a shard and their counts; bounds: of all footprints [RD m].
    """
    counts = dict[str, Any]()

    def tables() -> Iterator[pa.Table]:
        for i, shard in enumerate(shards):
            progress(TABLE, i, len(shards))
            rows, counts[shard.name] = read(shard)
            yield rows
        yield without_polygon()
        progress(TABLE, len(shards), len(shards))

    with ledger.writing(BUILDINGS) as stream:
        write_buildings(stream, tables(), {"bounds": list(bounds), "shards": counts}, schema)


def report_of(
    run: Run, manifests: Manifests, origin: dict[str, Any], influence: Influence, counts: Counts
) -> dict[str, Any]:
    """The content of the report on the table that was written. origin: the provenance."""
    context, asked = run.context, run.context.scope.asked
    surveys = {kind: [sheet.survey for sheet in manifests[kind]] for kind in manifests}
    composed = report.compose(
        context.ledger.place(BUILDINGS),
        **origin,
        machine={},
        neighbours=sum(influence.measured.values()) - asked,
        cells=_cells(surveys, counts),
        restrictions_by_kind={k: counts.kinds[k] for k in WORDS["kind"] if counts.kinds[k]},
        ground=coverage.of_ground(
            coverage.ground_asked(context.area, context.prepared), run.covered
        ),
    )
    warnings = [
        *warnings_of(run.method, context, manifests),
        *off_rasters(composed["accounting"], asked),
        *context.restrictions.idle(counts.held),
    ]
    composed["accounting"] |= report.warned(warnings)
    return composed


def complete(
    ledger: Ledger,
    outputs: Outputs,
    layout: Layout,
    layers: list[RasterLayer],
    origin: dict[str, Any],
    composed: dict[str, Any],
    check_stop: Callable[[], None],
) -> None:
    """Draw the map, write the report with the checksums of all other outputs, and give all their
    final names.

    layers: of the rasters; origin: the provenance, which is their attributes; check_stop: raises
    Stopped where nothing may be published any more.
    """
    draw(ledger, composed, outputs.lang)
    check_stop()
    rasters = {name: Checksums.of(data) for name, data in laid_out(layout, layers, origin).items()}
    for layer, shard in itertools.product(layers, layout.shards()):
        rasters |= ledger.chunks(layer.name, shard.name)
    sums = ledger.sums | {f"{RASTERS}/{name}": file for name, file in rasters.items()}
    ledger.write(REPORT, report.dumps(with_checksums(composed, sums)).encode())
    ledger.publish()


def result_of(outputs: Outputs, was_finished: bool) -> Result:
    """The result in a place, with its reports by area written anew. Raises InputError if it was
    finished before and is damaged since."""
    if was_finished:
        check_there(outputs.out)
    warnings = [
        warning
        for file in outputs.by
        for warning in report.write_by(outputs.out, file, outputs.lang, outputs.overwrite)[1]
    ]
    return Result(outputs.out, report.read(outputs.out), was_finished, tuple(warnings))


def warnings_of(method: Method, context: Context, manifests: Manifests) -> list[str]:
    """Warnings about the sheets, and about the climate if the method uses one."""
    warnings = []
    for kind, mosaic in (("dsm", context.terrain.dsm), ("dtm", context.terrain.dtm)):
        warnings += duplicates_warning(mosaic)
        warnings += relief.warnings(mosaic, [sheet.survey for sheet in manifests[kind]])
    if method.uses_climate:
        warnings += stations_warning(context.climate, context.squares)
    return warnings


def off_rasters(accounting: dict[str, Any], asked: int) -> list[str]:
    """A warning where many footprints lie beside the sheets."""
    off = accounting["rejected"].get("off_rasters", 0)
    if off <= MANY_OFF * asked:
        return []
    return [
        Text(
            "{off:,} of {asked:,} footprints lie beside DSM or DTM; are sheets missing?",
            off=off,
            asked=asked,
        )
    ]


def import_drawing() -> ModuleType:
    """The module that draws the map, which imports matplotlib: half a second."""
    from pipeline.output.map import cartography

    return cartography


def draw(ledger: Ledger, composed: dict[str, Any], lang: str) -> None:
    """Draw the map of the table that was written."""
    cartography = import_drawing()
    scene = cartography.scene(ledger.place(BUILDINGS), composed, ledger.place(RASTERS))
    with ledger.writing(MAP) as stream:
        cartography.draw(scene, stream, lang)


def _cells(surveys: dict[str, list[Survey]], counts: Counts) -> dict[str, int]:
    """Cells of the rasters and of the footprints, with and without data."""
    read = {f"{kind}_read": sum(s.cells for s in sheets) for kind, sheets in surveys.items()}
    missing = {
        f"{kind}_without_data": sum(s.without_data for s in sheets)
        for kind, sheets in surveys.items()
    }
    return read | missing | {"roofs": counts.roofs, "roofs_without_data": counts.without_data}
