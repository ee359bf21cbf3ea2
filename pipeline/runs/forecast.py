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
from pipeline.grid.windows import TILE, Shard
from pipeline.methods.context import Context
from pipeline.methods.reach import Influence
from pipeline.runs.passes import carry_out
from pipeline.runs.prepare import Run
from pipeline.runs.provenance import provenance
from pipeline.runs.publish import Manifests, draw, report_of, write_table
from pipeline.storage.ledger import Ledger

TRIED = 4  # shards, after one that pays for all that is slow only once


class Load(NamedTuple):
    """What there is to do in a shard: tiles with footprints or raster layers, and footprints."""

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
    beside: float
    cells: int
    own: int
    rows: int
    table: float
    drawing: float


def forecast(run: Run, manifests: Manifests, influence: Influence, engine: Engine) -> Forecast:
    """Try some shards of a run on an engine's workers, and reckon the rest from them."""
    context, passes = run.context, run.method.passes
    loads = {shard: _load(context, shard) for shard in context.shards}
    first, *others = _chosen(loads)
    one = _try(run, manifests, influence, engine, [first])
    trial = _try(run, manifests, influence, engine, others) if others else one
    known = {shard.name: load for shard, load in loads.items()}
    cost = {step.name: _cost(trial.tasks[step.name], known) for step in passes}
    more = sum(influence.measured.values()) / max(context.scope.asked, 1)  # with neighbours
    tasks = sum(
        _of(cost[step.name], known.values()) * (more if step.neighbours else 1) for step in passes
    )
    seconds = tasks / len(known) * math.ceil(len(known) / engine.workers)
    usual = sum(_of(each, [loads[first]]) for each in cost.values())
    once = max(sum(one.tasks[stage].get(first.name, 0.0) for stage in one.tasks) - usual, 0.0)
    once += max(one.beside, 0.0)  # processes have to start
    row = max(trial.table - one.table, 0.0) / max(trial.rows - one.rows, 1)
    table = one.table + row * (sum(context.scope.own.values()) - one.rows)
    ratio = trial.cells / trial.own if trial.own else math.nan
    return Forecast(once + seconds + table + trial.drawing, ratio)


def _load(context: Context, shard: Shard) -> Load:
    ground = context.layout.window(shard).coarse(TILE)
    tiles = int(context.requested.part(ground).marked.sum())
    return Load(tiles, context.scope.own.get(shard, 0))


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


def _try(
    run: Run, manifests: Manifests, influence: Influence, engine: Engine, shards: Collection[Shard]
) -> Trial:
    """Carry some shards out, in a folder that is thrown away."""
    tasks: dict[str, dict[str, float]] = {step.name: {} for step in run.method.passes}
    cells = Counter[str]()

    def log(event: Event) -> None:
        if event.get("outcome") == DONE:
            tasks[event["stage"]][event["shard"]] = event["seconds"]
            cells.update({name: event[name] for name in ("cells", "own")})

    scope, engine = run.context.scope, replace(engine, progress=no_progress)
    own = {shard: count for shard, count in scope.own.items() if shard in shards}
    with TemporaryDirectory(prefix="daklaag-") as folder:
        ledger = Ledger(Path(folder))
        context = replace(run.context, scope=replace(scope, own=own), ledger=ledger)
        run = replace(run, context=context)
        origin = provenance(run, manifests)
        began = time.monotonic()
        carry_out(run, engine, influence, origin, frozenset(shards), log)
        computed, began = time.monotonic() - began, time.monotonic()
        counts = write_table(run, no_progress)
        composed = report_of(run, manifests, origin, influence, counts)
        written = time.monotonic()
        draw(ledger, composed, run.request.outputs.lang)
        drawn = time.monotonic()
    read = cells["cells"], cells["own"]
    beside = computed - sum(sum(each.values()) for each in tasks.values())
    return Trial(tasks, beside, *read, sum(own.values()), written - began, drawn - written)


def _cost(seconds: Mapping[str, float], loads: Mapping[str, Load]) -> np.ndarray:
    """What a tile and a footprint take [s]: (2,), of the tasks whose load is known."""
    names = [name for name in seconds if name in loads]
    work = np.array([loads[name] for name in names], np.float64).reshape(-1, 2)
    scale = np.maximum(work.max(axis=0, initial=0), 1)
    found, _ = nnls(work / scale, np.array([seconds[name] for name in names]))
    return np.asarray(found / scale)


def _of(cost: np.ndarray, loads: Iterable[Load]) -> float:
    return float(np.array(list(loads), np.float64).sum(axis=0) @ cost)
