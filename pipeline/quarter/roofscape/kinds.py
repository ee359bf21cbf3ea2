"""The kinds of roofs of the scene: each draws its sizes and gives a footprint and its faces."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry import Polygon

from pipeline.quarter.roofscape.faces import Face, Sheet, lowest
from pipeline.quarter.shapes import Point

Random = np.random.Generator


class Shape(NamedTuple):
    """A footprint and its faces, in a frame about its middle [m]; ground at 0."""

    outline: Polygon
    faces: list[Face]


class Span(NamedTuple):
    """A rectangle, from u0 to u1 and from v0 to v1 [m]."""

    u0: float
    u1: float
    v0: float
    v1: float

    @classmethod
    def about(cls, length: float, width: float, u: float = 0, v: float = 0) -> "Span":
        """Of so much along u and v, about a point."""
        return cls(u - length / 2, u + length / 2, v - width / 2, v + width / 2)

    @property
    def ring(self) -> tuple[Point, ...]:
        """Its corners, counterclockwise."""
        u0, u1, v0, v1 = self
        return (u0, v0), (u1, v0), (u1, v1), (u0, v1)

    def sides(self, eaves: float, rise: float) -> list[Sheet]:
        """The two slopes that rise from its long sides."""
        return [Sheet(eaves - rise * self.v0, 0, rise), Sheet(eaves + rise * self.v1, 0, -rise)]

    def ends(self, eaves: float, rise: float) -> list[Sheet]:
        """The two slopes that rise from its short sides."""
        return [Sheet(eaves - rise * self.u0, rise), Sheet(eaves + rise * self.u1, -rise)]


def _angle(rng: Random, low: float, high: float) -> float:
    """The rise of a slope of some degrees."""
    return math.tan(math.radians(rng.uniform(low, high)))


def _house(rng: Random) -> tuple[Span, float]:
    """A house's plan and the height of its eaves."""
    width = rng.uniform(5, 11)
    return Span.about(width * rng.uniform(1, 1.8), width), rng.uniform(2.6, 6.5)


def _whole(span: Span, faces: list[Face]) -> Shape:
    return Shape(Polygon(span.ring), faces)


def gable(rng: Random) -> Shape:
    """Two slopes and a ridge."""
    span, eaves = _house(rng)
    return _whole(span, lowest(span.ring, span.sides(eaves, _angle(rng, 20, 52))))


def small_gable(rng: Random) -> Shape:
    """A garage or a shed of two slopes, each of 8 to 14 m2."""
    span = Span.about(rng.uniform(4.4, 5.2), rng.uniform(3.6, 4.4))
    return _whole(span, lowest(span.ring, span.sides(2.4, _angle(rng, 20, 42))))


def hip(rng: Random) -> Shape:
    """Four slopes and a ridge."""
    span, eaves = _house(rng)
    rise = _angle(rng, 25, 48)
    sheets = span.sides(eaves, rise) + span.ends(eaves, rise * rng.uniform(1, 1.5))
    return _whole(span, lowest(span.ring, sheets))


def half_hip(rng: Random) -> Shape:
    """A gable whose ends are cut by slopes, from halfway up."""
    span, eaves = _house(rng)
    rise = _angle(rng, 40, 52)
    start = eaves + rng.uniform(0.4, 0.6) * rise * (span.v1 - span.v0) / 2
    sheets = span.sides(eaves, rise) + span.ends(start, rise)
    return _whole(span, lowest(span.ring, sheets))


def pyramid(rng: Random) -> Shape:
    """Four slopes to a point."""
    side = rng.uniform(6, 13)
    span, rise = Span.about(side, side), _angle(rng, 25, 45)
    sheets = span.sides(rng.uniform(3, 6), rise) + span.ends(0, rise)
    eaves = sheets[0].level + rise * span.v0
    return _whole(span, lowest(span.ring, span.sides(eaves, rise) + span.ends(eaves, rise)))


def mansard(rng: Random) -> Shape:
    """Steep slopes below, gentle ones above."""
    width = rng.uniform(8, 12)
    span, eaves = Span.about(width * rng.uniform(1, 1.8), width), rng.uniform(2.6, 6)
    steep, gentle = _angle(rng, 58, 68), _angle(rng, 20, 32)
    inner = Span(span.u0, span.u1, span.v0 + width * 0.2, span.v1 - width * 0.2)
    sheets = span.sides(eaves, steep) + inner.sides(eaves + steep * width * 0.2, gentle)
    return _whole(span, lowest(span.ring, sheets))


def cross_gable(rng: Random) -> Shape:
    """Two gables on a footprint like an L."""
    width, eaves = rng.uniform(6, 9), rng.uniform(2.8, 5.5)
    long, wing = width * rng.uniform(1.8, 2.4), width * rng.uniform(0.7, 0.9)
    main = Span.about(long, width)
    side = Span(main.u1 - wing, main.u1, 0, main.v1 + rng.uniform(5, 9))
    rise = _angle(rng, 30, 48)
    faces = lowest(main.ring, main.sides(eaves, rise))
    middle = (side.u0 + side.u1) / 2
    slopes = [Sheet(eaves - rise * side.u0, rise), Sheet(eaves + rise * side.u1, -rise)]
    assert middle < main.u1
    faces += lowest(side.ring, slopes)
    return Shape(shapely.union(Polygon(main.ring), Polygon(side.ring)), faces)


def shed(rng: Random) -> Shape:
    """One slope."""
    span, eaves = _house(rng)
    return _whole(span, lowest(span.ring, span.sides(eaves, _angle(rng, 12, 35))[:1]))


def sawtooth(rng: Random) -> Shape:
    """A hall of spans, each a gentle slope and a steep one to the light."""
    spans, pitch = int(rng.integers(4, 8)), rng.uniform(6, 9)
    whole = Span.about(rng.uniform(20, 34), spans * pitch)
    gentle, steep, eaves = _angle(rng, 18, 30), _angle(rng, 58, 68), rng.uniform(5, 8)
    faces = []
    for v in np.linspace(whole.v0, whole.v1, spans + 1)[:-1].tolist():
        span = Span(whole.u0, whole.u1, v, v + pitch)
        faces += lowest(span.ring, [span.sides(eaves, gentle)[0], span.sides(eaves, steep)[1]])
    return _whole(whole, faces)


def barrel(rng: Random) -> Shape:
    """A curved roof, as strips of half a metre: none of them a plane to be recognised."""
    width, eaves = rng.uniform(10, 16), rng.uniform(4, 7)
    span, strips = Span.about(width * rng.uniform(1.2, 2), width), round(2 * width)
    bow = rng.uniform(0.25, 0.4) * width

    def height(v: float) -> float:
        return eaves + bow * (1 - (2 * v / width) ** 2)

    faces = []
    for a, b in pairwise(np.linspace(span.v0, span.v1, strips + 1).tolist()):
        slope = (height(b) - height(a)) / (b - a)
        ring = Span(span.u0, span.u1, a, b).ring
        faces.append(Face(ring, Sheet(height(a) - slope * a, 0, slope), "curved"))
    return _whole(span, faces)


def box(rng: Random) -> Shape:
    """A flat roof and nothing on it."""
    span = Span.about(rng.uniform(6, 24), rng.uniform(5, 14))
    return _whole(span, [Face(span.ring, Sheet(rng.uniform(2.6, 14)))])


def _parapet(span: Span, top: float, thick: float) -> list[Face]:
    """Strips along the four walls, counted with the roof, which is face 0."""
    u0, u1, v0, v1 = span
    strips = [
        Span(u0, u1, v0, v0 + thick),
        Span(u0, u1, v1 - thick, v1),
        Span(u0, u0 + thick, v0 + thick, v1 - thick),
        Span(u1 - thick, u1, v0 + thick, v1 - thick),
    ]
    return [Face(strip.ring, Sheet(top), "plane", on=0) for strip in strips]


def flat_with_parapet(rng: Random) -> Shape:
    """A flat roof behind a parapet, with installations on it and a chimney."""
    span, level = Span.about(rng.uniform(14, 30), rng.uniform(10, 18)), rng.uniform(5, 18)
    faces = [Face(span.ring, Sheet(level))]
    faces += _parapet(span, level + rng.uniform(0.3, 1), rng.uniform(0.25, 0.4))
    for u in (-0.25, 0.2):
        size = rng.uniform(1.5, 4), rng.uniform(1.5, 4)
        there = Span.about(*size, u * (span.u1 - span.u0), rng.uniform(-0.2, 0.2) * 2 * span.v1)
        top = Sheet(level + rng.uniform(1, 3.5))
        faces.append(Face(there.ring, top, "plane" if size[0] * size[1] > 6 else "detail"))
    return _whole(span, faces)


def steps(rng: Random) -> Shape:
    """Flat roofs at three heights, side by side, in one footprint."""
    length, width, level = rng.uniform(18, 30), rng.uniform(9, 14), rng.uniform(5, 9)
    cuts = [
        -length / 2,
        -length / 2 + rng.uniform(5, 7),
        length / 2 - rng.uniform(5, 7),
        length / 2,
    ]
    faces = []
    for a, b in pairwise(cuts):
        faces.append(Face(Span(a, b, -width / 2, width / 2).ring, Sheet(level)))
        level += rng.choice([-1, 1]) * rng.uniform(0.6, 3)
    return _whole(Span.about(length, width), faces)


def panel_rows(rng: Random) -> Shape:
    """A flat roof covered with rows of panels to the south, or of tents to the east and west."""
    span, level = Span.about(rng.uniform(14, 26), rng.uniform(12, 20)), rng.uniform(4, 10)
    faces = [Face(span.ring, Sheet(level))]
    tents = rng.random() < 0.5
    tilt, pitch = (_angle(rng, 10, 12), 2.2) if tents else (_angle(rng, 13, 16), 1.7)
    for v in np.arange(span.v0 + 1.5, span.v1 - 1.5 - pitch, pitch).tolist():
        row = Span(span.u0 + 1.5, span.u1 - 1.5, v, v + (2.0 if tents else 0.97))
        sheets = row.sides(level + 0.1, tilt)[: 2 if tents else 1]
        faces += [face_on(face) for face in lowest(row.ring, sheets)]
    return _whole(span, faces)


def face_on(face: Face) -> Face:
    """The same face, counted with face 0."""
    return Face(face.ring, face.sheet, face.role, 0)


def with_dormers(rng: Random) -> Shape:
    """A gable with flat dormers in its slopes, and a chimney through one."""
    width = rng.uniform(8.5, 11)
    span, eaves, rise = (
        Span.about(rng.uniform(9, 15), width),
        rng.uniform(3, 5.5),
        _angle(rng, 38, 50),
    )
    faces = lowest(span.ring, span.sides(eaves, rise))
    top = eaves + rise * (width / 2 - 1)
    for side in (-1, 1):
        u = rng.uniform(span.u0 + 2.6, span.u1 - 2.6)
        front, back = span.v1 - 1.0, 0.9
        v0, v1 = (back, front) if side > 0 else (-front, -back)
        dormer = Span(u - rng.uniform(1, 1.6), u + 1.3, v0, v1)
        faces.append(Face(dormer.ring, Sheet(top)))
    return _whole(span, [*faces, _chimney(rng, span, eaves + rise * width / 2)])


def _chimney(rng: Random, span: Span, ridge: float) -> Face:
    size, u = rng.uniform(0.6, 1), rng.uniform(span.u0 + 1, span.u1 - 1)
    return Face(Span.about(size, size, u, 0.3).ring, Sheet(ridge + 0.8), "detail")


def with_chimney(rng: Random) -> Shape:
    """A hip roof with a chimney by its ridge."""
    span, eaves = _house(rng)
    rise = _angle(rng, 30, 45)
    faces = lowest(span.ring, span.sides(eaves, rise) + span.ends(eaves, rise * 1.2))
    return _whole(span, [*faces, _chimney(rng, span, eaves + rise * span.v1)])


def courtyard(rng: Random) -> Shape:
    """Four flat wings around a hole in the footprint."""
    span, level = Span.about(rng.uniform(20, 28), rng.uniform(18, 24)), rng.uniform(6, 12)
    inner = Span(span.u0 + 6, span.u1 - 6, span.v0 + 6, span.v1 - 6)
    (a, b, c, d), (e, f, g, h) = span, inner
    wings = [Span(a, b, c, g), Span(a, b, h, d), Span(a, e, g, h), Span(f, b, g, h)]
    faces = [Face(wings[0].ring, Sheet(level))]
    faces += [Face(wing.ring, Sheet(level), "plane", on=0) for wing in wings[1:]]
    return Shape(Polygon(span.ring, [inner.ring]), faces)


def _with_lift(span: Span, level: float) -> Shape:
    """A flat roof behind a parapet, with the top of a lift at its middle."""
    lift = Face(Span.about(5, 4).ring, Sheet(level + 2.6), "detail")
    return _whole(span, [Face(span.ring, Sheet(level)), *_parapet(span, level + 0.6, 0.3), lift])


def apartments(rng: Random) -> Shape:
    """A long block of flats of 21 to 30 m."""
    return _with_lift(Span.about(rng.uniform(30, 38), rng.uniform(11, 13)), rng.uniform(21, 30))


def tower(rng: Random) -> Shape:
    """A square tower of 40 to 60 m."""
    side = rng.uniform(16, 22)
    return _with_lift(Span.about(side, side), rng.uniform(40, 60))


def terrace(rng: Random) -> list[tuple[float, Shape]]:
    """A row of gabled houses with party walls, some higher than the others: each house and where
    its middle lies along the row [m]."""
    width, depth, count = rng.uniform(5, 7), rng.uniform(8, 10), 5
    rise, eaves = _angle(rng, 28, 48), rng.uniform(5, 6)
    row = []
    for k in range(count):
        span = Span.about(width, depth)
        up = rng.choice([0.0, 0.0, rng.uniform(0.3, 1.5)])
        house = _whole(span, lowest(span.ring, span.sides(eaves + up, rise)))
        row.append(((k - (count - 1) / 2) * width, house))
    return row


KINDS: tuple[Callable[[Random], Shape], ...] = (
    gable,
    small_gable,
    hip,
    half_hip,
    pyramid,
    mansard,
    cross_gable,
    shed,
    sawtooth,
    barrel,
    box,
    flat_with_parapet,
    steps,
    panel_rows,
    with_dormers,
    with_chimney,
    courtyard,
)
TALL: tuple[Callable[[Random], Shape], ...] = (apartments, tower)
"""What is high enough for a turbine."""
