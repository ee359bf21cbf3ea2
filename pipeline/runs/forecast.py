"""How long a run takes on this machine: some of its shards are tried, the others reckoned."""

import math
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from pipeline.engine.engine import Engine, no_progress
from pipeline.engine.events import DONE, Event
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import TILE, Shard
from pipeline.runs.passes import Reach, asking, worked
from pipeline.runs.provenance import provenance
from pipeline.runs.request import Job
from pipeline.runs.results import Cards, draw, report_of, write_table
from pipeline.runs.run import carry_out, context_of
from pipeline.storage.ledger import MEASURE, SHADE, Ledger

TRIED = 4  # shards, after one that pays for all that is slow only once


class Load(NamedTuple):
    """What there is to do in a shard: tiles in which a shadow is asked for, and footprints."""

    tiles: int
    footprints: int


class Forecast(NamedTuple):
    """The seconds that the passes, the table, the report and the map of a run will take; cells read
    over those of the blocks themselves."""

    seconds: float
    ratio: float


class Trial(NamedTuple):
    """What some shards took [s]: of each pass the task of each shard; a table of so many rows with
    its report; the map. cells, own: read, and of those the blocks' own."""

    tasks: dict[str, dict[str, float]]
    cells: int
    own: int
    rows: int
    table: float
    drawing: float


def forecast(job: Job, cards: Cards, reach: Reach, engine: Engine) -> Forecast:
    """Try some shards of a run on an engine's workers, and reckon the rest from them."""
    tiles = asking(job)
    loads = {shard: _load(job, shard, tiles) for shard in worked(job)}
    first, *others = _chosen(loads)
    one = _try(job, cards, reach, engine, [first])
    trial = _try(job, cards, reach, engine, others) if others else one
    known = {shard.name: load for shard, load in loads.items()}
    measure, shade = (_cost(trial.tasks[stage], known) for stage in (MEASURE, SHADE))
    tasks = _of(measure, known.values()) * sum(reach.measures.values()) / max(job.scope.asked, 1)
    tasks += _of(shade, known.values())
    passes = tasks / len(known) * math.ceil(len(known) / engine.workers)
    usual = _of(measure + shade, [loads[first]])
    once = max(sum(one.tasks[stage].get(first.name, 0.0) for stage in one.tasks) - usual, 0.0)
    row = max(trial.table - one.table, 0.0) / max(trial.rows - one.rows, 1)
    table = one.table + row * (sum(job.scope.own.values()) - one.rows)
    seconds = once + passes + table + trial.drawing
    return Forecast(seconds, trial.cells / trial.own if trial.own else math.nan)


def _load(job: Job, shard: Shard, asked: TileMask) -> Load:
    ground = job.layout.window(shard).coarse(TILE)
    return Load(int(asked.part(ground).marked.sum()), job.scope.own.get(shard, 0))


def _chosen(loads: Mapping[Shard, Load]) -> list[Shard]:
    """The shard with the fewest footprints, and others, such that as much of the work is in shards
    with fewer as in shards with more, step by step."""
    first, *others = sorted(loads, key=lambda shard: (loads[shard].footprints, shard))
    if not others:
        return [first]
    work = np.array([loads[shard] for shard in others], np.float64)
    upto = (work / np.maximum(work.sum(axis=0), 1)).sum(axis=1).cumsum()
    steps = (np.arange(TRIED) + 0.5) / TRIED * upto[-1]
    return [first, *(others[i] for i in np.unique(np.searchsorted(upto, steps)))]


def _try(job: Job, cards: Cards, reach: Reach, engine: Engine, shards: Collection[Shard]) -> Trial:
    """Carry some shards out, in a folder that is thrown away."""
    tasks: dict[str, dict[str, float]] = {MEASURE: {}, SHADE: {}}
    cells = Counter[str]()

    def log(event: Event) -> None:
        if event.get("outcome") == DONE:
            tasks[event["stage"]][event["shard"]] = event["seconds"]
            cells.update({name: event[name] for name in ("cells", "own")})

    own = {shard: count for shard, count in job.scope.own.items() if shard in shards}
    job, engine = (
        replace(job, scope=replace(job.scope, own=own)),
        replace(engine, progress=no_progress),
    )
    said = provenance(job, cards)
    with TemporaryDirectory(prefix="daklaag-") as folder:
        context = context_of(job, Ledger(Path(folder)))
        carry_out(job, context, engine, reach, said, frozenset(shards), log)
        began = time.monotonic()
        told = write_table(job, context, no_progress)
        composed = report_of(job, context, cards, said, reach, told)
        written = time.monotonic()
        draw(context.ledger, composed, job.request.outputs.lang)
        drawn = time.monotonic()
    read = cells["cells"], cells["own"]
    return Trial(tasks, *read, sum(own.values()), written - began, drawn - written)


def _cost(seconds: Mapping[str, float], loads: Mapping[str, Load]) -> np.ndarray:
    """What a tile and a footprint take [s]: (2,), of the tasks whose load is known."""
    names = [name for name in seconds if name in loads]
    work = np.array([loads[name] for name in names], np.float64).reshape(-1, 2)
    scale = np.maximum(work.max(axis=0, initial=0), 1)
    found, _ = nnls(work / scale, np.array([seconds[name] for name in names]))
    return np.asarray(found / scale)


def _of(cost: np.ndarray, loads: Iterable[Load]) -> float:
    return float(np.array(list(loads), np.float64).sum(axis=0) @ cost)
