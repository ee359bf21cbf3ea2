"""How sure the wind of many turbines is: climate and field are wrong for all of them alike."""

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipeline.methods.annual.interval import Interval, Z
from pipeline.methods.annual.wind.interval import COMMON


def apart_of(rows: pa.Table) -> NDArray[np.float64]:
    """What of the error of each turbine's yield is its own, as a share of that: by its interval,
    which stands for all of the error; 0 without a yield."""
    kwh, high = (
        np.asarray(pc.fill_null(rows[name], 0.0)) for name in ("wind_kwh", "wind_high_kwh")
    )
    sigma = np.log(np.divide(high, kwh, out=np.ones_like(kwh), where=kwh > 0)) / Z
    rest: NDArray[np.float64] = np.sqrt(np.maximum(sigma**2 - COMMON**2, 0.0))
    return rest


def of_sum(kwh: float, error: float) -> Interval:
    """The interval of the yield of many turbines. error: the root of the sum of the squares of what
    is not common to them (`apart_of` x yield) [kWh]."""
    if not kwh:
        return Interval(kwh, kwh)
    factor = math.exp(Z * math.hypot(COMMON, error / kwh))
    return Interval(kwh / factor, kwh * factor)
