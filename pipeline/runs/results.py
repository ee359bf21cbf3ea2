"""What a run leaves behind: the table of buildings, the report and the map."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.engine.engine import Progress
from pipeline.footprints.restrictions import WORDS
from pipeline.grid.windows import Layout
from pipeline.heights import relief
from pipeline.heights.mosaics import duplicates_warning
from pipeline.heights.relief import SheetManifest, Survey
from pipeline.messages import Text
from pipeline.output.map import cartography
from pipeline.results import coverage, report
from pipeline.results.buildings import Told, rows_of, write_buildings
from pipeline.results.store import Layer, laid_out
from pipeline.runs.context import Context
from pipeline.runs.judge import judge
from pipeline.runs.measured import unmeasured
from pipeline.runs.passes import Reach, along_curve
from pipeline.runs.request import Job
from pipeline.storage.checksums import Checksums
from pipeline.storage.integrity import with_checksums
from pipeline.storage.ledger import BUILDINGS, MAP, RASTERS, REPORT, SHADE, Ledger

TABLE = "table"
MANY_OFF = 0.05  # of the footprints: so many may lie beside the sheets without a word
Cards = dict[str, list[SheetManifest]]


def write_table(job: Job, context: Context, progress: Progress) -> Told:
    """Write the rows of all shards as one table; what they tell beside that."""
    told, shards = Told(), dict[str, Any]()
    with context.ledger.writing(BUILDINGS) as stream:
        beside = {"bounds": list(job.prepared.bounds), "shards": shards}
        write_buildings(stream, _rows(job, context, told, shards, progress), beside)
    return told


def _rows(
    job: Job, context: Context, told: Told, shards: dict[str, Any], progress: Progress
) -> Iterator[pa.Table]:
    """The rows of all shards, and of what has no polygon; what they tell is kept."""
    every = along_curve(job.layout, job.scope.own)
    for i, shard in enumerate(every):
        progress(TABLE, i, len(every))
        table = context.ledger.read_rows(SHADE, shard.name)
        shards[shard.name] = told.take_up(table)
        yield table
    rest = job.prepared.unusable()
    measured = unmeasured(rest)
    verdicts = judge(context, rest, measured, np.zeros(len(rest), np.bool_), told)
    yield rows_of(rest, verdicts, job.p)
    progress(TABLE, len(every), len(every))


def report_of(
    job: Job, context: Context, cards: Cards, said: dict[str, Any], reach: Reach, told: Told
) -> dict[str, Any]:
    """The content of the report of the table that was written."""
    surveys = {kind: [card.survey for card in found] for kind, found in cards.items()}
    composed = report.compose(
        context.ledger.place(BUILDINGS),
        **said,
        machine={},
        neighbours=sum(reach.measures.values()) - job.scope.asked,
        cells=_cells(surveys, told),
        restrictions_by_kind={k: told.kinds[k] for k in WORDS["kind"] if told.kinds[k]},
        ground=coverage.of_ground(coverage.ground_asked(job.area, job.prepared), job.covered),
    )
    warned = [
        *warnings_of(job, cards),
        *off_rasters(composed["accounting"], job.scope.asked),
        *job.restrictions.idle(told.held),
    ]
    composed["accounting"] |= report.warned(warned)
    return composed


def warnings_of(job: Job, cards: Cards) -> list[str]:
    """What to know of the sheets before one relies on them."""
    said = []
    for kind, mosaic in (("dsm", job.terrain.dsm), ("dtm", job.terrain.dtm)):
        said += duplicates_warning(mosaic)
        said += relief.warnings(mosaic, [card.survey for card in cards[kind]])
    return said


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
    layers: list[Layer],
    said: dict[str, Any],
) -> None:
    """Write the report, with the checksums of all other outputs, and give them their final names.

    layers: of the rasters; said: their attributes, as `store.create` got them.
    """
    rasters = {name: Checksums.of(data) for name, data in laid_out(layout, layers, said).items()}
    for shard in layout.shards() if layers else ():
        rasters |= ledger.chunks(shard.name)
    sums = ledger.sums | {f"{RASTERS}/{name}": of for name, of in rasters.items()}
    ledger.write(REPORT, report.dumps(with_checksums(composed, sums)).encode())
    ledger.publish()


def _cells(surveys: dict[str, list[Survey]], told: Told) -> dict[str, int]:
    """Cells of the rasters and of the footprints, with and without data."""
    read = {f"{kind}_read": sum(s.cells for s in found) for kind, found in surveys.items()}
    missing = {
        f"{kind}_without_data": sum(s.without_data for s in found)
        for kind, found in surveys.items()
    }
    of_roofs = {"roofs": told.roofs, "roofs_without_data": told.without_data}
    return read | missing | of_roofs
