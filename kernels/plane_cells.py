"""Which cells a plane counts: those it was fitted to, the mixed ones of the rim, holes within it.

A cell that is counted with region r and not fitted to has the label -1 - r.
"""

import numpy as np

from kernels.compile import inlined, kernel
from kernels.plane_fit import N, height
from kernels.plane_grow import BESIDE, NEAR, plane_of, refit, tolerance
from kernels.plane_merge import at_border, move
from kernels.plane_seeds import MISSING, NONE, OUTSIDE, PAD, WILD

BENT = 7.0  # a cell whose mean is further than that from both planes that meet in it is bent [cm]
ABOUT = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


@inlined
def region_of(label):  # type: ignore[no-untyped-def]
    """The region that a cell is counted with; NONE if it is rest, OUTSIDE if it is not own."""
    return -1 - label if label < OUTSIDE else label


@kernel
def drop_small(field, regions, least):  # type: ignore[no-untyped-def]
    """Free the cells of regions with fewer than `least`. Returns whether there were such."""
    small = False
    for r in range(1, regions.used[0]):
        small |= 0 < regions.sums[r, N] < least
    if not small:
        return False
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            r = field.label[y, x]
            if r > NONE and regions.sums[r, N] < least:
                field.label[y, x] = NONE
    for r in range(1, regions.used[0]):
        if regions.sums[r, N] < least:
            regions.sums[r] = 0
    return True


@kernel
def drop_outliers(field, regions, room):  # type: ignore[no-untyped-def]
    """Fit planes to those of their cells that lie in them and are not bent; the others count and
    are not fitted. A plane of which these are more than half is fitted to all its cells."""
    label, members, n = field.label, room.members, 0
    dropped = np.zeros(regions.used[0], np.int64)
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            r = label[y, x]
            if r > NONE:
                plane = plane_of(regions, r)
                away = np.abs(field.z[y, x] - height(plane, x, y))
                if away > tolerance(plane) or _is_bent(label, regions, plane, y, x):
                    members[n, 0], members[n, 1] = y, x
                    dropped[r] += 1
                    n += 1
    for r in range(1, regions.used[0]):
        dropped[r] = 0 < 2 * dropped[r] <= regions.sums[r, N]
    for k in range(n):
        y, x = members[k]
        if dropped[label[y, x]]:
            _count_only(field, regions, y, x, label[y, x])
    for r in range(1, regions.used[0]):
        refit(regions, r)


@kernel
def _is_bent(label, regions, plane, y, x):  # type: ignore[no-untyped-def]
    """Whether the line in which a cell's plane meets that of a cell beside it runs through the
    cell, so that the mean over the cell is more than BENT from both."""
    own = label[y, x]
    if not at_border(label, y, x):
        return False
    for down, right in BESIDE:
        other = label[y + down, x + right]
        if other > NONE and other != own:
            beside = plane_of(regions, other)
            bend = np.abs(beside.east - plane.east) + np.abs(beside.south - plane.south)
            over = bend / 2.0 - np.abs(height(beside, x, y) - height(plane, x, y))
            if over > 0.0 and over * over > 2.0 * BENT * bend:
                return True
    return False


@kernel
def _count_only(field, regions, y, x, r):  # type: ignore[no-untyped-def]
    """Count a cell with a region that is not fitted to it."""
    move(field, regions, y, x, NONE)
    field.label[y, x] = -1 - r


@kernel
def part_again(field, regions, room):  # type: ignore[no-untyped-def]
    """Count cells at borders with the nearest in height of the planes beside them, now that these
    are fitted without the bent cells."""
    members, moves, n = room.members, room.moves, 0
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            own = region_of(field.label[y, x])
            if own > NONE and _beside_other(field.label, y, x):
                r = _nearest_beside(field, regions, own, y, x)
                if r != own:
                    members[n, 0], members[n, 1], moves[n] = y, x, r
                    n += 1
    for k in range(n):
        _count_only(field, regions, members[k, 0], members[k, 1], moves[k])
    if n:
        for r in range(1, regions.used[0]):
            refit(regions, r)


@inlined
def _beside_other(label, y, x):  # type: ignore[no-untyped-def]
    """Whether a cell lies beside one with another label."""
    own = label[y, x]
    return (
        (label[y - 1, x] != own)
        | (label[y, x - 1] != own)
        | (label[y, x + 1] != own)
        | (label[y + 1, x] != own)
    )


@kernel
def _nearest_beside(field, regions, own, y, x):  # type: ignore[no-untyped-def]
    """Of a cell's own region and those beside it the one that is nearest in height."""
    best, least = own, -1.0
    for down, right in BESIDE:
        r = region_of(field.label[y + down, x + right])
        if r > NONE and r != own and r != best:
            if least < 0.0:
                least = np.abs(field.z[y, x] - height(plane_of(regions, own), x, y))
            away = np.abs(field.z[y, x] - height(plane_of(regions, r), x, y))
            if away < least:
                best, least = r, away
    return best


@kernel
def _mixed(field, regions, y, x):  # type: ignore[no-untyped-def]
    """The region that a free cell is counted with, since it mixes that with what lies beside it:
    at the footprint's edge, or between the heights of two planes. NONE if it is neither."""
    label, z = field.label, field.z[y, x]
    edge, best, least = False, NONE, np.inf
    low, high = np.inf, -np.inf
    for down, right in ABOUT:
        r = label[y + down, x + right]
        edge |= r == OUTSIDE
        if r > NONE:
            level = height(plane_of(regions, r), x, y)
            low, high = min(low, level), max(high, level)
            if np.abs(z - level) < least:
                best, least = r, np.abs(z - level)
    return best if edge or low - NEAR <= z <= high + NEAR else NONE


@kernel
def count_mixed(field, regions, room):  # type: ignore[no-untyped-def]
    """Count the mixed cells with the plane beside them that is nearest in height."""
    members, moves, n = room.members, room.moves, 0
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            if field.label[y, x] == NONE and field.z[y, x] < WILD:
                r = _mixed(field, regions, y, x)
                if r > NONE:
                    members[n, 0], members[n, 1], moves[n] = y, x, -1 - r
                    n += 1
    for k in range(n):
        field.label[members[k, 0], members[k, 1]] = moves[k]


@kernel
def count_holes(field, members):  # type: ignore[no-untyped-def]
    """Count cells without data with the plane that encloses them, if it is one."""
    seen = -(1 << 30)
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            if field.label[y, x] == NONE and field.z[y, x] == MISSING:
                n, around = _hole(field, members, y, x, seen)
                for k in range(n):
                    field.label[members[k, 0], members[k, 1]] = (
                        seen if around <= NONE else -1 - around
                    )
    for y in range(PAD, len(field.begin) - PAD):
        for x in range(field.begin[y], field.end[y]):
            if field.label[y, x] == seen:
                field.label[y, x] = NONE


@kernel
def _hole(field, members, y, x, seen):  # type: ignore[no-untyped-def]
    """Mark the cells without data that hang together with one. Returns how many there are, and
    the region around them: NONE if there are several, or something else."""
    members[0, 0], members[0, 1] = y, x
    field.label[y, x] = seen
    k, n, around = 0, 1, OUTSIDE
    while k < n:
        for down, right in BESIDE:
            i, j = members[k, 0] + down, members[k, 1] + right
            label = field.label[i, j]
            if label == NONE and field.z[i, j] == MISSING:
                field.label[i, j] = seen
                members[n, 0], members[n, 1] = i, j
                n += 1
            elif label != seen:
                r = max(region_of(label), NONE)
                around = r if around in (OUTSIDE, r) else NONE
        k += 1
    return n, around
