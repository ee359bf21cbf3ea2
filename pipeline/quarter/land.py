"""A district of a generated quarter: land to build and plant on."""

import math
from dataclasses import dataclass, field

import numpy as np
from shapely.geometry import MultiPolygon, Polygon

from pipeline.quarter.ground import Terrain
from pipeline.quarter.scene import Tree
from pipeline.quarter.shapes import Building, Frame, Point, Rect, Volume

IN_USE = "Pand in gebruik"


@dataclass
class District:
    """A convex piece of land between streets and canals, and what has been put on it."""

    frame: Frame
    """In its middle, along one of its streets."""
    corners: list[Point]
    """Counterclockwise, RD [m]."""
    ground: Terrain
    rng: np.random.Generator
    buildings: list[Building] = field(default_factory=list)
    water: list[Rect] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)

    @property
    def half(self) -> float:
        """Half the side of a square in the frame that holds the district [m]."""
        return max(math.dist(self.frame[:2], corner) for corner in self.corners)

    def holds(self, points: list[Point]) -> bool:
        edges = zip(self.corners, self.corners[1:] + self.corners[:1], strict=True)
        return all(
            (bx - ax) * (y - ay) >= (by - ay) * (x - ax)
            for (ax, ay), (bx, by) in edges
            for x, y in points
        )

    def block(
        self,
        rect: Rect,
        eaves: float,
        rise: float = 0.0,
        *,
        floor: float | None = None,
        hip: float = 0.0,
        covered: float = 0.0,
    ) -> Volume:
        """A volume of `eaves` metres and a roof that rises from there, above `floor` [m NAP].

        The floor is the ground at its centre, unless a row of houses shares one.
        """
        base = self.ground.at(*rect.centre)
        top = (base if floor is None else floor) + eaves
        sides = rect.u0, rect.u1, rect.v0, rect.v1
        return Volume(rect.frame, *sides, base, top, top + rise, hip, covered)

    def build(
        self,
        kind: str,
        *parts: Volume,
        shape: Polygon | MultiPolygon | None = None,
        built: int = 1985,
        status: str | None = IN_USE,
        in_heights: bool = True,
    ) -> None:
        """Adds a building if it fits; its footprint is its first part, unless given."""
        if self.holds([corner for part in parts for corner in part.corners]):
            shape = shape or parts[0].polygon
            self.buildings.append(Building("", kind, shape, built, status, parts, in_heights))

    def clear(self, rect: Rect) -> None:
        """Takes down every building that meets the rectangle."""
        site = rect.polygon
        self.buildings = [
            b for b in self.buildings if not any(site.intersects(p.polygon) for p in b.parts)
        ]

    def plant(self, point: Point, height: float) -> None:
        """A tree so many metres high."""
        top = self.ground.at(*point) + height
        radius = height * float(self.rng.uniform(0.25, 0.4))
        self.trees.append(Tree(*point, radius, top, 0.45 * height))

    def wood(self, count: int, low: float, high: float) -> None:
        """Plant `count` trees anywhere in the district, between two heights [m]."""
        places = self.rng.uniform(-self.half, self.half, (count, 2)).tolist()
        for u, v in places:
            if self.holds([self.frame.point(u, v)]):
                self.plant(self.frame.point(u, v), float(self.rng.uniform(low, high)))
