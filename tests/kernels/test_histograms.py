"""Heights counted per footprint, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.histograms import SCATTERED, Histograms, histograms
from kernels.spans import Spans, box_spans
from kernels.zonal import HIGHEST, NO_HEIGHT, centimetres, sums
from tests.kernels.test_zonal import SHAPES, runs, values_of
from tests.support.scenes import SEEDS, examples, houses

EXTREMES = 21_474_836.0, -21_474_836.0, -0.05, 0.0, 0.125, 0.135, 0.02


def heights(seed: int, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Houses, or whatever fits, or nothing at all, with holes [m]."""
    rng = np.random.default_rng(seed)
    kinds = houses(seed, *shape), rng.choice([*EXTREMES, np.nan], shape)
    return [*kinds, np.full(shape, np.nan)][seed % 3].astype(np.float32)


def listed(counts: Histograms, n: int) -> list[list[int]]:
    """Of each footprint the heights that a histogram counts, sorted, and so any percentile."""
    entries = list(zip(counts.footprint.tolist(), counts.value.tolist(), strict=True))
    assert entries == sorted(set(entries))
    parts = [counts.footprint == f for f in range(n)]
    return [np.repeat(counts.value[own], counts.weight[own]).tolist() for own in parts]


@given(SEEDS, SHAPES, st.integers(0, 5))
@examples(200)
def test_histograms_are_sorted_heights_and_the_sums(
    seed: int, shape: tuple[int, int], n: int
) -> None:
    height, spans = heights(seed, shape), runs(seed, shape, n)
    found, counts = histograms(height, spans)
    cm = centimetres(height)
    assert listed(counts, n) == [own.tolist() for own in values_of(cm, spans)]
    for one, other in zip(found, sums(cm, spans), strict=True):
        np.testing.assert_array_equal(one, other)


@given(st.integers(1, 4), st.integers(-1, 1), st.integers(-1000, 1000))
@examples(50)
def test_values_are_counted_one_way_or_sorted_the_other(cells: int, more: int, low: int) -> None:
    """On both sides of where the way changes."""
    row = [low, *[low + 1] * (cells - 1), low + SCATTERED * (cells + 1) - 1 + more]
    height = (np.array([row, row[::-1]]) / 100).astype(np.float32)
    spans = box_spans(np.array([[0, 0, 1, cells + 1], [1, 0, 2, cells + 1]]), height.shape)
    assert listed(histograms(height, spans)[1], 2) == [sorted(row)] * 2


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 3)])
def test_no_heights_come_to_nothing(shape: tuple[int, int]) -> None:
    spans = box_spans(np.array([[-1, -1, 9, 9]]), shape)
    found, counts = histograms(np.full(shape, np.nan, np.float32), spans)
    assert [part.item() for part in found] == [0, 0, HIGHEST, NO_HEIGHT]
    assert len(counts.footprint) == 0


@pytest.mark.parametrize("height", [np.inf, -np.inf, 21_474_838.0, -3e38])
def test_a_height_that_does_not_fit_is_refused_where_it_counts(height: float) -> None:
    cells = np.zeros((3, 4), np.float32)
    cells[1, 2] = height
    what = "row 1, column 2 is infinite" if np.isinf(height) else "do not fit"
    with pytest.raises(ValueError, match=what):
        histograms(cells, box_spans(np.array([[0, 0, 3, 4]]), cells.shape))
    found, _ = histograms(cells, box_spans(np.array([[0, 0, 1, 4]]), cells.shape))
    assert found.cells == 4


@pytest.mark.parametrize("box", [(-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, 4, 1), (0, 0, 1, 6)])
def test_runs_outside_the_array_are_refused(box: tuple[int, int, int, int]) -> None:
    top, left, bottom, right = box
    rows = bottom - top
    whole = np.full(rows, left), np.full(rows, right)
    spans = Spans(np.array([0, rows]), np.arange(top, bottom), *whole)
    with pytest.raises(ValueError):
        histograms(np.zeros((3, 5), np.float32), spans)
