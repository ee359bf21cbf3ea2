"""Heights in centimetres, summed per footprint, against plain numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.rings import Box
from kernels.spans import Spans, box_spans, cells_of, raise_to
from kernels.zonal import HIGHEST, NO_DATA, NO_HEIGHT, bit_counts, centimetres, nearest, sums
from tests.support.scenes import SEEDS, examples, houses

HUGE = NO_HEIGHT + 1, HIGHEST, -5, 0, 1, 2, 3
SHAPES = st.sampled_from([(1, 1), (1, 9), (9, 1), (12, 17), (3, 300)])


def runs(seed: int, shape: tuple[int, int], footprints: int) -> Spans:
    """Runs that some footprints share, as a mask of each has them; some have none."""
    rng = np.random.default_rng(seed)
    masks = rng.random((footprints, *shape)) < rng.choice([0, 0.3, 0.98, 1], (footprints, 1, 1))
    turns = np.diff(masks.astype(np.int8), axis=2, prepend=0, append=0)
    footprint, row, begin = np.nonzero(turns == 1)
    start = np.searchsorted(footprint, np.arange(footprints + 1))
    return Spans(start, row, begin, np.nonzero(turns == -1)[2])


def heights(seed: int, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Houses, or whatever fits, or nothing at all, with holes [cm]."""
    rng = np.random.default_rng(seed)
    kinds = centimetres(houses(seed, *shape)), rng.choice([*HUGE, NO_HEIGHT], shape)
    return [*kinds, np.full(shape, NO_HEIGHT)][seed % 3].astype(np.int32)


def values_of(cm: NDArray[np.int32], spans: Spans) -> list[NDArray[np.int64]]:
    """The heights on each footprint's cells, sorted."""
    footprint, row, column = cells_of(spans)
    own = [cm[row[footprint == f], column[footprint == f]] for f in range(len(spans.start) - 1)]
    return [np.sort(part[part != NO_HEIGHT]).astype(np.int64) for part in own]


def test_centimetres_round_half_to_even_in_double() -> None:
    """The halves of all heights there are, which float32 would round to ties of its own."""
    halves = np.arange(-1000.5, 33_000, dtype=np.float64)[None] / 100
    height = halves.astype(np.float32)
    assert np.array_equal(centimetres(height), np.rint(100 * height.astype(np.float64)))
    ties = np.array([[0.125, 0.375, -0.125, -0.375, np.nan]], np.float32)
    assert centimetres(ties).tolist() == [[12, 38, -12, -38, NO_HEIGHT]]


@pytest.mark.parametrize("sign", [1, -1])
def test_an_infinite_height_is_refused_and_named(sign: int) -> None:
    height = np.full((5, 40), np.nan, np.float32)
    height[3, 17:20] = sign * np.inf
    with pytest.raises(ValueError, match="row 3, column 17 is infinite"):
        centimetres(height)


@pytest.mark.parametrize("sign", [1, -1])
def test_heights_up_to_what_fits_in_centimetres(sign: int) -> None:
    assert centimetres(np.array([[sign * 21_474_836.0]], np.float32)) == sign * 2_147_483_600
    for beyond in (21_474_838.0, 3e38):
        with pytest.raises(ValueError, match="do not fit"):
            centimetres(np.array([[0, sign * beyond]], np.float32))


@given(SEEDS, SHAPES, st.integers(0, 5))
@examples(200)
def test_sums_are_those_of_the_cells(seed: int, shape: tuple[int, int], n: int) -> None:
    cm, spans = heights(seed, shape), runs(seed, shape, n)
    expected = values_of(cm, spans)
    found = sums(cm, spans)
    assert found.cells.tolist() == [len(own) for own in expected]
    assert found.total.tolist() == [int(own.sum()) for own in expected]
    assert found.lowest.tolist() == [own.min(initial=HIGHEST) for own in expected]
    assert found.highest.tolist() == [own.max(initial=NO_HEIGHT) for own in expected]


@given(SEEDS, SHAPES, st.integers(0, 5))
@examples(200)
def test_bits_are_counted_where_there_is_data(seed: int, shape: tuple[int, int], n: int) -> None:
    rng, spans = np.random.default_rng(seed), runs(seed, shape, n)
    values = [0, 1, 127, 128, 254, NO_DATA, NO_DATA] if seed % 2 else range(256)
    mask = rng.choice(values, shape).astype(np.uint8)
    footprint, row, column = cells_of(spans)
    cells, bits = bit_counts(mask, spans)
    for f in range(n):
        own = mask[row[footprint == f], column[footprint == f]]
        own = own[own != NO_DATA]
        assert cells[f] == len(own)
        assert bits[f].tolist() == [int((own >> bit & 1).sum()) for bit in range(8)]


@given(SEEDS, st.integers(0, 4), st.sampled_from([0.25, 0.5, 5.0]))
@examples(200)
def test_the_nearest_cell_is_the_first_of_the_nearest(seed: int, n: int, size: float) -> None:
    """Centres on cells, on lines and anywhere, so that several are as near."""
    rng, spans = np.random.default_rng(seed), runs(seed, (9, 11), n)
    height = houses(seed, 9, 11)
    height[rng.random(height.shape) < rng.choice([0, 0.9])] = np.nan
    box = Box(-974_000, 242_000, 9, 11)
    centre = rng.uniform(-1, 12, (n, 2)) if seed % 2 else rng.integers(0, 24, (n, 2)) / 2
    centre = (centre * [1, -1] + [box.left, -box.top]) * size
    footprint, row, column = cells_of(spans)
    row, column = row + box.top, column + box.left
    x, y = (column + 0.5) * size, -(row + 0.5) * size
    away = (x - centre[footprint, 0]) ** 2 + (y - centre[footprint, 1]) ** 2
    known = ~np.isnan(height[row - box.top, column - box.left])
    expected = []
    for f in range(n):
        own = np.flatnonzero(known & (footprint == f))
        expected += [(f, *c) for c in sorted(zip(away[own], row[own], column[own], strict=True))][
            :1
        ]
    assert list(zip(*nearest(height, spans, centre, box, size), strict=True)) == expected


@pytest.mark.parametrize(("y", "row"), [(-0.99999, 0), (-1.0, 0), (-1.00001, 1)])
def test_a_row_nearer_by_a_hair_is_nearest(y: float, row: int) -> None:
    height = np.zeros((2, 1), np.float32)
    spans, centre = box_spans(np.array([[0, 0, 2, 1]]), height.shape), np.array([[0.5, y]])
    assert nearest(height, spans, centre, Box(0, 0, 2, 1), 1.0).row == row


@given(SEEDS, SHAPES, st.integers(0, 5))
@examples(100)
def test_a_surface_is_raised_to_the_highest_of_each_cell(
    seed: int, shape: tuple[int, int], n: int
) -> None:
    rng, spans = np.random.default_rng(seed), runs(seed, shape, n)
    before = rng.normal(0, 9, shape).astype(np.float32)
    surface, top = before.copy(), rng.normal(0, 9, n).astype(np.float32)
    raise_to(surface, spans, top)
    footprint, row, column = cells_of(spans)
    np.maximum.at(before, (row, column), top[footprint])
    np.testing.assert_array_equal(surface, before)


@given(SEEDS, st.integers(0, 6))
@examples(100)
def test_boxes_are_runs_of_what_lies_in_the_array(seed: int, n: int) -> None:
    """Boxes over and around 12 x 17 cells, some of them empty."""
    rng = np.random.default_rng(seed)
    corner = rng.integers(-6, 17, (n, 2))
    boxes = np.hstack([corner, corner + rng.integers(-1, 14, (n, 2))])
    place = np.arange(12 * 17).reshape(12, 17)
    footprint, row, column = cells_of(box_spans(boxes, place.shape))
    for f, (top, left, bottom, right) in enumerate(np.maximum(boxes, 0)):
        own = place[row[footprint == f], column[footprint == f]]
        assert own.tolist() == place[top:bottom, left:right].ravel().tolist()


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 3)])
def test_no_heights_come_to_nothing(shape: tuple[int, int]) -> None:
    cm = centimetres(np.full(shape, np.nan, np.float32))
    assert cm.shape == shape
    spans = box_spans(np.array([[-1, -1, 9, 9]]), shape)
    assert [part.item() for part in sums(cm, spans)] == [0, 0, HIGHEST, NO_HEIGHT]
    assert bit_counts(np.full(shape, NO_DATA, np.uint8), spans).cells == 0


@pytest.mark.parametrize("box", [(-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, 4, 1), (0, 0, 1, 6)])
def test_runs_outside_the_array_are_refused(box: tuple[int, int, int, int]) -> None:
    top, left, bottom, right = box
    rows = bottom - top
    whole = np.full(rows, left), np.full(rows, right)
    spans = Spans(np.array([0, rows]), np.arange(top, bottom), *whole)
    cm, float32 = np.zeros((3, 5), np.int32), np.zeros(1, np.float32)
    for call in (
        lambda: sums(cm, spans),
        lambda: bit_counts(cm.astype(np.uint8), spans),
        lambda: nearest(cm.astype(np.float32), spans, np.zeros((1, 2)), Box(0, 0, 3, 5), 0.5),
        lambda: raise_to(cm.astype(np.float32), spans, float32),
    ):
        with pytest.raises(ValueError, match="beyond 3 rows and 5 columns"):
            call()
