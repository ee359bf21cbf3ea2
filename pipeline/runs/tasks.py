"""One task a shard: read its windows, compute block by block, write, record."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from pipeline.engine.tasks import Stop
from pipeline.grid.tile_masks import TileMask
from pipeline.grid.windows import Shard
from pipeline.methods.buildings import Judged
from pipeline.methods.context import NOTHING, Context
from pipeline.methods.method import Method
from pipeline.methods.passes import Handed, Pass, Work, as_table, joined
from pipeline.results.buildings import Counts, rows_of
from pipeline.results.store import layers_of, write_shard
from pipeline.storage.ledger import RASTERS


class Shared(NamedTuple):
    """What all tasks of a run share."""

    method: Method
    context: Context


def pass_task(
    shared: Shared, shard: Shard, index: int, felt: TileMask | None, given: Any, *, stop: Stop
) -> dict[str, Any]:
    """Make one pass over a shard: what it hands on, or the rows of the last, and the layers.

    index: of the pass; felt: tiles whose footprints are taken beside those of the area; given: by
    the method's influence. Answers what the log says of it.
    """
    step, last = shared.method.passes[index], index == len(shared.method.passes) - 1
    tables, rows, counts = [], [], Counts()
    with at_work(shared, shard, step, given, stop) as work:
        for block in work.each_block(felt):
            if not len(block.footprints) and not work.layers:
                continue
            made = step.block(work, block)
            if isinstance(made, Judged) is not last:
                raise TypeError(f"pass {step.name}: the last pass judges, the others hand on")
            if isinstance(made, Handed):
                tables.append(as_table(block, made))
            elif len(made.measured):
                rows.append(rows_of(shared.method, work.context, made, counts))
    ledger = shared.context.ledger
    if last:
        table = counts.with_rows(rows, shared.method.schema)
        ledger.record_rows(step.name, shard.name, table)
    else:
        ledger.record(step.name, shard.name, joined(tables))
    return work.log


@contextmanager
def at_work(shared: Shared, shard: Shard, step: Pass, given: Any, stop: Stop) -> Iterator[Work]:
    """Open the rasters; at the end the shard's raster layers are written, if the pass paints."""
    context, layout = shared.context.of_a_thread(), shared.context.layout
    names = context.layers if step.paints(context.p) else ()
    layers = layers_of(shared.method, names, context.p)
    ground = layout.window(shard).intersect(layout.extent if layers else NOTHING)
    shape = ground.height, ground.width
    values = {x.name: np.full((*x.lead, *shape), x.fill, x.dtype) for x in layers}
    with context.terrain.heights() as heights:
        work = Work(context, shard, heights, given, ground, values, stop)
        yield work
    work.go_on()  # of a run that is gone, nothing is written where another may be at work
    if ground.size:
        sums = write_shard(context.ledger.place(RASTERS), layout, layers, shard, values)
        context.ledger.record_chunks(shard.name, sums)
