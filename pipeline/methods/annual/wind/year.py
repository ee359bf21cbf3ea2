"""The wind of a year at the hubs of candidates, and what a turbine makes of it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.profile import Drag, speed_ratios
from kernels.wake import PER_SECTOR, Hubs, Seen, Wakes, wakes_of
from kernels.weibull import mean_power
from pipeline.methods.annual.rules import ROUGHNESS_MODELS, Annual
from pipeline.methods.annual.wind.drag import drag_of
from pipeline.methods.annual.wind.interval import HIGH_MAST, LOW_MAST, ends, own_sigma
from pipeline.methods.annual.wind.model import Scene, WindYear
from pipeline.methods.climate.turbines import BIN, Turbine
from pipeline.methods.climate.wind import SquareWind

KWH = 8760 / 1000  # in a year, of a mean power of 1 W
SHARES = np.full(PER_SECTOR, 1 / 30)  # of a sector, that its directions have; borders half
SHARES[[0, -1]] = 1 / 60

Reals = NDArray[np.float64]


class HubWind(NamedTuple):
    """The wind at hubs. drag: of the ground; ratio: to the station's, if nothing rose above the
    roof, (candidates, 12); wakes: what obstacles take; mean: speed in each direction [m/s],
    (candidates, 12, 31); free: the same with no obstacle, (candidates, 12)."""

    drag: Drag
    ratio: Reals
    wakes: Wakes
    mean: Reals
    free: Reals


def year_of_wind(scene: Scene, wind: SquareWind, turbine: Turbine, p: Annual) -> WindYear:
    """The year of a turbine on each candidate. wind: of the square of the lattice that holds the
    candidates' centres."""
    share = wind.frequency / wind.frequency.sum()
    hub = hub_wind(scene, wind, p.roughness_model, p.mast_m, p)
    powers = np.array([turbine.field_curve, turbine.curve])
    field, brochure = np.moveaxis(sector_yields(hub, wind, powers), 2, 0)
    kwh = field.sum(1)
    low, high = ends(kwh, _own_sigma(scene, wind, turbine, kwh, p))
    weights = np.where(kwh[:, None] > 0.0, field, 1.0)
    return WindYear(
        hub=scene.candidates.roof + p.mast_m,
        kwh=kwh,
        brochure_kwh=brochure.sum(1),
        sector_kwh=field,
        mean=((hub.mean * SHARES).sum(2) * share).sum(1),
        unsheltered=(hub.free * share).sum(1),
        roughness=(hub.drag.roughness * weights).sum(1) / weights.sum(1),
        displacement=(hub.drag.displacement * weights).sum(1) / weights.sum(1),
        held=(hub.wakes.held * SHARES).sum((1, 2)) / len(share),
        low_kwh=low,
        high_kwh=high,
        low_hub=(hub.ratio == 0.0).any(1),
    )


def hub_wind(scene: Scene, wind: SquareWind, model: str, mast: float, p: Annual) -> HubWind:
    """The wind at hubs by a model of roughness, on a mast [m]."""
    candidates, ground, obstacles = scene
    drag = drag_of(ground, model)
    hubs = Hubs(candidates.roof, candidates.ground, mast)
    near = Seen(obstacles.near_height, obstacles.near_distance)
    far = Seen(obstacles.far_height, obstacles.far_distance)
    wakes = wakes_of(hubs, drag, near, far, p.porosity)
    ratio = speed_ratios(candidates.roof - candidates.ground + mast, drag)
    free = wind.mean * ratio * p.roof_speedup
    return HubWind(drag, ratio, wakes, free[..., None] * (1.0 - wakes.deficit), free)


def sector_yields(hub: HubWind, wind: SquareWind, powers: Reals) -> Reals:
    """Yields of turbines by sector [kWh/year], (candidates, 12, turbines): the sum of those of its
    directions. powers: of the turbines, by bin of speeds [W], (turbines, BINS)."""
    watts = mean_power(hub.mean.reshape(-1), wind.shape, BIN, powers)
    by_direction = watts.reshape(*hub.mean.shape, len(powers)) * SHARES[:, None]
    yields: Reals = KWH * wind.frequency[:, None] * by_direction.sum(2)
    return yields


def _own_sigma(scene: Scene, wind: SquareWind, turbine: Turbine, kwh: Reals, p: Annual) -> Reals:
    """The part of sigma that is not common to all candidates. kwh: their yields."""
    powers = turbine.field_curve[None]

    def otherwise(model: str, mast: float) -> Reals:
        hub = hub_wind(scene, wind, model, mast, p)
        total: Reals = sector_yields(hub, wind, powers)[..., 0].sum(1)
        return total

    (other,) = {*ROUGHNESS_MODELS} - {p.roughness_model}
    masts = otherwise(p.roughness_model, LOW_MAST), otherwise(p.roughness_model, HIGH_MAST)
    return own_sigma((kwh, otherwise(other, p.mast_m)), masts)
