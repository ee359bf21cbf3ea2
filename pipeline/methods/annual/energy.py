"""What the modules of planes yield in a year, month by month, and how sure that is."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.methods.annual.interval import of_roof, shade_of
from pipeline.methods.annual.light import WATT_HOURS, PlaneLight
from pipeline.methods.annual.rules import LAYOUTS, Annual

Reals = NDArray[np.float64]


class Energy(NamedTuple):
    """The year of planes, each (planes,) but where it says otherwise.

    irradiation, unshaded: of their modules, behind what stands around and with nothing there
    [kWh/m2]; kwh, unshaded_kwh: yields [kWh]; low, high: ends of the interval of kwh [kWh]; months:
    (planes, 12) [kWh], unshaded_months: the same with nothing there; layouts: (planes, 2) by
    LAYOUTS on flat planes, on others 0 [kWh].
    """

    irradiation: Reals
    unshaded: Reals
    kwh: Reals
    unshaded_kwh: Reals
    low: Reals
    high: Reals
    months: Reals
    unshaded_months: Reals
    layouts: Reals


def energy_of(light: PlaneLight, kwp: Reals, flat_kwp: Reals, p: Annual) -> Energy:
    """The year of planes. kwp: (planes,), of their modules; flat_kwp: (planes, 2) by LAYOUTS, of
    flat planes, of others 0 [kWp]."""
    layout = LAYOUTS.index(p.flat_layout)
    years = light.months.sum(axis=2).round(WATT_HOURS)
    unshaded = light.unshaded[:, layout].sum(axis=1).round(WATT_HOURS)
    per_kwp = p.performance_ratio * kwp
    kwh, unshaded_kwh = per_kwp * years[:, layout], per_kwp * unshaded
    low, high = of_roof(kwh, shade_of(kwh, unshaded_kwh))
    return Energy(
        irradiation=years[:, layout],
        unshaded=unshaded,
        kwh=kwh,
        unshaded_kwh=unshaded_kwh,
        low=low,
        high=high,
        months=per_kwp[:, None] * light.months[:, layout],
        unshaded_months=per_kwp[:, None] * light.unshaded[:, layout],
        layouts=p.performance_ratio * flat_kwp * years,
    )
