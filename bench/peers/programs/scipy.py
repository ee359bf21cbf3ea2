"""scipy.ndimage: the maximum over a square, whose separable passes a disc doesn't have."""

import numpy as np
from scipy import ndimage

from bench.peers.program import RADIUS, RESOLUTION, Call, PeerCall, Scene, play


def higher(scene: Scene) -> Call:
    height, size = scene.height, 2 * round(RADIUS / RESOLUTION) + 1
    return lambda: ndimage.maximum_filter(height, size)


def sums(scene: Scene) -> Call:
    height, labels = scene.height, scene.labels
    numbers = np.arange(1, labels.max() + 1)
    ones = np.ones_like(height)
    return lambda: [ndimage.sum_labels(what, labels, numbers) for what in (ones, height)]


JOBS = {"higher within 100 m": PeerCall(higher), "sums per building": PeerCall(sums)}

if __name__ == "__main__":
    play(JOBS, "scipy")
