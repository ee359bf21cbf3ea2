"""UMEP's published shadows, in numpy; its `scale` is cells a metre."""

import numpy as np
from umep.functions.svf_functions import svfForProcessing153
from umep.util.shadowingfunctions import shadowingfunctionglobalradiation

from bench.peers.program import AZIMUTH, ELEVATION, RESOLUTION, Call, PeerCall, Scene, play


def cast_shadow(scene: Scene) -> Call:
    height = scene.height
    return lambda: shadowingfunctionglobalradiation(
        height, AZIMUTH, ELEVATION, 1 / RESOLUTION, forsvf=1
    )


def sky_view(scene: Scene) -> Call:
    height = scene.height
    bare = np.zeros_like(height)
    return lambda: svfForProcessing153(height, bare, bare, 1 / RESOLUTION, 0, height.max())


JOBS = {
    "cast shadow": PeerCall(cast_shadow, lambda lit: lit < 0.5),
    "sky view": PeerCall(sky_view, lambda result: result["svf"], "cos2 h"),
}

if __name__ == "__main__":
    play(JOBS, "umep")
