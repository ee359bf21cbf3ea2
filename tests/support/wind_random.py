"""Random towns in which one obstacle is raised, widened or brought nearer to a roof."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from kernels.wind import Candidate, Shelter, sheltering
from pipeline.methods.annual.wind.model import Candidates, Ground, Obstacles
from tests.support.reference import Cells
from tests.support.wind_ground import (
    APART,
    COARSE,
    FAR,
    NEAR,
    Relief,
    relief_cells,
    roughness_around,
)

SIDE, RESOLUTION = 768, 0.5  # of a scene, and of its cells [m]
WEST, NORTH = 256 * 473.0, 256 * 1907.0  # [RD m]
KINDS = ("raised", "widened", "nearer")


class Box(NamedTuple):
    """A block by how far its north-western corner lies south and east of the scene's, and by its
    size [m]."""

    south: int
    east: int
    deep: int
    wide: int
    top: float

    @property
    def part(self) -> tuple[slice, slice]:
        """Its cells, as slices; what lies beyond the scene is left out."""
        ends = ((self.south, self.deep), (self.east, self.wide))
        return tuple(
            slice(*(max(round(edge / RESOLUTION), 0) for edge in (begin, begin + size)))
            for begin, size in ends
        )  # type: ignore[return-value]

    def near(self, other: "Box", metres: int) -> bool:
        """Whether two blocks stand nearer than that, side to side."""
        down = self.south < other.south + other.deep + metres
        along = self.east < other.east + other.wide + metres
        up = other.south < self.south + self.deep + metres
        return down and along and up and other.east < self.east + self.wide + metres


@dataclass(frozen=True)
class Scene:
    """A roof on a level ground among blocks."""

    roof: Box
    dsm: NDArray[np.float32]

    @property
    def transform(self) -> Affine:
        return Affine(RESOLUTION, 0, WEST, 0, -RESOLUTION, NORTH)

    @cached_property
    def relief(self) -> Relief:
        """As `relief_of` gives it, on a level ground and whole squares."""
        n = len(self.dsm) // COARSE
        cells = np.rint(100 * self.dsm).reshape(n, COARSE, n, COARSE).swapaxes(1, 2)
        cells = cells.reshape(n, n, COARSE * COARSE).astype(np.float64)
        side = COARSE * RESOLUTION
        return Relief(cells.mean(2), cells.max(2), np.zeros((n, n)), WEST, NORTH, side)

    @property
    def candidates(self) -> Candidates:
        return Candidates(np.zeros(1, np.int64), np.array([self.roof.top]), np.zeros(1))

    @property
    def ground(self) -> Ground:
        b = self.roof
        centre = WEST + b.east + b.wide / 2, NORTH - b.south - b.deep / 2
        sectors = roughness_around(self.relief, *centre, 1000.0)
        return Ground(*(np.array([values]) for values in zip(*sectors, strict=True)))

    @property
    def obstacles(self) -> Obstacles:
        b, relief = self.roof, self.relief
        rows, columns = b.part
        own = np.ones((rows.stop - rows.start, columns.stop - columns.start), bool)
        candidate = Candidate(own, rows.start, columns.start)
        near = sheltering(self.dsm, candidate, [radius / RESOLUTION for radius in NEAR], 360)
        cells = np.mgrid[rows, columns].reshape(2, -1)
        coarse = relief_cells(relief, self.transform, Cells(*cells))
        mine = np.zeros(relief.mean.shape, bool)
        mine[coarse.rows, coarse.columns] = True
        apart = distance_transform_edt(~mine) > APART / relief.side
        highest = np.where(apart, relief.highest / 100, np.nan).astype(np.float32)
        top, left = int(coarse.rows.min()), int(coarse.columns.min())
        box = mine[top : coarse.rows.max() + 1, left : coarse.columns.max() + 1]
        place = Candidate(box, top, left)
        far = sheltering(highest, place, [radius / relief.side for radius in FAR], 120)
        return Obstacles(*metres(near, RESOLUTION), *metres(far, relief.side))


def metres(shelter: Shelter, side: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Heights and distances [m] of the one candidate, with a row for it."""
    return shelter.highest.astype(np.float64)[None], shelter.distance[None] * side


def change(seed: int) -> tuple[Scene, Scene]:
    """A scene, and the same with one obstacle changed. That stands before the middle of the roof,
    in one of four directions, so that what it hides before it hides after, too."""
    rng = np.random.default_rng(seed)
    kind, turns = KINDS[seed % 3], int(rng.integers(4))
    middle, half = SIDE // 2 + int(rng.integers(-100, 100)), int(rng.integers(6, 14))
    roof = Box(middle - half, middle - half, 2 * half, 2 * half, float(rng.uniform(20, 45)))
    before, after = _one(rng, roof, middle, kind)
    town = [
        block for block in _town(rng)
        if not (block.near(roof, 2) or block.near(before, 1) or block.near(after, 1))
    ]  # fmt: skip
    first, second = (scene_of(roof, [*town, one], turns) for one in (before, after))
    return first, second


def _one(rng: np.random.Generator, roof: Box, middle: int, kind: str) -> tuple[Box, Box]:
    """The obstacle before and after."""
    away = int(rng.choice([rng.uniform(10, 100), rng.uniform(80, 130), rng.uniform(100, 360)]))
    deep, wide = (int(size) for size in rng.integers(4, 30, 2))
    top = roof.top + float(rng.uniform(-6, 50))
    place = roof.south - away - deep, middle - int(rng.integers(0, wide + 1))
    before = Box(*place, deep, wide, top)
    if kind == "raised":
        return before, before._replace(top=top + float(rng.uniform(0.5, 20)))
    if kind == "widened":
        more = int(rng.integers(1, 10))
        return before, before._replace(east=before.east - more, wide=wide + 2 * more)
    return before, before._replace(south=before.south + int(rng.integers(1, min(30, away))))


def _town(rng: np.random.Generator) -> list[Box]:
    """Blocks every 40 m, some of them missing and a few towers."""
    level, share = rng.uniform(4, 18), rng.uniform(0.3, 0.95)
    blocks = []
    for south in range(0, SIDE, 40):
        for east in range(0, SIDE, 40):
            if rng.random() < share:
                top = max(3.0, level * math.exp(rng.normal(0, 0.5)))
                if rng.random() < 0.03:
                    top = float(rng.uniform(20, 80))
                down, along, deep, wide = (
                    int(v) for v in rng.integers((0, 0, 10, 10), (10, 10, 28, 28))
                )
                blocks.append(Box(south + down, east + along, deep, wide, top))
    return blocks


def scene_of(roof: Box, blocks: list[Box], turns: int = 0) -> Scene:
    """A roof and blocks, turned by so many quarters."""
    cells = round(SIDE / RESOLUTION)
    dsm = np.zeros((cells, cells), np.float32)
    for block in (*blocks, roof):
        np.maximum(dsm[block.part], np.float32(block.top), out=dsm[block.part])
    end = SIDE - roof.south - roof.deep
    south, east = ((roof.south, roof.east), (SIDE - roof.east - roof.wide, roof.south),
                   (end, SIDE - roof.east - roof.wide), (roof.east, end))[turns]  # fmt: skip
    turned = np.ascontiguousarray(np.rot90(dsm, turns))
    return Scene(roof._replace(south=south, east=east), turned)
