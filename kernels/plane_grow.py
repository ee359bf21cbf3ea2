"""Planes grown from seeds, ring by ring: the order of cells within a ring changes nothing."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kernels.compile import kernel
from kernels.plane_fit import Fit, N, add_cell, fit, height, moments, within_angle
from kernels.plane_seeds import BUCKETS, NO_SEED, NONE, OUTSIDE, PAD, ROUGH, WILD, free_seeds

BESIDE = ((-1, 0), (0, -1), (0, 1), (1, 0))
NEAR = 20.0  # a cell of a plane lies no further from it [cm]
LEAN = np.cos(np.radians(15.0)) ** 2  # and the fit about it leans no further
THIN = 0.15  # a strip of two cells has 0.25, one of one cell at most 0.09 [square cells]
TRIMS, TRIM = 3, 1.5  # free cells are trimmed so often, to so many times their spread
TRIMMED = 50  # cells of a strip that is trimmed, at least: so dormers keep theirs
LOOSE = 2.5  # times its spread a cell may be from a rough plane


class GrowthRules(NamedTuple):
    """How regions grow. unit: centimetres of a cell's side; least: cells of a region; near: how far
    a cell is from the plane at most [cm]; spread: of a region at most [cm]."""

    unit: float
    least: int
    near: float
    spread: float


class Room(NamedTuple):
    """Room for the lists of a building: seeds in order and where each bucket of them ends; cells,
    and where they move."""

    order: NDArray[np.int64]
    end: NDArray[np.int64]
    members: NDArray[np.int32]
    moves: NDArray[np.int32]


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
    p = regions.plane  # not its row: to count the references of an array costs as much as the rest
    return Fit(p[r, 0], p[r, 1], p[r, 2], p[r, 3], p[r, 4], p[r, 5], True)


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
def _joins(field, plane, y, x, rules):  # type: ignore[no-untyped-def]
    if field.label[y, x] != NONE or field.z[y, x] >= WILD:
        return False
    if np.abs(field.z[y, x] - height(plane, x, y)) > rules.near:
        return False
    lean = field.east[y, x], field.south[y, x]
    return field.rank[y, x] == NO_SEED or within_angle(
        plane.east, plane.south, lean[0], lean[1], rules.unit, LEAN
    )


@kernel
def _spread(field, regions, r, members, rules):  # type: ignore[no-untyped-def]
    """Grow a region from members[0]; members: (cells, 2) int32, row and column, filled in the order
    of joining. Returns how many there are."""
    begin, end, due, sums = 0, 1, 8, regions.sums[r]
    while begin < end:
        if end >= due:
            refit(regions, r)
            due = 2 * end
        plane, ring = plane_of(regions, r), end
        for k in range(begin, ring):
            for down, right in BESIDE:
                y, x = members[k, 0] + down, members[k, 1] + right
                if _joins(field, plane, y, x, rules):
                    field.label[y, x] = r
                    add_cell(sums, x, y, field.z[y, x], 1)
                    members[end, 0], members[end, 1] = y, x
                    end += 1
        begin = ring
    return end


@kernel
def grow(field, regions, room, low, high, rules):  # type: ignore[no-untyped-def]
    """Grow regions from the free cells with a rank from `low` to `high`, the best first. What comes
    to fewer than `rules.least` cells, or is too rough, is set free again. room: the seeds in order.
    Returns whether there are new regions."""
    width, before = field.rank.shape[1], regions.used[0]
    for b in range(int(low * BUCKETS), int(high * BUCKETS) + 1):
        first, last = room.end[b - 1] if b else 0, room.end[b]
        if first == last:
            continue
        seeds = room.order[first:last]
        for k in range(free_seeds(field, seeds, low, high)):
            y, x = seeds[k] // width, seeds[k] % width
            if field.label[y, x] == NONE:
                _grow_from(field, regions, room.members, y, x, rules, low, high)
    return regions.used[0] > before


@kernel
def _grow_from(field, regions, members, y, x, rules, low, high):  # type: ignore[no-untyped-def]
    r = regions.used[0]
    _start(field, regions, r, y, x)
    members[0, 0], members[0, 1] = y, x
    n = _spread(field, regions, r, members, rules)
    plane = fit(regions.sums[r])
    if n >= rules.least and plane.known and plane.spread <= rules.spread:
        refit(regions, r)
        regions.used[0] += 1
    else:
        for m in range(n):
            y, x = members[m]
            field.label[y, x] = NONE
            # Else each of its cells may grow much the same that is given up again.
            if n >= rules.least and low <= field.rank[y, x] <= high:
                field.rank[y, x] = NO_SEED


@kernel
def _is_left(field, y, x):  # type: ignore[no-untyped-def]
    """Whether a cell is free, and neither beside the footprint's edge nor marked."""
    if field.label[y, x] != NONE or field.z[y, x] >= WILD or field.rank[y, x] < 0.0:
        return False
    inside = True
    for down, right in BESIDE:
        inside &= field.label[y + down, x + right] != OUTSIDE
    return inside


@kernel
def grow_left(field, regions, members, rules):  # type: ignore[no-untyped-def]
    """Make regions of free cells that hang together in one plane, too narrow for any fit about a
    cell: steep strips between gentle slopes. Returns whether there are new regions. The ranks of
    free cells are overwritten."""
    before = regions.used[0]
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            if _is_left(field, y, x):
                _take_left(field, regions, members, y, x, rules)
    return regions.used[0] > before


@kernel
def _take_left(field, regions, members, y, x, rules):  # type: ignore[no-untyped-def]
    r = regions.used[0]
    n = _hang_together(field, regions.sums[r], members, y, x)
    plane = fit(regions.sums[r])
    for _ in range(TRIMS):
        if n >= TRIMMED and plane.spread > rules.spread:
            n = _trim(field, regions.sums[r], members[:n], plane, rules)
            plane = fit(regions.sums[r])
    if (
        n >= rules.least
        and plane.known
        and plane.spread <= rules.spread
        and _width(regions, r) > THIN
    ):
        for m in range(n):
            field.label[members[m, 0], members[m, 1]] = r
        refit(regions, r)
        regions.used[0] += 1


@kernel
def _hang_together(field, sums, members, y, x):  # type: ignore[no-untyped-def]
    """Mark and sum the free cells that hang together with one. Returns how many there are."""
    k, n = 0, 1
    members[0, 0], members[0, 1] = y, x
    field.rank[y, x] = -1.0
    sums[:] = 0
    while k < n:
        y, x = members[k, 0], members[k, 1]
        add_cell(sums, x, y, field.z[y, x], 1)
        for down, right in BESIDE:
            if _is_left(field, y + down, x + right):
                field.rank[y + down, x + right] = -1.0
                members[n, 0], members[n, 1] = y + down, x + right
                n += 1
        k += 1
    return n


@kernel
def _trim(field, sums, members, plane, rules):  # type: ignore[no-untyped-def]
    """Keep of some cells those near their plane, in place, such as not mix roof and ground.
    Returns how many there are: all, if fewer than half would be left."""
    near, kept = max(rules.near, TRIM * plane.spread), 0
    for y, x in members:
        kept += np.abs(field.z[y, x] - height(plane, x, y)) <= near
    if 2 * kept < len(members):
        return len(members)
    kept = 0
    for y, x in members:
        if np.abs(field.z[y, x] - height(plane, x, y)) <= near:
            members[kept, 0], members[kept, 1] = y, x
            kept += 1
        else:
            add_cell(sums, x, y, field.z[y, x], -1)
    return kept


@kernel
def _width(regions, r):  # type: ignore[no-untyped-def]
    """The variance of a region's cells across its longest extent [cells]."""
    xx, xy, yy, _, _, _ = moments(regions.sums[r])
    square = np.float64(regions.sums[r, N]) ** 2
    return (xx + yy - np.sqrt((xx - yy) * (xx - yy) + 4.0 * (xy * xy))) / (2.0 * square)
