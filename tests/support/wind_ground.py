"""What the wind of the method `annual` sees of the heights, as plainly as it can be written: the
roughness around a place, and the highest that stands around a building; nothing of the program."""

import math
from typing import NamedTuple

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from tests.support.reference import Cells, Raster

SIDE = 256.0  # of the squares that roughness is summed over [m]
COARSE = 8  # cells along the side of one of the relief
STANDS_CM = 200
NEAR = tuple(range(10, 101, 10))  # radii [m], in sectors of 1 degree
FAR = (120, 150, 200, 250, 300, 400, 500, 600, 800)  # in sectors of 3 degrees
APART = 96.0  # of far cells from own ones, at least [m]
# Rows and columns to the eight neighbours, clockwise from the north.
NEIGHBOURS = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
Reals = NDArray[np.float64]
Numbers = NDArray[np.int64]
Seen = list[
    list[tuple[float, float]]
]  # of each direction or sector: heights [m NAP], distances [m]


class Relief(NamedTuple):
    """Cells of 8 x 8, in whole squares of 256 m from RD (0, 0). mean, highest: of the DSM, ground:
    below it [cm], NaN where unknown; west, north: of the first cell [RD m]; side [m]."""

    mean: Reals
    highest: Reals
    ground: Reals
    west: float
    north: float
    side: float

    @property
    def known(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.mean + self.ground)

    @property
    def per_square(self) -> int:
        """Cells along the side of a square."""
        return round(SIDE / self.side)


class Roughness(NamedTuple):
    """Of what stands around: mean height, standard deviation, highest [m]; plan and frontal area
    per area."""

    height: float = 0.0
    deviation: float = 0.0
    highest: float = 0.0
    plan: float = 0.0
    frontal: float = 0.0


def relief_of(dsm: Raster, dtm: Raster, transform: Affine) -> Relief:
    """The relief of heights [m], NaN without data; of the ground that has none, the median of the
    means in the same square."""
    r = transform.a
    west, north = math.floor(transform.c / SIDE) * SIDE, math.ceil(transform.f / SIDE) * SIDE
    top, left = round((north - transform.f) / r), round((transform.c - west) / r)
    per = round(SIDE / r)
    shape = [-(-(n + m) // per) * per for n, m in zip(dsm.shape, (top, left), strict=True)]
    blocks = []
    for metres in (dsm, dtm):
        cm = np.full(shape, np.nan)
        cm[top : top + len(metres), left : left + metres.shape[1]] = np.rint(
            100 * metres.astype(float)
        )
        rows, columns = shape[0] // COARSE, shape[1] // COARSE
        cells = cm.reshape(rows, COARSE, columns, COARSE).swapaxes(1, 2)
        blocks.append(cells.reshape(rows, columns, COARSE * COARSE))
    surface, below = blocks
    highest = np.max(np.where(np.isnan(surface), -np.inf, surface), axis=2)
    ground, n = mean_of(below), per // COARSE
    for i in range(0, len(ground), n):
        for j in range(0, ground.shape[1], n):
            square = ground[i : i + n, j : j + n]
            means = square[~np.isnan(square)]
            square[np.isnan(square)] = np.median(means) if means.size else np.nan
    highest[np.isinf(highest)] = np.nan
    return Relief(mean_of(surface), highest, ground, west, north, COARSE * r)


def mean_of(cells: Reals) -> Reals:
    """The mean of what is known in each cell; NaN where nothing is."""
    known = (~np.isnan(cells)).sum(axis=2)
    total = np.where(np.isnan(cells), 0, cells).sum(axis=2)
    return np.where(known > 0, total / np.maximum(known, 1), np.nan)


def rises_of(relief: Relief) -> Numbers:
    """How much each cell stands above each of its neighbours [cm], (rows, columns, 8); what stands
    2 m or less, or is unknown, counts as level ground."""
    surface = ((relief.mean + relief.highest) / 2 / 100).astype(np.float32)
    ground = (relief.ground / 100).astype(np.float32)
    above = np.float32(100) * (surface - ground)
    stands = (np.where(above > 0, above, np.float32(0)) + np.float32(0.5)).astype(np.int64)
    stands[stands <= STANDS_CM] = 0
    around = np.pad(stands, 1)
    rows, columns = stands.shape
    return np.stack(
        [
            np.maximum(stands - around[1 + i : 1 + i + rows, 1 + j : 1 + j + columns], 0)
            for i, j in NEIGHBOURS
        ],
        axis=2,
    )


def wind_weights(sector: int) -> Reals:
    """How much the winds from the eight neighbours count in the wind of a sector of 30 degrees,
    with the width of the lanes between them [cells], (8,)."""
    lanes = [1, math.sqrt(0.5)] * 4
    weights = np.zeros(8)
    before = int(30 * sector // 45)
    beyond = math.radians(30 * sector - 45 * before)
    eighth = math.pi / 4
    weights[before] = math.sin(eighth - beyond) / math.sin(eighth) * lanes[before]
    after = (before + 1) % 8
    weights[after] += math.sin(beyond) / math.sin(eighth) * lanes[after]
    return weights


def roughness_around(relief: Relief, x: float, y: float, fetch: float) -> list[Roughness]:
    """The roughness that the wind of each sector of 30 degrees comes over, to a place [RD m]."""
    n, known, rises = relief.per_square, relief.known, rises_of(relief)
    rows, columns = (size // n for size in known.shape)
    own, around = [], [list[tuple[int, int]]() for _ in range(12)]
    for i in range(rows):
        for j in range(columns):
            if not known[i * n : (i + 1) * n, j * n : (j + 1) * n].any():
                continue
            east = relief.west + (j + 0.5) * SIDE - x
            north = relief.north - (i + 0.5) * SIDE - y
            if (math.floor(x / SIDE), math.floor(y / SIDE)) == (
                math.floor((x + east) / SIDE), math.floor((y + north) / SIDE),
            ):  # fmt: skip
                own.append((i, j))
            elif math.hypot(east, north) <= fetch:
                for sector in sectors_of(east, north):
                    around[sector].append((i, j))
    found = []
    for sector in range(12):
        of = np.zeros(known.shape, bool)
        for i, j in around[sector] or own:
            of[i * n : (i + 1) * n, j * n : (j + 1) * n] = True
        found.append(roughness_of(relief, rises, of & known, sector))
    return found


def sectors_of(east: float, north: float) -> list[int]:
    """The sectors of 30 degrees that hold a bearing; both where it lies on a border."""
    bearing = math.degrees(math.atan2(east, north))
    off = [abs((bearing - 30 * sector + 180) % 360 - 180) for sector in range(12)]
    return [sector for sector in range(12) if round(off[sector], 9) <= 15]


def roughness_of(relief: Relief, rises: Numbers, of: NDArray[np.bool_], sector: int) -> Roughness:
    """The roughness of some known cells for the wind of a sector."""
    above = (relief.highest - relief.ground)[of]
    means = np.maximum(relief.mean - relief.ground, 0)[of]
    stands = above > STANDS_CM
    if not stands.any():
        return Roughness()
    heights = above[stands] / 100
    height, deviation = heights.mean(), heights.std()
    frontal = (rises[of].sum(axis=0) * wind_weights(sector)).sum() / 100 / relief.side / of.sum()
    return Roughness(
        float(height), float(deviation), float(min(heights.max(), height + 3 * deviation)),
        float(min(means[stands].sum() / 100 / (height * of.sum()), 0.9)), float(frontal),
    )  # fmt: skip


def seen_near(dsm: Raster, resolution: float, own: Cells, others: list[Cells]) -> Seen:
    """What is highest within each of NEAR, in 360 directions, of cells that are neither own nor of
    the other parts of the same building."""
    height = dsm.astype(np.float64)
    for part in others:
        on = (part.rows >= 0) & (part.columns >= 0)
        on &= (part.rows < len(dsm)) & (part.columns < dsm.shape[1])
        height[part.where(on)] = np.nan
    return highest_around(height, own, [radius / resolution for radius in NEAR], 360, resolution)


def seen_far(relief: Relief, transform: Affine, own: Cells, others: list[Cells]) -> Seen:
    """What is highest within each of FAR, in 120 sectors, of the relief's cells."""
    height = (relief.highest / 100).astype(np.float32).astype(np.float64)
    for part in others:
        cells = relief_cells(relief, transform, part)
        height[cells.rows, cells.columns] = np.nan
    cells = relief_cells(relief, transform, own)
    mine = np.zeros(height.shape, bool)
    mine[cells.rows, cells.columns] = True
    height[distance_transform_edt(~mine) <= APART / relief.side] = np.nan
    return highest_around(height, cells, [radius / relief.side for radius in FAR], 120, relief.side)


def relief_cells(relief: Relief, transform: Affine, cells: Cells) -> Cells:
    """The cells of the relief that hold some cells of the raster."""
    r = transform.a
    top, left = round((relief.north - transform.f) / r), round((transform.c - relief.west) / r)
    both = np.column_stack([(cells.rows + top) // COARSE, (cells.columns + left) // COARSE])
    rows, columns = np.unique(both, axis=0).T
    return Cells(rows, columns)


def highest_around(
    height: Reals, own: Cells, radii: list[float], sectors: int, side: float
) -> Seen:
    """The highest cell that is not own, by sector and within each radius [cells], and how far from
    the nearest own one the nearest of that height is. Bearings are from the middle of the box of
    own cells; none lies on a border, as the tangents of those are irrational."""
    wide = math.ceil(radii[-1])
    top, left = int(own.rows.min()) - wide, int(own.columns.min()) - wide
    shape = int(own.rows.max()) + wide + 1 - top, int(own.columns.max()) + wide + 1 - left
    mine = np.zeros(shape, bool)
    mine[own.rows - top, own.columns - left] = True
    around = cut_out(height, top, left, shape)
    around[mine] = np.nan
    _, (i, j) = distance_transform_edt(~mine, return_indices=True)
    rows, columns = np.indices(shape)
    squared = (i - rows) ** 2 + (j - columns) ** 2
    north = (own.rows.min() + own.rows.max()) / 2 - (rows + top)
    east = columns + left - (own.columns.min() + own.columns.max()) / 2
    turn = np.degrees(np.arctan2(east, north)) * sectors / 360
    sector = np.floor(turn + 0.5).astype(np.int64) % sectors
    seen: Seen = []
    for k in range(sectors):
        here = ((sector == k) | ((east == 0) & (north == 0))) & ~np.isnan(around)
        here &= squared <= radii[-1] ** 2
        heights, away = around[here], squared[here]
        seen.append([])
        for radius in radii:
            within = away <= radius**2
            if within.any():
                highest = heights[within].max()
                nearest = away[within & (heights == highest)].min()
                seen[-1].append((float(highest), math.sqrt(nearest) * side))
    return seen


def cut_out(height: Reals, top: int, left: int, shape: tuple[int, int]) -> Reals:
    """A window of an array, NaN where it reaches beyond."""
    window = np.full(shape, np.nan)
    rows = np.arange(top, top + shape[0])
    columns = np.arange(left, left + shape[1])
    down, along = (rows >= 0) & (rows < len(height)), (columns >= 0) & (columns < height.shape[1])
    window[np.ix_(down, along)] = height[np.ix_(rows[down], columns[along])]
    return window
