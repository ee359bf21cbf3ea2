"""The wind of a year as columns of the table and as flags."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipeline.methods.annual.rules import Annual
from pipeline.methods.annual.wind.model import WindYear
from pipeline.methods.lists import as_lists

FIELDS = {
    "hub_m": "hub",
    "wind_kwh": "kwh",
    "wind_low_kwh": "low_kwh",
    "wind_high_kwh": "high_kwh",
    "wind_brochure_kwh": "brochure_kwh",
    "wind_mean_ms": "mean",
    "wind_unsheltered_ms": "unsheltered",
    "z0_m": "roughness",
    "displacement_m": "displacement",
    "wind_held": "held",
}  # of `WindYear`, by the column that it fills


def wind_columns(
    position: NDArray[np.int64], year: WindYear | None, n: int, p: Annual
) -> dict[str, Any]:
    """The columns of the wind of n buildings, null of those that are no candidates, but for
    `wind_candidate`. position: of the candidates; year: of these, None without any."""
    is_candidate = np.zeros(n, np.bool_)
    is_candidate[position] = True
    if year is None:
        numbers = {name: pa.nulls(n, pa.float64()) for name in FIELDS}
        suitable, sectors = pa.nulls(n, pa.bool_()), pa.nulls(n, pa.list_(pa.float32()))
    else:
        row = _rows(position, n)
        numbers = {name: pa.array(getattr(year, field)).take(row) for name, field in FIELDS.items()}
        suitable = pa.array(year.kwh >= p.wind_min_kwh).take(row)
        sectors = as_lists(year.sector_kwh.astype(np.float32)).take(row)
    return {
        "wind_candidate": is_candidate,
        "wind_suitable": suitable,
        **numbers,
        "wind_sector_kwh": sectors,
    }


def wind_flags(
    position: NDArray[np.int64], year: WindYear | None, n: int
) -> dict[str, NDArray[np.bool_]]:
    """The flags of the wind of n buildings, a mask a name."""
    low = np.zeros(n, np.bool_)
    if year is not None:
        low[position] = year.low_hub
    return {"low_hub": low}


def _rows(position: NDArray[np.int64], n: int) -> pa.Array:
    """The row of each of n buildings among the candidates, null of those that are none."""
    row = np.full(n, -1)
    row[position] = np.arange(len(position))
    return pa.array(row, mask=row < 0)
