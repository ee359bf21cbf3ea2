"""What the wind of the method `annual` sees of real files, without the year that follows."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.engine.engine import never_stop, no_progress, open_engine
from pipeline.methods.annual.wind.model import Ground, Obstacles, Scene
from pipeline.methods.annual.wind.scene import scenes
from pipeline.methods.buildings import Measured
from pipeline.methods.context import Context
from pipeline.methods.method import Method
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


def blocks_of_shards(method: Method, context: Context) -> Iterator[tuple[Work, Measured]]:
    """The buildings of each block, measured, in the task that they belong to."""
    for shard in context.layout.shards():
        with open_work((method, context), shard, method.passes[0], None, never_stop) as work:
            for block in work.each_block(None):
                if len(block.footprints):
                    yield work, work.measured(block.footprints)


def seen(files: Files, out: Path, **options: Any) -> dict[int, Scene]:
    """What stands around each candidate, by its row in the input."""
    by_row, run = {}, surveyed(files, out, **options)
    for work, measured in blocks_of_shards(run.method, run.context):
        for scene in scenes(work, measured):
            for n, i in enumerate(scene.candidates.position.tolist()):
                by_row[int(measured.footprints.row[i])] = one_of(scene, n)
    return by_row


def one_of(scene: Scene, n: int) -> Scene:
    """What one candidate has around it."""
    return Scene(*(type(part)(*(values[n] for values in part)) for part in scene))


def assert_alike(found: Scene, ground: Any, obstacles: Any, exact: bool = False) -> None:
    """A candidate has this around it: obstacles to the bit, ground to the last digits of a sum."""
    for name, values, due in zip(Obstacles._fields, found.obstacles, obstacles, strict=True):
        np.testing.assert_array_equal(values, due, err_msg=name)
    near = 0.0 if exact else 1e-9
    for name, values, due in zip(Ground._fields, found.ground, ground, strict=True):
        np.testing.assert_allclose(values, due, rtol=near, atol=near, err_msg=name)
