"""The scene of a quarter, evaluated on the cells of any rectangle."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.quarter.ground import Terrain, scatter
from pipeline.quarter.shapes import Bools, Bounds, Building, Floats, Rect, Volume

CROWN_ROUGHNESS = 10
"""Leaves scatter this much more than roofs."""


class Tree(NamedTuple):
    """A dome over a point [m; `top` in m NAP]."""

    x: float
    y: float
    radius: float
    top: float
    depth: float
    """Of the dome, from its top down to its rim."""


class Cells(NamedTuple):
    """A rectangle of cells of the RD grid, north up, by its south-western cell."""

    resolution: float
    column: int
    row: int
    """Northward from RD 0."""
    width: int
    height: int

    @classmethod
    def of(cls, bounds: Bounds, resolution: float) -> "Cells":
        """The cells of RD bounds [m]; ValueError if those are no lines of the grid."""
        lines = [round(value / resolution) for value in bounds]
        if any(line * resolution != value for line, value in zip(lines, bounds, strict=True)):
            raise ValueError(f"bounds {bounds} are no multiples of the resolution {resolution} m")
        west, south, east, north = lines
        if east <= west or north <= south:
            raise ValueError(f"bounds {bounds} are empty or upside down")
        return cls(resolution, west, south, east - west, north - south)

    @property
    def columns(self) -> NDArray[np.int64]:
        return self.column + np.arange(self.width)

    @property
    def rows(self) -> NDArray[np.int64]:
        """From north to south, as a column."""
        return self.row + np.arange(self.height)[::-1, None]

    @property
    def x(self) -> Floats:
        """x of the cell centres [RD m], (width,)."""
        return (self.columns + 0.5) * np.float64(self.resolution)

    @property
    def y(self) -> Floats:
        """y of the cell centres [RD m], (height, 1), north first."""
        return (self.rows + 0.5) * np.float64(self.resolution)

    @property
    def bounds(self) -> Bounds:
        lines = self.column, self.row, self.column + self.width, self.row + self.height
        west, south, east, north = (line * self.resolution for line in lines)
        return west, south, east, north

    def part(self, bounds: Bounds) -> tuple[slice, slice]:
        """Rows and columns that hold every centre within `bounds`, clipped."""
        west, south, east, north = np.floor(np.array(bounds) / self.resolution).astype(int)
        top = self.row + self.height
        rows = slice(max(top - 1 - north, 0), max(top - south, 0))
        columns = slice(max(west - self.column, 0), max(east + 1 - self.column, 0))
        return rows, columns


@dataclass(frozen=True)
class Scene:
    """The objects of a quarter: the truth that its rasters are sampled from."""

    bounds: Bounds
    seed: int
    ground: Terrain
    buildings: tuple[Building, ...]
    """In the order of the footprint file."""
    water: tuple[Rect, ...]
    trees: tuple[Tree, ...]

    @cached_property
    def blocks(self) -> tuple[Volume, ...]:
        """All volumes that stand in the heights."""
        return tuple(part for b in self.buildings if b.in_heights for part in b.parts)

    def dsm(
        self, resolution: float = 0.5, bounds: Bounds | None = None, noise: float = 0.0
    ) -> NDArray[np.float32]:
        """Roofs, else the higher of ground and crowns, at the cells' centres [m NAP].

        `bounds` (default: the scene's own) are west, south, east, north [RD m], multiples of
        `resolution` (else ValueError); `noise` is a standard deviation [m]. North up, water NaN.
        """
        return self.surfaces(Cells.of(bounds or self.bounds, resolution), noise)[0]

    def dtm(
        self, resolution: float = 0.5, bounds: Bounds | None = None, noise: float = 0.0
    ) -> NDArray[np.float32]:
        """The ground, NaN under buildings and water; otherwise as `dsm`."""
        return self.surfaces(Cells.of(bounds or self.bounds, resolution), noise)[1]

    def surfaces(
        self, cells: Cells, deviation: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """DSM and DTM of the cells at once; where both see the ground they are equal."""
        ground, roofs, water = self.ground(cells.x, cells.y), self._roofs(cells), self._wet(cells)
        surface = np.maximum(ground, self._crowns(cells))
        built, leafy = np.isfinite(roofs), surface > ground
        surface[built] = roofs[built]
        if deviation:
            error = deviation * scatter(cells.columns, cells.rows, self.seed)
            ground += error
            surface += np.where(leafy & ~built, CROWN_ROUGHNESS * error, error)
        surface[water] = np.nan
        ground[water | built] = np.nan
        return surface.astype(np.float32), ground.astype(np.float32)

    def _roofs(self, cells: Cells) -> Floats:
        height = np.full((cells.height, cells.width), -np.inf)
        for i, place, x, y in _parts(self._block_boxes, cells):
            part = height[place]
            np.maximum(part, self.blocks[i].height(x, y), out=part)
        return height

    def _crowns(self, cells: Cells) -> Floats:
        height = np.full((cells.height, cells.width), -np.inf)
        for i, place, x, y in _parts(self._tree_boxes, cells):
            tree, part = self.trees[i], height[place]
            square = ((x - tree.x) ** 2 + (y - tree.y) ** 2) / tree.radius**2
            np.maximum(part, tree.top - tree.depth * square, out=part, where=square < 1)
        return height

    def _wet(self, cells: Cells) -> Bools:
        wet = np.zeros((cells.height, cells.width), bool)
        for i, place, x, y in _parts(self._water_boxes, cells):
            wet[place] |= self.water[i].contains(x, y)
        return wet

    @cached_property
    def _block_boxes(self) -> Floats:
        return _boxes([block.bounds for block in self.blocks])

    @cached_property
    def _water_boxes(self) -> Floats:
        return _boxes([rect.bounds for rect in self.water])

    @cached_property
    def _tree_boxes(self) -> Floats:
        x, y, radius = np.array(self.trees, float).reshape(-1, len(Tree._fields))[:, :3].T
        return np.column_stack([x - radius, y - radius, x + radius, y + radius])


def _boxes(bounds: list[Bounds]) -> Floats:
    return np.array(bounds, float).reshape(-1, 4)


def _parts(
    boxes: Floats, cells: Cells
) -> Iterator[tuple[int, tuple[slice, slice], Floats, Floats]]:
    """The boxes that meet the cells: index, rows and columns among the cells, their x and y."""
    (west, south, east, north), x, y = cells.bounds, cells.x, cells.y
    meets = (boxes[:, 0] < east) & (boxes[:, 2] > west)
    meets &= (boxes[:, 1] < north) & (boxes[:, 3] > south)
    for i in np.flatnonzero(meets).tolist():
        rows, columns = cells.part(boxes[i])
        yield i, (rows, columns), x[columns], y[rows]
