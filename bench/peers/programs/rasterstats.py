"""rasterstats: rasterises each polygon by itself."""

from typing import Any

import numpy as np
from affine import Affine
from rasterstats import zonal_stats

from bench.peers.program import NORTH, RESOLUTION, WEST, Call, PeerCall, Scene, play


def sums(scene: Scene) -> Call:
    height, footprints = scene.height, scene.footprints
    place = Affine(RESOLUTION, 0, WEST, 0, -RESOLUTION, NORTH)
    options = {"affine": place, "stats": ["count", "sum"], "nodata": -9999}
    return lambda: zonal_stats(footprints, height, **options)


def read(rows: list[dict[str, Any]]) -> np.ndarray:
    return np.array([[row[what] or 0.0 for row in rows] for what in ("count", "sum")])


if __name__ == "__main__":
    play({"sums per building": PeerCall(sums, read)}, "rasterstats")
