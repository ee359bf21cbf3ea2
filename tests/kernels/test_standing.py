"""What stands on squares of coarse cells: against a plain reference, on ground with known blocks,
and the same to the bit whatever lies around a square."""

import numpy as np
import pytest
from hypothesis import given

from kernels.coarse import COARSE, Coarse, coarsen
from kernels.standing import Standing, Surface, standing
from kernels.zonal import NO_HEIGHT
from tests.support.scenes import SEEDS, Raster, examples, houses

SIDE = 4  # coarse cells of a square here
CELLS = COARSE * SIDE


def scene(seed: int, rows: int = 2, columns: int = 3) -> tuple[Coarse, Coarse]:
    """Squares of a surface with holes, and of the terrain, which is known here and there."""
    rng = np.random.default_rng(seed)
    shape = rows * CELLS, columns * CELLS
    surface, terrain = houses(seed, *shape), rng.normal(0, 1, shape).astype(np.float32)
    for _ in range(20):
        top, left = rng.integers(shape)
        terrain[top : top + 20, left : left + 25] = np.nan
    if seed % 3 == 0:
        terrain[:CELLS, :CELLS] = np.nan  # a square without any
    return coarsen(surface, 0, 0), coarsen(terrain, 0, 0)


def part(coarse: Coarse, top: int, left: int, rows: int, columns: int) -> Coarse:
    """Some squares of it."""
    cells = np.s_[top * SIDE : (top + rows) * SIDE, left * SIDE : (left + columns) * SIDE]
    return Coarse(*(values[cells] for values in coarse[:4]), top * SIDE, left * SIDE)


def expected(surface: Coarse, terrain: Coarse, threshold: float) -> tuple[Surface, Standing]:
    """Square by square, from all its cells at once."""
    mean, ground = (c.total / np.where(c.known, c.known, np.nan) for c in (surface, terrain))
    highest = np.where(surface.highest == NO_HEIGHT, np.nan, surface.highest)
    rows, columns = (n // SIDE for n in mean.shape)
    sums = Standing(np.zeros((rows, columns), np.int64), *np.zeros((4, rows, columns)))
    for i in range(rows):
        for j in range(columns):
            here = np.s_[i * SIDE : (i + 1) * SIDE, j * SIDE : (j + 1) * SIDE]
            known = ground[here][~np.isnan(ground[here])]
            filled = np.median(known) if len(known) else np.nan
            ground[here] = np.where(np.isnan(ground[here]), filled, ground[here])
            up = highest[here] - ground[here]
            stands = up > 100 * threshold
            sums.cells[i, j] = stands.sum()
            sums.total[i, j], sums.square[i, j] = up[stands].sum(), (up[stands] ** 2).sum()
            sums.body[i, j] = np.maximum((mean - ground)[here][stands], 0).sum()
            sums.highest[i, j] = up[stands].max(initial=0)
    metres = (cm / 100 for cm in (highest, (mean + highest) / 2, ground))
    return Surface(*(values.astype(np.float32) for values in metres)), sums


@given(SEEDS)
@examples(40)
def test_equals_a_plain_reference(seed: int) -> None:
    surface, terrain = scene(seed)
    found, due = standing(surface, terrain, 2.0, SIDE), expected(surface, terrain, 2.0)
    for values, others in zip(found[0], due[0], strict=True):
        np.testing.assert_array_equal(values, others)
    for values, others in zip(found[1], due[1], strict=True):
        np.testing.assert_allclose(values, others, rtol=1e-12)


@given(SEEDS)
@examples(20)
def test_a_square_is_the_same_whatever_lies_around_it(seed: int) -> None:
    surface, terrain = scene(seed)
    heights, whole = standing(surface, terrain, 2.0, SIDE)
    for i in range(2):
        for j in range(3):
            alone = part(surface, i, j, 1, 1), part(terrain, i, j, 1, 1)
            near, sums = standing(*alone, 2.0, SIDE)
            for values, others in zip(sums, whole, strict=True):
                assert values[0, 0] == others[i, j]
            cells = np.s_[i * SIDE : (i + 1) * SIDE, j * SIDE : (j + 1) * SIDE]
            for values, others in zip(near, heights, strict=True):
                np.testing.assert_array_equal(values, others[cells])


def flat(height: float) -> Raster:
    return np.full((CELLS, CELLS), height, np.float32)


def test_a_block_of_a_known_height() -> None:
    """10 m high on three coarse cells, and on half of a fourth, whose mean is 5 m high."""
    surface = flat(1.0)
    surface[:8, :24] = 11.0
    surface[8:12, :8] = 11.0
    metres, sums = standing(coarsen(surface, 0, 0), coarsen(flat(1.0), 0, 0), 2.0, SIDE)
    assert sums.cells[0, 0] == 4
    assert sums.total[0, 0] == 4000 and sums.square[0, 0] == 4 * 1000**2
    assert sums.body[0, 0] == 3500 and sums.highest[0, 0] == 1000
    assert metres.middle[1, 0] == np.float32(8.5) and metres.highest[1, 0] == np.float32(11)


@pytest.mark.parametrize(("top", "cells"), [(3.0, 0), (3.01, 1)])
def test_what_is_higher_than_the_threshold_stands(top: float, cells: int) -> None:
    surface = flat(1.0)
    surface[3, 3] = top
    _, sums = standing(coarsen(surface, 0, 0), coarsen(flat(1.0), 0, 0), 2.0, SIDE)
    assert sums.cells[0, 0] == cells


def test_ground_without_data_is_the_median_of_its_square() -> None:
    """Of an even number the mean of the middle two; without any, nothing is known."""
    terrain = flat(np.nan)
    terrain[0, :32:8] = [0.0, 1.0, 2.0, 30.0]
    metres, sums = standing(coarsen(flat(3.6), 0, 0), coarsen(terrain, 0, 0), 2.0, SIDE)
    assert (metres.ground[1:] == np.float32(1.5)).all()
    assert sums.cells[0, 0] == 2 + 12  # above 0 m and 1 m, and the rest above 1.5 m
    nothing, none = standing(coarsen(flat(3.6), 0, 0), coarsen(flat(np.nan), 0, 0), 2.0, SIDE)
    assert np.isnan(nothing.ground).all() and none.cells[0, 0] == 0


def test_cells_that_are_no_squares() -> None:
    whole = coarsen(flat(0.0), 0, 0)
    with pytest.raises(ValueError, match="no squares of 3"):
        standing(whole, whole, 2.0, 3)
    with pytest.raises(ValueError, match="no squares of 4"):
        standing(whole, coarsen(np.zeros((8, 8), np.float32), 0, 0), 2.0, 4)
