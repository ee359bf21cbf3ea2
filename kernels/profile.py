"""How wind speed grows with height over rough ground.

Up to a blending height the logarithmic profile over what stands, hung there on the one over open
ground, which holds above.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import inlined, kernel

OPEN_Z0 = 0.03  # roughness length of open ground [m]
STATION = 10.0  # height above open ground at which wind is measured [m]

Reals = NDArray[np.float64]


class Drag(NamedTuple):
    """What slows the wind: roughness length z0, displacement d, and blending height [m], arrays of
    one shape (sites, sectors)."""

    roughness: Reals
    displacement: Reals
    blending: Reals


@inlined
def open_ratio(z):  # type: ignore[no-untyped-def]
    """Wind speed at a height [m] over open ground, over that of the station."""
    return math.log(max(z / OPEN_Z0, 1.0)) / math.log(STATION / OPEN_Z0)


@inlined
def speed_ratio(z, roughness, displacement, blending):  # type: ignore[no-untyped-def]
    """Wind speed at a height above the ground [m], over that of the station; never more than over
    open ground, and 0 within the roughness."""
    above, rural = z - displacement, open_ratio(z)
    if above <= roughness:
        return 0.0
    if z > blending:
        return rural
    hung = open_ratio(blending) / math.log((blending - displacement) / roughness)
    return min(hung * math.log(above / roughness), rural)


@kernel
def _speed_ratios(z, drag, ratios):  # type: ignore[no-untyped-def]
    for i in range(ratios.shape[0]):
        for s in range(ratios.shape[1]):
            site = drag.roughness[i, s], drag.displacement[i, s], drag.blending[i, s]
            ratios[i, s] = speed_ratio(z[i], *site)


def speed_ratios(z: Reals, drag: Drag) -> Reals:
    """Wind speed over that of the station, (sites, sectors). z: height above the ground [m],
    (sites,)."""
    ratios = np.empty(drag.roughness.shape)
    _speed_ratios(z, drag, ratios)
    return ratios
