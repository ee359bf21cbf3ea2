"""The buildings of a run of `annual` block by block, measured, as its one pass finds them."""

from collections.abc import Iterator
from contextlib import ExitStack

from pipeline.engine.engine import never_stop, no_progress, open_engine
from pipeline.methods.buildings import Measured
from pipeline.methods.passes import Block, Work
from pipeline.runs.passes import survey_pass
from pipeline.runs.prepare import Run, prepare
from pipeline.runs.request import Request
from pipeline.runs.tasks import open_work


def surveyed(request: Request) -> Run:
    """A run that is ready for its pass, with the relief of its sheets."""
    run = prepare(request.replace(method="annual", layers=()), no_progress, never_stop)
    with ExitStack() as stack:
        survey_pass(run.context, open_engine(stack, "threads", 1, no_progress, never_stop))
    return run


def measured_blocks(run: Run) -> Iterator[tuple[Work, Block, Measured]]:
    """Each block with its buildings, in the task of its shard."""
    shared = run.method, run.context
    for shard in run.context.layout.shards():
        with open_work(shared, shard, run.method.passes[0], None, never_stop) as work:
            for block in work.each_block(None):
                if len(block.footprints):
                    yield work, block, work.measured(block.footprints)
