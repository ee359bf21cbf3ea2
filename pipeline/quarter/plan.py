"""The plan of a generated quarter: a jittered lattice of streets and canals, and its districts."""

import math
from collections.abc import Callable, Iterator

import numpy as np

from pipeline.quarter import fillings
from pipeline.quarter.cases import cases
from pipeline.quarter.ground import SWELLS, Terrain
from pipeline.quarter.land import District
from pipeline.quarter.scene import Tree
from pipeline.quarter.shapes import Bounds, Frame, Point, Rect

SIDE = 260.0
"""Of a district, from street to street [m]."""

FIRST = (-185.0, -130.0)
"""Where the lines 0 of the plan run, from the middle of the quarter [m]."""

CANALS = (1, 2)
"""Of the lines of either direction every fourth is a canal, from this one on."""

STREET, CANAL, QUAY, BRIDGE = 7.0, 8.0, 9.0, 6.0
"""Half the width of a street and of a canal, a quay, half the width of a bridge [m]."""

Filling = Callable[[District], None]

INNER: tuple[Filling, ...] = (
    fillings.terraces,
    fillings.villas,
    fillings.halls,
    fillings.lone,
    fillings.flats,
    fillings.towers,
    fillings.park,
    fillings.closed_blocks,
)
"""The eight districts around the middle one, in an order that the seed draws."""

OUTER: dict[Filling, float] = {
    fillings.terraces: 0.2,
    fillings.closed_blocks: 0.1,
    fillings.flats: 0.2,
    fillings.villas: 0.15,
    fillings.halls: 0.15,
    fillings.park: 0.15,
    fillings.towers: 0.05,
}
"""How often each stands farther out."""


class TownPlan:
    """Streets, canals and districts over some bounds, from nodes (i, j) east and north."""

    def __init__(self, bounds: Bounds, seed: int) -> None:
        west, south, east, north = bounds
        rng = np.random.default_rng(seed)
        middle = (west + east) / 2, (south + north) / 2
        self.bounds, self.seed = bounds, seed
        self.frame = Frame.at(*middle, rng.uniform(0.18, 0.27))
        self.ground = Terrain(*middle, tuple(rng.choice([-1.0, 1.0], len(SWELLS)).tolist()))
        self.inner: list[Filling] = [INNER[i] for i in rng.permutation(len(INNER))]

    def districts(self) -> Iterator[District]:
        """All that may reach into the bounds, built and planted."""
        for i, j in self._places():
            district = self._district(i, j)
            if not self._reaches(district):
                continue
            self._filling(i, j, district.rng)(district)
            if (i, j) == (0, 0):
                cases(district)
            yield district

    def canals(self) -> Iterator[Rect]:
        """Their water, from bridge to bridge."""
        for a, b, canal in self._edges():
            if canal:
                yield Rect(_along(a, b), BRIDGE, math.dist(a, b) - BRIDGE, -CANAL, CANAL)

    def avenues(self) -> Iterator[Tree]:
        """Trees along the streets and the quays."""
        rng = np.random.default_rng([self.seed, 1])
        for a, b, canal in self._edges():
            frame, side = _along(a, b), CANAL + 3 if canal else STREET - 2
            for u in np.arange(14, math.dist(a, b) - 14, 10).tolist():
                for v in (-side, side):
                    height = float(rng.uniform(7, 12) if canal else rng.uniform(5, 9))
                    x, y = frame.point(u + rng.uniform(-1.5, 1.5), v)
                    if rng.random() < 0.75:
                        yield Tree(
                            x, y, 0.35 * height, self.ground.at(x, y) + height, 0.45 * height
                        )

    def _places(self) -> list[tuple[int, int]]:
        """The south-western nodes of the districts."""
        west, south, east, north = self.bounds
        u, v = self.frame.local([west, east, east, west], [south, south, north, north])
        i, j = (np.floor((w - first) / SIDE) for w, first in zip((u, v), FIRST, strict=True))
        columns = range(int(i.min()) - 1, int(i.max()) + 2)
        return [(a, b) for a in columns for b in range(int(j.min()) - 1, int(j.max()) + 2)]

    def _reaches(self, district: District) -> bool:
        west, south, east, north = self.bounds
        xs, ys = [x for x, _ in district.corners], [y for _, y in district.corners]
        return min(xs) < east and max(xs) > west and min(ys) < north and max(ys) > south

    def _node(self, i: int, j: int) -> Point:
        """Shaken, but for those of the middle district; more so along a canal, which bends."""
        shake = self._rng(i, j, 0).uniform(-1, 1, 2)
        if i in (0, 1) and j in (0, 1):
            shake *= 0
        across = [40 if _is_canal(line, axis) else 14 for axis, line in enumerate((i, j))]
        u, v = (
            FIRST[0] + i * SIDE + across[0] * shake[0],
            FIRST[1] + j * SIDE + across[1] * shake[1],
        )
        return self.frame.point(float(u), float(v))

    def _edges(self) -> Iterator[tuple[Point, Point, bool]]:
        """Every street or canal between two nodes, and whether it is a canal."""
        for i, j in self._places():
            yield self._node(i, j), self._node(i, j + 1), _is_canal(i, 0)
            yield self._node(i, j), self._node(i + 1, j), _is_canal(j, 1)

    def _district(self, i: int, j: int) -> District:
        rng = self._rng(i, j, 1)
        nodes = [self._node(*n) for n in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))]
        lines = [_is_canal(j, 1), _is_canal(i + 1, 0), _is_canal(j + 1, 1), _is_canal(i, 0)]
        corners = _inset(nodes, [CANAL + QUAY if canal else STREET for canal in lines])
        x, y = np.mean(corners, axis=0).tolist()
        front = _along(nodes[0], nodes[1]) if rng.random() < 0.5 else _along(nodes[1], nodes[2])
        frame = self.frame if (i, j) == (0, 0) else front._replace(x=x, y=y)
        return District(frame, corners, self.ground, rng)

    def _filling(self, i: int, j: int, rng: np.random.Generator) -> Filling:
        if (i, j) == (0, 0):
            return fillings.terraces
        if abs(i) <= 1 and abs(j) <= 1:
            return self.inner[(3 * i + j + 4) % 9 - (3 * i + j > 0)]
        return list(OUTER)[int(rng.choice(len(OUTER), p=list(OUTER.values())))]

    def _rng(self, i: int, j: int, use: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, i + 2**16, j + 2**16, use])


def _is_canal(line: int, axis: int) -> bool:
    return line % 4 == CANALS[axis]


def _along(a: Point, b: Point) -> Frame:
    return Frame.at(*a, math.atan2(b[1] - a[1], b[0] - a[0]))


def _inset(corners: list[Point], by: list[float]) -> list[Point]:
    """A counterclockwise polygon with its edge k (from corner k) moved inward by so much."""
    edges = [_along(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True)]
    moved = [edge.moved(0, distance) for edge, distance in zip(edges, by, strict=True)]
    return [_meet(moved[k - 1], moved[k]) for k in range(len(moved))]


def _meet(a: Frame, b: Frame) -> Point:
    """Where the u axes of two frames cross."""
    sine = a.cos * b.sin - a.sin * b.cos
    along = ((b.x - a.x) * b.sin - (b.y - a.y) * b.cos) / sine
    return a.point(along, 0)
