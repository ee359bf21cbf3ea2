"""The parts of a peer's program: the scene, a job for each task, and the clock.

Runs in the peers' environment, where of third parties only numpy is sure to be.

python -m bench.peers.programs.NAME FOLDER TASK
"""

import json
import math
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from bench.pairs import Copies, ratio

RESOLUTION = 0.5
WEST, NORTH = 120_000.0, 487_000.0
AZIMUTH, ELEVATION = 150.0, 20.0
RADIUS = 100.0
DIRECTIONS = 16
LOWEST_ROOF = 1.0
TWO_NEIGHBOURS = "gradient of two neighbours"
ROUNDS = 7
SECONDS = 8.0


class Scene(NamedTuple):
    """A folder with what a program may read: north-up, EPSG:28992, metres.

    height.npy and height.tif: (n, n) float32, no nodata. labels.npy: (n, n) int32, a building's
    number from 1, 0 for none. footprints.json: GeoJSON features, in the order of their numbers.
    hours.npy: (8760, 6) float64, the hours of a year: day of the year, elevation and azimuth of the
    sun [degrees], normal beam, diffuse and global irradiance [W/m2].
    """

    folder: Path

    @property
    def height(self) -> np.ndarray:
        return np.asarray(np.load(self.folder / "height.npy"))

    @property
    def labels(self) -> np.ndarray:
        return np.asarray(np.load(self.folder / "labels.npy"))

    @property
    def hours(self) -> np.ndarray:
        return np.asarray(np.load(self.folder / "hours.npy"))

    @property
    def raster(self) -> str:
        return str(self.folder / "height.tif")

    @property
    def footprints(self) -> list[dict[str, Any]]:
        return list(json.loads((self.folder / "footprints.json").read_text())["features"])


Call = Callable[[], Any]


class PeerCall(NamedTuple):
    """prepare: scene to the call that is timed; read: its result to an array; definition and
    reach [m]: what the peer computes, where peers differ; part: of the task, what a call does;
    roofs: whether the cells of roofs alone are asked for, and the others are done for nothing."""

    prepare: Callable[[Scene], Call]
    read: Callable[[Any], Any] = np.asarray
    definition: str = ""
    reach: float = math.inf
    part: float = 1.0
    roofs: bool = False


class Timing(NamedTuple):
    """Seconds of a call, and its cost a cell in copies of a cell: medians of paired rounds."""

    seconds: float
    copies: float


def timed(call: Call, cells: float, whole: np.ndarray) -> Timing:
    """Time a call on so many cells, each round beside a copy of the whole array.

    Of the whole, however few cells the call has: a copy that stays in the cache costs a fifth. Call
    it once before: what is compiled is nobody's speed.
    """
    copies, calls = Copies(whole), list[float]()
    copies()
    begin = perf_counter()
    while not calls or (len(calls) < ROUNDS and perf_counter() - begin < SECONDS):
        copies()
        start = perf_counter()
        call()
        calls.append(perf_counter() - start)
    return Timing(median(calls), ratio(calls, copies.seconds[1:], whole.size / cells).median)


def play(jobs: dict[str, PeerCall], release: str, arguments: Sequence[str] | None = None) -> None:
    """Do the task that the command line names: output.npy and answer.json into its folder.

    release: the version, or the package to ask for it.
    """
    folder, task = arguments or sys.argv[1:]
    scene, job = Scene(Path(folder)), jobs[task]
    call = job.prepare(scene)
    output = np.asarray(job.read(call()))
    np.save(scene.folder / "output.npy", output)
    whole, height = np.load(scene.folder.parent / "whole.npy"), scene.height
    asked = np.count_nonzero(height > LOWEST_ROOF) if job.roofs else height.size
    timing = timed(call, asked * job.part, whole)
    answer = {
        "seconds": timing.seconds * height.size / (asked * job.part),
        "copies": timing.copies,
        "version": release if release[:1].isdigit() else version(release),
        "definition": job.definition,
        "reach": job.reach if math.isfinite(job.reach) else None,
    }
    (scene.folder / "answer.json").write_text(json.dumps(answer))
