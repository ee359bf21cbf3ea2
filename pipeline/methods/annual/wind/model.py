"""What the wind of a year is computed from, and what it gives: arrays with a row a candidate.

Sectors are 12 of 30 degrees, clockwise, the first centred on grid north.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

NEAR_DIRECTIONS, FAR_DIRECTIONS = 360, 120
NEAR_M = tuple(range(10, 101, 10))  # radii within which obstacles are sought at full resolution
FAR_M = (120, 150, 200, 250, 300, 400, 500, 600, 800)  # and on the cells of the relief

Reals = NDArray[np.float64]


class Candidates(NamedTuple):
    """Buildings that may have a turbine.

    position: their places among the buildings of the block; roof, ground: height of the roof, and
    of the ground below it [m NAP]; each (candidates,).
    """

    position: NDArray[np.int64]
    roof: Reals
    ground: Reals


class Ground(NamedTuple):
    """What stands around candidates, by sector: each (candidates, 12).

    height, deviation, highest: of what stands above the ground, its mean, standard deviation and
    limited maximum [m], 0 where nothing stands; plan, frontal: area per known area of what stands,
    as seen from above and by the wind.
    """

    height: Reals
    deviation: Reals
    highest: Reals
    plan: Reals
    frontal: Reals


class Obstacles(NamedTuple):
    """The highest of what is not a candidate's own, by direction and radius, NaN where there is
    none: height [m NAP], and distance [m] of the nearest that high.

    near: at full resolution, (candidates, NEAR_DIRECTIONS, radii NEAR_M); far: on the cells of the
    relief, (candidates, FAR_DIRECTIONS, radii FAR_M). The first direction of each is centred on
    grid north.
    """

    near_height: Reals
    near_distance: Reals
    far_height: Reals
    far_distance: Reals


class Scene(NamedTuple):
    """Candidates, what stands around each of them, and what is highest there."""

    candidates: Candidates
    ground: Ground
    obstacles: Obstacles


class WindYear(NamedTuple):
    """The wind of a year at the hubs of candidates, and the yields of a turbine there.

    hub: height [m NAP]; kwh, brochure_kwh: yield as in the field, and by the maker's curve
    [kWh/year]; sector_kwh: of kwh, (candidates, 12); mean, unsheltered: wind speed at the hub,
    and if nothing rose above the roof [m/s]; roughness, displacement: z0 and d, weighted by kwh
    over the sectors [m]; held: the share of directions where the obstacle that shelters most is
    too near for what the wake was fitted to; low_kwh, high_kwh: ends of the interval of kwh;
    low_hub: whether the hub lies within the roughness of a sector. Each is (candidates,) but
    sector_kwh.
    """

    hub: Reals
    kwh: Reals
    brochure_kwh: Reals
    sector_kwh: Reals
    mean: Reals
    unsheltered: Reals
    roughness: Reals
    displacement: Reals
    held: Reals
    low_kwh: Reals
    high_kwh: Reals
    low_hub: NDArray[np.bool_]
