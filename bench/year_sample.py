"""A sample of the roof cells of a run of `annual`: what they look from, and what its horizons make
of it."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import shapely
import zarr
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.merge import merge

from bench.exact_light import Receivers
from kernels.coarse import coarsen
from kernels.field import FarField, NearField, far_field, near_field
from kernels.horizon import FLOOR, horizon, horizon_halo
from kernels.planes import REST
from pipeline.grid.windows import LatticeCell
from pipeline.methods.annual.rules import FLAT, convergence_of
from pipeline.methods.climate import Planes, SquareClimate, light_of_year
from pipeline.methods.climate.light import irradiation, own_horizon
from pipeline.methods.climate.table import BINS, azimuths
from pipeline.quarter.write import Generated
from pipeline.results.report import read
from pipeline.runs.request import Request
from pipeline.runs.run import run

LAYER = "plane"
SQUARE_M = 10_240.0
MODULES = ((10.0, 90.0), (10.0, 270.0))  # tilt and true azimuth of those on flat planes [degrees]


class Sample(NamedTuple):
    """Cells of the buildings of one square of the lattice, in row-major order; flat: whether they
    are of flat planes, (cells,)."""

    square: LatticeCell
    receivers: Receivers
    flat: NDArray[np.bool_]


def run_of(files: Generated, out: Path) -> None:
    """A run of `annual` with the layer that `samples` reads."""
    run(Request.of(**files.inputs, out=out, method="annual", layers=(LAYER,)))


def surface_of(files: Generated) -> tuple[NDArray[np.float32], Affine]:
    """The DSM of a scene as one array [m], NaN for no data, and where it lies."""
    heights, place = merge([str(path) for path in files.dsm], nodata=np.nan, dtype="float32")
    return heights[0], place


def samples(out: Path, place: Affine, number: int, seed: int = 1) -> Iterator[Sample]:
    """So many cells of a run's roof planes, or all, by square. place: of the surface, whose rows
    and columns the receivers count."""
    rows = _rows(out)
    level: Any = zarr.open_group(out / "rasters.zarr", mode="r")["0"]
    x, y, planes = (np.asarray(level[name]) for name in ("x", "y", LAYER))
    r = place.a
    layer = Affine(r, 0, x[0] - r / 2, 0, -r, y[0] + r / 2)
    burnt = ((row["geometry"], k) for k, row in reversed([*enumerate(rows, 1)]))  # the lowest stays
    owner = rasterize(burnt, planes.shape, transform=layer, dtype="int32")
    cells = np.argwhere((owner > 0) & (planes > 0) & (planes < REST))
    rng = np.random.default_rng(seed)
    cells = cells[np.sort(rng.choice(len(cells), min(number, len(cells)), replace=False))]
    at = tuple(cells.T)
    chosen = [rows[k - 1]["planes"][n - 1] for k, n in zip(owner[at], planes[at], strict=True)]
    squares = [rows[k - 1]["square"] for k in owner[at]]
    x, y = x[cells[:, 1]], y[cells[:, 0]]
    lift = _lift(out)
    for square in dict.fromkeys(squares):
        here = np.array([each == square for each in squares])
        lying = [plane for plane, is_here in zip(chosen, here, strict=True) if is_here]
        receivers = _receivers(lying, x[here], y[here], place, square, lift)
        flat = np.array([plane["kind"] == FLAT for plane in lying])
        yield Sample(square, receivers, flat)


class Field(NamedTuple):
    """A surface as horizons see it."""

    near: NearField
    far: FarField
    resolution: float

    @classmethod
    def of(cls, surface: NDArray[np.float32], place: Affine) -> "Field":
        """The field of a surface that lies there."""
        r = place.a
        top, left = round(-place.f / r), round(place.c / r)
        relief = float(np.nanmax(surface) - np.nanmin(surface))
        levels = horizon_halo(relief, FLOOR, r).levels
        far = far_field(coarsen(surface, top, left), levels)
        return cls(near_field(surface, top, left), far, r)


def light_by_table(field: Field, cells: Receivers, climate: SquareClimate) -> NDArray[np.float64]:
    """What cells get by the horizons and the table of the program [kWh/m2], (cells, modules)."""
    own = np.full(field.near.block[2:], np.nan, np.float32)
    own[cells.row, cells.column] = cells.own
    around = azimuths()
    found = horizon(
        field.near, field.far, ~np.isnan(own), around, field.resolution, own=own, bins=BINS
    )
    light, seen = light_of_year(climate), found.bins.astype(np.int64)
    sums = []
    for east, north in cells.gradient.transpose(1, 2, 0):
        planes = Planes(np.arctan(np.hypot(east, north)), np.arctan2(-east, -north))
        sums.append(irradiation(light, planes, np.maximum(seen, own_horizon(planes))))
    return np.column_stack(sums)


def _lift(out: Path) -> float:
    """How high modules stand over their plane in a run [m]."""
    return float(read(out)["method"]["parameters"]["module_lift_m"])


def _rows(out: Path) -> list[dict[str, Any]]:
    """The rows of a run that are judged, with the square that holds their centre."""
    columns = ["centre_x", "centre_y", "geometry", "planes", "rejected"]
    table = pq.read_table(out / "buildings.parquet", columns=columns).to_pylist()
    return [
        row | {
            "geometry": shapely.from_wkb(row["geometry"]),
            "square": LatticeCell(
                *(math.floor(row[f"centre_{axis}"] / SQUARE_M) for axis in "xy")
            ),
        }
        for row in table if row["rejected"] is None
    ]  # fmt: skip


def _receivers(
    planes: list[dict[str, Any]],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    place: Affine,
    square: LatticeCell,
    lift: float,
) -> Receivers:
    """Cells at x, y [RD m] of planes; place: of the surface."""
    level, east, north, x0, y0 = (
        np.array([plane[name] for plane in planes])
        for name in ("z_m", "slope_east", "slope_north", "centre_x", "centre_y")
    )
    own = level + east * (x - x0) + north * (y - y0) + lift
    gradient = np.repeat(np.column_stack([east, north])[:, None], len(MODULES), axis=1)
    flat = np.array([plane["kind"] == FLAT for plane in planes])
    gradient[flat] = [_slopes(*module, convergence_of(square)) for module in MODULES]
    row, column = np.floor((place.f - y) / place.a), np.floor((x - place.c) / place.a)
    return Receivers(row.astype(np.int64), column.astype(np.int64), own, gradient)


def _slopes(tilt: float, azimuth: float, north: float) -> tuple[float, float]:
    """dz/dx and dz/dy of modules; north: grid north from true north, eastward [degrees]."""
    steep, falls = math.tan(math.radians(tilt)), math.radians(azimuth - north)
    return -steep * math.sin(falls), -steep * math.cos(falls)
