"""SAGA of the distribution: a command from file to file, its reading and writing included."""

import math
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np

from bench.peers.program import (
    AZIMUTH,
    DIRECTIONS,
    ELEVATION,
    RADIUS,
    TWO_NEIGHBOURS,
    Call,
    PeerCall,
    Scene,
    play,
)

SUN = ("-AZIMUTH", AZIMUTH, "-DECLINATION", ELEVATION)
STANDARD, SHADOWS_ONLY, NO_SHADOW = 0, 3, -99999.0


def lighting(tool: int, out: Path, *options: object) -> Path:
    command = ["saga_cmd", "-c=1", "-f=q", "ta_lighting", tool, *options, out]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    return out


def shade(method: int, scene: Scene) -> Call:
    options = ("-ELEVATION", scene.raster, "-METHOD", method, *SUN, "-SHADE")
    return partial(lighting, 0, scene.folder / "saga.sdat", *options)


def sky_view(scene: Scene) -> Call:
    tilted = ("-SVF", scene.folder / "tilted.sdat")
    options = ("-DEM", scene.raster, "-RADIUS", RADIUS, "-NDIRS", DIRECTIONS, *tilted, "-VISIBLE")
    return partial(lighting, 3, scene.folder / "saga.sdat", *options)


def read(path: Path) -> np.ndarray:
    """SAGA's rows run northward."""
    values = np.fromfile(path, np.float32)
    return values.reshape(-1, math.isqrt(values.size))[::-1]


def cosine(path: Path) -> np.ndarray:
    return np.asarray(np.cos(read(path)))


JOBS = {
    "hillshade": PeerCall(partial(shade, STANDARD), cosine, TWO_NEIGHBOURS),
    "cast shadow": PeerCall(partial(shade, SHADOWS_ONLY), lambda path: read(path) != NO_SHADOW),
    "sky view": PeerCall(sky_view, lambda path: read(path) / 100, "1 - 2 h / pi", RADIUS),
}

if __name__ == "__main__":
    if shutil.which("saga_cmd") is None:
        sys.exit("no saga_cmd on PATH")
    said = subprocess.run(["saga_cmd", "--version"], capture_output=True, check=True, text=True)
    play(JOBS, re.findall(r"[\d.]+", said.stdout)[0])
