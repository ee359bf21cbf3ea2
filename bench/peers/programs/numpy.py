"""numpy's bincount over a raster of the buildings' numbers."""

import numpy as np

from bench.peers.program import Call, PeerCall, Scene, play


def sums(scene: Scene) -> Call:
    height, labels = scene.height.ravel(), scene.labels.ravel()
    return lambda: [np.bincount(labels)[1:], np.bincount(labels, height)[1:]]


if __name__ == "__main__":
    play({"sums per building": PeerCall(sums)}, np.__version__)
