"""The Relief Visualization Toolbox, in numpy."""

from functools import partial

from rvt import vis

from bench.peers.program import (
    AZIMUTH,
    DIRECTIONS,
    ELEVATION,
    RADIUS,
    RESOLUTION,
    TWO_NEIGHBOURS,
    Call,
    PeerCall,
    Scene,
    play,
)


def hillshade(scene: Scene) -> Call:
    return partial(vis.hillshade, scene.height, RESOLUTION, RESOLUTION, AZIMUTH, ELEVATION)


def cast_shadow(scene: Scene) -> Call:
    return partial(vis.shadow_horizon, scene.height, RESOLUTION, AZIMUTH, ELEVATION)


def sky_view(scene: Scene) -> Call:
    cells = round(RADIUS / RESOLUTION)
    options = {"svf_n_dir": DIRECTIONS, "svf_r_max": cells}
    return partial(vis.sky_view_factor, scene.height, RESOLUTION, **options)


JOBS = {
    "hillshade": PeerCall(hillshade, definition=TWO_NEIGHBOURS),
    "cast shadow": PeerCall(cast_shadow, lambda out: out["shadow"] == 0),
    "sky view": PeerCall(sky_view, lambda out: out["svf"], "1 - sin h", RADIUS),
}

if __name__ == "__main__":
    play(JOBS, "rvt-py")
