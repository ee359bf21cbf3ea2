"""The light of a year on single cells by brute force: the truth that a run is held against.

Every sun of the year by itself, through an exact march: the surface is bilinear between the centres
of cells, and its highest tangent over each piece of the ray between two lines through centres is
known in closed form. A ray ends where nothing beyond it can rise higher: for each cell that is
known by sector and distance from the highest of square tiles.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from pipeline.methods.climate import SquareClimate

FLOOR = math.radians(3.0)  # a horizon no higher than this is none
SKY = 360  # directions of the view of the sky
LEAST = 1e-6  # of a cell, a piece of a ray
NEARLY = 1e-9  # of a cell beside a line through centres: on it
TILE, SECTORS, RING = 16, 120, 16  # cells along a tile; sectors around a cell; cells a ring is wide
Reals = NDArray[np.float64]


class Receivers(NamedTuple):
    """Cells that receive light. row, column: (cells,); own: height from where each looks [m],
    (cells,); gradient: dz/dx and dz/dy of its modules, (cells, modules, 2)."""

    row: NDArray[np.int64]
    column: NDArray[np.int64]
    own: Reals
    gradient: Reals


@kernel
def _between(low, high, part):  # type: ignore[no-untyped-def]
    """On a line between two centres; a centre without weight may have no data."""
    if part < NEARLY:
        return low
    return high if part > 1 - NEARLY else low + (high - low) * part


def _tops(height: Reals) -> Reals:
    """The highest of each tile and the cells beside it, -infinity without data."""
    rows, columns = (-(-size // TILE) for size in height.shape)
    tops = np.full((rows, columns), -np.inf)
    for i, j in np.ndindex(rows, columns):
        part = height[
            max(i * TILE - 1, 0) : (i + 1) * TILE + 1, max(j * TILE - 1, 0) : (j + 1) * TILE + 1
        ]
        tops[i, j] = np.fmax.reduce(part, axis=None, initial=-np.inf)
    return tops


@kernel
def _rings(height):  # type: ignore[no-untyped-def]
    return int(math.hypot(height.shape[0], height.shape[1]) / RING) + 4


@kernel
def _bounds(tops, row, column, own, resolution, out):  # type: ignore[no-untyped-def]
    """The highest tangent that a cell can see in each sector at each ring's distance or farther.
    out: (SECTORS, rings)."""
    out[:] = -np.inf
    radius = (TILE + 2) / math.sqrt(2)
    for i in range(tops.shape[0]):
        for j in range(tops.shape[1]):
            south, east = (i + 0.5) * TILE - 0.5 - row, (j + 0.5) * TILE - 0.5 - column
            away = math.hypot(south, east)
            bound = (tops[i, j] - own) / (max(away - radius, 1.0) * resolution)
            ring = min(int((away + radius) / RING), out.shape[1] - 1)
            first, last = 0, SECTORS - 1
            if away > radius:
                turn, half = math.atan2(east, -south), math.asin(radius / away)
                first = math.floor((turn - half) / (2 * math.pi) * SECTORS) - 1
                last = math.floor((turn + half) / (2 * math.pi) * SECTORS) + 1
            for sector in range(first, last + 1):
                out[sector % SECTORS, ring] = max(out[sector % SECTORS, ring], bound)
    for ring in range(out.shape[1] - 2, -1, -1):
        for sector in range(SECTORS):
            out[sector, ring] = max(out[sector, ring], out[sector, ring + 1])


@kernel
def _beside(height, row, column, south, east):  # type: ignore[no-untyped-def]
    """The surface one cell from a centre; NaN beyond the array."""
    a, b = row + (1 if south > 0 else -1), column + (1 if east > 0 else -1)
    if a < 0 or b < 0 or a >= height.shape[0] or b >= height.shape[1]:
        return np.nan
    near = _between(height[row, column], height[row, b], abs(east))
    return _between(near, _between(height[a, column], height[a, b], abs(east)), abs(south))


@kernel
def _tangent(height, bounds, row, column, own, azimuth, resolution, least, any_above):  # type: ignore[no-untyped-def]
    """The tangent of the horizon towards an azimuth, at least `least`, or any tangent above that if
    `any_above`. height: (rows, columns) float64 [m]; bounds: of `_bounds`."""
    beyond = bounds[int(azimuth / (2 * math.pi) * SECTORS) % SECTORS]
    south, east = -math.cos(azimuth), math.sin(azimuth)
    down, along = abs(south), abs(east)
    step_i, step_j = (1 if south > 0 else -1), (1 if east > 0 else -1)
    next_i = 1 / down if down > NEARLY else np.inf
    next_j = 1 / along if along > NEARLY else np.inf
    i, j = row, column  # corner of the patch on our side
    before, z_before = 1.0, _beside(height, row, column, south, east)
    best = max(least, (z_before - own) / resolution) if z_before == z_before else least
    while True:
        t = min(next_i, next_j)
        if beyond[int(t / RING)] <= best or (any_above and best > least):
            return best
        on_i, on_j = next_i <= t + NEARLY, next_j <= t + NEARLY
        a, b = i + step_i, j + step_j
        if a < 0 or b < 0 or a >= height.shape[0] or b >= height.shape[1]:
            inside = False
            if on_i and along <= NEARLY:
                inside = 0 <= a < height.shape[0]
            if on_j and down <= NEARLY:
                inside = 0 <= b < height.shape[1]
            if not inside:
                return best
        if on_i and on_j:
            z = height[a, b]
        elif on_i:
            part = abs(column + t * east - j)
            z = height[a, j] if part < NEARLY else _between(height[a, j], height[a, b], part)
        else:
            part = abs(row + t * south - i)
            z = height[i, b] if part < NEARLY else _between(height[i, b], height[a, b], part)
        best = max(best, (z - own) / (t * resolution)) if z == z else best
        if t - before > LEAST and along > NEARLY and down > NEARLY:
            bend = height[i, j] - height[i, b] - height[a, j] + height[a, b]
            bend *= down * along
            if bend < 0:
                level = z_before - (z - z_before) / (t - before) * before + bend * t * before - own
                if level < 0:
                    top = math.sqrt(level / bend)
                    if before < top < t:
                        slope = (z - z_before) / (t - before) - bend * (t + before)
                        best = max(best, (level / top + slope + bend * top) / resolution)
        before, z_before = t, z
        if on_i:
            i, next_i = a, next_i + 1 / down
        if on_j:
            j, next_j = b, next_j + 1 / along


@kernel
def _beams(height, tops, row, column, own, normals, suns, resolution, floor, out, open_out):  # type: ignore[no-untyped-def]
    """Beam on each module, behind the horizon and without; suns: (suns, 5): azimuth, tangent of
    the height, east, north and up of the unit vector x energy."""
    bounds = np.empty((SECTORS, _rings(height)))
    for c in range(len(row)):
        _bounds(tops, row[c], column[c], own[c], resolution, bounds)
        for s in range(len(suns)):
            azimuth, tangent, x, y, z = suns[s]
            enough = max(tangent, floor)
            facing = normals[c, :, 0] * x + normals[c, :, 1] * y + normals[c, :, 2] * z
            if facing.max() > 0:
                most = _tangent(
                    height, bounds, row[c], column[c], own[c], azimuth, resolution, enough, True
                )
                for m in range(len(facing)):
                    open_out[c, m] += max(facing[m], 0)
                    out[c, m] += max(facing[m], 0) if most <= enough else 0


@kernel
def _views(height, tops, row, column, own, gradient, directions, resolution, floor, out):  # type: ignore[no-untyped-def]
    """View of the sky of each module: Dozier and Frew's mean over the directions."""
    bounds = np.empty((SECTORS, _rings(height)))
    for c in range(len(row)):
        _bounds(tops, row[c], column[c], own[c], resolution, bounds)
        for k in range(directions):
            azimuth = 2 * math.pi * k / directions
            east, north = math.sin(azimuth), math.cos(azimuth)
            seen = _tangent(
                height, bounds, row[c], column[c], own[c], azimuth, resolution, floor, False
            )
            for m in range(gradient.shape[1]):
                uphill = gradient[c, m, 0] * east + gradient[c, m, 1] * north
                most = max(seen, uphill)
                zenith = math.pi / 2 - (math.atan(most) if most > floor else 0.0)
                level = 1 / math.sqrt(1 + (gradient[c, m] ** 2).sum())
                sky = math.sin(zenith) ** 2 - uphill * (
                    zenith - math.sin(zenith) * math.cos(zenith)
                )
                out[c, m] += level * sky / directions


class Light(NamedTuple):
    """Of a year [kWh/m2], (cells, modules): behind the horizon, and with none but the module's own
    plane; and the view of the sky."""

    irradiation: Reals
    unshaded: Reals
    sky_view: Reals


def light_by_force(
    height: NDArray[np.float32],
    cells: Receivers,
    climate: SquareClimate,
    resolution: float,
    albedo: float,
) -> Light:
    """What cells get in a year. height: (rows, columns), north-up [m], NaN for no data; climate: of
    the square that holds their buildings; resolution [m]."""
    z = np.ascontiguousarray(height, np.float64)
    tops, floor = _tops(z), math.tan(FLOOR)
    slope2 = (cells.gradient**2).sum(-1)
    level = 1 / np.sqrt(1 + slope2)
    normals = np.concatenate([-cells.gradient, np.ones((*slope2.shape, 1))], -1) * level[..., None]
    beam, free, view = np.zeros((3, *slope2.shape))
    place = cells.row, cells.column, cells.own
    suns = _rays(climate)
    _beams(z, tops, *place, normals, suns, resolution, floor, beam, free)
    _views(z, tops, *place, cells.gradient, SKY, resolution, floor, view)
    whole = (1 + level) / 2
    ground = albedo * climate.irradiation.sum() * (1 - level) / 2
    band = climate.band.sum() * np.sqrt(1 - level**2) / whole
    sky = climate.isotropic.sum() + band
    return Light(beam + sky * view + ground, free + sky * whole + ground, view)


def _rays(climate: SquareClimate) -> Reals:
    suns = climate.suns
    level = np.cos(suns.elevation)
    vectors = np.column_stack(
        [level * np.sin(suns.azimuth), level * np.cos(suns.azimuth), np.sin(suns.elevation)]
    )
    return np.column_stack([suns.azimuth, np.tan(suns.elevation), vectors * suns.energy[:, None]])
