"""What the wind of the method `annual` sees of real files, without the year that follows."""

from pathlib import Path
from typing import Any

import numpy as np

from bench.wind_blocks import measured_blocks, surveyed
from pipeline.methods.annual.wind.model import Ground, Obstacles, Scene
from pipeline.methods.annual.wind.scene import scenes
from tests.support.runs import Files


def seen(files: Files, out: Path, **options: Any) -> dict[int, Scene]:
    """What stands around each candidate, by its row in the input."""
    by_row = {}
    for work, _, measured in measured_blocks(surveyed(files.request(out, **options))):
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
