"""The roughness of the ground around candidates, by sector, from squares of the relief."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.coarse import COARSE
from kernels.disc import borders_of
from kernels.roughness import KNOWN, RoughnessSums, roughness
from pipeline.grid.windows import Window, cell_of, uniform_halo
from pipeline.methods.annual.wind.model import Ground
from pipeline.methods.annual.wind.surroundings import SQUARE_M, Surroundings
from pipeline.methods.climate.roses import SECTORS

CM = 100.0
MOST_PLAN = 0.9
DEVIATIONS = 3.0  # above the mean, beyond which the highest does not count

Reals = NDArray[np.float64]


class _Sectors(NamedTuple):
    """Sums over the squares of each sector, (SECTORS,): those of `Standing`, and (SECTORS, FIELDS)
    the rises of `RoughnessSums`."""

    cells: Reals
    total: Reals
    square: Reals
    body: Reals
    highest: Reals
    rises: NDArray[np.int64]


def ground_of(around: Surroundings, centres: Reals, fetch: float, resolution: float) -> Ground:
    """What stands around candidates. centres: (candidates, 2), RD [m]; fetch: how far the centres
    of squares may be from these [m]; around: with all of these squares read."""
    own = [Window(*cell_of(x, y, SQUARE_M), 1, 1) for x, y in centres.tolist()]
    beside = uniform_halo(int(fetch / SQUARE_M + 0.5))
    frame = own[0].grow(beside)
    for square in own:
        frame = frame.union(square.grow(beside))
    rises = around.rises(frame)
    parts = [
        _of_sectors(
            _summed(around, rises.added[frame.slices(square.grow(beside))], square, centre, fetch),
            resolution,
        )
        for square, centre in zip(own, centres, strict=True)
    ]
    return Ground(*(np.stack(values) for values in zip(*parts, strict=True)))


def _summed(
    around: Surroundings, rises: NDArray[np.int64], own: Window, centre: Reals, fetch: float
) -> _Sectors:
    """The sums of one candidate. rises: of the squares around its own, which is in their middle."""
    half = len(rises) // 2
    place = around.frame.slices(own.grow(uniform_halo(half)))
    member = _members(rises[..., KNOWN] > 0, own, centre, fetch).reshape(SECTORS, -1)
    cells, *sums, highest = (part[place].reshape(-1) for part in around.standing)
    total, square, body = (np.where(member, part, 0.0).sum(axis=1) for part in sums)
    return _Sectors(
        np.where(member, cells, 0).sum(axis=1).astype(np.float64),
        total,
        square,
        body,
        np.where(member, highest, 0.0).max(axis=1),
        member.astype(np.int64) @ rises.reshape(len(member[0]), -1),
    )


def _members(
    known: NDArray[np.bool_], own: Window, centre: Reals, fetch: float
) -> NDArray[np.bool_]:
    """Which squares count for each sector, (SECTORS, rows, columns): those within the fetch that
    are known, without the own one in the middle; that alone in a sector without any."""
    half = len(known) // 2
    east = (own.left + np.arange(-half, half + 1) + 0.5) * SQUARE_M - centre[0]
    north = -(own.top + np.arange(-half, half + 1) + 0.5) * SQUARE_M - centre[1]
    near = known & (north[:, None] ** 2 + east**2 <= fetch * fetch)
    near[half, half] = False
    ends = borders_of(SECTORS).astype(np.float64)
    # Negative of what lies clockwise from a sector's end; exactly 0 on the diagonals.
    side = ends[:, 0, None, None] * north[:, None] - ends[:, 1, None, None] * east
    member: NDArray[np.bool_] = near & (side >= 0) & (np.roll(side, 1, axis=0) <= 0)
    alone = ~member.any(axis=(1, 2))
    member[alone, half, half] = known[half, half]
    return member


def _of_sectors(sums: _Sectors, resolution: float) -> tuple[Reals, ...]:
    """The fields of `Ground` of one candidate, (SECTORS,)."""
    some = np.maximum(sums.cells, 1)
    height = sums.total / some
    deviation = np.sqrt(np.maximum(sums.square / some - height * height, 0.0))
    highest = np.minimum(sums.highest, height + DEVIATIONS * deviation)
    stands, known = sums.cells > 0, np.maximum(sums.rises[:, KNOWN], 1)
    plan = np.divide(sums.body, height * known, out=np.zeros(SECTORS), where=stands)
    walls = RoughnessSums(sums.rises, np.zeros(SECTORS, np.int64))
    frontal = np.diagonal(roughness(walls, SECTORS, COARSE * resolution).frontal)
    metres = (cm / CM for cm in (height, deviation, highest))
    return *metres, np.minimum(plan, MOST_PLAN), np.where(stands, frontal, 0.0)
