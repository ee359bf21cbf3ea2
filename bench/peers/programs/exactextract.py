"""exactextract: every cell by the part of it that lies in the polygon."""

from typing import Any

import numpy as np
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource

from bench.peers.program import NORTH, RESOLUTION, WEST, Call, PeerCall, Scene, play


def sums(scene: Scene) -> Call:
    height, footprints = scene.height, scene.footprints
    side = len(height) * RESOLUTION
    source = NumPyRasterSource(height, WEST, NORTH - side, WEST + side, NORTH)
    return lambda: exact_extract(source, footprints, ["count", "sum"])


def read(rows: list[dict[str, Any]]) -> np.ndarray:
    found = [row["properties"] for row in rows]
    return np.array([[row[what] or 0.0 for row in found] for what in ("count", "sum")])


if __name__ == "__main__":
    play({"sums per building": PeerCall(sums, read, "parts of cells")}, "exactextract")
