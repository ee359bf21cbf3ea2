"""SOLWEIG's kernels in Rust, without vegetation or walls."""

import numpy as np
from solweig.rustalgos import shadowing, skyview

from bench.peers.program import AZIMUTH, ELEVATION, RESOLUTION, Call, PeerCall, Scene, play

PATCHES_153 = 2
shadowing.disable_gpu()  # it would take a software renderer for one


def cast_shadow(scene: Scene) -> Call:
    height = scene.height
    highest = float(height.max() - height.min())
    return lambda: shadowing.calculate_shadows_wall_ht_25(
        AZIMUTH, ELEVATION, RESOLUTION, highest, height
    )


def sky_view(scene: Scene) -> Call:
    height = scene.height
    bare, highest = np.zeros_like(height), float(height.max() - height.min())
    return lambda: skyview.calculate_svf(
        height, bare, bare, RESOLUTION, False, highest, PATCHES_153
    )


JOBS = {
    "cast shadow": PeerCall(cast_shadow, lambda result: np.asarray(result.bldg_sh) < 0.5),
    "sky view": PeerCall(sky_view, lambda result: np.asarray(result.svf), "cos2 h"),
}

if __name__ == "__main__":
    play(JOBS, "solweig")
