"""Planes grown from seeds, ring by ring: the order of cells within a ring changes nothing."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.plane_fit import Fit, N, add_cell, fit, height, within_angle
from kernels.plane_seeds import NARROW, NO_SEED, NONE, PAD, WILD

BESIDE = ((-1, 0), (0, -1), (0, 1), (1, 0))
NEAR = 20.0  # a cell of a plane lies no further from it [cm]
LEAN = np.cos(np.radians(15.0)) ** 2  # and the fit about it leans no further
ROUGH = 25.0  # rows of panels on a flat roof are a plane up to this spread [cm]
MUCH = 50  # cells of a rough plane at least
LOOSE = 2.5  # times its spread a cell may be from a rough plane
BUCKETS = 512  # of ranks, each sorted when it is reached: by then most of its cells are taken


class Regions(NamedTuple):
    """Regions of a building, by their label; 0 is none.

    sums: (regions, FIELDS) int64; plane: (regions, 6) float64, a Fit without its last field;
    used: (1,) int64, labels in use.
    """

    sums: NDArray[np.int64]
    plane: NDArray[np.float64]
    used: NDArray[np.int64]


@kernel
def plane_of(regions, r):  # type: ignore[no-untyped-def]
    """The plane of a region, as it was fitted last."""
    p = regions.plane[r]
    return Fit(p[0], p[1], p[2], p[3], p[4], p[5], True)


@kernel
def refit(regions, r):  # type: ignore[no-untyped-def]
    """Fit a region's plane anew; cells on a line keep the plane that they had."""
    if regions.sums[r, N] == 0:
        return
    found = fit(regions.sums[r])
    if found.known:
        plane = regions.plane[r]
        plane[0], plane[1], plane[2] = found.level, found.x, found.y
        plane[3], plane[4], plane[5] = found.east, found.south, found.spread


@kernel
def _start(field, regions, r, y, x):  # type: ignore[no-untyped-def]
    """Begin a region at a cell, with the plane fitted about it."""
    regions.sums[r] = 0
    add_cell(regions.sums[r], x, y, field.z[y, x], 1)
    plane = regions.plane[r]
    plane[0], plane[1], plane[2] = field.level[y, x], x, y
    plane[3], plane[4], plane[5] = field.east[y, x], field.south[y, x], 0.0
    field.label[y, x] = r


@kernel
def tolerance(plane):  # type: ignore[no-untyped-def]
    """How far from a plane its cells lie at most [cm]."""
    return max(NEAR, LOOSE * min(plane.spread, ROUGH))


@kernel
def _joins(field, plane, y, x, unit, near):  # type: ignore[no-untyped-def]
    if field.label[y, x] != NONE or field.z[y, x] >= WILD:
        return False
    if np.abs(field.z[y, x] - height(plane, x, y)) > near:
        return False
    lean = field.east[y, x], field.south[y, x]
    return field.rank[y, x] == NO_SEED or within_angle(
        plane.east, plane.south, lean[0], lean[1], unit, LEAN
    )


@kernel
def _grow(field, regions, r, members, unit, near):  # type: ignore[no-untyped-def]
    """Grow a region from members[0]; members: (cells, 2) int32, row and column, filled in the order
    of joining. Returns how many there are."""
    begin, end, due = 0, 1, 8
    while begin < end:
        if end >= due:
            refit(regions, r)
            due = 2 * end
        plane, ring = plane_of(regions, r), end
        for k in range(begin, ring):
            for down, right in BESIDE:
                y, x = members[k, 0] + down, members[k, 1] + right
                if _joins(field, plane, y, x, unit, near):
                    field.label[y, x] = r
                    add_cell(regions.sums[r], x, y, field.z[y, x], 1)
                    members[end, 0], members[end, 1] = y, x
                    end += 1
        begin = ring
    return end


@kernel
def _order(field, low, high):  # type: ignore[no-untyped-def]
    """Free cells with a rank from `low` to `high`, in coarse order: by buckets. Returns their
    positions in the flat field and where each bucket starts."""
    rank, label = field.rank, field.label
    start = np.zeros(BUCKETS + 2, np.int64)
    scale = BUCKETS / (high - low)
    for step in range(2):
        cells = np.empty(start[BUCKETS] if step else 0, np.int64)
        for i in range(PAD, rank.shape[0] - PAD):
            for j in range(PAD, rank.shape[1] - PAD):
                if label[i, j] == NONE and low <= rank[i, j] <= high:
                    b = min(int((rank[i, j] - low) * scale), BUCKETS - 1)
                    if step:
                        cells[start[b]] = i * rank.shape[1] + j
                        start[b] += 1
                    else:
                        start[b + 1] += 1
        if step == 0:
            for b in range(BUCKETS):
                start[b + 1] += start[b]
    return cells, start


@kernel
def _free(field, cells):  # type: ignore[no-untyped-def]
    """Those cells that are still in no region, by falling fitness."""
    width, n = field.rank.shape[1], 0
    kept = np.empty(len(cells), np.int64)
    ranks = np.empty(len(cells), np.float32)
    for k in range(len(cells)):
        i, j = cells[k] // width, cells[k] % width
        if field.label[i, j] == NONE:
            kept[n], ranks[n] = cells[k], field.rank[i, j]
            n += 1
    return kept[:n][np.argsort(ranks[:n], kind="mergesort")]


@kernel
def grow_all(field, regions, members, low, high, least, unit, near, spread):  # type: ignore[no-untyped-def]
    """Grow regions from the free cells with a rank from `low` to `high`, the best first. What comes
    to fewer than `least` cells is set free again."""
    width = field.rank.shape[1]
    cells, end = _order(field, low, high)
    first = 0
    for b in range(BUCKETS):
        seeds = _free(field, cells[first : end[b]])
        first = end[b]
        for k in range(len(seeds)):
            y, x = seeds[k] // width, seeds[k] % width
            if field.label[y, x] != NONE:
                continue
            r = regions.used[0]
            _start(field, regions, r, y, x)
            members[0, 0], members[0, 1] = y, x
            n = _grow(field, regions, r, members, unit, near)
            plane = fit(regions.sums[r])
            if n < least or not plane.known or plane.spread > spread:
                for m in range(n):
                    field.label[members[m, 0], members[m, 1]] = NONE
            else:
                refit(regions, r)
                regions.used[0] += 1


@kernel
def grow_wide(field, regions, members, least, unit):  # type: ignore[no-untyped-def]
    """Grow from cells whose 5 x 5 lie in a plane."""
    grow_all(field, regions, members, 0.0, NARROW / 2, least, unit, NEAR, NEAR)


@kernel
def grow_rough(field, regions, members, least, unit):  # type: ignore[no-untyped-def]
    """Grow rough flat planes, as rows of panels make them."""
    grow_all(
        field, regions, members, 2 * NARROW, NARROW * 2.5, max(least, MUCH), unit, 2 * NEAR, ROUGH
    )


@kernel
def grow_narrow(field, regions, members, least, unit):  # type: ignore[no-untyped-def]
    """Grow from cells whose 3 x 3 lie in a plane."""
    grow_all(field, regions, members, NARROW, NARROW * 1.5, least, unit, NEAR, NEAR)
