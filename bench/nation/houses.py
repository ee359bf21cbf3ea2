"""The buildings of the generated nation: each on a lot of its own, in a street of its square."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from bench.nation.chance import Floats, between, uniform
from bench.nation.land import COLUMNS, FARMYARDS, FLATS, SOUTH, SQUARE, WEST, Land, elevation
from bench.nation.roofs import Roofs, roofs

MARGIN = 6.0  # between a square's lots and its edge [m]
LOTS = 2000  # more than a square has
TOWERS, MASTS = 0.08, 5e-5  # of flats, of farmyards
ANGLED = 0.3  # L-shaped, of what does not stand in a row
STATUSES = (
    "Pand in gebruik",
    "Pand in gebruik (niet ingemeten)",
    "Verbouwing pand",
    "Sloopvergunning verleend",
)
STATUS_SHARES = np.cumsum([0.95, 0.03, 0.01])


class Fabric(NamedTuple):
    """Sizes of a lot along and across the street [m]; of its building, the least and most share
    of those; its height [m]."""

    lot: tuple[float, float]
    along: tuple[float, float]
    across: tuple[float, float]
    height: tuple[float, float]


FABRICS = (  # as land.TERRACES ... HALLS
    Fabric((7.5, 18.0), (1.0, 1.0), (0.45, 0.65), (6.0, 12.0)),
    Fabric((15.0, 23.0), (0.5, 0.95), (0.35, 0.7), (4.0, 10.0)),
    Fabric((26.0, 34.0), (0.55, 0.9), (0.4, 0.8), (9.0, 18.0)),
    Fabric((38.0, 46.0), (0.16, 0.5), (0.2, 0.55), (3.0, 9.0)),
    Fabric((64.0, 80.0), (0.5, 0.95), (0.5, 0.95), (5.0, 12.0)),
)


@dataclass(frozen=True)
class Houses:
    """Buildings. id: int64 of 16 digits; geometry: polygons in RD; top: float32 [m NAP]; height:
    above the ground at the middle [m]; built: int32; status: position in STATUSES; roofs: where
    they are pitched, of which `top` is the ridge."""

    id: NDArray[np.int64]
    geometry: NDArray[Any]
    top: NDArray[np.float32]
    height: Floats
    built: NDArray[np.int32]
    status: NDArray[np.int8]
    roofs: Roofs

    def __len__(self) -> int:
        return len(self.id)


class _Lots(NamedTuple):
    """Column, row and fabric of their square; number in it; middle [RD m]; cosine and sine of
    the street."""

    column: NDArray[np.int64]
    row: NDArray[np.int64]
    fabric: NDArray[np.int64]
    number: NDArray[np.int64]
    x: Floats
    y: Floats
    cosine: Floats
    sine: Floats


def houses(land: Land, column: NDArray[np.int64], row: NDArray[np.int64]) -> Houses:
    """The buildings of some squares; each lies within its square."""
    inhabited = land.density[row, column] > 0
    column, row = column[inhabited], row[inhabited]
    fabric = land.fabric[row, column]
    parts = [_taken(land, f, column[fabric == f], row[fabric == f]) for f in range(len(FABRICS))]
    lots = _Lots(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return _built(land.seed, lots)


def _taken(land: Land, fabric: int, column: NDArray[np.int64], row: NDArray[np.int64]) -> _Lots:
    """The lots of squares of a fabric that have a building: every third row of lots is a
    street."""
    wide, deep = FABRICS[fabric].lot
    half = SQUARE / 2
    reach = half * np.sqrt(2)
    v, u = np.meshgrid(
        np.arange(deep / 2 - reach, reach, deep), np.arange(wide / 2 - reach, reach, wide)
    )
    street = (np.arange(v.shape[1]) % 3 == 2)[None, :] | np.zeros(v.shape, np.bool_)
    u, v = u[~street], v[~street]
    turn = np.pi * uniform(land.seed, 10, column, row)[:, None]
    cosine, sine = np.cos(turn), np.sin(turn)
    x, y = u * cosine - v * sine, u * sine + v * cosine
    free = half - MARGIN - np.hypot(wide, deep) / 2
    inside = np.maximum(np.abs(x), np.abs(y)) <= free
    share = land.density[row, column] / np.maximum(inside.sum(axis=1), 1)
    drawn = uniform(land.seed, 11, column[:, None], row[:, None], np.arange(u.size))
    square, number = np.nonzero(inside & (drawn < share[:, None]))
    column, row = column[square], row[square]
    return _Lots(
        column,
        row,
        np.full(len(square), fabric),
        number,
        WEST + (column + 0.5) * SQUARE + x[square, number],
        SOUTH + (row + 0.5) * SQUARE + y[square, number],
        cosine[square, 0],
        sine[square, 0],
    )


def _built(seed: int, lots: _Lots) -> Houses:
    def share(stream: int) -> Floats:
        return uniform(seed, stream, lots.column, lots.row, lots.number)

    lot, along, across, heights = (
        np.array([getattr(f, name) for f in FABRICS])[lots.fabric] for name in Fabric._fields
    )
    size = lot * np.column_stack(
        [
            between(along[:, 0], along[:, 1], share(12)),
            between(across[:, 0], across[:, 1], share(13)),
        ]
    )
    height = between(heights[:, 0], heights[:, 1], share(14))
    tower = (lots.fabric == FLATS) & (share(15) < TOWERS)
    height[tower] = np.minimum(20 - 25 * np.log1p(-share(14)[tower]), 150)
    mast = (lots.fabric == FARMYARDS) & (share(15) < MASTS)
    size[mast], height[mast] = 6.0, between(100.0, 220.0, share(14)[mast])
    angled = (share(16) < ANGLED) & (lots.fabric > 0) & ~tower & ~mast
    notch = np.column_stack([between(0.3, 0.6, share(17)), between(0.3, 0.6, share(18))])
    status = np.searchsorted(STATUS_SHARES, share(19), side="right")
    return Houses(
        id=10**15 + (lots.row * COLUMNS + lots.column) * LOTS + lots.number,
        geometry=_polygons(lots, size / 2, notch, angled),
        top=(elevation(lots.x, lots.y) + height).astype(np.float32),
        height=height,
        built=(2020 - 140 * share(20) ** 2).astype(np.int32),
        status=status.astype(np.int8),
        roofs=roofs(
            lots.fabric,
            (lots.x, lots.y),
            (lots.cosine, lots.sine),
            size / 2,
            height,
            (share(21), share(22)),
        ),
    )


def _polygons(lots: _Lots, half: Floats, notch: Floats, angled: NDArray[np.bool_]) -> NDArray[Any]:
    """Rectangles, or such without a corner, to the millimetre."""
    made = np.empty(len(half), object)
    (a, b), (c, d) = half.T, (half - 2 * half * notch).T
    for chosen, ring in (
        (~angled, [(-a, -b), (a, -b), (a, b), (-a, b)]),
        (angled, [(-a, -b), (a, -b), (a, d), (c, d), (c, b), (-a, b)]),
    ):
        u, v = (np.stack(side, axis=1)[chosen] for side in zip(*ring, strict=True))
        cosine, sine = lots.cosine[chosen, None], lots.sine[chosen, None]
        x = lots.x[chosen, None] + u * cosine - v * sine
        y = lots.y[chosen, None] + u * sine + v * cosine
        made[chosen] = shapely.polygons(np.round(np.stack([x, y], axis=2), 3))
    return made
