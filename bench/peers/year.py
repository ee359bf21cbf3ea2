"""A year of sun on the level roofs of the city: ours, brute force, and what is said of peers."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bench.cases import Workload
from bench.exact_light import Receivers, light_by_force
from bench.peers.program import LOWEST_ROOF, RESOLUTION
from bench.peers.stage import SQUARE
from bench.peers.truth import Cells, Floats
from bench.scenes import city
from kernels.coarse import coarsen
from kernels.field import far_field, near_field
from kernels.horizon import FLOOR, horizon, horizon_halo
from pipeline.methods.climate import climate_of, light_of_year, shipped_climate
from pipeline.methods.climate.light import Planes, sky_view
from pipeline.methods.climate.table import BINS, azimuths

SAMPLE = 400
LIFT = 0.1  # from here cells look, over their roof [m]


def share_of_roofs(side: int) -> Workload:
    """Of what a level roof would get on open ground, what each roof cell gets, with the means and
    the pyramid that it needs: (roof cells,)."""
    height, roofs = city(side), city(side) > LOWEST_ROOF
    levels = horizon_halo(float(np.ptp(height)), FLOOR, RESOLUTION).levels
    light = light_of_year(climate_of(shipped_climate(), SQUARE))
    ways = azimuths(len(light.table))
    bins = np.arange(BINS)[:, None]
    seen = sky_view(Planes(*np.zeros((2, BINS))), bins) / len(ways)
    table = (light.table[..., 2] + light.isotropic * seen) / light.irradiation

    def call() -> NDArray[np.float32]:
        near, far = near_field(height, 0, 0), far_field(coarsen(height, 0, 0), levels)
        table32 = table[..., None].astype(np.float32)
        own = height + np.float32(LIFT)
        return horizon(near, far, roofs, ways, RESOLUTION, table32, own=own).sums[:, 0]

    return Workload(call, int(roofs.sum()))


@lru_cache
def by_force(side: int) -> tuple[Cells, Floats]:
    """Some roof cells in the middle, where programs agree on what is around, and what share they
    get by brute force."""
    height, middle = city(side), slice(side // 4, side - side // 4)
    roofs = np.argwhere(height[middle, middle] > LOWEST_ROOF) + side // 4
    rng = np.random.default_rng(2008)
    cells = Cells(*roofs[rng.choice(len(roofs), min(SAMPLE, len(roofs)), replace=False)].T)
    receivers = Receivers(
        *cells, height[cells].astype(float) + LIFT, np.zeros((len(cells.row), 1, 2))
    )
    light = light_by_force(
        height, receivers, climate_of(shipped_climate(), SQUARE), RESOLUTION, 0.0
    )
    return cells, (light.irradiation / light.unshaded)[:, 0]


def judged(side: int, output: NDArray[np.float64]) -> str:
    """How far 95 % of the sample are off at most, and our own."""
    cells, right = by_force(side)
    own = np.full((side, side), np.nan)
    own[city(side) > LOWEST_ROOF] = share_of_roofs(side).call()
    theirs, ours = (100 * np.quantile(abs(of[cells] - right), 0.95) for of in (output, own))
    return f"off brute force by at most {theirs:.2g} % of the open sum in 95 % (ours {ours:.2g} %)"
