"""What a run writes and publishes: the table of buildings, the report and the map."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from pipeline.engine.engine import Progress
from pipeline.footprints.restrictions import WORDS
from pipeline.grid.windows import Layout
from pipeline.heights import relief
from pipeline.heights.mosaics import duplicates_warning
from pipeline.heights.relief import SheetManifest, Survey
from pipeline.messages import Text
from pipeline.methods.buildings import Judged, Measured
from pipeline.methods.context import Context
from pipeline.methods.reach import Influence
from pipeline.output.map import cartography
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
MANY_OFF = 0.05  # of the footprints: so many may lie beside the sheets without a word
Cards = dict[str, list[SheetManifest]]


@dataclass(frozen=True)
class Result:
    """A finished run: its folder, its report, whether it was finished before, and warnings
    about the reports by area."""

    directory: Place
    report: dict[str, Any]
    was_finished: bool
    warnings: tuple[str, ...] = ()


def write_table(run: Run, progress: Progress) -> Counts:
    """Write the rows of all shards as one table; what was counted of them."""
    counts, shards, ledger = Counts(), dict[str, Any](), run.context.ledger
    with ledger.writing(BUILDINGS) as stream:
        beside = {"bounds": list(run.context.prepared.bounds), "shards": shards}
        rows = _rows(run, counts, shards, progress)
        write_buildings(stream, rows, beside, run.method.schema)
    return counts


def _rows(
    run: Run, counts: Counts, shards: dict[str, Any], progress: Progress
) -> Iterator[pa.Table]:
    """The rows of all shards, and of what has no polygon; what is counted of them is kept."""
    context, stage = run.context, run.method.passes[-1].name
    every = along_curve(context.layout, context.scope.own)
    for i, shard in enumerate(every):
        progress(TABLE, i, len(every))
        table = context.ledger.read_rows(stage, shard.name)
        shards[shard.name] = counts.add_table(table)
        yield table
    rest = Measured.nothing(context.prepared.unusable(), context.resolution)
    yield rows_of(run.method, context, Judged.nothing(rest), counts)
    progress(TABLE, len(every), len(every))


def report_of(
    run: Run, cards: Cards, origin: dict[str, Any], influence: Influence, counts: Counts
) -> dict[str, Any]:
    """The content of the report of the table that was written."""
    context, surveys = run.context, {kind: [c.survey for c in cards[kind]] for kind in cards}
    asked = context.scope.asked
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
    warned = [
        *warnings_of(context, cards),
        *off_rasters(composed["accounting"], asked),
        *context.restrictions.idle(counts.held),
    ]
    composed["accounting"] |= report.warned(warned)
    return composed


def complete(
    ledger: Ledger,
    outputs: Outputs,
    layout: Layout,
    layers: list[RasterLayer],
    origin: dict[str, Any],
    composed: dict[str, Any],
    go_on: Callable[[], None],
) -> None:
    """Draw the map and publish all that was written, with the report. go_on: raises Stopped where
    nothing may be published any more."""
    draw(ledger, composed, outputs.lang)
    go_on()
    publish(ledger, composed, layout, layers, origin)


def result_of(outputs: Outputs, was_finished: bool) -> Result:
    """The result that is there, with reports by area made anew. Raises InputError if it was
    finished before and is not whole any more."""
    if was_finished:
        check_there(outputs.out)
    made = [
        report.write_by(outputs.out, file, outputs.lang, outputs.overwrite)[1]
        for file in outputs.by
    ]
    warnings = tuple(itertools.chain.from_iterable(made))
    return Result(outputs.out, report.read(outputs.out), was_finished, warnings)


def warnings_of(context: Context, cards: Cards) -> list[str]:
    """What to know of the sheets before one relies on them."""
    found = []
    for kind, mosaic in (("dsm", context.terrain.dsm), ("dtm", context.terrain.dtm)):
        found += duplicates_warning(mosaic)
        found += relief.warnings(mosaic, [card.survey for card in cards[kind]])
    return found


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


def draw(ledger: Ledger, composed: dict[str, Any], lang: str) -> None:
    """Draw the map of the table that was written."""
    shown = cartography.scene(ledger.place(BUILDINGS), composed, ledger.place(RASTERS))
    with ledger.writing(MAP) as stream:
        cartography.draw(shown, stream, lang)


def publish(
    ledger: Ledger,
    composed: dict[str, Any],
    layout: Layout,
    layers: list[RasterLayer],
    origin: dict[str, Any],
) -> None:
    """Write the report, with the checksums of all other outputs, and give them their final names.

    layers: of the rasters; origin: the provenance, which is their attributes.
    """
    rasters = {name: Checksums.of(data) for name, data in laid_out(layout, layers, origin).items()}
    for shard in layout.shards() if layers else ():
        rasters |= ledger.chunks(shard.name)
    sums = ledger.sums | {f"{RASTERS}/{name}": of for name, of in rasters.items()}
    ledger.write(REPORT, report.dumps(with_checksums(composed, sums)).encode())
    ledger.publish()


def _cells(surveys: dict[str, list[Survey]], counts: Counts) -> dict[str, int]:
    """Cells of the rasters and of the footprints, with and without data."""
    read = {f"{kind}_read": sum(s.cells for s in found) for kind, found in surveys.items()}
    missing = {
        f"{kind}_without_data": sum(s.without_data for s in found)
        for kind, found in surveys.items()
    }
    of_roofs = {"roofs": counts.roofs, "roofs_without_data": counts.without_data}
    return read | missing | of_roofs
