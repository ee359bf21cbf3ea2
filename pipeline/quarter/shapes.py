"""The shapes of a generated quarter: oriented blocks with flat or pitched roofs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from shapely.geometry import MultiPolygon, Polygon

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Point = tuple[float, float]
Bounds = tuple[float, float, float, float]


class Frame(NamedTuple):
    """A turned coordinate frame: u along its rotation, v to the left of u [m]."""

    x: float
    y: float
    cos: float
    sin: float

    @classmethod
    def at(cls, x: float, y: float, rotation: float) -> Self:
        """The frame with its origin at x, y [m], turned counterclockwise from east [rad]."""
        return cls(x, y, math.cos(rotation), math.sin(rotation))

    @property
    def rotation(self) -> float:
        """Counterclockwise from east [rad]."""
        return math.atan2(self.sin, self.cos)

    def point(self, u: float, v: float) -> Point:
        """RD coordinates of u, v [m]; the same bits in a frame and in its `turned` one."""
        return (
            self.x + (u * self.cos - v * self.sin),
            self.y + (u * self.sin + v * self.cos),
        )

    def local(self, x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
        """u and v of RD coordinates [m], broadcast together."""
        east, north = np.asarray(x) - self.x, np.asarray(y) - self.y
        return east * self.cos + north * self.sin, north * self.cos - east * self.sin

    def ring(self, corners: Sequence[Point]) -> list[Point]:
        return [self.point(u, v) for u, v in corners]

    def moved(self, u: float, v: float) -> "Frame":
        return Frame(*self.point(u, v), self.cos, self.sin)

    def turned(self) -> "Frame":
        """A quarter turn to the left, exactly."""
        return Frame(self.x, self.y, -self.sin, self.cos)

    def rotated(self, angle: float) -> "Frame":
        return Frame.at(self.x, self.y, self.rotation + angle)


class Plane(NamedTuple):
    """One plane of a roof, with what a higher part covers taken off."""

    slope: float
    """[rad]"""
    aspect: float
    """Where it faces, clockwise from grid north [rad]; NaN if flat."""
    area: float
    """In the plane itself [m2]."""


@dataclass(frozen=True)
class Rect:
    """An oriented rectangle, u0 <= u < u1 and v0 <= v < v1 in its frame [m]."""

    frame: Frame
    u0: float
    u1: float
    v0: float
    v1: float

    @property
    def length(self) -> float:
        """Along u [m]."""
        return self.u1 - self.u0

    @property
    def width(self) -> float:
        """Along v [m]."""
        return self.v1 - self.v0

    @property
    def rotation(self) -> float:
        """Direction of the length, counterclockwise from east [rad]."""
        return self.frame.rotation

    @property
    def centre(self) -> Point:
        return self.frame.point((self.u0 + self.u1) / 2, (self.v0 + self.v1) / 2)

    @property
    def corners(self) -> list[Point]:
        """Counterclockwise, RD [m]."""
        local = [(self.u0, self.v0), (self.u1, self.v0), (self.u1, self.v1), (self.u0, self.v1)]
        return self.frame.ring(local)

    @property
    def bounds(self) -> Bounds:
        xs, ys = zip(*self.corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def polygon(self) -> Polygon:
        return Polygon(self.corners)

    def contains(self, x: ArrayLike, y: ArrayLike) -> Bools:
        """Whether the points lie in it, broadcast together."""
        return self._inside(*self.frame.local(x, y))

    def _inside(self, u: Floats, v: Floats) -> Bools:
        return (u >= self.u0) & (u < self.u1) & (v >= self.v0) & (v < self.v1)


@dataclass(frozen=True)
class Volume(Rect):
    """A volume with upright walls; its ridge, if any, runs along u in the middle.

    `hip` is how far the ridge stops short of both ends: 0 makes a gable, half the length a
    pyramid. `covered` is the plan area that lies under a higher part (flat roofs only).
    """

    base: float
    """Ground at its centre [m NAP]."""
    eaves: float
    """[m NAP]"""
    ridge: float
    """[m NAP]; the eaves where the roof is flat."""
    hip: float = 0.0
    covered: float = 0.0

    @property
    def flat(self) -> bool:
        return self.ridge == self.eaves

    def height(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """The roof's height [m NAP] at RD points, broadcast together; -inf beside the block."""
        u, v = self.frame.local(x, y)
        roof = self.eaves if self.flat else self._pitched(u, v)
        return np.where(self._inside(u, v), roof, -np.inf)

    def _pitched(self, u: Floats, v: Floats) -> Floats:
        rise = 1 - np.abs(v - (self.v0 + self.v1) / 2) / (self.width / 2)
        if self.hip:
            end = self.length / 2 - np.abs(u - (self.u0 + self.u1) / 2)
            rise = np.minimum(rise, end / self.hip)
        return self.eaves + (self.ridge - self.eaves) * rise

    @property
    def planes(self) -> tuple[Plane, ...]:
        """Flat: one; gable: the left and the right of the ridge; hip: the two ends too."""
        if self.flat:
            return (Plane(0.0, math.nan, self.length * self.width - self.covered),)
        side = self.width * (self.length - self.hip) / 2
        planes = [self._plane(turn, self.width / 2, side) for turn in (math.pi / 2, -math.pi / 2)]
        if self.hip:
            end = self.width * self.hip / 2
            planes += [self._plane(turn, self.hip, end) for turn in (0.0, math.pi)]
        return tuple(planes)

    def _plane(self, turn: float, run: float, plan: float) -> Plane:
        slope = math.atan2(self.ridge - self.eaves, run)
        aspect = (math.pi / 2 - self.rotation - turn) % math.tau
        return Plane(slope, aspect, plan / math.cos(slope))


@dataclass(frozen=True)
class Building:
    """One footprint, as it is written, and what truly stands on it."""

    id: str
    """16 digits."""
    kind: str
    """Such as house, flat or tower, or the case that it is there for."""
    geometry: Polygon | MultiPolygon
    built: int
    status: str | None
    parts: tuple[Volume, ...]
    in_heights: bool = True
    """Whether it stands in the DSM; if not, `parts` are what is there today."""

    @property
    def main(self) -> Volume:
        """The part with the largest plan; of equal ones the first."""
        return max(self.parts, key=lambda part: part.length * part.width)

    @property
    def ground(self) -> float:
        """Under the centre of its main part [m NAP]."""
        return self.main.base

    @property
    def eaves(self) -> float:
        """Eaves of the main part [m NAP]; of a flat roof its height."""
        return self.main.eaves

    @property
    def ridge(self) -> float:
        """The highest point of all parts [m NAP]."""
        return max(part.ridge for part in self.parts)

    @property
    def flat(self) -> bool:
        """Whether it is all one horizontal roof, at `eaves`."""
        return all(part.flat and part.eaves == self.eaves for part in self.parts)

    @property
    def planes(self) -> tuple[Plane, ...]:
        return tuple(plane for part in self.parts for plane in part.planes)

    def height(self, x: ArrayLike, y: ArrayLike) -> Floats:
        """Its roof's height [m NAP] at RD points, broadcast together; -inf beside it."""
        heights: Floats = np.max([part.height(x, y) for part in self.parts], axis=0)
        return heights
