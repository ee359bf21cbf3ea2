"""Whitebox Workflows in memory. (The `whitebox` package wants a binary from the internet.)"""

from whitebox_workflows import WbEnvironment

from bench.peers.program import AZIMUTH, DIRECTIONS, ELEVATION, RADIUS, Call, PeerCall, Scene, play

WHITE = 32767
whitebox = WbEnvironment()


def hillshade(scene: Scene) -> Call:
    height = whitebox.read_raster(scene.raster)
    return lambda: whitebox.hillshade(height, azimuth=AZIMUTH, altitude=ELEVATION)


def horizon(scene: Scene) -> Call:
    height = whitebox.read_raster(scene.raster)
    return lambda: whitebox.horizon_angle(height, azimuth=AZIMUTH, max_dist=RADIUS)


def sky_view(scene: Scene) -> Call:
    height = whitebox.read_raster(scene.raster)
    step = 360 / DIRECTIONS
    return lambda: whitebox.sky_view_factor(
        height, az_fraction=step, max_dist=RADIUS, observer_hgt_offset=0.0
    )


JOBS = {
    "hillshade": PeerCall(hillshade, lambda out: out.to_numpy() / WHITE, "gradient of 5 x 5 cells"),
    "cast shadow": PeerCall(horizon, lambda out: out.to_numpy() > ELEVATION),
    "horizon": PeerCall(horizon, lambda out: out.to_numpy(), reach=RADIUS),
    "sky view": PeerCall(sky_view, lambda out: out.to_numpy(), "1 - sin h", RADIUS),
}

if __name__ == "__main__":
    play(JOBS, "whitebox-workflows")
