"""Sums of a table over the cells of planes: their definition, parts in any order, own horizons."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.plane_light import own_bins, plane_sums
from tests.support.march import Receivers
from tests.support.scenes import SEEDS, examples
from tests.support.skies import ORIGIN, around, look

BINS = 256


def made(seed: int, cells: int, planes: int, directions: int, channels: int):  # type: ignore[no-untyped-def]
    """Bins of cells, planes of which some have no cell, up to three receivers each, a table."""
    rng = np.random.default_rng(seed)
    bins = rng.integers(0, rng.integers(1, BINS + 1), (cells, directions)).astype(np.uint8)
    plane = rng.integers(0, planes, cells)
    receivers = np.concatenate([[0], np.cumsum(rng.integers(0, 4, planes))])
    least = rng.integers(0, 40, (receivers[-1], directions)).astype(np.uint8)
    table = rng.integers(-(2**40), 2**40, (directions, BINS, channels))
    return bins, plane, receivers, least, table


@given(SEEDS, st.integers(0, 200), st.integers(1, 12), st.integers(1, 9), st.integers(1, 40))
@examples(60)
def test_equals_the_definition(
    seed: int, cells: int, planes: int, directions: int, channels: int
) -> None:
    bins, plane, receivers, least, table = made(seed, cells, planes, directions, channels)
    expected = np.zeros((len(least), channels), np.int64)
    for p in range(planes):
        for r in range(receivers[p], receivers[p + 1]):
            for cell in np.flatnonzero(plane == p):
                stands = np.maximum(bins[cell], least[r])
                expected[r] += table[np.arange(directions), stands].sum(axis=0)
    assert np.array_equal(plane_sums(bins, plane, receivers, least, table), expected)


@given(SEEDS, st.integers(0, 200))
@examples(30)
def test_parts_add_up_in_any_order(seed: int, cells: int) -> None:
    bins, plane, receivers, least, table = made(seed, cells, 5, 4, 3)
    part = np.random.default_rng(seed + 1).integers(0, 3, cells)
    sums = [
        plane_sums(bins[part == n], plane[part == n], receivers, least, table) for n in (2, 0, 1)
    ]
    whole = plane_sums(bins, plane, receivers, least, table)
    assert np.array_equal(sums[0] + sums[1] + sums[2], whole)


@given(SEEDS)
@examples(30)
def test_a_plane_alone_has_its_own_bins(seed: int) -> None:
    """To the bit those that the horizon gives its cells; below the floor the floor's."""
    gradient = np.random.default_rng(seed).normal(0, 0.5, (4, 5, 2)).astype(np.float32)
    height, azimuths = np.zeros((4, 5), np.float32), around(16)
    from_ = Receivers(height + np.float32(9), gradient)
    seen = look(height, ORIGIN, height == 0, azimuths, receivers=from_, bins=BINS).bins
    floor = int(math.radians(3) / (math.pi / 2) * BINS)
    own = own_bins(gradient.reshape(-1, 2), azimuths, BINS)
    assert np.array_equal(seen, np.maximum(own, floor))


def test_what_does_not_fit_is_refused() -> None:
    bins, plane, receivers, least, table = made(1, 20, 5, 4, 3)
    with pytest.raises(ValueError, match="do not fit"):
        plane_sums(bins[:, :3], plane, receivers, least, table)
    with pytest.raises(ValueError, match="a plane is none of 4"):
        plane_sums(bins, np.full(20, 4), receivers[:5], least[: receivers[4]], table)
