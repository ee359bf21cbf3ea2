"""The year of wind of the method `annual` as plainly as it can be written, from its text alone:
slow, nothing compiled, nothing of the program."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyproj
from affine import Affine

from tests.support.reference import Cells, Raster
from tests.support.wind_ground import (
    Relief,
    Roughness,
    Seen,
    relief_of,
    roughness_around,
    seen_far,
    seen_near,
)

SQUARE = 10_240.0
RURAL_Z0, STATION_M = 0.03, 10.0
HOURS, DENSITY, BINS = 8760, 1.225, 60
CLIMATE, FIELD = 0.40, 0.9  # sigma of the yield that the climate and the field take
DEFAULTS: dict[str, Any] = {
    "wind_min_height_m": 20.0, "mast_m": 5.0, "roof_speedup": 1.0, "fetch_m": 1000.0,
    "roughness_model": "macdonald", "porosity": 0.0, "wind_min_kwh": 500.0,
}  # fmt: skip


class Rose(NamedTuple):
    """The wind of a square, by sector of 30 degrees: how often, how fast on average [m/s], and the
    shape of Weibull's distribution of all sectors."""

    frequency: Sequence[float]
    mean: Sequence[float]
    shape: float


class Turbine(NamedTuple):
    """Area [m2], rated power [W], share of the wind's power in the field, and the maker's curve [W]
    at the middle of each bin of 0.5 m/s."""

    swept: float
    rated: float
    cp: float
    curve: Sequence[float]


class Drag(NamedTuple):
    """Roughness length and displacement [m], and where the ground's wind ends [m]."""

    z0: float
    displacement: float
    blending: float


class Direction(NamedTuple):
    """One degree of a sector: its share of the sector, what it keeps, whether its greatest deficit
    is of an obstacle nearer than 5 of its heights above the roof."""

    share: float
    kept: float
    held: bool


def rose_of(
    column: int, row: int, wind: list[dict[str, str]], places: list[dict[str, str]]
) -> Rose:
    """The wind of a square of 10,240 m, of the rows of `wind.csv` and `stations.csv`."""
    stations = [place for place in places if float(place["wind"]) == 1]
    to_rd = pyproj.Transformer.from_crs(4326, 28992, always_xy=True)
    centre = (column + 0.5) * SQUARE, (row + 0.5) * SQUARE
    away = []
    for station in stations:
        x, y = to_rd.transform(float(station["lon"]), float(station["lat"]))
        away.append((math.hypot(x - centre[0], y - centre[1]), station["station"]))
    nearest = sorted(away)[:4]
    roses = [own_rose(name, wind) for _, name in nearest]
    weights = [1 / distance**2 for distance, _ in nearest]
    often = [sum(w * f[s] for w, (f, _, _) in zip(weights, roses, strict=True)) for s in range(12)]
    fast = [
        sum(w * f[s] * m[s] for w, (f, m, _) in zip(weights, roses, strict=True)) for s in range(12)
    ]
    mean = [round(fast[s] / often[s], 2) if often[s] else 0.0 for s in range(12)]
    frequency = [round(f / sum(often), 4) for f in often]
    cube = sum(w * c for w, (_, _, c) in zip(weights, roses, strict=True)) / sum(weights)
    return Rose(frequency, mean, shape_of(frequency, mean, cube))


def own_rose(station: str, wind: list[dict[str, str]]) -> tuple[list[float], list[float], float]:
    """Frequencies and means by sector, and the mean cube, of a station with its exposure."""
    rows = {float(row["sector"]): row for row in wind if row["station"].strip() == station}
    ordered = [rows[angle] for angle in range(0, 360, 30)]
    f, m, e = (
        [float(row[name]) for row in ordered] for name in ("frequency", "mean_ms", "exposure")
    )
    exposed = [a * b for a, b in zip(m, e, strict=True)]
    grown = sum(a * b**3 for a, b in zip(f, exposed, strict=True))
    cube = float(ordered[0]["cube_m3s3"]) * grown / sum(a * b**3 for a, b in zip(f, m, strict=True))
    return f, exposed, cube


def shape_of(frequency: Sequence[float], mean: Sequence[float], cube: float) -> float:
    """The shape in [1.2, 3.5] with which the sectors' means have that mean cube."""

    def over(k: float) -> float:
        factor = math.gamma(1 + 3 / k) / math.gamma(1 + 1 / k) ** 3
        return sum(f * m**3 for f, m in zip(frequency, mean, strict=True)) * factor - cube

    low, high = 1.2, 3.5
    if over(low) <= 0 or over(high) >= 0:
        return low if over(low) <= 0 else high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if over(middle) > 0 else (low, middle)
    return round((low + high) / 2, 3)


def drag_of(r: Roughness, model: str) -> Drag:
    """Roughness length, displacement and blending height of what stands around."""
    blending = max(60.0, 2 * (r.height + 2 * r.deviation))
    if r.height == 0:
        return Drag(RURAL_Z0, 0.0, blending)
    displacement = r.height * (1 + 4.43**-r.plan * (r.plan - 1))
    low = 1 - displacement / r.height
    wake = 0.5 * 1.2 / 0.4**2 * low * r.frontal
    z0 = r.height * low * math.exp(-(wake**-0.5)) if wake > 0 else 0.0
    if model == "kanda":
        x = (r.deviation + r.height) / r.highest
        displacement = (-0.17 * x**2 + (1.29 * r.plan**0.36 + 0.17) * x) * r.highest
        y = r.plan * r.deviation / r.height
        z0 *= 20.21 * y**2 - 0.77 * y + 0.71
    return Drag(min(max(z0, 0.03), 5.0), min(max(displacement, 0.0), 0.9 * r.highest), blending)


def ratio(z: float, drag: Drag) -> float:
    """The wind at a height above the ground over the station's."""
    if z - drag.displacement <= drag.z0:
        return 0.0
    rural = math.log(z / RURAL_Z0) / math.log(STATION_M / RURAL_Z0)
    if z > drag.blending:
        return rural
    above = math.log(drag.blending / RURAL_Z0) / math.log(STATION_M / RURAL_Z0)
    bent = math.log((z - drag.displacement) / drag.z0)
    return min(above * bent / math.log((drag.blending - drag.displacement) / drag.z0), rural)


@dataclass(frozen=True)
class Hub:
    """A turbine on a roof: heights [m NAP] of roof and ground, its mast [m], the porosity of what
    rises above the roof, the drag of each sector."""

    roof: float
    ground: float
    mast: float
    porosity: float
    drags: Sequence[Drag]

    @property
    def z(self) -> float:
        return self.roof - self.ground + self.mast

    def ratio(self, sector: int) -> float:
        return ratio(self.z, self.drags[sector])

    def deficit(self, top: float, x: float, sector: int) -> float:
        """What an obstacle takes of the wind of a sector. top: its height [m NAP], x: how far it
        stands [m]."""
        e = top - self.roof
        if e <= 0:
            return 0.0
        k = 0.32 / math.log(max(e / self.drags[sector].z0, 8))
        least = e / k * (self.mast / (2.137 * e)) ** 2.14
        x = max(x, 5 * e, least)
        eta = max(self.mast / e * (k * x / e) ** (-1 / 2.14), 0.997)
        at_hub, at_top = self.ratio(sector), ratio(top - self.ground, self.drags[sector])
        u = at_top / at_hub if at_hub else 1.0
        wake = 9.75 * (1 - self.porosity) * e / x * eta * math.exp(-0.67 * eta**1.5)
        return min(1.0, wake * u)

    def directions(self, sector: int, near: Seen, far: Seen) -> list[Direction]:
        """The degrees of a sector: 29, and half of those on its two borders."""
        found = []
        for degree in range(30 * sector - 15, 30 * sector + 16):
            seen = near[degree % 360] + far[round(degree / 3) % 120]
            taken = [(self.deficit(*each, sector), -each[1], each[0]) for each in seen]
            most, x, top = max(taken, default=(0.0, 0.0, 0.0))
            border = abs(degree - 30 * sector) == 15
            held = most > 0 and -x < 5 * (top - self.roof)
            found.append(Direction(1 / 60 if border else 1 / 30, 1 - most, held))
        return found


def energy(mean: float, shape: float, power: Sequence[float]) -> float:
    """kWh in a year of wind of that mean. power: [W] in the middle of bins of 0.5 m/s."""
    if mean == 0:
        return 0.0
    scale = mean / math.gamma(1 + 1 / shape)
    below = [1 - math.exp(-((0.5 * b / scale) ** shape)) for b in range(BINS + 1)]
    watts = sum((below[b + 1] - below[b]) * power[b] for b in range(BINS))
    return HOURS * watts / 1000


def field_power(turbine: Turbine) -> list[float]:
    """What a turbine makes of the wind in the field [W], in the middle of each bin."""
    speeds = [0.5 * b + 0.25 for b in range(BINS)]
    gross = 0.5 * DENSITY * turbine.swept * turbine.cp
    return [min(turbine.rated, gross * v**3) for v in speeds]


@dataclass(frozen=True)
class Site:
    """A candidate and all that its wind depends on; heights [m NAP]."""

    roof: float
    ground: float
    roughness: Sequence[Roughness]
    near: Seen
    far: Seen

    def hub(self, p: dict[str, Any]) -> Hub:
        drags = [drag_of(each, p["roughness_model"]) for each in self.roughness]
        return Hub(self.roof, self.ground, p["mast_m"], p["porosity"], drags)

    def year(self, rose: Rose, turbine: Turbine, p: dict[str, Any]) -> dict[str, Any]:
        """The columns that follow from one hub and one model of roughness."""
        hub, field = self.hub(p), field_power(turbine)
        kwh, brochure = [0.0] * 12, [0.0] * 12
        speed, unsheltered, held = 0.0, 0.0, 0.0
        for s in range(12):
            free = rose.mean[s] * hub.ratio(s) * p["roof_speedup"]
            unsheltered += rose.frequency[s] * free
            for each in hub.directions(s, self.near, self.far):
                often = rose.frequency[s] * each.share
                kwh[s] += often * energy(free * each.kept, rose.shape, field)
                brochure[s] += often * energy(free * each.kept, rose.shape, turbine.curve)
                speed += often * free * each.kept
                held += each.share * 30 * each.held
        weights = kwh if sum(kwh) else [1.0] * 12
        return {
            "hub_m": self.roof + p["mast_m"],
            "wind_candidate": True,
            "wind_suitable": sum(kwh) >= p["wind_min_kwh"],
            "wind_kwh": sum(kwh),
            "wind_brochure_kwh": sum(brochure),
            "wind_mean_ms": speed / sum(rose.frequency),
            "wind_unsheltered_ms": unsheltered / sum(rose.frequency),
            "wind_sector_kwh": kwh,
            "z0_m": float(np.average([d.z0 for d in hub.drags], weights=weights)),
            "displacement_m": float(
                np.average([d.displacement for d in hub.drags], weights=weights)
            ),
            "wind_held": held / 360,
            "low_hub": any(hub.ratio(s) == 0 for s in range(12)),
        }

    def columns(self, rose: Rose, turbine: Turbine, **parameters: Any) -> dict[str, Any]:
        """All columns of the wind, and `low_hub` whether that flag is set."""
        p = DEFAULTS | parameters
        found = self.year(rose, turbine, p)

        def half_log(one: dict[str, Any], other: dict[str, Any]) -> float:
            a, b = (
                max(self.year(rose, turbine, p | change)["wind_kwh"], 1.0)
                for change in (one, other)
            )
            return math.log(a / b) / 2

        roughness = half_log({"roughness_model": "macdonald"}, {"roughness_model": "kanda"})
        mast = half_log({"mast_m": 3.0}, {"mast_m": 8.0})
        factor = math.exp(1.28 * math.sqrt(CLIMATE**2 + roughness**2 + mast**2 + FIELD**2))
        found["wind_low_kwh"] = found["wind_kwh"] / factor
        found["wind_high_kwh"] = found["wind_kwh"] * factor
        return found


@dataclass(frozen=True)
class Town:
    """Heights [m], NaN without data, and where they lie."""

    dsm: Raster
    dtm: Raster
    transform: Affine

    @cached_property
    def relief(self) -> Relief:
        return relief_of(self.dsm, self.dtm, self.transform)

    def site(
        self, roof: float, ground: float, centre: tuple[float, float], own: Cells,
        others: Sequence[Cells] = (), fetch: float = 1000.0,
    ) -> Site:  # fmt: skip
        """A candidate by its heights [m NAP], centre [RD m], cells, and those of the other parts of
        the same building."""
        parts = list(others)
        return Site(
            roof, ground, roughness_around(self.relief, *centre, fetch),
            seen_near(self.dsm, self.transform.a, own, parts),
            seen_far(self.relief, self.transform, own, parts),
        )  # fmt: skip
