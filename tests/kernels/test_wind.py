"""The wind's disc: exact, closed, between cell centres, and own cells are nobody's shelter."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from kernels.wind import Candidate, any_within, clear_within
from tests.support.scenes import Mask, examples

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12)
# Every distance on such a grid, many of them exactly a radius, and what lies just under them.
SQUARES = st.integers(0, 11**2 * 2)
RADII = SQUARES.map(math.sqrt) | SQUARES.map(lambda n: math.nextafter(math.sqrt(n), 0))


@st.composite
def scattered(draw: st.DrawFn) -> tuple[Mask, Mask]:
    """Own and other cells, few or many, overlapping or not."""
    shape, seed = draw(SHAPES), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    density = draw(st.sampled_from([0.02, 0.1, 0.5])), draw(st.sampled_from([0.02, 0.1, 0.5]))
    own, others = (rng.random(shape) < share for share in density)
    return own, others


def squared_distances(own: Mask, others: Mask) -> NDArray[np.int64]:
    """Of every own cell to every other that is not own, in whole cells."""
    here, there = np.argwhere(own), np.argwhere(others & ~own)
    return ((here[:, None] - there) ** 2).sum(axis=2)


@given(scattered(), RADII)
@examples(500)
def test_equals_every_pair(cells: tuple[Mask, Mask], radius: float) -> None:
    expected = bool((squared_distances(*cells) <= radius * radius).any())
    assert any_within(*cells, radius) is expected


@given(scattered())
@examples(200)
def test_radius_is_closed(cells: tuple[Mask, Mask]) -> None:
    """Just within at the distance of the nearest pair, not at the next smaller whole square."""
    nearest = squared_distances(*cells).min(initial=10_000)
    assert any_within(*cells, 17.0) == (nearest < 10_000)
    if nearest < 10_000:
        whole = math.isqrt(int(nearest))
        assert any_within(*cells, whole) == (whole**2 == nearest)
        assert any_within(*cells, whole + 1)


def pair(down: int, along: int) -> tuple[Mask, Mask]:
    """One own cell and one other, so many rows and columns away."""
    own, others = np.zeros((2, abs(down) + 1, abs(along) + 1), bool)
    own[max(-down, 0), max(-along, 0)] = True
    others[max(down, 0), max(along, 0)] = True
    return own, others


@pytest.mark.parametrize(
    ("down", "along", "expected"),
    [
        *[(0, 200, True), (0, -201, False), (200, 0, True), (-201, 0, False)],
        *[(120, 160, True), (-160, 120, True), (56, -192, True), (121, 160, False)],
        *[(0, 1, True), (142, 142, False), (141, -141, True), (193, 53, False), (-193, 52, True)],
    ],
)
def test_100_metres_on_cells_of_half_a_metre(down: int, along: int, expected: bool) -> None:
    """200 cells are within, 201 are not, nor is any corner of the square about the disc."""
    own, others = pair(down, along)
    assert any_within(own, others, 100.0 / 0.5) is expected
    assert any_within(others, own, 100.0 / 0.5) is expected


def test_distance_counts_from_the_nearest_own_cell() -> None:
    """Of a building in pieces, and of one with a courtyard."""
    own, others = np.zeros((2, 3, 9), bool)
    own[0, 8] = own[1, 0] = others[0, 4] = True
    for flip in (np.s_[:, :], np.s_[:, ::-1], np.s_[::-1, :]):
        assert not any_within(own[flip], others[flip], 3.99)
        assert any_within(own[flip], others[flip], 4.0)
    ring, middle = np.ones((2, 11, 11), bool)
    ring[1:-1, 1:-1], middle[:] = False, False
    middle[5, 5] = True
    assert not any_within(ring, middle, 4.99)
    assert any_within(ring, middle, 5.0)


def test_a_radius_beyond_everything() -> None:
    own, others = pair(3, 4)
    assert any_within(own, others, math.inf)
    assert not any_within(own, own, 1e300)


def test_own_cells_shelter_nobody() -> None:
    own, everywhere = np.eye(5, dtype=bool), np.ones((5, 5), bool)
    assert not any_within(own, own, 100.0)
    assert not any_within(everywhere, everywhere, 100.0)
    assert any_within(own, everywhere, 1.0)


@given(scattered(), RADII, st.integers(0, 3))
@examples(200)
def test_turned_and_mirrored(cells: tuple[Mask, Mask], radius: float, quarter: int) -> None:
    found = any_within(*cells, radius)
    own, others = (np.rot90(mask, quarter).copy() for mask in cells)
    assert any_within(own, others, radius) is found
    assert any_within(own.T.copy(), others.T.copy(), radius) is found


@given(scattered(), RADII)
@examples(200)
def test_cells_within_a_radius_are_cleared(cells: tuple[Mask, Mask], radius: float) -> None:
    own, _ = cells
    height = np.zeros(own.shape, np.float32)
    clear_within(height, Candidate(own, 0, 0), radius)
    apart = np.argwhere(own)[:, None, None] - np.moveaxis(np.indices(own.shape), 0, 2)
    near = ((apart**2).sum(axis=3) <= radius * radius).any(axis=0)
    np.testing.assert_array_equal(np.isnan(height), near)


def test_what_lies_beside_the_raster_is_cleared_as_well() -> None:
    """Of own cells outside of it."""
    height = np.zeros((4, 6), np.float32)
    clear_within(height, Candidate(np.ones((1, 1), bool), 1, -2), 3.0)
    assert np.argwhere(np.isnan(height)).tolist() == [[0, 0], [1, 0], [1, 1], [2, 0], [3, 0]]
