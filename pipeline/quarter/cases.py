"""The middle of a generated quarter: every case that a program must get right, side by side."""

from itertools import pairwise

from shapely.geometry import MultiPolygon, Polygon

from pipeline.quarter.fillings import slab
from pipeline.quarter.land import IN_USE, District
from pipeline.quarter.shapes import Frame, Rect

HEIGHTS_YEAR = 2020
"""When the heights of a generated quarter were surveyed; no older building is missing in them."""

ZONE = (-86.0, 62.0, -86.0, 86.0)
"""What the cases take of the middle district, u0, u1, v0, v1 in its frame [m]."""


def cases(d: District) -> None:
    """Clears the zone and builds all cases there."""
    d.clear(Rect(d.frame, *ZONE))
    _towers(d)
    _church(d)
    _courtyard(d)
    _odd_shapes(d)
    _statuses(d)
    _absent(d)
    _neighbours(d)
    for u in range(-74, 58, 12):
        d.plant(d.frame.point(u, 41.5), 8)
        d.plant(d.frame.point(u, -38), 9)


def _towers(d: District) -> None:
    """A tower at the corner of its podium, each a footprint; another in one footprint; a flat."""
    f = d.frame
    podium = [
        (-80.0, 48.0),
        (-56.0, 48.0),
        (-56.0, 64.0),
        (-40.0, 64.0),
        (-40.0, 78.0),
        (-80.0, 78.0),
    ]
    west = d.block(Rect(f, -80, -56, 48, 78), 9)
    east = d.block(Rect(f, -56, -40, 64, 78), 9, floor=west.eaves - 9)
    d.build("podium", west, east, shape=Polygon(f.ring(podium)), built=2006)
    d.build("tower_at_podium", d.block(Rect(f, -56, -40, 48, 64), 62), built=2006)
    foot = d.block(Rect(f, -80, -36, -76, -48), 10, covered=14 * 20)
    top = d.block(Rect(f, -66, -52, -72, -52), 70)
    d.build("tower_on_podium", foot, top, built=2009)
    slab(d, Rect(f, -28, 22, 60, 72), 30, built=1971)
    d.build("hall", d.block(Rect(f, -22, 20, -74, -48), 6), built=1999)


def _church(d: District) -> None:
    f = d.frame
    floor = d.ground.at(*f.point(-56, 22))
    nave = d.block(Rect(f, -70, -38, 15, 29), 10, 9, floor=floor)
    tower = d.block(Rect(f, -78, -70, 18, 26), 24, 18, floor=floor, hip=4)
    ring = [(-78, 18), (-70, 18), (-70, 15), (-38, 15), (-38, 29), (-70, 29), (-70, 26), (-78, 26)]
    d.build("church", nave, tower, shape=Polygon(f.ring(ring)), built=1632)


def _courtyard(d: District) -> None:
    f = d.frame
    floor = d.ground.at(*f.point(-4, 22))
    wings = [(-22, 14, 7, 15), (-22, 14, 29, 37), (-22, -14, 15, 29), (6, 14, 15, 29)]
    parts = [d.block(Rect(f, *wing), 11, floor=floor) for wing in wings]
    hole = Rect(f, -14, 6, 15, 29).corners
    shape = Polygon(Rect(f, -22, 14, 7, 37).corners, [hole])
    d.build("courtyard", *parts, shape=shape, built=1890)


def _odd_shapes(d: District) -> None:
    """In two parts; with a ring that crosses itself; smaller than a cell and between centres."""
    f = d.frame
    floor = d.ground.at(*f.point(36, 20))
    parts = [d.block(Rect(f, u, u + 10, 9, 31), 7, floor=floor) for u in (24, 40)]
    d.build("multipart", *parts, shape=MultiPolygon([p.polygon for p in parts]), built=1957)
    bow_tie = d.block(Rect(f, 32, 46, 60, 72), 6)
    a, b, c, e = bow_tie.corners
    d.build("bow_tie", bow_tie, shape=Polygon([a, c, b, e]), built=1988)
    x, y = (10 * round(value / 10) for value in f.point(0, -30))
    speck = Rect(Frame(x, y, 1, 0), 0.02, 0.22, 0.02, 0.22)
    d.build("speck", d.block(speck, 2.4), built=1990)


def _statuses(d: District) -> None:
    """A terrace of houses that stand, whatever their status says."""
    rows = [
        ("disused", "Pand buiten gebruik", 1931),
        ("unknown_status", None, 1931),
        ("doomed", "Sloopvergunning verleend", 1931),
        ("rebuilding", "Verbouwing pand", 1931),
        ("not_measured", "Pand in gebruik (niet ingemeten)", 1931),
        ("unknown_year", IN_USE, 1005),
    ]
    floor = d.ground.at(*d.frame.point(-55, -10))
    edges = [-74 + 6.2 * i for i in range(len(rows) + 1)]
    for (kind, status, built), (a, b) in zip(rows, pairwise(edges), strict=True):
        house = d.block(Rect(d.frame, a, b, -14, -4.5), 5.6, 4, floor=floor)
        d.build(kind, house, built=built, status=status)


def _absent(d: District) -> None:
    """In the footprints, not in the heights: newer than those, begun, and never built."""
    f = d.frame
    newer = d.block(Rect(f, 30, 46, 40, 54), 12)
    d.build("newer", newer, built=HEIGHTS_YEAR + 3, in_heights=False)
    begun = d.block(Rect(f, 10, 24, -16, -5), 9)
    d.build("begun", begun, built=HEIGHTS_YEAR + 4, status="Bouw gestart", in_heights=False)
    never = d.block(Rect(f, 30, 50, -72, -56), 15)
    status = "Niet gerealiseerd pand"
    d.build("never_built", never, built=HEIGHTS_YEAR - 8, status=status, in_heights=False)


def _neighbours(d: District) -> None:
    """Two houses that will share an id, and a house with a carport that overlaps it."""
    f = d.frame
    for u in (-22, -9):
        d.build("same_id", d.block(Rect(f, u, u + 9, -16, -7), 4, 4, hip=4.5), built=1936)
    d.build("overlapped", d.block(Rect(f, 32, 42, -18, -8), 6), built=1992)
    d.build("overlapping", d.block(Rect(f, 41, 47, -16, -10), 3), built=1994)
