"""What the wind of the method `annual` sees of real files, without the year that follows."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.engine.engine import never_stop, no_progress, open_engine
from pipeline.methods.annual.wind.scene import Scene, scenes
from pipeline.methods.buildings import Measured
from pipeline.methods.passes import Work
from pipeline.runs.passes import survey_pass
from pipeline.runs.prepare import Run, prepare
from pipeline.runs.tasks import open_work
from tests.support.runs import Files


def surveyed(files: Files, out: Path, **options: Any) -> Run:
    """A run of the method that is ready for its pass, with the relief of its sheets."""
    request = files.request(out, **({"method": "annual", "layers": ()} | options))
    run = prepare(request, no_progress, never_stop)
    with ExitStack() as stack:
        survey_pass(run.context, open_engine(stack, "threads", 1, no_progress, never_stop))
    return run


def blocks_of(run: Run) -> Iterator[tuple[Work, Measured]]:
    """The buildings of each block, measured, in the task that they belong to."""
    for shard in sorted(run.context.shards):
        shared = run.method, run.context
        with open_work(shared, shard, run.method.passes[0], None, never_stop) as work:
            for block in work.each_block(None):
                if len(block.footprints):
                    yield work, work.measured(block.footprints)


def seen(files: Files, out: Path, **options: Any) -> dict[int, Scene]:
    """What stands around each candidate, by its row in the input."""
    by_row = {}
    for work, measured in blocks_of(surveyed(files, out, **options)):
        for scene in scenes(work, measured):
            for n, i in enumerate(scene.candidates.position.tolist()):
                by_row[int(measured.footprints.row[i])] = one_of(scene, n)
    return by_row


def one_of(scene: Scene, n: int) -> Scene:
    """What one candidate has around it."""
    return Scene(*(type(part)(*(values[n] for values in part)) for part in scene))


def assert_alike(found: Scene, expected: Scene, rel: float = 0.0) -> None:
    """What stands around two candidates is the same: their heights, ground and obstacles."""
    parts = zip(found[1:], expected[1:], strict=True)
    for (a, b), names in ((pair, pair[0]._fields) for pair in parts):
        for name, x, y in zip(names, a, b, strict=True):
            np.testing.assert_allclose(x, y, rtol=rel, atol=rel, equal_nan=True, err_msg=name)
