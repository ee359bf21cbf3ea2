"""Planes settled: coplanar neighbours become one, and cells go to the plane that they fit best."""

import numpy as np

from kernels.compile import kernel
from kernels.plane_fit import FIELDS, N, add_cell, distance, fit, height, within_angle
from kernels.plane_grow import BESIDE, ROUGH, plane_of, refit, tolerance
from kernels.plane_seeds import NONE, OUTSIDE, PAD, WILD
from kernels.rings import resized

ALIKE = np.cos(np.radians(3.0)) ** 2  # coplanar planes lean no further apart
AHEAD = ((0, 1), (1, 0), (0, 2), (2, 0))  # planes that a cell parts are neighbours, too
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


@kernel
def _at_border(label, y, x):  # type: ignore[no-untyped-def]
    own = label[y, x]
    for down, right in BESIDE:
        other = label[y + down, x + right]
        if other != own and other > NONE:
            return True
    return False


@kernel
def settle(field, regions, members, moves):  # type: ignore[no-untyped-def]
    """Give each cell at a border to the region that it fits best, all at once, and fit the regions
    anew. members: (cells, 2), moves: (cells,), room for the moves. Returns how many cells moved."""
    rows, columns = field.label.shape
    n = 0
    for y in range(PAD, rows - PAD):
        for x in range(PAD, columns - PAD):
            if field.label[y, x] == OUTSIDE or field.z[y, x] >= WILD:
                continue
            if _at_border(field.label, y, x):
                best = _best(field, regions, y, x)
                if best != field.label[y, x]:
                    members[n, 0], members[n, 1], moves[n] = y, x, best
                    n += 1
    for k in range(n):
        y, x = members[k]
        move(field, regions, y, x, moves[k])
    for r in range(1, regions.used[0]):
        refit(regions, r)
    return n


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
def _borders(field):  # type: ignore[no-untyped-def]
    """Pairs of regions that touch: (pairs, 5) int64: the two, how many cells touch, and twice the
    sums of the columns and rows where they do."""
    label = field.label
    found, n = np.empty((64, 5), np.int64), 0
    for y in range(PAD, label.shape[0] - PAD):
        for x in range(PAD, label.shape[1] - PAD):
            for down, right in AHEAD:
                a, b = label[y, x], label[y + down, x + right]
                if a > NONE and b > NONE and a != b:
                    found = resized(found, n + 1)
                    found[n, 0], found[n, 1], found[n, 2] = min(a, b), max(a, b), 1
                    found[n, 3], found[n, 4] = 2 * x + right, 2 * y + down
                    n += 1
    found = found[:n]
    order = np.argsort(found[:, 0] * (1 << 32) + found[:, 1], kind="mergesort")
    pairs = 0
    out = np.empty_like(found)
    for k in order:
        if pairs and out[pairs - 1, 0] == found[k, 0] and out[pairs - 1, 1] == found[k, 1]:
            out[pairs - 1, 2:] += found[k, 2:]
        else:
            out[pairs] = found[k]
            pairs += 1
    return out[:pairs]


@kernel
def _cost(regions, a, b, border, unit, room):  # type: ignore[no-untyped-def]
    """How far apart two regions are [cm]; infinite if they are not one plane. room: (FIELDS,)."""
    one, two = plane_of(regions, a), plane_of(regions, b)
    x, y = border[3] / (2.0 * border[2]), border[4] / (2.0 * border[2])
    apart = np.abs(height(one, x, y) - height(two, x, y))
    room[:] = regions.sums[a] + regions.sums[b]
    if apart <= STEP and within_angle(one.east, one.south, two.east, two.south, unit, ALIKE):
        return fit(room).spread
    large, small = (one, b) if regions.sums[a, N] >= regions.sums[b, N] else (two, a)
    away = distance(regions.sums[small], large)
    limit = STEP if large.spread <= STEP else ROUGH
    return away if away <= limit else np.inf


@kernel
def _root(into, r):  # type: ignore[no-untyped-def]
    while into[r] != r:
        r = into[r]
    return r


@kernel
def merge_alike(field, regions, unit):  # type: ignore[no-untyped-def]
    """Make one of neighbours that are coplanar; always the pairs that are each other's nearest."""
    pairs = _borders(field)
    into = np.arange(regions.used[0])
    room = np.empty(FIELDS, np.int64)
    merged = len(pairs) > 0
    while merged:
        merged = False
        cost = np.empty(len(pairs))
        least = np.full(len(into), np.inf)
        for k in range(len(pairs)):
            a, b = _root(into, pairs[k, 0]), _root(into, pairs[k, 1])
            cost[k] = np.inf if a == b else _cost(regions, a, b, pairs[k], unit, room)
            least[a], least[b] = min(least[a], cost[k]), min(least[b], cost[k])
        for k in range(len(pairs)):
            a, b = _root(into, pairs[k, 0]), _root(into, pairs[k, 1])
            if cost[k] < np.inf and cost[k] == least[a] and cost[k] == least[b] and a != b:
                into[max(a, b)] = min(a, b)
                least[a], least[b] = -1.0, -1.0
                regions.sums[min(a, b)] += regions.sums[max(a, b)]
                regions.sums[max(a, b)] = 0
                refit(regions, min(a, b))
                merged = True
    for y in range(PAD, field.label.shape[0] - PAD):
        for x in range(PAD, field.label.shape[1] - PAD):
            if field.label[y, x] > NONE:
                field.label[y, x] = _root(into, field.label[y, x])
