"""From footprints to sums: against exactextract, which weighs each cell by how far it is covered;
and merged from blocks."""

from functools import reduce
from typing import Any

import numpy as np
import pytest
import shapely
from exactextract import exact_extract
from exactextract.raster import NumPyRasterSource
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kernels.histograms import histograms
from kernels.rings import Box, Rings, footprint_spans
from kernels.spans import cells_of
from kernels.zonal import BitCounts, ZonalSums, bit_counts, centimetres, merge, sums
from pipeline.footprints.footprints import to_rings
from pipeline.grid.windows import Window
from tests.support.scenes import SEEDS, examples, houses, tiles

SIDE = 60
WHOLE = Window(-SIDE, 0, SIDE, SIDE)


def city(seed: int, n: int) -> NDArray[np.object_]:
    """Rotated rectangles that overlap, some of them in part outside the ground."""
    rng = np.random.default_rng(seed)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * rng.uniform(3, 9, (n, 1, 2))
    turn = rng.uniform(0, np.pi, n)
    spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    points = np.einsum("nki,ijn->nkj", corners, spin) + rng.uniform(0, SIDE, (n, 1, 2))
    return shapely.polygons(points)


def covered(polygon: shapely.Polygon, height: NDArray[Any]) -> dict[str, Any]:
    """The cells that a polygon touches by exactextract: value, share and place of each."""
    source = NumPyRasterSource(height, 0, 0, SIDE, SIDE)
    feature = {"type": "Feature", "geometry": shapely.geometry.mapping(polygon), "properties": {}}
    found = exact_extract(source, [feature], ["values", "coverage", "cell_id", "count"])
    return found[0]["properties"]


def about_corners(polygon: shapely.Polygon) -> NDArray[np.int64]:
    """The cells that two edges may cut: those that hold a corner, and their neighbours."""
    x, y = np.floor(shapely.get_coordinates(polygon)).astype(int).T
    near = np.arange(-1, 2)
    cells = (SIDE - 1 - y)[:, None, None] * SIDE + x[:, None, None] + near[:, None] * SIDE + near
    return cells.ravel()


@given(SEEDS)
@examples(60)
def test_a_cell_is_in_if_it_is_covered_by_half(seed: int) -> None:
    """As a straight edge cuts a square: its centre is inside with the larger part."""
    everything = city(seed, 6)
    spans = footprint_spans(to_rings(shapely.to_wkb(everything), 1.0), WHOLE.box)
    footprint, row, column = cells_of(spans)
    for f, polygon in enumerate(everything):
        exact = covered(polygon, np.zeros((SIDE, SIDE)))
        cells = set((row * SIDE + column)[footprint == f].tolist())
        sure = ~np.isin(exact["cell_id"], about_corners(polygon)) & (
            abs(exact["coverage"] - 0.5) > 1e-6
        )
        assert cells <= set(exact["cell_id"].tolist())
        for cell, share in zip(exact["cell_id"][sure], exact["coverage"][sure], strict=True):
            assert (cell in cells) == (share > 0.5), (f, cell, share)


@given(SEEDS)
@examples(60)
def test_sums_are_those_of_exactextract(seed: int) -> None:
    """But for the shares at the edges, which are bounded cell by cell: whole and half cells."""
    everything, height = city(seed, 6), houses(seed, SIDE, SIDE)
    spans = footprint_spans(to_rings(shapely.to_wkb(everything), 1.0), WHOLE.box)
    found = sums(centimetres(height), spans)
    cm = np.rint(100 * height.astype(float))
    for f, polygon in enumerate(everything):
        exact = covered(polygon, cm)
        known, share, value = ~np.isnan(exact["values"]), exact["coverage"], exact["values"]
        partly = known & (share < 1)
        off = np.where(np.isin(exact["cell_id"], about_corners(polygon)), 1, 0.5)[partly] + 1e-6
        assert abs(found.cells[f] - exact["count"]) <= off.sum()
        weighed = (share * value)[known].sum()
        assert abs(found.total[f] - weighed) <= (off * abs(value[partly])).sum() + 1e-3
        within = value[known & (share == 1)]
        assert found.lowest[f] <= within.min(initial=np.inf)
        assert found.highest[f] >= within.max(initial=-np.inf)


@given(SEEDS, st.integers(1, 8))
@examples(60)
def test_blocks_merge_to_the_whole(seed: int, n: int) -> None:
    """In any order, to the last bit; footprints that overlap count their cells each."""
    rng, height = np.random.default_rng(seed), houses(seed, SIDE, SIDE)
    everything = np.repeat(city(seed, n), 2)
    rings = to_rings(shapely.to_wkb(everything), 1.0)
    mask = rng.choice(np.array([0, 1, 5, 64, 255], np.uint8), height.shape)
    parts = [block(rings, height, mask, tile) for tile in tiles(WHOLE, seed)]
    rng.shuffle(parts)
    whole = block(rings, height, mask, WHOLE)
    merged = reduce(merge, (part[0] for part in parts))
    for one, other in zip(merged, whole[0], strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one[::2], one[1::2])
    for k in range(2):
        np.testing.assert_array_equal(sum(part[1][k] for part in parts), whole[1][k])
    entries: dict[tuple[int, int], int] = {}
    for part in parts:
        for f, value, weight in zip(*part[2], strict=True):
            entries[f, value] = entries.get((f, value), 0) + weight
    assert sorted((f, v, w) for (f, v), w in entries.items()) == list(zip(*whole[2], strict=True))


def block(
    rings: Rings, height: NDArray[np.float32], mask: NDArray[np.uint8], window: Window
) -> tuple[ZonalSums, BitCounts, Any]:
    """Of one window: sums, bits, and the histogram."""
    here = WHOLE.slices(window)
    spans = footprint_spans(rings, window.box)
    height, mask = np.ascontiguousarray(height[here]), np.ascontiguousarray(mask[here])
    found, counts = histograms(height, spans)
    return found, bit_counts(mask, spans), counts


@pytest.mark.parametrize("polygon", [shapely.box(2, 3, 7, 5), shapely.box(2.4, 3.4, 2.6, 3.6)])
def test_a_box_by_hand(polygon: shapely.Polygon) -> None:
    """On lines: all its cells; within one cell about its centre: that one."""
    cm = np.arange(SIDE * SIDE, dtype=np.int32).reshape(SIDE, SIDE)
    rings = to_rings(shapely.to_wkb(np.array([polygon])), 1.0)
    found = sums(cm, footprint_spans(rings, Box(-SIDE, 0, SIDE, SIDE)))
    left, bottom, right, top = (int(side) for side in polygon.bounds)
    own = cm[SIDE - max(top, bottom + 1) : SIDE - bottom, left : max(right, left + 1)]
    assert [part.item() for part in found] == [own.size, own.sum(), own.min(), own.max()]
