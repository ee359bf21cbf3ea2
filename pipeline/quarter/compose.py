"""A quarter put together: districts, canals and trees, cut to size and numbered."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import shapely

from pipeline.quarter.land import IN_USE
from pipeline.quarter.plan import TownPlan
from pipeline.quarter.scene import Scene, Tree
from pipeline.quarter.shapes import Bounds, Building, Frame, Point, Rect, Volume

LATTICE_CORNER = (122880.0, 481280.0)
"""Where four cells of the sun's lattice meet; by default in the quarter, off its middle [RD m]."""


def default_origin(size: tuple[float, float]) -> Point:
    """The south-western corner that brings `LATTICE_CORNER` into a quarter [RD m]."""
    (x, y), (width, height) = LATTICE_CORNER, size
    return x - 10 * round(0.044 * width), y - 10 * round(0.037 * height)


def scene(
    size: tuple[float, float] = (1000.0, 1000.0),
    seed: int = 2008,
    origin: Point | None = None,
) -> Scene:
    """The quarter of so many metres east and north of its south-western corner [RD m].

    It holds all of `cases` from 200 x 200 m, and every kind of district from 1 x 1 km.
    ValueError if the size is not positive or the seed is negative.
    """
    if min(size) <= 0 or seed < 0:
        raise ValueError(f"size {size} must be positive and seed {seed} not negative")
    west, south = origin or default_origin(size)
    bounds = (west, south, west + size[0], south + size[1])
    plan = TownPlan(bounds, seed)
    districts = list(plan.districts())
    water = (*plan.canals(), *(rect for d in districts for rect in d.water))
    inside = _within(bounds, [b for d in districts for b in d.buildings])
    buildings = _numbered(_with_one_on_the_edge(inside, water, plan), seed)
    trees = [*plan.avenues(), *(tree for d in districts for tree in d.trees)]
    return Scene(
        bounds, seed, plan.ground, buildings, water, _free(trees, bounds, buildings, water)
    )


def _within(bounds: Bounds, buildings: Iterable[Building]) -> list[Building]:
    west, south, east, north = bounds
    return [
        b
        for b in buildings
        if all(west <= x <= east and south <= y <= north for p in b.parts for x, y in p.corners)
    ]


def _with_one_on_the_edge(
    buildings: list[Building], water: tuple[Rect, ...], plan: TownPlan
) -> list[Building]:
    """Adds a building across the northern edge, on dry land, in the place of what stood there."""
    west, _, east, north = plan.bounds
    wet = shapely.union_all([rect.polygon for rect in water])
    for share in (0.31, 0.45, 0.62, 0.78):
        frame = Frame.at(west + share * (east - west), north, 0.4)
        base = plan.ground.at(frame.x, frame.y)
        block = Volume(frame, -11, 11, -6, 6, base, base + 9, base + 9)
        site = block.polygon.buffer(4)
        if not site.intersects(wet):
            break
    kept = [b for b in buildings if not any(site.intersects(p.polygon) for p in b.parts)]
    return [*kept, Building("", "edge", block.polygon, 1979, IN_USE, (block,))]


def _numbered(buildings: list[Building], seed: int) -> tuple[Building, ...]:
    """With ids of 16 digits, all different but for the pair that shares one."""
    rng = np.random.default_rng([seed, 2])
    numbers = 12_000_000 + np.cumsum(rng.integers(1, 20, len(buildings)))
    ids = [f"0363100{number:09d}" for number in numbers]
    pair = [row for row, b in enumerate(buildings) if b.kind == "same_id"]
    for row in pair[1:]:
        ids[row] = ids[pair[0]]
    return tuple(replace(b, id=name) for b, name in zip(buildings, ids, strict=True))


def _free(
    trees: list[Tree], bounds: Bounds, buildings: tuple[Building, ...], water: tuple[Rect, ...]
) -> tuple[Tree, ...]:
    """The trees whose trunk stands inside, on dry land and two metres from any wall."""
    west, south, east, north = bounds
    trees = [tree for tree in trees if west < tree.x < east and south < tree.y < north]
    walls = [part.polygon for b in buildings for part in b.parts]
    obstacles = shapely.STRtree([*walls, *(rect.polygon for rect in water)])
    trunks = shapely.points(np.array([tree[:2] for tree in trees]).reshape(-1, 2))
    taken, _ = obstacles.query(trunks, predicate="dwithin", distance=2.0)
    free = np.setdiff1d(np.arange(len(trees)), taken)
    return tuple(trees[i] for i in free)
