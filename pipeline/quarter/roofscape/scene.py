"""A scene of roofs without files: what stands where, and heights as the AHN would have them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Point as Dot

from pipeline.quarter.ground import scatter
from pipeline.quarter.roofscape.faces import Face, Roof, Sheet, TruePlane
from pipeline.quarter.roofscape.kinds import KINDS, TALL, Shape, terrace
from pipeline.quarter.scene import CROWN_ROUGHNESS, Cells, Tree
from pipeline.quarter.shapes import Bounds, Floats, Frame

Survey = Literal["mean", "highest"]
"""What a cell holds of its 5 x 5 sub-samples: AHN4's cells are means, AHN5's the highest."""

SUBSAMPLES = 5
"""Along a cell's side."""
LOT = 48.0
"""Side of the square that each roof, or row of houses, has for itself [m]."""
GROUND = 0.4
"""[m NAP], everywhere."""
ROWS_APART, BETWEEN, MOST_TERRACE = 37.0, 2.0, 37.0
"""Of a town: from row to row, free between two terraces, and the longest of these with that [m]."""
CROWNS, HOLES = 0.12, 0.25
"""Of roofs, those that a crown hangs over, and those with places without data."""


class Hole(NamedTuple):
    """A disc without data: where the laser's light did not return [RD m]."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Roofscape:
    """Roofs, and what hides them: the truth that rasters are sampled from."""

    bounds: Bounds
    seed: int
    roofs: tuple[Roof, ...]
    """In the order of the footprint file."""
    crowns: tuple[Tree, ...]
    holes: tuple[Hole, ...]

    @cached_property
    def planes(self) -> tuple[tuple[TruePlane, ...], ...]:
        """The true planes of each roof, as they are seen from above."""
        hidden = shapely.union_all([Dot(t.x, t.y).buffer(t.radius) for t in self.crowns])
        holes = [Dot(hole.x, hole.y).buffer(hole.radius) for hole in self.holes]
        near = shapely.STRtree(holes)
        return tuple(
            tuple(roof.planes(hidden, [holes[i] for i in near.query(roof.footprint)]))
            for roof in self.roofs
        )

    def surfaces(
        self, cells: Cells, survey: Survey = "mean", noise: float = 0.05
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """DSM and DTM of the cells [m NAP], north up; the DTM is NaN under roofs.

        noise: standard deviation of the heights [m]; in crowns it is ten times as much.
        """
        fine = Cells(cells.resolution / SUBSAMPLES, *(SUBSAMPLES * n for n in cells[1:]))
        roofs, crowns = self._roofs(fine), self._crowns(fine)
        surface = np.maximum(np.maximum(roofs, crowns), GROUND)
        reduced = _reduced(surface, survey)
        leafy = _reduced((crowns >= surface).astype(float), "mean") > 0.5
        error = noise * scatter(cells.columns, cells.rows, self.seed)
        reduced += np.where(leafy, CROWN_ROUGHNESS * error, error)
        reduced[self._missing(cells)] = np.nan
        built = _reduced(np.isfinite(roofs).astype(float), "mean") > 0
        ground = np.where(built, np.nan, GROUND + error)
        return reduced.astype(np.float32), ground.astype(np.float32)

    def _roofs(self, cells: Cells) -> Floats:
        height = np.full((cells.height, cells.width), -np.inf)
        for roof in self.roofs:
            rows, columns = cells.part(roof.bounds)
            part = height[rows, columns]
            if part.size:
                np.maximum(part, roof.height(cells.x[columns], cells.y[rows]), out=part)
        return height

    def _crowns(self, cells: Cells) -> Floats:
        height = np.full((cells.height, cells.width), -np.inf)
        for tree in self.crowns:
            rows, columns, square = _disc(cells, tree.x, tree.y, tree.radius)
            part = height[rows, columns]
            np.maximum(part, tree.top - tree.depth * square, out=part, where=square < 1)
        return height

    def _missing(self, cells: Cells) -> NDArray[np.bool_]:
        missing = np.zeros((cells.height, cells.width), bool)
        for hole in self.holes:
            rows, columns, square = _disc(cells, *hole)
            missing[rows, columns] |= square < 1
        return missing


def _disc(cells: Cells, x: float, y: float, radius: float) -> tuple[slice, slice, Floats]:
    """The rows and columns that hold a disc, and there the squared distance over its radius."""
    rows, columns = cells.part((x - radius, y - radius, x + radius, y + radius))
    east, north = cells.x[columns] - x, cells.y[rows] - y
    return rows, columns, (east**2 + north**2) / radius**2


def _reduced(fine: Floats, survey: Survey) -> Floats:
    """Of each SUBSAMPLES x SUBSAMPLES the mean, summed in a fixed order, or the highest."""
    parts = [
        fine[i::SUBSAMPLES, j::SUBSAMPLES] for i in range(SUBSAMPLES) for j in range(SUBSAMPLES)
    ]
    total = parts[0].copy()
    for part in parts[1:]:
        if survey == "mean":
            total += part
        else:
            np.maximum(total, part, out=total)
    return total / SUBSAMPLES**2 if survey == "mean" else total


def roofscape(
    repeats: int = 6,
    seed: int = 2008,
    origin: tuple[float, float] = (122400.0, 480800.0),
    tall: bool = False,
) -> Roofscape:
    """A scene of every kind of roof, so often each, turned at random; origin: its south-western
    corner [RD m]; tall: with one of each kind that is high enough for a turbine too. ValueError if
    the seed is negative or there are no repeats."""
    if seed < 0 or repeats < 1:
        raise ValueError(f"seed {seed} must not be negative, and repeats {repeats} positive")
    rng, low = np.random.default_rng(seed), repeats * (len(KINDS) + 1)
    side, roofs = math.ceil(math.sqrt(low)), list[Roof]()
    for k in range(low):
        roofs += _lot(k % (len(KINDS) + 1), _frame(k, side, origin, rng), rng)
    covers, high = _covers(roofs, rng), TALL if tall else ()
    for k, kind in enumerate(high, low):
        roofs.append(_roof(kind.__name__, _frame(k, side, origin, rng), kind(rng)))
    rows = math.ceil((low + len(high)) / side)
    bounds = (*origin, origin[0] + side * LOT, origin[1] + rows * LOT)
    return Roofscape(bounds, seed, tuple(roofs), *covers)


def terraced_town(
    side: float, seed: int = 2008, origin: tuple[float, float] = (122400.0, 480800.0)
) -> Roofscape:
    """A square of gabled houses in terraces, 4,100 a km2: as many as in the middle of Amsterdam.
    side [m]; origin: its south-western corner [RD m]."""
    rng, roofs = np.random.default_rng(seed), list[Roof]()
    for v in np.arange(ROWS_APART / 2, side, ROWS_APART).tolist():
        u = BETWEEN
        while u < side - MOST_TERRACE:
            row = terrace(rng)
            length = len(row) * (row[1][0] - row[0][0])
            place = origin[0] + u + length / 2, origin[1] + v
            frame = Frame.at(*place, rng.uniform(-0.1, 0.1))
            roofs += [_roof("terrace", frame.moved(along, 0), house) for along, house in row]
            u += length + BETWEEN
    bounds = (*origin, origin[0] + side, origin[1] + side)
    return Roofscape(bounds, seed, tuple(roofs), (), ())


def _frame(k: int, side: int, origin: tuple[float, float], rng: np.random.Generator) -> Frame:
    """A place in the k-th lot, of `side` in a row, turned at random."""
    row, column = divmod(k, side)
    x, y = origin[0] + (column + 0.5) * LOT, origin[1] + (row + 0.5) * LOT
    shift = rng.uniform(-1, 1, 2).tolist()
    return Frame.at(x + shift[0], y + shift[1], rng.uniform(0, math.tau))


def _lot(kind: int, frame: Frame, rng: np.random.Generator) -> Iterator[Roof]:
    if kind < len(KINDS):
        yield _roof(KINDS[kind].__name__, frame, KINDS[kind](rng))
    else:
        for along, house in terrace(rng):
            yield _roof("terrace", frame.moved(along, 0), house)


def _roof(kind: str, frame: Frame, shape: Shape) -> Roof:
    """A roof put on the ground, its footprint's middle at the frame's origin along u and v."""
    faces = [
        Face(f.ring, Sheet(f.sheet.level + GROUND, f.sheet.east, f.sheet.north), f.role, f.on)
        for f in shape.faces
    ]
    return Roof(kind, frame, shape.outline, tuple(faces))


def _covers(
    roofs: list[Roof], rng: np.random.Generator
) -> tuple[tuple[Tree, ...], tuple[Hole, ...]]:
    crowns, holes = [], []
    for roof in roofs:
        west, south, east, north = roof.footprint.bounds
        top = max(float(np.max(f.sheet.at(*np.array(f.ring).T))) for f in roof.faces)
        if rng.random() < CROWNS:
            x, y = next(iter(roof.footprint.exterior.coords))
            crowns.append(Tree(x, y, rng.uniform(2, 3.5), top + rng.uniform(1.5, 4), 2.0))
        if rng.random() < HOLES:
            for _ in range(3):
                x, y = rng.uniform(west, east), rng.uniform(south, north)
                holes.append(Hole(x, y, rng.uniform(0.4, 1.2)))
    return tuple(crowns), tuple(holes)
