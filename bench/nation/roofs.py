"""Roofs of the generated nation's buildings, where they are asked for as pitched."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.nation.chance import Floats, between
from bench.nation.land import HOUSES, TERRACES

GENTLEST, STEEPEST = np.tan(np.radians((25.0, 50.0)))
HIPPED = 0.4  # of the houses that stand by themselves
HIGHEST = 0.6  # of a building's height its roof takes at most


class Roofs(NamedTuple):
    """Gables and hips, highest along their ridge: that falls from the middle to both sides, and
    where `hipped` to both ends as well.

    x, y: middle [RD m]; cosine, sine: direction of the ridge; along, across: half the size in that
    direction and across it [m]; slope: tangent of the tilt, 0 of a flat roof; hipped: bool.
    """

    x: Floats
    y: Floats
    cosine: Floats
    sine: Floats
    along: Floats
    across: Floats
    slope: Floats
    hipped: NDArray[np.bool_]

    def below_ridge(self, roof: NDArray[np.int64], x: Floats, y: Floats) -> Floats:
        """How far roofs lie below their ridge at points [m]. roof, x, y: (points,)."""
        east, north = x - self.x[roof], y - self.y[roof]
        cosine, sine = self.cosine[roof], self.sine[roof]
        aside = np.abs(north * cosine - east * sine)
        beyond = np.abs(east * cosine + north * sine) - (self.along - self.across)[roof]
        fall = np.where(self.hipped[roof], np.maximum(aside, beyond), aside)
        return np.asarray(self.slope[roof] * np.minimum(fall, self.across[roof]))


def roofs(
    fabric: NDArray[np.int64],
    middle: tuple[Floats, Floats],
    street: tuple[Floats, Floats],
    half: Floats,
    height: Floats,
    shares: tuple[Floats, Floats],
) -> Roofs:
    """Roofs of buildings: gables along the street on terraces, gables and hips along the longer
    side of houses, all else flat.

    street: its cosine and sine; half: (buildings, 2), half the sizes along and across the street
    [m]; height: of the ridge [m]; shares: in [0, 1), for the tilt and for gable or hip.
    """
    house = fabric == HOUSES
    turned = house & (half[:, 0] < half[:, 1])
    along, across = np.where(turned[:, None], half[:, ::-1], half).T
    slope = np.minimum(between(GENTLEST, STEEPEST, shares[0]), HIGHEST * height / across)
    return Roofs(
        *middle,
        cosine=np.where(turned, -street[1], street[0]),
        sine=np.where(turned, street[0], street[1]),
        along=along,
        across=across,
        slope=np.where(house | (fabric == TERRACES), slope, 0.0),
        hipped=house & (shares[1] < HIPPED),
    )
