"""An arctangent that vectorises: libm's does not, and a vector library's may differ by a bit."""

import numpy as np

from kernels.compile import kernel

ZERO, ONE, UNKNOWN = np.float32(0), np.float32(1), np.float32(np.nan)


@kernel
def angle(y, x):  # type: ignore[no-untyped-def]
    """atan2(y, x) for y, x >= 0 in float32, to 2e-7, NaN for 0, 0: arithmetic alone vectorises, and
    is the same in every lane. The polynomial of atanf in Moshier's Cephes library."""
    low, high = (x, y) if x < y else (y, x)
    t = low / high if high > ZERO else UNKNOWN
    far = t > np.float32(0.41421356)  # tan(pi / 8)
    t = (t - ONE) / (t + ONE) if far else t
    s = t * t
    poly = np.float32(8.05374449538e-2) * s - np.float32(1.38776856032e-1)
    poly = (poly * s + np.float32(1.99777106478e-1)) * s - np.float32(3.33329491539e-1)
    angle = poly * s * t + t + (np.float32(np.pi / 4) if far else ZERO)
    return np.float32(np.pi / 2) - angle if x < y else angle
