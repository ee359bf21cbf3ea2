"""Roofs as plane faces: how high they are anywhere, and what is seen of each face from above."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import shapely
from numpy.typing import ArrayLike
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from pipeline.quarter.shapes import Bounds, Floats, Frame, Point

Role = Literal["plane", "curved", "detail"]
SPECK = 0.01
"""What is seen of a face in pieces smaller than this is not part of the truth [m2]."""
ROUNDING = 1e-9
"""Heights that are nearer to each other than this are equal [m]."""


class Sheet(NamedTuple):
    """A plane without bounds, z = level + east * u + north * v [m NAP; u and v in m]."""

    level: float
    east: float = 0.0
    north: float = 0.0

    def at(self, u: ArrayLike, v: ArrayLike) -> Floats:
        """Its height at points of the frame [m NAP], broadcast together."""
        height: Floats = (
            self.level + self.east * np.asarray(u, float) + self.north * np.asarray(v, float)
        )
        return height


@dataclass(frozen=True)
class Face:
    """A convex piece of a roof, in the frame of its building.

    `role`: a plane, a strip of a curved roof, or a detail that is no plane of its own, such as a
    chimney. `on` is the position of the face that it is counted with, in the list of its roof: a
    parapet and rows of panels belong to the flat roof that they stand on.
    """

    ring: tuple[Point, ...]
    """Counterclockwise, not closed: u, v [m]."""
    sheet: Sheet
    role: Role = "plane"
    on: int | None = None

    def height(self, u: Floats, v: Floats) -> Floats:
        """Its height at points of the frame [m NAP], broadcast together; -inf beside it."""
        inside = np.ones(np.broadcast_shapes(u.shape, v.shape), bool)
        for (a, b), (c, d) in zip(self.ring, (*self.ring[1:], self.ring[0]), strict=True):
            inside &= (c - a) * (v - b) - (d - b) * (u - a) >= 0
        return np.where(inside, self.sheet.at(u, v), -np.inf)


class TruePlane(NamedTuple):
    """A plane of a roof as it is seen from above, in one piece."""

    polygon: Polygon
    """RD [m]."""
    slope_east: float
    slope_north: float
    """dz/dx and dz/dy in RD."""
    role: Role

    @property
    def tilt(self) -> float:
        """[rad]"""
        return math.atan(math.hypot(self.slope_east, self.slope_north))

    @property
    def azimuth(self) -> float:
        """Where it faces, clockwise from grid north [rad]; NaN if it is level."""
        if not (self.slope_east or self.slope_north):
            return math.nan
        return math.atan2(-self.slope_east, -self.slope_north) % math.tau

    @property
    def area(self) -> float:
        """In the plane itself [m2]."""
        return float(self.polygon.area) / math.cos(self.tilt)


@dataclass(frozen=True)
class Roof:
    """A footprint and the faces that stand on it; of those above one another the highest counts."""

    kind: str
    frame: Frame
    outline: Polygon
    """In the frame [m]; with holes where there is a courtyard."""
    faces: tuple[Face, ...]

    @property
    def footprint(self) -> Polygon:
        """RD [m], to the millimetre."""
        return shapely.set_precision(self._in_rd(self.outline), 0.001)

    @property
    def bounds(self) -> Bounds:
        """Of all its faces, RD [m]."""
        points = [self.frame.point(*corner) for face in self.faces for corner in face.ring]
        xs, ys = zip(*points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def height(self, x: Floats, y: Floats) -> Floats:
        """Its height at RD points [m NAP], broadcast together; -inf beside it."""
        u, v = self.frame.local(x, y)
        height = np.full(u.shape, -np.inf)
        for face in self.faces:
            np.maximum(height, face.height(u, v), out=height)
        return height

    def planes(self, hidden: BaseGeometry, holes: Sequence[Polygon]) -> Iterator[TruePlane]:
        """Its faces as they are seen from above, piece by piece, without what something hides.

        hidden: RD [m], what crowns cover; holes: RD [m], places without data, which are seen as the
        face that encloses them, and are hidden elsewhere.
        """
        seen = [self._seen(face) for face in self.faces]
        for k, face in enumerate(self.faces):
            if face.role == "detail" or face.on is not None:
                continue
            with_others = [seen[i] for i, other in enumerate(self.faces) if other.on == k]
            shape = self._in_rd(shapely.union_all([seen[k], *with_others], grid_size=1e-6))
            shape = _without(shape, hidden)
            for hole in [hole for hole in holes if not shape.contains(hole)]:
                shape = _without(shape, hole)
            cos, sin, sheet = self.frame.cos, self.frame.sin, face.sheet
            slopes = sheet.east * cos - sheet.north * sin, sheet.east * sin + sheet.north * cos
            for part in _polygons(shape):
                if part.area > SPECK:
                    yield TruePlane(part, *slopes, face.role)

    def _seen(self, face: Face) -> BaseGeometry:
        """What of a face lies above all others, in the frame."""
        shape: BaseGeometry = Polygon(face.ring)
        for other in self.faces:
            if other is not face:
                above = half_plane(face.ring, _difference(other.sheet, face.sheet))
                cover = shapely.intersection(Polygon(above), Polygon(other.ring)) if above else None
                shape = shape if cover is None else _without(shape, cover)
        return shape

    def _in_rd(self, shape: BaseGeometry) -> BaseGeometry:
        f = self.frame

        def turned(points: Floats) -> Floats:
            u, v = points.T
            return np.column_stack([f.x + (u * f.cos - v * f.sin), f.y + (u * f.sin + v * f.cos)])

        moved: BaseGeometry = shapely.transform(shape, turned)
        return moved


def _without(shape: BaseGeometry, other: BaseGeometry) -> BaseGeometry:
    return shapely.difference(shape, other) if shape.intersects(other) else shape


def _polygons(shape: BaseGeometry) -> Iterable[Polygon]:
    return [part for part in shapely.get_parts([shape]) if isinstance(part, Polygon)]


def _difference(a: Sheet, b: Sheet) -> Sheet:
    return Sheet(a.level - b.level, a.east - b.east, a.north - b.north)


def half_plane(ring: Sequence[Point], sheet: Sheet) -> tuple[Point, ...]:
    """The part of a convex ring where a sheet lies above 0; empty if it has no area."""
    above = [float(sheet.at(u, v)) for u, v in ring]
    kept: list[Point] = []
    for k, (here, there) in enumerate(zip(ring, (*ring[1:], ring[0]), strict=True)):
        a, b = above[k], above[(k + 1) % len(ring)]
        if a >= -ROUNDING:
            kept.append(here)
        if min(a, b) < -ROUNDING and max(a, b) > ROUNDING:
            t = a / (a - b)
            kept.append((here[0] + t * (there[0] - here[0]), here[1] + t * (there[1] - here[1])))
    return tuple(kept) if len(kept) > 2 and max(above) > ROUNDING else ()


def lowest(ring: Sequence[Point], sheets: Sequence[Sheet]) -> list[Face]:
    """The roof that is everywhere the lowest of some sheets, over a convex ring: one face a
    sheet that is the lowest somewhere. So are gables, hips, pyramids and mansards."""
    faces = []
    for k, sheet in enumerate(sheets):
        piece = tuple(ring)
        for i, other in enumerate(sheets):
            if i != k and piece:
                piece = half_plane(piece, _difference(other, sheet))
        if piece and Polygon(piece).area > SPECK:
            faces.append(Face(piece, sheet))
    return faces
