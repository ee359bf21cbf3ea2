"""Planes settled: coplanar neighbours become one, and cells go to the plane that they fit best."""

import numpy as np

from kernels.compile import inlined, kernel
from kernels.plane_fit import FIELDS, N, add_cell, distance, fit, height, within_angle
from kernels.plane_grow import BESIDE, LOOSE, NEAR, plane_of, refit, tolerance
from kernels.plane_seeds import FLAT, NONE, OUTSIDE, PAD, ROUGH, WILD
from kernels.rings import resized

ALIKE = np.cos(np.radians(3.0)) ** 2  # coplanar planes lean no further apart
ALIKE_SPREAD = 1.25  # parts of a flat roof of panels are together no rougher than so many times
AHEAD = ((0, 1), (1, 0), (0, 2), (2, 0))
STEP = 10.0  # and are no further apart at their border [cm]


@kernel
def _best(field, regions, y, x):  # type: ignore[no-untyped-def]
    """The region that a cell fits best, of its own and those beside it; NONE if it fits none."""
    z, own = field.z[y, x], field.label[y, x]
    best, least = NONE, np.inf
    if own > NONE:
        plane = plane_of(regions, own)
        away = np.abs(z - height(plane, x, y))
        if away <= tolerance(plane):
            best, least = own, away
    for down, right in BESIDE:
        r = field.label[y + down, x + right]
        if r > NONE and r != own and r != best:
            plane = plane_of(regions, r)
            away = np.abs(z - height(plane, x, y))
            if away < least and away <= tolerance(plane):
                best, least = r, away
    return best


@inlined
def at_border(label, y, x):  # type: ignore[no-untyped-def]
    """Whether a cell lies beside a region that is not its own."""
    own = label[y, x]
    north, west, east, south = label[y - 1, x], label[y, x - 1], label[y, x + 1], label[y + 1, x]
    return (
        ((north > NONE) & (north != own))
        | ((west > NONE) & (west != own))
        | ((east > NONE) & (east != own))
        | ((south > NONE) & (south != own))
    )


@kernel
def _settle_once(field, regions, room):  # type: ignore[no-untyped-def]
    """Give each cell at a border to the region that it fits best, all at once, and fit the regions
    anew. Returns how many cells moved."""
    n = 0
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            if not at_border(field.label, y, x):
                continue
            if field.label[y, x] != OUTSIDE and field.z[y, x] < WILD:
                best = _best(field, regions, y, x)
                if best != field.label[y, x]:
                    room.members[n, 0], room.members[n, 1], room.moves[n] = y, x, best
                    n += 1
    for k in range(n):
        move(field, regions, room.members[k, 0], room.members[k, 1], room.moves[k])
    if n:
        for r in range(1, regions.used[0]):
            refit(regions, r)
    return n


@kernel
def settle(field, regions, room, rounds):  # type: ignore[no-untyped-def]
    """Give cells at borders to the regions that they fit best, until none moves, in so many rounds
    at most."""
    for _ in range(rounds):
        if _settle_once(field, regions, room) == 0:
            break


@kernel
def move(field, regions, y, x, to):  # type: ignore[no-untyped-def]
    """Move a cell from its region, if it has one, to another, or to NONE."""
    z, was = field.z[y, x], field.label[y, x]
    if was > NONE:
        add_cell(regions.sums[was], x, y, z, -1)
    if to > NONE:
        add_cell(regions.sums[to], x, y, z, 1)
    field.label[y, x] = to


@kernel
def _borders(field, regions):  # type: ignore[no-untyped-def]
    """Pairs of regions that touch, or that a cell parts: (pairs, 6) int64: the two, how many cells
    do so, twice the sums of the columns and rows where they do, and the next pair of the later of
    the two; regions that grew late are small and have few."""
    label = field.label
    pairs, n = np.empty((64, 6), np.int64), 0
    head = np.full(regions.used[0], -1)
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            a = label[y, x]
            if a <= NONE or not _is_last(label, y, x):
                continue
            for down, right in AHEAD:
                b = label[y + down, x + right]
                if b > NONE and b != a:
                    if n == len(pairs):
                        pairs = resized(pairs, n + 1)
                    k = _pair(pairs, head, n, min(a, b), max(a, b))
                    n = max(n, k + 1)
                    pairs[k, 2] += 1
                    pairs[k, 3] += 2 * x + right
                    pairs[k, 4] += 2 * y + down
    return pairs[:n]


@inlined
def _is_last(label, y, x):  # type: ignore[no-untyped-def]
    """Whether another region, or a free cell, comes after a cell to the east or to the south."""
    a = label[y, x]
    return (label[y, x + 1] != a) | (label[y + 1, x] != a)


@kernel
def _pair(pairs, head, n, early, late):  # type: ignore[no-untyped-def]
    """The position of a pair; of a new one n, where it is put."""
    k = head[late]
    while k >= 0 and pairs[k, 0] != early:
        k = pairs[k, 5]
    if k >= 0:
        return k
    pairs[n, 0], pairs[n, 1], pairs[n, 2] = early, late, 0
    pairs[n, 3], pairs[n, 4], pairs[n, 5] = 0, 0, head[late]
    head[late] = n
    return n


@kernel
def _cost(regions, a, b, border, unit, room):  # type: ignore[no-untyped-def]
    """How far apart two regions are [cm]; infinite if they are not one plane. room: (FIELDS,)."""
    one, two = plane_of(regions, a), plane_of(regions, b)
    x, y = border[3] / (2.0 * border[2]), border[4] / (2.0 * border[2])
    apart = np.abs(height(one, x, y) - height(two, x, y))
    for k in range(FIELDS):
        room[k] = regions.sums[a, k] + regions.sums[b, k]
    both = fit(room)
    if apart <= STEP and within_angle(one.east, one.south, two.east, two.south, unit, ALIKE):
        return both.spread
    flat = _is_flat(one, unit) and _is_flat(two, unit) and _is_flat(both, unit)
    if flat and both.spread <= min(ALIKE_SPREAD * max(one.spread, two.spread), ROUGH):
        return both.spread
    large, small = (one, b) if regions.sums[a, N] >= regions.sums[b, N] else (two, a)
    away = distance(regions.sums[small], large)
    return away if away <= max(STEP, min(LOOSE * large.spread - NEAR / 2, ROUGH)) else np.inf


@kernel
def _is_flat(plane, unit):  # type: ignore[no-untyped-def]
    return plane.east * plane.east + plane.south * plane.south < FLAT * FLAT * (unit * unit)


@kernel
def _root(into, r):  # type: ignore[no-untyped-def]
    while into[r] != r:
        r = into[r]
    return r


@kernel
def _nearest_pairs(regions, pairs, costs, into, changed, unit):  # type: ignore[no-untyped-def]
    """The region that each is one plane with, and nearest to; -1 if there is none. costs: (pairs,)
    float64, as they were before some regions changed; brought up to date."""
    room, best = np.empty(FIELDS, np.int64), np.full(len(into), np.inf)
    nearest = np.full(len(into), -1)
    for k in range(len(pairs)):
        a, b = _root(into, pairs[k, 0]), _root(into, pairs[k, 1])
        if changed[a] or changed[b]:
            costs[k] = np.inf if a == b else _cost(regions, a, b, pairs[k], unit, room)
        if costs[k] < best[a]:
            best[a], nearest[a] = costs[k], b
        if costs[k] < best[b]:
            best[b], nearest[b] = costs[k], a
    return nearest


@kernel
def _goes(regions, nearest, r):  # type: ignore[no-untyped-def]
    """Whether a region goes into its nearest: that is larger, or as large and each other's."""
    to = nearest[r]
    if to < 0:
        return False
    own, other = regions.sums[r, N], regions.sums[to, N]
    return other > own or (other == own and nearest[to] == r and to < r)


@kernel
def _merge_once(regions, nearest, into):  # type: ignore[no-untyped-def]
    """Put every region into its nearest, if that stays itself. Returns which regions grew."""
    goes, grew = np.zeros(len(into), np.bool_), np.zeros(len(into), np.bool_)
    for r in range(1, len(into)):
        goes[r] = _goes(regions, nearest, r)
    for r in range(1, len(into)):
        if goes[r] and not goes[nearest[r]]:
            into[r], grew[nearest[r]] = nearest[r], True
            regions.sums[nearest[r]] += regions.sums[r]
            regions.sums[r] = 0
    for r in range(1, len(into)):
        if grew[r]:
            refit(regions, r)
    return grew


@kernel
def merge_alike(field, regions, unit):  # type: ignore[no-untyped-def]
    """Make one of neighbours that are coplanar, in rounds, so that their order changes nothing.
    Only the costs of what grew in a round are computed for the next: of some ten thousand pairs on
    a staircase that is one in a hundred."""
    if regions.used[0] < 3:
        return
    pairs, into = _borders(field, regions), np.arange(regions.used[0])
    costs, grew = np.empty(len(pairs)), np.ones(len(into), np.bool_)
    while grew.any():
        nearest = _nearest_pairs(regions, pairs, costs, into, grew, unit)
        grew = _merge_once(regions, nearest, into)
    _relabel(field, into)


@kernel
def _relabel(field, into):  # type: ignore[no-untyped-def]
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            if field.label[y, x] > NONE:
                field.label[y, x] = _root(into, field.label[y, x])
