"""The passes of a run: the survey of its sheets, then those of its method."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.engine.engine import Engine, OnDone, Stop, never_stop
from pipeline.engine.events import DONE, FAILED, KEPT, Log, no_log
from pipeline.footprints.prepared_sort import hilbert
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import TILE, Layout, Shard
from pipeline.heights import relief
from pipeline.heights.relief import SheetManifest, sheet_manifest, survey_sheet
from pipeline.heights.sheets import Sheet
from pipeline.methods.context import Context
from pipeline.methods.reach import Influence
from pipeline.results import store
from pipeline.runs.prepare import Run
from pipeline.runs.tasks import pass_task
from pipeline.storage.integrity import damaged_shards
from pipeline.storage.ledger import RASTERS

SURVEY = "survey"


def survey_pass(context: Context, engine: Engine) -> dict[str, list[SheetManifest]]:
    """Survey the sheets of the terrain, and return their manifests: `dsm` and `dtm`. A sheet whose
    relief is in the cache is not read.

    Raises InputError for a sheet that is unusable.
    """
    folder = context.relief
    mosaics = {"dsm": context.terrain.dsm, "dtm": context.terrain.dtm}
    sheets = dict.fromkeys(sheet for mosaic in mosaics.values() for sheet in mosaic.sheets)
    cached = {sheet: sheet_manifest(sheet, folder) for sheet in sheets}
    todo = [sheet for sheet, manifest in cached.items() if manifest is None]
    if todo:
        engine.run(SURVEY, _survey_task, ((s,) for s in todo), len(todo), shared=folder)
    surveyed = {s: cached[s] or survey_sheet(s, folder, never_stop) for s in sheets}
    manifests = {kind: [surveyed[sheet] for sheet in m.sheets] for kind, m in mosaics.items()}
    for kind, mosaic in mosaics.items():
        relief.check_any_data(mosaic, [manifest.survey for manifest in manifests[kind]])
    return manifests


def unread_sheets(context: Context) -> list[Sheet]:
    """The sheets that the area can feel whose relief is not kept yet."""
    every = dict.fromkeys((*context.terrain.dsm.sheets, *context.terrain.dtm.sheets))
    return [sheet for sheet in every if sheet_manifest(sheet, context.relief) is None]


def _survey_task(folder: Path, sheet: Sheet, *, stop: Stop) -> None:
    survey_sheet(sheet, folder, stop)


def narrowed(context: Context, influence: Influence, only: frozenset[Shard]) -> Influence:
    """The influence on some shards of the area only."""
    frame = context.frame
    tiles = np.zeros((frame.height, frame.width), np.bool_)
    for shard in only:
        tiles |= TileMask.of(context.ground_of(shard, influence.widest), frame).marked
    own, requested = (
        TileMask(frame, mask.part(frame).marked & tiles)
        for mask in (context.scope.tiles, context.requested)
    )
    return influence.narrowed(context, own, requested)


def carry_out(
    run: Run,
    engine: Engine,
    influence: Influence,
    origin: dict[str, Any],
    only: frozenset[Shard] | None = None,
    log: Log = no_log,
) -> None:
    """Run all passes: the ledger gets the records of all shards of the area, or of `only` some.
    origin: the provenance."""
    context = run.context
    layers = store.layers_of(run.method, context.layers, context.p)
    store.create(context.ledger.place(RASTERS), context.layout, layers, origin)
    influence = influence if only is None else narrowed(context, influence, only)
    for index in range(len(run.method.passes)):
        run_pass(run, engine, index, influence, only, log)


def run_pass(
    run: Run,
    engine: Engine,
    index: int,
    influence: Influence,
    only: frozenset[Shard] | None,
    log: Log,
) -> None:
    """Run one pass of the method over its unfinished shards. only: some shards of the area."""
    context, step = run.context, run.method.passes[index]
    chosen = context.shards if only is None else context.shards & only
    layers = step.layers(context.p, context.layers)
    raster = context.raster_shards & chosen if layers else set[Shard]()
    own = context.scope.own.keys() & chosen  # also of footprints beside the sheets
    if step.neighbours:
        own |= influence.measured.keys()
    todo = _unfinished(context, step.name, {*own, *raster}, raster, layers, engine, log)
    surroundings = influence.surroundings(context, step.name)

    def arguments(shard: Shard) -> tuple[Any, ...]:
        ground = context.ground_of(shard, influence.widest).coarse(TILE)
        tiles = influence.tiles.part(ground) if step.neighbours else None
        return shard, index, tiles, surroundings(shard)

    shared, on_done = (run.method, context.for_tasks()), _logger(log, step.name)
    tasks = map(arguments, todo)
    engine.run(step.name, pass_task, tasks, len(todo), shared=shared, on_done=on_done)


def _unfinished(
    context: Context,
    stage: str,
    shards: set[Shard],
    raster: set[Shard],
    layers: tuple[str, ...],
    engine: Engine,
    log: Log,
) -> list[Shard]:
    """Unfinished shards of a stage, along a curve. raster: shards for which the stage writes raster
    layers; one whose files are damaged is unfinished."""
    done = context.ledger.finished(stage)
    names = sorted(done & {shard.name for shard in raster})
    stop, workers = engine.stop, engine.workers
    done -= damaged_shards(context.ledger, layers, names, engine.progress, stop, workers)
    ordered = along_curve(context.layout, shards)
    for shard in ordered:
        if shard.name in done:
            log({"stage": stage, "shard": shard.name, "outcome": KEPT})
    return [shard for shard in ordered if shard.name not in done]


def _logger(log: Log, stage: str) -> OnDone:
    """A callback that logs a finished or failed shard and its blocks."""

    def log_task(argument: tuple[Any, ...], seconds: float, answer: Any) -> None:
        name = argument[0].name
        event = {"stage": stage, "shard": name, "seconds": round(seconds, 3)}
        if isinstance(answer, BaseException):
            log(event | {"outcome": FAILED})
            return
        for block in answer["each"]:
            log({"stage": stage, "of": name, **block})
        log(event | {key: answer[key] for key in answer if key != "each"} | {"outcome": DONE})

    return log_task


def along_curve(layout: Layout, shards: Iterable[Shard]) -> list[Shard]:
    """Shards along a Hilbert curve, so that neighbours come after one another."""
    ordered = sorted(shards)
    bounds = [layout.window(shard).bounds(layout.resolution) for shard in ordered]
    centres = np.array(bounds).reshape(-1, 2, 2).mean(axis=1)
    return [ordered[i] for i in np.argsort(hilbert(centres), kind="stable")]
