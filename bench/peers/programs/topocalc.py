"""topocalc: its azimuth is 0 in the south and grows through the east; it looks to the edge."""

import math

import numpy as np
from topocalc.horizon import horizon as cosines
from topocalc.viewf import viewf

from bench.peers.program import (
    AZIMUTH,
    DIRECTIONS,
    ELEVATION,
    RESOLUTION,
    Call,
    PeerCall,
    Scene,
    play,
)


def horizon(scene: Scene) -> Call:
    height = scene.height.astype(np.float64)
    return lambda: cosines(180 - AZIMUTH, height, RESOLUTION)


def sky_view(scene: Scene) -> Call:
    height = scene.height.astype(np.float64)
    level = np.zeros_like(height)
    return lambda: viewf(height, RESOLUTION, DIRECTIONS, sin_slope=level, aspect=level)[0]


JOBS = {
    "cast shadow": PeerCall(horizon, lambda out: out > math.sin(math.radians(ELEVATION))),
    "horizon": PeerCall(horizon, lambda out: np.degrees(np.arcsin(out))),
    "sky view": PeerCall(sky_view, definition="cos2 h"),
}

if __name__ == "__main__":
    play(JOBS, "topocalc")
