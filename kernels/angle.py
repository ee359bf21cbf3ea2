"""An arctangent that vectorises: libm's does not, and those of vector libraries differ by a bit."""

import numpy as np

from kernels.compile import kernel

ZERO, UNKNOWN = np.float32(0), np.float32(np.nan)
EIGHTH, HALF = np.float32(np.tan(np.pi / 8)), np.float32(np.tan(3 * np.pi / 8))
DIAGONAL, RIGHT = np.float32(np.pi / 4), np.float32(np.pi / 2)


@kernel
def angle(y, x):  # type: ignore[no-untyped-def]
    """atan2(y, x) for y, x >= 0 in float32, to 3e-7, NaN for 0, 0: arithmetic alone vectorises, and
    is the same in every lane. The polynomial of atanf in Moshier's Cephes library."""
    steep, upright = y > EIGHTH * x, y > HALF * x
    above = -x if upright else (y - x if steep else y)
    below = y if upright else (y + x if steep else x)
    turned = RIGHT if upright else (DIAGONAL if steep else ZERO)
    t = above / below if below > ZERO else UNKNOWN
    s = t * t
    poly = np.float32(8.05374449538e-2) * s - np.float32(1.38776856032e-1)
    poly = (poly * s + np.float32(1.99777106478e-1)) * s - np.float32(3.33329491539e-1)
    return turned + (poly * s * t + t)
