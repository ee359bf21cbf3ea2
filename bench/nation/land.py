"""The land of the generated nation: relief, sea, lakes, towns, woods.

All of it is given by squares of 250 m, whose lines lie beside those of sheets, shards and the
suns' lattice, so that buildings stand across all of these.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.nation.chance import Floats, between, uniform
from pipeline.heights.ahn_index import HEIGHT_M, WIDTH_M, AhnSheet, sheets

SEED, FOOTPRINTS = 2008, 10_000_000
SQUARE = 250.0
WEST, SOUTH = 110.0, 90.0  # of square (0, 0) [RD m]
COLUMNS, ROWS = 1152, 2560
CANAL_EVERY, CANAL_HALF = 2000.0, 5.0  # along lines of squares, which keep buildings away [m]

TOWNS, LARGEST, DECLINE = 2500, 250_000, 0.7  # of rank n: LARGEST / n ** DECLINE buildings
CAPITAL = (122_500.0, 484_375.0)  # RD [m], in the middle of sheet 25GN1
DENSEST = 1200.0  # buildings a km2 in the middle of the capital
FARMS = 2.5  # a square

TERRACES, HOUSES, FLATS, FARMYARDS, HALLS = range(5)
MOST = np.array([180.0, 60.0, 28.0, 12.0, 5.0])  # buildings a square, by its fabric

HILLS = (  # x, y, radius, height: a hill of Vaals, and lower ones [m]
    (197e3, 308e3, 14e3, 305.0),
    (187e3, 462e3, 14e3, 80.0),
    (150e3, 450e3, 7e3, 45.0),
    (245e3, 480e3, 15e3, 40.0),
    (195e3, 420e3, 9e3, 60.0),
)
SWELLS = ((1900.0, 1500.0, 0.9), (530.0, 610.0, 0.35))  # along x, along y, height [m]


@dataclass(frozen=True)
class Land:
    """By square, arrays (ROWS, COLUMNS), northward and eastward.

    wet: sea, or a lake; wooded; density: buildings to expect; fabric: TERRACES ... HALLS.
    """

    seed: int
    wet: NDArray[np.bool_]
    wooded: NDArray[np.bool_]
    density: Floats
    fabric: NDArray[np.int8]

    def expected(self, place: AhnSheet) -> float:
        """The expected number of buildings of a sheet."""
        column, row = squares_of(place)
        return float(self.density[row, column].sum())


def squares_of(place: AhnSheet) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns and rows of the squares whose south-western corner lies on a sheet: each square is
    of one sheet."""
    xmin, ymin, xmax, ymax = place.bounds
    return _grid(
        np.arange(np.ceil((xmin - WEST) / SQUARE), np.ceil((xmax - WEST) / SQUARE)),
        np.arange(np.ceil((ymin - SOUTH) / SQUARE), np.ceil((ymax - SOUTH) / SQUARE)),
    )


def squares_touching(
    bounds: tuple[float, float, float, float],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns and rows of the squares that meet a rectangle [RD m]."""
    xmin, ymin, xmax, ymax = bounds
    return _grid(
        np.arange((xmin - WEST) // SQUARE, np.ceil((xmax - WEST) / SQUARE)),
        np.arange((ymin - SOUTH) // SQUARE, np.ceil((ymax - SOUTH) / SQUARE)),
    )


def _grid(columns: NDArray[Any], rows: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    column, row = np.meshgrid(columns.astype(np.int64), rows.astype(np.int64))
    return column.ravel(), row.ravel()


@lru_cache(maxsize=2)
def land(seed: int = SEED, footprints: int = FOOTPRINTS) -> Land:
    """The nation as it is for a seed, with about so many buildings on all its sheets."""
    row, column = np.arange(ROWS)[:, None], np.arange(COLUMNS)
    on_sheets, sea = _sea()
    lake = uniform(seed, 1, column // 8, row // 8) < 0.03
    pond = uniform(seed, 2, column, row) < 0.01
    wet = sea | lake | pond
    wet[_square_of(*CAPITAL)] = False
    farms = -FARMS * np.log1p(-uniform(seed, 3, column, row))
    density = np.where(wet | ~on_sheets, 0.0, _towns(seed, wet) + farms)
    chance = uniform(seed, 4, column, row)
    scale = 1.0
    for _ in range(4):  # what a square cannot hold goes to the others
        fabric = _fabric(density * scale, chance)
        held = np.minimum(density * scale, MOST[fabric]).sum()
        scale *= footprints / held
    return Land(
        seed,
        wet,
        ~wet & (uniform(seed, 5, column // 4, row // 4) < 0.15),
        np.minimum(density * scale, MOST[fabric]),
        fabric,
    )


def _square_of(x: float, y: float) -> tuple[int, int]:
    return int((y - SOUTH) // SQUARE), int((x - WEST) // SQUARE)


def _sea() -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which squares lie on a sheet of the land, and which in the sea or abroad: beyond a line
    halfway to the next sheet that is none of the land's."""
    is_land = np.zeros((110, 64))
    for place in sheets():
        is_land[int(place.bounds[1] / HEIGHT_M), int(place.bounds[0] / WIDTH_M)] = place.land
    x = (WEST + SQUARE * (np.arange(COLUMNS) + 0.5)) / WIDTH_M
    y = (SOUTH + SQUARE * (np.arange(ROWS) + 0.5)) / HEIGHT_M
    nearest = is_land[np.ix_(y.astype(int), x.astype(int))] > 0
    i, j = np.floor(y - 0.5).astype(int), np.floor(x - 0.5).astype(int)
    v, u = (y - 0.5 - i)[:, None], x - 0.5 - j
    south = is_land[np.ix_(i, j)] * (1 - u) + is_land[np.ix_(i, j + 1)] * u
    north = is_land[np.ix_(i + 1, j)] * (1 - u) + is_land[np.ix_(i + 1, j + 1)] * u
    return nearest, south * (1 - v) + north * v < 0.5


def _towns(seed: int, wet: NDArray[np.bool_]) -> Floats:
    """Buildings a square, of towns that thin out from their middle."""
    rng = np.random.default_rng([seed, 6])
    found = np.zeros(wet.shape)
    places = rng.choice(np.flatnonzero(~wet), TOWNS, replace=False)
    places[0] = np.ravel_multi_index(_square_of(*CAPITAL), wet.shape)
    buildings = LARGEST / np.arange(1, TOWNS + 1) ** DECLINE
    a_square = DENSEST * (buildings / LARGEST) ** 0.12 * (SQUARE / 1000) ** 2
    radii = np.sqrt(buildings / (np.pi * a_square))  # in squares
    for place, middle, radius in zip(places, a_square, radii, strict=True):
        row, column = divmod(int(place), COLUMNS)
        far = int(3 * radius) + 1
        rows, columns = (
            np.arange(max(at - far, 0), min(at + far + 1, most))
            for at, most in ((row, ROWS), (column, COLUMNS))
        )
        along, across = ((columns - column) / radius) ** 2, ((rows - row) / radius) ** 2
        found[np.ix_(rows, columns)] += middle * np.exp(-across)[:, None] * np.exp(-along)
    return found


def _fabric(density: Floats, chance: Floats) -> NDArray[np.int8]:
    fabric = np.select([density > 45, density > 8], [TERRACES, HOUSES], FARMYARDS)
    fabric[(density > 25) & (chance < 0.1)] = FLATS
    fabric[(density > 3) & (chance > 0.97)] = HALLS
    return fabric.astype(np.int8)


def elevation(x: NDArray[Any], y: NDArray[Any]) -> Floats:
    """Height of the ground [m NAP] at RD points, which broadcast: polders of -5 m in the west,
    dunes along the coast, hills of 320 m in the far south-east."""
    ground = 16 / (1 + np.exp((185e3 - x) / 22e3)) - 5.2
    ground = ground + 20 / (1 + np.exp((y - 385e3) / 12e3))
    for x0, y0, radius, height in HILLS:
        along, across = ((x - x0) / radius) ** 2, ((y - y0) / radius) ** 2
        ground = ground + (height * np.exp(-across)) * np.exp(-along)
    for long, wide, height in SWELLS:
        ground = ground + (height * np.sin(2 * np.pi * y / wide)) * np.sin(2 * np.pi * x / long)
    return np.asarray(ground + _dunes(x, y))


def _dunes(x: NDArray[Any], y: NDArray[Any]) -> Floats:
    """A ridge of 1 km along a line beside the sea, up to 25 m, with gaps."""
    coast = between(64e3, 108e3, (y - 440e3) / 110e3)
    beside = np.abs(x - coast) / 1000
    if (beside > 3).all() or y.max() < 440e3 or y.min() > 555e3:
        return np.zeros(np.broadcast_shapes(x.shape, y.shape))
    ridge = np.exp(-(beside**2)) * (1 + np.sin(2 * np.pi * y / 430) * np.sin(2 * np.pi * x / 370))
    return np.asarray(12.5 * ridge * ((y > 440e3) & (y < 555e3)))


def in_canal(x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether RD points, which broadcast, lie in a canal."""

    def near(at: NDArray[Any], start: float) -> NDArray[np.bool_]:
        half = CANAL_EVERY / 2
        return np.asarray(np.abs((at - start + half) % CANAL_EVERY - half) < CANAL_HALF)

    return near(x, WEST) | near(y, SOUTH)
