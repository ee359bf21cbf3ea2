"""One task a shard: read its windows, compute block by block, write, record."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from kernels.compile import number_compiled
from pipeline.engine.tasks import Stop
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import Shard
from pipeline.methods.buildings import Judged
from pipeline.methods.context import NOTHING, Context
from pipeline.methods.method import Method
from pipeline.methods.passes import Handover, Pass, Work, joined
from pipeline.results.buildings import Counts, rows_of
from pipeline.results.store import layers_of, write_shard
from pipeline.storage.ledger import RASTERS

Shared = tuple[Method, Context]  # of all tasks of a run


def pass_task(
    shared: Shared,
    shard: Shard,
    index: int,
    tiles: TileMask | None,
    surroundings: Any,
    *,
    stop: Stop,
) -> dict[str, Any]:
    """Make one pass over a shard: what it hands on, or the rows of the last, and the layers.

    index: of the pass; tiles: those whose footprints are taken beside those of the area;
    surroundings: by the method's influence. Returns the log's entry.
    """
    method, context = shared
    step, last = method.passes[index], index == len(method.passes) - 1
    compiled = number_compiled()
    tables, rows, counts = [], [], Counts()
    with open_work(shared, shard, step, surroundings, stop) as work:
        for block in work.each_block(tiles):
            if not len(block.footprints) and not work.layers:
                continue
            made = step.block(work, block)
            if isinstance(made, Judged) is not last:
                raise TypeError(f"pass {step.name}: the last pass judges, the others hand on")
            if isinstance(made, Handover):
                tables.append(made.table(block))
            elif len(made.measured):
                rows.append(rows_of(method, work.context, made, counts))
    if last:
        table = counts.with_rows(rows, method.schema)
        context.ledger.record_rows(step.name, shard.name, table)
    else:
        context.ledger.record(step.name, shard.name, joined(tables))
    return work.log | {"compiled": number_compiled() - compiled}


@contextmanager
def open_work(
    shared: Shared, shard: Shard, step: Pass, surroundings: Any, stop: Stop
) -> Iterator[Work]:
    """Open the rasters; at the end the shard's raster layers are written, if the pass makes any."""
    method, context = shared[0], shared[1].for_thread()
    layout, names = context.layout, step.layers(context.p, context.layers)
    layers = layers_of(method, names, context.p)
    ground = layout.window(shard).intersect(layout.extent if layers else NOTHING)
    shape = ground.height, ground.width
    values = {x.name: np.full((*x.lead, *shape), x.fill, x.dtype) for x in layers}
    with context.terrain.heights() as heights:
        work = Work(context, shard, heights, surroundings, ground, values, stop)
        yield work
    work.check_stop()  # of a run that is gone, nothing is written where another may be at work
    if ground.size:
        written = write_shard(context.ledger.place(RASTERS), layout, layers, shard, values)
        context.ledger.record_chunks(shard.name, written)
