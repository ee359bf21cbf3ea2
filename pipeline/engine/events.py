"""Events of a run for its log: shards, blocks and the start."""

from collections.abc import Callable, Mapping
from typing import Any

# Of a shard: stage, shard, seconds, cells (read), own (of those, the cells of the blocks: the
# others are halos), footprints, blocks, skipped (of the blocks, those that needed no work),
# compiled (kernels, meanwhile) and outcome, one of OUTCOMES. Of a block: stage, of (which shard),
# block (row and column of its first cell), seconds, footprints, cells. Of the start of a run: stage
# "start", passes, the stages of its method in order, and dashboard, the address of dask's. Any of
# them may be missing, and there may be others.
Event = Mapping[str, Any]
Log = Callable[[Event], None]

# Computed now; found finished, by an earlier run; failed.
OUTCOMES = DONE, KEPT, FAILED = "done", "kept", "failed"


def no_log(event: Event) -> None:
    """A log that drops every event."""
