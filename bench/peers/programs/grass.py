"""GRASS of the distribution: modules in a session of their own, on a raster imported before."""

import math
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.peers.program import AZIMUTH, ELEVATION, RADIUS, Call, PeerCall, Scene, play

COUNTER_CLOCKWISE_FROM_EAST = (90 - AZIMUTH) % 360

# Days of the year that stand for their months, by Klein (1977), and how many those have.
MIDDLES = {
    17: 31, 47: 28, 75: 31, 105: 30, 135: 31, 162: 30, 198: 31, 228: 31, 258: 30, 288: 31, 318: 30,
    344: 31,
}  # fmt: skip


def module(name: str, *options: str) -> None:
    subprocess.run([name, "--quiet", "--overwrite", *options], check=True, stdout=sys.stderr)


def imported(scene: Scene) -> None:
    module("r.in.gdal", f"input={scene.raster}", "output=height")
    module("g.region", "raster=height")


def hillshade(scene: Scene) -> Call:
    imported(scene)
    options = ("input=height", "output=out", f"azimuth={AZIMUTH}", f"altitude={ELEVATION}")
    return partial(module, "r.relief", *options)


def horizon(scene: Scene) -> Call:
    imported(scene)
    way = (f"direction={COUNTER_CLOCKWISE_FROM_EAST}", f"maxdistance={RADIUS}")
    return partial(module, "r.horizon", "-d", "elevation=height", "output=out", *way)


def year(scene: Scene) -> Call:
    """Days in the middle of each month, every half an hour, level cells, a clear sky."""
    imported(scene)

    def days() -> None:
        for day in MIDDLES:
            options = ("slope_value=0", "aspect_value=0", "step=0.5", f"glob_rad=day_{day}")
            module("r.sun", "elevation=height", f"day={day}", *options)

    return days


def read(name: str) -> np.ndarray:
    with TemporaryDirectory() as folder:
        out = Path(folder, "out.bin")
        module("r.out.bin", "-f", f"input={name}", f"output={out}", "bytes=4", "null=nan")
        values = np.fromfile(out, np.float32)
    return values.reshape(math.isqrt(values.size), -1)


def angle(_: None) -> np.ndarray:
    return read(f"out_{COUNTER_CLOCKWISE_FROM_EAST:03.0f}")


def share(_: None) -> np.ndarray:
    """Of what the least shaded cell gets, with as many of each day as its month has."""
    energy = sum(read(f"day_{day}") * number for day, number in MIDDLES.items())
    return np.asarray(energy / np.max(energy))


JOBS = {
    "hillshade": PeerCall(hillshade, lambda _: read("out") / 255),
    "cast shadow": PeerCall(horizon, lambda _: angle(_) > ELEVATION),
    "horizon": PeerCall(horizon, angle, reach=RADIUS),
    "a year of sun": PeerCall(
        year, share, "a clear sky, 12 days", part=len(MIDDLES) / 365, roofs=True
    ),
}

if __name__ == "__main__":
    if shutil.which("grass") is None:
        sys.exit("no grass on PATH")
    if "GISBASE" not in os.environ:
        session = ["grass", "--tmp-location", Scene(Path(sys.argv[1])).raster, "--exec"]
        again = [sys.executable, "-m", "bench.peers.programs.grass", *sys.argv[1:]]
        sys.exit(subprocess.run(session + again).returncode)
    play(JOBS, Path(os.environ["GISBASE"], "etc", "VERSIONNUMBER").read_text().split()[0])
