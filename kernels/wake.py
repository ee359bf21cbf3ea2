"""What obstacles that rise above a roof take of the wind at a hub on it.

The wake is that of Perera, M. D. A. E. S. (1981), Journal of Wind Engineering and Industrial
Aerodynamics 8, on the plane of the roof. It was fitted to what stands 5 heights away or farther: a
nearer obstacle counts as if it stood there. Nor may a wake take less of a hub that it has grown
around, so its maximum is held below its axis; then a higher or a nearer obstacle never takes less.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import inlined, kernel
from kernels.profile import Drag, speed_ratio, speed_ratios

FITTED = 5.0  # heights of an obstacle, from where on the wake was fitted
LEAST_ETA = 0.997  # height in the wake, over its own, below which the formula would fall again
GROWN_ETA = 2.137  # above which a nearer obstacle would take less
NOTHING = (0.0, math.inf, 0.0)  # deficit, distance and rise of no obstacle
WIDE, PER_SECTOR, PER_FAR = 30, 31, 3  # degrees of a sector, with both borders, of a far direction

Reals = NDArray[np.float64]


class Hubs(NamedTuple):
    """Hubs on roofs. roof, ground: heights [m NAP], (sites,); mast: of the hub above the roof
    [m]."""

    roof: Reals
    ground: Reals
    mast: float


class Seen(NamedTuple):
    """The highest that is seen from roofs, by direction and radius: height [m NAP] and distance
    [m], (sites, directions, radii), NaN where there is nothing. The first direction is centred on
    grid north."""

    height: Reals
    distance: Reals


class Wakes(NamedTuple):
    """What is lost of the wind at hubs, by sector of 30 degrees and its directions, 1 degree apart,
    from one border to the other: deficit, as a share of the speed, and whether the obstacle that
    takes most is too near for what was fitted; (sites, 12, 31)."""

    deficit: Reals
    held: NDArray[np.bool_]


class _Place(NamedTuple):
    """A hub, and its drag in one sector; ratio: of the wind there to the station's."""

    roof: float
    ground: float
    mast: float
    roughness: float
    displacement: float
    blending: float
    ratio: float


@inlined
def wake(e, x, z, k, least_eta):  # type: ignore[no-untyped-def]
    """The share of the speed at its own top that a solid obstacle takes. e: how far it rises above
    the plane; x: how far it stands; z: height above the plane [m]; k: growth of the wake."""
    eta = max(z / e * (k * x / e) ** (-1 / 2.14), least_eta)
    return 9.75 * (e / x) * eta * math.exp(-0.67 * eta**1.5)


@inlined
def growth(e, roughness):  # type: ignore[no-untyped-def]
    """K, by which a wake grows. e: how far the obstacle rises; roughness: z0 [m]."""
    return 0.32 / math.log(max(e / roughness, 8.0))


@inlined
def held_wake(e, x, mast, roughness):  # type: ignore[no-untyped-def]
    """`wake` at a mast's top, held where the formula would fall."""
    k = growth(e, roughness)
    grown = e / k * (mast / (GROWN_ETA * e)) ** 2.14
    return wake(e, max(x, FITTED * e, grown), mast, k, LEAST_ETA)


@inlined
def _deficit(e, x, porosity, place):  # type: ignore[no-untyped-def]
    """The share of the speed at the hub that an obstacle takes."""
    u = 1.0
    if place.ratio > 0.0:
        drag = place.roughness, place.displacement, place.blending
        u = speed_ratio(e + place.roof - place.ground, *drag) / place.ratio
    return min(1.0, (1.0 - porosity) * held_wake(e, x, place.mast, place.roughness) * u)


@inlined
def _stronger(a, b):  # type: ignore[no-untyped-def]
    """Which of two takes more: by deficit, then nearness, then rise."""
    if a[0] != b[0]:
        return a if a[0] > b[0] else b
    if a[1] != b[1]:
        return a if a[1] < b[1] else b
    return a if a[2] >= b[2] else b


@kernel
def _strongest(height, distance, porosity, place):  # type: ignore[no-untyped-def]
    """Of what is seen in a direction, what takes most: its deficit, distance and rise above the
    roof; of equal ones the nearest, of these the highest."""
    most = NOTHING
    for q in range(len(height)):
        e, x = height[q] - place.roof, distance[q]
        again = q > 0 and height[q] == height[q - 1] and x == distance[q - 1]
        if e > 0.0 and not again:
            most = _stronger((_deficit(e, x, porosity, place), x, e), most)
    return most


@kernel
def _wakes(hubs, drag, ratios, near, far, porosity, wakes):  # type: ignore[no-untyped-def]
    for i in range(ratios.shape[0]):
        for s in range(ratios.shape[1]):
            place = _Place(
                hubs.roof[i], hubs.ground[i], hubs.mast, drag.roughness[i, s],
                drag.displacement[i, s], drag.blending[i, s], ratios[i, s],
            )  # fmt: skip
            for j in range(PER_SECTOR):
                degree = WIDE * s - WIDE // 2 + j
                if j == 0 or (degree + 1) % PER_FAR == 0:
                    k = ((degree + 1) // PER_FAR) % far.height.shape[1]
                    of_far = _strongest(far.height[i, k], far.distance[i, k], porosity, place)
                k = degree % near.height.shape[1]
                most = _strongest(near.height[i, k], near.distance[i, k], porosity, place)
                most = _stronger(most, of_far)
                wakes.deficit[i, s, j] = most[0]
                wakes.held[i, s, j] = most[0] > 0.0 and most[1] < FITTED * most[2]


def wakes_of(hubs: Hubs, drag: Drag, near: Seen, far: Seen, porosity: float) -> Wakes:
    """What is lost at hubs to what rises above their roofs. near: in 360 directions of 1 degree;
    far: in 120 of 3, of which a direction takes the one whose middle is nearest; porosity: of the
    obstacles, 0 to 1."""
    ratios = speed_ratios(hubs.roof - hubs.ground + hubs.mast, drag)
    shape = (*ratios.shape, PER_SECTOR)
    wakes = Wakes(np.empty(shape), np.empty(shape, np.bool_))
    _wakes(hubs, drag, ratios, _cast(near), _cast(far), porosity, wakes)
    return wakes


def _cast(seen: Seen) -> Seen:
    height, distance = (np.ascontiguousarray(part, np.float64) for part in seen)
    return Seen(height, distance)
