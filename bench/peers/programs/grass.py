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


def read(name: str) -> np.ndarray:
    with TemporaryDirectory() as folder:
        out = Path(folder, "out.bin")
        module("r.out.bin", "-f", f"input={name}", f"output={out}", "bytes=4", "null=nan")
        values = np.fromfile(out, np.float32)
    return values.reshape(math.isqrt(values.size), -1)


def angle(_: None) -> np.ndarray:
    return read(f"out_{COUNTER_CLOCKWISE_FROM_EAST:03.0f}")


JOBS = {
    "hillshade": PeerCall(hillshade, lambda _: read("out") / 255),
    "cast shadow": PeerCall(horizon, lambda _: angle(_) > ELEVATION),
    "horizon": PeerCall(horizon, angle, reach=RADIUS),
}

if __name__ == "__main__":
    if shutil.which("grass") is None:
        sys.exit("no grass on PATH")
    if "GISBASE" not in os.environ:
        session = ["grass", "--tmp-location", Scene(Path(sys.argv[1])).raster, "--exec"]
        again = [sys.executable, "-m", "bench.peers.programs.grass", *sys.argv[1:]]
        sys.exit(subprocess.run(session + again).returncode)
    play(JOBS, Path(os.environ["GISBASE"], "etc", "VERSIONNUMBER").read_text().split()[0])
