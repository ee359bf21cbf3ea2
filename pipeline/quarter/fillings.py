"""The fillings of districts: terraces, closed blocks, villas, flats, towers, halls or a park."""

import math
from collections.abc import Iterator
from itertools import pairwise, product

from shapely.geometry import Polygon

from pipeline.quarter.land import District
from pipeline.quarter.shapes import Frame, Rect

STOREY = 3.0
TERRACE_PITCH = 66.0
"""From street to street [m], two rows and their gardens between."""


def terraces(d: District) -> None:
    """Rows of touching houses, back to back with gardens between."""
    depth, offset = d.rng.uniform(8.5, 10.5), d.rng.uniform(0, TERRACE_PITCH)
    for street in _steps(d, TERRACE_PITCH, offset):
        _row(d, street + 8.5, street + 8.5 + depth, back=1)
        _row(d, street + TERRACE_PITCH - 8.5 - depth, street + TERRACE_PITCH - 8.5, back=-1)
    d.wood(120, 3, 7)


def _row(d: District, v0: float, v1: float, back: int) -> None:
    u = -d.half + d.rng.uniform(0, 20)
    built = int(d.rng.integers(1920, 2010))
    while u < d.half:
        count, width = int(d.rng.integers(4, 10)), d.rng.uniform(6.4, 8.4)
        edges = [u + i * width for i in range(count + 1)]
        _terrace(d, edges, v0, v1, back, built)
        u = edges[-1] + d.rng.uniform(4, 12)


def _terrace(d: District, edges: list[float], v0: float, v1: float, back: int, built: int) -> None:
    floor = d.ground.at(*d.frame.point((edges[0] + edges[-1]) / 2, v0))
    storeys = int(d.rng.integers(2, 4))
    pitch = math.radians(d.rng.uniform(30, 50)) if d.rng.random() < 0.8 else 0.0
    rise = math.tan(pitch) * (v1 - v0) / 2
    for a, b in pairwise(edges):
        main = d.block(Rect(d.frame, a, b, v0, v1), storeys * STOREY - 0.4, rise, floor=floor)
        if d.rng.random() < 0.35:
            reach, c = d.rng.uniform(2.5, 4), a + d.rng.uniform(0.5, 0.85) * (b - a)
            low, high = (v1, v1 + reach) if back > 0 else (v0 - reach, v0)
            annex = d.block(Rect(d.frame, a, c, low, high), STOREY, floor=floor)
            d.build("house", main, annex, shape=_angled(main, annex), built=built)
        else:
            d.build("house", main, built=built)
        if d.rng.random() < 0.04:
            _shed(d, a, v1 + 7 if back > 0 else v0 - 10)


def _angled(main: Rect, annex: Rect) -> Polygon:
    """The outline of a house with an annex behind or before it, flush with its side at u0.

    The corner between the two stays in the ring, so that the next house touches it exactly.
    """
    (a, b, v0, v1), c = (main.u0, main.u1, main.v0, main.v1), annex.u1
    if annex.v0 == v1:
        ring = [(a, v0), (b, v0), (b, v1), (c, v1), (c, annex.v1), (a, annex.v1), (a, v1)]
    else:
        ring = [(a, annex.v0), (c, annex.v0), (c, v0), (b, v0), (b, v1), (a, v1), (a, v0)]
    return Polygon(main.frame.ring(ring))


def _shed(d: District, u: float, v: float) -> None:
    rect = Rect(d.frame, u, u + 2.4, v, v + 3)
    d.build("shed", d.block(rect, 2.4), built=1995)


def closed_blocks(d: District) -> None:
    """Blocks of tall narrow houses around gardens, their gables to the street."""
    long, wide, street, deep = 92.0, 62.0, 16.0, 12.0
    for u, v in product(_steps(d, long + street), _steps(d, wide + street)):
        _street_front(d, d.frame, (u, u + long), (v, v + deep))
        _street_front(d, d.frame, (u, u + long), (v + wide - deep, v + wide))
        side, along = d.frame.turned(), (v + deep, v + wide - deep)
        _street_front(d, side, along, (-u - deep, -u))
        _street_front(d, side, along, (-u - long, -u - long + deep))
    d.wood(90, 4, 9)


def _street_front(
    d: District, frame: Frame, along: tuple[float, float], depth: tuple[float, float]
) -> None:
    count = round((along[1] - along[0]) / 8.0)
    places = [i + d.rng.uniform(-0.15, 0.15) for i in range(1, count)]
    edges = [along[0] + (along[1] - along[0]) * place / count for place in places]
    for a, b in pairwise([along[0], *edges, along[1]]):
        eaves, built = d.rng.uniform(9, 13), int(d.rng.integers(1650, 1930))
        if d.rng.random() < 0.35:
            house = d.block(Rect(frame, a, b, *depth), eaves)
        else:
            rise = math.tan(math.radians(d.rng.uniform(40, 52))) * (b - a) / 2
            house = d.block(Rect(frame.turned(), *depth, -b, -a), eaves, rise)
        d.build("town_house", house, built=built)


def flats(d: District) -> None:
    """Slabs of 8 to 40 m in the green, turned away from the streets."""
    d.frame = d.frame.rotated(d.rng.uniform(0.3, 0.9))
    for u, v in product(_steps(d, 86), _steps(d, 50)):
        length, storeys = d.rng.uniform(48, 72), int(d.rng.integers(3, 13))
        slab(d, Rect(d.frame, u, u + length, v, v + 12), storeys * STOREY, built=1968)
    d.wood(220, 6, 13)


def slab(d: District, rect: Rect, height: float, *, built: int, kind: str = "flat") -> None:
    """A flat with the box of its lift on the roof."""
    u, v = rect.u0 + 0.4 * rect.length, rect.v0 + 3
    lift = d.block(Rect(rect.frame, u, u + 5, v, v + 5), height + 2.6)
    d.build(kind, d.block(rect, height, covered=25), lift, built=built)


def towers(d: District) -> None:
    """Square towers of 40 to 100 m, near enough to take each other's wind."""
    for u, v in product(_steps(d, 74), _steps(d, 70)):
        half, height = d.rng.uniform(9.5, 13), d.rng.uniform(40, 100)
        spot = d.frame.moved(u + d.rng.uniform(-9, 9), v + d.rng.uniform(-9, 9))
        rect = Rect(spot.rotated(d.rng.uniform(-0.3, 0.3)), -half, half, -half, half)
        d.build("tower", d.block(rect, height), built=2004)
    d.wood(170, 6, 12)


def villas(d: District) -> None:
    """Houses in gardens of their own, most with a roof of four planes."""
    for u, v in product(_steps(d, 29), _steps(d, 33)):
        length, width = d.rng.uniform(11, 14), d.rng.uniform(8, 10)
        spot = d.frame.moved(u + d.rng.uniform(-3, 3), v + d.rng.uniform(-4, 4))
        rect = Rect(spot.rotated(d.rng.normal(0, 0.1)), 0, length, 0, width)
        rise, hip = d.rng.uniform(2.5, 5), 4.0 if d.rng.random() < 0.7 else 0.0
        house = d.block(rect, d.rng.uniform(3, 6), rise, hip=hip)
        d.build("villa", house, built=int(d.rng.integers(1900, 2015)))
    d.wood(200, 4, 12)


def halls(d: District) -> None:
    """Workshops and offices: wide, low and flat."""
    for u, v in product(_steps(d, 66), _steps(d, 54)):
        length, width = d.rng.uniform(30, 52), d.rng.uniform(24, 40)
        rect = Rect(d.frame, u, u + length, v, v + width)
        d.build("hall", d.block(rect, d.rng.uniform(6, 14)), built=1998)
    d.wood(40, 5, 9)


def park(d: District) -> None:
    """Old trees around a pond, and a pavilion."""
    x, y = d.frame.x, d.frame.y
    for k, (length, width) in enumerate(((37, 19), (29, 18), (33, 16))):
        frame = Frame.at(x, y, 0.2 + k * math.pi / 3)
        d.water.append(Rect(frame, -length, length, -width, width))
    pavilion = Rect(d.frame, -64, -48, -50, -38)
    d.build("pavilion", d.block(pavilion, 3.5, 3, hip=6), built=1921)
    d.wood(420, 7, 19)


def lone(d: District) -> None:
    """One flat of 24 m, and nothing as high within 100 m."""
    villas(d)
    d.clear(Rect(d.frame, -34, 34, -26, 26))
    d.build("lone", d.block(Rect(d.frame, -12, 12, -7, 7), 24), built=1974)


def _steps(d: District, pitch: float, offset: float = 0.0) -> Iterator[float]:
    """Places at equal distances, centred when there is no offset, across the district."""
    count = math.ceil(d.half / pitch)
    for i in range(-count, count):
        yield i * pitch + offset
